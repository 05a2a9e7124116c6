"""Trains a toy in a process of its own: to be killed, or to be one of several."""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch

from tests.engine.toys import NextWord, Tagger, sentences, stream_batches, tagged_batches, weights
from textrep.engine import checkpoint
from textrep.engine.evaluation import evaluate
from textrep.engine.loop import train
from textrep.engine.processes import Processes
from textrep.engine.settings import TrainingSettings


def tagger(dropout: float):
    """Everything that a checkpoint must hold but carried state."""
    settings = TrainingSettings(
        epochs=4, learning_rate=0.02, weight_decay=0.01, schedule="cosine", accumulate=2,
        max_grad_norm=0.5, ema_decay=0.9, patience=3, evaluations_per_epoch=2,
    )  # fmt: skip
    # One row in the last batch of each: nothing is left for a second process.
    held_out = tagged_batches(sentences(9, seed=5), max_rows=4)
    return Tagger(dropout=dropout), tagged_batches(sentences(25), max_rows=4), settings, held_out


def streams(dropout: float):
    """State carried from batch to batch, and momentum; streams that do not divide by two."""
    settings = TrainingSettings(
        epochs=3, learning_rate=0.05, optimizer="sgd", momentum=0.9, max_grad_norm=1.0
    )
    held_out = stream_batches(3, window=7, n_ids=100)
    return NextWord(3, dropout=dropout), stream_batches(3, vary_window=True), settings, held_out


def lonely(dropout: float):
    """Batches of one row, so that a second process has nothing, in training and evaluation."""
    settings = TrainingSettings(epochs=2, learning_rate=0.05, optimizer="sgd", ema_decay=0.5)
    held_out = tagged_batches(sentences(1, seed=5), max_rows=1)
    return Tagger(dropout=dropout), tagged_batches(sentences(5), max_rows=1), settings, held_out


TOYS = {"tagger": tagger, "streams": streams, "lonely": lonely}


def run(kind: str, out: Path, dropout: float = 0.0, path: Path | None = None) -> None:
    """Train the toy and write its weights and history."""
    report(TOYS[kind](dropout), out, path)


def hang(kind: str, out: Path, dropout: float, path: Path, n_batches: int) -> None:
    """As `run`, but wait to be killed when so many batches have been read."""
    torch.set_num_threads(1)
    checkpoint.SAVE_SECONDS = 0.0  # after every step
    toy = TOYS[kind](dropout)
    batches, seen = toy[1], []
    read = batches.read

    def read_so_many(spec, share):
        if len(seen) == n_batches:
            time.sleep(600)
        seen.append(spec)
        return read(spec, share)

    batches.read = read_so_many
    report(toy, out, path)


def take_up(kind: str, out: Path) -> None:
    """As `run`, but with Ctrl-C in the main process in mid-epoch, and then on from there."""
    task, batches, settings, held_out = TOYS[kind](0.0)
    path, loss, calls = out.with_suffix(".textrep"), task.loss, []

    def pressed(phase, batch):
        calls.append(phase)
        if len(calls) == 20 and is_main():
            os.kill(os.getpid(), signal.SIGINT)
        return loss(phase, batch)

    task.loss = pressed
    try:
        train(task, batches, settings, validation=held_out, device="cpu", seed=7, checkpoint=path)
    except KeyboardInterrupt:
        run(kind, out, path=path)


def is_main() -> bool:
    return int(os.environ.get("RANK") or 0) == 0


def report(toy, out: Path, path: Path | None) -> None:
    task, batches, settings, held_out = toy
    outcome = train(
        task, batches, settings, validation=held_out, device="cpu", seed=7, checkpoint=path
    )
    found = evaluate(task, held_out, device="cpu")
    if is_main():
        for row in outcome.history:
            del row["seconds"]
        told = {
            "history": outcome.history,
            "stopped": outcome.stopped_early,
            "found": found,
            "processes": Processes(torch.device("cpu")).share.parts,
        }
        np.savez(out, **weights(task))
        out.with_suffix(".json").write_text(json.dumps(told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.kinds.split(","):
        run(name, options.folder / f"{name}.npz")
    take_up("streams", options.folder / "taken_up.npz")
