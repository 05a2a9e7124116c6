"""Trains a toy in a process of its own: to be killed, or to be one of several."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from tests.engine.toys import NextWord, Tagger, sentences, stream_batches, tagged_batches, weights
from textrep.engine import checkpoint
from textrep.engine.evaluation import evaluate
from textrep.engine.loop import train
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


def run(kind: str, out: Path, dropout: float, path: Path | None, pause: float) -> None:
    """Train the toy and write its weights and history."""
    task, batches, settings, held_out = TOYS[kind](dropout)
    if pause:
        read = batches.read

        def slowly(spec, share):
            time.sleep(pause)
            return read(spec, share)

        batches.read = slowly
    outcome = train(
        task, batches, settings, validation=held_out, device="cpu", seed=7, checkpoint=path
    )
    found = evaluate(task, held_out, device="cpu")
    if int(os.environ.get("RANK") or 0) == 0:
        for row in outcome.history:
            del row["seconds"]
        report = {"history": outcome.history, "stopped": outcome.stopped_early, "found": found}
        np.savez(out, **weights(task))
        out.with_suffix(".json").write_text(json.dumps(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--pause", type=float, default=0.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint.SAVE_SECONDS = 0.0  # after every step
    for name in options.kinds.split(","):
        run(
            name, options.folder / f"{name}.npz", options.dropout, options.checkpoint, options.pause
        )
