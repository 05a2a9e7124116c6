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

from room import run_room

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

if __name__ == "__main__":
    run_room("music", __doc__ or "", SECTIONS, "polyphonic")
