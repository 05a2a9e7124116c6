"""What happens to freed memory while training."""

from __future__ import annotations

import contextlib
import platform

import pytest
import torch

from textrep.engine import memory


class Library:
    """Stands for the C library, and remembers what it was told."""

    def __init__(self):
        self.told = []

    def mallopt(self, parameter, value):
        self.told.append((parameter, value))

    def malloc_trim(self, keep):
        self.told.append("trim")


@pytest.mark.parametrize("fails", [False, True])
def test_memory_is_kept_inside_and_given_back_afterwards(monkeypatch, fails):
    library = Library()
    monkeypatch.setattr(memory, "_glibc", lambda: library)
    with contextlib.suppress(ZeroDivisionError), memory.memory_kept(torch.device("cpu")):
        inside = dict(library.told)
        library.told.clear()
        if fails:
            raise ZeroDivisionError
    # Of malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, the last at most 32 MB.
    assert inside == {-1: 2**31 - 1, -2: 64 * 2**20, -3: 32 * 2**20}
    assert library.told == [(-1, 64 * 2**20), (-2, 0), (-3, 32 * 2**20), "trim"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_glibc_takes_what_it_is_told():
    library = memory._glibc()
    assert library is not None
    for parameter, value in memory._AFTERWARDS.items():
        assert library.mallopt(parameter, value) == 1


def test_of_other_devices_and_libraries_nothing_is_told(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: pytest.fail("told"))
    with memory.memory_kept(torch.device("meta")):
        pass
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    with memory.memory_kept(torch.device("cpu")):
        pass
