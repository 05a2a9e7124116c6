"""Documents of a path, whatever is there: a file, a folder or an archive."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from textrep.data.errors import DataError
from textrep.data.readers.archives import Member, archive_suffix, is_tar, open_members
from textrep.data.readers.columns import LabelColumn, TextColumn, listed
from textrep.data.readers.files import check_regular, find
from textrep.data.readers.folders import Held, documents, no_part
from textrep.data.readers.further import FurtherColumns, check_same, no_columns
from textrep.data.readers.jsonl import open_jsonl
from textrep.data.readers.labelled import open_table, open_text
from textrep.data.readers.parquet import open_parquet
from textrep.data.readers.parts import find_tables, may_be_rows
from textrep.data.readers.reading import Document, Reading
from textrep.data.readers.source import Source, file_source

# A larger file of an archive is not held in memory before it is known to be a document.
_HELD_SIZE = 1 << 24

# Text, label or None, part or None, and a value for each further column.
Item: TypeAlias = tuple[str, str | None, str | None, tuple[Any, ...]]


@dataclass
class Decisions:
    """What is decided while file after file is opened.

    Parameters
    ----------
    notes : list of str
        One sentence each.
    columns : tuple of str or None, default=None
        Names of the further columns; None until the first file is opened.
    """

    notes: list[str] = field(default_factory=list)
    columns: tuple[str, ...] | None = None

    def take(self, reading: Reading, path: Path, named: bool) -> Iterator[Document]:
        """Note what was decided about a file.

        Parameters
        ----------
        reading : Reading
            Of the file.
        path : Path
            Of it, for messages.
        named : bool
            Whether the further columns are asked for by name.

        Returns
        -------
        iterator of Document
            With the further columns of the first file in its order; values of one that this file
            lacks are None.

        Raises
        ------
        DataError
            When its further columns are asked for by name and not those of the first file.
        """
        self.notes.extend(note for note in reading.notes if note not in self.notes)
        if self.columns is None:
            self.columns = reading.columns
        if named:
            check_same(self.columns, reading.columns, path)
        if reading.columns == self.columns:
            return reading.documents
        extra = [name for name in reading.columns if name not in self.columns]
        if extra:
            self.notes.append(f"columns {listed(extra)} are not in all files and were left out")
        names = self.columns
        return (
            (text, label, tuple([found.get(name) for name in names]))
            for text, label, values in reading.documents
            for found in [dict(zip(reading.columns, values, strict=True))]
        )


@dataclass
class Stream:
    """Documents that are being read, and what has been decided on the way.

    Parameters
    ----------
    items : iterator of tuple
        Text, label or None, part or None, and values of the further columns of each document;
        labels and parts are None for all or for none.
    decisions : Decisions
        Grow as file after file is opened.
    source : str, default=""
        What is read, for people.
    versions : mapping of str to str, default={}
        Versions of what it was made from.
    """

    items: Iterator[Item]
    # Apart from the items, which hold it: a stream that nobody reads any more closes its file.
    decisions: Decisions = field(default_factory=Decisions)
    source: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What a caller asks for: see `textrep.load_corpus`."""

    text: TextColumn = None
    label: LabelColumn = None
    split: str | None = None
    encoding: str | None = None
    columns: FurtherColumns = None
    # Whether documents come in the order of their paths, which a tar must be held in memory for.
    in_order: bool = True


def open_path(path: Path, asked: Asked) -> Stream:
    """Read a file, folder or archive.

    Parameters
    ----------
    path : Path
        It must be there.
    asked : Asked
        What is wanted of it.

    Returns
    -------
    Stream

    Raises
    ------
    DataError
        Now, or as the documents are read.
    """
    found = find(path)
    if found is None:
        raise DataError("no such file or folder", path=path)
    stream = Stream(iter(()), source=str(path))
    if stat.S_ISDIR(found.st_mode) or archive_suffix(path):
        stream.items = _container(path, asked, stream.decisions)
        return stream
    check_regular(path, found)
    if asked.split is not None:
        raise no_part(asked.split, path, ())
    stream.items = _rows([(file_source(path), None)], asked, stream.decisions)
    return stream


def open_folders(path: Path, asked: Asked, classes: Collection[str] | None = None) -> Stream:
    """Read a folder or archive that is known to be a folder of folders.

    Parameters
    ----------
    path : Path
        Folder, tar or zip archive.
    asked : Asked
        What is wanted of it.
    classes : collection of str or None, default=None
        Read only these.

    Returns
    -------
    Stream

    Raises
    ------
    DataError
        As the documents are read.
    """
    stream = Stream(iter(()), source=str(path))
    stream.items = _container(path, asked, stream.decisions, folders=True, classes=classes)
    return stream


@contextlib.contextmanager
def open_table_file(path: Path) -> Iterator[Source]:
    """Open a file of rows, or an archive that holds one.

    Parameters
    ----------
    path : Path
        What is no archive is the file itself.

    Yields
    ------
    Source
        Until the archive is closed.

    Raises
    ------
    DataError
        When nothing tells which file of an archive is meant.
    """
    if not archive_suffix(path):
        yield file_source(path)
        return
    with open_members(path) as members:
        held = list(members)
        tables, _ = find_tables([member.parts for member in held], path)
        if len(tables) != 1:
            raise DataError(f"{len(held)} files, none of which is the one table", path=path)
        yield held[tables[0].position].source


def _container(
    path: Path,
    asked: Asked,
    decisions: Decisions,
    folders: bool = False,
    classes: Collection[str] | None = None,
) -> Iterator[Item]:
    with open_members(path) as members:
        # In a tar there is no going back to sort its documents, so they are held in memory.
        at_once = asked.in_order and is_tar(path)
        held = [
            Held(member, member.read() if at_once and _is_document(member) else None)
            for member in members
        ]
        paths = [] if folders else [each.member.parts for each in held]
        tables, note = find_tables(paths, path)
        if tables:
            if note is not None:
                decisions.notes.append(note)
            sources = [(held[table.position].member.source, table.part) for table in tables]
            del held
            yield from _rows(sources, asked, decisions)
            return
        if asked.text is not None or asked.label is not None:
            raise DataError(
                "text and label are for tables, and this is a folder or an archive", path=path
            )
        no_columns(asked.columns, "a folder or an archive of documents", path)
        if asked.in_order:
            held.sort(key=lambda each: each.member.parts)
        for document in documents(held, path, asked.encoding or "utf-8", classes, asked.split):
            part = document.part if asked.split is None else None
            yield document.text, document.label, part, ()


def _is_document(member: Member) -> bool:
    return member.size <= _HELD_SIZE and not may_be_rows(member.parts[-1])


def _rows(
    sources: Sequence[tuple[Source, str | None]], asked: Asked, decisions: Decisions
) -> Iterator[Item]:
    chosen = [each for each in sources if asked.split in (None, each[1])]
    if not chosen and asked.split is not None:
        raise no_part(asked.split, sources[0][0].where.parent, [part for _, part in sources])
    labelled: bool | None = None
    for source, part in chosen:
        reading = open_rows(source, asked)
        if labelled not in (None, reading.labelled):
            have, lack = ("has", "have none") if reading.labelled else ("has no", "have some")
            raise DataError(
                f"it {have} labels and the files before it {lack}; read one part alone with split, "
                "or texts alone with label=False",
                path=source.where,
            )
        labelled = reading.labelled
        own = part if asked.split is None else None
        for text, label, values in decisions.take(reading, source.where, asked.columns is not True):
            yield text, label, own, values


def open_rows(source: Source, asked: Asked) -> Reading:
    """Read a file of texts in rows, in the format that its suffix tells.

    Parameters
    ----------
    source : Source
        What has another suffix than that of a table or JSON Lines is read by `open_text`.
    asked : Asked
        What is wanted of it.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        Now, or as the documents are read.
    """
    encoding = asked.encoding or "utf-8"
    columns: dict[str, Any] = {
        "text": asked.text,
        "label": asked.label,
        "columns": asked.columns,
    }
    if source.suffix == ".parquet":
        if asked.encoding is not None:
            raise DataError("encoding is for text files; leave it out", path=source.where)
        return open_parquet(source, **columns)
    opener = _OPENERS.get(source.suffix, open_text)
    return opener(source, encoding=encoding, **columns)


_OPENERS: dict[str, Callable[..., Reading]] = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), open_table),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), open_jsonl),
}
