"""Small models of the rooms, trained in this process: alone, or as one of several.

    python benchmarks/launched_models.py MODEL,... FOLDER [--keep] [--die MOMENT --at SAVE]

Of each model a process writes what it ends with to FOLDER/MODEL-NUMBER.npz (weights, and what the
model says of the data) and .json; all processes save it to the same FOLDER/MODEL.textrep. With
--keep the training is kept in FOLDER/training after each step, and taken up from there. With --die
process 1 kills itself as kill -9 does, about that saving of the training: before it, when its own
file is written but none has taken its place, or after it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import textrep
from textrep.core import container
from textrep.engine import checkpoint
from textrep.engine.estimator import weights_of

# transformers.py beside this file must not stand before the package of that name.
_HERE = str(Path(__file__).resolve().parent)
sys.path.sort(key=lambda path: path == _HERE)

MOMENTS = ("before", "written", "after")

N_TEXTS, N_PICTURES, N_PIECES = 48, 48, 16
N_WORDS, EDGE = 60, 8
DOOMED = 1  # the process that dies


@dataclass(frozen=True)
class Model:
    """A model and what it learns from.

    Attributes
    ----------
    room : str
        It is of.
    make : callable
        Gives the estimator with these further parameters.
    data : callable
        Gives the arguments of `fit`.
    ask : callable
        What a fitted model says of the data: an array.
    exact : bool
        Whether several processes must give what one gives, but for rounding. Not where a batch
        draws noise, of which each process has numbers of its own for its share of the rows.
    """

    room: str
    make: Callable[..., Any]
    data: Callable[[], tuple[Any, ...]]
    ask: Callable[[Any, Any], Any]
    exact: bool = True


def texts() -> tuple[list[str]]:
    """Sentences of made-up words, the frequent ones more often."""
    rng = np.random.default_rng(0)
    words = rng.zipf(1.3, (N_TEXTS, 12)) % N_WORDS
    return ([" ".join(f"w{word}" for word in row[: 4 + i % 9]) for i, row in enumerate(words)],)


def labelled() -> tuple[list[str], list[str]]:
    (found,) = texts()
    return found, ["odd" if len(text.split()) % 2 else "even" for text in found]


def pictures() -> tuple[Any]:
    return (np.random.default_rng(0).random((N_PICTURES, 1, EDGE, EDGE), dtype=np.float32),)


def rolls() -> tuple[list[Any]]:
    return ([*(np.random.default_rng(0).random((N_PIECES, 24, 88)) < 0.05)],)


def melodies() -> tuple[list[Any]]:
    return ([[(60 + (i * k) % 5, 12) for k in range(8 + i % 3)] for i in range(N_PIECES)],)


_COMMON = {"device": "cpu", "random_state": 0, "epochs": 2}
_ENCODER = {
    "size": {"hidden_size": 16, "num_layers": 1},
    "vocab_size": 200,
    "max_length": 32,
    "dropout": 0.0,
    "batch_size": 8,
    "device": "cpu",
    "random_state": 0,
}
_PIXELS = {**_COMMON, "batch_size": 16}


def _made(kind: str, **params: Any) -> Callable[..., Any]:
    return lambda **more: getattr(textrep, kind)(**params, **more)


MODELS = {
    "GPT": Model(
        "generation",
        _made(
            "GPT", level="word", num_layers=1, num_heads=2, hidden_size=16, max_length=16,
            dropout=0.0, batch_size=8, **_COMMON,
        ),
        texts,
        lambda model, data: model.log_likelihoods(data),
    ),
    "RNNLanguageModel": Model(
        "generation",
        _made(
            "RNNLanguageModel", embedding_size=16, hidden_size=16, num_layers=1, dropout=0.0,
            input_dropout=0.0, hidden_dropout=0.0, window=8, batch_size=4, **_COMMON,
        ),
        texts,
        lambda model, data: model.log_likelihoods(data),
    ),
    "EncoderClassifier": Model(
        "contextual",
        _made("EncoderClassifier", pretrain_epochs=0, epochs=2, **_ENCODER),
        labelled,
        lambda model, data: model.predict_proba(data),
    ),
    "EncoderEmbedder": Model(
        "contextual",
        _made("EncoderEmbedder", pretrain_epochs=8, **_ENCODER),
        texts,
        lambda model, data: model.transform(data),
        exact=False,  # which tokens are hidden is drawn
    ),
    "MaskedLanguageModel": Model(
        "contextual",
        _made("MaskedLanguageModel", epochs=2, **_ENCODER),
        texts,
        lambda model, data: model.log_likelihoods(data),
        exact=False,
    ),
    "Autoencoder": Model(
        "image",
        _made("Autoencoder", code_size=4, hidden=(16,), **_PIXELS),
        pictures,
        lambda model, data: model.encode(data),
    ),
    "VAE": Model(
        "image",
        _made("VAE", code_size=4, hidden=(16,), **_PIXELS),
        pictures,
        lambda model, data: model.encode(data),
        exact=False,  # codes are drawn about their means
    ),
    "GAN": Model(
        "image",
        _made("GAN", channels=4, latent_size=4, **_PIXELS),
        pictures,
        lambda model, data: model.sample(4, random_state=0),
        exact=False,  # so are what it makes pictures of; and it normalises over the rows it has
    ),
    "ChoraleModel": Model(
        "music",
        _made("ChoraleModel", hidden_size=8, dropout=0.0, batch_size=4, **_COMMON),
        rolls,
        lambda model, data: model.log_likelihoods(data),
    ),
    "MelodyLSTM": Model(
        "music",
        _made(
            "MelodyLSTM", embedding_size=8, hidden_size=16, dropout=0.0, batch_size=4, **_COMMON
        ),
        melodies,
        lambda model, data: model.log_likelihoods(data),
    ),
}  # fmt: skip


def main() -> None:
    """Train, and write what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", help="with commas between")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--die", choices=MOMENTS)
    parser.add_argument("--at", type=int, default=3, help="the saving at which process 1 dies")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.die is not None and process_number() == DOOMED:
        die(options.die, options.at)
    if options.keep:
        checkpoint.SAVE_SECONDS = 0.0
    for name in options.models.split(","):
        train(name, options.folder, options.folder / "training" if options.keep else None)


def process_number() -> int:
    return int(os.environ.get("RANK") or 0)


def train(name: str, folder: Path, kept_in: Path | None = None) -> None:
    """Train a model, and write what came of it.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    folder : Path
    kept_in : Path or None, default=None
        File that the training is kept in.
    """
    model = MODELS[name]
    made, data = model.make(), model.data()
    if kept_in is not None:
        made.set_params(**{made._kept_in: kept_in})
    begun = time.perf_counter()
    fitted = made.fit(*data)
    spent = time.perf_counter() - begun
    fitted.save(folder / f"{name}.textrep")
    write(folder / f"{name}-{process_number()}", model, fitted, data[0], spent)


def write(path: Path, model: Model, fitted: Any, data: Any, spent: float) -> None:
    """What a process ends with."""
    module = getattr(fitted, "module_", None) or fitted.encoder_.module
    said = np.asarray(model.ask(fitted, data), dtype=np.float64)
    np.savez(path.with_suffix(".npz"), **weights_of(module), said=said)
    last = fitted.history_[-1]
    loss = sum(value for name, value in last.items() if name.endswith("loss"))
    told = {"loss": loss, "seconds": spent, "processes": int(os.environ.get("WORLD_SIZE") or 1)}
    path.with_suffix(".json").write_text(json.dumps(told))


def die(moment: str, at: int) -> None:
    """Let this process kill itself about the `at`-th saving of its training."""
    save, write_file = checkpoint.Checkpoint.save, container.write
    saved = 0

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def saving(self: Any, *state: Any) -> None:
        nonlocal saved
        saved += 1
        if moment == "before" and saved == at:
            kill()
        save(self, *state)
        if moment == "after" and saved == at:
            kill()

    def writing(path: Path, contents: container.Contents) -> None:
        write_file(path, contents)
        if moment == "written" and saved == at:
            kill()

    checkpoint.Checkpoint.save = saving  # type: ignore[method-assign]
    container.write = writing


if __name__ == "__main__":
    main()
