"""Interrupted training of any estimator is taken up where it stopped, and by the same one alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

pytest.importorskip("torch")

import textrep
from textrep.core.container import PersistError
from textrep.engine.batches import LengthBatches
from textrep.engine.estimator import weights_of
from textrep.engine.streams import StreamBatches

TEXTS = ["a good film", "so good", "a bad film", "so bad", "good so good", "bad so bad"] * 8
LABELS = ["pos", "pos", "neg", "neg", "pos", "neg"] * 8
OTHERS = [*TEXTS[1:], TEXTS[0]]
TINY = {"hidden_size": 4, "device": "cpu", "random_state": 0}
VECTORS = textrep.Word2Vec(vector_size=4, min_count=1, epochs=1, sample=0, random_state=0, n_jobs=2)

PAIRS = (textrep.RNNSeq2Seq, textrep.TransformerSeq2Seq)
CASES = {
    "language model": (
        textrep.RNNLanguageModel,
        {"embedding_size": 4, "num_layers": 1, "epochs": 3, "window": 8, "vary_window": True,
         "ema_decay": 0.9, "weight_decay": 0.01, "cutoffs": (2,)},
        (TEXTS,),
        {"window": 9},
    ),
    "encoder-decoder": (
        textrep.RNNSeq2Seq,
        {"embedding_size": 4, "epochs": 3, "batch_tokens": 64, "validation_fraction": 0.25},
        (TEXTS, TEXTS),
        {"batch_tokens": 32},
    ),
    "transformer": (
        textrep.TransformerSeq2Seq,
        {"num_layers": 1, "num_heads": 2, "inner_size": 8, "epochs": 3, "batch_tokens": 64,
         "vocab_size": 300, "average_last": 2, "dropout": 0.2},
        (TEXTS, TEXTS),
        {"batch_tokens": 32},
    ),
    "classifier": (
        textrep.RNNClassifier,
        {"embedding_size": 4, "epochs": 3, "batch_size": 8},
        (TEXTS, LABELS),
        {"batch_size": 4},
    ),
    "elmo": (
        textrep.ElmoEmbedder,
        {"epochs": 3, "batch_tokens": 64, "filters": ((1, 4),), "embeddings": VECTORS,
         "validation_fraction": 0.25},
        (TEXTS,),
        {"batch_tokens": 32},
    ),
    "ulmfit, pre-training": (
        textrep.UlmfitClassifier,
        {"embedding_size": 4, "vector_epochs": 0, "lm_epochs": 3, "n_streams": 2, "window": 8,
         "epochs": 3},
        (TEXTS, LABELS),
        {"window": 9},
    ),
    "ulmfit, classifier": (
        textrep.UlmfitClassifier,
        {"embedding_size": 4, "vector_epochs": 0, "lm_epochs": 0, "finetune_epochs": 0,
         "epochs": 3, "batch_size": 8},
        (TEXTS, LABELS),
        {"batch_size": 4},
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def interrupt(monkeypatch, model, data):
    """Fit, and be interrupted in the middle of the second epoch while a batch is read."""
    for kind in (LengthBatches, StreamBatches):
        monkeypatch.setattr(kind, "read", _interrupted(kind.read, kind.plan))
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data)
    monkeypatch.undo()


def _interrupted(read, plan):
    n_read: dict[int, int] = {}

    def reading(self, spec, share):
        n_read[id(self)] = n_read.get(id(self), 0) + 1
        n_batches = len(plan(self, 0))
        if n_batches > 1 and n_read[id(self)] == n_batches + max(1, n_batches // 2) + 1:
            raise KeyboardInterrupt
        return read(self, spec, share)

    return reading


def test_the_weights_are_those_of_a_training_without_interruption(case, tmp_path, monkeypatch):
    kind, params, data, _ = case
    whole = kind(**TINY, **params)
    if "embeddings" in params:  # with a checkpoint, vectors are learnt first by one thread
        whole.set_params(embeddings=clone(VECTORS).set_params(n_jobs=1))
    whole.fit(*data)
    model = kind(**TINY, **params, checkpoint=tmp_path / "training")
    interrupt(monkeypatch, model, data)
    assert list(tmp_path.iterdir())
    model.set_params(max_seconds=10_000).fit(*data)
    found, wanted = weights_of(model.module_), weights_of(whole.module_)
    assert found.keys() == wanted.keys()
    for name, weights in wanted.items():
        np.testing.assert_array_equal(found[name], weights, err_msg=name)
    assert [entry["loss"] for entry in model.history_] == [e["loss"] for e in whole.history_]
    assert list(tmp_path.iterdir()) == []


def test_another_training_is_not_taken_up(case, tmp_path, monkeypatch):
    kind, params, data, changes = case
    model = kind(**TINY, **params, checkpoint=tmp_path / "training")
    interrupt(monkeypatch, model, data)
    with pytest.raises(PersistError, match="another training"):
        kind(**TINY, **{**params, **changes}, checkpoint=tmp_path / "training").fit(*data)
    with pytest.raises(PersistError, match="another training"):
        model.fit(OTHERS, *data[1:])


def test_a_checkpoint_that_cannot_be_used_is_refused_before_any_work(case, tmp_path):
    kind, params, data, _ = case
    texts = iter(data[0])
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        kind(**TINY, **params, checkpoint=tmp_path / "no" / "training").fit(texts, *data[1:])
    model = kind(**TINY, **params, checkpoint=tmp_path / "training").set_params(random_state=None)
    with pytest.raises(ValueError, match="checkpoint needs a random_state"):
        model.fit(*data)
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_a_checkpoint_can_be_saved(case, tmp_path):
    kind, params, data, _ = case
    model = kind(**TINY, **{**params, "epochs": 1}, checkpoint=tmp_path / "training").fit(*data)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert loaded.checkpoint == str(tmp_path / "training")


def test_an_interrupted_second_fit_leaves_no_model_of_two_parts(case, monkeypatch, tmp_path):
    kind, params, data, _ = case
    model = kind(**TINY, **params).fit(*data)
    other = ["one two three four"] * 8 + ["two one two"] * 8
    labels = ["x", "y", "z", "x"] * 4 if kind not in PAIRS else other
    interrupt(monkeypatch, model, (other, *([labels] if len(data) > 1 else [])))
    if hasattr(model, "module_"):
        # A file whose parts do not fit each other is not loaded.
        loaded = textrep.load(model.save(tmp_path / "model.textrep"))
        verb = "predict_proba" if hasattr(model, "predict_proba") else "transform"
        np.testing.assert_array_equal(getattr(loaded, verb)(other), getattr(model, verb)(other))
