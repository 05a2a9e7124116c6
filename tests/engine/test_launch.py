"""Two processes on this machine give what one gives."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.engine import run_toy

KINDS = ("tagger", "streams", "lonely")
TAKEN_UP = {"taken_up": "streams"}  # interrupted in mid-epoch, to be as without

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
        reason="torch is built without gloo",
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("accelerate") is None, reason="accelerate is not installed"
    ),
]

LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--standalone", "--nproc_per_node", "2"],
    "accelerate": [
        # Not --cpu, which starts one process whatever the number.
        "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
        "--num_cpu_threads_per_process", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--main_process_port", "0",
    ],
}  # fmt: skip


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_give_the_result_of_one(launcher, tmp_path, checkout):
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(checkout),
        "GLOO_SOCKET_IFNAME": "lo", "MASTER_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = subprocess.run(
        [sys.executable, "-m", *LAUNCHERS[launcher], "-m", "tests.engine.run_toy",
         ",".join(KINDS), str(tmp_path)],
        cwd=checkout, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-4000:]
    for kind in (*KINDS, *TAKEN_UP):
        run_toy.run(TAKEN_UP.get(kind, kind), tmp_path / "alone.npz")
        alone, together = (dict(np.load(tmp_path / f"{n}.npz")) for n in ("alone", kind))
        for name, value in alone.items():
            np.testing.assert_allclose(
                together[name], value, rtol=0, atol=1e-6, err_msg=f"{kind} {name}"
            )
        one, two = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("alone", kind))
        assert (one["processes"], two["processes"]) == (1, 2)
        assert two["found"] == pytest.approx(one["found"], rel=1e-5)
        assert two["stopped"] == one["stopped"]
        for ours, theirs in zip(two["history"], one["history"], strict=True):
            assert ours == pytest.approx(theirs, rel=1e-4)
