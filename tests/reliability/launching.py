"""Two processes that train one of the small models of benchmarks/launched_models.py."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.test_launch import LAUNCHERS

# By its path: the folder has files with the names of packages, and must not be searched for them.
PROGRAM = Path(__file__).parents[2] / "benchmarks" / "launched_models.py"


def program() -> Any:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("launched_models", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["launched_models"] = module  # where its data classes look for their own names
    spec.loader.exec_module(module)
    return module


def launch(
    launcher: str, folder: Path, models: str, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run the program in two processes to its end, which comes whatever becomes of one of them."""
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROGRAM.parents[1]),
        "GLOO_SOCKET_IFNAME": "lo", "MASTER_ADDR": "127.0.0.1",
    }  # fmt: skip
    program = [str(PROGRAM), models, str(folder), *options]
    command = [sys.executable, "-m", *LAUNCHERS[launcher], *program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)


def assert_close(path: Path, other: Path, tolerance: float) -> None:
    """Hold what two processes ended with against each other: weights, and what the models say."""
    ours, theirs = (dict(np.load(each)) for each in (path, other))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(
            ours[name], value, rtol=tolerance, atol=tolerance, err_msg=f"{path.name} {name}"
        )
