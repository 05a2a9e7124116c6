"""Data cards: what is known about each named corpus, one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrep.core.paths import corpora_dir
from textrep.data.errors import DataError

READERS = ("docstrings", "folders", "table")


@dataclass(frozen=True)
class CardFile:
    """One file of a corpus.

    Attributes
    ----------
    path : str
        Where it is looked for, below the data folder.
    checksum : str
        SHA-256 as its publisher gives it; empty where the publisher gives none.
    """

    path: str
    checksum: str = ""


@dataclass(frozen=True)
class Card:
    """What is known about a named corpus.

    Attributes
    ----------
    name, title, task, licence, citation, homepage : str
        For people; `citation` is empty where there is nothing to cite.
    files : tuple of CardFile
        Empty for a corpus that is built on the spot.
    reader : {"docstrings", "folders", "table"}
        What reads the files.
    options : mapping of str to object
        Arguments of the reader.
    expected : mapping of str to object
        ``counts``: documents per part and class; or ``minimum_documents`` and
        ``minimum_classes`` of a corpus whose size depends on the installation.
    """

    name: str
    title: str
    task: str
    licence: str
    citation: str
    homepage: str
    files: tuple[CardFile, ...]
    reader: str
    options: Mapping[str, Any]
    expected: Mapping[str, Any]


def names() -> list[str]:
    """Names of the corpora that have a card.

    Returns
    -------
    list of str
        Sorted.

    Examples
    --------
    >>> "docstrings" in names()
    True
    """
    return sorted(path.stem for path in corpora_dir().glob("*.toml"))


def load_card(name: str) -> Card:
    """Read the card of a corpus.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    Card

    Raises
    ------
    DataError
        When there is no such card, or it does not say what a card must.

    Examples
    --------
    >>> load_card("sms_spam").title
    'SMS Spam Collection v.1'
    """
    if name not in names():
        raise DataError(f"there is no corpus {name!r}; the named ones are {', '.join(names())}")
    return _read_card(corpora_dir() / f"{name}.toml")


def _read_card(path: Path) -> Card:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not valid TOML: {error}", path=path) from error
    table.setdefault("options", {})
    table.setdefault("expected", {})
    try:
        files = tuple(CardFile(**entry) for entry in table.pop("files", ()))
        card = Card(files=files, **table)
    except TypeError as error:
        # The message of a dataclass names the field that is missing or unknown.
        fault = str(error).partition("()")[2].strip()
        raise DataError(f"not a data card: {fault}", path=path) from error
    if card.name != path.stem:
        raise DataError(f"name is {card.name!r}; it must be that of the file", path=path)
    if card.reader not in READERS:
        raise DataError(f"reader is {card.reader!r}; expected one of {READERS}", path=path)
    return card
