"""The parts of EncoderClassifier: windows, adapters, calibration, targets, batches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MultiLabelBinarizer

from textrep.contextual import EncoderEmbedder, MaskedLanguageModel
from textrep.contextual.encoder_classifier import starting
from textrep.contextual.encoder_classifier.calibration import (
    COOLEST,
    HOTTEST,
    best_temperature,
    negative_log_likelihood,
    probabilities,
)
from textrep.contextual.encoder_classifier.lora import SCALE, adapted, linear_names
from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.encoder_classifier.targets import Targets, read_targets, target_weights
from textrep.contextual.encoder_classifier.task import EncoderClassifierTask, target_batches
from textrep.contextual.encoder_classifier.windows import (
    cut_into_windows,
    pool_windows,
    rows_of_texts,
)
from textrep.contextual.encoders import Encoder, EncoderRow, EncoderTokenizer
from textrep.engine.batches import Share

TEXTS = ["a good film", "bad", "not so good a film, a bad one", "good good", "so bad it is"]


@pytest.fixture(scope="module")
def encoder():
    tokenizer = EncoderTokenizer.train(TEXTS * 3, vocab_size=60)
    size = {"num_layers": 2, "hidden_size": 16, "num_heads": 2}
    return Encoder.new("bert", size, tokenizer, max_length=32, seed=0, dropout=0.0)


# ---- windows


@pytest.mark.parametrize("n_tokens", [0, 6, 7, 8, 23, 24, 25])
def test_windows_cover_a_text_and_overlap(n_tokens):
    row = EncoderRow(np.arange(n_tokens + 2), np.zeros(n_tokens + 2, dtype=np.int8))
    windows = cut_into_windows(row, 1, 1, max_length=9, overlap=3, max_windows=99)
    seen = np.concatenate([window.ids for window in windows])
    assert set(seen.tolist()) == set(range(n_tokens + 2))
    assert all(len(window.ids) <= 9 and len(window.types) == len(window.ids) for window in windows)
    for before, after in itertools.pairwise(windows):
        assert len(set(before.ids[1:-1]) & set(after.ids[1:-1])) >= 3
        assert len(after.ids) == 9  # the last one too


def test_of_too_many_windows_those_that_lie_evenly_are_kept():
    row = EncoderRow(np.arange(102), np.zeros(102, dtype=np.int8))
    windows = cut_into_windows(row, 1, 1, max_length=12, overlap=0, max_windows=3)
    assert [int(window.ids[1]) for window in windows] == [1, 41, 91]


@pytest.mark.parametrize("architecture", ["bert", "xlnet"])
def test_a_text_that_fits_is_the_row_that_cutting_gives(architecture):
    tokenizer = EncoderTokenizer.train(TEXTS * 3, vocab_size=60, architecture=architecture)
    given = {"max_length": 12, "overlap": 2, "max_windows": 9}
    whole = rows_of_texts(tokenizer, [*TEXTS, "good " * 30], None, long_texts="windows", **given)
    cut = rows_of_texts(tokenizer, [*TEXTS, "good " * 30], None, **given)
    for windows, [row] in zip(whole[:-1], cut[:-1], strict=True):
        if len(windows) == 1:
            np.testing.assert_array_equal(windows[0].ids, row.ids)
    first, *others = whole[-1]
    np.testing.assert_array_equal(first.ids, cut[-1][0].ids)
    np.testing.assert_array_equal(first.types, cut[-1][0].types)
    for window in others:
        np.testing.assert_array_equal(window.types, first.types)
        assert np.isin(window.ids, tokenizer.special_ids).sum() == 2


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_windows_are_pooled_by_text(pooling):
    values, counts = torch.randn(6, 2, generator=torch.manual_seed(0)), torch.tensor([1, 3, 2])
    parts = torch.split(values, counts.tolist())
    expected = [part.mean(0) if pooling == "mean" else part.amax(0) for part in parts]
    torch.testing.assert_close(pool_windows(values, counts, pooling), torch.stack(expected))
    one_each = torch.ones(6, dtype=torch.int64)
    assert pool_windows(values, one_each, pooling) is values


# ---- adapters


def test_merged_adapters_compute_what_they_did_beside_the_weights(encoder):
    encoder = encoder.copy()
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    batch = encoder.collate(encoder.rows(TEXTS))
    with torch.no_grad(), adapted(encoder.module, 3):
        untouched = encoder.hidden(batch)
        trained = [n for n, p in encoder.module.named_parameters() if p.requires_grad]
        assert trained
        assert all("lora_" in name for name in trained)
        factors = {}
        for name, parameter in encoder.module.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
            if "lora_" in name:
                factors[name] = parameter.clone()
        beside = encoder.hidden(batch)
    with torch.no_grad():
        merged = encoder.hidden(batch)
    assert float((beside - untouched).abs().max()) > 1e-2
    torch.testing.assert_close(merged, beside, atol=1e-5, rtol=1e-5)
    after = encoder.module.state_dict()
    assert list(after) == list(before)
    assert all(parameter.requires_grad for parameter in encoder.module.parameters())
    name = linear_names(encoder.module)[0]
    a, b = (factors[f"{name}.lora_{side}.default.weight"] for side in "AB")
    expected = before[f"{name}.weight"] + SCALE * b @ a
    torch.testing.assert_close(after[f"{name}.weight"], expected, atol=1e-6, rtol=1e-6)


def test_adapters_that_are_not_wanted_change_nothing(encoder):
    names = list(encoder.module.state_dict())
    with adapted(encoder.module, None):
        assert list(encoder.module.state_dict()) == names


# ---- calibration


def test_the_temperature_of_logits_that_were_multiplied_is_found():
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, 3)) * 2
    chances = probabilities(logits, 1.0, several=False)
    labels = (random.random((4000, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    assert best_temperature(3 * logits, labels) == pytest.approx(3, rel=0.06)
    several = (random.random((4000, 3)) < probabilities(logits, 1.0, several=True)).astype("f4")
    assert best_temperature(logits / 2, several) == pytest.approx(0.5, rel=0.06)


def test_a_temperature_lowers_the_loss_and_has_bounds():
    random = np.random.default_rng(0)
    labels = random.integers(2, size=50)
    noise = random.normal(size=(50, 2)) * 5
    temperature = best_temperature(noise, labels)
    cooled = negative_log_likelihood(noise / temperature, labels)
    assert cooled < negative_log_likelihood(noise, labels)
    assert best_temperature(np.eye(2)[labels], labels) == pytest.approx(COOLEST, rel=1e-3)
    assert best_temperature(-np.eye(2)[labels], labels) == pytest.approx(HOTTEST, rel=1e-3)


# ---- targets and losses


def test_lists_of_labels_are_read_as_scikit_learn_does():
    y = [["b"], ["a", "b"], [], ("c",), {"a"}]
    found = read_targets(None, y, 5, "auto")
    binarizer = MultiLabelBinarizer()
    np.testing.assert_array_equal(found.values, binarizer.fit_transform(y))
    assert found.classes.tolist() == list(binarizer.classes_)
    assert found.in_lists
    table = read_targets(None, [[0, 1], [1, 1]], 2, "auto")
    assert not table.in_lists
    assert table.values.tolist() == [[0, 1], [1, 1]]


def test_balanced_labels_weigh_the_same_with_and_without():
    values = np.array([[1, 1], [0, 1], [0, 0], [0, 1]], dtype=np.float32)
    targets = Targets("multi-label", values, np.arange(2))
    weights = target_weights("balanced", targets)
    np.testing.assert_allclose(weights[1] * values.sum(0), [2, 2])
    np.testing.assert_allclose(weights[0] * (1 - values).sum(0), [2, 2])
    np.testing.assert_allclose(target_weights({1: 3.0}, targets), [[1, 3], [1, 3]])


def test_texts_in_many_windows_come_fewer_at_a_time(encoder):
    given = {"max_length": 8, "long_texts": "windows", "overlap": 0, "max_windows": 9}
    rows = rows_of_texts(encoder.tokenizer, [*TEXTS, "good " * 48, "bad " * 48], None, **given)
    values = np.zeros(7, dtype=np.int64)

    def sizes(max_tokens):
        chosen = np.arange(7)
        batches = target_batches(
            encoder, rows, values, chosen, max_rows=4, max_tokens=max_tokens, shuffle=False
        )
        return [len(spec) for spec in batches.plan(0)]

    assert [len(windows) for windows in rows][-2:] == [8, 8]
    assert sizes(None)[-2:] == [1, 1]  # 64 tokens each, and there may be 4 x 8
    assert sizes(1000)[-1] > 1


@pytest.mark.parametrize("problem", ["single-label", "multi-label", "regression"])
def test_the_loss_is_that_of_transformers(problem, encoder):
    from torch.nn import functional

    n_outputs = 1 if problem == "regression" else 3
    module = EncoderClassifierModule(
        encoder, n_outputs, pooling="mean", window_pooling="mean", dropout=0.0
    ).eval()
    random = np.random.default_rng(0)
    values = {
        "single-label": random.integers(3, size=5),
        "multi-label": random.integers(2, size=(5, 3)).astype(np.float32),
        "regression": random.normal(size=(5, 1)).astype(np.float32),
    }[problem]
    weights = {"single-label": np.ones(3), "multi-label": np.ones((2, 3))}.get(problem, np.ones(1))
    task = EncoderClassifierTask(module, problem, weights.astype(np.float32))
    rows = rows_of_texts(encoder.tokenizer, TEXTS, None, max_length=32)
    batches = target_batches(
        encoder, rows, values, np.arange(5), max_rows=2, max_tokens=None, shuffle=False
    )
    parts = [batches.read(spec, Share()) for spec in batches.plan(0)]
    losses = [task.loss("train", part) for part in parts]
    whole = torch.cat([module(part.texts) for part in parts])
    wanted = torch.cat([part.targets for part in parts])
    function = {
        "single-label": functional.cross_entropy,
        "multi-label": functional.binary_cross_entropy_with_logits,
        "regression": functional.mse_loss,
    }[problem]
    total, count = sum(loss.total for loss in losses), sum(loss.count for loss in losses)
    torch.testing.assert_close(total / count, function(whole, wanted))


def test_no_more_is_read_than_there_is_time_to_learn_from(monkeypatch):
    """As many characters as the constant says a second, drawn from all texts."""
    texts = [f"text {number:04d}" for number in range(1000)]
    read = []

    class Recorded(MaskedLanguageModel):
        def fit(self, X, y=None):
            read.extend(X)
            return super().fit(X)

    monkeypatch.setattr(starting, "_CHARACTERS_A_SECOND", 10)
    monkeypatch.setattr("textrep.contextual.MaskedLanguageModel", Recorded)
    EncoderEmbedder(
        size={"num_layers": 1, "hidden_size": 8},
        vocab_size=60,
        max_length=8,
        pretrain_epochs=1,
        max_seconds=100,
        device="cpu",
        random_state=0,
    ).fit(texts)
    assert 500 < sum(map(len, read)) <= 600
    assert len(set(read)) == len(read)
    assert read == sorted(read)
    assert max(read) > "text 0900"
