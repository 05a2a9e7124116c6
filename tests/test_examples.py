"""Each example runs, says what it promises, and writes files that open."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import textrep
from textrep.music import read_midi

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "gallery")


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))  # for gallery.py, as for a script run from there

    def load(name):
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def said(load, tmp_path, capsys):
    """What an example prints; what it writes lies in `tmp_path`."""

    def said(name, *arguments):
        load(name).main(["--quick", "--out", str(tmp_path), *arguments])
        return capsys.readouterr().out

    return said


def number(pattern: str, text: str) -> float:
    found = re.search(pattern + r"\s*([\d.]+)", text)
    assert found, f"{pattern!r} is not in:\n{text}"
    return float(found[1])


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as opened:
        opened.load()
        assert len(opened.convert("L").getcolors(256)) > 1, f"{picture} is of one colour"
        return opened.size


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_is_short_says_how_to_run_it_and_is_in_the_index(name):
    source = (EXAMPLES / f"{name}.py").read_text("utf-8")
    assert f"python examples/{name}.py" in source.split('"""')[1]
    assert f"[{name}.py]({name}.py)" in (EXAMPLES / "README.md").read_text("utf-8")
    assert source.count("\n") < 110


def test_an_example_run_as_a_program_names_the_folder_that_it_made(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "word_maps.py", "--quick"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    picture = Path(re.search("picture: (.*)", done.stdout)[1])
    assert picture.is_relative_to(tmp_path)
    assert picture.is_file()


@pytest.mark.slow
def test_methods_on_a_csv_beat_the_majority_and_are_compared(said, tmp_path):
    text = said("own_csv")
    majority = number("majority", text)
    for method in ("TF-IDF, linear SVM", "fastText", "word vectors, ready", "small BERT"):
        assert number(re.escape(method), text) > majority + 0.1, text
    assert "tfidf-svm" in (tmp_path / "report.html").read_text("utf-8")


def test_a_csv_of_ones_own_is_read_by_its_columns(load, tmp_path, capsys, monkeypatch):
    table = tmp_path / "reviews.csv"
    rows = [
        f"{word} film {i},{label}" for word, label in (("good", 5), ("bad", 1)) for i in range(40)
    ]
    table.write_text("\n".join(["review,stars", *rows]) + "\n")
    module = load("own_csv")
    cheapest = dict(list(module.methods(True).items())[:2])
    monkeypatch.setattr(module, "methods", lambda quick: cheapest)
    columns = ["--csv", str(table), "--text", "review", "--label", "stars"]
    module.main(["--quick", "--out", str(tmp_path), *columns])
    text = capsys.readouterr().out
    assert "60 texts learnt from, 20 tested on" in text
    assert number("TF-IDF, linear SVM", text) == 1


def test_search_finds_more_of_the_same_subsystem_than_chance(said):
    text = said("search", "--query", "parse tree of a sentence")
    chance = number("by chance", text)
    assert number(r"BM25\s+(?=\d+\.\d%)", text) > 4 * chance, text
    assert number(r"vectors\s+(?=\d+\.\d%)", text) > 3 * chance, text
    # which docstring is found depends on the versions of the packages
    assert re.search(r"pars|tree|sentence", text.split("vectors")[0].split("BM25")[1].lower())


def test_words_of_one_group_are_neighbours_on_the_map(said, tmp_path):
    text = said("word_maps")
    right, total = map(int, re.search(r"same group: (\d+) of (\d+)", text).groups())
    assert right > 0.8 * total
    assert min(size_of(tmp_path / "words.png")) > 300
    assert "portugal" in (tmp_path / "words.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (1, "one", "eins"),
        (16, "sixteen", "sechzehn"),
        (20, "twenty", "zwanzig"),
        (31, "thirty one", "ein und dreißig"),
        (100, "one hundred", "ein hundert"),
        (101, "one hundred one", "ein hundert eins"),
        (742, "seven hundred forty two", "sieben hundert zwei und vierzig"),
    ],
)
def test_numbers_are_spelt_as_people_do(load, value, english, german):
    translator = load("translator")
    assert translator.english(value) == english
    assert translator.german(value) == german


def test_most_numbers_that_were_not_learnt_are_translated_exactly(said, tmp_path):
    text = said("translator")
    assert number("not learnt:", text) > 50, text
    assert min(size_of(tmp_path / "attention.png")) > 100


def test_digits_are_coded_better_than_by_their_mean_and_drawn(said, tmp_path):
    text = said("pictures")
    assert number("autoencoder", text) < 0.5 * number("the mean digit", text), text
    assert size_of(tmp_path / "reconstructed.png") == (10 * (8 * 6 + 2) + 2, 2 * (8 * 6 + 2) + 2)
    assert size_of(tmp_path / "drawn.png") == (10 * (8 * 6 + 2) + 2, 4 * (8 * 6 + 2) + 2)
    assert min(size_of(tmp_path / "map.png")) > 300


def test_a_tune_is_written_as_midi_sound_and_page(said, tmp_path):
    text = said("tune")
    first, last = map(float, re.search(r"([\d.]+) at first, ([\d.]+) when", text).groups())
    assert last < 0.9 * first
    score = read_midi(tmp_path / "tune-1.mid")
    assert len(score.tracks[0].notes) == number("tune 1:", text)
    with wave.open(str(tmp_path / "tune-1.wav")) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert np.abs(samples).max() > 1000
    assert "<audio" in (tmp_path / "tunes.html").read_text("utf-8")


def test_the_server_answers_as_the_saved_model_does(load, said, tmp_path):
    text = said("serving")
    questions = load("serving").QUESTIONS
    for question, label in zip(
        questions,
        textrep.load(tmp_path / "subsystems.textrep").predict(questions),
        strict=True,
    ):
        assert f"{question} -> {label} (" in text


def test_the_settings_that_are_found_beat_the_commonest_class(said):
    text = said("pipeline_grid_search")
    assert number("left out:", text) > number("commonest class:", text) + 0.2, text
