"""A model of each room, trained in two processes that a launcher starts."""

import json
import os
import subprocess
import sys

import textrep
from tests.engine.test_launch import pytestmark  # noqa: F401  it needs gloo and accelerate
from tests.reliability.launching import assert_close, launch, program

EXACT = ("GPT", "EncoderClassifier", "Autoencoder", "ChoraleModel")
WITH_NOISE = ("GAN",)


def test_two_processes_end_alike_and_as_one_does(tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    together.mkdir()
    alone.mkdir()
    ended = launch("accelerate", together, ",".join(EXACT + WITH_NOISE))
    assert ended.returncode == 0, ended.stderr[-4000:]
    for name in EXACT + WITH_NOISE:
        assert json.loads((together / f"{name}-1.json").read_text())["processes"] == 2
        assert_close(together / f"{name}-0.npz", together / f"{name}-1.npz", 0)
        textrep.load(together / f"{name}.textrep")  # which both have written
    train = program().train
    for name in EXACT:
        train(name, alone)
        assert_close(together / f"{name}-0.npz", alone / f"{name}-0.npz", 1e-5)


REFUSED = """
import numpy, textrep
for call in (
    lambda: textrep.Autoencoder(device="cpu").fit(numpy.zeros((4, 1, 8, 8), "float32")),
    lambda: textrep.compare(["a"] * 4, ["x", "y"] * 2, methods=["majority"]),
):
    try:
        call()
    except ValueError as error:
        print(error)
"""


def test_what_cannot_be_done_in_several_processes_says_so(checkout):
    environment = {**os.environ, "WORLD_SIZE": "2", "RANK": "0", "PYTHONPATH": str(checkout)}
    ended = subprocess.run(
        [sys.executable, "-c", REFUSED],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    seed, comparison = ended.stdout.splitlines()
    assert "random_state is None" in seed
    assert "without torchrun" in comparison
