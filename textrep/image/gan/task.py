"""Two networks against each other, in the phases of the one training loop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from textrep.engine.loss import LossSum
from textrep.engine.task import ParameterGroup, Task
from textrep.image.estimator import ProgressPictures
from textrep.image.gan.dcgan import Critic, DCGenerator
from textrep.image.gan.losses import adversarial_loss, critic_accuracy
from textrep.image.gan.penalties import gradient_penalty, squared_gradient
from textrep.image.gan.style_networks import StyleGenerator, mix

CRITIC, GENERATOR = "critic", "generator"

_MAPPING_RATE = 0.01  # of the learning rate: Karras et al. (2019), appendix C


class Players(nn.Module):
    """Two networks of any kind.

    Parameters
    ----------
    generator : torch.nn.Module
        Takes latent vectors (n, latent_size), and labels or None; gives what the critic takes.
    critic : torch.nn.Module
        Takes n of what is real or made, from -1 to 1, and labels or None; gives scores (n,).
    """

    generator: nn.Module
    critic: nn.Module

    def __init__(self, generator: nn.Module, critic: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.critic = critic


class GANModule(Players):
    """Both players where pictures are made.

    Parameters
    ----------
    generator : DCGenerator or StyleGenerator
    critic : Critic
    """

    generator: DCGenerator | StyleGenerator
    critic: Critic

    def __init__(self, generator: DCGenerator | StyleGenerator, critic: Critic) -> None:
        super().__init__(generator, critic)


@dataclass(frozen=True)
class Game:
    """The rules.

    Attributes
    ----------
    loss : str
    latent_size : int
    n_classes : int
    critic_steps : int
        To one step of the generator.
    warmup_steps : int
        Of the critic alone, before all others.
    penalty : float
        Weight of the gradient penalty of ``"wgan-gp"``.
    clip : float
        Largest weight of the critic of ``"wgan"``.
    r1 : float
        Weight of the squared gradient at real pictures, times a half; 0 for none.
    smoothing : float
    instance_noise : float
        Standard deviation of noise on real and made pictures at the start, falling to 0.
    mixing : float
        Share of the pictures that a style generator makes of two styles.
    epochs : int
    critic_rate : float
        Learning rate of the critic over that of the generator.
    """

    loss: str
    latent_size: int
    n_classes: int = 0
    critic_steps: int = 1
    warmup_steps: int = 0
    penalty: float = 10.0
    clip: float = 0.01
    r1: float = 0.0
    smoothing: float = 0.0
    instance_noise: float = 0.0
    mixing: float = 0.0
    epochs: int = 1
    critic_rate: float = 1.0


class GANTask(Task):
    """A critic learns to tell real pictures from made ones, a generator to make them.

    Parameters
    ----------
    module : Players
    game : Game
    progress : ProgressPictures or None
    """

    phases = (CRITIC, GENERATOR)

    def __init__(
        self, module: Players, game: Game, progress: ProgressPictures | None = None
    ) -> None:
        super().__init__()
        self.module = module
        self.game = game
        self._loss = adversarial_loss(game.loss)
        self._progress = progress
        self._noise = game.instance_noise

    # ---- what the loop asks

    def begin_epoch(self, epoch: int) -> None:
        self._noise = self.game.instance_noise * (1.0 - epoch / self.game.epochs)
        if self._progress is not None:
            self._progress(self.module, epoch)

    def takes_turn(self, phase: str, step: int) -> bool:
        """The critic in each step; the generator in the last of so many, after the warm-up."""
        if phase == CRITIC:
            return True
        joint = step - self.game.warmup_steps
        return joint >= 0 and (joint + 1) % self.game.critic_steps == 0

    def groups(self, phase: str) -> list[ParameterGroup]:
        generator = self.module.generator
        if phase == CRITIC:
            return [
                ParameterGroup(list(self.module.critic.parameters()), CRITIC, self.game.critic_rate)
            ]
        if not isinstance(generator, StyleGenerator):
            return [ParameterGroup(list(generator.parameters()), GENERATOR)]
        mapping = list(generator.mapping.parameters())
        apart = {id(parameter) for parameter in mapping}
        others = [parameter for parameter in generator.parameters() if id(parameter) not in apart]
        return [
            ParameterGroup(others, GENERATOR),
            ParameterGroup(mapping, "mapping", _MAPPING_RATE),
        ]

    def loss(self, phase: str, batch: Any) -> LossSum:
        pictures, labels = batch if isinstance(batch, tuple | list) else (batch, None)
        real = 2.0 * pictures - 1.0
        if self.game.loss == "wgan":
            self.clip_weights()
        if phase == CRITIC:
            return self._critic_loss(real, labels)
        return self._generator_loss(len(real), real.device)

    # ---- the critic's turn

    def _critic_loss(self, real: Tensor, labels: Tensor | None) -> LossSum:
        critic = self.module.critic
        with torch.no_grad():  # the generator learns nothing from the critic's turn
            fake, asked = self._make(len(real), real.device)
        real, fake = self._blurred(real), self._blurred(fake)
        # Each kind in a batch of its own: batch normalisation of both together would tell the
        # critic the answer by their means, or hide what differs.
        on_real, on_fake = critic(real, labels).float(), critic(fake, asked).float()
        total = self._loss.critic(on_real, on_fake, self.game.smoothing)
        measures = {"real_score": on_real.sum(), "fake_score": on_fake.sum()}
        if self._loss.boundary is None:
            measures["wasserstein"] = (on_real - on_fake).sum()
        else:
            measures["accuracy"] = critic_accuracy(on_real, on_fake, self._loss.boundary).sum()
        if self.game.loss == "wgan-gp":
            held = gradient_penalty(lambda x: critic(x, labels), real, fake)
            measures["penalty"] = held.sum()
            total = total + self.game.penalty * held
        if self.game.r1:
            steep = squared_gradient(lambda x: critic(x, labels), real)
            measures["r1"] = steep.sum()
            total = total + 0.5 * self.game.r1 * steep
        return LossSum(total.sum(), len(real), measures)

    def _blurred(self, pictures: Tensor) -> Tensor:
        if not self._noise or not self.training:
            return pictures
        return pictures + self._noise * torch.randn_like(pictures)

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Bring each weight of the critic into the range that it is held in."""
        for parameter in self.module.critic.parameters():
            parameter.clamp_(-self.game.clip, self.game.clip)

    # ---- the generator's turn

    def _generator_loss(self, n: int, device: torch.device) -> LossSum:
        with frozen(self.module.critic):
            fake, asked = self._make(n, device)
            scores = self.module.critic(self._blurred(fake), asked).float()
        return LossSum(self._loss.generator(scores).sum(), n)

    def _make(self, n: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Pictures of fresh noise, and the classes that were asked for."""
        game, generator = self.game, self.module.generator
        latents = torch.randn(n, game.latent_size, device=device)
        asked = None
        if game.n_classes:
            asked = torch.randint(game.n_classes, (n,), device=device)
        if not isinstance(generator, StyleGenerator) or not game.mixing or not self.training:
            return generator(latents, asked), asked
        styles = generator.styles(latents, asked)
        others = generator.styles(torch.randn_like(latents), asked)
        crossover = torch.randint(1, generator.n_layers + 1, (n,), device=device)
        whole = torch.rand(n, device=device) >= game.mixing
        crossover = torch.where(whole, generator.n_layers, crossover)
        return generator.draw(mix(styles, others, crossover)), asked


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, what is computed asks for no gradients of a module's weights, only through it."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
