"""One loop for text, images, sound and two networks that compete."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tests.engine.toys import Tagger, tagged_batches
from textrep.engine.batches import LengthBatches
from textrep.engine.evaluation import evaluate
from textrep.engine.loop import train
from textrep.engine.loss import LossSum
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import ParameterGroup, Task


def batches_of(*tables, max_rows=16):
    """Batches of the rows of tensors of one length."""

    def collate(rows):
        return tuple(table[torch.from_numpy(rows)] for table in tables)

    return LengthBatches(np.ones(len(tables[0]), dtype=np.int64), collate, max_rows=max_rows)


def test_text_learns_to_tag_words():
    task = Tagger()
    settings = TrainingSettings(epochs=30, learning_rate=0.05, schedule="one-cycle")
    train(task, tagged_batches(), settings, device="cpu")
    # The tag is a sum modulo 3, which a linear layer cannot give in full; far above the third.
    assert evaluate(task, tagged_batches(), device="cpu")["correct"] > 0.6


class Compress(Task):
    """Images of 8 x 8 pixels through a bottleneck of four numbers."""

    def __init__(self):
        super().__init__()
        with torch_seed(0):
            self.encoder = nn.Sequential(nn.Conv2d(1, 4, 4, stride=4), nn.Flatten(), nn.Tanh())
            self.bottleneck = nn.Linear(16, 4)
            self.decoder = nn.Linear(4, 64)

    def loss(self, phase, batch):
        (images,) = batch  # (B, 1, 8, 8)
        found = self.decoder(self.bottleneck(self.encoder(images)))
        return LossSum(
            functional.mse_loss(found, images.flatten(1), reduction="sum"), found.numel()
        )


def test_images_pass_a_bottleneck_as_well_as_by_their_principal_components():
    rng = np.random.default_rng(0)
    patterns, mixing = rng.random((2, 64)), rng.random((160, 2))
    images = torch.tensor(mixing @ patterns, dtype=torch.float32).reshape(160, 1, 8, 8)
    task = Compress()
    settings = TrainingSettings(epochs=40, learning_rate=0.02, schedule="cosine")
    train(task, batches_of(images), settings, device="cpu", unit="images")
    found = evaluate(task, batches_of(images), device="cpu")["loss"]
    assert found < 0.05 * float(images.var())


class Pitch(Task):
    """The pitch of a tone from the spectrum of each window."""

    def __init__(self, n_bins):
        super().__init__()
        with torch_seed(0):
            self.hidden = nn.Linear(n_bins, 16)
            self.output = nn.Linear(16, 1)

    def loss(self, phase, batch):
        spectra, pitches = batch  # (B, windows, bins), (B,)
        found = self.output(torch.relu(self.hidden(spectra))).mean(dim=(1, 2))
        return LossSum(functional.mse_loss(found, pitches, reduction="sum"), len(pitches))


def test_sound_gives_its_pitch():
    rng = np.random.default_rng(0)
    pitches = torch.tensor(rng.uniform(0.02, 0.4, size=128), dtype=torch.float32)  # per sample
    phases = torch.tensor(rng.uniform(0, 6.3, size=128), dtype=torch.float32)
    sound = torch.sin(2 * torch.pi * pitches[:, None] * torch.arange(256) + phases[:, None])
    window = torch.hann_window(32)
    spectra = torch.stft(sound, 32, window=window, return_complex=True).abs().transpose(1, 2)
    task = Pitch(spectra.shape[2])
    settings = TrainingSettings(epochs=60, learning_rate=0.01, schedule="cosine")
    train(task, batches_of(spectra, pitches), settings, device="cpu", unit="sounds")
    error = evaluate(task, batches_of(spectra, pitches), device="cpu")["loss"] ** 0.5
    assert error < 0.2 * float(pitches.std())


class Duel(Task):
    """A generator that shifts noise, and a critic that tells it from samples around 3."""

    phases = ("critic", "generator")

    def __init__(self, noise):
        super().__init__()
        self.noise = noise
        self.turns = []
        with torch_seed(0):
            self.shift = nn.Parameter(torch.zeros(1))
            self.critic = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))

    def groups(self, phase):
        chosen = [self.shift] if phase == "generator" else list(self.critic.parameters())
        return [ParameterGroup(chosen, name=phase)]

    def takes_turn(self, phase, step):
        return phase == "critic" or step % 5 == 4

    def loss(self, phase, batch):
        self.turns.append(phase)
        (real,) = batch
        made = torch.randn_like(real) + self.shift
        if phase == "generator":
            return LossSum(functional.softplus(-self.critic(made)).sum(), len(made))
        told = functional.softplus(-self.critic(real)) + functional.softplus(self.critic(made))
        return LossSum(told.sum(), len(made))


def test_two_networks_take_turns_each_with_its_own_parameters():
    samples = torch.tensor(np.random.default_rng(0).normal(3.0, 1.0, size=(512, 1)))
    task = Duel(None)
    settings = TrainingSettings(epochs=60, learning_rate=0.05, optimizer="adam", betas=(0.0, 0.9))
    outcome = train(task, batches_of(samples.float(), max_rows=64), settings, device="cpu")
    assert abs(task.shift.item() - 3.0) < 0.5
    assert task.turns[:7] == ["critic"] * 5 + ["generator", "critic"]
    assert task.turns.count("critic") == 5 * task.turns.count("generator")
    assert all(np.isfinite(value) for row in outcome.history for value in row.values())


def test_a_phase_leaves_the_parameters_of_the_other_alone():
    class Still(Duel):
        def takes_turn(self, phase, step):
            return phase == "critic"

    samples = torch.randn(64, 1, generator=torch.Generator().manual_seed(0)) + 3
    task = Still(None)
    train(task, batches_of(samples), TrainingSettings(epochs=2), device="cpu")
    assert task.shift.item() == 0
