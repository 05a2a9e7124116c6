"""Which files of a folder or an archive are tables, and which part of the corpus each one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.source import suffix_of, uncompressed

# Files that hold texts in rows whatever folder they lie in.
ROW_SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet")
# Files that may be a document of their own.
_LINE_SUFFIXES = (".txt", ".text", ".json", "")

_PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
# What is said about the data and is none.
_ABOUT = re.compile(
    r"_*(about|read[-_]?me|licen[cs]e|copying|copyright|citation|changelog|classes|labels|"
    r"dataset_infos?|metadata|manifest|checksums?|sha256sums?|md5sums?)\b.*|.*\.(md|rst|pdf|html?)",
    re.IGNORECASE,
)
# As large files are cut: train-00000-of-00002.parquet.
_SHARD = re.compile(r"[-_.]\d+([-_]of[-_]\d+)?$")

# Files that a message names.
_MAX_LISTED = 5


class Table(NamedTuple):
    """Position of a file among those of the folder or archive, and its part or None."""

    position: int
    part: str | None


def part_of(name: str) -> str | None:
    """Part of a split that the name of a folder or the stem of a file stands for.

    Parameters
    ----------
    name : str
        Such as ``"train"``, ``"20news-bydate-train"`` and ``"dev"``.

    Returns
    -------
    str or None
        ``"train"``, ``"test"`` or ``"validation"``; None for the name of a class.

    Examples
    --------
    >>> part_of("dev"), part_of("20news-bydate-train"), part_of("rec.autos")
    ('validation', 'train', None)
    """
    name = name.lower()
    return _PARTS.get(name) or _PARTS.get(name.replace("_", "-").rpartition("-")[2])


def stem_of(name: str) -> str:
    """File name without the suffixes of its format, of a compression and of a shard.

    Parameters
    ----------
    name : str
        Such as ``"train-00000-of-00002.parquet"``.

    Returns
    -------
    str

    Examples
    --------
    >>> stem_of("train-00000-of-00002.parquet"), stem_of("pets.csv.gz")
    ('train', 'pets')
    """
    return _SHARD.sub("", Path(uncompressed(name)).stem)


def may_be_rows(name: str) -> bool:
    """Whether a file is kept out of memory until all the other names are known.

    Parameters
    ----------
    name : str
        Of the file.

    Returns
    -------
    bool

    Examples
    --------
    >>> may_be_rows("a.csv.gz"), may_be_rows("train.txt"), may_be_rows("12.txt")
    (True, True, False)
    """
    return _is_rows((name,)) or (_may_be_table((name,)) and _part((name,)) is not None)


def find_tables(paths: Sequence[tuple[str, ...]], where: Path) -> tuple[list[Table], str | None]:
    """Tell whether files hold rows of texts, or are documents of a folder of folders.

    Parameters
    ----------
    paths : sequence of tuple of str
        Paths of all files, split at the slashes.
    where : Path
        Of the folder or archive, for messages.

    Returns
    -------
    tables : list of Table
        In the order in which they are to be read; empty for a folder of folders.
    note : str or None
        What was passed over, in words.

    Raises
    ------
    DataError
        When nothing tells which of several files is meant.

    Examples
    --------
    >>> find_tables([("README",), ("test.csv",), ("train.csv",)], Path("pets.zip"))[0]
    [Table(position=1, part='test'), Table(position=2, part='train')]
    >>> find_tables([("cat", "1.txt"), ("dog", "2.txt")], Path("pets.zip"))[0]
    []
    """
    data = _data(paths)
    rows = [at for at in data if _is_rows(paths[at])]
    folders = {paths[at][:-1] for at in data}
    if len(folders) > 1:
        # One folder a part is one of rows only where all of them are.
        parted = all(folder and part_of(folder[-1]) for folder in folders)
        if len(rows) < len(data) or not parted:
            return [], None
    tables = [Table(at, _part(paths[at])) for at in data if _may_be_table(paths[at])]
    tables.sort(key=lambda table: (table.part or "", paths[table.position]))
    named = [table for table in tables if table.part is not None]
    if named and (rows or len(named) == len(data)):
        _check_formats([paths[table.position] for table in named], where)
        return named, _passed_over(named, data, paths)
    if not rows:
        return (tables, None) if len(tables) == len(data) == 1 else ([], None)
    found = [table for table in tables if table.position in rows]
    if len({(stem_of(paths[at][-1]), suffix_of(paths[at][-1])) for at in rows}) > 1:
        raise _several([paths[at][-1] for at in rows], where)
    return found, _passed_over(found, data, paths)


def _passed_over(
    found: Sequence[Table], data: Sequence[int], paths: Sequence[tuple[str, ...]]
) -> str | None:
    """What is not read, and what is put together, in words."""
    positions = {table.position for table in found}
    if others := sorted(paths[at][-1] for at in data if at not in positions):
        more = f" and {len(others) - _MAX_LISTED} more" if len(others) > _MAX_LISTED else ""
        return f"passed over: {', '.join(map(shown, others[:_MAX_LISTED]))}{more}"
    parts = {table.part for table in found}
    return f"{len(found)} files, read one after the other" if len(found) > len(parts) else None


def _data(paths: Sequence[tuple[str, ...]]) -> list[int]:
    """Positions of the files that are no README or the like, unless there is nothing else."""
    data = [at for at, parts in enumerate(paths) if not _ABOUT.fullmatch(parts[-1])]
    return data or [at for at, parts in enumerate(paths) if _is_rows(parts)]


def _part(parts: tuple[str, ...]) -> str | None:
    own = part_of(stem_of(parts[-1]).replace(".", "-"))
    if own is None and len(parts) > 1 and _is_rows(parts):
        return part_of(parts[-2])
    return own


def _several(names: Sequence[str], where: Path) -> DataError:
    listed = ", ".join(map(shown, names[:_MAX_LISTED]))
    more = " and others" if len(names) > _MAX_LISTED else ""
    return DataError(
        f"{len(names)} tables, {listed}{more}; expected one, or "
        "one for each part, such as train.csv and test.csv; give the path of the one that is meant",
        path=where,
    )


def _is_rows(parts: tuple[str, ...]) -> bool:
    return suffix_of(parts[-1]) in ROW_SUFFIXES


def _may_be_table(parts: tuple[str, ...]) -> bool:
    return suffix_of(parts[-1]) in (*ROW_SUFFIXES, *_LINE_SUFFIXES)


def _check_formats(paths: Sequence[tuple[str, ...]], where: Path) -> None:
    """Refuse the same part in two formats: it would be read twice."""
    formats = sorted({"".join(Path(parts[-1]).suffixes[-2:]).lower() for parts in paths})
    stems = [(parts[:-1], Path(uncompressed(parts[-1])).stem) for parts in paths]
    if len(set(stems)) < len(stems):
        raise DataError(
            f"the same part in several formats, {', '.join(formats)}; give the path of one file",
            path=where,
        )
