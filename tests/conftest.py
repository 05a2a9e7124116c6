"""What all tests share."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Numba notices a change in a kernel's own file only, not in the kernels that it calls: machine code
# is kept in a folder named after all of them.
_ROOT = Path(__file__).resolve().parents[1]
_KERNELS = sorted((_ROOT / "textrep").glob("*/kernels/*.py"))
_DIGEST = hashlib.sha256(b"".join(kernel.read_bytes() for kernel in _KERNELS)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", str(_ROOT / ".numba_cache" / _DIGEST))

# Threads of OpenMP, which torch computes with, wait for each other by spinning: those of two
# workers of pytest-xdist on two cores take many times as long as one each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# In a shell's background Ctrl-C is ignored, and what tests start would inherit that and never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run of a commit; a search for new ones is asked for by name
# (HYPOTHESIS_PROFILE=search).
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_finish() -> None:
    """Fifteen thousand tests are a heap that each collection of garbage would visit anew."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what tests build out of the user's cache, shared by the workers of one run."""
    if "TEXTREP_CACHE" not in os.environ:
        base = tmp_path_factory.getbasetemp()
        # Under xdist each worker has a folder of its own inside that of the run.
        shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        os.environ["TEXTREP_CACHE"] = str(shared / "textrep-cache")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]
