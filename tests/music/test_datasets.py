from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.io import savemat

from tests.music.midi_bytes import midi, off, on
from textrep.core.paths import data_dir
from textrep.data.errors import DataError
from textrep.music import load_music
from textrep.music.datasets import PARTS, _by_title

MIDI = midi([(0, on(60)), (480, off(60))])
ABC = "X:1\nT:one\nK:C\nC\n\nX:2\nT:two\nK:C\nD\n"


def has_data(name: str) -> bool:
    try:
        folder = data_dir()
    except OSError:
        return False
    return folder is not None and (folder / name).exists()


# ---- embedded


def test_tunes_say_which_are_traditional():
    found = load_music("tunes")
    assert (len(found.pieces), found.kind, found.labels.count("traditional")) == (80, "scores", 18)


@pytest.mark.parametrize(("name", "sizes"), [("tunes", [64, 8, 8]), ("tunes_voices", [48, 6, 6])])
def test_parts_are_disjoint_and_make_up_the_whole(name, sizes):
    parts = [load_music(name, part=part) for part in PARTS]
    assert [len(part.pieces) for part in parts] == sizes
    together = [each for part in parts for each in part.names]
    assert sorted(together) == sorted(load_music(name).names)
    assert len(set(together)) == len(together)


def test_embedded_voices_are_at_sixteenths():
    found = load_music("tunes_voices", part="test")
    assert (found.kind, found.resolution) == ("voices", 4)
    assert {(piece.shape, piece.dtype) for piece in found.pieces} == {((128, 4), np.dtype("int16"))}


# ---- named sets, made here


def test_frames_of_matlab_files(tmp_path):
    (tmp_path / "polyphonic").mkdir()
    roll = np.zeros((3, 88))
    roll[1, 39] = 1
    rolls = np.empty((1, 1), object)
    rolls[0, 0] = roll
    savemat(tmp_path / "polyphonic" / "JSB_Chorales.mat", {f"{part}data": rolls for part in PARTS})
    found = load_music("jsb", part="valid", data_home=tmp_path)
    assert (found.kind, found.resolution, found.names) == ("frames", 1, ["valid 1"])
    assert np.argwhere(found.pieces[0]).tolist() == [[1, 39]]
    assert found.pieces[0].dtype == bool


def chorales(folder, name, piece):
    (folder / "jsb_chorales").mkdir(exist_ok=True)
    found = {part: [piece] for part in PARTS}
    (folder / "jsb_chorales" / name).write_text(json.dumps(found))


def test_voices_of_every_second_or_fourth_step(tmp_path):
    steps = [[60 + i, 55, 50, -1] for i in range(8)]
    chorales(tmp_path, "Jsb16thSeparated.json", steps)
    for resolution, stride in ((None, 1), (4, 1), (2, 2), (1, 4)):
        found = load_music("jsb_chorales", part="test", resolution=resolution, data_home=tmp_path)
        assert found.pieces[0].tolist() == steps[::stride]
        assert found.resolution == 4 // stride


def test_rolls_of_json_files(tmp_path):
    chorales(tmp_path, "jsb-chorales-quarter.json", [[60.0, 21], [], [108]])
    found = load_music("jsb_chorales_rolls", resolution=1, part="train", data_home=tmp_path)
    assert np.argwhere(found.pieces[0]).tolist() == [[0, 0], [0, 39], [2, 87]]


@pytest.mark.parametrize("content", ["", "{}", '{"train": 3}', '{"test": [[[1, 2]]]}'])
def test_broken_files_are_named(tmp_path, content):
    (tmp_path / "jsb_chorales").mkdir()
    (tmp_path / "jsb_chorales" / "Jsb16thSeparated.json").write_text(content)
    with pytest.raises(DataError, match=r"Jsb16thSeparated\.json: it is no file of chorales"):
        load_music("jsb_chorales", part="test", data_home=tmp_path)


def test_tunes_of_one_title_are_in_one_part():
    titles = [f"Tune {chr(97 + i % 26)}{chr(97 + i // 26)} {n}" for i in range(200) for n in (1, 2)]
    parts = _by_title(titles)
    assert parts[::2] == parts[1::2]
    assert (parts.count("test"), parts.count("valid")) == (40, 40)


# ---- folders


def test_a_folder_of_midi_and_abc_files(tmp_path):
    (tmp_path / "a.mid").write_bytes(MIDI)
    (tmp_path / "b.abc").write_text(ABC)
    found = load_music(tmp_path)
    assert (found.names, found.labels) == (["a", "one", "two"], None)


def test_folders_are_parts_and_classes(tmp_path):
    for part, label in (("train", "jig"), ("train", "reel"), ("test", "jig")):
        (tmp_path / part / label).mkdir(parents=True)
        (tmp_path / part / label / "tune.midi").write_bytes(MIDI)
    assert load_music(tmp_path, part="train").labels == ["jig", "reel"]
    assert load_music(tmp_path, part="test").labels == ["jig"]
    assert len(load_music(tmp_path).pieces) == 3
    with pytest.raises(DataError, match="no music in its folder 'valid'"):
        load_music(tmp_path, part="valid")


def test_of_broken_files_in_a_folder_a_warning_tells(tmp_path):
    (tmp_path / "a.mid").write_bytes(MIDI)
    (tmp_path / "b.mid").write_bytes(MIDI[:-2])
    (tmp_path / "c.abc").write_text("X:1\nK:C\n;")
    with pytest.warns(UserWarning, match=r"2 files could not be read; b\.mid"):
        assert load_music(tmp_path).names == ["a"]


def test_one_file_is_a_set(tmp_path):
    (tmp_path / "b.abc").write_text(ABC)
    assert load_music(tmp_path / "b.abc").names == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("jsb_corales",), "did you mean 'jsb_chorales"),
        (("",), "must be a folder"),
        ((None,), "must be a folder"),
        (("tunes", "dev"), "part is 'dev'"),
        (("tunes", None, 4), "leave resolution out"),
        (("jsb_chorales", None, 3), "has 1, 2, 4"),
    ],
)
def test_what_there_is_not_is_said(arguments, reason):
    name, part, resolution = (*arguments, None, None)[:3]
    with pytest.raises(DataError, match=reason):
        load_music(name, part=part, resolution=resolution)


def test_a_folder_without_music_and_a_part_of_a_folder_without_parts(tmp_path):
    with pytest.raises(DataError, match="no music"):
        load_music(tmp_path)
    (tmp_path / "a.mid").write_bytes(MIDI)
    with pytest.raises(DataError, match="leave part out"):
        load_music(tmp_path, part="train")


# ---- published sets


@pytest.mark.parametrize(
    ("name", "pieces", "frames"),
    [
        ("jsb", [229, 76, 77], [13_807, 4_602, 4_725]),
        ("nottingham_rolls", [694, 173, 170], [176_561, 45_513, 44_463]),
        ("piano_midi", [87, 12, 25], [75_911, 8_540, 19_036]),
    ],
)
def test_published_frames(name, pieces, frames):
    if not has_data("polyphonic"):
        pytest.skip("needs polyphonic in the data folder")
    parts = [load_music(name, part=part).pieces for part in PARTS]
    assert [len(part) for part in parts] == pieces
    assert [sum(map(len, part)) for part in parts] == frames


def test_published_voices_are_the_published_rolls():
    if not has_data("jsb_chorales"):
        pytest.skip("needs jsb_chorales in the data folder")
    for resolution, steps in ((4, 18_900), (2, 9_450), (1, 4_725)):
        found = load_music("jsb_chorales_rolls", part="test", resolution=resolution)
        assert (len(found.pieces), sum(map(len, found.pieces))) == (77, steps)
    voices = load_music("jsb_chorales", part="test")
    assert (len(voices.pieces), sum(map(len, voices.pieces))) == (77, 18_900)
