"""What happens to freed memory while training."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from textrep.engine import memory

needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory"
)


FAULTS = """
import resource, torch
from textrep.engine.memory import memory_kept

def faults(n_turns):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n_turns):
        torch.ones(2**21)  # 8 MB, 2,048 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with memory_kept(torch.device("cpu")):
    faults(2)
    print(faults(20))
"""


@needs_glibc
def test_tables_are_made_of_the_memory_of_those_before():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True)
    assert int(done.stdout) < 2_048, done.stderr


def test_of_other_devices_and_libraries_nothing_is_told(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: pytest.fail("told"))
    with memory.memory_kept(torch.device("meta")):
        pass
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    with memory.memory_kept(torch.device("cpu")):
        pass
