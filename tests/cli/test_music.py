"""`textrep music`, in process."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from textrep.cli.app import app

pytest.importorskip("torch")
pytest.importorskip("symusic")
pytest.importorskip("miditok")
pytest.importorskip("matplotlib")
pytest.importorskip("soundfile")
import soundfile

import textrep
from textrep.cli.music_models import KINDS
from textrep.music import (
    Score,
    Track,
    from_abc,
    load_music,
    read_midi,
    to_roll,
    write_midi,
    write_wave,
)

SMALL = ("--epochs", "1", "--device", "cpu", "--seed", "0", "--quiet")
TUNE = """X:1
T:A tune
M:4/4
L:1/4
K:C
CDEF|GFED|C4|]
"""


def call(*arguments: object):
    return CliRunner().invoke(app, ["music", *map(str, arguments)])


def done(*arguments: object) -> str:
    """What a command that succeeds prints."""
    answer = call(*arguments)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def told(answer) -> str:
    """The one line of a refusal."""
    assert answer.exit_code == 2, answer.output
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    return answer.stderr


def pitches(score: Score) -> list[int]:
    return score.tracks[0].notes[:, 2].tolist()


@pytest.fixture(scope="module")
def tune(tmp_path_factory):
    path = tmp_path_factory.mktemp("tune") / "tune.abc"
    path.write_text(TUNE, "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve files of four notes."""
    place = tmp_path_factory.mktemp("pieces")
    for number in range(12):
        notes = [(480 * i, 480, 60 + (number + 2 * i) % 8, 90) for i in range(4)]
        write_midi(Score([Track(notes)]), place / f"{number:02d}.mid")
    return place


@pytest.fixture(scope="module")
def models(folder, tmp_path_factory):
    """A model of each kind that is made, once and only if a test wants it."""
    place = tmp_path_factory.mktemp("models")
    how = {
        "melody": (folder, "--set", "hidden_size=8", "--set", "min_count=1"),
        "chorale": ("--limit", 4, "--set", "hidden_size=8"),
        "transformer": (folder, "--set", "hidden_size=16", "--set", "num_layers=1",
                        "--set", "num_heads=2"),
        "musegan": ("--limit", 8, "--set", "channels=4", "--set", "critic_channels=4",
                    "--batch-size", 4),
        "spectrogram": (folder, "--clips", 4, "--set", "seconds=0.256", "--set", "n_mels=16",
                        "--set", "space=pixel", "--set", "channels=[4]", "--set", "blocks=1",
                        "--set", "num_heads=1"),
    }  # fmt: skip

    def made(kind: str):
        path = place / f"{kind}.textrep"
        if not path.exists():
            found = done("fit", kind, *how[kind], "--save", path, *SMALL)
            assert re.match(rf"{KINDS[kind]}: \d+ \w+, .*s\n(.*\n)*Model: ", found)
        return path

    return made


# ---- files


def test_a_tune_goes_through_every_notation_and_back(tune, tmp_path):
    expected = from_abc(TUNE)[0]
    before = tune
    for suffix in ("mid", "json", "npz", "csv", "abc"):
        out = tmp_path / f"tune.{suffix}"
        assert done("transform", before, "--out", out) == f"1 piece: {out}\n"
        before = out
    found = from_abc(before.read_text("utf-8"))[0]
    assert pitches(found) == pitches(expected)
    np.testing.assert_array_equal(to_roll(found), to_roll(expected))


def test_notes_are_transposed_and_the_tempo_is_set(tune, tmp_path):
    out = tmp_path / "tune.mid"
    done("transform", tune, "--out", out, "--transpose", -3, "--tempo", 60)
    found = read_midi(out)
    assert pitches(found) == [pitch - 3 for pitch in pitches(from_abc(TUNE)[0])]
    assert found.tempos == ((0, 60.0),)


def test_a_set_becomes_a_folder_of_files(folder, tmp_path):
    out = tmp_path / "up"
    assert done("transform", folder, "-o", out, "--transpose", 12) == f"12 pieces: {out}\n"
    assert [path.name for path in sorted(out.iterdir())][:2] == ["00.mid", "01.mid"]
    assert pitches(read_midi(out / "00.mid")) == [72, 74, 76, 78]


def test_several_tunes_share_a_file_where_the_notation_lets_them(folder, tmp_path):
    out = tmp_path / "all.abc"
    done("transform", folder, "--out", out, "--limit", 3)
    assert len(from_abc(out.read_text("utf-8"))) == 3


def test_music_is_heard(tune, tmp_path):
    out = tmp_path / "tune.wav"
    done("render", tune, "--out", out, "--rate", 8000)
    samples, rate = soundfile.read(out)
    assert rate == 8000
    assert len(samples) >= 6 * rate  # twelve quarter notes, 120 a minute


def test_music_is_seen_and_played_on_a_page(folder, tmp_path):
    done("render", folder, "--out", tmp_path / "rolls.png", "--limit", 2)
    assert (tmp_path / "rolls.png").read_bytes().startswith(b"\x89PNG")
    out = tmp_path / "page.html"
    done("render", folder, "--out", out, "--limit", 2, "--rate", 4000, "--heading", "Two & two")
    page = out.read_text("utf-8")
    assert page.count("<audio") == 2
    assert "Two &amp; two" in page
    done("render", folder, "--out", tmp_path / "waves", "--limit", 2, "--rate", 4000)
    assert len(list((tmp_path / "waves").glob("*.wav"))) == 2


# ---- models


def test_a_model_is_what_python_would_have_made(folder, models):
    pieces = load_music(folder).pieces
    expected = textrep.music.MelodyLSTM(
        hidden_size=8, min_count=1, epochs=1, device="cpu", random_state=0
    ).fit(pieces)
    found = textrep.load(models("melody"))
    assert found.nats_per_note(pieces) == pytest.approx(expected.nats_per_note(pieces))


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("melody", ("--max-notes", 6, "--temperature", 0.9, "--top-p", 0.9)),
        ("chorale", ("--steps", 8)),
        ("transformer", ("--max-tokens", 40)),
        ("musegan", ()),
    ],
)
def test_models_write_notes(models, tmp_path, kind, how):
    out = tmp_path / "made"
    done("sample", models(kind), "--out", out, "-n", 2, "--seed", 1, "--device", "cpu", *how)
    first = [read_midi(path) for path in sorted(out.iterdir())]
    assert len(first) == 2
    again = tmp_path / "again"
    done("sample", models(kind), "--out", again, "-n", 2, "--seed", 1, "--device", "cpu", *how)
    assert [read_midi(path) for path in sorted(again.iterdir())] == first


def test_a_piece_goes_on_from_a_prompt(models, tune, tmp_path):
    out = tmp_path / "on.abc"
    done("sample", models("melody"), "--out", out, "--prompt", tune, "--max-notes", 3, "--seed", 0)
    begun = pitches(from_abc(TUNE)[0])
    assert pitches(from_abc(out.read_text("utf-8"))[0])[: len(begun)] == begun


def test_a_melody_gets_other_voices(models, tmp_path):
    learnt = load_music("tunes_voices", part="train").pieces[0]
    melody = tmp_path / "melody.mid"
    notes = [(120 * i, 120, int(pitch), 90) for i, pitch in enumerate(learnt[:16, 0]) if pitch >= 0]
    write_midi(Score([Track(notes)]), melody)
    out = tmp_path / "four.mid"
    done("harmonise", models("chorale"), melody, "--out", out, "--seed", 0, "--tempo", 70)
    found = read_midi(out)
    assert found.tracks[0].name == "soprano"
    np.testing.assert_array_equal(
        to_roll(found.with_tracks(found.tracks[:1])) > 0, to_roll(read_midi(melody)) > 0
    )


def test_sounds_of_a_class_are_made(models, tmp_path):
    out = tmp_path / "sound.wav"
    done("sample", models("spectrogram"), "--out", out, "--label", "19", "--steps", 2, "--seed", 0)
    samples, rate = soundfile.read(out)
    assert (len(samples), rate) == (4096, 16_000)


def test_a_spectrogram_learns_from_files_of_sound(tmp_path):
    place = tmp_path / "sounds"
    for number in range(8):
        kind = place / ("low", "high")[number % 2]
        kind.mkdir(parents=True, exist_ok=True)
        hertz = (220, 880)[number % 2]
        write_wave(kind / f"{number}.wav", 0.5 * np.sin(hertz * np.arange(4096) / 2546), 16_000)
    path = tmp_path / "model.textrep"
    small = ("--set", "seconds=0.256", "--set", "n_mels=16", "--set", "space=pixel",
             "--set", "channels=[4]", "--set", "blocks=1", "--set", "num_heads=1")  # fmt: skip
    done("fit", "spectrogram", place, "--save", path, *small, *SMALL)
    assert textrep.load(path).classes_.tolist() == ["high", "low"]


@pytest.mark.parametrize("kind", ["melody", "chorale", "transformer"])
def test_how_well_music_is_expected_is_told_in_nats(models, folder, kind):
    music = "tunes_voices" if kind == "chorale" else folder
    found = done("score", models(kind), music, "--limit", 3, "--device", "cpu")
    score, nats = (float(number) for number in re.findall(r": (\S+)", found))
    assert score == -nats
    assert nats > 0


def test_made_music_is_measured_beside_the_floor(folder, tmp_path):
    target = tmp_path / "report.json"
    found = done("measure", folder, "tunes", "--floor", folder, "--json", target, "--draws", 2)
    assert "pitch classes" in found
    read = json.loads(target.read_text("utf-8"))
    assert read["distances"][0]["ratio"] > 0
    assert read["n_draws"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_class_of_the_room(kind):
    assert isinstance(getattr(textrep.music, KINDS[kind]), type)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("fit", "painter", "FOLDER"), "painter"),
        (("fit", "melody", "none"), "none"),
        (("fit", "melody", "FOLDER", "--set", "wings=2"), "--wings: MelodyLSTM has no such"),
        (("fit", "melody", "FOLDER", "--set", "wings"), "NAME=VALUE"),
        (("fit", "melody", "FOLDER", "--epochs", "0"), "epochs"),
        (("fit", "melody", "FOLDER", "--instrument", "3"), "--instrument is for a spectrogram"),
        (("fit", "melody", "FOLDER", "--save", "FOLDER/x"), "inside the folder"),
        (("transform", "TUNE", "--out", "OUT/x.wav"), "end the name in"),
        (("transform", "TUNE", "--out", "FOLDER"), "new folder"),
        (("transform", "FOLDER", "--out", "OUT/x.mid"), "holds one piece"),
        (("transform", "OUT/none.mid", "--out", "OUT/x.mid"), "none.mid"),
        (("transform", "OUT/broken.json", "--out", "OUT/x.mid"), "broken.json"),
        (("transform", "OUT/broken.npz", "--out", "OUT/x.mid"), "broken.npz"),
        (("transform", "OUT/damaged.npz", "--out", "OUT/x.mid"), "damaged.npz"),
        (("transform", "OUT/deep.json", "--out", "OUT/x.mid"), "deep.json"),
        (("transform", "OUT/broken.csv", "--out", "OUT/x.mid"), "broken.csv"),
        (("render", "TUNE", "--out", "OUT/x.mid"), "end the name in"),
        (("render", "TUNE", "--out", "OUT/x.wav", "--soundfont", "OUT/none.sf2"), "none.sf2"),
        (("sample", "TUNE", "--out", "OUT/x.mid"), "tune.abc"),
        (("sample", "OUT/none", "--out", "OUT/x.mid"), "cannot be read"),
        (("measure", "FOLDER", "OUT/none"), "none"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(folder, tune, tmp_path, arguments, named):
    for suffix in ("json", "npz", "csv"):
        (tmp_path / f"broken.{suffix}").write_text("[1,", "utf-8")
    (tmp_path / "deep.json").write_text("[" * 100_000, "utf-8")
    np.savez_compressed(tmp_path / "damaged.npz", roll0=np.zeros((8, 128), np.int64))
    data = bytearray((tmp_path / "damaged.npz").read_bytes())
    data[40:60] = b"\xff" * 20
    (tmp_path / "damaged.npz").write_bytes(data)
    places = {"FOLDER": str(folder), "TUNE": str(tune), "OUT": str(tmp_path)}
    filled = []
    for argument in arguments:
        for place, path in places.items():
            argument = argument.replace(place, path)
        filled.append(argument)
    if filled[0] == "fit" and "--save" not in filled:
        filled += ["--save", str(tmp_path / "m.textrep")]
    assert named in told(call(*filled))


def test_what_a_model_cannot_do_is_told(models, tune, tmp_path):
    out = ("--out", tmp_path / "x.mid")
    assert "takes no --steps" in told(call("sample", models("melody"), *out, "--steps", 3))
    assert "MelodyLSTM has no harmonise" in told(call("harmonise", models("melody"), tune, *out))
    sounds = call("sample", models("spectrogram"), *out, "--steps", 2)
    assert "these are sounds" in told(sounds)
    assert "holds one piece" in told(call("sample", models("melody"), *out, "-n", 2))
