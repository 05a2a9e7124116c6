"""Measures of music against figures worked out by hand."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy, wasserstein_distance

from textrep.music import Score, Track, compare_music, to_roll
from textrep.music.measures import (
    drum_pattern_rate,
    empty_bar_rate,
    groove_similarity,
    note_lengths,
    pitch_class_entropy,
    pitch_class_histogram,
    pitch_classes_per_bar,
    polyphony,
    qualified_note_rate,
    scale_consistency,
    tonal_centroids,
    tonal_distance,
)
from textrep.music.measures.pieces import pieces_of

BAR = 16  # sixteenths


def roll(*notes: tuple[int, int, int], steps: int = 2 * BAR, onsets: bool = True) -> np.ndarray:
    """Notes as first step, length and pitch."""
    made = np.zeros((steps, 128), np.uint8 if onsets else bool)
    for first, length, pitch in notes:
        made[first : first + length, pitch] = 1
        if onsets:
            made[first, pitch] = 2
    return made


def melody(*pitches: int) -> np.ndarray:
    return np.array(pitches, np.int16)[:, None]


# ---- empty bars


def test_the_rate_is_that_of_empty_bars_not_of_full_ones():
    assert empty_bar_rate(roll((0, 1, 60), steps=4 * BAR)) == 0.75


def test_a_note_that_ends_on_a_bar_line_leaves_the_next_bar_empty():
    assert empty_bar_rate(roll((0, BAR, 60))) == 0.5


def test_a_note_that_is_held_into_a_bar_fills_it():
    assert empty_bar_rate(roll((BAR - 1, 2, 60))) == 0


def test_there_is_no_bar_behind_the_last_note():
    score = Score([Track([(0, 1920, 60, 80), (1920, 1920, 62, 80)])])
    piece = pieces_of(score)[0]
    assert piece.bars.tolist() == [0, 96, 192]
    assert empty_bar_rate(score) == 0


def test_a_note_that_rounding_puts_behind_the_last_line_has_a_bar():
    score = Score([Track([(1919, 1, 60, 80)])])
    assert pieces_of(score)[0].bars.tolist() == [0, 96, 192]
    assert empty_bar_rate(score) == 0.5


def test_rounding_down_to_a_line_leaves_no_empty_bar():
    score = Score([Track([(0, 1925, 60, 80)])])
    assert pieces_of(score)[0].bars.tolist() == [0, 96]
    assert empty_bar_rate(score) == 0


def test_empty_bars_are_counted_by_track():
    tracks = np.stack([roll((0, 4, 60)), roll((BAR, 4, 60)), roll()])
    assert empty_bar_rate(tracks) == pytest.approx(4 / 6)
    assert empty_bar_rate(tracks, track=2) == 1


def test_bars_of_a_waltz_are_shorter():
    score = Score([Track([(0, 480, 60, 80), (1440, 10, 60, 80)])], time_signatures=[(0, 3, 4)])
    assert pieces_of(score)[0].bars.tolist() == [0, 72, 144]
    voices = melody(60, -1, -1, 60, -1, -1)
    assert empty_bar_rate(voices, resolution=1, beats_per_bar=3) == 0


# ---- pitch classes


def test_pitch_classes_of_a_bar_are_counted_once_however_long_they_sound():
    assert pitch_classes_per_bar(roll((0, 8, 60), (8, 8, 72), (0, 16, 64), steps=BAR)) == 2


def test_empty_bars_have_no_pitch_classes_to_average():
    assert pitch_classes_per_bar(roll((0, 4, 60), (4, 4, 61), steps=4 * BAR)) == 2


def test_a_note_counts_in_each_bar_in_which_it_sounds():
    assert pitch_classes_per_bar(roll((8, 16, 60), (BAR + 8, 4, 62))) == 1.5


def test_drums_have_no_pitch_classes():
    drums = Track([(0, 100, pitch, 80) for pitch in range(36, 46)], is_drum=True)
    score = Score([drums, Track([(0, 480, 60, 80)])])
    assert pitch_classes_per_bar(score) == 1
    assert pitch_class_histogram(score)[0] == 1
    assert polyphony(score) == 1


def test_pitch_classes_are_weighed_by_time():
    shares = pitch_class_histogram(roll((0, 6, 60), (6, 2, 61)))
    assert shares[:2].tolist() == [0.75, 0.25]
    assert pitch_class_entropy(roll((0, 6, 60), (6, 2, 61))) == pytest.approx(
        entropy([0.75, 0.25], base=2)
    )


def test_all_notes_of_a_scale_are_consistent_with_it_in_any_key():
    major = np.array([0, 2, 4, 5, 7, 9, 11])
    for key in range(12):
        assert scale_consistency(melody(*(60 + key + major))) == pytest.approx(1)
    assert scale_consistency(melody(*range(60, 72))) == pytest.approx(7 / 12)


# ---- notes


def test_a_duration_is_from_a_notes_own_start_to_its_own_end():
    # In pitch order the starts are 4, 0 and the ends 8, 16: flattened they would be mixed up.
    notes = roll((4, 4, 60), (0, 16, 64))
    found = note_lengths(notes)
    assert found.lengths.tolist() == [1.0, 4.0]
    assert found.shares.tolist() == [0.5, 0.5]


def test_a_32nd_is_qualified_and_what_is_shorter_is_not():
    score = Score([Track([(0, 60, 60, 80), (480, 40, 60, 80), (960, 480, 60, 80)])])
    assert qualified_note_rate(score) == pytest.approx(2 / 3)


def test_a_note_over_a_bar_line_is_one_note():
    assert note_lengths(roll((BAR - 2, 4, 60), onsets=False)).lengths.tolist() == [1.0]
    assert qualified_note_rate(roll((BAR - 1, 2, 60)), shortest=0.5) == 1


def test_repeated_notes_are_told_from_held_ones_where_onsets_are_known():
    assert note_lengths(roll((0, 4, 60), (4, 4, 60))).lengths.tolist() == [1.0]
    assert note_lengths(roll((0, 4, 60), (4, 4, 60), onsets=False)).lengths.tolist() == [2.0]


def test_polyphony_leaves_silence_out():
    assert polyphony(roll((0, 4, 60), (0, 2, 64))) == 1.5
    assert math.isnan(polyphony(roll()))


def test_two_notes_at_once_are_counted():
    """One published measure counts only chords of more than two."""
    assert polyphony(roll((0, 4, 60), (0, 4, 64))) == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 9), st.integers(60, 72)),
        min_size=1,
        max_size=9,
    )
)
def test_polyphony_is_the_mean_of_a_rolls_rows(notes):
    sounding = (roll(*notes) > 0).sum(axis=1)
    assert polyphony(roll(*notes)) == pytest.approx(sounding[sounding > 0].mean())


# ---- drums and groove


def drums(*starts: int) -> Score:
    return Score([Track([(start, 10, 36, 80) for start in starts], is_drum=True)])


def test_drums_on_sixteenths_keep_the_pattern():
    assert drum_pattern_rate(drums(0, 120, 240, 360)) == 1
    assert drum_pattern_rate(drums(0, 120, 240, 360), subdivision=2) == 0.5
    assert drum_pattern_rate(drums(0, 20, 40, 60)) == 0.25


def test_without_drums_there_is_no_pattern_unless_a_track_is_named():
    assert math.isnan(drum_pattern_rate(roll((0, 1, 36))))
    assert drum_pattern_rate(roll((0, 1, 36), (3, 1, 36)), track=0, resolution=8) == 0.5


def test_groove_is_the_mean_over_all_pairs_of_bars():
    pattern = np.random.default_rng(0).random((5, 8)) < 0.4
    notes = [(8 * bar + step, 1, 60) for bar, step in np.argwhere(pattern)]
    pairs = itertools.combinations(pattern, 2)
    expected = np.mean([1 - (a ^ b).mean() for a, b in pairs])
    found = groove_similarity(roll(*notes, steps=40), resolution=2)
    assert found == pytest.approx(expected)


def test_one_bar_has_no_groove():
    assert math.isnan(groove_similarity(roll((0, 1, 60), steps=BAR)))


# ---- tonal distance


def test_tonal_centroids_lie_on_the_circles_of_harte():
    found = tonal_centroids(np.eye(12))
    for pitch_class in range(12):
        angles = [pitch_class * turn * math.pi for turn in (7 / 6, 3 / 2, 2 / 3)]
        expected = [
            radius * part(angle)
            for radius, angle in zip((1, 1, 0.5), angles, strict=True)
            for part in (math.sin, math.cos)
        ]
        np.testing.assert_allclose(found[pitch_class], expected, atol=1e-12)


def test_a_fifth_is_nearer_than_a_tritone():
    fifth = tonal_distance(np.array([[67, 60]], np.int16), resolution=1)
    tritone = tonal_distance(np.array([[66, 60]], np.int16), resolution=1)
    # Of the fifth by hand: a semitone's turn times seven on each circle.
    expected = math.sqrt(
        2 * (1 - math.cos(49 * math.pi / 6))
        + 2 * (1 - math.cos(21 * math.pi / 2))
        + 2 * 0.25 * (1 - math.cos(14 * math.pi / 3))
    )
    assert fifth == pytest.approx(expected)
    assert fifth < tritone


def test_tonal_distance_is_by_beats_in_which_both_sound():
    # The second beat has one voice alone; in the first, half a beat of each of two pitches.
    voices = np.array([[60, 60], [67, 67], [61, -1], [61, -1]], np.int16)
    assert tonal_distance(voices, resolution=2) == pytest.approx(0, abs=1e-12)


def test_the_distance_of_a_pair_of_tracks():
    voices = np.array([[60, 60, 66]], np.int16)
    assert tonal_distance(voices, tracks=(0, 1), resolution=1) == pytest.approx(0, abs=1e-12)
    both = [tonal_distance(voices, tracks=pair, resolution=1) for pair in ((0, 1), (0, 2), (1, 2))]
    assert tonal_distance(voices, resolution=1) == pytest.approx(np.mean(both))
    with pytest.raises(ValueError, match="tracks"):
        tonal_distance(voices, tracks=(0, 3))


def test_a_single_track_has_no_distance():
    assert math.isnan(tonal_distance(melody(60, 62)))


# ---- pieces of all kinds


def test_a_score_its_roll_and_its_voices_measure_the_same():
    notes = [(0, 480, 60, 80), (480, 240, 64, 80), (960, 960, 67, 80)]
    score = Score([Track(notes)])
    voices = melody(*[60] * 4, *[64] * 2, *[-1] * 2, *[67] * 8)
    for measure in (pitch_class_entropy, polyphony, pitch_classes_per_bar, scale_consistency):
        values = [measure(music) for music in (score, to_roll(score), voices)]
        assert values == pytest.approx([values[0]] * 3)


def test_rolls_of_bars_keep_their_bars():
    phrases = np.zeros((3, 4, 2, 12, 84), bool)  # pieces, tracks, bars of 3/4, steps, pitches
    phrases[:, 0, 0, :, 40] = True
    assert empty_bar_rate(phrases) == 7 / 8
    piece = pieces_of(phrases, lowest_pitch=24)[0]
    assert piece.bars.tolist() == [0, 12, 24]
    assert piece.notes.tolist() == [[0, 12, 64, 0]]


@pytest.mark.parametrize(
    ("music", "told"),
    [
        ("nottingham", "load_music"),
        (None, "must be scores"),
        ([], "empty"),
        ([3], r"music\[0\] must be a Score"),
        ([melody(60), np.full((2, 2), 300, np.int16)], r"music\[1\] has the pitch 300"),
        ([np.array([[np.nan, 60.0]])], "whole numbers"),
        ([np.full((2, 128), 5, np.uint8)], r"music\[0\] has a 5"),
    ],
)
def test_what_is_no_music_is_told(music, told):
    with pytest.raises(ValueError, match=told):
        empty_bar_rate(music)


def test_a_track_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="no track 4"):
        empty_bar_rate(melody(60), track=4)
    with pytest.raises(ValueError, match="track"):
        empty_bar_rate(melody(60), track=-1)


# ---- sets


def chorales(n: int, seed: int, steps: int = 32) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    chords = np.array([[72, 67, 64, 48], [74, 67, 59, 55], [72, 69, 65, 53]], np.int16)
    return [np.repeat(chords[random.integers(0, 3, steps // 4)], 4, axis=0) for _ in range(n)]


def test_real_music_is_as_far_as_the_floor_and_noise_is_farther():
    real = chorales(60, 0)
    alike = compare_music(chorales(40, 1), real[:30], floor=real[30:])
    random = np.random.default_rng(2)
    noise = [random.integers(40, 80, (32, 4)).astype(np.int16) for _ in range(40)]
    other = compare_music(noise, real[:30], floor=real[30:])
    near = {row.name: row.ratio for row in alike.distances}
    far = {row.name: row.ratio for row in other.distances}
    assert near["pitch classes"] < 2 < far["pitch classes"]
    assert near["note lengths"] < 2 < far["note lengths"]
    assert near["tonal distance"] < 2 < far["tonal distance"]


def test_distances_are_those_of_scipy():
    made, real = chorales(5, 0), chorales(5, 1)
    report = compare_music(made, real, n_draws=1)
    rows = {row.name: row.made for row in report.distances}
    pooled = [note_lengths(part) for part in (made, real)]
    expected = wasserstein_distance(
        pooled[0].lengths, pooled[1].lengths, pooled[0].shares, pooled[1].shares
    )
    assert rows["note lengths"] == pytest.approx(expected)
    difference = np.abs(pitch_class_histogram(made) - pitch_class_histogram(real)).sum() / 2
    assert rows["pitch classes"] == pytest.approx(difference)


def test_both_sides_have_as_many_pieces_as_the_smallest_set():
    real = chorales(30, 0)
    report = compare_music(chorales(7, 1), real[:12], floor=real[12:], n_draws=3)
    assert (report.n_pieces, report.n_draws) == (7, 3)


def test_a_distance_of_nothing_from_a_floor_of_nothing_is_as_good_as_real():
    real = chorales(20, 0)
    report = compare_music(real[:5], real[5:10], floor=real[10:])
    ratios = {row.name: row.ratio for row in report.distances}
    assert ratios["empty bars"] == 1
    silent = [np.concatenate([piece, np.full((32, 4), -1, np.int16)]) for piece in real[:5]]
    report = compare_music(silent, real[5:10], floor=real[10:])
    assert {row.name: row.ratio for row in report.distances}["empty bars"] == math.inf


def test_music_without_tracks_has_no_tonal_distance():
    rolls = [roll((0, 4, 60), (4, 4, 64)) for _ in range(4)]
    report = compare_music(rolls, rolls)
    assert [row.name for row in report.distances] == [
        "pitch classes", "note lengths", "polyphony", "empty bars",
    ]  # fmt: skip
    assert report.distances[0].ratio is None


def test_a_report_is_text_and_json_and_the_same_each_time():
    real = chorales(12, 0)
    first, second = (compare_music(real[:4], real[4:8], floor=real[8:]) for _ in range(2))
    assert str(first) == str(second)
    assert "tonal distance" in str(first)
    assert json.loads(json.dumps(first.to_dict()))["n_pieces"] == 4


def test_silence_cannot_be_compared():
    real = chorales(3, 0)
    with pytest.raises(ValueError, match="generated: no note sounds"):
        compare_music([np.full((8, 4), -1, np.int16)], real)
    with pytest.raises(ValueError, match="reference is empty"):
        compare_music(real, [])
