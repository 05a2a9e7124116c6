"""The campaign tells bad ends from good ones."""

from __future__ import annotations

import contextlib
import json
import pickle
import random
import time
from pathlib import Path

import pytest

from tests.hostile.mutations import PAYLOAD, mutated, mutated_json
from tests.hostile.outcomes import outcome_of
from tests.hostile.targets import Target
from textrep.data import DataError, load_corpus


def refuse(path):
    load_corpus(path)


def refuse_namelessly(path):
    # As one that textrep raises, but of another file.
    load_corpus(path.with_name("other.csv"))


def fail_in_a_library(path):
    json.loads(path.read_bytes())


def fail_in_python(path):
    int("x")


def leave_something(path):
    path.with_name("left").write_bytes(b"")


def run(path):
    pickle.loads(path.read_bytes())


def take_memory(path):
    bytearray(1 << 62)


def take_memory_behind_an_error(path):
    try:
        take_memory(path)
    except MemoryError as error:
        raise DataError("too large", path=path) from error


def never_end(path):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (Path.read_bytes, "accepted"),
        (refuse, "refused"),
        (refuse_namelessly, "unclear"),
        (fail_in_a_library, "unclear"),
        (fail_in_python, "unclear"),
        (leave_something, "litter"),
        (run, "ran"),
        (take_memory, "memory"),
        (take_memory_behind_an_error, "memory"),
        (never_end, "hang"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_end_is_told(tmp_path, monkeypatch, read, kind):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "a.csv").write_bytes(PAYLOAD)
    target = Target("a", "a.csv", lambda folder: b"", read)
    seconds = 0.2 if kind == "hang" else 60.0
    assert outcome_of(target, folder / "a.csv", seconds).kind == kind


def test_a_case_is_made_again_from_its_number():
    data = b'{"a": [1, 2, 3], "b": {"c": "text"}}'
    for change in (mutated, mutated_json):
        made = [[change(data, random.Random(i)) for i in range(50)] for _ in range(2)]
        assert made[0] == made[1]
        assert len(set(made[0])) > 40
