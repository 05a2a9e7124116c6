"""Piano rolls as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from textrep.music import Score, Track, save_piano_roll, voices_to_score
from textrep.music.measures.pieces import pieces_of
from textrep.music.plots import _boxes, _range, pitch_name

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
from PIL import Image

CHORD = np.array([[72, 67, 64, 48]] * 8, np.int16)


def test_pitches_have_the_names_of_midi():
    assert [pitch_name(pitch) for pitch in (0, 21, 60, 61, 108, 127)] == [
        "C-1", "A0", "C4", "C#4", "C8", "G9",
    ]  # fmt: skip


def test_a_note_is_a_box_from_its_start_to_its_end_at_its_pitch():
    notes = pieces_of(np.array([[-1], [60], [60]], np.int16), resolution=2)[0].notes
    (box,) = _boxes(notes, 2, "red").get_paths()
    left, right = box.vertices[:, 0].min(), box.vertices[:, 0].max()
    assert (left, right) == (0.5, 1.5)
    assert box.vertices[:4, 1].mean() == pytest.approx(60)


def test_a_panel_shows_an_octave_at_least_and_every_note():
    low, high = _range(pieces_of(CHORD)[0])
    assert low < 48 < 72 < high
    low, high = _range(pieces_of(np.array([[60]], np.int16))[0])
    assert low < 60 < high
    assert high - low >= 12


def test_tracks_have_colours_of_their_own(tmp_path):
    pixels = {}
    for name, score in {
        "two": Score([Track([(0, 960, 60, 90)]), Track([(0, 960, 66, 90)])]),
        "one": Score([Track([(0, 960, 60, 90), (0, 960, 66, 90)])]),
    }.items():
        path = save_piano_roll(tmp_path / f"{name}.png", score)
        drawn = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
        colours, counts = np.unique(drawn, axis=0, return_counts=True)
        strong = np.ptp(colours.astype(int), axis=1) > 100
        pixels[name] = int((counts[strong] > 2000).sum())
    assert pixels == {"two": 2, "one": 1}


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_suffix_is_the_format(tmp_path, suffix):
    path = save_piano_roll(tmp_path / f"chord.{suffix}", CHORD)
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix])


def test_several_pieces_stand_in_a_grid(tmp_path):
    one, four = tmp_path / "one.png", tmp_path / "four.png"
    save_piano_roll(one, [CHORD])
    save_piano_roll(four, [CHORD] * 4, columns=2, titles=list("abcd"))
    assert Image.open(four).height == 2 * Image.open(one).height
    assert Image.open(four).width > Image.open(one).width


def test_music_without_a_note_is_drawn_too(tmp_path):
    save_piano_roll(tmp_path / "a.png", Score(()))
    save_piano_roll(tmp_path / "b.png", np.full((4, 1), -1, np.int16))


def test_names_of_scores_are_titles_without_formulas(tmp_path):
    score = voices_to_score(CHORD)
    named = Score(score.tracks, name="a $bad_ formula")
    save_piano_roll(tmp_path / "a.png", named)


def test_what_cannot_be_drawn_is_told(tmp_path):
    with pytest.raises(ValueError, match="does not end in a format of pictures"):
        save_piano_roll(tmp_path / "a.mid", CHORD)
    with pytest.raises(ValueError, match="2 titles for 1 pieces"):
        save_piano_roll(tmp_path / "a.png", CHORD, titles=["a", "b"])
    with pytest.raises(ValueError, match="columns"):
        save_piano_roll(tmp_path / "a.png", CHORD, columns=0)
    with pytest.raises(ValueError, match="music must be"):
        save_piano_roll(tmp_path / "a.png", "chord")
