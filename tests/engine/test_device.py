from typing import NamedTuple

import pytest
import torch

from textrep.engine.device import autocast, choose_device, choose_precision, to_device

CPU = torch.device("cpu")


class Pair(NamedTuple):
    rows: torch.Tensor
    name: str


def test_auto_takes_the_best_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "cpu:x", "meta", "", None, 0])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(ValueError, match="device"):
        choose_device(device)


def test_auto_is_full_precision_on_a_cpu():
    assert choose_precision("auto", CPU) == "fp32"
    assert choose_precision("bf16", CPU) == "bf16"


@pytest.mark.parametrize("precision", ["fp16", "", None, 32])
def test_an_unknown_precision_is_refused(precision):
    with pytest.raises(ValueError, match="precision"):
        choose_precision(precision, CPU)


def test_precision_inside_does_not_depend_on_what_holds_outside():
    rows = torch.ones(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with autocast(CPU, "fp32"):
            assert (rows @ rows).dtype == torch.float32
        assert (rows @ rows).dtype == torch.bfloat16
    with autocast(CPU, "bf16"):
        assert (rows @ rows).dtype == torch.bfloat16


def test_a_batch_keeps_its_shape_when_moved():
    meta = torch.device("meta")
    rows = torch.ones(2)
    moved = to_device({"a": Pair(rows, "x"), "b": [rows, (rows, None)], "c": 3}, meta)
    assert isinstance(moved["a"], Pair)
    assert moved["a"].name == "x"
    assert moved["a"].rows.device == meta
    assert isinstance(moved["b"], list)
    assert moved["b"][1][0].device == meta
    assert moved["b"][1][1] is None
    assert moved["c"] == 3
    assert rows.device == CPU
