import dataclasses
import json
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
import torch

from tests.engine import run_toy
from tests.engine.toys import (
    NextWord,
    Scripted,
    Tagger,
    one_batch,
    stream_batches,
    tagged_batches,
    weights,
)
from textrep.core import container
from textrep.core.container import PersistError
from textrep.engine import checkpoint as checkpoints
from textrep.engine import loop
from textrep.engine.loop import train
from textrep.engine.processes import Processes
from textrep.engine.settings import TrainingSettings

SETTINGS = TrainingSettings(epochs=3, learning_rate=0.05)


@pytest.fixture(autouse=True)
def _save_after_every_step(monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVE_SECONDS", 0.0)


def trained(path, task=None, settings=SETTINGS, seed=1, **how):
    task = Tagger(dropout=0.5) if task is None else task
    train(task, tagged_batches(), settings, device="cpu", seed=seed, checkpoint=path, **how)
    return weights(task)


class Stopped(Tagger):
    """Ctrl-C is pressed in the middle of a batch."""

    def __init__(self, at):
        super().__init__(dropout=0.5)
        self.at, self.calls = at, 0

    def loss(self, phase, batch):
        self.calls += 1
        if self.calls == self.at:
            os.kill(os.getpid(), signal.SIGINT)
        return super().loss(phase, batch)


def interrupted(path, at=8):
    with pytest.raises(KeyboardInterrupt):
        trained(path, Stopped(at))
    assert path.exists()


def assert_same(first, second):
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.fixture(scope="module")
def processes():
    """Where processes that have imported torch already come from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.engine.run_toy", "torch._dynamo"])
    return context


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n_batches", "step"), [("tagger", 16, 9), ("streams", 20, 20)])
def test_training_that_was_killed_ends_as_if_nothing_had_happened(
    kind, n_batches, step, tmp_path, processes
):
    run_toy.run(kind, tmp_path / "whole.npz", 0.3)
    path = tmp_path / "training.textrep"
    killed = tmp_path / "killed.npz"
    process = processes.Process(
        target=run_toy.hang, args=(kind, killed, 0.3, path, n_batches), daemon=True
    )
    process.start()
    try:
        place = wait_for_step(path, step, process)
    finally:
        process.kill()  # SIGKILL
        process.join()
    assert place["epoch"] > 0
    assert place["step_in_epoch"] > 0
    assert not killed.exists()
    run_toy.run(kind, tmp_path / "resumed.npz", 0.3, path)
    assert_same(dict(np.load(tmp_path / "whole.npz")), dict(np.load(tmp_path / "resumed.npz")))
    reports = [json.loads((tmp_path / f"{n}.json").read_text()) for n in ("whole", "resumed")]
    assert reports[0] == reports[1]
    assert not path.exists()


def wait_for_step(path, step, process):
    for _ in range(3000):
        assert process.is_alive()
        if path.exists():
            place = container.read(path).model["place"]
            if place["step"] == step:
                return place
        time.sleep(0.02)
    raise AssertionError("no checkpoint appeared")


def test_ctrl_c_finishes_the_step_and_keeps_a_checkpoint(tmp_path):
    path = tmp_path / "training.textrep"
    interrupted(path)
    assert container.read(path).model["place"]["step"] == 8
    assert_same(trained(path), trained(None))
    assert not path.exists()


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "training.textrep"
    interrupted(path)
    other = TrainingSettings(epochs=4, learning_rate=0.05)
    for how in ({"settings": other}, {"seed": 2}, {"identity": {"texts": "others"}}):
        with pytest.raises(PersistError, match="another training"):
            trained(path, **how)
    assert path.exists()


def test_averages_are_taken_up(tmp_path):
    path = tmp_path / "training.textrep"
    settings = dataclasses.replace(SETTINGS, ema_decay=0.9)
    with pytest.raises(KeyboardInterrupt):
        trained(path, Stopped(8), settings)
    assert_same(trained(path, settings=settings), trained(None, settings=settings))


class LastStep(Scripted):
    """Ctrl-C is pressed in the step that patience ends with."""

    def loss(self, phase, batch):
        if self.training and self.evaluations == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return super().loss(phase, batch)


def test_ctrl_c_in_the_last_step_is_heard_and_what_was_learnt_is_kept(tmp_path):
    path = tmp_path / "training.textrep"
    settings = dataclasses.replace(SETTINGS, epochs=9, optimizer="sgd", patience=2)

    def run(task):
        how = {"validation": one_batch(), "device": "cpu", "checkpoint": path}
        return train(task, one_batch(), settings, **how)

    with pytest.raises(KeyboardInterrupt):
        run(LastStep([1.0, 2.0]))
    again = Scripted([])  # is asked for no loss
    outcome = run(again)
    assert (outcome.n_steps, outcome.stopped_early) == (3, True)
    assert again.weight.item() == pytest.approx(-0.05)  # the first was the best
    assert not path.exists()


class Rounded(NextWord):
    """Carries a state in half precision, of which NumPy knows nothing."""

    def loss(self, phase, batch):
        if self.carried:
            assert self.carried["state"].dtype == torch.bfloat16
            self.carried = {"state": self.carried["state"].float()}
        found = super().loss(phase, batch)
        self.carried = {"state": self.carried["state"].bfloat16()}
        return found


def test_state_in_half_precision_is_taken_up(tmp_path, monkeypatch):
    path = tmp_path / "training.textrep"

    def run(path):
        task = Rounded(4)
        train(task, stream_batches(), SETTINGS, device="cpu", checkpoint=path)
        return weights(task)

    whole = run(None)
    step = loop._Run._step

    def interrupted(self, *how):
        if self._place.step == 5:
            raise KeyboardInterrupt
        return step(self, *how)

    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(path)
    assert_same(run(path), whole)


class OneOfTwo(Processes):
    """The first of two processes; the other can write, and has files of these steps."""

    other = (None, None)

    @property
    def alone(self):
        return False

    def gather(self, value):
        return [value, value if isinstance(value, bool) else list(self.other)]


@pytest.fixture
def _two_processes(monkeypatch):
    monkeypatch.setattr(loop, "Processes", OneOfTwo)
    monkeypatch.setattr(Processes, "sum_gradients", lambda _, parameters, *further: [*further])


@pytest.mark.usefixtures("_two_processes")
@pytest.mark.parametrize(("own", "other"), [(8, 7), (8, None), (None, 8)])
def test_processes_that_stopped_at_different_steps_are_refused(own, other, tmp_path, monkeypatch):
    path = tmp_path / "training.textrep"
    if own is not None:
        interrupted(path, own)
    monkeypatch.setattr(OneOfTwo, "other", (other, None))
    told = ", ".join("none" if step is None else str(step) for step in (own, other))
    with pytest.raises(PersistError, match=rf"different steps \({told}\)"):
        trained(path)
    assert path.exists() == (own is not None)
    monkeypatch.setattr(OneOfTwo, "other", (own, None))
    trained(path)


@pytest.mark.usefixtures("_two_processes")
@pytest.mark.parametrize(("other", "step"), [((7, 8), 8), ((8, None), 8), ((7, None), 7)])
def test_what_is_taken_up_is_the_last_step_of_which_all_processes_have_a_file(
    other, step, tmp_path, monkeypatch
):
    path = tmp_path / "training.textrep"
    # Killed between the two: the first has both, and so may the other have.
    interrupted(path, 8)
    path.rename(tmp_path / "training.textrep.new")
    monkeypatch.setattr(OneOfTwo, "other", (None, None))
    interrupted(tmp_path / "before.textrep", 7)
    (tmp_path / "before.textrep").rename(path)
    monkeypatch.setattr(OneOfTwo, "other", other)
    begun = []
    resume = loop._Run._resume

    def noted(self, checkpoint):
        resume(self, checkpoint)
        begun.append(self._place.step)

    monkeypatch.setattr(loop._Run, "_resume", noted)
    trained(path)
    assert begun == [step]
    assert not path.exists()
    assert not (tmp_path / "training.textrep.new").exists()


@pytest.mark.usefixtures("_two_processes")
def test_a_first_checkpoint_that_not_all_processes_wrote_is_none(tmp_path, monkeypatch):
    path = tmp_path / "training.textrep"
    interrupted(path)
    path.rename(tmp_path / "training.textrep.new")
    found = trained(path)
    assert_same(found, trained(None))


def test_a_checkpoint_of_another_number_of_processes_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "training.textrep"
    interrupted(path)
    monkeypatch.setattr(loop, "Processes", OneOfTwo)
    with pytest.raises(PersistError, match="another training"):
        trained(path)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "training.textrep"
    interrupted(path)
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0xFF
    for wrong in (data[: len(data) // 2], bytes(flipped), b"", b"not a checkpoint"):
        path.write_bytes(wrong)
        with pytest.raises(PersistError, match="training"):
            trained(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "model.textrep"
    container.write(path, container.Contents({"kind": "textrep", "class": "textrep.sparse.Any"}))
    with pytest.raises(PersistError, match="no interrupted training"):
        trained(path)


def test_a_full_disk_is_a_warning_and_training_goes_on(tmp_path, monkeypatch):
    def full(path, contents):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(container, "write", full)
    with pytest.warns(UserWarning, match="cannot be written.*No space left"):
        found = trained(tmp_path / "training.textrep")
    assert_same(found, trained(None))


def test_a_file_that_cannot_be_removed_is_a_warning_and_the_training_is_kept(tmp_path, monkeypatch):
    def refused(path, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints.Path, "unlink", refused)
    with pytest.warns(UserWarning, match="cannot be removed.*Permission denied"):
        found = trained(tmp_path / "training.textrep")
    assert_same(found, trained(None))


def test_a_folder_without_the_right_to_write_is_an_error_before_training(tmp_path, monkeypatch):
    # Not by chmod: who runs the tests as root may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    task = Stopped(1)
    with pytest.raises(PermissionError, match="no right to write"):
        trained(tmp_path / "training.textrep", task)
    assert task.calls == 0


def test_a_folder_that_is_not_there_is_an_error_before_training(tmp_path):
    task = Stopped(1)
    with pytest.raises(OSError, match="missing"):
        trained(tmp_path / "missing" / "training.textrep", task)
    assert task.calls == 0
