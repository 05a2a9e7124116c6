"""`textrep lm chat`: a conversation in the terminal, or line by line from a pipe."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textrep.cli.language_models import printable_text
from textrep.cli.neural_models import need_torch
from textrep.cli.output import fail, writing
from textrep.cli.word_models import refusing

if TYPE_CHECKING:
    from textrep.generation.chat import Chat

_PROMPT = "> "
_HELP = "/reset forgets the conversation, /quit ends it."


def chat(
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder of an instruction checkpoint in the layout of Hugging Face, or its name "
            "on the hub.",
        ),
    ],
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the model is told beforehand.")
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer at most.")] = 512,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="Below 1 the likely becomes likelier; 0 always takes the most."),
    ] = 0.7,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Choose among the likeliest K only.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Choose among the likeliest that have this share together.")
    ] = None,
    repetition_penalty: Annotated[
        float, typer.Option(help="Above 1, what was written already becomes less likely.")
    ] = 1.0,
    device: Annotated[
        str,
        typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest."),
    ] = "auto",
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Gives the same answers again; others each time without it."),
    ] = None,
) -> None:
    """Talk with an instruction model.

    A line is a turn. /reset forgets the conversation, /quit or the end of the input ends it. Ctrl-C
    stops an answer; at the prompt, it ends the program.
    """
    _refuse_files(checkpoint)
    need_torch()
    with refusing(checkpoint):
        from textrep.generation.chat import Chat
        from textrep.generation.pretrained_language_model import PretrainedLanguageModel

        model = PretrainedLanguageModel(checkpoint=checkpoint, device=device).fit()
        conversation = Chat(
            model,
            system=system,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            max_new_tokens=max_new_tokens,
            random_state=seed,
        )
        _talk(conversation)


def _refuse_files(checkpoint: str) -> None:
    if Path(checkpoint).is_file():
        fail(
            f"--checkpoint {checkpoint}: this is a file; models of textrep only continue texts. "
            "Folders of instruction checkpoints with a chat template can chat"
        )


def _talk(conversation: Chat) -> None:
    by_hand = sys.stdin.isatty()
    if by_hand:
        _note(_HELP)
    for line in _lines(by_hand):
        text = line.strip()
        if text == "/quit":
            return
        if text == "/reset":
            conversation.reset()
            _note("the conversation is forgotten")
        elif text.startswith("/"):
            _note(f"{text.split()[0]} is no command. {_HELP}")
        elif text:
            _answer(conversation, line.rstrip("\r\n"), by_hand)


def _lines(by_hand: bool) -> Iterator[str]:
    """What is said, line by line, to the end of the input."""
    if not by_hand:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        yield from sys.stdin
        return
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  lines can be edited
    while True:
        try:
            yield input(_PROMPT)
        except EOFError:
            _write("\n")
            return


def _answer(conversation: Chat, text: str, by_hand: bool) -> None:
    """Print what the model answers, as it comes."""
    try:
        pieces = conversation.reply(text)
    except ValueError as error:  # of this message; the next one may be shorter
        if not by_hand:
            raise
        _note(str(error))
        return
    if conversation.dropped_turns:
        _note(f"the oldest turns no longer fit: {conversation.dropped_turns} forgotten")
    try:
        for piece in pieces:
            _write(printable_text(piece))
    except KeyboardInterrupt:
        if not by_hand:
            raise
    finally:
        pieces.close()  # type: ignore[attr-defined]
    _write("\n")


def _write(text: str) -> None:
    with writing():
        typer.echo(text, nl=False)
        sys.stdout.flush()


def _note(text: str) -> None:
    # Where standard error cannot be written to, the conversation goes on without.
    with contextlib.suppress(OSError, ValueError):
        typer.echo(f"textrep: {printable_text(text)}", err=True)
