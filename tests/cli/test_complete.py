"""`textrep lm fit-code` and `textrep lm complete`, in process."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import textrep
from tests.cli.answers import refused
from textrep.cli.app import app
from textrep.generation import CodeCompleter, RNNLanguageModel

FILE = "def area(self):\n    width = self.width\n    return width * self.height\n"
SMALL = {"vocab_size": 300, "num_layers": 1, "num_heads": 2, "hidden_size": 8, "max_length": 16,
         "epochs": 1, "device": "cpu", "random_state": 0}  # fmt: skip


def call(*arguments: object):
    return CliRunner().invoke(app, ["lm", *map(str, arguments)])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "code.textrep"
    CodeCompleter(**SMALL).fit([FILE] * 20, validation=[FILE]).save(path)
    return path


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "shape.py"
    path.write_text("def area(self):\n    width = self.wid\n    return width * self.height\n")
    return path


def test_a_line_is_completed(source, model):
    answer = call("complete", f"{source}:2", "--model", model)
    assert (answer.exit_code, answer.stdout) == (0, "th\n"), answer.output


def test_after_a_whole_line_the_next_are_written(source, model):
    answer = call("complete", f"{source}:1", "--model", model, "--lines", 2)
    assert answer.exit_code == 0, answer.output
    found = textrep.load(model)
    text = source.read_text()
    begun = "def area(self):"
    assert found.complete(begun, text[len(begun) :]) == ""
    expected = found.complete(begun + "\n", text[len(begun) + 1 :], max_lines=2)
    assert answer.stdout == expected + "\n"
    assert 1 <= expected.count("\n") + 1 <= 2


@pytest.mark.parametrize("blank", ["", "    "])
def test_a_blank_line_is_written_anew(model, tmp_path, blank):
    path = tmp_path / "shape.py"
    path.write_text(f"def area(self):\n{blank}\n    return width * self.height\n")
    answer = call("complete", f"{path}:2", "--model", model)
    assert (answer.exit_code, answer.stdout) == (0, "    width = self.width\n"), answer.output


def test_places_that_are_none_are_refused(source, model, tmp_path):
    refused(
        call("complete", f"{source}:4", "--model", model), "has no line 4; expected one of 1 to 3"
    )
    refused(call("complete", f"{source}:0", "--model", model), "has no line 0")
    refused(call("complete", source, "--model", model), "expected a file and a line")
    refused(call("complete", tmp_path / "none.py:1", "--model", model), "cannot be read")
    (tmp_path / "bad.py").write_bytes(b"\xff\n")
    refused(call("complete", tmp_path / "bad.py:1", "--model", model), "is not UTF-8")
    (tmp_path / "empty.py").write_text("")
    refused(call("complete", tmp_path / "empty.py:1", "--model", model), "has no lines")


def test_models_that_complete_no_code_are_refused(source, tmp_path):
    path = tmp_path / "m"
    RNNLanguageModel(level="character", hidden_size=4, embedding_size=4, epochs=1, device="cpu",
                     random_state=0).fit(["abc"] * 9).save(path)  # fmt: skip
    refused(
        call("complete", f"{source}:1", "--model", path),
        "RNNLanguageModel, not a code completer, such as `textrep lm fit-code --save` makes",
    )
    refused(call("complete", f"{source}:1", "--model", tmp_path / "none"), "none")
    refused(call("complete", f"{source}:1"), "give --model")


def test_fit_code_learns_from_a_folder(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    for number in range(5):
        (folder / f"m{number}.py").write_text(f"{FILE}\nx = {number}\n")
    path = tmp_path / "m.textrep"
    answer = call("fit-code", folder, "--save", path, "--epochs", 1, "--layers", 1,
                  "--hidden-size", 8, "--vocab-size", 300, "--device", "cpu", "-q")  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.splitlines()[-1] == f"Model: {path}"
    assert isinstance(textrep.load(path), CodeCompleter)


def test_fit_code_refuses_what_it_cannot_do(tmp_path):
    refused(call("fit-code", tmp_path), "give --save")
    refused(call("fit-code", tmp_path, "--save", tmp_path / "m"), "inside the folder")
    (tmp_path / "empty").mkdir()
    refused(call("fit-code", tmp_path / "empty", "--save", tmp_path / "m"), "no Python file")
    refused(call("fit-code", tmp_path / "none", "--save", tmp_path / "m"), "no folder")
