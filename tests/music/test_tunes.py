from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest

from textrep.music import from_abc
from textrep.music.composing import RANGES, compose_chorales, compose_melodies
from textrep.music.score import Score, Track
from textrep.music.transposing import augmented
from textrep.music.tunes import TRADITIONAL, chorales, tunes


def test_every_bar_line_stands_where_a_bar_ends():
    for block in TRADITIONAL.strip().split("\n\n"):
        meter = next(line[2:] for line in block.splitlines() if line.startswith("M:"))
        quarters = Fraction(meter) * 4
        head = "\n".join(line for line in block.splitlines() if line[1:2] == ":")
        music = "".join(line for line in block.splitlines() if line[1:2] != ":")
        bars = [bar for bar in music.rstrip("]|").split("|") if bar]
        lengths = [from_abc(f"{head}\n{bar}|")[0].end / 480 for bar in bars]
        assert set(lengths[1:-1]) == {quarters}, block
        assert lengths[0] + lengths[-1] in (quarters, 2 * quarters), block


def test_the_first_tune_is_the_one_that_everybody_knows():
    melody, chords = tunes()[0].score.tracks
    assert melody.notes[:7, 2].tolist() == [60, 60, 67, 67, 69, 69, 67]
    assert len(chords.notes)


def test_composed_melodies_keep_their_rules():
    for score in compose_melodies(20, seed=3):
        (track,) = score.tracks
        ((_, beats, _),) = score.time_signatures
        assert score.end == 8 * beats * 480
        pitches = track.notes[:, 2]
        assert np.ptp(pitches) <= 21
        phrase = track.notes[track.notes[:, 0] < 2 * beats * 480][:, 1:3]
        again = track.notes[track.notes[:, 0] >= 4 * beats * 480][: len(phrase), 1:3]
        assert np.array_equal(phrase, again)
        tonic = {0: 0, 2: 2, -1: 5, 1: 7}[score.key_signatures[0][1]]
        assert pitches[-1] % 12 == tonic


def test_composed_pieces_are_those_of_the_seed():
    first, second = compose_melodies(3, seed=5), compose_melodies(5, seed=5)
    assert first == second[:3]
    assert first != compose_melodies(3, seed=6)


def test_chorales_stay_in_their_ranges_and_do_not_cross():
    for piece in chorales():
        for voice, (low, high) in zip(piece.T, RANGES, strict=True):
            assert voice.min() >= low
            assert voice.max() <= high
        assert (np.diff(piece, axis=1) <= 0).all()


def test_chorales_have_no_parallel_fifths_or_octaves():
    for piece in chorales():
        steps = piece.astype(int).tolist()
        for before, after in pairwise(steps):
            for upper, lower in combinations(range(4), 2):
                if before[upper] == after[upper] or before[lower] == after[lower]:
                    continue
                gaps = {(before[upper] - before[lower]) % 12, (after[upper] - after[lower]) % 12}
                assert gaps not in ({0}, {7})


def test_chorales_are_all_different_and_may_not_be_written_to():
    assert len({piece.tobytes() for piece in chorales()}) == 60
    with pytest.raises(ValueError, match="read-only"):
        chorales()[0][0] = 0


def test_chorales_end_on_the_chord_that_they_begin_with():
    for piece in compose_chorales(3, seed=8):
        assert set(piece[0] % 12) == set(piece[-1] % 12)


# ---- other keys


def test_scores_move_but_for_their_drums():
    score = Score([Track([(0, 480, 60, 90)]), Track([(0, 480, 38, 90)], is_drum=True)])
    (moved,) = augmented([score], [3])
    assert [track.notes[0, 2] for track in moved.tracks] == [63, 38]


def test_rests_of_voices_stay_rests():
    (moved,) = augmented([np.array([[60, -1, 55, 40]], np.int16)], [-2])
    assert moved.tolist() == [[58, -1, 53, 38]]
    assert moved.dtype == np.int16


def test_frames_that_would_leave_the_keys_are_left_out():
    frames = np.zeros((2, 88), bool)
    frames[0, 86] = True
    moved = augmented([frames], [0, 1, 2])
    assert [np.flatnonzero(piece[0]).tolist() for piece in moved] == [[86], [87]]


def test_pieces_keep_to_the_range_and_always_come_as_they_are():
    voices = np.array([[80, 60, 55, 40]], np.int16)
    moved = augmented([voices], range(-5, 7), low=39, high=79)
    assert [piece[0, 0] for piece in moved] == [79, 80]


def test_silence_may_be_moved_anywhere():
    assert len(augmented([np.full((4, 4), -1, np.int16)])) == 12


@pytest.mark.parametrize(
    ("pieces", "options", "reason"),
    [
        ([None], {}, r"pieces\[0\] must be a Score"),
        ("tunes", {}, "a list of pieces"),
        ([np.zeros((3, 4))], {}, r"float64 array \(3, 4\)"),
        ([np.zeros((3, 80), bool)], {}, r"bool array \(3, 80\)"),
        ([], {"low": 70, "high": 60}, "low is 70"),
        ([], {"semitones": [0.5]}, "integers, got 0.5"),
    ],
)
def test_what_cannot_be_moved_is_refused(pieces, options, reason):
    with pytest.raises(ValueError, match=reason):
        augmented(pieces, **options)
