"""Where a comparison keeps what is done."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from textrep.comparison.journal import Journal, fingerprint
from textrep.comparison.split import Split
from textrep.comparison.task import Task

TASK = Task(
    "pets",
    ["meow", "woof", "purr"],
    np.array(["cat", "dog", "cat"]),
    (Split(np.array([0, 1]), np.array([2])),),
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path))
    return tmp_path


def test_what_an_interrupted_comparison_leaves_is_found_again():
    first = Journal("key")
    (first.job("measure") / "note").write_text("done")
    first.close(finished=False)
    second = Journal("key")
    assert second.resumes
    assert (second.job("measure", keep=True) / "note").read_text() == "done"
    # Unless it is to begin anew.
    assert not (second.job("measure") / "note").exists()
    second.close(finished=True)


def test_what_a_finished_comparison_leaves_is_nothing(cache):
    journal = Journal("key")
    journal.job("measure")
    journal.close(finished=True)
    assert list((cache / "comparisons").iterdir()) == []


def test_two_at_the_same_time_do_not_share_a_folder():
    first, second = Journal("key"), Journal("key")
    assert first.resumes
    assert not second.resumes
    assert first.folder != second.folder
    second.close(finished=False)
    assert not second.folder.exists()
    assert first.folder.exists()
    first.close(finished=True)


def test_a_cache_that_cannot_be_written_is_done_without(cache, monkeypatch):
    (cache / "file").write_text("")
    monkeypatch.setenv("TEXTREP_CACHE", str(cache / "file"))
    journal = Journal("key")
    assert not journal.resumes
    assert journal.job("measure").is_dir()
    journal.close(finished=True)


def test_a_folder_that_others_can_write_to_is_not_gone_on_from(cache, monkeypatch):
    Journal("key").close(finished=False)
    (cache / "comparisons" / "key").chmod(0o777)
    journal = Journal("key")
    assert not journal.resumes
    assert journal.folder.parent != cache / "comparisons"
    journal.close(finished=True)
    (cache / "comparisons" / "key").chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    journal = Journal("key")
    assert not journal.resumes
    journal.close(finished=True)


def test_what_nobody_came_back_to_is_forgotten(cache):
    old = cache / "comparisons" / "old"
    old.mkdir(parents=True)
    then = time.time() - 100 * 24 * 3600
    os.utime(old, (then, then))
    journal = Journal("key")
    assert not old.exists()
    journal.close(finished=True)


def test_names_of_jobs_that_look_alike_do_not_collide():
    journal = Journal(None)
    names = ["a/b", "a b", "a-b", "x" * 300, "x" * 301, "\ud800"]
    assert len({journal.job(name) for name in names}) == len(names)
    journal.close(finished=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"texts": ["meow", "woof", "Purr"]},
        {"texts": ["meo", "wwoof", "purr"]},
        {"labels": np.array(["cat", "dog", "dog"])},
        {"splits": (Split(np.array([0, 2]), np.array([1])),)},
        {"numeric": {"age": np.array([1.0, 2.0, 3.0])}},
        {"categorical": {"age": np.array(["1", "2", "3"], dtype=object)}},
    ],
    ids=["text", "border", "label", "split", "numeric", "categorical"],
)
def test_a_comparison_of_other_data_has_another_name(changed):
    assert fingerprint(replace(TASK, **changed), {}) != fingerprint(TASK, {})


def test_the_name_depends_on_the_settings_and_on_nothing_random():
    assert fingerprint(TASK, {"a": 1, "b": 2}) == fingerprint(TASK, {"b": 2, "a": 1})
    assert fingerprint(TASK, {"a": 1}) != fingerprint(TASK, {"a": 2})
