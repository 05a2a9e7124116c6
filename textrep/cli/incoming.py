"""Texts that a command is given: from a file, a corpus or standard input, a piece at a time."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from textrep.data import Corpus
    from textrep.data.readers.reading import Document, Reading
    from textrep.data.readers.source import Source

STDIN = "-"

# Suffix of a file in each format, by which readers tell them apart.
FORMATS = {"lines": ".txt", "jsonl": ".jsonl", "csv": ".csv", "tsv": ".tsv"}

# Large enough that a piece costs little more than its texts, small enough for a reader who waits.
PIECE = 1000

_SUFFIXES = {
    **{suffix: name for name, suffix in FORMATS.items() if name != "lines"},
    **dict.fromkeys((".ndjson", ".json"), "jsonl"),
    ".tab": "tsv",
}
_STDIN_NAME = "standard input"


@dataclass(frozen=True)
class Wanted:
    """What is to be read of the data.

    Attributes
    ----------
    text : str or None
        Column of the texts.
    label : str, False or None
        Column of the labels; False where none are wanted, None to look for them.
    columns : sequence of str
        Further columns.
    encoding : str or None
        None is UTF-8.
    """

    text: str | None = None
    label: Any = False
    columns: Sequence[str] = ()
    encoding: str | None = None


def read_pieces(data: str, form: str | None, wanted: Wanted) -> Iterator[Corpus]:
    """Read texts piece by piece, every one of them, in their order.

    Parameters
    ----------
    data : str
        File, folder, archive or name of a corpus; ``"-"`` is standard input.
    form : str or None
        One of `FORMATS`; None goes by the suffix, and takes standard input and files with another
        one for a text on each line, blank ones among them.
    wanted : Wanted
        Which columns.

    Returns
    -------
    iterator of Corpus
        Of 1,000 texts each; from standard input of fewer where no more are there yet. Of an empty
        standard input there is none.

    Raises
    ------
    DataError
        Now, or when the faulty place is reached.
    """
    if data == STDIN:
        return _from_stdin(form or "lines", wanted)
    path = _plain_file(data)
    if path is not None and (form := form or _form_of(path)):
        return _from_file(path, form, wanted)
    if form is not None and Path(data).exists():
        from textrep.data import DataError

        raise DataError("--input-format is for a plain file or standard input", path=Path(data))
    return _corpus(data, path, wanted)


def lines_file(data: str) -> Path | None:
    """A file that has a text on each line, so that it can be read without being taken apart.

    Parameters
    ----------
    data : str
        As for `read_pieces`.

    Returns
    -------
    Path or None
        None for anything else: a table, a folder, an archive, a corpus, standard input.
    """
    path = None if data == STDIN else _plain_file(data)
    return path if path is not None and _form_of(path) == "lines" else None


def _from_stdin(form: str, wanted: Wanted) -> Iterator[Corpus]:
    source = _standard_input(form)
    if source is None:
        return iter(())
    from textrep.cli.arriving import batches_as_they_come

    reading = _open(source, form, wanted)
    batches = batches_as_they_come(reading.documents, PIECE)
    return (_piece(source.where.name, reading, batch) for batch in batches)


def _from_file(path: Path, form: str, wanted: Wanted) -> Iterator[Corpus]:
    from textrep.data.readers.source import file_source

    reading = _open(_as(path, file_source(path).open_raw, form), form, wanted)
    return (_piece(path.name, reading, batch) for batch in _batched(reading.documents, PIECE))


def _plain_file(data: str) -> Path | None:
    """The path of a file that is no archive; None for anything else."""
    from textrep.data.cards import names
    from textrep.data.readers.archives import archive_suffix

    path = Path(data)
    return path if data not in names() and path.is_file() and not archive_suffix(path) else None


def _form_of(path: Path) -> str | None:
    """Format by the suffix; None where that is one of which `stream_corpus` knows more."""
    from textrep.data.readers.source import suffix_of

    suffix = suffix_of(path.name)
    return None if suffix == ".parquet" else _SUFFIXES.get(suffix, "lines")


def _corpus(data: str, path: Path | None, wanted: Wanted) -> Iterator[Corpus]:
    from textrep.data import stream_corpus

    # A folder of documents has no columns of which one could be left out.
    label = None if path is None and wanted.label is False else wanted.label
    return stream_corpus(
        data,
        text=wanted.text,
        label=label,
        encoding=wanted.encoding,
        columns=list(wanted.columns) or None,
        chunk_size=PIECE,
    )


def _as(path: Path, open_raw: Callable[[], BinaryIO], form: str) -> Source:
    """A file that is read as one of a format, whatever its suffix says."""
    from textrep.data.readers.source import Source

    class FormattedSource(Source):
        @property
        def suffix(self) -> str:
            return FORMATS[form]

    return FormattedSource(path, open_raw)


def _open(source: Source, form: str, wanted: Wanted) -> Reading:
    from textrep.data.readers.encodings import find_codec
    from textrep.data.readers.jsonl import open_jsonl
    from textrep.data.readers.labelled import open_lines, open_table

    encoding = wanted.encoding or "utf-8"
    find_codec(encoding)
    chosen: dict[str, Any] = {
        "text": wanted.text,
        "label": wanted.label,
        "columns": list(wanted.columns) or None,
    }
    if form == "jsonl":
        return open_jsonl(source, encoding=encoding, **chosen)
    if form != "lines":
        return open_table(source, encoding=encoding, **chosen)
    named = [name for name in (wanted.text, wanted.label, *wanted.columns) if name]
    if named:
        from textrep.data import DataError

        raise DataError(
            f"a text on each line has no column {named[0]!r}; let the name of a table end in .csv, "
            ".tsv or .jsonl, or give --input-format to `textrep predict`",
            path=source.where,
        )
    # Every line gets its answer, also one with nothing on it.
    return open_lines(source, encoding=encoding, blank="keep")


def _piece(name: str, reading: Reading, documents: Sequence[Document]) -> Corpus:
    from textrep.data import Corpus

    texts, labels, values = zip(*documents, strict=True)
    return Corpus(
        name,
        texts,
        labels if reading.labelled else None,
        columns=dict(zip(reading.columns, zip(*values, strict=True), strict=True)),
    )


def _batched(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    while batch := list(itertools.islice(documents, size)):
        yield batch
        # Not held while the next one is read.
        del batch


def _standard_input(form: str) -> Source | None:
    """Standard input as a file of that format; None when there is nothing in it."""
    from textrep.cli.arriving import ArrivingBytes
    from textrep.data.readers.source import reading

    name = Path(_STDIN_NAME)
    with reading(name, "stream"):
        arriving: Any = ArrivingBytes(sys.stdin.buffer)
    return None if arriving.is_empty() else _as(name, lambda: arriving, form)
