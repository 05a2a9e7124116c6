"""What the benchmarks of music share: sets in parts, rows, and pieces to listen to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from harness import Row
from image_bench import picture_path

from textrep.music import MusicSet, load_music, music_page, save_piano_roll, synthesize, write_wave

SEEDS = (0, 1, 2)
RATE = 22050


class Parts(NamedTuple):
    """A set as it was divided for all who publish figures."""

    train: MusicSet
    valid: MusicSet
    test: MusicSet


def parts_of(name: str, resolution: int | None = None) -> Parts:
    """The three parts of a set."""
    return Parts(*(load_music(name, part=part, resolution=resolution) for part in Parts._fields))


def spread_told(values: Sequence[float]) -> str:
    """Mean and standard deviation of the figures of several seeds."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def fewer_is_better(
    name: str, metric: str, ours: float, peer_name: str, peer: float, unit: str, machine: str
) -> Row:
    """A row whose ratio is above 1 where ours is the smaller figure."""
    threads = torch.get_num_threads()
    return Row(name, metric, ours, peer_name, peer, peer / ours, unit, threads, machine)


def keep(name: str, scores: Sequence[Any], titles: Sequence[str] | None = None) -> None:
    """Write pieces as a sound, a picture and a page with players."""
    titles = [f"{name} {i}" for i in range(1, len(scores) + 1)] if titles is None else titles
    write_wave(picture_path(f"{name}.wav"), synthesize(scores[0], rate=RATE), RATE)
    save_piano_roll(picture_path(f"{name}.png"), list(scores), titles=titles)
    music_page(picture_path(f"{name}.html"), list(zip(titles, scores, strict=True)), heading=name)


def keep_sounds(name: str, sounds: Sequence[Any], titles: Sequence[str], rate: int) -> None:
    """Write sounds on a page with players."""
    pieces = list(zip(titles, sounds, strict=True))
    music_page(picture_path(f"{name}.html"), pieces, heading=name, rate=rate)
