"""Data cards: what is known about each named corpus, one TOML file each."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from textrep.core.messages import shown
from textrep.core.paths import corpora_dir
from textrep.data.errors import DataError

READERS = ("docstrings", "folders", "table", "lines", "jsonl", "parquet", "files")
ROLES = ("texts", "labels", "other")

_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class CardFile:
    """One file of a corpus.

    Attributes
    ----------
    path : str
        Where it lies below the data folder, with slashes.
    url : str
        Address that its publisher gives; empty where none is known.
    member : str
        Path inside the archive at `url` when that is an archive and `path` one file of it; empty
        when `url` leads to the file itself.
    checksum : str
        ``"sha256:..."`` or ``"md5:..."`` of what is at `url`, as its publisher gives it; empty
        where the publisher gives none.
    split : str
        Part of the corpus that it holds, such as ``"train"``; empty when the file itself tells or
        there are no parts.
    role : {"texts", "labels", "other"}
        ``"labels"`` has a line for each line of the ``"texts"`` of the same split; ``"other"`` is
        fetched and verified with the rest but holds no documents.
    """

    path: str
    url: str = ""
    member: str = ""
    checksum: str = ""
    split: str = ""
    role: str = "texts"

    @property
    def archive(self) -> str:
        """What its publisher calls the archive that the file comes in; empty when it comes alone.

        Examples
        --------
        >>> CardFile("pets/cat", url="https://example.org/all%20pets.zip", member="cat").archive
        'all pets.zip'
        """
        name = unquote(urlsplit(self.url).path).rpartition("/")[2] if self.member else ""
        return name if is_inside(name) else ""


@dataclass(frozen=True)
class Card:
    """What is known about a named corpus.

    Attributes
    ----------
    name, title, task, licence, citation, homepage : str
        For people; `citation` is empty where there is nothing to cite.
    files : tuple of CardFile
        Empty for a corpus that is built on the spot.
    reader : {"docstrings", "folders", "table", "lines", "jsonl", "parquet", "files"}
        What reads the files; ``"files"`` is for what is no text, such as pictures.
    options : mapping of str to object
        Arguments of the reader.
    expected : mapping of str to object
        ``counts``: documents per part, and per part and class where they have classes; or
        ``minimum_documents`` and ``minimum_classes`` of a corpus that grows or whose size depends
        on the installation.
    """

    name: str
    title: str
    task: str
    licence: str
    citation: str
    homepage: str
    files: tuple[CardFile, ...]
    reader: str
    options: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    expected: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


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
        close = difflib.get_close_matches(str(name).lower(), names(), n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise DataError(
            f"there is no corpus {shown(name)}; {hint}the named ones are {', '.join(names())}"
        )
    return _read_card(corpora_dir() / f"{name}.toml")


def _read_card(path: Path) -> Card:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"not valid TOML: {error}", path=path) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
    try:
        entries = table.pop("files", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise DataError("not a data card: files is no list of tables", path=path)
        files = tuple(CardFile(**entry) for entry in entries)
        card = Card(files=files, **table)
    except TypeError as error:
        # The message of a dataclass names the field that is missing or unknown.
        missing = str(error).partition("()")[2].strip()
        raise DataError(f"not a data card: {missing}", path=path) from error
    if fault := _card_fault(card, path.stem):
        raise DataError(fault, path=path)
    return card


def _card_fault(card: Card, stem: str) -> str | None:
    """What a card must not say, or None."""
    for name in ("name", "title", "task", "licence", "citation", "homepage", "reader"):
        if not isinstance(getattr(card, name), str):
            return f"{name} is {shown(getattr(card, name))}; expected a string"
    for name in ("options", "expected"):
        if not isinstance(getattr(card, name), Mapping):
            return f"{name} is {shown(getattr(card, name))}; expected a table"
    if card.name != stem:
        return f"name is {shown(card.name)}; it must be that of the file"
    if card.reader not in READERS:
        return f"reader is {shown(card.reader)}; expected one of {READERS}"
    for number, file in enumerate(card.files, start=1):
        if fault := _file_fault(file):
            return f"file {number}: {fault}"
    paths = [file.path for file in card.files]
    if twice := {path for path in paths if paths.count(path) > 1}:
        return f"path {shown(min(twice))} is there twice"
    return None


def _file_fault(file: CardFile) -> str | None:
    for each in fields(file):
        if not isinstance(getattr(file, each.name), str):
            return f"{each.name} is {shown(getattr(file, each.name))}; expected a string"
    if not is_inside(file.path):
        return f"path is {shown(file.path)}; expected a path inside the data folder"
    if file.url and not is_address(file.url):
        return f"url is {shown(file.url)}; expected an address that starts with http or https"
    if file.member and not (file.url and is_inside(file.member)):
        return f"member is {shown(file.member)}; expected a path inside the archive at url"
    if file.checksum and not _CHECKSUM.fullmatch(file.checksum):
        return (
            f"checksum is {shown(file.checksum)}; expected 'sha256:' or 'md5:' and lower-case "
            "hexadecimal digits, or nothing"
        )
    if file.role not in ROLES:
        return f"role is {shown(file.role)}; expected one of {ROLES}"
    return None


def is_inside(path: str) -> bool:
    """Whether a path with slashes names one file below wherever it is put.

    Parameters
    ----------
    path : str
        Of a file in the data folder, or of a member of an archive.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_inside("glue/RTE/dev.tsv"), is_inside("../dev.tsv"), is_inside("C:dev.tsv")
    (True, False, False)
    """
    parts = path.split("/")
    return (
        path.isprintable()
        and not any(part in {"", ".", ".."} for part in parts)
        # What Windows takes for a drive, a stream or another slash.
        and not set(path) & set("\\:")
        and not PurePosixPath(path).is_absolute()
    )


def is_address(url: str) -> bool:
    """Whether something can be fetched from an address: http and https only.

    Parameters
    ----------
    url : str
        Anything.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_address("https://example.org/a.zip"), is_address("file:///etc/passwd")
    (True, False)
    """
    try:
        parts = urlsplit(url)
        # The port is looked at only when it is asked for.
        _ = parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname)
