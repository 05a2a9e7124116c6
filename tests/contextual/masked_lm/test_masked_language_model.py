"""The estimator: learning, filling in, scoring, and the files that others read."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

import textrep
from tests.contextual.encoders.toys import TEXTS, tokenizer_for, toy
from textrep.contextual.encoders import resolve_encoder
from textrep.contextual.masked_lm.masked_language_model import MaskedLanguageModel
from textrep.core.container import PersistError
from textrep.data.errors import DataError
from textrep.engine.batches import LengthBatches
from textrep.engine.estimator import weights_of

transformers = pytest.importorskip("transformers")

SAVED = ("bert", "albert", "distilbert", "modernbert", "roberta", "electra")
TINY = {
    "size": {"num_layers": 2, "hidden_size": 16, "num_heads": 2},
    "max_length": 24,
    "epochs": 1,
    "batch_size": 4,
    "device": "cpu",
    "random_state": 0,
}
WIDER = {"num_layers": 1, "hidden_size": 32, "num_heads": 2}


def model_for(architecture="bert", **changes):
    given = {**TINY, "tokenizer": tokenizer_for(architecture), **changes}
    return MaskedLanguageModel(architecture=architecture, **given)


def fitted(architecture="bert", **changes):
    return model_for(architecture, **changes).fit(TEXTS * 4)


def is_tied(model):
    own = model.module_.model
    shared = own.get_output_embeddings().weight is own.get_input_embeddings().weight
    return shared and model.encoder_.module is own.base_model


def same_weights(one, other):
    ours, theirs = weights_of(one.module_), weights_of(other.module_)
    return ours.keys() == theirs.keys() and all((ours[k] == theirs[k]).all() for k in ours)


@pytest.fixture(scope="module")
def learnt():
    """A model that knows what is little and what is much."""
    return model_for(size=WIDER, max_steps=200, learning_rate=0.01, dropout=0.0).fit(
        ["so much text", "so little time"] * 20
    )


def test_it_learns_what_stands_around_a_token(learnt):
    texts = ["so much text", "so little time"]
    assert learnt.score(texts) > -0.1
    assert learnt.history_[-1]["loss"] < 0.1 * learnt.history_[0]["loss"]
    assert learnt.score(["so much time"]) < learnt.score(texts) - 1
    assert learnt.history_[-1]["correct"] > 0.9


def test_masks_are_filled_in_by_what_is_likely(learnt):
    (candidates,) = learnt.fill_mask("so little [MASK]", k=3)
    assert candidates[0].token == "time"
    probabilities = [each.probability for each in candidates]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1
    several = learnt.fill_mask(["so [MASK] [MASK]", "so much [MASK]"], k=2)
    assert [len(masks) for masks in several] == [2, 1]
    assert several[1][0][0].token == "text"
    special = {learnt.encoder_.tokenizer.tokens[i] for i in learnt.encoder_.tokenizer.special_ids}
    everything = learnt.fill_mask("so much [MASK]", k=10_000)[0]
    assert not special & {each.token for each in everything}
    assert len(everything) == len(learnt.encoder_.tokenizer.ordinary_ids)


def test_masks_equal_the_pipeline_of_transformers(learnt, tmp_path):
    learnt.save_pretrained(tmp_path / "saved")
    pipeline = transformers.pipeline("fill-mask", str(tmp_path / "saved"))
    ours = learnt.fill_mask("so much [MASK]", k=3)[0]
    theirs = {each["token_str"]: each["score"] for each in pipeline("so much [MASK]", top_k=20)}
    for token, probability in ours:
        assert abs(theirs[token] - probability) < 1e-5


def test_masks_of_other_tokenizers_go_by_the_usual_name():
    model = fitted("roberta")
    assert model.fill_mask("so [MASK] text", k=1) == model.fill_mask("so <mask> text", k=1)


@pytest.mark.parametrize("architecture", ["albert", "roberta"])
def test_a_mask_stands_for_a_word_and_the_space_before_it(architecture, tmp_path):
    model = fitted(architecture)
    tokenizer = model.encoder_.tokenizer
    whole = tokenizer.pieces(["so much text"])[0]
    starts = np.flatnonzero(tokenizer.word_starts(whole))
    expected = [*whole[: starts[1]], tokenizer.mask_id, *whole[starts[2] :]]
    text = f"so {tokenizer.mask_token} text"
    assert tokenizer.pieces([text], masked=True)[0].tolist() == expected
    model.save_pretrained(tmp_path / "saved")
    fast = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert fast(text, add_special_tokens=False)["input_ids"] == expected
    again = MaskedLanguageModel.from_pretrained(tmp_path / "saved", device="cpu")
    found, own = again.fill_mask(text, k=2)[0], model.fill_mask(text, k=2)[0]
    assert [each.token for each in found] == [each.token for each in own]
    assert [each.probability for each in found] == pytest.approx([x.probability for x in own])


def test_texts_without_a_mask_that_can_be_seen_are_refused(learnt):
    with pytest.raises(ValueError, match=r"texts\[1\] has no \[MASK\]"):
        learnt.fill_mask(["so [MASK]", "so"])
    with pytest.raises(ValueError, match="behind the 24 tokens"):
        learnt.fill_mask("so " * 40 + "[MASK]")
    with pytest.raises(ValueError, match="k must be"):
        learnt.fill_mask("so [MASK]", k=0)


def test_the_score_is_that_of_hiding_by_hand(learnt):
    tokenizer = learnt.encoder_.tokenizer
    n_passes = round(1 / learnt.mask_probability)
    expected = []
    for text in TEXTS:
        ids = tokenizer.rows([text], max_length=24)[0].ids.astype(np.int64)
        places = [i for i, number in enumerate(ids) if number not in tokenizer.special_ids]
        total = 0.0
        for k in range(n_passes):
            hidden = places[k::n_passes]
            if hidden:
                seen = ids.copy()
                seen[hidden] = tokenizer.mask_id
                with torch.no_grad():
                    logits = learnt.module_.model(input_ids=torch.from_numpy(seen)[None]).logits[0]
                found = logits.log_softmax(dim=1)[hidden, ids[hidden]]
                total += float(found.sum())
        expected.append((total, len(places)))
    sums = learnt.log_likelihoods(TEXTS)
    np.testing.assert_allclose(sums, [total for total, _ in expected], rtol=1e-4)
    score = sum(total for total, _ in expected) / sum(n for _, n in expected)
    assert abs(learnt.score(TEXTS) - score) < 1e-4
    assert math.isclose(learnt.perplexity(TEXTS), math.exp(-score), rel_tol=1e-3)


def test_a_text_is_scored_the_same_alone_or_with_others(learnt):
    together = learnt.log_likelihoods([*TEXTS, "", "so " * 60])
    alone = [learnt.log_likelihoods([text])[0] for text in [*TEXTS, "", "so " * 60]]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert together[-2] == 0
    with pytest.raises(ValueError, match="nothing to score"):
        learnt.score(["", "文"])


@pytest.mark.parametrize("architecture", SAVED)
def test_transformers_loads_it_and_computes_the_same(architecture, tmp_path):
    model = fitted(architecture)
    model.save_pretrained(tmp_path / "saved")
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "saved").eval()
    fast = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    given = fast(TEXTS, padding=True, truncation=True, return_tensors="pt")
    if architecture in ("distilbert", "modernbert"):
        given.pop("token_type_ids", None)
    again = MaskedLanguageModel.from_pretrained(tmp_path / "saved", device="cpu")
    with torch.no_grad():
        expected = theirs(**given).logits
        for each in (model, again):
            batch = each.encoder_.collate(each.encoder_.rows(TEXTS))
            ours = each.module_.scores(each.module_.hidden(batch).flatten(0, 1))
            real = given["attention_mask"].bool()
            torch.testing.assert_close(
                ours.view(expected.shape)[real], expected[real], atol=1e-5, rtol=1e-5
            )
    assert is_tied(again)
    assert again.encoder_.max_length == model.encoder_.max_length == 24


@pytest.mark.parametrize(("architecture", "objective"), [("bert", "mlm+nsp"), ("albert", "auto")])
def test_pairs_are_learnt_and_saved(architecture, objective, tmp_path):
    model = fitted(architecture, objective=objective, max_length=32)
    assert model.objective_ == ("mlm+nsp" if architecture == "bert" else "mlm+sop")
    assert model.history_[-1]["masked_loss"] < model.history_[-1]["loss"]
    model.save_pretrained(tmp_path / "saved")
    theirs = transformers.AutoModelForPreTraining.from_pretrained(tmp_path / "saved")
    pooler = theirs.bert.pooler.dense if architecture == "bert" else theirs.albert.pooler
    assert torch.equal(pooler.weight, model.module_.pair_head.pooler.weight)
    plain = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "saved")
    own = model.encoder_.module.get_input_embeddings().weight
    assert torch.equal(plain.get_output_embeddings().weight, own)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert same_weights(loaded, model)
    assert loaded.module_.pair_head is not None


def test_a_pair_objective_is_learnt():
    texts = [f"{a} begins it. {a} ends it" for a in ("time", "text", "fox", "dog", "arrow")] * 8
    model = model_for(
        size=WIDER,
        objective="mlm+nsp",
        mask_probability=0.05,
        max_length=32,
        max_steps=300,
        learning_rate=0.005,
        dropout=0.0,
    ).fit(texts)
    entry = model.history_[-1]
    pair_loss = entry["loss"] - entry["masked_loss"]  # the mean over pairs, on average
    assert pair_loss < 0.4 < math.log(2)


@pytest.mark.parametrize("architecture", ["bert", "albert", "modernbert"])
def test_weights_are_tied_after_everything(architecture, tmp_path):
    model = fitted(architecture)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    for each in (model, loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert is_tied(each)
        assert same_weights(each, model)
        np.testing.assert_array_equal(each.log_likelihoods(TEXTS), model.log_likelihoods(TEXTS))
    again = clone(model).fit(TEXTS * 4)
    assert is_tied(again)
    assert same_weights(again, model)


def test_albert_has_one_layer_however_many_there_are():
    sizes = [
        sum(
            a.size
            for a in weights_of(
                fitted("albert", size={**TINY["size"], "num_layers": n}).module_
            ).values()
        )
        for n in (1, 4)
    ]
    assert sizes[0] == sizes[1]


def test_going_on_begins_with_what_was_learnt(learnt, tmp_path):
    learnt.save_pretrained(tmp_path / "saved")
    path = learnt.save(tmp_path / "model.textrep")
    before = weights_of(learnt.module_)
    before = {name: array.copy() for name, array in before.items()}
    for start in (learnt, path, str(path), tmp_path / "saved"):
        model = MaskedLanguageModel(
            checkpoint_from=start, learning_rate=1e-9, max_steps=1, device="cpu", random_state=0
        ).fit(["so much text"])
        for name, array in weights_of(model.module_).items():
            np.testing.assert_allclose(array, before[name], atol=1e-5)
        pieces = [each.encoder_.tokenizer.pieces(TEXTS)[1].tolist() for each in (model, learnt)]
        assert pieces[0] == pieces[1]
        assert model.fill_mask("so little [MASK]", k=1)[0][0].token == "time"
    assert all((before[k] == v).all() for k, v in weights_of(learnt.module_).items())


def test_going_on_from_a_bare_encoder_makes_a_new_head():
    encoder = toy()
    model = MaskedLanguageModel(
        checkpoint_from=encoder, learning_rate=1e-9, max_steps=1, device="cpu", random_state=0
    ).fit(TEXTS)
    expected = weights_of(encoder.module)
    for name, array in weights_of(model.encoder_.module).items():
        np.testing.assert_allclose(array, expected[name], atol=1e-6)
    assert resolve_encoder(model).max_length == 32
    with pytest.raises(ValueError, match="PermutationLanguageModel"):
        MaskedLanguageModel(checkpoint_from=toy("xlnet"), device="cpu").fit(TEXTS)


def test_a_checkpoint_without_vocabulary_head_is_no_masked_language_model(tmp_path):
    toy().save_pretrained(tmp_path / "saved")
    with pytest.raises(DataError, match="not in the checkpoint"):
        MaskedLanguageModel.from_pretrained(tmp_path / "saved")
    toy("xlnet").save_pretrained(tmp_path / "other")
    with pytest.raises(ValueError, match="got 'xlnet'; PermutationLanguageModel trains it"):
        MaskedLanguageModel.from_pretrained(tmp_path / "other")


@pytest.mark.parametrize("objective", ["mlm", "mlm+sop"])
def test_interrupted_training_is_taken_up(objective, tmp_path, monkeypatch):
    given = {"objective": objective, "epochs": 3, "dropout": 0.2, "validation_fraction": 0.3}
    texts = TEXTS * 14
    whole = model_for(**given).fit(texts)
    path = tmp_path / "training.ckpt"
    model = model_for(**given, checkpoint=path)
    read, calls = LengthBatches.read, []

    def stop(self, spec, share):
        calls.append(spec)
        if len(calls) == 25:
            raise KeyboardInterrupt
        return read(self, spec, share)

    monkeypatch.setattr(LengthBatches, "read", stop)
    with pytest.raises(KeyboardInterrupt):
        model.fit(texts)
    monkeypatch.undo()
    assert path.exists()
    assert not hasattr(model, "module_")
    with pytest.raises(PersistError):
        model_for(**given, checkpoint=path).fit(texts[1:])
    model.fit(texts)
    assert same_weights(model, whole)
    assert not path.exists()


def test_accumulated_batches_and_validation_and_steps():
    model = fitted(max_steps=7)
    assert model.history_[-1]["step"] == 7
    model = model_for(validation_fraction=0.4, epochs=2).fit(TEXTS * 12)
    assert all("validation_loss" in entry for entry in model.history_)
    # Too few texts would be held out to tell anything.
    assert "validation_loss" not in model_for(validation_fraction=0.4).fit(TEXTS * 4).history_[0]


def test_a_tokenizer_is_learnt_taken_or_wrapped():
    given = {**TINY, "architecture": "bert"}
    learnt = MaskedLanguageModel(**given, vocab_size=90).fit(TEXTS * 2)
    assert learnt.encoder_.tokenizer.size <= 90
    wrapped = MaskedLanguageModel(**given, tokenizer=learnt.encoder_.tokenizer.tokenizer)
    again = wrapped.fit(TEXTS * 2)
    assert again.encoder_.tokenizer.state() == learnt.encoder_.tokenizer.state()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "xlnet"}, "architecture must be"),
        ({"size": "huge"}, "size must be"),
        ({"objective": "sop"}, "objective must be"),
        ({"mask_probability": 0}, "mask_probability must be"),
        ({"mask_probability": 1.1}, "mask_probability must be"),
        ({"max_length": 5}, "max_length must be"),
        ({"packing": "yes"}, "packing must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"max_steps": 0}, "max_steps must be"),
        ({"dropout": 1.0}, "dropout"),
        ({"validation_fraction": 0.9}, "validation_fraction must be"),
        ({"patience": 2}, "needs texts to watch"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"vocab_size": 3}, "vocab_size"),
        ({"tokenizer": 3}, "tokenizer must be"),
        ({"checkpoint_from": 3}, "checkpoint must be"),
        ({"checkpoint": "x.ckpt", "random_state": None}, "needs a random_state"),
    ],
)
def test_parameters_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        MaskedLanguageModel(**{**TINY, **changes}).fit(TEXTS)


def test_next_sentences_need_two_documents():
    with pytest.raises(ValueError, match="at least two different documents"):
        model_for(objective="mlm+nsp").fit(["so much text. so little time"])


def test_a_damaged_state_is_refused(learnt, tmp_path):
    state = learnt._get_state()
    for wrong in (
        {**state, "encoder_": {}},
        {**state, "objective_": "guessing"},
        {**state, "weights": {}},
        {**state, "objective_": "mlm+nsp"},
    ):
        with pytest.raises((PersistError, ValueError)):
            clone(learnt)._set_state(wrong)
