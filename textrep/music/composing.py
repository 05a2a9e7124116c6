"""Melodies and four-part pieces composed by rules, from a seed.

They teach a model something to be heard in minutes on any machine, and nothing about music that is
not in the rules below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import stream
from textrep.embeddings.parameters import check_count
from textrep.music.score import TICKS, Score, Track

Voices = NDArray[np.int16]

MAJOR = (0, 2, 4, 5, 7, 9, 11)
_OCTAVE = 12

# ---- melodies

_PHRASES = "ABAC"  # each of two bars; B ends on the fifth, C on the tonic
_STEPS = {-4: 1, -2: 4, -1: 12, 0: 5, 1: 12, 2: 4, 4: 1}  # degrees of the scale, and how often
_DEGREES = (-3, 8)  # of the scale, the tonic being 0: a melody stays between them
_RHYTHMS = {  # quarters of a bar, in eighths
    4: ((2, 2, 2, 2), (3, 1, 2, 2), (2, 1, 1, 2, 2), (4, 2, 2), (1, 1, 2, 2, 2), (2, 2, 3, 1)),
    3: ((2, 2, 2), (4, 2), (3, 1, 2), (2, 1, 1, 2), (2, 2, 1, 1)),
}
_MELODY_KEYS = (60, 62, 65, 67)  # tonics: C, D, F, G
_SHARPS = {0: 0, 2: 2, 5: -1, 7: 1, 9: 3, 10: -2}  # of the major key, by its tonic
_VELOCITY = 90

# ---- four parts

RANGES = ((60, 79), (55, 72), (48, 67), (40, 60))  # soprano, alto, tenor, bass
_CHORDS = {"I": 0, "ii": 1, "iii": 2, "IV": 3, "V": 4, "vi": 5}
# What follows a chord, as functional harmony has it: tonic, predominant, dominant, tonic.
_FOLLOWS = {
    "I": "I IV IV V vi ii", "ii": "V V vi", "iii": "vi IV", "IV": "V V I ii", "V": "I I I vi",
    "vi": "ii IV IV iii V",
}  # fmt: skip
_CADENCES = (("IV", "V", "I"), ("ii", "V", "I"), ("I", "IV", "V"))
_BEATS, _BARS, _PHRASE = 4, 8, 8  # beats of a bar, bars of a piece, beats of a phrase
_STEPS_A_BEAT = 4
_CHORAL_KEYS = (0, 2, 5, 7, 10)
_PERFECT = (0, 7)  # octaves and fifths, which must not be parallel
_LEAP = 9  # semitones: the most that an upper voice moves
_FORBIDDEN = 1e6
_PASSING = 0.5  # of the thirds in one voice get a note between


def compose_melodies(n: int, *, seed: int = 0) -> list[Score]:
    """Melodies of eight bars: a random walk over the scale, in phrases A B A C.

    Each of the phrases has two bars. Steps of a degree are more frequent than leaps, and the walk
    stays within an octave and a half; A begins on the tonic, third or fifth, B ends on the fifth
    and C on the tonic, each with a long note.

    Parameters
    ----------
    n : int
    seed : int, default=0
        The first melodies of a seed are the same for every `n`.

    Returns
    -------
    list of Score

    Examples
    --------
    >>> tune, = compose_melodies(1)
    >>> tune.end // TICKS in (24, 32), len(tune.tracks)
    (True, 1)
    """
    check_count("n", n, 0)
    return [_melody(stream(seed, "melody", str(i)), f"Walk {i + 1}") for i in range(n)]


def _melody(rng: np.random.Generator, name: str) -> Score:
    beats = int(rng.choice((3, 4)))
    tonic = int(rng.choice(_MELODY_KEYS))
    phrases = {"A": _phrase(rng, beats, None), "B": _phrase(rng, beats, 4)}
    phrases["C"] = _phrase(rng, beats, 0 if rng.random() < 0.5 else 7)
    notes, at = [], 0
    for label in _PHRASES:
        for length, degree in phrases[label]:
            duration = length * TICKS // 2
            notes.append((at, duration, tonic + _semitones(degree), _VELOCITY))
            at += duration
    key = _SHARPS[tonic % _OCTAVE]
    return Score(
        (Track(np.array(notes), name="melody"),),
        time_signatures=((0, beats, 4),),
        key_signatures=((0, key, 0),),
        name=name,
    )


def _phrase(rng: np.random.Generator, beats: int, goal: int | None) -> list[tuple[int, int]]:
    """Two bars of lengths in eighths and degrees; it ends on a goal where there is one."""
    rhythms = _RHYTHMS[beats]
    lengths = [*rhythms[rng.integers(len(rhythms))], *rhythms[rng.integers(len(rhythms))]]
    if goal is not None:  # the last bar is one long note after a short one
        lengths = [*rhythms[rng.integers(len(rhythms))], 2, 2 * beats - 2]
    low, high = _DEGREES
    moves, weights = np.array(list(_STEPS)), np.array(list(_STEPS.values()), float)
    degrees = [int(rng.choice((0, 2, 4)))]
    while len(degrees) < len(lengths):
        inside = (degrees[-1] + moves >= low) & (degrees[-1] + moves <= high)
        chances = weights * inside
        degrees.append(degrees[-1] + int(rng.choice(moves, p=chances / chances.sum())))
    if goal is not None:
        degrees[-1] = goal
        degrees[-2] = goal + (1 if degrees[-3] > goal else -1)  # reached by a step
    return list(zip(lengths, degrees, strict=True))


def _semitones(degree: int) -> int:
    octave, step = divmod(degree, len(MAJOR))
    return _OCTAVE * octave + MAJOR[step]


# ---- four parts


def compose_chorales(n: int, *, seed: int = 0) -> list[Voices]:
    """Pieces of eight bars for four voices, in major keys.

    Chords follow each other as in `_FOLLOWS`, a chord to a beat, and each phrase of two bars ends
    in a cadence, the last one on the tonic. Of all ways to give a chord to the voices, within their
    ranges, uncrossed and with at most an octave between the upper ones, those are taken that move
    least, without parallel fifths and octaves and with the leading tone once. Half of the thirds
    in which a voice moves are filled by an eighth between.

    Parameters
    ----------
    n : int
    seed : int, default=0
        The first pieces of a seed are the same for every `n`.

    Returns
    -------
    list of int16 ndarray (128, 4)
        Soprano, alto, tenor and bass, four steps to a beat.

    Examples
    --------
    >>> piece, = compose_chorales(1)
    >>> piece.shape, bool((np.diff(piece, axis=1) <= 0).all())
    ((128, 4), True)
    """
    check_count("n", n, 0)
    return [_chorale(stream(seed, "chorale", str(i))) for i in range(n)]


def _chorale(rng: np.random.Generator) -> Voices:
    tonic = int(rng.choice(_CHORAL_KEYS))
    chords = _progression(rng)
    beats = _smoothest(tonic, [_CHORDS[name] for name in chords], rng)
    steps = np.repeat(beats, _STEPS_A_BEAT, axis=0)
    _fill_thirds(steps, tonic, rng)
    return steps.astype(np.int16)


def _progression(rng: np.random.Generator) -> list[str]:
    chords: list[str] = []
    n_phrases = _BEATS * _BARS // _PHRASE
    for phrase in range(n_phrases):
        ends = _CADENCES[:2] if phrase == n_phrases - 1 else _CADENCES
        cadence = ends[rng.integers(len(ends))]
        current = ["I"]
        while len(current) < _PHRASE - len(cadence):
            follows = _FOLLOWS[current[-1]].split()
            current.append(follows[rng.integers(len(follows))])
        chords += [*current, *cadence]
    return chords


@lru_cache
def _voicings(tonic: int, degree: int) -> NDArray[np.int64]:
    """All ways to give a triad to the four voices, its root in the bass."""
    root, third, fifth = ((tonic + _semitones(degree + step)) % _OCTAVE for step in (0, 2, 4))
    leading = (tonic + MAJOR[6]) % _OCTAVE
    grids = [[p for p in range(low, high + 1) if p % _OCTAVE in (root, third, fifth)]
             for low, high in RANGES[:3]]  # fmt: skip
    basses = [p for p in range(RANGES[3][0], RANGES[3][1] + 1) if p % _OCTAVE == root]
    every = np.stack(np.meshgrid(*grids, basses, indexing="ij"), axis=-1).reshape(-1, 4)
    gaps = every[:, :-1] - every[:, 1:]
    classes = every % _OCTAVE
    kept = (gaps >= 0).all(axis=1) & (gaps[:, :2] <= _OCTAVE).all(axis=1)
    for member in (root, third, fifth):
        kept &= (classes == member).any(axis=1)
    kept &= (classes == leading).sum(axis=1) <= 1
    return every[kept]


def _smoothest(tonic: int, degrees: Sequence[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """The way through the voicings of chords that costs least (Viterbi)."""
    middle = np.array([sum(pair) / 2 for pair in RANGES])

    def own(each: NDArray[np.int64]) -> NDArray[np.float64]:
        # Towards the middle of the ranges, and not always the same way.
        away = np.abs(each - middle).sum(axis=1) / 4
        return np.asarray(away + rng.gumbel(size=len(each)))

    choices = [_voicings(tonic, degree) for degree in degrees]
    costs, froms = own(choices[0]), []
    for (before, after), each in zip(pairwise(degrees), choices[1:], strict=True):
        whole = costs[:, None] + _moves(tonic, before, after)
        froms.append(whole.argmin(axis=0))
        costs = whole.min(axis=0) + own(each)
    at = int(costs.argmin())
    path = [choices[-1][at]]
    for each, back in zip(choices[-2::-1], froms[::-1], strict=True):
        at = int(back[at])
        path.append(each[at])
    return np.array(path[::-1])


@lru_cache(maxsize=256)  # 5 keys of 6 chords make 180 pairs
def _moves(tonic: int, from_degree: int, to_degree: int) -> NDArray[np.float32]:
    """What it costs to go from each voicing of a chord to each of another."""
    before, after = _voicings(tonic, from_degree), _voicings(tonic, to_degree)
    cost = np.zeros((len(before), len(after)), np.float32)
    moved = [np.abs(after[None, :, v] - before[:, None, v]) for v in range(4)]
    for voice, distance in enumerate(moved):
        bass = voice == 3
        cost += distance * (0.5 if bass else 1) + _FORBIDDEN * (
            distance > (_OCTAVE if bass else _LEAP)
        )
    for upper in range(4):
        for lower in range(upper + 1, 4):
            gap = (before[:, upper] - before[:, lower]) % _OCTAVE
            following = (after[:, upper] - after[:, lower]) % _OCTAVE
            same = (gap[:, None] == following[None]) & np.isin(gap, _PERFECT)[:, None]
            cost += _FORBIDDEN * (same & (moved[upper] > 0) & (moved[lower] > 0))
    return cost


def _fill_thirds(steps: NDArray[np.int64], tonic: int, rng: np.random.Generator) -> None:
    """Put an eighth between some thirds, in one voice at a time, where no parallels come of it."""
    half = _STEPS_A_BEAT // 2
    for beat in range(0, len(steps) - _STEPS_A_BEAT, _STEPS_A_BEAT):
        now, following = steps[beat], steps[beat + _STEPS_A_BEAT]
        thirds = [_between(int(now[v]), int(following[v]), tonic) for v in range(4)]
        gaps = [(voice, between) for voice, between in enumerate(thirds) if between is not None]
        if not gaps or rng.random() >= _PASSING:
            continue
        voice, between = gaps[rng.integers(len(gaps))]
        passing = now.copy()
        passing[voice] = between
        if (np.diff(passing) <= 0).all() and not parallels(passing, following):
            steps[beat + half : beat + _STEPS_A_BEAT, voice] = between


def _between(now: int, following: int, tonic: int) -> int | None:
    """The note of the scale between two that are a third apart."""
    if abs(following - now) not in (3, 4):
        return None
    inside = range(min(now, following) + 1, max(now, following))
    return next((p for p in inside if (p - tonic) % _OCTAVE in MAJOR), None)


def parallels(before: NDArray[np.int64], after: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of voices that go in parallel fifths or octaves from one chord to the next.

    Parameters
    ----------
    before, after : int ndarray (4,)

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> parallels(np.array([67, 64, 60, 48]), np.array([69, 65, 62, 50]))
    [(0, 2), (0, 3), (2, 3)]
    """
    found = []
    for upper in range(len(before)):
        for lower in range(upper + 1, len(before)):
            gap = (before[upper] - before[lower]) % _OCTAVE
            same = gap in _PERFECT and gap == (after[upper] - after[lower]) % _OCTAVE
            if same and before[upper] != after[upper] and before[lower] != after[lower]:
                found.append((upper, lower))
    return found
