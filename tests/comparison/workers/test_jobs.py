"""What a worker leaves in its folder, also where the disk or somebody damaged it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from textrep.comparison.workers.jobs import (
    Answer,
    Figures,
    read_answer,
    read_failure,
    write_answer,
    write_failure,
)

ANSWER = Answer(
    Figures(0.5, 0.25, [0.1], learning_curve=[(8, 0.5)]),
    np.array([0, 1, -1], np.int32),
    np.full((3, 2), 0.5, np.float32),
)


@pytest.fixture
def folder(tmp_path):
    write_answer(tmp_path, ANSWER)
    return tmp_path


def test_an_answer_comes_back(folder):
    figures, codes, probabilities = read_answer(folder)
    assert figures == ANSWER.figures
    np.testing.assert_array_equal(codes, ANSWER.codes)
    np.testing.assert_array_equal(probabilities, ANSWER.probabilities)


@pytest.mark.parametrize("name", ["figures.json", "arrays.npz"])
def test_a_file_that_was_cut_off_is_no_answer(folder, name):
    whole = (folder / name).read_bytes()
    for length in range(0, len(whole), 1 + len(whole) // 40):
        (folder / name).write_bytes(whole[:length])
        assert read_answer(folder) is None


@pytest.mark.parametrize(
    "figures",
    [[], None, 3, "a", {"no_such": 1}, {"fit_seconds": "a"}, {"latencies": 3},
     {"latencies": [None]}, {"learning_curve": [[1]]}, {"learning_curve": [["a", "b"]]},
     {"learning_curve": [[1e400, 1]]}, {"fit_seconds": None}],
)  # fmt: skip
def test_other_figures_are_none(folder, figures):
    (folder / "figures.json").write_text(json.dumps(figures))
    assert read_answer(folder) is None


def test_json_that_is_nested_too_deep_is_no_answer(folder):
    (folder / "figures.json").write_bytes(b"[" * 100_000)
    assert read_answer(folder) is None
    (folder / "failure.json").write_bytes(b"[" * 100_000)
    assert read_failure(folder) is None


def test_arrays_of_other_kinds_are_no_answer(folder):
    for codes, probabilities in (
        (np.array([0.5]), None),
        (np.array([[1]]), None),
        (np.array([1]), np.array([0.5])),
        (np.array([1]), np.array([["a"]])),
    ):
        write_answer(folder, ANSWER._replace(codes=codes, probabilities=probabilities))
        assert read_answer(folder) is None


def test_a_failure_comes_back(tmp_path):
    write_failure(tmp_path, "ValueError: жучка")
    assert read_failure(tmp_path) == "ValueError: жучка"
    assert [path.name for path in tmp_path.iterdir()] == ["failure.json"]
