"""`--json FILE`: what cannot or must not be written is said before the work starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from textrep.cli import compare as compare_module
from textrep.cli import target as target_module
from textrep.cli.app import app

ROWS = "what,kind\n" + "".join(f"apple {i},fruit\nstone {i},rock\n" for i in "abcdefgh")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "fruit.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def folder(tmp_path):
    for i in range(4):
        for name in ("cat", "dog"):
            file = tmp_path / "pets" / name / f"{i}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} number {i}")
    return tmp_path / "pets"


@pytest.fixture
def refused(monkeypatch):
    """Calls the program, which must end before it reads any data, and returns what it said."""

    def no_work(*arguments):
        raise AssertionError("the work was started")

    monkeypatch.setattr(compare_module, "_load", no_work)

    def call(data: Path | str, target: Path | str) -> str:
        answer = CliRunner().invoke(app, ["compare", str(data), "--json", str(target), "-q"])
        assert answer.exit_code == 2, answer.output
        assert answer.stdout == ""
        assert answer.stderr.startswith("textrep: --json ")
        assert answer.stderr.count("\n") == 1
        return answer.stderr

    return call


def test_a_target_that_is_no_file_in_a_folder(refused, table, tmp_path):
    assert "does not exist; make it first" in refused(table, tmp_path / "no" / "x.json")
    assert "does not exist; make it first" in refused(table, table / "x.json")
    assert "this is a folder" in refused(table, tmp_path)
    assert "this is a folder" in refused(table, "")
    assert "too long" in refused(table, tmp_path / ("x" * 300))


def test_a_device_or_a_pipe(refused, table, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", "/dev/null", "/dev/full"):
        assert "this is a device or a pipe" in refused(table, target)


def test_links_in_a_circle(refused, table, tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    assert "no file can be written there" in refused(table, tmp_path / "circle")


def test_a_write_protected_file(refused, table, tmp_path):
    old = tmp_path / "old.json"
    old.write_text("precious")
    old.chmod(0o444)
    assert "the file is write-protected" in refused(table, old)
    assert old.read_text() == "precious"


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(28, "disk full")])
def test_a_folder_that_takes_no_file(refused, table, tmp_path, monkeypatch, error):
    def fails(**options):
        raise error

    monkeypatch.setattr(target_module.tempfile, "TemporaryFile", fails)
    message = refused(table, tmp_path / "out.json")
    assert f"its folder cannot be written to: {error.strerror}" in message


def test_the_file_of_the_data_under_any_of_its_names(refused, table, tmp_path, monkeypatch):
    (tmp_path / "link.json").symlink_to(table)
    (tmp_path / "twin.json").hardlink_to(table)
    (tmp_path / "link.csv").symlink_to(table)
    monkeypatch.chdir(tmp_path)
    for target in (table, "fruit.csv", "../" + tmp_path.name + "/fruit.csv", "link.json"):
        assert "this is the file of the data" in refused(table, target)
    assert "this is the file of the data" in refused("fruit.csv", "twin.json")
    assert "this is the file of the data" in refused("link.csv", "fruit.csv")
    assert table.read_text() == ROWS


def test_any_place_inside_the_folder_of_the_data(refused, folder, tmp_path, monkeypatch):
    (tmp_path / "way").symlink_to(folder / "cat", target_is_directory=True)
    monkeypatch.chdir(folder)
    for target in (folder / "cat" / "0.txt", "new.json", tmp_path / "way" / "new.json"):
        assert "this is inside the folder of the data" in refused(folder, target)
    assert "this is inside the folder of the data" in refused(".", "new.json")


def test_a_file_outside_that_a_link_in_the_folder_leads_to(refused, folder, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("woof")
    (folder / "dog" / "link.txt").symlink_to(outside)
    assert "this is the file of the data" in refused(folder, outside)
    (tmp_path / "twin.txt").hardlink_to(folder / "cat" / "0.txt")
    assert "this is the file of the data" in refused(folder, tmp_path / "twin.txt")


def test_the_file_of_a_named_corpus(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TEXTREP_DATA", str(tmp_path))
    source = tmp_path / "sms_spam" / "SMSSpamCollection"
    source.parent.mkdir()
    source.write_text("ham\thello\n")
    found = next(path for path in tmp_path.rglob("SMSSpamCollection"))
    monkeypatch.setattr("textrep.data.load.find_source", lambda data: found)
    assert "this is the file of the data" in refused("sms_spam", source)


def test_an_old_result_is_replaced_and_no_trial_is_left(table, tmp_path):
    old = tmp_path / "out.json"
    old.write_text("old")
    arguments = ["compare", str(table), "--json", str(old), "-q", "--methods", "majority"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert old.read_text().startswith("{")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fruit.csv", "out.json"]


def test_names_of_methods_are_looked_up_before_the_data_are_read(table, monkeypatch):
    monkeypatch.setattr(compare_module, "_load", None)
    answer = CliRunner().invoke(app, ["compare", str(table), "--methods", "magic"])
    assert "no method 'magic'" in answer.stderr


def test_when_the_disk_fills_meanwhile_the_result_is_still_shown(table, tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("textrep.core.files.atomic_write", full)
    arguments = ["compare", str(table), "--json", str(tmp_path / "o"), "--methods", "majority"]
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 2
    assert "\nmajority " in answer.stdout
    assert "cannot be written: No space left on device" in answer.stderr
