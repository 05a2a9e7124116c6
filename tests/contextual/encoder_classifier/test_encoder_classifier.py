"""EncoderClassifier: what it learns, what must not matter to it, what stays as it was."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import textrep
from textrep.contextual import EncoderClassifier
from textrep.contextual.encoder_classifier.layer_rates import (
    encoder_levels,
    frozen_parameters,
    trained_groups,
)
from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.encoders import ARCHITECTURES, Encoder, EncoderTokenizer
from textrep.core.persist import PersistError

TEXTS = ["a good film", "bad", "not so good a film, a bad one", "good good", "so bad it is"] * 4
LABELS = [1, 0, 0, 1, 0] * 4
UNSEEN = ["", "zzz", "zzz yyy xxx", "\ud800", "good " * 30]
SIZE = {"num_layers": 2, "hidden_size": 16, "num_heads": 2}


def small(**parameters):
    given = {
        "size": SIZE,
        "vocab_size": 60,
        "max_length": 16,
        "pretrain_epochs": 0,
        "epochs": 2,
        "device": "cpu",
        "random_state": 0,
    }
    return EncoderClassifier(**(given | parameters))


@pytest.fixture(scope="module")
def tokenizer():
    return EncoderTokenizer.train(TEXTS, vocab_size=60)


@pytest.fixture(scope="module")
def fitted():
    return small().fit(TEXTS, LABELS)


def encoder_of(architecture, tokenizer, **changes):
    return Encoder.new(architecture, SIZE, tokenizer, max_length=16, seed=1, **changes)


# ---- what it learns


def test_the_order_of_words_is_learnt():
    random = np.random.default_rng(0)
    labels = random.integers(2, size=300)
    fillers = random.integers(4, size=(300, 2))
    texts = [
        f"w{a} {'not good' if label else 'good not'} w{b}"
        for label, (a, b) in zip(labels, fillers, strict=True)
    ]
    model = small(epochs=10, learning_rate=5e-3, validation_fraction=0).fit(
        texts[:240], labels[:240]
    )
    assert model.score(texts[240:], labels[240:]) > 0.9  # a bag of words gets half of them right


@pytest.mark.parametrize("labels", [LABELS, [bool(y) for y in LABELS], [f"c{y}" for y in LABELS]])
def test_labels_keep_their_type(labels):
    model = small(epochs=1).fit(TEXTS, labels)
    assert model.classes_.tolist() == sorted(set(labels))
    assert type(model.predict(TEXTS[:1]).tolist()[0]) is type(labels[0])


def test_class_weights_move_the_answers():
    plain = small(learning_rate=5e-3, epochs=10).fit(TEXTS, LABELS)
    heavy = small(learning_rate=5e-3, epochs=10, class_weight={1: 50}).fit(TEXTS, LABELS)
    assert heavy.predict_proba(TEXTS)[:, 1].mean() > plain.predict_proba(TEXTS)[:, 1].mean() + 0.05


def test_quantities_are_predicted():
    random = np.random.default_rng(0)
    counts = random.integers(0, 6, size=200)
    texts = [" ".join(["good"] * n + ["film"] * int(random.integers(1, 4))) for n in counts]
    y = 100.0 + 10.0 * counts
    model = small(problem="regression", epochs=25, learning_rate=5e-3)
    model.fit(texts[:160], y[:160])
    assert model.score(texts[160:], y[160:]) > 0.8
    assert model.predict(texts[:2]).shape == (2,)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "classes_")


LISTS = [["good", "film"], ["bad"], ["good", "bad"], ["good"], []] * 4


def test_several_labels_come_back_in_the_form_they_came_in():
    texts = [" and ".join(labels) or "nothing" for labels in LISTS]
    given = {"epochs": 120, "dropout": 0, "learning_rate": 1e-2, "validation_fraction": 0}
    model = small(**given).fit(texts, LISTS)
    assert model.problem_ == "multi-label"
    assert model.classes_.tolist() == ["bad", "film", "good"]
    assert [set(labels) for labels in model.predict(texts[:5])] == [set(x) for x in LISTS[:5]]
    assert model.score(texts, LISTS) == 1.0
    assert model.predict_proba(texts).shape == model.decision_function(texts).shape == (20, 3)
    table = np.array([[name in labels for name in model.classes_] for labels in LISTS], dtype=int)
    other = small(**given, class_weight="balanced").fit(texts, table)
    np.testing.assert_array_equal(other.predict(texts), table)
    assert other.score(texts, table) == 1.0
    assert other.classes_.tolist() == [0, 1, 2]
    half = [*LISTS[:10], *([["other"]] * 10)]
    assert model.score(texts, half) == 0.5
    for wrong, message in (
        (LISTS[:3], "y has 3 items"), (["good"] * 20, r"y\[0\] is 'good'"), (None, "y is None"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            model.score(texts, wrong)
    with pytest.raises(ValueError, match="y has 2 columns, but fit has seen 3"):
        other.score(texts, table[:, :2])


PAIRS = [("good film", "good one"), ("bad film", "good one"), ("bad", "bad")] * 6


def test_pairs_come_as_tuples_or_as_two_columns():
    labels = ["same", "other", "same"] * 6
    first = small().fit(PAIRS, labels)
    frame = pd.DataFrame(PAIRS, columns=["a", "b"])
    second = small().fit(frame, labels)
    np.testing.assert_array_equal(first.predict_proba(PAIRS), second.predict_proba(frame))
    turned = [(b, a) for a, b in PAIRS]
    assert np.abs(first.predict_proba(turned) - first.predict_proba(PAIRS)).max() > 0
    with pytest.raises(ValueError, match="fit has seen pairs of texts, but X holds single texts"):
        first.predict(["good film"])
    with pytest.raises(ValueError, match=r"X\[1\] is 'good', but X\[0\] is a pair"):
        first.predict([("good", "film"), "good"])
    with pytest.raises(ValueError, match="long_texts='windows' is for single texts"):
        small(long_texts="windows").fit(PAIRS, labels)


@pytest.fixture(scope="module")
def noisy():
    """Texts of which a third have another label than they seem to have: half are held out."""
    random = np.random.default_rng(0)
    seeming = random.integers(2, size=80)
    texts = [f"{'good' if y else 'bad'} w{i % 9}" for i, y in enumerate(seeming)]
    return texts, np.where(random.random(80) < 1 / 3, 1 - seeming, seeming).tolist()


def test_the_epoch_that_was_best_on_texts_held_out_is_kept(noisy):
    given = {"validation_fraction": 0.5, "epochs": 40, "learning_rate": 2e-2}
    model = small(**given, patience=3).fit(*noisy)
    losses = [entry["validation_loss"] for entry in model.history_]
    assert model.stopped_early_
    assert not model.out_of_time_
    assert len(losses) - 1 - int(np.argmin(losses)) == 3
    held_out = small(**(given | {"epochs": 1}))  # the same texts, as the seed is
    seen = []
    held_out._temperature = lambda rows, targets, numbers: seen.append(numbers) or 1.0
    held_out.fit(*noisy)
    texts, labels = (np.array(values)[seen[0]] for values in noisy)
    logits = model.predict_log_proba(texts.tolist()) * model.temperature_
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = -np.log(chances[np.arange(len(labels)), labels]).mean()
    assert found == pytest.approx(min(losses), abs=1e-5)


def test_calibration_changes_how_sure_answers_are_but_no_answer(noisy):
    given = {"validation_fraction": 0.5, "epochs": 15, "learning_rate": 1e-2}
    plain = small(**given, calibrate=False).fit(*noisy)
    model = small(**given).fit(*noisy)
    assert plain.temperature_ == 1.0
    assert model.temperature_ != 1.0
    texts, _ = noisy
    scores = model.decision_function(texts)
    np.testing.assert_array_equal(scores, plain.decision_function(texts))
    np.testing.assert_array_equal(model.predict(texts), plain.predict(texts))
    found = model.predict_proba(texts)[:, 1]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-scores / model.temperature_)), atol=1e-6)


# ---- what must not matter


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"roberta"}))
@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_a_text_has_the_same_answer_alone_and_among_others(architecture, pooling):
    model = small(architecture=architecture, pooling=pooling, epochs=1).fit(TEXTS, LABELS)
    texts = [*TEXTS[:5], *UNSEEN]
    together = model.decision_function(texts)
    alone = np.concatenate([model.decision_function([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_windows_of_short_texts_change_nothing(fitted):
    model = small(long_texts="windows", window_overlap=2).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_a_long_text_says_the_mean_of_its_windows():
    texts = ["good film " * 9 + "bad " * 10, "bad"]
    for pooling, together in (("mean", np.mean), ("max", np.max)):
        model = small(long_texts="windows", window_overlap=4, window_pooling=pooling, pooling="cls")
        model.fit([*TEXTS, texts[0]], [*LABELS, 0])
        rows = model._rows(texts)
        assert [len(windows) for windows in rows] == [3, 1]
        with torch.no_grad():
            of_windows = model.module_.of_windows(model.encoder_.collate(rows[0])).numpy()
        np.testing.assert_allclose(
            model._outputs(texts)[0], together(of_windows, axis=0), atol=1e-6
        )


def test_seeds_decide_everything_and_nothing_else_does(fitted):
    state = torch.random.get_rng_state()
    again = small().fit(TEXTS, LABELS)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert torch.equal(state, torch.random.get_rng_state())
    other = small(random_state=1).fit(TEXTS, LABELS)
    assert np.abs(other.predict_proba(TEXTS) - fitted.predict_proba(TEXTS)).max() > 1e-4


# ---- where it starts, and which layers are trained


def test_a_given_encoder_is_left_as_it_was(tokenizer):
    encoder = encoder_of("bert", tokenizer)
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    model = small(checkpoint=encoder, learning_rate=1e-2).fit(TEXTS, LABELS)
    for name, value in encoder.module.state_dict().items():
        assert torch.equal(value, before[name])
    assert clone(model).checkpoint is encoder
    assert model.encoder_.tokenizer.tokens == tokenizer.tokens
    further = small(checkpoint=model).fit(TEXTS, LABELS)
    assert clone(further).checkpoint is model


def test_a_folder_of_a_published_encoder_is_taken_up(tokenizer, tmp_path):
    encoder = encoder_of("bert", tokenizer)
    encoder.save_pretrained(tmp_path / "published")
    given = small(checkpoint=encoder, pooling="cls", learning_rate=1e-4).fit(TEXTS, LABELS)
    found = small(checkpoint=str(tmp_path / "published")).fit(TEXTS, LABELS)
    assert found.pooling_ == "cls"
    np.testing.assert_allclose(found.predict_proba(TEXTS), given.predict_proba(TEXTS), atol=1e-6)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "modernbert", "xlnet", "electra"])
def test_frozen_layers_stay_bitwise_and_others_do_not(architecture, tokenizer):
    encoder = encoder_of(architecture, tokenizer)
    model = small(checkpoint=encoder, freeze_layers=1, learning_rate=1e-2).fit(TEXTS, LABELS)
    before, after = encoder_levels(encoder.module), encoder_levels(model.module_.network)
    assert [level.name for level in after] == ["embeddings", "layer 0", "layer 1"]
    for old, new in zip(before[:2], after[:2], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(old.parameters, new.parameters, strict=True))
    changed = [
        not torch.equal(a, b)
        for a, b in zip(before[2].parameters, after[2].parameters, strict=True)
    ]
    assert np.mean(changed) > 0.5  # biases of keys have no gradient
    assert all(parameter.requires_grad for parameter in model.module_.parameters())


def test_rates_fall_from_the_head_to_the_embeddings(tokenizer):
    module = EncoderClassifierModule(
        encoder_of("bert", tokenizer), 2, pooling="cls", window_pooling="mean", dropout=0.0
    )
    groups = trained_groups(module, 0.5)
    assert [(group.name, group.lr_factor) for group in groups] == [
        ("embeddings", 0.125),
        ("layer 0", 0.25),
        ("layer 1", 0.5),
        ("head", 1.0),
    ]
    everything = [parameter for group in groups for parameter in group.parameters]
    assert len(everything) == len({id(p) for p in everything}) == len(list(module.parameters()))
    for parameter in frozen_parameters(module.network, 0):
        parameter.requires_grad_(False)
    assert [group.name for group in trained_groups(module, 0.5)] == ["layer 0", "layer 1", "head"]


@pytest.mark.parametrize("architecture", ["bert", "xlnet"])
def test_pre_training_comes_first_and_is_told_apart(architecture):
    model = small(architecture=architecture, pretrain_epochs=1, pretrain_on=["much more"] * 20)
    model.fit(TEXTS, LABELS)
    stages = [entry["stage"] for entry in model.history_]
    assert stages == ["pre-training", "fine-tuning", "fine-tuning"]
    assert any("h" in token for token in model.encoder_.tokenizer.tokens)  # of "much" alone
    scratch = small(architecture=architecture, pretrain_on=["much more"] * 20).fit(TEXTS, LABELS)
    assert "stage" not in scratch.history_[0]
    assert np.abs(scratch.predict_proba(TEXTS) - model.predict_proba(TEXTS)).max() > 1e-5


def test_a_given_encoder_is_pre_trained_further_where_there_are_texts_for_it(tokenizer, tmp_path):
    encoder_of("bert", tokenizer).save_pretrained(tmp_path / "published")
    given = {"checkpoint": tmp_path / "published", "learning_rate": 1e-9, "pooling": "cls"}
    further = small(**given, pretrain_epochs=2, pretrain_on=TEXTS).fit(TEXTS, LABELS)
    assert [entry["stage"] for entry in further.history_][:2] == ["pre-training"] * 2
    assert further.encoder_.tokenizer.tokens == tokenizer.tokens
    plain = small(**given, pretrain_epochs=2).fit(TEXTS, LABELS)
    assert np.abs(further.transform(TEXTS) - plain.transform(TEXTS)).max() > 1e-5


def test_adapters_become_part_of_plain_weights(tokenizer, tmp_path):
    encoder = encoder_of("bert", tokenizer)
    model = small(checkpoint=encoder, lora_rank=2, learning_rate=1e-2).fit(TEXTS, LABELS)
    before, after = encoder.module.state_dict(), model.module_.network.state_dict()
    assert list(after) == list(before)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("encoder.layer.") and "weight" in name for name in changed)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_a_time_limit_ends_training_with_a_model():
    given = {"epochs": 1000, "pretrain_epochs": 1000, "max_seconds": 0.5}
    model = small(**given).fit(TEXTS, LABELS)
    assert model.out_of_time_
    assert {entry["stage"] for entry in model.history_} == {"pre-training", "fine-tuning"}


# ---- saving


def test_files_and_pickles_answer_the_same_and_hold_the_encoder(fitted, tmp_path, tokenizer):
    model = small(checkpoint=encoder_of("bert", tokenizer)).fit(TEXTS, LABELS)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert loaded.checkpoint is None
    for other in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict_proba(TEXTS), model.predict_proba(TEXTS))
        assert other.module_.network is other.encoder_.module
        np.testing.assert_array_equal(other.transform(TEXTS), model.transform(TEXTS))
    assert model.transform(TEXTS[:3]).shape == (3, 16)
    assert model.transform(TEXTS[:3]).dtype == np.float32
    state = fitted._get_state()
    state.pop("encoder")
    with pytest.raises(PersistError, match="comes with weights"):
        small()._set_state(state)


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"roberta"}))
def test_transformers_loads_what_is_saved_and_computes_the_same(architecture, tokenizer, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    given = {"architecture": architecture, "pooling": "cls", "learning_rate": 1e-2}
    model = small(**given).fit(TEXTS, [f"c{y}" for y in LABELS])
    model.save_pretrained(tmp_path / "folder")
    other = AutoModelForSequenceClassification.from_pretrained(tmp_path / "folder").eval()
    read = AutoTokenizer.from_pretrained(tmp_path / "folder")
    batch = read(TEXTS[:5], padding=True, truncation=True, max_length=16, return_tensors="pt")
    with torch.no_grad():
        logits = other(**batch).logits.numpy()
    np.testing.assert_allclose(logits, model._outputs(TEXTS[:5]), atol=1e-5)
    assert other.config.id2label == {0: "c0", 1: "c1"}
    # The encoder in it is one to start from again.
    assert small(checkpoint=tmp_path / "folder").fit(TEXTS, LABELS).pooling_ == "cls"


def test_what_transformers_would_compute_otherwise_is_not_written(tmp_path):
    fitted = small(architecture="bert").fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="pooling='mean': the classifier of transformers"):
        fitted.save_pretrained(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_interrupted_training_is_taken_up(tmp_path, monkeypatch):
    from textrep.contextual.encoder_classifier.task import EncoderClassifierTask

    plain = small(epochs=4).fit(TEXTS, LABELS)
    model = small(epochs=4, training_checkpoint=tmp_path / "state")
    calls, whole = [], EncoderClassifierTask.loss

    def interrupted(self, phase, batch):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, phase, batch)

    monkeypatch.setattr(EncoderClassifierTask, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(TEXTS, LABELS)
    assert (tmp_path / "state").exists()
    monkeypatch.setattr(EncoderClassifierTask, "loss", whole)
    model.fit(TEXTS, LABELS)
    np.testing.assert_allclose(model.predict_proba(TEXTS), plain.predict_proba(TEXTS), atol=1e-7)
    assert not (tmp_path / "state").exists()


# ---- what is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": "huge"}, "size must be 'tiny'"),
        ({"architecture": "gpt"}, "architecture must be 'bert'"),
        ({"pooling": "sum"}, "pooling must be"),
        ({"problem": "ranking"}, "problem must be"),
        ({"long_texts": "all"}, "long_texts must be"),
        ({"freeze_layers": 3}, "freeze_layers=3, but the encoder has 2 layers"),
        ({"freeze_layers": -1}, "freeze_layers must be an integer of at least 0"),
        ({"lora_rank": 0}, "lora_rank must be an integer of at least 1"),
        ({"lora_rank": 2, "freeze_layers": 1}, "leave one of them None"),
        ({"layer_decay": 0}, "layer_decay must be a finite number above 0"),
        ({"learning_rate": "high"}, "learning_rate must be 'auto'"),
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0"),
        ({"pretrain_epochs": -1}, "pretrain_epochs must be an integer of at least 0"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"patience": 2, "validation_fraction": 0}, "patience=2 needs texts to watch"),
        ({"class_weight": {7: 2.0}}, "class_weight must be None, 'balanced' or a dict"),
        ({"class_weight": "even"}, "class_weight must be None, 'balanced' or a dict"),
        ({"pretrain_on": "one text"}, "pretrain_on is a single str"),
        ({"checkpoint": 3}, "checkpoint must be a folder"),
        ({"training_checkpoint": "x", "random_state": None}, "training_checkpoint needs"),
        ({"long_texts": "windows", "window_overlap": 14}, "window_overlap=14 leaves no room"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit([*TEXTS, "good " * 40], [*LABELS, 0])


@pytest.mark.parametrize(
    ("y", "problem", "message"),
    [
        (None, "auto", "requires y to be passed"),
        ([1] * 20, "auto", "only 1 class"),
        ([0.5, 1.5] * 10, "auto", "set problem='regression'"),
        ([1, 2], "auto", "y has 2 items"),
        (["a"] * 20, "regression", r"y\[0\] is 'a'; .* finite number"),
        ([np.nan] * 20, "regression", r"y\[0\] is nan"),
        ([1.0], "regression", "y has 1 numbers"),
        ([1e300] * 20, "regression", r"y\[0\] is 1e\+300"),
        ([10**400] * 20, "regression", r"y\[0\] is 1000"),
        ([np.inf] * 20, "regression", r"y\[0\] is inf"),
        (np.zeros((20, 0), dtype=int), "multi-label", "without columns"),
        (None, "regression", "y is None"),
        ([[]] * 20, "multi-label", "without a label"),
        ([["a"]] * 3, "auto", "y has 3 items"),
        ([["a"], "b"] * 10, "auto", r"y\[1\] is 'b'"),
        ([["a"], [1]] * 10, "auto", "mixes types"),
        (np.full((20, 3), 2), "auto", "other values than 0 and 1"),
        (np.zeros((3, 3)), "auto", "y has 3 rows"),
    ],
)
def test_targets_that_cannot_be_learnt_are_refused(y, problem, message):
    with pytest.raises(ValueError, match=message):
        small(problem=problem).fit(TEXTS, y)


def test_weights_of_quantities_are_refused():
    with pytest.raises(ValueError, match="quantities have no classes"):
        small(problem="regression", class_weight="balanced").fit(TEXTS, np.arange(20.0))
