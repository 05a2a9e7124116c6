"""Kernels where machine code cannot be kept, or what was kept is damaged."""

from __future__ import annotations

import errno

import numba
import numpy as np
import pytest
from numba.core import caching

from textrep.sparse.kernels.memory import kernel

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


def double(values):
    total = 0
    for value in values:
        total += 2 * value
    return total


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def test_a_kernel_works_on_a_full_disk(folder, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert kernel(double)(np.arange(4)) == 12


@pytest.mark.parametrize("length", [0, 1, 40])
def test_an_index_that_was_cut_off_is_passed_over(folder, length):
    assert kernel(double)(np.arange(4)) == 12
    (index,) = folder.rglob("*.nbi")
    index.write_bytes(index.read_bytes()[:length])
    assert kernel(double)(np.arange(4)) == 12


def test_machine_code_that_is_damaged_is_passed_over(folder):
    assert kernel(double)(np.arange(4)) == 12
    (code,) = folder.rglob("*.nbc")
    code.write_bytes(b"\x80\x04 no pickle")
    assert kernel(double)(np.arange(4)) == 12


def test_sound_machine_code_is_taken_up(folder):
    kernel(double)(np.arange(4))
    again = kernel(double)
    assert again(np.arange(4)) == 12
    assert sum(again.stats.cache_hits.values()) == 1
