"""Documents in any form -> batches of texts or of token lists, checked and numbered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from textrep.core.column import read_column
from textrep.core.messages import shown, type_name
from textrep.core.text import TextInputError, check_texts
from textrep.data.readers.lines import read_line_texts

BATCH_CHARACTERS = 1 << 24
"""Text that is turned into vectors at a time: enough for all threads, little enough to hold beside
the document vectors.
"""

BATCH_TOKENS = 1 << 21
BATCH_DOCUMENTS = 1 << 16

_SEQUENCES = (list, tuple, np.ndarray)

Documents = list[str] | list[list[str]]


def is_tokens(documents: Documents) -> bool:
    """Whether documents are lists of tokens, not texts."""
    return bool(documents) and type(documents[0]) is list


def document_batches(X: Any, *, name: str = "X") -> Iterator[Documents]:
    """Cut documents into batches, each of texts or of token lists.

    Parameters
    ----------
    X : iterable of str, iterable of lists of str, or pathlib.Path
        A generator, or another iterable without a length, is read as far as each batch needs. Of a
        text file in UTF-8, plain or compressed (.gz, .bz2, .xz), each line is a document.
    name : str, default="X"
        What messages call the argument.

    Yields
    ------
    list of str, or list of list of str
        None of them empty.

    Raises
    ------
    TextInputError
        If `X` is a single str, None, a mapping, a set or a table; if a document is neither a str
        nor a sequence of str, or not of the kind of the first one. The message says where.
    DataError
        If a file cannot be read or is not UTF-8.

    Examples
    --------
    >>> list(document_batches(["so much text", "so little"]))
    [['so much text', 'so little']]
    >>> list(document_batches(iter([("so", "much"), []])))
    [[['so', 'much'], []]]
    """
    batch: list[Any] = []
    room, most = 0, BATCH_CHARACTERS
    tokens: bool | None = None
    for position, item in enumerate(_items(X, name)):
        if tokens is None:
            tokens = isinstance(item, _SEQUENCES)
            most = BATCH_TOKENS if tokens else BATCH_CHARACTERS
        if tokens:
            document: Any = _token_list(item, position, name)
        else:
            document = item if type(item) is str else _text(item, position, name)
        batch.append(document)
        room += len(document)
        if room >= most or len(batch) == BATCH_DOCUMENTS:
            yield batch
            batch, room = [], 0
    if batch:
        yield batch


def is_stream(X: Any) -> bool:
    """Whether documents can be read only once."""
    return hasattr(X, "__next__")


def _items(X: Any, name: str) -> Iterable[Any]:
    if isinstance(X, os.PathLike):
        return read_line_texts(Path(X), blank="keep")
    if isinstance(X, str):
        raise TextInputError(
            f"{name} is a single str, {shown(X)}; expected texts or lists of tokens. Wrap a text "
            f"in a list: [{name}]; name a file by pathlib.Path({name})."
        )
    # What has no length is read bit by bit: generators, and what opens its source anew each time.
    if hasattr(X, "__iter__") and not hasattr(X, "__len__"):
        return X
    return read_column(X, name, "texts or lists of tokens", TextInputError)


def _text(item: Any, position: int, name: str) -> str:
    if isinstance(item, _SEQUENCES):
        raise TextInputError(
            f"{name}[{position}] is {shown(item)} ({type_name(item)}), but {name}[0] is a str; "
            "give texts or lists of tokens, not both."
        )
    try:
        return check_texts([item], name=name)[0]
    except TextInputError as error:
        # The one check of texts takes it for the first of them.
        place = f"{name}[{position}]"
        raise TextInputError(str(error).replace(f"{name}[0]", place, 1)) from None


def _token_list(item: Any, position: int, name: str) -> list[str]:
    where = f"{name}[{position}]"
    if not isinstance(item, _SEQUENCES):
        raise TextInputError(
            f"{where} is {shown(item)} ({type_name(item)}), but {name}[0] is a list of tokens; "
            "give texts or lists of tokens, not both."
        )
    return check_texts(item, name=where, allow_empty=True)
