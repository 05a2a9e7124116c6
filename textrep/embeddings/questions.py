"""The analogy questions and the judged pairs that word vectors are tested on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textrep.core.messages import printable, shown, type_name


def read_questions(source: Path | Iterable[Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """The name of the section and the four words of each question."""
    section = None
    for item, where in _items(source, "questions"):
        if not isinstance(item, str):
            if len(item) != 5 or not all(isinstance(part, str) for part in item):
                raise ValueError(f"{where}: expected (section, a, b, c, d), got {shown(item)}")
            yield item[0], item[1:]
            continue
        words = item.split()
        if words and words[0].startswith(":"):
            section = item.strip()[1:].strip()
        elif words:
            if section is None:
                raise ValueError(f"{where}: a line ': section' must stand before the questions")
            if len(words) != 4:
                raise ValueError(f"{where}: expected a question of 4 words, got {shown(item)}")
            yield section, words


def read_pairs(source: Path | Iterable[Any]) -> Iterator[tuple[str, str, float]]:
    """Two words and the score of each pair."""
    met = False
    for item, where in _items(source, "pairs"):
        if isinstance(item, str):
            if not item.strip() or item.startswith("#"):
                continue
            fields: Sequence[Any] = _fields(item)
        else:
            fields = item
        pair = _pair(fields)
        if pair is None:
            if isinstance(item, str) and not met:  # headings
                met = True
                continue
            raise ValueError(f"{where}: expected two words and a number, got {shown(item)}")
        met = True
        yield pair


def _pair(fields: Sequence[Any]) -> tuple[str, str, float] | None:
    if len(fields) != 3 or not (isinstance(fields[0], str) and isinstance(fields[1], str)):
        return None
    try:
        score = float(fields[2])
    except (TypeError, ValueError):
        return None
    return (fields[0].strip(), fields[1].strip(), score) if np.isfinite(score) else None


def _fields(line: str) -> list[str]:
    for separator in "\t;,":
        if separator in line:
            return line.strip().split(separator)
    return line.split()


def _items(source: Path | Iterable[Any], name: str) -> Iterator[tuple[Any, str]]:
    """The lines or tuples of a source, each with a name for messages."""
    if isinstance(source, str | bytes):
        raise TypeError(
            f"{name} must be a Path or an iterable of lines, got the single {shown(source)}; wrap "
            "the name of a file in pathlib.Path"
        )
    if isinstance(source, Path):
        with source.open(encoding="utf-8-sig", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                yield line, f"{printable(str(source))}, line {number}"
        return
    if not isinstance(source, Iterable):
        raise TypeError(f"{name} must be a Path or an iterable of lines, got {type_name(source)}")
    for number, item in enumerate(source):
        if not isinstance(item, str | tuple | list):
            raise TypeError(
                f"{name} must be lines or tuples, got {shown(item)} of type {type_name(item)} at "
                f"position {number}"
            )
        yield item, f"{name}, position {number}"
