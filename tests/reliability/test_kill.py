"""One of two processes is killed in the middle of training."""

from tests.engine.test_launch import pytestmark  # noqa: F401  it needs gloo and accelerate
from tests.reliability.launching import assert_close, launch, program

MODEL = "Autoencoder"


def test_training_goes_on_after_a_kill_while_checkpoints_are_written(tmp_path):
    killed, alone = tmp_path / "killed", tmp_path / "alone"
    killed.mkdir()
    alone.mkdir()
    # Its own file is there but not in place; the other one may have written its own, or not.
    ended = launch("torchrun", killed, MODEL, "--keep", "--die", "written")
    assert ended.returncode != 0
    assert {path.name for path in killed.iterdir()} >= {"training", "training.1", "training.1.new"}
    ended = launch("torchrun", killed, MODEL, "--keep")
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert {path.suffix for path in killed.iterdir()} == {".npz", ".json", ".textrep"}
    program().train(MODEL, alone)
    assert_close(killed / f"{MODEL}-0.npz", alone / f"{MODEL}-0.npz", 1e-5)
    assert_close(killed / f"{MODEL}-0.npz", killed / f"{MODEL}-1.npz", 0)
