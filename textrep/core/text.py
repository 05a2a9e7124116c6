"""The one check of text input: any column or iterable in, a list of plain str out."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrep.core.column import is_missing, plain_str, read_column
from textrep.core.messages import shown, type_name


class TextInputError(ValueError):
    """Texts that are not an iterable of str; the message gives position and fix."""


def check_texts(texts: Any, *, name: str = "texts", allow_empty: bool = False) -> list[str]:
    """Read any iterable of str into a new list of str.

    Parameters
    ----------
    texts : iterable of str
        A list, tuple, generator, one-dimensional numpy array, pandas or polars Series,
        pyarrow (chunked) array, or any other iterable of str, of shape (n_samples,).
    name : str, default="texts"
        What messages call the argument.
    allow_empty : bool, default=False
        Whether no texts at all are accepted.

    Returns
    -------
    list of str, length n_samples
        Exactly of `str`: of an item of a subclass only the characters are kept.

    Raises
    ------
    TextInputError
        If `texts` is a single string, None, a mapping, a set or a table; if an item is missing
        or not a str; if there is none and `allow_empty` is False.

    Examples
    --------
    >>> check_texts(("so much text", "so little time"))
    ['so much text', 'so little time']
    >>> check_texts(["so much text", None])
    Traceback (most recent call last):
    ...
    textrep.core.text.TextInputError: texts[1] is None, a missing value; expected a str. \
Drop the row or put '' in its place.
    """
    items = read_column(texts, name, "str", TextInputError)
    if not items and not allow_empty:
        raise TextInputError(f"{name} is empty; expected at least one str.")
    if all(type(item) is str for item in items):
        return items
    return [_plain_text(item, position, name) for position, item in enumerate(items)]


def _plain_text(item: Any, position: int, name: str) -> str:
    # Asked of the type: what an object says its __class__ is need not be true.
    if issubclass(type(item), str):
        return plain_str(item)
    where = f"{name}[{position}] is"
    if is_missing(item):
        raise TextInputError(
            f"{where} {item!r}, a missing value; expected a str. "
            "Drop the row or put '' in its place."
        )
    if isinstance(item, bytes | bytearray):
        fix = "Decode it first, for example with .decode('utf-8')."
    elif isinstance(item, list | tuple | np.ndarray):
        fix = "Join tokens with ' '.join, or select one column of a table."
    else:
        fix = "Convert it with str() if that is what you mean."
    raise TextInputError(f"{where} {shown(item)} ({type_name(item)}); expected a str. {fix}")
