"""What the benchmarks of pictures share: MNIST, and where pictures to look at go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.engine.device import cpu_has_bf16
from textrep.image import load_pictures

PICTURES = "TEXTREP_PICTURES"
"""Variable that names the folder of pictures to look at."""

QUICK_TRAIN, QUICK_TEST = 5_000, 1_000


class Digits(NamedTuple):
    """Parts of MNIST: float32 pictures (n, 1, 28, 28) from 0 to 1, and labels."""

    train: NDArray[np.float32]
    test: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]


def mnist(quick: bool) -> Digits:
    """All 60,000 + 10,000, or of each the first ones."""
    train, test = (load_pictures("mnist", part=part) for part in ("train", "test"))
    n, m = (QUICK_TRAIN, QUICK_TEST) if quick else (len(train.pictures), len(test.pictures))
    scaled = [pictures.astype(np.float32) / 255 for pictures in (train.pictures, test.pictures)]
    return Digits(scaled[0][:n], scaled[1][:m], train.labels[:n], test.labels[:m])


def picture_path(name: str) -> Path:
    """Where a picture to look at goes; its folder is printed with the first one."""
    folder = Path(os.environ.get(PICTURES) or Path(tempfile.gettempdir()) / "textrep-pictures")
    folder.mkdir(parents=True, exist_ok=True)
    print(f"picture: {folder / name}", flush=True)
    return folder / name


def fastest_precision(device: str) -> str:
    """What to train dense networks and Transformers in: bf16 on a CPU that has it."""
    return "bf16" if device == "cpu" and cpu_has_bf16() else "auto"
