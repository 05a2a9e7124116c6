"""`textrep lm fit-code` and `textrep lm complete`: completion of Python source."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import typer

from textrep.cli.language_models import printable_text
from textrep.cli.neural_models import need_torch, open_fitted
from textrep.cli.output import fail, print_lines, writing
from textrep.cli.target import check_targets
from textrep.cli.word_models import refusing

_PLACE = re.compile(r"(.+):([0-9]+)", re.DOTALL)
_MOST_LINES = 1000

_Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to train; auto takes the fastest.")
]


def fit_code(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Folder with Python files; the standard library of this Python when left out.",
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Save the model to this file.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Times to learn from each file; like those below, as the model thinks best."
        ),
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Time for training.")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers of the network.")] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units of each layer.")] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Units of code to know at most.")] = None,
    device: _Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Decides whatever is random.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Learn from Python files how they go on, for `textrep lm complete`."""
    if save is None:
        fail("give --save: nothing would be kept of the work")
    check_targets({"--save": save}, folder)
    need_torch()
    with refusing("the files"):
        from textrep.generation import CodeCompleter

        wanted = {
            "epochs": epochs,
            "max_seconds": max_seconds,
            "num_layers": layers,
            "hidden_size": hidden_size,
            "vocab_size": vocab_size,
        }
        model = CodeCompleter(device=device, random_state=seed, verbose=0 if quiet else 1)
        model.set_params(**{name: value for name, value in wanted.items() if value is not None})
        begun = time.monotonic()
        if folder is None:
            model.fit()
        else:
            model.fit(folder)
        model.save(save)
        lines = [
            f"{model.n_files_:,} files, {len(model.codec_):,} units",
            f"{model.history_[-1]['epoch']:.1f} epochs in {time.monotonic() - begun:.1f} s",
        ]
        if model.skipped_:
            lines.append(f"{len(model.skipped_)} files left out that are no text")
        print_lines([*lines, f"Model: {save}"])


def complete(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE:LINE", help="A Python file, and the line to complete, from 1."
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="File that `textrep lm fit-code --save` made."),
    ] = None,
    lines: Annotated[int, typer.Option(min=1, max=_MOST_LINES, help="Lines to write at most.")] = 1,
) -> None:
    """Complete a line of a Python file, or write what comes after it.

    The cursor is at the end of the line, and what follows in the file is taken into account. Of a
    line that seems to be whole, the next lines are written; a blank one is written anew, with its
    indentation.
    """
    if model is None:
        fail("give --model: a file that `textrep lm fit-code --save` made")
    prefix, suffix = split_at(place)
    need_torch()
    with refusing(str(model)):
        from textrep.generation import CodeCompleter

        completer = open_fitted(model, CodeCompleter, "a code completer", "lm fit-code")
        begin = prefix.rfind("\n") + 1
        if not prefix[begin:].strip():
            written = completer.complete(prefix[:begin], suffix, max_lines=lines)
        else:
            written = completer.complete(prefix, suffix)
            if not written.strip():
                written = completer.complete(prefix + "\n", suffix[1:], max_lines=lines)
            elif lines > 1:
                written = completer.complete(prefix, suffix, max_lines=lines)
    with writing():
        typer.echo(printable_text(written))


def split_at(place: str) -> tuple[str, str]:
    """The text of a file up to the end of a line, and from there on.

    Parameters
    ----------
    place : str
        File and line, such as ``"a.py:12"``.

    Returns
    -------
    tuple of str
        The second begins with the line end, if there is one.

    Raises
    ------
    typer.Exit
        After one line on standard error: where there is no such file or line, or it is no text.
    """
    from textrep.core.messages import printable

    match = _PLACE.fullmatch(place)
    if match is None:
        fail(f"{printable(place)}: expected a file and a line of it, such as program.py:12")
    name, number = printable(match[1]), int(match[2])
    try:
        text = Path(match[1]).read_text("utf-8")
    except UnicodeDecodeError:
        fail(f"{name}: is not UTF-8")
    except OSError as error:
        fail(f"{name}: cannot be read: {error.strerror or error}")
    found = text.split("\n")
    n_lines = len(found) - (found[-1] == "")
    if not 1 <= number <= n_lines:
        fail(
            f"{name}: has no line {number}; expected one of 1 to {n_lines}"
            if n_lines
            else f"{name}: has no lines"
        )
    prefix = "\n".join(found[:number])
    return prefix, text[len(prefix) :]
