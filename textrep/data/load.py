"""`load_corpus`: one door to every corpus, by name or by path."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textrep.core.messages import shown
from textrep.core.paths import data_dir
from textrep.data.cards import Card, CardFile, load_card, names
from textrep.data.corpus import Corpus
from textrep.data.errors import DataError
from textrep.data.readers.columns import SAMPLE_ROWS, choose_columns
from textrep.data.readers.encodings import find_codec
from textrep.data.readers.files import check_regular, find
from textrep.data.readers.folders import ARCHIVE_SUFFIXES, read_documents
from textrep.data.readers.table import TAB, read_rows

_DELIMITERS = {"tab": TAB, "comma": ",", "semicolon": ";"}


def load_corpus(
    name_or_path: str | os.PathLike[str],
    *,
    text: str | int | None = None,
    label: str | int | None = None,
    split: str | None = None,
    encoding: str | None = None,
) -> Corpus:
    """Load labelled texts.

    Parameters
    ----------
    name_or_path : str or path
        Name of a corpus that has a card, such as ``"docstrings"``; or a path: a ``.csv`` or
        ``.tsv`` file (any other file is read as text and label separated by a tab), or a folder,
        tar or zip archive with a sub-folder for each class and a file for each document, where
        ``train`` and ``test`` folders may stand above the classes. A name wins over a path;
        ``./name`` is a path.
    text, label : str, int or None, default=None
        Columns of a table: header, or position counted from 0. None looks for usual headers and
        else decides by the values; the corpus' notes say what was decided.
    split : str or None, default=None
        Load only this part, ``"train"`` or ``"test"``; None loads all.
    encoding : str or None, default=None
        Of the file or the documents; None is UTF-8, or what the card says.

    Returns
    -------
    Corpus

    Raises
    ------
    DataError
        When the corpus is not there or cannot be read; the message names file, line and column as
        far as there are any.

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
    if encoding is not None:
        find_codec(encoding)
    source = _source(name_or_path)
    if isinstance(source, Card):
        corpus = _load_named(source, text, label, encoding)
    else:
        corpus = _load_path(source, text, label, encoding)
    return corpus if split is None else corpus.part(split)


def find_source(name_or_path: str | os.PathLike[str]) -> Path | None:
    """File or folder that a corpus is read from.

    Parameters
    ----------
    name_or_path : str or path
        As for `load_corpus`.

    Returns
    -------
    Path or None
        Whether or not there is anything; None for a corpus that is built or not here.

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
    root = _root()
    return None if root is None or not source.files else root / source.files[0].path


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


def _load_named(
    card: Card, text: str | int | None, label: str | int | None, encoding: str | None
) -> Corpus:
    if text is not None or label is not None:
        raise DataError(
            f"text and label are for tables; where those of corpus {card.name!r} are, its card says"
        )
    if card.reader == "docstrings":
        if encoding is not None:
            raise DataError(
                f"encoding is for files, and corpus {card.name!r} is built from Python sources, "
                "which state their own; leave it out"
            )
        # Imported here: building a corpus is a job of its own that readers of files never need.
        from textrep.data.docstrings.cache import load_docstrings

        return load_docstrings(card)
    options = dict(card.options)
    if encoding is not None:
        options["encoding"] = encoding
    path = _find(card, card.files[0])
    read = _read_table if card.reader == "table" else _read_folders
    return _compared_with_card(read(card.name, path, options), card)


def _load_path(
    path: Path, text: str | int | None, label: str | int | None, encoding: str | None
) -> Corpus:
    found = find(path)
    if found is None:
        raise DataError(_not_found(path), path=path)
    folder = stat.S_ISDIR(found.st_mode)
    if not folder:
        check_regular(path, found)
    archive = next((end for end in ARCHIVE_SUFFIXES if path.name.lower().endswith(end)), "")
    options: dict[str, Any] = {"encoding": "utf-8" if encoding is None else encoding}
    if folder or archive:
        if text is not None or label is not None:
            raise DataError(
                "text and label are for tables, and this is a folder or an archive", path=path
            )
        name = path.name.removesuffix(archive) if archive else path.resolve().name
        return _read_folders(name, path, options)
    return _read_table(path.stem, path, options | {"text": text, "label": label})


def _not_found(path: Path) -> str:
    close = difflib.get_close_matches(str(path), names(), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f" (named ones: {', '.join(names())})"
    return f"no such file or folder, and no corpus of that name{hint}"


def _root() -> Path | None:
    try:
        return data_dir()
    except OSError as error:
        raise DataError(str(error)) from None


def _find(card: Card, file: CardFile) -> Path:
    root = _root()
    path = None if root is None else root / file.path
    found = None if path is None else find(path)
    if path is None or found is None or not stat.S_ISREG(found.st_mode):
        here = "it is not set" if root is None else f"{root} does not hold it"
        raise DataError(
            f"corpus {card.name!r} is not here: get it from {card.homepage} and set TEXTREP_DATA "
            f"to the folder that holds {file.path} ({here})"
        )
    if file.checksum:
        try:
            with path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
        if digest != file.checksum:
            raise DataError(
                f"SHA-256 is {digest}, not {file.checksum}; get the file again", path=path
            )
    return path


def _compared_with_card(corpus: Corpus, card: Card) -> Corpus:
    expected = card.expected.get("counts")
    if expected is None or corpus.counts() == expected:
        return corpus
    note = f"its documents per class are not those of the published {card.title}"
    return Corpus(
        corpus.name,
        corpus.texts,
        corpus.labels,
        split=corpus.split,
        source=corpus.source,
        notes=(*corpus.notes, note),
    )


def _read_table(name: str, path: Path, options: Mapping[str, Any]) -> Corpus:
    delimiter = _DELIMITERS.get(options.get("delimiter", ""))
    rows = read_rows(path, delimiter, options["encoding"])
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    columns = choose_columns(
        sample,
        path,
        text=options.get("text"),
        label=options.get("label"),
        header=options.get("header"),
    )
    texts: list[str] = []
    labels: list[str] = []
    for row in itertools.chain(sample[1:] if columns.header else sample, rows):
        label = row.cells[columns.label].strip()
        if not label:
            raise DataError(
                "the label is missing; fill it in or take the row out",
                path=path,
                line=row.line,
                column=columns.name(columns.label),
            )
        texts.append(row.cells[columns.text])
        labels.append(label)
    if not texts:
        raise DataError("the file holds a header but no rows", path=path, line=sample[0].line)
    note = (
        f"text is column {columns.name(columns.text)!r}, label is column "
        f"{columns.name(columns.label)!r}, {'with' if columns.header else 'without'} a header"
    )
    return Corpus(name, texts, labels, source=str(path), notes=(note,))


def _read_folders(name: str, path: Path, options: Mapping[str, Any]) -> Corpus:
    documents = read_documents(path, options["encoding"], options.get("classes"))
    split = [document.part for document in documents if document.part is not None]
    return Corpus(
        name,
        [document.text for document in documents],
        [document.label for document in documents],
        split=split or None,
        source=str(path),
    )
