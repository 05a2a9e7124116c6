"""Rolls and voices: notes on a grid and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.music import (
    Score,
    Track,
    from_roll,
    score_to_voices,
    to_roll,
    voices_to_frames,
    voices_to_roll,
    voices_to_score,
)
from textrep.music.bars import bar_lines
from textrep.music.rolls import nearest_step

STEP = 120  # ticks of a sixteenth


def notes_on_pitches() -> st.SearchStrategy[list[tuple[int, int, int, int]]]:
    """Notes on sixteenths, those of a pitch one after another."""
    gaps = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), max_size=6)
    by_pitch = st.dictionaries(st.integers(0, 127), gaps, max_size=5)

    def laid(found: dict[int, list[tuple[int, int]]]) -> list[tuple[int, int, int, int]]:
        notes = []
        for pitch, spans in found.items():
            at = 0
            for gap, length in spans:
                notes.append((STEP * (at + gap), STEP * length, pitch, 80))
                at += gap + length
        return notes

    return by_pitch.map(laid)


@given(st.lists(notes_on_pitches(), max_size=3))
def test_notes_on_the_grid_come_back_exactly(tracks):
    score = Score([Track(notes) for notes in tracks])
    assert from_roll(to_roll(score, tracks="each")) == score


@given(notes_on_pitches(), st.sampled_from([1, 2, 3, 4, 5, 7, 12, 24]))
def test_a_roll_comes_back_exactly_at_any_resolution(notes, resolution):
    roll = to_roll(Score([Track(notes)]), resolution)
    again = to_roll(from_roll(roll, resolution), resolution)
    np.testing.assert_array_equal(again, roll)


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(1, 400), st.integers(60, 63), st.just(80)),
        max_size=12,
    )
)
def test_a_roll_is_what_a_loop_over_notes_paints(notes):
    resolution, ticks = 3, 100
    n_steps = 0
    painted = np.zeros((200, 128), np.uint8)
    spans = []
    for start, duration, pitch, _ in notes:
        first, behind = (
            int(np.floor(at * resolution / ticks + 0.5)) for at in (start, start + duration)
        )
        spans.append((first, max(behind, first + 1), pitch))
        n_steps = max(n_steps, spans[-1][1])
    for first, behind, pitch in spans:
        painted[first:behind, pitch] = 1
    for first, _, pitch in spans:
        painted[first, pitch] = 2
    found = to_roll(Score([Track(notes)], ticks=ticks), resolution)
    np.testing.assert_array_equal(found, painted[:n_steps])


def test_of_overlapping_notes_of_a_pitch_each_start_begins_a_note():
    score = Score([Track([(0, 8 * STEP, 60, 80), (2 * STEP, 2 * STEP, 60, 80)])])
    assert to_roll(score)[:, 60].tolist() == [2, 1, 2, 1, 1, 1, 1, 1]


def test_halves_of_a_step_go_up_and_short_notes_last_a_step():
    assert nearest_step(np.array([59, 60, 179, 180]), 480, 4).tolist() == [0, 1, 1, 2]
    roll = to_roll(Score([Track([(130, 1, 60, 80)])]))
    assert roll[:, 60].tolist() == [0, 2]


def test_drums_are_no_pitches_of_a_roll_of_all_tracks():
    drums = Track([(0, 480, 36, 80)], is_drum=True)
    score = Score([drums, Track([(0, 480, 60, 80)])])
    assert set(to_roll(score).nonzero()[1]) == {60}
    assert set(to_roll(score, tracks="each")[0].nonzero()[1]) == {36}


def test_a_roll_without_onsets_joins_adjacent_steps():
    roll = np.zeros((5, 128), bool)
    roll[[0, 1, 3], 60] = True
    notes = from_roll(roll).tracks[0].notes
    assert notes[:, :2].tolist() == [[0, 2 * STEP], [3 * STEP, STEP]]


def test_frames_of_a_piano_start_at_its_lowest_key():
    frames = np.zeros((1, 88), bool)
    frames[0, [0, 87]] = True
    assert from_roll(frames).tracks[0].notes[:, 2].tolist() == [21, 108]
    assert from_roll(frames[:, :12], lowest_pitch=24).tracks[0].notes[:, 2].tolist() == [24]


def test_a_score_of_a_roll_has_the_tempo_and_instruments_that_were_asked_for():
    roll = np.zeros((2, 4, 128), np.uint8)
    score = from_roll(roll, tempo=90.0, programs=[1, 2], names=["a", "b"])
    assert score.tempos == ((0, 90.0),)
    assert [(track.program, track.name) for track in score.tracks] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("roll", "options", "told"),
    [
        (np.zeros((4, 128)), {}, "bool or integer"),
        (np.zeros(4, bool), {}, r"got bool \(4,\)"),
        (np.full((1, 2, 128), 7), {}, "a 7 at track 0, step 0, column 0"),
        (np.full((2, 128), -1), {}, "a -1 at step 0, column 0"),
        (np.zeros((4, 129), bool), {}, "above pitch 127"),
        (np.zeros((4, 88), bool), {"lowest_pitch": 60}, "above pitch 127"),
        (np.zeros((4, 88), bool), {"resolution": 0}, "resolution"),
        (np.zeros((4, 88), bool), {"velocity": 0}, "velocity"),
        (np.zeros((4, 88), bool), {"programs": [1, 2]}, "2 programs for 1 tracks"),
        (None, {}, "bool or integer"),
        ("roll", {}, "bool or integer"),
    ],
)
def test_what_is_no_roll_is_told(roll, options, told):
    with pytest.raises(ValueError, match=told):
        from_roll(roll, **options)


def test_what_is_no_score_is_told():
    with pytest.raises(ValueError, match="must be a Score, got int"):
        to_roll(3)
    with pytest.raises(ValueError, match="tracks"):
        to_roll(Score(()), tracks="all")
    with pytest.raises(ValueError, match="must be a Score"):
        score_to_voices("score")


def test_a_score_without_notes_has_no_steps():
    assert to_roll(Score(())).shape == (0, 128)
    assert score_to_voices(Score(())).shape == (0, 4)


VOICES = st.lists(
    st.lists(st.integers(58, 61) | st.just(-1), min_size=4, max_size=4), min_size=1, max_size=20
).map(lambda rows: np.array(rows, np.int16))


@given(VOICES)
def test_voices_come_back_from_a_score_until_their_last_note(voices):
    found = score_to_voices(voices_to_score(voices))
    n = len(found)
    np.testing.assert_array_equal(found, voices[:n])
    assert (voices[n:] == -1).all()


@given(VOICES)
def test_a_roll_of_voices_is_that_of_their_score(voices):
    score = voices_to_score(voices)
    found = voices_to_roll(voices)
    np.testing.assert_array_equal(found[: len(to_roll(score))], to_roll(score))
    np.testing.assert_array_equal(voices_to_frames(voices), found[:, 21:109] > 0)


def test_equal_pitches_side_by_side_are_one_held_note():
    score = voices_to_score(np.array([[60], [60], [60], [62]]))
    assert score.tracks[0].notes[:, 1].tolist() == [3 * STEP, STEP]


def test_notes_of_one_track_are_shared_out_from_above():
    notes = [(0, 480, pitch, 80) for pitch in (48, 64, 60)]
    voices = score_to_voices(Score([Track(notes)]), 1)
    assert voices.tolist() == [[64, 60, -1, 48]]
    with pytest.raises(ValueError, match="3 notes sound at step 0, more than 2"):
        score_to_voices(Score([Track(notes)]), 1, n_voices=2)


@pytest.mark.parametrize(
    ("voices", "told"),
    [
        ([[60, 128]], "pitch 128 at step 0, voice 1"),
        ([[60], [-2]], "pitch -2 at step 1, voice 0"),
        ([60, 62], "whole numbers"),
        ([[60.0]], "whole numbers"),
        (None, "whole numbers"),
    ],
)
def test_what_is_no_voice_is_told(voices, told):
    with pytest.raises(ValueError, match=told):
        voices_to_score(voices)


def test_a_piano_has_no_key_for_some_pitches():
    with pytest.raises(ValueError, match="pitch 20 at step 1, voice 0"):
        voices_to_frames([[60], [20]])


def test_bars_follow_the_time_signatures():
    track = Track([(0, 480 * 10, 60, 80)])
    score = Score([track], time_signatures=[(0, 3, 4), (1440, 2, 4), (2400, 4, 4)])
    assert bar_lines(score).tolist() == [0, 1440, 2400, 4320, 6240]


def test_a_note_that_ends_on_a_bar_line_begins_no_bar():
    score = Score([Track([(0, 1920, 60, 80)])])
    assert bar_lines(score).tolist() == [0, 1920]
    assert bar_lines(Score(())).tolist() == [0]
