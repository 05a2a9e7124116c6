"""The mean of the weights at the last evaluations."""

import numpy as np
import pytest
import torch

from tests.engine.toys import Scripted, one_batch
from textrep.core.container import read
from textrep.engine import checkpoint as checkpoints
from textrep.engine.averaging import RecentAverage
from textrep.engine.loop import train
from textrep.engine.settings import TrainingSettings


def settings(epochs, **changes):
    return TrainingSettings(epochs=epochs, learning_rate=1.0, optimizer="sgd", **changes)


def trained(task, how, **options):
    return train(task, one_batch(), how, device="cpu", **options)


@pytest.mark.parametrize(
    ("epochs", "most", "expected"),
    # After each epoch the weight is less by 1; of k epochs no more than the latter half counts.
    [(8, 3, -(6 + 7 + 8) / 3), (8, 1, -8), (4, 3, -(3 + 4) / 2), (1, 5, -1), (3, 2, -2.5)],
)
def test_training_ends_with_the_mean_of_the_last_evaluations(epochs, most, expected):
    task = Scripted([1.0])
    trained(task, settings(epochs, average_last=most))
    assert task.weight.item() == pytest.approx(expected)


def test_validation_sees_the_mean_and_the_best_one_is_kept():
    task = Scripted([3.0, 2.0, 1.0, 0.5, 4.0, 5.0])
    seen = []
    script = task.loss

    def watched(phase, batch):
        if not task.training:
            seen.append(task.weight.item())
        return script(phase, batch)

    task.loss = watched
    trained(task, settings(6, average_last=2), validation=one_batch())
    assert seen == [-1, -2, -2.5, -3.5, -4.5, -5.5]
    assert task.weight.item() == -3.5


def test_training_itself_goes_on_from_the_weights_and_not_from_their_mean():
    task, plain = Scripted([1.0]), Scripted([1.0])
    with_mean = trained(task, settings(5, average_last=2), validation=one_batch())
    without = trained(plain, settings(5), validation=one_batch())
    names = ("loss", "epoch", "step")
    for one, other in zip(with_mean.history, without.history, strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]


def test_interrupted_training_keeps_what_was_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVE_SECONDS", 0.0)

    class Stopped(Scripted):
        steps = 0

        def loss(self, phase, batch):
            self.steps += self.training
            if self.steps == 5:
                raise RuntimeError("power failure")
            return super().loss(phase, batch)

    path, how = tmp_path / "training", settings(8, average_last=3)
    with pytest.raises(RuntimeError, match="power failure"):
        trained(Stopped([1.0]), how, checkpoint=path)
    held = {name: array.item() for name, array in read(path).arrays.items() if "recent" in name}
    assert held == {"recent/0.0": -3.0, "recent/1.0": -4.0}
    task = Scripted([1.0])
    trained(task, how, checkpoint=path)
    assert task.weight.item() == -(6 + 7 + 8) / 3


def test_the_mean_is_that_of_all_parameters_and_leaves_them_alone():
    layer = torch.nn.Linear(3, 2)
    average = RecentAverage(list(layer.parameters()), 2)
    kept = []
    for n in range(1, 5):
        with torch.no_grad():
            for values in layer.parameters():
                values.add_(torch.randn_like(values))
        kept.append([values.detach().clone() for values in layer.parameters()])
        average.take(n)
    with average.applied():
        for values, third, fourth in zip(layer.parameters(), *kept[2:], strict=True):
            torch.testing.assert_close(values.data, (third + fourth) / 2)
    for values, last in zip(layer.parameters(), kept[3], strict=True):
        np.testing.assert_array_equal(values.detach().numpy(), last.numpy())


@pytest.mark.parametrize("wrong", [{"average_last": 0}, {"average_last": 2, "ema_decay": 0.9}])
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match="average_last"):
        TrainingSettings(**wrong)
