"""Written music held against real music, for `music.py`.

Generated
    `ChoraleModel` learns the four voices of the 229 training chorales in sixteenths and writes as
    many, each as long as one of those. Distances from the test chorales (pitch classes, note
    lengths, notes at once, empty bars, tonal distance; see `textrep.music.compare_music`) stand
    beside those of the training chorales: a ratio of 1 is real music's. Of either, as many are
    drawn as there are test chorales, twenty times.

MuseGAN
    Phrases of two bars of the same chorales: empty bars (EB), pitch classes a bar (UPC), qualified
    notes (QN; here an eighth and longer, as sixteenths are never below a 32nd) and tonal distance
    (TD) of the made phrases, beside the training phrases, and the published ones of pop songs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table
from music_bench import keep, parts_of
from music_models import MUSEGAN, VOICES, VOICES_TEMPERATURE, fitted

from textrep.music import ChoraleModel, MuseGAN, compare_music, voices_to_score
from textrep.music.measures import (
    empty_bar_rate,
    pitch_classes_per_bar,
    qualified_note_rate,
    tonal_distance,
)
from textrep.music.musegan.phrase_rolls import phrases, phrases_to_voices

STEPS = 4  # of a quarter note: sixteenths
SHORTEST = 0.5  # quarter notes of a qualified note: on a grid of sixteenths, all pass a 32nd
WRITTEN = 4
SEED = 0

# ---- generated

DEMANDED = 1.25
"""Times the floor that written music may be away."""
MOST = 100.0
GROUPS = 8  # of lengths, each written at once
QUICK_PIECES = 40


def generated(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of each distance over the floor."""
    parts = parts_of("jsb_chorales", STEPS)
    train = parts.train.pieces[:QUICK_PIECES] if quick else parts.train.pieces
    model = fitted(ChoraleModel, VOICES, train, quick=quick, device=device, random_state=SEED)
    nats = model.nats_per_frame(parts.test.pieces)
    print(f"JSB voices, {STEPS} steps a quarter: {nats:.3f} nats a frame")
    made = as_long_as(model, train[:QUICK_PIECES] if quick else train)
    report = compare_music(
        made, parts.test.pieces, floor=train, resolution=STEPS, shortest=SHORTEST
    )
    print(report)
    keep("chorales", [voices_to_score(piece, STEPS, tempo=80.0) for piece in made[:WRITTEN]])
    threads = torch.get_num_threads()
    for row in report.distances:
        yield Row(f"JSB voices, {STEPS} steps a quarter, {row.name}", "distance from test",
                  row.made, "training chorales", row.floor, 1 / bounded(row.ratio),
                  "see compare_music", threads, machine)  # fmt: skip
    worst = max(report.distances, key=lambda row: row.ratio)
    times = bounded(worst.ratio)
    yield Row(f"JSB voices, worst: {worst.name}", "over the floor", times, "demanded", DEMANDED,
              DEMANDED / times, "times", threads, machine)  # fmt: skip


def bounded(ratio: float) -> float:
    """A ratio that JSON can hold, where one side is at no distance at all."""
    return min(max(ratio, 1 / MOST), MOST)


def as_long_as(model: Any, pieces: list[Any]) -> list[Any]:
    """A written piece for each real one, of its length."""
    order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
    found: list[Any] = []
    for number, group in enumerate(np.array_split(np.array(order), min(GROUPS, len(order)))):
        lengths = [len(pieces[i]) for i in group]
        written = model.sample(
            len(group), steps=max(lengths), temperature=VOICES_TEMPERATURE,
            random_state=SEED + number,
        )  # fmt: skip
        found += [piece[:length] for piece, length in zip(written, lengths, strict=True)]
    return found


# ---- MuseGAN

N_PHRASES, QUICK_PHRASES = 1_000, 100
NAMES = ("soprano", "alto", "tenor", "bass")
# Dong et al. (2018), tables 1 and 2, of pop songs: bass, guitar, piano, strings.
PUBLISHED = {
    "published: training": ("8.06/19.4/24.8/10.1", "1.71/3.08/3.28/3.38", "90.0/81.9/88.4/89.6",
                            "1.30"),
    "published: composer": ("0.01/1.34/0.02/0.01", "2.51/4.20/4.89/5.19", "49.5/47.4/49.9/52.5",
                            "1.14"),
    "published: hybrid": ("2.14/11.7/17.8/6.04", "2.35/4.76/5.45/5.24", "44.6/43.2/45.5/52.0",
                          "1.09"),
}  # fmt: skip


def musegan(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of each measure beside that of the training phrases; a table of all."""
    voices = parts_of("jsb_chorales", STEPS).train.pieces
    real = phrases(voices)
    model = fitted(MuseGAN, MUSEGAN, real, quick=quick, device=device, random_state=SEED)
    made = model.sample(QUICK_PHRASES if quick else N_PHRASES, random_state=SEED)
    noise = shuffled(real)
    lines = [
        [name, *told(rolls)]
        for name, rolls in (("training", real), ("made", made), ("steps shuffled", noise))
    ]
    lines += [[name, *values] for name, values in PUBLISHED.items()]
    print_table("phrases of four voices; in tracks", ["of", "EB %", "UPC", "QN %", "TD"], lines)
    keep("musegan", [voices_to_score(phrase, STEPS, tempo=90.0)
                     for phrase in phrases_to_voices(made[:WRITTEN])])  # fmt: skip
    threads = torch.get_num_threads()
    for metric, measure in MEASURES.items():
        ours, wanted, none = (float(np.mean(measure(rolls))) for rolls in (made, real, noise))
        off, none_off = abs(ours - wanted), abs(none - wanted)
        yield Row(f"MuseGAN on chorales, {metric}", "made", ours, "training", wanted,
                  nearness(ours, wanted), "see table", threads, machine)  # fmt: skip
        yield Row(f"MuseGAN on chorales, {metric}", "away from training", off, "steps shuffled",
                  none_off, none_off / max(off, 1e-12), "see table", threads,
                  machine)  # fmt: skip


def nearness(a: float, b: float) -> float:
    """The smaller over the larger: 1 for equal figures."""
    return min(a, b) / max(a, b) if max(a, b) else 1.0


def by_track(measure: Any, rolls: Any, **options: Any) -> list[float]:
    """A measure of each track."""
    return [measure(rolls, track=track, **options) for track in range(len(NAMES))]


MEASURES: dict[str, Any] = {
    "EB": lambda rolls: by_track(empty_bar_rate, rolls),
    "UPC": lambda rolls: by_track(pitch_classes_per_bar, rolls),
    "QN": lambda rolls: by_track(qualified_note_rate, rolls, shortest=SHORTEST),
    "TD": lambda rolls: [tonal_distance(rolls)],
}
_SCALE = {"EB": 100, "QN": 100}


def told(rolls: Any) -> list[str]:
    """The measures of phrases in the form of the published table."""
    return [
        "/".join(f"{_SCALE.get(name, 1) * value:.3g}" for value in measure(rolls))
        for name, measure in MEASURES.items()
    ]


def shuffled(rolls: Any) -> Any:
    """Phrases whose steps are anybody's: what is left of the measures without order in time."""
    flat = rolls.reshape(*rolls.shape[:2], -1, rolls.shape[-1]).copy()
    random = np.random.default_rng(SEED)
    for track in range(flat.shape[1]):
        steps = flat[:, track].reshape(-1, flat.shape[-1])
        flat[:, track] = random.permutation(steps).reshape(flat[:, track].shape)
    return flat.reshape(rolls.shape)
