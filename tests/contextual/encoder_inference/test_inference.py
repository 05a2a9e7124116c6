"""Other ways to compute the same answers: near those of fp32, and nothing else changed by them."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
import torch

import textrep
from textrep.contextual import EncoderClassifier
from textrep.contextual.encoder_inference import onnx_export, switch
from textrep.contextual.encoder_inference.quantise import quantised

TEXTS = ["a good film", "bad", "not so good a film, a bad one", "good good", "so bad it is"] * 4
LABELS = [1, 0, 0, 1, 0] * 4


@pytest.fixture
def model(fitted):
    return pickle.loads(fitted)


@pytest.fixture(scope="module")
def fitted():
    classifier = EncoderClassifier(
        size={"num_layers": 1, "hidden_size": 16, "num_heads": 2},
        vocab_size=60,
        max_length=12,
        long_texts="windows",
        window_overlap=2,
        pretrain_epochs=0,
        learning_rate=1e-2,
        epochs=8,
        device="cpu",
        random_state=0,
    )
    return pickle.dumps(classifier.fit(TEXTS, LABELS))


def test_eight_bits_are_near_and_leave_the_weights_alone(model, tmp_path):
    before = {name: value.clone() for name, value in model.module_.state_dict().items()}
    plain = model.decision_function(TEXTS)
    report = model.optimise("int8", texts=TEXTS)
    assert report.chosen == model.inference_.chosen == "int8"
    rounded = model.decision_function(TEXTS)
    assert 0 < np.abs(rounded - plain).max() < 0.05 * np.abs(plain).max()
    for name, value in model.module_.state_dict().items():
        assert torch.equal(value, before[name])
    # A file, a pickle and the vectors are those of the network itself.
    for other in (
        textrep.load(model.save(tmp_path / "m.textrep")),
        pickle.loads(pickle.dumps(model)),
    ):
        np.testing.assert_array_equal(other.decision_function(TEXTS), plain)
        assert not hasattr(other, "inference_")
    model.optimise("fp32")
    np.testing.assert_array_equal(model.decision_function(TEXTS), plain)


def test_a_module_in_eight_bits_is_another_one(model):
    copied = quantised(model.module_)
    assert copied is not model.module_
    assert copied.encoder.module is copied.network
    assert type(copied.head.output) is not torch.nn.Linear
    assert type(model.module_.head.output) is torch.nn.Linear


def test_fitting_again_forgets_the_way(model):
    model.optimise("int8")
    model.fit(TEXTS, LABELS)
    assert not hasattr(model, "inference_")
    assert model._own_runner().module is model.module_


@pytest.mark.slow  # an export takes seconds, whatever is exported
def test_onnxruntime_computes_the_same_for_any_batch(model, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    texts = [*TEXTS[:5], "", "good " * 40, "bad film " * 20]  # alone, in windows, all of one length
    plain = model._outputs(texts)
    runner = switch.make_runner(model.module_, "onnx", torch.device("cpu"), tmp_path)
    np.testing.assert_allclose(model._outputs_of(model._rows(texts), runner), plain, atol=1e-5)
    for text in texts[:3]:
        alone = model._outputs_of(model._rows([text]), runner)
        np.testing.assert_allclose(alone, model._outputs([text]), atol=1e-5)
    # The file is there already: only the rounding is left to do.
    rounded = switch.make_runner(model.module_, "onnx-int8", torch.device("cpu"), tmp_path)
    found = model._outputs_of(model._rows(texts), rounded)
    assert 0 < np.abs(found - plain).max() < 0.1 * np.abs(plain).max()


def test_the_fastest_that_agrees_is_taken(model, monkeypatch):
    monkeypatch.setattr(switch, "missing_packages", lambda: ["onnx"])
    monkeypatch.setattr(switch, "cpu_has_bf16", lambda: False)
    report = model.optimise(texts=TEXTS)
    rows = {row.kind: row for row in report.measured}
    assert list(rows) == list(switch.KINDS)
    assert rows["fp32"].agreement == 1.0
    assert rows["onnx"].note == "not installed: onnx"
    assert rows["bf16"].note == "this CPU has no instructions for it"
    measured = [row for row in report.measured if row.agreement >= 0.995]
    assert report.chosen == max(measured, key=lambda row: row.texts_per_second).kind
    assert f"* {report.chosen}" in str(report)


def test_a_way_that_changes_answers_is_not_taken(model):
    rows = model._rows(TEXTS)
    runners = {
        "fp32": switch.plain_runner(model.module_, torch.device("cpu"), "fp32"),
        "int8": switch.Runner(
            "int8", lambda texts: -model.module_(texts), torch.device("cpu"), "fp32"
        ),
    }
    measured = switch._measure(runners, rows, model._outputs_of, model._same_answers)
    assert measured[1].agreement < 0.1
    assert measured[1].note == "changes too many answers"


def test_a_way_that_fails_is_not_taken(model, monkeypatch):
    monkeypatch.setattr(switch, "missing_packages", lambda: ["onnx"])

    def fails(texts):
        raise RuntimeError("no kernel\nfor this")

    monkeypatch.setattr(switch, "quantised", lambda module: fails)
    report = model.optimise(texts=TEXTS)
    [row] = [row for row in report.measured if row.kind == "int8"]
    assert row.note == "cannot be run: no kernel"
    assert report.chosen != "int8"
    with pytest.raises(RuntimeError, match="no kernel"):
        model.optimise("int8", texts=TEXTS)


def test_what_cannot_be_done_here_is_said(model, monkeypatch):
    with pytest.raises(ValueError, match="give texts"):
        model.optimise()
    with pytest.raises(ValueError, match="kind must be 'auto' or 'fp32'"):
        model.optimise("int4")
    with pytest.raises(ValueError, match="is for the CPU"):
        switch.make_runner(model.module_, "int8", torch.device("meta"), None)
    for name in ("onnx", "onnxruntime", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(onnx_export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"textrep\[onnx\]"):
        model.optimise("onnx")
