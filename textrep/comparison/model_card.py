"""The card of a saved model that programs read: ``card.json``."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textrep._version import __version__
from textrep.comparison.errors import ComparisonError
from textrep.comparison.limits import limits_of
from textrep.comparison.outcome import Outcome
from textrep.core.messages import printable, shown

if TYPE_CHECKING:
    from textrep.comparison.health import Health
    from textrep.comparison.result import ComparisonResult

CARD_FILE = "card.json"
FORMAT_NAME = "textrep-model-card"
FORMAT_VERSION = 1

# A card takes kilobytes; what is larger by far was made to fill the memory.
_MAX_BYTES = 1 << 26


def make_card(result: ComparisonResult, outcome: Outcome) -> dict[str, Any]:
    """Put down what is known about the model of one rung.

    Parameters
    ----------
    result : ComparisonResult
        Of the comparison.
    outcome : Outcome
        Of the rung, with figures.

    Returns
    -------
    dict
        JSON values only.
    """
    task, recommendation, health = result.task, result.recommendation, result.health
    card = {
        "format": FORMAT_NAME,
        "format_version": FORMAT_VERSION,
        "textrep": __version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "model": outcome.name,
        "description": outcome.description,
        "data": {
            "name": result.name,
            "n_train": result.n_train,
            "n_test": result.n_test,
            "folds": task.folds if task else 0,
            **(_seen(health) if health else {}),
        },
        "columns": {
            "text": True,
            "numeric": list(task.numeric) if task else [],
            "categorical": list(task.categorical) if task else [],
        },
        "classes": _classes(result, outcome),
        "figures": asdict(outcome),
        "others": [
            asdict(each) for each in result.outcomes if each.status == "ok" and each is not outcome
        ],
        "recommendation": None if recommendation is None else recommendation.sentence,
        "health": [] if health is None else _findings(health),
        "limits": limits_of(result, outcome),
        "settings": dict(result.settings),
        "versions": dict(result.versions),
    }
    plain: dict[str, Any] = _plain(card)
    return plain


def read_card(folder: Path) -> dict[str, Any]:
    """Read the card of a saved model.

    Parameters
    ----------
    folder : Path
        Of the model.

    Returns
    -------
    dict

    Raises
    ------
    ComparisonError
        When there is none, it is damaged, or was written by a newer version.
    OSError
        When it cannot be read.
    """
    path = folder / CARD_FILE
    where = printable(str(path))
    if not folder.exists():
        raise ComparisonError(
            f"{printable(str(folder))}: there is no such folder; give the one that --save made"
        )
    if not path.is_file():
        raise ComparisonError(
            f"{printable(str(folder))}: not the folder of a saved model, which holds {CARD_FILE}; "
            "give the one that --save made"
        )
    card = _parsed(path, where)
    if not isinstance(card, dict) or card.get("format") != FORMAT_NAME:
        raise ComparisonError(f"{where}: not the card of a model that textrep saved")
    version = card.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise ComparisonError(
            f"{where}: format version {version}, written by textrep {shown(card.get('textrep'))}; "
            f"textrep {__version__} reads up to version {FORMAT_VERSION}. Upgrade textrep"
        )
    if version != FORMAT_VERSION:
        raise ComparisonError(f"{where}: unknown format_version {shown(version)}")
    _check_parts(card, where)
    return card


def _parsed(path: Path, where: str) -> Any:
    if path.stat().st_size > _MAX_BYTES:
        raise ComparisonError(f"{where}: more than {_MAX_BYTES:,} bytes, so no card; save it again")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ComparisonError(
            f"{where}: not valid JSON ({error}); the file is damaged, save the model again"
        ) from None


def _check_parts(card: dict[str, Any], where: str) -> None:
    """Refuse a card that lacks what loading needs."""
    columns, classes = card.get("columns"), card.get("classes")
    named = isinstance(columns, dict) and all(
        isinstance(columns.get(kind), list) and all(isinstance(name, str) for name in columns[kind])
        for kind in ("numeric", "categorical")
    )
    listed = isinstance(classes, list) and all(
        isinstance(each, dict) and isinstance(each.get("name"), str) for each in classes
    )
    for name, sound in (("columns", named), ("classes", listed)):
        if not sound:
            raise ComparisonError(
                f"{where}: {name} is {shown(card.get(name))}; the file is damaged, save the model "
                "again"
            )


def _classes(result: ComparisonResult, outcome: Outcome) -> list[dict[str, Any]]:
    """Name, number of documents and figures of each class that the model knows."""
    classes: list[dict[str, Any]] = [
        {"name": str(label), "label": label} for label in result.classes
    ]
    task, predicted = result.task, result.predictions_.get(outcome.name)
    if task is None or predicted is None:
        return classes
    from sklearn.metrics import precision_recall_fscore_support

    labels = np.array(result.classes, dtype=task.labels.dtype)
    learnt = task.labels[task.learnt]
    columns = precision_recall_fscore_support(task.truth, predicted, labels=labels, zero_division=0)
    for each, label, precision, recall, f1, n_test in zip(classes, labels, *columns, strict=True):
        each |= {
            "n_train": int((learnt == label).sum()),
            "n_test": int(n_test),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        }
    return classes


def _seen(health: Health) -> dict[str, Any]:
    """What the documents were like: lengths in characters of those learnt from, and languages."""
    lengths = health.lengths["characters"]
    return {
        "lengths": lengths.get("train") or lengths.get("all", {}),
        "scripts": health.scripts,
        "languages": health.languages,
    }


def _findings(health: Health) -> list[dict[str, Any]]:
    names = ("kind", "severity", "message", "effect", "action")
    return [{name: getattr(finding, name) for name in names} for finding in health.findings]


def _plain(value: Any) -> Any:
    """A value with nothing in it but what JSON knows; anything else as text."""
    if value is None or type(value) in (str, bool, int):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return str(value)
