"""Files of notes, for `music.py`: how fast they are read and written, and whether anything is lost.

All 3,089 MIDI files of the Nottingham folk tunes (1,034 tunes, and the melody and the chords of
most by themselves). The peer is symusic alone, which ours is built on: what it takes to parse the
bytes without looking whether they are whole, and without arrays, is the least that reading can
cost. Then the 1,034 tunes of the ABC files, of which the MIDI files were made, beside those: how
many have the same pitches at the same onsets, counted from the first note. That share is no error
rate: the program that made the MIDI files lets a sign hold for one note and not for the bar, takes
a tie after a space for none, goes back over two sections where one ends in a repeat without a
start, and leaves all parts but the first out where their order is not given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import symusic
from harness import Row, take_turns

from textrep.data.readers.archives import open_members
from textrep.music import Score, from_abc
from textrep.music.midi import SUFFIXES, midi_of, score_of
from textrep.music.score import PITCH, START

TURNS = 3
QUICK_FILES = 300
GRID = 24  # steps of a quarter note


def midi(data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of reading, of writing, of what comes back, and of the same tunes in ABC."""
    with open_members(data / "nottingham" / "nottingham-midi.tar.gz") as members:
        whole = {
            "/".join(member.parts): member.read()
            for member in members
            if member.parts[-1].endswith(SUFFIXES)
        }
    files = list(whole.values())[: QUICK_FILES if quick else None]
    scores = [score_of(each) for each in files]
    parsed = [symusic.Score.from_midi(each) for each in files]
    tasks = {
        "read": lambda: [score_of(each) for each in files],
        "read, symusic": lambda: [symusic.Score.from_midi(each) for each in files],
        "write": lambda: [midi_of(each) for each in scores],
        "write, symusic": lambda: [each.dumps_midi() for each in parsed],
    }
    spent = take_turns(tasks, dict.fromkeys(tasks, TURNS))
    for what in ("read", "write"):
        ours, peer = (len(files) / spent[name] for name in (what, f"{what}, symusic"))
        yield Row(
            f"{len(files):,} MIDI files", what, ours, "symusic alone", peer, ours / peer, "files/s",
            1, machine,
        )  # fmt: skip
    same = sum(score_of(midi_of(score)) == score for score in scores)
    yield Row(
        f"{len(files):,} MIDI files", "the same after writing and reading", same, "all",
        len(files), same / len(files), "files", 1, machine,
    )  # fmt: skip
    yield from _abc(data, whole, machine)


def _abc(data: Path, whole: dict[str, bytes], machine: str) -> Iterator[Row]:
    played = {}
    for path in sorted((data / "nottingham" / "ABC_cleaned").glob("*.abc")):
        text = path.read_text(encoding="utf-8")
        numbers = re.findall(r"^X:\s*(\d+)", text, re.M)
        for number, tune in zip(numbers, from_abc(text), strict=True):
            played[f"{path.stem}{number}"] = tune
    same = 0
    for name, content in whole.items():
        path = PurePosixPath(name)
        if len(path.parts) == 2 and path.stem in played:
            same += _onsets(played[path.stem]) == _onsets(score_of(content))
    yield Row(
        f"{len(played):,} ABC tunes", "as in their MIDI files", same, "all", len(played),
        same / len(played), "tunes", 1, machine,
    )  # fmt: skip


def _onsets(score: Score) -> list[tuple[int, int]]:
    """Onsets from the first note of the melody, and pitches: the MIDI files pad upbeats.

    To 24ths of a quarter, as no MIDI file of 1,024 ticks holds triplets exactly.
    """
    notes = score.tracks[0].notes
    grid = np.rint((notes[:, START] - notes[0, START]) * (GRID / score.ticks)).astype(int)
    return list(zip(grid.tolist(), notes[:, PITCH].tolist(), strict=True))
