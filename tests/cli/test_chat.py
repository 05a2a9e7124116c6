"""`textrep lm chat`, and published checkpoints in the other commands."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import textrep
from tests.generation.checkpoints import TEMPLATE, save_llama
from textrep.cli.app import app
from textrep.generation import Chat

pytest.importorskip("transformers")

FAST = ("--max-new-tokens", 4, "--device", "cpu", "--temperature", 0)


def call(*arguments: object, text: str | bytes | None = None):
    return CliRunner().invoke(app, ["lm", *map(str, arguments)], input=text)


def refused(answer, message: str) -> None:
    assert answer.exit_code == 2, answer.output
    assert answer.stderr.startswith("textrep: ")
    assert answer.stderr.count("\n") == 1
    assert message in answer.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("chat"), TEMPLATE, max_position_embeddings=120)


@pytest.fixture(scope="module")
def model(folder):
    return textrep.PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()


def test_each_line_is_a_turn_and_the_end_of_the_input_the_end(folder, model):
    answer = call("chat", "--checkpoint", folder, *FAST, text="the king\n\nrules")
    assert answer.exit_code == 0, answer.output
    chat = Chat(model, temperature=0, max_new_tokens=4)
    expected = ["".join(chat.reply(text)) for text in ("the king", "rules")]
    assert answer.stdout == "".join(f"{text}\n" for text in expected)
    assert answer.stderr == ""


def test_commands_reset_and_quit(folder, model):
    lines = "the king\n/reset\n/none\nthe king\n/quit\nthe king\n"
    answer = call("chat", "--checkpoint", folder, *FAST, text=lines)
    assert answer.exit_code == 0, answer.output
    once = "".join(Chat(model, temperature=0, max_new_tokens=4).reply("the king"))
    assert answer.stdout == f"{once}\n" * 2
    told = answer.stderr.splitlines()
    assert told[0] == "textrep: the conversation is forgotten"
    assert told[1].startswith("textrep: /none is no command. /reset forgets")


def test_it_says_when_turns_no_longer_fit(folder):
    answer = call("chat", "--checkpoint", folder, *FAST, text="the king rules\n" * 6)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.count("\n") == 6
    assert "textrep: the oldest turns no longer fit: 1 forgotten" in answer.stderr


def test_bytes_that_are_no_text_are_a_turn_too(folder):
    answer = call("chat", "--checkpoint", folder, *FAST, text=b"\xff\xfe king\n")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.count("\n") == 1


def test_what_cannot_chat_is_one_line(folder, tmp_path):
    silent = save_llama(tmp_path / "silent")
    refused(call("chat", "--checkpoint", silent, text=""), "has no chat template")
    refused(call("chat", "--checkpoint", tmp_path / "none", text=""), "there is no such folder")
    saved = textrep.PretrainedLanguageModel(checkpoint=folder).save(tmp_path / "m.textrep")
    refused(call("chat", "--checkpoint", saved, text=""), "models of textrep only continue texts")
    refused(call("chat", "--checkpoint", folder, "--system", "refuse", text=""), "no system")
    refused(call("chat", "--checkpoint", folder, "--top-p", 2, text=""), "top_p")
    long = call("chat", "--checkpoint", folder, *FAST, text="king " * 100 + "\n")
    refused(long, "the message is too long")


def test_an_interrupt_ends_with_130(folder, monkeypatch):
    def interrupt(self, text):
        raise KeyboardInterrupt

    monkeypatch.setattr(Chat, "reply", interrupt)
    answer = call("chat", "--checkpoint", folder, *FAST, text="the king\n")
    assert (answer.exit_code, answer.stderr) == (130, "textrep: stopped\n")


def test_at_a_terminal_an_interrupt_stops_the_answer_alone(folder, monkeypatch):
    import builtins
    import sys

    from textrep.cli import chat as module

    said = iter(["the king", "rules"])

    def ask(prompt):
        try:
            return next(said)
        except StopIteration:
            raise EOFError from None

    class Broken:
        dropped_turns = 0

        def reply(self, text):
            yield text.upper()
            raise KeyboardInterrupt

    class Terminal:
        def isatty(self):
            return True

    written: list[str] = []
    monkeypatch.setattr(builtins, "input", ask)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(module, "_write", written.append)
    module._talk(Broken())
    assert written == ["THE KING", "\n", "RULES", "\n", "\n"]


def test_samples_of_a_checkpoint_are_those_of_python(folder, model):
    asked = ("--prompt", "the king", "--seed", 3, "--max-new-tokens", 5, "--device", "cpu")
    answer = call("sample", "--checkpoint", folder, *asked)
    assert answer.exit_code == 0, answer.output
    expected = model.generate("the king", max_new_tokens=5, random_state=3)
    assert answer.stdout.startswith("the king")
    assert len(answer.stdout) >= len(f"the king{expected}")
    assert call("sample", "--checkpoint", folder, *asked, "--stream").stdout == answer.stdout


def test_a_checkpoint_scores_texts(folder, model, tmp_path):
    data = tmp_path / "texts.txt"
    data.write_text("the king\nrules\n")
    answer = call("score", "--checkpoint", folder, data, "--device", "cpu", "-q")
    assert answer.exit_code == 0, answer.output
    assert f"perplexity {model.perplexity(['the king', 'rules']):.2f}" in answer.stdout


def test_a_model_and_a_checkpoint_are_not_both_given(folder, tmp_path):
    refused(call("sample"), "give MODEL, a file that `textrep lm fit --save` made, or --checkpoint")
    refused(call("sample", tmp_path / "m", "--checkpoint", folder), "give one of them")
    refused(call("score", tmp_path / "m", "x", "--checkpoint", folder), "give one of them")
    refused(call("score", "--checkpoint", folder), "give FILE, the texts to be scored")
    refused(call("score", tmp_path / "m"), "give FILE, the texts to be scored")
