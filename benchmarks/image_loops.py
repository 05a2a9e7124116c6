"""Training as plain loops of torch have it, beside which `image.py` holds that of the estimators.

Networks are the estimators' own, as new, so that loops differ in what is around them alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from textrep.engine.device import choose_device, choose_precision
from textrep.image import load_pictures
from textrep.image.cycle_gan import pool_query
from textrep.image.gan.losses import adversarial_loss

BETAS = (0.5, 0.999)  # of all that have a critic
COLOUR_PICTURES = 9_600


def in_colour(device: str) -> Iterator[tuple[Any, Any]]:
    """Pictures of 32 x 32 in colour, uint8, and their labels; none where there is no GPU."""
    if choose_device(device).type == "cuda":
        found = load_pictures("cifar10_jpg", part="test")
        yield found.pictures[:COLOUR_PICTURES], found.labels[:COLOUR_PICTURES]


def of_range(pictures: Any, home: torch.device) -> torch.Tensor:
    """Pixels from -1 to 1, of uint8."""
    return torch.from_numpy(pictures).to(home).float() / 127.5 - 1


def plain_gan(model: Any, pictures: Any, n: int, device: str) -> float:
    """Seconds of an epoch in fp32, with the loss "bce"."""
    home = choose_device(device)
    module = model._new_module().train().to(home)
    loss = adversarial_loss("bce")
    generator, critic = module.generator, module.critic
    settings = {"lr": model.learning_rate, "betas": BETAS}
    of_critic = torch.optim.Adam(critic.parameters(), **settings)
    of_generator = torch.optim.Adam(generator.parameters(), **settings)
    begun = time.perf_counter()
    for start in range(0, len(pictures), n):
        real = of_range(pictures[start : start + n], home)
        fake = generator(torch.randn(n, model.latent_size, device=home))
        of_critic.zero_grad()
        loss.critic(critic(real), critic(fake.detach()), 0.1).mean().backward()
        of_critic.step()
        of_generator.zero_grad()
        total = loss.generator(critic(fake)).mean()
        total.backward()
        of_generator.step()
    float(total.detach())  # a GPU is waited for
    return time.perf_counter() - begun


def plain_cyclegan(model: Any, a: Any, b: Any, n: int, device: str) -> float:
    """Seconds of an epoch in fp32, of as many pictures of either kind."""
    home = choose_device(device)
    module = model._new_module().train().to(home)
    a2b, b2a, critics = module.a2b, module.b2a, module.critics
    settings = {"lr": model.learning_rate, "betas": BETAS}
    of_generators = torch.optim.Adam([*a2b.parameters(), *b2a.parameters()], **settings)
    of_critics = torch.optim.Adam(critics.parameters(), **settings)
    pools: list[torch.Tensor | None] = [None, None]
    begun = time.perf_counter()
    for start in range(0, len(a), n):
        x, y = (of_range(pictures[start : start + n], home) for pictures in (a, b))
        made_y, made_x = a2b(x), b2a(y)
        critics.requires_grad_(False)
        total = (critics["a"](made_x) - 1).square().mean()
        total = total + (critics["b"](made_y) - 1).square().mean()
        total = total + 10 * ((b2a(made_y) - x).abs().mean() + (a2b(made_x) - y).abs().mean())
        total = total + 5 * ((a2b(y) - y).abs().mean() + (b2a(x) - x).abs().mean())
        of_generators.zero_grad()
        total.backward()
        of_generators.step()
        critics.requires_grad_(True)
        shown_x, pools[0] = pool_query(pools[0], made_x, model.pool_size)
        shown_y, pools[1] = pool_query(pools[1], made_y, model.pool_size)
        total = torch.zeros((), device=home)
        for critic, real, made in ((critics["a"], x, shown_x), (critics["b"], y, shown_y)):
            total = total + 0.5 * (critic(real) - 1).square().mean()
            total = total + 0.5 * critic(made).square().mean()
        of_critics.zero_grad()
        total.backward()
        of_critics.step()
    float(total.detach())
    return time.perf_counter() - begun


def plain_diffusion(model: Any, codes: Any, given: Any, device: str) -> float:
    """Seconds of an epoch of the network that removes noise, which says `v`."""
    home = choose_device(device)
    bits = choose_precision(model.precision, home) == "bf16"
    denoiser = model._new_module().denoiser.to(home).train()
    optimiser = torch.optim.AdamW(denoiser.parameters(), model.learning_rate, weight_decay=0.0)
    kept = torch.from_numpy(model._schedule().kept).float().to(home)
    nothing = torch.from_numpy(np.asarray(model._nothing())).to(home)
    x_all, given_all = torch.from_numpy(codes), torch.from_numpy(given)
    begun = time.perf_counter()
    for rows in torch.randperm(len(x_all)).split(model.batch_size):
        x, told = x_all[rows].to(home), given_all[rows].to(home)
        steps = torch.randint(len(kept), (len(x),), device=home)
        share = kept[steps][:, None, None, None]
        noise = torch.randn_like(x)
        hidden = torch.rand(len(x), device=home) < model.condition_dropout
        told = torch.where(hidden.view(-1, *[1] * (told.ndim - 1)), nothing, told)
        with torch.autocast(home.type, torch.bfloat16, enabled=bits):
            said = denoiser(
                share.sqrt() * x + (1 - share).sqrt() * noise, (steps + 1) / len(kept), told
            )
        wanted = share.sqrt() * noise - (1 - share).sqrt() * x
        total = (said - wanted).square().mean()
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimiser.step()
    float(total.detach())
    return time.perf_counter() - begun
