"""Files of tagged sentences: a word on each line with its tag, a blank line between sentences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from textrep.contextual.tagging.sentences import check_same_words, read_sentences, read_tags
from textrep.core.files import atomic_write
from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.lines import read_lines, without_end
from textrep.embeddings.parameters import check_count
from textrep.preprocess.surrogates import without_surrogates

_SPACES = re.compile("[ \t]+")  # not all that Python calls space: words may hold U+00A0
_DOCUMENT = "-DOCSTART-"
"""What stands before each document in the files of CoNLL-2003."""


class TaggedSentences(NamedTuple):
    """Sentences and their tags.

    Attributes
    ----------
    words : list of lists of str
    tags : list of lists of str
        As many for each sentence as it has words.
    """

    words: list[list[str]]
    tags: list[list[str]]


def read_conll(
    path: str | os.PathLike[str],
    *,
    column: int = -1,
    word_column: int = 0,
    separator: str | None = None,
    comment: str | None = None,
    encoding: str = "utf-8",
) -> TaggedSentences:
    """Read a file of tagged sentences in the manner of CoNLL.

    Each line holds a word and its tags in columns, and a blank line ends a sentence. So does one
    that begins with ``-DOCSTART-``, which is left out.

    Parameters
    ----------
    path : str or path-like
        Plain or compressed (.gz, .bz2, .xz).
    column : int, default=-1
        Where the tag stands, counted from 0, or from the end if it is negative.
    word_column : int, default=0
        Where the word stands.
    separator : str or None, default=None
        What stands between columns, such as ``"\\t"``; None for any number of spaces and tabs.
    comment : str or None, default=None
        What lines begin with that are left out, such as ``"# "`` in CoNLL-U, whose columns are
        ``column=3, word_column=1, separator="\\t"``, where a word such as "du" that is listed
        again in parts is kept with both. None keeps all: ``#`` is a word, too.
    encoding : str, default="utf-8"

    Returns
    -------
    TaggedSentences
        The sentences with words.

    Raises
    ------
    DataError
        If the file cannot be read, is not in that encoding, has no sentence, or has a line with
        fewer or other columns than the first one; the message names the line.
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "train.txt")
    >>> _ = path.write_text("Ada NNP B-PER\\nwrote VBD O\\n\\nShe PRP O\\n")
    >>> words, tags = read_conll(path)
    >>> words, tags
    ([['Ada', 'wrote'], ['She']], [['B-PER', 'O'], ['O']])
    """
    _check_columns(column, word_column, separator, comment)
    path = Path(path)
    words: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    width = 0
    for number, line in _filled(path, comment, encoding):
        cells = _SPACES.split(line.strip(" \t")) if separator is None else line.split(separator)
        if not line or cells[0] == _DOCUMENT:
            if words[-1]:
                words.append([])
                tags.append([])
            continue
        width = width or _width(cells, column, word_column, path, number)
        if len(cells) != width:
            raise DataError(
                f"{_columns(len(cells))}, but the first line of words has {width}; a word and its "
                "tags stand on one line",
                path=path,
                line=number,
            )
        word, tag = cells[word_column], cells[column]
        if not word or not tag:
            missing = "word" if not word else "tag"
            raise DataError(f"the {missing} is empty", path=path, line=number)
        words[-1].append(word)
        tags[-1].append(tag)
    if not words[-1]:
        words.pop()
        tags.pop()
    if not words:
        raise DataError("the file holds no sentence", path=path)
    return TaggedSentences(words, tags)


def write_conll(
    path: str | os.PathLike[str], words: Any, tags: Any, *, separator: str = " "
) -> Path:
    """Write tagged sentences as `read_conll` reads them.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace.
    words, tags : iterable of lists of str, of length n_sentences
        Sentences without words are left out, since a file cannot hold them.
    separator : str, default=" "

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is not one tag for each word, or what is written would not be read again as it is:
        a word or tag is empty or holds the separator, a line end, NUL or half of a surrogate pair,
        or a word is ``-DOCSTART-``.
    """
    path = Path(path)
    sentences, marks = read_sentences(words, "words"), read_tags(tags, "tags")
    check_same_words(sentences, marks, ("words", "tags"))
    _check_columns(-1, 0, separator, None)
    lines: list[str] = []
    for row, its_tags in zip(sentences, marks, strict=True):
        for word, tag in zip(row, its_tags, strict=True):
            _check_line(word, tag, separator)
            lines.append(f"{word}{separator}{tag}\n")
        if row:
            lines.append("\n")
    with atomic_write(path) as file:
        file.write("".join(lines).encode())
    return path


def _check_line(word: str, tag: str, separator: str) -> None:
    """Refuse a word and a tag that would not be read again as they are."""
    for cell in (word, tag):
        if not cell or cell != without_surrogates(cell) or any(mark in cell for mark in "\n\r\0"):
            raise ValueError(
                f"{shown(cell)} cannot stand in such a file: it is empty, or holds a line end, NUL "
                "or half of a surrogate pair"
            )
    if word == _DOCUMENT:
        raise ValueError(f"{word!r} cannot stand in such a file as a word: it begins a document")
    line = f"{word}{separator}{tag}"
    # Where columns are divided by spaces, those who read them take tabs for the same.
    cells = line.split(separator) if separator.strip(" ") else _SPACES.split(line)
    if cells != [word, tag]:
        raise ValueError(
            f"{shown(word)} and {shown(tag)} cannot stand in such a file: the separator "
            f"{separator!r} would not be found between them alone"
        )


def _filled(path: Path, comment: str | None, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines without their ends, with their numbers; blank ones are empty."""
    for number, line in enumerate(read_lines(path, encoding), start=1):
        line = without_end(line)
        if comment is None or not line.startswith(comment):
            yield number, line if line.strip(" \t") else ""


def _check_columns(column: Any, word_column: Any, separator: Any, comment: Any) -> None:
    if not isinstance(column, int) or isinstance(column, bool):
        raise ValueError(f"column must be an integer, got {shown(column)}")
    check_count("word_column", word_column, 0)
    for name, value in (("separator", separator), ("comment", comment)):
        if value is not None and (not isinstance(value, str) or not value or "\n" in value):
            raise ValueError(f"{name} must be a str that is not empty, or None, got {shown(value)}")


def _width(cells: list[str], column: int, word_column: int, path: Path, number: int) -> int:
    """Columns of the first line, if those asked for are among them."""
    width = len(cells)
    place = column if column >= 0 else width + column
    for name, value, found in (
        ("column", column, place),
        ("word_column", word_column, word_column),
    ):
        if not 0 <= found < width:
            raise DataError(
                f"{_columns(width)}, so there is no {name}={value}; name another, or the separator "
                "of the file",
                path=path,
                line=number,
            )
    if place == word_column:
        raise DataError(
            f"{_columns(width)}, so that the word and its tag (column={column}) are the same; name "
            "another column, or the separator of the file",
            path=path,
            line=number,
        )
    return width


def _columns(n: int) -> str:
    return f"{n} column{'' if n == 1 else 's'}"
