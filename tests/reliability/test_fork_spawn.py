"""A fitted model in another process: a fork of one that has computed in threads, or a new one."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.reliability.other_processes import STUCK


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a fork is of no use, or not there")
def test_other_processes_give_the_same_answers_and_come_to_an_end(checkout):
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(checkout)}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.reliability.other_processes", "fork", "spawn"],
        env=environment, capture_output=True, text=True, timeout=600, cwd=checkout,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-4000:]
    found = json.loads(ended.stdout)
    here = found.pop("here")
    assert set(found) == {"a fork", "fork", "spawn", "here again"}
    for where, answers in found.items():
        assert answers != STUCK, where
        for ours, theirs in zip(answers, here, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=where)
