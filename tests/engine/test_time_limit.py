"""Training that may take so long and no longer, on a clock that the test moves."""

import dataclasses
import os
import signal

import pytest

from tests.engine.toys import Scripted, one_batch, sentences, tagged_batches
from textrep.engine import loop
from textrep.engine.settings import TrainingSettings

STEP_SECONDS = 10.0
SETTINGS = TrainingSettings(epochs=100, learning_rate=1.0, optimizer="sgd", max_seconds=25.0)


class Clock:
    """Stands for the module time."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    return clock


class Timed(Scripted):
    """Each step takes ten seconds; Ctrl-C is pressed in one of them."""

    def __init__(self, clock, losses=(1.0,), interrupted_in=None):
        super().__init__(losses)
        self.clock = clock
        self.interrupted_in = interrupted_in
        self.steps = 0

    def loss(self, phase, batch):
        if self.training:
            self.clock.now += STEP_SECONDS
            self.steps += 1
            if self.steps == self.interrupted_in:
                os.kill(os.getpid(), signal.SIGINT)
        return super().loss(phase, batch)


def trained(task, settings=SETTINGS, batches=None, **how):
    batches = one_batch() if batches is None else batches
    return loop.train(task, batches, settings, device="cpu", **how)


def test_training_ends_after_the_step_in_which_the_time_is_over_with_the_best_state(clock):
    task = Timed(clock, [5.0, 2.0, 3.0])
    outcome = trained(task, validation=one_batch())
    assert (outcome.stopped_early, outcome.out_of_time) == (True, True)
    assert (outcome.n_steps, outcome.n_epochs, outcome.seconds) == (3, 3, 30.0)
    assert [row["validation_loss"] for row in outcome.history] == pytest.approx([5.0, 2.0, 3.0])
    assert task.weight.item() == pytest.approx(-2.0)  # of the second epoch


def test_the_state_when_the_time_is_over_is_evaluated_in_the_middle_of_an_epoch_too(clock):
    task = Timed(clock, [4.0])
    six = tagged_batches(sentences(24), max_rows=4)
    outcome = trained(task, batches=six, validation=one_batch())
    assert (outcome.n_steps, outcome.n_epochs) == (3, 1)
    (entry,) = outcome.history
    assert (entry["epoch"], entry["validation_loss"]) == pytest.approx((0.5, 4.0))
    assert task.weight.item() == pytest.approx(-3.0)


def test_without_validation_the_last_state_is_kept(clock):
    task = Timed(clock)
    assert trained(task).stopped_early
    assert task.weight.item() == pytest.approx(-3.0)


def test_the_rate_has_fallen_when_the_time_is_over(clock):
    settings = dataclasses.replace(SETTINGS, schedule="linear", max_seconds=50.0)
    outcome = trained(Timed(clock), settings)
    rates = [row["learning_rate"] for row in outcome.history]
    assert rates == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])


def test_training_in_good_time_goes_as_without_a_limit(clock):
    settings = dataclasses.replace(SETTINGS, epochs=5, schedule="cosine", max_seconds=500.0)
    limited, free = Timed(clock), Timed(clock)
    assert not trained(limited, settings).stopped_early
    trained(free, dataclasses.replace(settings, max_seconds=None))
    assert limited.weight.item() == free.weight.item()


def test_the_time_before_an_interruption_counts(clock, tmp_path):
    path = tmp_path / "training.textrep"
    with pytest.raises(KeyboardInterrupt):
        trained(Timed(clock, interrupted_in=2), checkpoint=path)
    clock.now += 1000.0
    task = Timed(clock)
    outcome = trained(task, checkpoint=path)
    assert (task.steps, outcome.n_steps, outcome.seconds) == (1, 3, 30.0)
    assert task.weight.item() == pytest.approx(-3.0)
