"""The whole report: its sections put into one page that asks nothing of the network."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textrep.comparison.report import curves, leaderboard, reliability, scatter, wording
from textrep.comparison.report.answers import (
    confusions_of,
    mistakes_of,
    reliability_of,
    suspicions_of,
    terms_of,
)
from textrep.comparison.report.classes import class_counts
from textrep.comparison.report.lengths import lengths_table
from textrep.comparison.report.rerun import rerun
from textrep.comparison.report.roles import roles_of
from textrep.comparison.report.tiles import tiles
from textrep.comparison.result import ComparisonResult
from textrep.core.files import atomic_write

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = files("textrep.comparison.report") / "templates"
_FILTERS = {
    "percent": wording.percent,
    "number": wording.number,
    "probability": wording.probability,
    "legible": wording.legible,
    "label": wording.label_text,
}


def write_report(result: ComparisonResult, path: str | os.PathLike[str]) -> Path:
    """Write the report of a comparison to a file.

    Parameters
    ----------
    result : ComparisonResult
        Of `textrep.compare`.
    path : str or path-like
        The file to make or replace; it is replaced whole or not at all.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    page = render(result).encode("utf-8")
    with atomic_write(path) as file:
        file.write(page)
    return Path(path)


def render(result: ComparisonResult) -> str:
    """The report of a comparison as one HTML document.

    Parameters
    ----------
    result : ComparisonResult
        Of `textrep.compare`. What it does not have, such as learning curves, is left out, and the
        page says how to get it.

    Returns
    -------
    str
        Without lone surrogates, so that it can be encoded.
    """
    return _environment().get_template("page.html.j2").render(_view(result))


@functools.cache
def _environment() -> Environment:
    """The templates, which are compiled once."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("textrep.comparison.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    return environment


def _view(result: ComparisonResult) -> Mapping[str, Any]:
    """All that the templates show."""
    script = (_TEMPLATES / "sort.js").read_text("utf-8")
    return {
        "result": result,
        "today": date.today().isoformat(),
        "style": (_TEMPLATES / "style.css").read_text("utf-8"),
        "script": script,
        "script_hash": _source_hash(script),
        "rerun": rerun(result),
        "sizes": {"scatter": scatter, "curves": curves, "reliability": reliability,
                  "bar": leaderboard},
        **_overview(result),
        **_details(result),
    }  # fmt: skip


def _overview(result: ComparisonResult) -> dict[str, Any]:
    """What concerns all rungs."""
    roles = roles_of(result)
    outcomes = result.outcomes
    return {
        "roles": roles,
        "tiles": tiles(result, roles),
        "lengths": None if result.health is None else lengths_table(result.health.lengths),
        "classes": None if result.task is None else class_counts(result.task),
        "board": leaderboard.leaderboard(outcomes, roles.marks, roles.p_values),
        "by_speed": scatter.scatter(outcomes, lambda o: o.documents_per_second, roles.kind),
        "by_time": scatter.scatter(outcomes, lambda o: o.fit_seconds, roles.kind),
        "learning": curves.learning_curves(outcomes, roles.subject.name if roles.subject else None),
        "notes": [(o.name, o.notes) for o in outcomes if o.notes],
    }


def _details(result: ComparisonResult) -> dict[str, Any]:
    """What concerns the rung that the report is about."""
    subject = roles_of(result).subject
    details: dict[str, Any] = dict.fromkeys(
        ("confusions", "reliability", "mistakes", "terms"), None
    )
    details["suspicions"] = suspicions_of(result)
    if subject is not None:
        details["confusions"] = confusions_of(result, subject.name)
        details["reliability"] = reliability_of(result, subject.name)
        details["mistakes"] = mistakes_of(result, subject.name)
        details["terms"] = terms_of(result, subject)
    return details


def _source_hash(script: str) -> str:
    """By which the page's policy lets this script run and no other."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
