"""The copy task asks for what was read so many tokens before."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
from textrep.engine import Share

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def claims(monkeypatch):
    # Behind the packages: benchmarks/transformers.py has the name of one.
    monkeypatch.setattr("sys.path", [*sys.path, str(BENCHMARKS)])
    return importlib.import_module("sequence_claims")


@pytest.mark.parametrize("distance", [8, 16, 256])
def test_each_symbol_is_asked_for_at_its_distance(claims, distance):
    batches = claims.CopyBatches((distance,), 2, seed=0)
    batch = batches.read(batches.plan(0)[0], Share())
    for place in range(claims.N_ASKED):
        assert (batch.inputs[:, place] == batch.answers[:, place]).all()
        assert (batch.inputs[:, place + distance] == claims.FIRST_QUESTION + place).all()
    assert (batch.inputs[:, claims.N_ASKED : distance] == claims.BLANK).all()
    assert batch.inputs.shape[1] == distance + claims.N_ASKED


def test_both_readers_are_of_one_size(claims):
    sizes = [claims.n_weights(claims.CopyTask(make())) for make in claims.READERS.values()]
    assert max(sizes) < 1.02 * min(sizes)
    sizes = [claims.n_weights(task) for task in claims.timed_tasks(claims.QUICK).values()]
    assert max(sizes) < 1.05 * min(sizes)


def test_no_answer_can_be_read_from_the_questions(claims):
    tested = claims.CopyBatches((16,), 1, seed=0)
    other = claims.CopyBatches((16,), 1, seed=1)
    mine, theirs = (each.read(each.plan(0)[0], Share()) for each in (tested, other))
    assert (mine.inputs[:, 8:] == theirs.inputs[:, 8:]).all()
    assert (mine.answers != theirs.answers).any()
