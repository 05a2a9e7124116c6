"""The estimator: what it learns, scores, and writes for transformers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone

import textrep
from textrep import PermutationLanguageModel
from textrep.contextual.permutation_lm.permutations import draw_folds
from textrep.core.container import PersistError

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 8


def model_of(**changes):
    settings = {
        "size": {"num_layers": 1, "hidden_size": 16, "num_heads": 2},
        "vocab_size": 60,
        "epochs": 2,
        "device": "cpu",
        "random_state": 0,
    }
    return PermutationLanguageModel(**{**settings, **changes})


@pytest.fixture(scope="module")
def model():
    return model_of(epochs=25, learning_rate=0.01, batch_size=4, max_length=24).fit(TEXTS)


def test_it_learns_what_comes_in_texts(model):
    losses = [entry["loss"] for entry in model.history_]
    assert losses[-1] < 0.7 * losses[0]
    assert model.score(TEXTS) > model.score(["mat the on cat sat the", "log dog a the and a"])
    assert model.perplexity(TEXTS) == pytest.approx(np.exp(-model.score(TEXTS)))


def test_a_text_scores_the_same_alone_and_among_others(model):
    texts = ["the cat sat", "a", "", "the dog sat on the log and the cat sat on the mat"]
    together = model.log_likelihoods(texts)
    alone = [model.log_likelihoods([text])[0] for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert together[2] == 0


@pytest.mark.parametrize(("n_tokens", "special"), [(9, 2), (3, 2), (6, 0), (2, 0)])
def test_folds_predict_each_token_once_and_leave_something_to_see(n_tokens, special):
    may = np.arange(n_tokens) < n_tokens - special
    folds = draw_folds(may, 4)
    places = np.concatenate([fold.places for fold in folds])
    assert sorted(places.tolist()) == np.flatnonzero(may).tolist()
    assert all(len(fold.places) < n_tokens for fold in folds)


def test_transformers_loads_it_and_computes_the_same(model, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer, XLNetLMHeadModel

    folder = tmp_path / "xlnet"
    model.save_pretrained(folder)
    loaded = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert isinstance(loaded, XLNetLMHeadModel)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "the cat sat"
    given = tokenizer(text, return_tensors="pt")
    (row,) = model.encoder_.rows([text])
    assert given["input_ids"][0].tolist() == row.ids.tolist()
    # The last token is predicted from all others, by transformers' own arguments.
    n = len(row.ids)
    total = 0.0
    for fold in draw_folds(np.arange(n) < n - 2, model.predict_every):
        blocked, mapping = torch.zeros(1, n, n), torch.zeros(1, len(fold.places), n)
        for later, place in enumerate(fold.places.tolist()):
            seen_by = [int(other) for other in fold.places[later + 1 :]]
            blocked[0, :, place] = 1
            blocked[0, seen_by, place] = 0
            mapping[0, later, place] = 1
        with torch.no_grad():
            logits = loaded(**given, perm_mask=blocked, target_mapping=mapping).logits[0]
        targets = given["input_ids"][0, fold.places]
        total += torch.log_softmax(logits, 1)[range(len(targets)), targets].sum().item()
    assert model.log_likelihoods([text])[0] == pytest.approx(total, abs=1e-4)


def test_the_head_keeps_the_weights_of_the_embedding(model, tmp_path):
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    for each in (model, loaded):
        network = each.module_.model
        embedding = network.transformer.word_embedding.weight
        assert network.lm_loss.weight.data_ptr() == embedding.data_ptr()
        assert each.encoder_.module is network.transformer
    np.testing.assert_array_equal(
        loaded.log_likelihoods(TEXTS[:3]), model.log_likelihoods(TEXTS[:3])
    )


def test_it_goes_on_from_another_and_leaves_that_as_it_was(model, tmp_path):
    before = model.log_likelihoods(TEXTS[:2])
    further = model_of(checkpoint_from=model, epochs=1, learning_rate=1e-5).fit(TEXTS)
    assert further.score(TEXTS) == pytest.approx(model.score(TEXTS), abs=0.7)
    assert further.encoder_.tokenizer.tokens == model.encoder_.tokenizer.tokens
    same = model_of(tokenizer=model.encoder_.tokenizer, epochs=1).fit(TEXTS)
    for each in (further, same):
        loaded = textrep.load(each.save(tmp_path / "model.textrep"))
        np.testing.assert_array_equal(
            loaded.log_likelihoods(TEXTS[:2]), each.log_likelihoods(TEXTS[:2])
        )
    np.testing.assert_array_equal(model.log_likelihoods(TEXTS[:2]), before)


def test_long_texts_are_read_in_parts():
    model = model_of(max_length=6, targets="last", whole_words=True, n_orders=1, epochs=1)
    model.fit(["the cat sat on the mat and the dog sat on the log"] * 3)
    rows, numbers = model._rows_of(model.encoder_, ["the cat sat on the mat", "", "a"])
    assert max(len(row.ids) for row in rows) <= 6
    assert set(numbers.tolist()) == {0, 2}


def test_rows_are_held_out_where_there_are_enough():
    model = model_of(validation_fraction=0.3, epochs=1).fit(TEXTS * 3)
    assert "validation_loss" in model.history_[0]
    assert "validation_loss" not in model_of(epochs=1).fit(TEXTS).history_[0]


def test_interrupted_training_is_taken_up_where_it_was(tmp_path, monkeypatch):
    whole = model_of(epochs=3).fit(TEXTS)
    part = model_of(epochs=3, checkpoint=tmp_path / "training")
    from textrep.contextual.permutation_lm.task import PermutationTask

    calls = []
    loss = PermutationTask.loss

    def stop(self, phase, batch):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return loss(self, phase, batch)

    monkeypatch.setattr(PermutationTask, "loss", stop)
    with pytest.raises(KeyboardInterrupt):
        part.fit(TEXTS)
    monkeypatch.setattr(PermutationTask, "loss", loss)
    other = clone(part).set_params(checkpoint_from=model_of(epochs=1, random_state=1).fit(TEXTS))
    with pytest.raises(PersistError, match="is of another training"):
        other.fit(TEXTS)
    part.fit(TEXTS)
    np.testing.assert_allclose(part.log_likelihoods(TEXTS[:3]), whole.log_likelihoods(TEXTS[:3]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": "all"}, "targets must be 'span' or 'last', got 'all'"),
        ({"predict_every": 0}, "predict_every must be an integer of at least 1"),
        ({"max_length": 2}, "max_length must be an integer of at least 3"),
        ({"size": "huge"}, "size must be"),
        ({"n_orders": 0}, "n_orders must be an integer of at least 1"),
        ({"dropout": 1.5}, "dropout"),
        ({"patience": 2, "validation_fraction": 0}, "patience=2 needs rows to watch"),
        ({"checkpoint": "x", "random_state": None}, "checkpoint needs a random_state"),
    ],
)
def test_wrong_parameters_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        model_of(**changes).fit(TEXTS)


def test_texts_without_tokens_are_refused(model):
    with pytest.raises(ValueError, match="no text of X has a token"):
        model.score(["", ""])
