"""Models of torch that a command is given."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from textrep.cli.output import fail


def need_torch() -> None:
    """End the program if torch is not installed.

    Raises
    ------
    typer.Exit
        After a line that says what to install.
    """
    if importlib.util.find_spec("torch") is None:
        fail("language models need torch: pip install 'textrep[neural]'")


def open_fitted(path: Path, kind: type, what: str, noun: str) -> Any:
    """A fitted model of one kind.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    kind : type
        Its class.
    what : str
        What messages call it, such as ``"a language model"``.
    noun : str
        Command that makes such models, such as ``"lm fit"``.

    Returns
    -------
    object of that kind

    Raises
    ------
    typer.Exit
        When there is no such file, or it holds something else.
    """
    import textrep
    from textrep.core.messages import printable

    name = printable(str(path))
    try:
        found = textrep.load(path)
    except textrep.PersistError as error:
        fail(error)
    except OSError as error:
        fail(f"{name}: cannot be read: {error.strerror or error}")
    if not isinstance(found, kind):
        fail(
            f"{name}: this is a {type(found).__name__}, not {what}, such as "
            f"`textrep {noun} --save` makes"
        )
    if not hasattr(found, "module_"):
        fail(f"{name}: this {type(found).__name__} is not fitted")
    return found
