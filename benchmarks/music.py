"""Music: each figure beside its peer, a published one, a Markov chain or real music.

    python benchmarks/music.py --data DIR [--quick] [--json FILE] [--device cuda]
                               [--only SECTION,...] [--pictures DIR]

    midi         files of notes: read, written, read again
    frames       nats a frame of chorales and folk tunes: chords all at once, and note by note
    melody       nats a note of folk tunes; notes a second in training beside a plain loop of torch
    transformer  nats a token of folk tunes
    generated    chorales that were written, held against Bach's
    musegan      phrases of four voices: bars, pitch classes, note lengths, tonal distance
    spectrogram  from sounds to pictures and back
    sounds       sounds of the instrument that was asked for

Each section prints its table and writes the rows so far to the JSON file as it ends; one that fails
says why, the others go on, and the exit code is 1. Pieces to look at and to listen to go to the
folder of --pictures. What a section measures, and against what, is told at the top of the file that
it is in.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import Row, machine_name, parse_options, run_sections

# Section -> file and generator in it.
SECTIONS = {
    "midi": ("music_midi", "midi"),
    "frames": ("music_likelihood", "frames"),
    "melody": ("music_likelihood", "melody"),
    "transformer": ("music_likelihood", "transformer"),
    "generated": ("music_generated", "generated"),
    "musegan": ("music_generated", "musegan"),
    "spectrogram": ("music_sounds", "spectrogram"),
    "sounds": ("music_sounds", "sounds"),
}


def run(section: str, data: Path, quick: bool, device: str) -> Iterator[Row]:
    """Rows of a section; its file is imported only now, so that a broken one costs no other."""
    module, name = SECTIONS[section]
    found = getattr(importlib.import_module(module), name)
    yield from found(data=data, quick=quick, device=device, machine=machine_name())


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--only", help="sections, with commas between (all)")
    extra.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    extra.add_argument("--pictures", type=Path, help="folder for pieces to look at and listen to")
    options = parse_options(__doc__ or "", [extra])
    if options.pictures is not None:
        os.environ["TEXTREP_PICTURES"] = str(options.pictures.resolve())
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / "polyphonic").is_dir():
        sys.exit("music.py needs the data sets in the folder of --data or TEXTREP_DATA")
    chosen = options.only.split(",") if options.only else list(SECTIONS)
    if unknown := sorted(set(chosen) - set(SECTIONS)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    picked = {
        name: functools.partial(run, name, data, options.quick, options.device) for name in chosen
    }
    if failed := run_sections("music", picked, options.json):
        sys.exit(f"music: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
