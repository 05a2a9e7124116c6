"""Autoencoders, for `image.py`: what is lost between a picture and its code.

MNIST, 60,000 pictures to learn from and 10,000 to measure on. The error of a picture is the squared
one, summed over its 784 pixels from 0 to 1, on average; that of as many principal components
(scikit-learn) shows that the scale is the one of Hinton and Salakhutdinov (Science 2006), who have
13.87 for 30 components and 3.00 for their deep autoencoder of 30 numbers. Settings were chosen on
the last 5,000 of the training pictures, in a random order, by

    python benchmarks/image_autoencoders.py --data DIR '{"learning_rate": 0.005}' ...

which prints the error of those after five epochs on the others.

Denoising: 30 % of the pixels are black. To return what is left costs 29.04 (of the test pictures);
the filters beside those that were learnt without noise are those of the deep learning tutorial:
500 units, tied weights, sigmoids, cross-entropy.

Gradients: the root mean square of the gradient over the weights of each layer, in the first batch,
and what 10,000 pictures then teach in three epochs.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table
from image_bench import Digits, fastest_precision, mnist, picture_path
from sklearn.decomposition import PCA

from textrep import Autoencoder
from textrep.image import filters, latent_map, save_grid

SEED = 0
HINTON_30, DEMANDED_30, DEMANDED_2 = 3.00, 4.0, 28.0
EPOCHS_30, EPOCHS_2 = 22, 14
# Error of the pictures to choose by after 5 epochs, 784-1000-500-250-30. GELU with rates of 1e-3,
# 2e-3 and 4e-3: 6.15, 5.07, 4.34; with layers normalised 2e-3: 4.85, 5e-3: 4.14; with batches
# normalised 4e-3: 4.30; rectifiers, 1e-3: 6.41; SiLU, 1e-3: 7.89; batches of 128, 5e-4: 6.25; of
# 512, 3e-3: 5.47. Of 2 numbers, 2e-3: 28.9; with layers normalised 3e-3: 31.7.
SETTINGS: dict[int, dict[str, Any]] = {
    30: {"normalisation": "layer", "learning_rate": 5e-3},
    2: {"normalisation": None, "learning_rate": 2e-3},
}

MASKED = 0.3
EPOCHS_NOISE = 10
TUTORIAL: dict[str, Any] = {
    "code_size": 500, "hidden": (), "code_activation": "sigmoid", "tied": True, "loss": "bce",
    "normalisation": None, "initialisation": "torch", "batch_size": 100, "learning_rate": 2e-3,
}  # fmt: skip
N_SHOWN = 100  # filters

DEEP: dict[str, Any] = {"hidden": (1000, 500, 250), "code_size": 30, "epochs": 3}
SICK = {"activation": "sigmoid", "initialisation": "torch", "normalisation": None}
CURES: dict[str, dict[str, Any]] = {
    "sigmoid, first weights by torch": SICK,
    "... first weights by Glorot and Bengio": {**SICK, "initialisation": "xavier"},
    "... layers normalised": {**SICK, "normalisation": "layer"},
    "... layer after layer before": {**SICK, "pretrain_epochs": 3},
    "rectifiers, first weights by He": {
        "activation": "relu", "initialisation": "he", "normalisation": None,
    },
}  # fmt: skip
N_GRADIENT, GRADIENT_RATE = 10_000, 2e-3


def reconstruction(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Errors of 30 numbers."""
    yield from _codes(30, DEMANDED_30, EPOCHS_30, mnist(quick), quick, device, machine)


def plane(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Errors of 2 numbers."""
    yield from _codes(2, DEMANDED_2, EPOCHS_2, mnist(quick), quick, device, machine)


def _codes(
    code_size: int,
    demanded: float,
    epochs: int,
    digits: Digits,
    quick: bool,
    device: str,
    machine: str,
) -> Iterator[Row]:
    components = error_of_components(digits, code_size)
    model = Autoencoder(
        code_size=code_size, epochs=2 if quick else epochs, device=device,
        precision=fastest_precision(device), random_state=SEED, verbose=1, **SETTINGS[code_size],
    ).fit(digits.train)  # fmt: skip
    error = -model.score(digits.test)
    seconds = model.history_[-1]["seconds"]
    name = f"MNIST, {code_size} numbers"
    threads = torch.get_num_threads()
    peer = f"PCA-{code_size}"
    yield Row(
        name, "squared error", error, peer, components, components / error, "a picture", threads,
        machine,
    )  # fmt: skip
    yield Row(
        name, "squared error", error, "demanded at most", demanded, demanded / error, "a picture",
        threads, machine,
    )  # fmt: skip
    if code_size == 30:
        yield Row(
            name, "squared error", error, "Hinton and Salakhutdinov 2006", HINTON_30,
            HINTON_30 / error, "a picture", threads, machine,
        )  # fmt: skip
    print(f"{name}: {seconds:.0f} s of training, error of the training pictures "
          f"{model.history_[-1]['loss']:.2f}")  # fmt: skip
    shown = digits.test[:20]
    both = np.concatenate([shown, model.reconstruct(shown)])
    save_grid(picture_path(f"reconstruction-{code_size}.png"), both, columns=20, scale=2)
    save_grid(
        picture_path(f"autoencoder-samples-{code_size}.png"), model.sample(64, random_state=0)
    )
    if code_size == 2:
        codes, labels = model.transform(digits.test[:4000]), digits.test_labels[:4000]
        latent_map(picture_path("autoencoder-map.png"), codes, labels)


def error_of_components(digits: Digits, n: int) -> float:
    """Squared error of a test picture by so many principal components of the training pictures."""
    pca = PCA(n, random_state=SEED).fit(digits.train.reshape(len(digits.train), -1))
    flat = digits.test.reshape(len(digits.test), -1)
    back = pca.inverse_transform(pca.transform(flat))
    return float(np.square(back - flat).sum(axis=1).mean())


def denoising(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Error of what is made of masked pictures; filters with and without noise."""
    digits = mnist(quick)
    panels, models = [], {}
    for noise in (0.0, MASKED):
        models[noise] = model = Autoencoder(
            noise=noise, epochs=2 if quick else EPOCHS_NOISE, device=device, random_state=SEED,
            precision=fastest_precision(device), mixture_components=1, verbose=1, **TUTORIAL,
        ).fit(digits.train)  # fmt: skip
        panels.append(model.filters_[:N_SHOWN])
    filters(
        picture_path("filters.png"), panels, titles=["0 % masked", "30 % masked"], columns=10,
        scale=2,
    )  # fmt: skip
    model = models[MASKED]
    masked = model.corrupt(digits.test, random_state=SEED)
    nothing = _error(masked, digits.test)
    for noise, each in models.items():
        cleaned = each.reconstruct(masked)
        error = _error(cleaned, digits.test)
        yield Row(
            f"MNIST, 30 % masked, learnt at {noise:.0%}", "squared error", error, "doing nothing",
            nothing, nothing / error, "a picture", torch.get_num_threads(), machine,
        )  # fmt: skip
    shown = np.concatenate([digits.test[:16], masked[:16], model.reconstruct(masked[:16])])
    save_grid(picture_path("denoising.png"), shown, columns=16, scale=2)


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.square(found - wanted).sum(axis=(1, 2, 3)).mean())


def gradients(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """How much smaller the first layer's gradient is than the last one's; errors after training."""
    digits = mnist(quick)
    train = digits.train[:N_GRADIENT]
    lines, falls, errors = [], {}, {}
    for name, how in CURES.items():
        model = Autoencoder(
            **{**DEEP, **how}, learning_rate=GRADIENT_RATE, device=device, random_state=SEED,
            mixture_components=1,
        )  # fmt: skip
        before = {} if "pretrain_epochs" in how else model.gradient_norms(train[:256])
        model.fit(train)
        errors[name] = -model.score(digits.test)
        after = model.gradient_norms(train[:256])
        norms = list((before or after).values())
        falls[name] = norms[-1] / norms[0]
        when = "before" if before else "after"
        lines.append([name, when, *(f"{norm:.1e}" for norm in norms), f"{errors[name]:.2f}"])
    columns = ["", "training", *(f"layer {i + 1}" for i in range(8)), "error after"]
    print_table("gradient by layer, root mean square over its weights", columns, lines)
    sick, *cured = CURES
    for name in cured:
        yield Row(
            f"784-1000-500-250-30, {name}", "squared error", errors[name], sick, errors[sick],
            errors[sick] / errors[name], "a picture", torch.get_num_threads(), machine,
        )  # fmt: skip
        if "layer after layer" not in name:
            yield Row(
                f"784-1000-500-250-30, {name}", "last layer's gradient to the first's", falls[name],
                sick, falls[sick], falls[sick] / falls[name], "times", torch.get_num_threads(),
                machine,
            )  # fmt: skip


def choose(changes: list[str]) -> None:
    """Errors of the pictures to choose by, for each of several settings."""
    digits = mnist(quick=False)
    order = np.random.default_rng(0).permutation(len(digits.train))
    train, held = digits.train[order[:-5000]], digits.train[order[-5000:]]
    for change in changes:
        settings = {**SETTINGS[30], "epochs": 5, **json.loads(change)}
        model = Autoencoder(
            random_state=SEED, precision=fastest_precision("cpu"), device="cpu", **settings
        ).fit(train)
        print(change, f"{-model.score(held):.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("settings", nargs="+", help="JSON objects")
    options = parser.parse_args()
    os.environ["TEXTREP_DATA"] = str(options.data.resolve())
    choose(options.settings)
