"""Train `textrep/image/style_transfer/small_vgg.safetensors`, the features of style transfer.

Eight convolutions of 16 to 64 channels learn the ten classes of CIFAR-10, of the 10,000 pictures in
``cifar10_jpg``: 9,000 to train on, 1,000 held out. Batch normalisation is folded into the
convolutions afterwards, and each of them scaled so that the mean of its rectifier's output is 1.

    python benchmarks/train_small_vgg.py --data DIR [--seconds 270] [--checkpoint FILE]

The file that comes with textrep had 150 s on a busy machine, which made 10 epochs; it tells 67.9 %
of the held-out pictures rightly. Alone on two cores, 30 epochs take about 100 s.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from textrep.engine import LossSum, Task, TrainingSettings, evaluate, torch_seed, train
from textrep.engine.device import cpu_has_bf16
from textrep.image import load_pictures
from textrep.image.estimator import PictureBatches
from textrep.image.style_transfer.vgg import (
    SMALL_BLOCKS,
    SMALL_FILE,
    VGG,
    balance,
    folded,
    save_vgg,
)

SEED = 0
HELD_OUT = 1_000
SHIFT = 4  # pixels, that pictures are moved by at most
EPOCHS = 30
BALANCED_BY = 1_000  # pictures
LAST = f"relu{len(SMALL_BLOCKS)}_{len(SMALL_BLOCKS[-1])}"


class Classes(Task):
    """Ten classes from the mean of the last layer."""

    def __init__(self, network: VGG) -> None:
        super().__init__()
        self.network = network
        self.output = nn.Sequential(nn.Dropout(0.2), nn.Linear(SMALL_BLOCKS[-1][-1], 10))

    def loss(self, phase: str, batch: Any) -> LossSum:
        pictures, labels = batch
        if self.training:
            pictures = moved(pictures)
        seen = self.network(pictures, [LAST])[LAST].mean(dim=(2, 3))
        scores = self.output(seen)
        correct = (scores.argmax(1) == labels).sum()
        smoothing = 0.1 if self.training else 0.0
        total = cross_entropy(scores, labels, reduction="sum", label_smoothing=smoothing)
        return LossSum(total, len(labels), {"correct": correct})


def moved(pictures: Tensor) -> Tensor:
    """Each picture by some pixels of its own, with mirrored borders."""
    n, n_channels, height, width = pictures.shape
    wide = pad(pictures, (SHIFT,) * 4, mode="reflect")
    top, left = torch.randint(2 * SHIFT + 1, (2, n, 1))
    rows = (top + torch.arange(height))[:, None, :, None]
    columns = (left + torch.arange(width))[:, None, None, :]
    picture = torch.arange(n)[:, None, None, None]
    return wide[picture, torch.arange(n_channels)[None, :, None, None], rows, columns]


def main() -> None:
    """Train, fold, balance, write; print what the held-out pictures say before and after."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("TEXTREP_DATA"))
    parser.add_argument("--seconds", type=float, default=270.0)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--output", type=Path, default=SMALL_FILE)
    options = parser.parse_args()
    if options.data:
        os.environ["TEXTREP_DATA"] = str(options.data)
    found = load_pictures("cifar10_jpg", part="test")
    order = np.random.default_rng(SEED).permutation(len(found.pictures))
    held_out, learnt = order[:HELD_OUT], order[HELD_OUT:]
    with torch_seed(SEED):
        network = VGG(SMALL_BLOCKS, batch_norm=True)
        task = Classes(network)
    pictures = torch.from_numpy(found.pictures[learnt]).float() / 255
    network.mean.copy_(pictures.mean(dim=(0, 2, 3)).view(3, 1, 1))
    network.deviation.copy_(pictures.std(dim=(0, 2, 3)).view(3, 1, 1))
    batches = PictureBatches(
        (found.pictures[learnt], found.labels[learnt]), 128, seed=SEED, flip=True, drop_last=True
    )
    watched = PictureBatches((found.pictures[held_out], found.labels[held_out]), 250, shuffle=False)
    settings = TrainingSettings(
        epochs=EPOCHS,
        learning_rate=6e-3,
        weight_decay=0.02,
        schedule="one-cycle",
        max_seconds=options.seconds,
    )
    task.to(memory_format=torch.channels_last)
    outcome = train(
        task,
        batches,
        settings,
        device="cpu",
        precision="bf16" if cpu_has_bf16() else "fp32",
        seed=SEED,
        checkpoint=options.checkpoint,
        verbose=1,
    )
    for entry in outcome.history[:: max(1, len(outcome.history) // 10)]:
        print({name: round(value, 4) for name, value in entry.items()})
    print(f"{outcome.n_epochs} epochs, {outcome.seconds:.0f} s")
    print("held out:", evaluate(task, watched, device="cpu"))
    task.network = folded(network)
    print("folded:", evaluate(task, watched, device="cpu"))
    balance(task.network, pictures[:BALANCED_BY])
    save_vgg(options.output, task.network)
    print(f"{options.output}: {options.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
