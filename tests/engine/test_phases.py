"""Two networks that compete, beside the loop that one would write by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.engine.toys import weights
from textrep.engine.batches import LengthBatches, Share
from textrep.engine.loop import train
from textrep.engine.loss import LossSum
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import ParameterGroup, Task

RATE = 0.05
CLIP = 0.1


class Duel(Task):
    """A generator of points, and a critic that trains three times as often."""

    phases = ("critic", "generator")

    def __init__(self):
        super().__init__()
        with torch_seed(0):
            self.generator = nn.Linear(2, 3)
            self.critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def groups(self, phase):
        return [ParameterGroup(list(getattr(self, phase).parameters()), name=phase)]

    def takes_turn(self, phase, step):
        return phase == "critic" or step % 3 == 2

    def loss(self, phase, batch):
        real, noise = batch
        made = self.critic(self.generator(noise))
        if phase == "generator":
            return LossSum(functional.softplus(-made).sum(), len(made))
        told = functional.softplus(-self.critic(real)) + functional.softplus(made)
        return LossSum(told.sum(), len(made))


def points():
    rng = np.random.default_rng(0)
    real = torch.tensor(rng.normal(size=(23, 3)) + 1, dtype=torch.float32)
    noise = torch.tensor(rng.normal(size=(23, 2)), dtype=torch.float32)

    def collate(rows):
        return real[rows], noise[rows]

    return LengthBatches(np.ones(23, dtype=np.int64), collate, max_rows=4)


def by_hand(epochs, accumulate):
    task = Duel()
    critic = torch.optim.Adam(task.critic.parameters(), RATE)
    generator = torch.optim.Adam(task.generator.parameters(), RATE)
    step, losses = 0, {"critic": [], "generator": []}
    for epoch in range(epochs):
        plan = points().plan(epoch)
        for begin in range(0, len(plan), accumulate):
            specs = plan[begin : begin + accumulate]
            rows = [points().read(spec, Share()) for spec in specs]
            real, noise = (torch.cat(part) for part in zip(*rows, strict=True))
            turns = [("critic", critic)] + [("generator", generator)] * (step % 3 == 2)
            for phase, optimizer in turns:
                task.zero_grad()
                loss = task.loss(phase, (real, noise)).total / len(real)
                loss.backward()
                nn.utils.clip_grad_norm_(getattr(task, phase).parameters(), CLIP)
                optimizer.step()
                losses[phase].append((loss.item(), len(real)))
            step += 1
    return task, losses


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_phases_equal_a_loop_by_hand(accumulate):
    settings = TrainingSettings(
        epochs=3, learning_rate=RATE, optimizer="adam", max_grad_norm=CLIP, accumulate=accumulate
    )
    ours = Duel()
    outcome = train(ours, points(), settings, device="cpu")
    plain, losses = by_hand(3, accumulate)
    for (name, mine), theirs in zip(weights(ours).items(), weights(plain).values(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-6, err_msg=name)
    per_epoch = outcome.n_steps // 3
    # The last epoch has steps in which the generator is trained.
    expected, counts = zip(*losses["critic"][-per_epoch:], strict=True)
    mean = np.average(expected, weights=counts)
    assert outcome.history[-1]["critic_loss"] == pytest.approx(mean, rel=1e-5)
    assert "loss" not in outcome.history[-1]
