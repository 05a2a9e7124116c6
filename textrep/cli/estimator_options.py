"""Estimators as commands have them: parameters from options, files opened, verbs looked for."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from textrep.cli.output import fail

# Parameters -> their options, where these have other names.
_OPTIONS = {
    "checkpoint": "resume",
    "conditional": "labelled",
    "labels": "label",
    "progress_folder": "progress",
    "prompts": "text",
}
_COMMON = ("device", "random_state", "verbose")
"""Parameters that commands give to any kind; those that a kind lacks are none of the user's."""


def new_estimator(made: type, wanted: dict[str, Any], further: list[str]) -> Any:
    """An estimator that is not fitted.

    Parameters
    ----------
    made : type
        Its class.
    wanted : dict of str to object
        Parameters by name; None where they were not given.
    further : list of str
        Others, as ``NAME=VALUE`` with a value in JSON or else a str.

    Returns
    -------
    estimator

    Raises
    ------
    typer.Exit
        When the class has no such parameter.
    """
    known = inspect.signature(made).parameters
    given = {name: value for name, value in wanted.items() if value is not None}
    given |= dict(map(_setting, further))
    for name in list(given):
        if name not in known and name in _COMMON:
            del given[name]
        elif name not in known:
            has = f"it has {', '.join(known)}"
            fail(f"--{_option(name)}: {made.__name__} has no such parameter; {has}")
    return made(**given)


def open_estimator(path: Path, verb: str, device: str, *, kinds: Any, what: str, noun: str) -> Any:
    """A fitted model that can do something.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    verb : str
        What it must be able to do.
    device : str
        Where it is to compute.
    kinds : type or tuple of types
        That it may be of.
    what : str
        What messages call it, such as ``"a model of pictures"``.
    noun : str
        Command that makes such models, such as ``"image fit"``.

    Returns
    -------
    estimator

    Raises
    ------
    typer.Exit
        When there is no such model, or it cannot.
    """
    import textrep
    from textrep.core.messages import printable

    name = printable(str(path))
    try:
        found = textrep.load(path)
    except OSError as error:
        fail(f"{name}: cannot be read: {error.strerror or error}")
    kind = type(found).__name__
    if not isinstance(found, kinds):
        fail(f"{name}: this is a {kind}, not {what}, such as `textrep {noun}` makes")
    if not hasattr(found, verb):
        fail(f"{name}: a {kind} has no {verb}")
    if "device" in found.get_params():
        found.set_params(device=device)
    return found


def taken(function: Any, options: dict[str, Any], what: str) -> dict[str, Any]:
    """Of options, those that were given: parameters of a function, and all that it needs.

    Parameters
    ----------
    function : callable
    options : dict of str to object
        By the name of the parameter; None where they were not given.
    what : str
        Whose function it is.

    Returns
    -------
    dict

    Raises
    ------
    typer.Exit
    """
    known = inspect.signature(function).parameters
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in known:
            fail(f"a {what} takes no --{_option(name)}; leave it out")
    for name, parameter in known.items():
        if name in options and name not in given and parameter.default is parameter.empty:
            fail(f"a {what} needs --{_option(name)}")
    return given


def losses_told(model: Any) -> list[str]:
    """The last entry of a history, in words.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    list of str
        One line, or none where there is no history.
    """
    history = getattr(model, "history_", None)
    if not history:
        return []
    told = ("epoch", "step", "seconds", "learning_rate", "stage")
    numbers = (
        f"{name.replace('_', ' ')} {value:.4g}"
        for name, value in history[-1].items()
        if name not in told and isinstance(value, int | float)
    )
    return [f"last epoch: {', '.join(numbers)}"]


def _option(parameter: str) -> str:
    return _OPTIONS.get(parameter, parameter.replace("_", "-"))


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        fail(f"--set {text}: expected NAME=VALUE, such as loss=bce")
    try:
        read = json.loads(value)
    except ValueError:
        return name, value
    return name, tuple(read) if isinstance(read, list) else read
