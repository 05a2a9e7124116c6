"""Variational autoencoders and speed, for `image.py`.

MNIST of which each pixel is drawn once as black or white, with its grey as the probability of
white, the training and the test pictures by one seed each. Negative log-likelihood of a test
picture by importance sampling from the posterior, 200 draws each, beside the published figures of
networks of this kind by the size of the code: Rezende and Mohamed (2015) have 89.9 at 40 numbers
and pythae, which repeats it, 89.78 (static draws, 400 units); those by size are of Davidson et al.
(2018), whose draws differ from epoch to epoch. Settings were chosen on the last 2,000 of the
training pictures.

Speed: pictures a second in training, beside a loop of torch that does no more than the same steps
on the same network; on a GPU also of convolutional networks on CIFAR-10's 32 x 32 colours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, take_turns
from image_bench import fastest_precision, mnist, picture_path

from textrep import VAE, Autoencoder
from textrep.engine.device import choose_device, choose_precision
from textrep.image import latent_map, load_pictures, save_grid
from textrep.image.vae.vae import binarised

SEED = 0
# Davidson et al.: Hyperspherical variational auto-encoders, UAI 2018, table of the Gaussian ones.
PUBLISHED = {2: 135.7, 5: 110.2, 10: 93.8, 20: 88.9}
DEMANDED_20 = 92.0
EPOCHS = {2: 8, 5: 8, 10: 10, 20: 30}
# NLL of 500 of the pictures to choose by, 20 numbers, after ten epochs. One layer of 400, GELU,
# with rates of 2e-3 and 4e-3: 97.1, 95.8; tanh, 4e-3: 97.5. Two of 512 and 256, GELU, 2e-3: 93.6;
# rectifiers, 3e-3: 94.3.
SETTINGS: dict[str, Any] = {"hidden": (512, 256), "activation": "gelu", "learning_rate": 3e-3}
N_DRAWS = 200
SIDE = 20  # of the walk over the plane of two numbers
REACH = 2.5  # standard deviations of the prior

N_SPEED, SPEED_TURNS = 8_192, 3


def vae(
    *, data: Path, quick: bool, device: str, machine: str, sizes: Sequence[int] = tuple(PUBLISHED)
) -> Iterator[Row]:
    """Likelihoods by the size of the code; samples and walks."""
    digits = mnist(quick)
    train, test = binarised(digits.train, 1), binarised(digits.test, 2)
    marginal = _marginal(train, test)
    for code_size in sizes:
        published = PUBLISHED[code_size]
        model = VAE(
            code_size=code_size, epochs=2 if quick else EPOCHS[code_size], device=device,
            precision=fastest_precision(device), random_state=SEED, verbose=1, **SETTINGS,
        ).fit(train)  # fmt: skip
        bound = -model.score(test)
        nats = -float(model.log_likelihood(test, n_samples=N_DRAWS).mean())
        threads = torch.get_num_threads()
        name = f"binarised MNIST, {code_size} numbers"
        print(
            f"{name}: bound {bound:.2f}, of training {model.history_[-1]['loss']:.2f}, "
            f"{model.history_[-1]['seconds']:.0f} s of training; pixels by themselves "
            f"{marginal:.1f}; {nats / 784 / np.log(2):.4f} bits a pixel"
        )
        yield Row(
            name, "NLL", nats, "published, Gaussian VAE", published, published / nats, "nats",
            threads, machine,
        )  # fmt: skip
        if code_size == max(PUBLISHED):
            yield Row(
                name, "NLL", nats, "demanded at most", DEMANDED_20, DEMANDED_20 / nats, "nats",
                threads, machine,
            )  # fmt: skip
        _show(model, code_size, test, digits.test_labels)


def _marginal(train: np.ndarray, test: np.ndarray) -> float:
    """NLL of pixels that know nothing of each other."""
    mean = (train.sum(axis=0) + 1) / (len(train) + 2)
    return float(-(test * np.log(mean) + (1 - test) * np.log1p(-mean)).sum(axis=(1, 2, 3)).mean())


def _show(model: VAE, code_size: int, test: np.ndarray, labels: np.ndarray) -> None:
    save_grid(picture_path(f"vae-samples-{code_size}.png"), model.sample(100, random_state=0))
    mixture = model.sample(100, prior="mixture", random_state=0)
    save_grid(picture_path(f"vae-samples-mixture-{code_size}.png"), mixture)
    pairs = zip(test[:10], test[10:20], strict=True)
    walks = np.concatenate([model.interpolate(a, b, steps=12) for a, b in pairs])
    save_grid(picture_path(f"vae-walks-{code_size}.png"), walks, columns=12)
    if code_size == 2:
        latent_map(picture_path("vae-map.png"), model.transform(test[:4000]), labels[:4000])
        line = np.linspace(-REACH, REACH, SIDE)
        codes = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
        save_grid(picture_path("vae-plane.png"), model.decode(codes), columns=SIDE, padding=0)


def throughput(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Pictures a second of one epoch."""
    precision = fastest_precision(device)
    common: dict[str, Any] = {
        "epochs": 1, "device": device, "precision": precision, "random_state": SEED,
        "mixture_components": 1, "batch_size": 256,
    }  # fmt: skip
    sets = {"": binarised(mnist(quick=True).train, 1)}
    if choose_device(device).type != "cpu":
        colours = load_pictures("cifar10_jpg", part="test").pictures
        sets[", 32 x 32 colours, convolutional"] = colours.astype(np.float32) / 255
    for kind, pictures in sets.items():
        train = np.concatenate([pictures] * -(-N_SPEED // len(pictures)))[:N_SPEED]
        how: dict[str, Any] = {**common, "hidden": "conv"} if kind else common
        yield from _speeds(kind, Autoencoder(**how), train, machine)
        yield from _speeds(kind, VAE(**how), train, machine)


def _speeds(kind: str, model: Any, train: np.ndarray, machine: str) -> Iterator[Row]:
    """Pictures a second of a model and of a plain loop."""
    name = f"{type(model).__name__}{kind}, training, {model.precision}"
    module = model.fit(train[:512])._new_module()
    spent: list[float] = []

    def ours() -> None:
        model.fit(train)
        spent.append(model.history_[-1]["seconds"])

    def plain() -> None:
        plain_epoch(module, train, isinstance(model, VAE), model.precision, model.device)

    found = take_turns({"ours": ours, "plain": plain}, {"ours": SPEED_TURNS, "plain": SPEED_TURNS})
    mine, peer = len(train) / float(np.median(spent)), len(train) / found["plain"]
    yield Row(
        name, "speed", mine, "plain torch loop", peer, mine / peer, "pictures/s",
        torch.get_num_threads(), machine,
    )  # fmt: skip


def plain_epoch(
    module: Any, pixels: np.ndarray, variational: bool, precision: str, device: str
) -> None:
    """One epoch as one would write it by hand."""
    chosen = choose_device(device)
    half = choose_precision(precision, chosen) == "bf16"
    module = module.to(chosen).train()
    optimizer = torch.optim.AdamW(module.parameters(), 1e-3, fused=True)
    table = torch.from_numpy(pixels)
    order = torch.randperm(len(table))
    for rows in order.split(256):
        batch = table[rows].to(chosen)
        cast: Any = contextlib.nullcontext()
        if half:
            cast = torch.autocast(chosen.type, dtype=torch.bfloat16)
        with cast:
            codes = module.encoder(batch)
            divergence: Any = 0.0
            if variational:
                mean, log_variance = codes.float().chunk(2, dim=1)
                codes = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
                divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2
            raw = module.decoder(codes).float()
            if variational:
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    raw, batch, reduction="sum"
                )
            else:
                loss = torch.nn.functional.mse_loss(raw.sigmoid(), batch, reduction="sum")
        optimizer.zero_grad()
        ((loss + divergence) / len(batch)).backward()
        optimizer.step()
    loss.item()  # waits for a GPU
