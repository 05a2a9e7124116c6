"""`load_corpus` and `stream_corpus`: one door to every corpus, by name or by path."""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from textrep.core.messages import shown
from textrep.data.cards import Card, load_card, names
from textrep.data.corpus import Corpus
from textrep.data.counting import differences
from textrep.data.errors import DataError
from textrep.data.named import open_card
from textrep.data.readers.archives import archive_suffix
from textrep.data.readers.columns import LabelColumn, TextColumn
from textrep.data.readers.encodings import find_codec
from textrep.data.readers.files import find
from textrep.data.readers.further import FurtherColumns, check_asked
from textrep.data.readers.parts import stem_of
from textrep.data.readers.paths import Asked, Item, Stream, open_path
from textrep.data.store import find_here


def load_corpus(
    name_or_path: str | os.PathLike[str],
    *,
    text: TextColumn = None,
    label: LabelColumn = None,
    split: str | None = None,
    encoding: str | None = None,
    columns: FurtherColumns = None,
) -> Corpus:
    """Load texts and, where there are any, their labels.

    Parameters
    ----------
    name_or_path : str or path
        Name of a corpus that has a card, such as ``"docstrings"``; or a path:

        - a table: ``.csv``, ``.tsv``, JSON Lines (``.jsonl``, ``.ndjson``), ``.parquet``;
        - any other text file: text and label separated by a tab where every line looks so, else a
          text on each line, without labels;
        - a folder, tar or zip archive with a sub-folder for each class and a file for each
          document, where ``train`` and ``test`` folders may stand above the classes;
        - a folder or archive that holds one table, or one for each part, such as ``train.csv`` and
          ``test.csv``.

        Files may be compressed (``.gz``, ``.bz2``, ``.xz``). A name wins over a path; ``./name`` is
        a path.
    text : str, int, list of them or None, default=None
        Column of a table: header, or position counted from 0; the texts of several are joined by a
        line end. None looks for usual headers and else decides by the values; the corpus' notes say
        what was decided.
    label : str, int, False or None, default=None
        Likewise; False reads the texts alone.
    split : str or None, default=None
        Load only this part, ``"train"``, ``"validation"`` or ``"test"``; None loads all.
    encoding : str or None, default=None
        Of the file or the documents; None is UTF-8, or what the card says.
    columns : True, list of (str or int), or None, default=None
        Further columns of a table to keep beside the texts, by header or position, which the tables
        of all parts must have; None keeps none. True keeps all that the first table has besides
        those of texts and labels, and refuses nothing: what is no plain value is kept as its repr,
        and what a part lacks is None.

    Returns
    -------
    Corpus
        Its `columns` are called by their headers, or by their positions where a header is missing,
        empty, a number or one of several.

    Raises
    ------
    DataError
        When the corpus is not there, cannot be read or does not fit into the memory; the message
        names file, line (or row) and column as far as there are any.

    See Also
    --------
    stream_corpus : The same, piece by piece.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pets.csv")
    ...     _ = path.write_text("label,text\\ncat,meow\\ndog,woof\\n")
    ...     corpus = load_corpus(path)
    >>> corpus.texts, corpus.labels
    (['meow', 'woof'], ['cat', 'dog'])
    """
    source = _source(name_or_path)
    stream = _open(source, Asked(text, label, split, encoding, check_asked(columns)))
    try:
        corpus = _corpus(source, stream, stream.items)
    except MemoryError as error:
        raise DataError(
            "too large for the memory of this machine; textrep.data.stream_corpus reads it in "
            "pieces",
            path=stream.source,
        ) from error
    return _compared_with_card(corpus, source, split) if isinstance(source, Card) else corpus


def stream_corpus(
    name_or_path: str | os.PathLike[str],
    *,
    text: TextColumn = None,
    label: LabelColumn = None,
    split: str | None = None,
    encoding: str | None = None,
    columns: FurtherColumns = None,
    chunk_size: int = 10_000,
) -> Iterator[Corpus]:
    """Read a corpus in pieces, so that it may be larger than the memory.

    What is held at any time is one piece, a block of the file and, of a folder or an archive, the
    names of its files. Nothing is unpacked to the disk or in memory as a whole.

    Parameters
    ----------
    name_or_path, text, label, split, encoding, columns
        See `load_corpus`.
    chunk_size : int, default=10_000
        Documents in a piece; the last one may have fewer.

    Returns
    -------
    iterator of Corpus
        In the order of `load_corpus`, except that the documents of a tar with a folder for each
        class come as they lie in it. The notes of each piece say what was decided so far.

    Raises
    ------
    DataError
        As `load_corpus`: now, or when the faulty place is reached.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "numbers.csv")
    ...     _ = path.write_text("text,label\\n" + "".join(f"no. {i},{i % 2}\\n" for i in range(5)))
    ...     for piece in stream_corpus(path, chunk_size=2):
    ...         print(piece.texts)
    ['no. 0', 'no. 1']
    ['no. 2', 'no. 3']
    ['no. 4']
    """
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise DataError(f"chunk_size is {shown(chunk_size)}; expected an int of at least 1")
    source = _source(name_or_path)
    asked = Asked(text, label, split, encoding, check_asked(columns), in_order=False)
    stream = _open(source, asked)
    return _pieces(source, stream, chunk_size)


def find_source(name_or_path: str | os.PathLike[str]) -> Path | None:
    """File or folder that a corpus is read from.

    Parameters
    ----------
    name_or_path : str or path
        As for `load_corpus`.

    Returns
    -------
    Path or None
        A path whether or not there is anything. Of a named corpus the file, or the folder that
        holds all of its files; None when it is built or not here.

    Raises
    ------
    DataError
        When `name_or_path` is neither a name nor a path.

    Examples
    --------
    >>> find_source("docstrings") is None, find_source("pets.csv").name
    (True, 'pets.csv')
    """
    source = _source(name_or_path)
    if not isinstance(source, Card):
        return source
    paths = [path for file in source.files if (path := find_here(file)) is not None]
    if len(paths) < 2:
        return paths[0] if paths else None
    return Path(os.path.commonpath(paths))


def _source(name_or_path: str | os.PathLike[str]) -> Card | Path:
    try:
        path = os.fsdecode(name_or_path)
    except TypeError:
        raise DataError(
            f"name_or_path is {shown(name_or_path)}; expected the name of a corpus or a path"
        ) from None
    if not path:
        # As a path it would be the current folder, which nobody means by it.
        raise DataError("the name of the corpus is empty; for the current folder give '.'")
    if isinstance(name_or_path, str) and name_or_path in names():
        return load_card(name_or_path)
    return Path(path)


def _open(source: Card | Path, asked: Asked) -> Stream:
    if asked.encoding is not None:
        find_codec(asked.encoding)
    if asked.split is not None and not isinstance(asked.split, str):
        raise DataError(f"split is {shown(asked.split)}; expected a str, such as 'train', or None")
    if isinstance(source, Card):
        return open_card(source, asked)
    if find(source) is None:
        raise DataError(_not_found(source), path=source)
    return open_path(source, asked)


def _not_found(path: Path) -> str:
    close = difflib.get_close_matches(str(path), names(), n=1)
    hint = f"did you mean {close[0]!r}?" if close else "'textrep data list' shows all names"
    return f"no such file or folder, and no corpus of that name; {hint}"


def _name(source: Card | Path) -> str:
    if isinstance(source, Card):
        return source.name
    if suffix := archive_suffix(source):
        return stem_of(source.name[: -len(suffix)])
    return source.resolve().name if source.is_dir() else stem_of(source.name)


def _pieces(source: Card | Path, stream: Stream, size: int) -> Iterator[Corpus]:
    while len(piece := _corpus(source, stream, itertools.islice(stream.items, size))):
        yield piece
        # Not held while the next one is read.
        del piece


def _corpus(source: Card | Path, stream: Stream, items: Iterator[Item]) -> Corpus:
    texts: list[str] = []
    labels: list[str | None] = []
    split: list[str | None] = []
    columns: list[list[Any]] = []
    for text, label, part, values in items:
        texts.append(text)
        labels.append(label)
        split.append(part)
        if values:
            # Once there is a document, it is known which columns there are.
            columns = columns or [[] for _ in values]
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    return Corpus(
        _name(source),
        texts,
        _known(labels),
        split=_known(split),
        source=stream.source,
        versions=stream.versions,
        notes=tuple(stream.decisions.notes),
        columns=dict(zip(stream.decisions.columns or (), columns, strict=False)),
    )


def _known(values: list[str | None]) -> list[str] | None:
    """The values, of which all or none are None."""
    return None if not values or values[0] is None else cast(list[str], values)


def _compared_with_card(corpus: Corpus, card: Card, split: str | None) -> Corpus:
    expected = card.expected.get("counts")
    if expected is None:
        return corpus
    if split is not None:
        expected = {"all": expected.get(split, {})}
    if not differences(expected, corpus.counts()):
        return corpus
    unit = "class" if corpus.labels is not None else "part"
    note = f"its documents per {unit} are not those of the published {card.title}"
    return replace(corpus, notes=(*corpus.notes, note))
