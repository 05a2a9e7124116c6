"""The one check of text and label input: any column or iterable in, plain Python or numpy out."""

from __future__ import annotations

import numbers
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_MAX_SHOWN = 60  # characters of an offending value that a message repeats


class TextInputError(ValueError):
    """Texts that are not an iterable of str; the message gives position and fix."""


class LabelError(ValueError):
    """Labels that cannot be used; the message gives position and fix."""


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

    Raises
    ------
    TextInputError
        If `texts` is a single string, None, a mapping or a table; if an item is missing
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
    items = _column(texts, name, "str", TextInputError)
    if not items and not allow_empty:
        raise TextInputError(f"{name} is empty; expected at least one str.")
    if all(type(item) is str for item in items):
        return items
    return [_plain_text(item, position, name) for position, item in enumerate(items)]


def check_labels(labels: Any, n_samples: int, *, name: str = "labels") -> np.ndarray:
    """Read one label for each sample into an array that keeps their type.

    Parameters
    ----------
    labels : iterable
        Labels of any one type: str, bool, int, float or other sortable objects, in any
        of the containers that `check_texts` reads; shape (n_samples,).
    n_samples : int
        How many are expected.
    name : str, default="labels"
        What messages call the argument.

    Returns
    -------
    ndarray of shape (n_samples,)
        Strings, truth values and numbers in numpy's own types, everything else (and
        strings that numpy would shorten) as objects.

    Raises
    ------
    LabelError
        If the number differs, a label is missing, the types are mixed, or `labels` is not
        one-dimensional.

    Examples
    --------
    >>> check_labels(["spam", "ham"], 2)
    array(['spam', 'ham'], dtype='<U4')
    >>> check_labels(["spam", "ham"], 3)
    Traceback (most recent call last):
    ...
    textrep.core.text.LabelError: labels has 2 items, but there are 3 texts; \
give one label for each text.
    """
    items = _column(labels, name, "labels", LabelError)
    if len(items) != n_samples:
        raise LabelError(
            f"{name} has {len(items)} items, but there are {n_samples} texts; "
            "give one label for each text."
        )
    for position, item in enumerate(items):
        if _is_missing(item):
            raise LabelError(
                f"{name}[{position}] is {item!r}, a missing value; "
                "drop the row or give the missing ones a label of their own."
            )
    if isinstance(labels, np.ndarray):
        _check_one_type(items, name)
        return labels.copy()
    return _label_array(items, name)


def _label_array(items: list[Any], name: str) -> np.ndarray:
    kind = _check_one_type(items, name)
    # numpy's fixed-width strings lose NULs at the end.
    if kind is str and not any(item.endswith("\0") for item in items):
        return np.array(items, dtype=np.str_)
    if kind is bool:
        return np.array(items, dtype=bool)
    if kind is numbers.Real:
        array = np.array(items)
        if array.dtype != object:
            return array
    array = np.empty(len(items), dtype=object)
    # Assigned one by one: numpy would take labels that are tuples for a second dimension.
    for position, item in enumerate(items):
        array[position] = item
    return array


def _check_one_type(items: list[Any], name: str) -> type | None:
    """The type that all labels share, numbers counting as one, or an error."""
    first: type | None = None
    for position, item in enumerate(items):
        kind = _kind(item)
        if first is None:
            first = kind
        elif kind is not first:
            raise LabelError(
                f"{name} mixes types: {name}[0] is {_shown(items[0])} ({_type_name(items[0])}), "
                f"{name}[{position}] is {_shown(item)} ({_type_name(item)}); "
                "convert them to one type, for example str."
            )
    return first


def _kind(item: Any) -> type:
    if isinstance(item, str):
        return str
    if isinstance(item, bool | np.bool_):
        return bool
    if isinstance(item, numbers.Real):
        return numbers.Real
    return type(item)


def _column(values: Any, name: str, wanted: str, error: type[ValueError]) -> list[Any]:
    """Items of a one-dimensional container, as Python objects in a new list."""
    if isinstance(values, str | bytes | bytearray):
        raise error(
            f"{name} is a single {type(values).__name__}, {_shown(values)}; "
            f"expected an iterable of {wanted}. Wrap it in a list: [{name}]."
        )
    if values is None:
        raise error(f"{name} is None; expected an iterable of {wanted}.")
    if isinstance(values, Mapping):
        raise error(
            f"{name} is a mapping ({_type_name(values)}); expected an iterable of {wanted}. "
            f"Give its values: list({name}.values())."
        )
    if (problem := _table_problem(values)) is not None:
        raise error(f"{name} is {problem}; expected one column of {wanted}. Select a column.")
    # pyarrow arrays iterate over scalars of their own; the others convert faster in one go.
    for method in ("to_pylist", "to_list", "tolist"):
        if callable(convert := getattr(values, method, None)):
            items = convert()
            return items if isinstance(items, list) else list(items)
    try:
        iterator = iter(values)
    except TypeError:
        raise error(
            f"{name} is {_shown(values)} ({_type_name(values)}); expected an iterable of {wanted}."
        ) from None
    return list(iterator)


def _table_problem(values: Any) -> str | None:
    """What makes a container two-dimensional (or a scalar), in words; None for a column."""
    kind = type(values)
    # Asked of the type: on a lazy frame the property would run a query.
    if any(hasattr(kind, attribute) for attribute in ("columns", "column_names")):
        return f"a table ({_type_name(values)})"
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        return f"of shape {shape} ({_type_name(values)})"
    return None


def _plain_text(item: Any, position: int, name: str) -> str:
    if isinstance(item, str):
        # numpy's str_ and other subclasses become plain str.
        return str.__str__(item)
    where = f"{name}[{position}] is"
    if _is_missing(item):
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
    raise TextInputError(f"{where} {_shown(item)} ({_type_name(item)}); expected a str. {fix}")


def _is_missing(item: Any) -> bool:
    if item is None:
        return True
    # pandas.NA and NaT without importing pandas; NaN is the float that differs from itself.
    if type(item).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(item, np.datetime64 | np.timedelta64):
        return bool(np.isnat(item))
    return isinstance(item, numbers.Real) and bool(item != item)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _shown(value: Any) -> str:
    shortened = reprlib.repr(value)  # bounds what is looked at; nesting can still be long
    return shortened if len(shortened) <= _MAX_SHOWN else f"{shortened[:_MAX_SHOWN]}..."
