"""What it takes to run a comparison again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textrep.comparison.report.wording import duration, label_text, legible_lines
from textrep.comparison.result import ComparisonResult

_MAX_VALUE = 400  # characters of a setting; a prompt can be long
_COMMAND = "command"


@dataclass(frozen=True)
class Rerun:
    """How to run it again.

    Attributes
    ----------
    command : str
        Of the command line; empty where it was called from Python.
    call : str
        Of `textrep.compare`, in Python; empty where the settings are not known.
    settings, versions : tuple of (str, str)
    rungs : tuple of (str, tuple of (str, str))
        Settings that the search chose for each rung; rungs without are left out.
    split, seconds : str
    """

    command: str
    call: str
    settings: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    rungs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    split: str
    seconds: str


def rerun(result: ComparisonResult) -> Rerun:
    """Collect what it takes to run a comparison again.

    Parameters
    ----------
    result : ComparisonResult

    Returns
    -------
    Rerun
    """
    settings = {k: v for k, v in result.settings.items() if k != _COMMAND}
    rungs = [(label_text(o.name), _pairs(o.settings)) for o in result.outcomes if o.settings]
    return Rerun(
        command=label_text(result.settings.get(_COMMAND) or "", 2000).replace("(empty)", ""),
        call=_call(settings),
        settings=_pairs(settings),
        versions=_pairs(result.versions),
        rungs=tuple(rungs),
        split=_split(result),
        seconds=duration(result.seconds) if result.seconds else "",
    )


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (label_text(name), label_text(_setting(value), _MAX_VALUE))
        for name, value in values.items()
    )


def _setting(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value) or "none"
    return "none" if value is None else str(value)


def _call(settings: Mapping[str, Any]) -> str:
    """A call with all settings but those that are left open."""
    given = {name: value for name, value in settings.items() if value not in (None, [], (), "")}
    if not given:
        return ""
    arguments = "".join(f"    {name}={value!r},\n" for name, value in given.items())
    return legible_lines(f"textrep.compare(\n    texts,\n    labels,\n{arguments})")


def _split(result: ComparisonResult) -> str:
    if result.task is not None and result.task.folds:
        return f"{result.task.folds} folds; every text is tested once"
    return f"{result.n_train:,} texts learnt from, {result.n_test:,} tested on"
