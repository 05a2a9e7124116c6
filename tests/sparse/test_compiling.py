"""The message of the first call on a new installation."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from textrep.sparse import compiling
from textrep.sparse.compiling import announce_compilation, has_compiled

FIRST_CALL = """
import logging
logging.basicConfig(format="%(levelname)s %(message)s")
from textrep.sparse import CountVectorizer
vectorizer = CountVectorizer()
vectorizer.fit_transform(["the best of times"] * 100)
vectorizer.fit_transform(["the worst of times"] * 100)
"""


@pytest.mark.slow
def test_compiling_is_announced_once_an_installation(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    environment["NUMBA_CACHE_DIR"] = str(tmp_path)
    said = [
        subprocess.run(
            [sys.executable, "-c", FIRST_CALL],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        for _ in range(2)
    ]
    assert said[0].startswith("WARNING textrep: compiling the text kernels for this machine")
    assert said[0].count("compiling") == 1
    assert said[1] == ""


NO_FOLDER = (
    """
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []  # as on a read-only system without a home
"""
    + FIRST_CALL
)


@pytest.mark.slow
def test_kernels_work_where_no_folder_can_be_written_to():
    run = subprocess.run(
        [sys.executable, "-c", NO_FOLDER], capture_output=True, text=True, check=True
    )
    assert run.stderr.count("compiling") == 1
    assert "in every process" in run.stderr
    assert "NUMBA_CACHE_DIR" in run.stderr


def test_a_plain_function_needs_no_compiling():
    assert has_compiled(lambda: None)


def test_a_numba_without_the_known_innards_is_taken_as_compiled():
    class Kernel:
        signatures = ()

    assert has_compiled(Kernel())


def test_nothing_is_said_of_kernels_in_memory(caplog, monkeypatch):
    announce_compilation.cache_clear()
    monkeypatch.setattr(compiling, "has_compiled", lambda kernel: True)
    with caplog.at_level(logging.WARNING, logger="textrep"):
        announce_compilation("word")
    announce_compilation.cache_clear()
    assert caplog.text == ""
