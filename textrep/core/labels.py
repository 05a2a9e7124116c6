"""The one check of class labels: any column in, an array that scikit-learn can learn from out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from textrep.core.column import is_missing, plain_str, read_column
from textrep.core.messages import shown, type_name

Kind: TypeAlias = Literal["str", "bool", "int", "float"]

# numpy's strings are all as wide as the longest: one long label among many would fill the memory.
_MAX_WIDTH = 256
# Whole numbers are compared as 64-bit integers by scikit-learn.
_MAX_WHOLE = float(2**63)
_INTEGERS: tuple[type, ...] = (int, np.integer)


class LabelError(ValueError):
    """Labels that cannot be used; the message gives position and fix."""


def check_labels(labels: Any, n_samples: int, *, name: str = "labels") -> np.ndarray:
    """Read one label for each sample into an array that keeps their type.

    Parameters
    ----------
    labels : iterable
        Labels of one type: str, bool, int, or float without a fraction, in any of the
        containers that `check_texts` reads; shape (n_samples,).
    n_samples : int
        How many are expected.
    name : str, default="labels"
        What messages call the argument.

    Returns
    -------
    ndarray of shape (n_samples,)
        In the type of `labels` where that is a numpy array of such values, else in numpy's own
        type for them; long strings as objects.

    Raises
    ------
    LabelError
        If the number differs, a label is missing, of another type or a str that ends in a NUL,
        the types are mixed, or `labels` is not one-dimensional.

    Examples
    --------
    >>> check_labels(["spam", "ham"], 2)
    array(['spam', 'ham'], dtype='<U4')
    >>> check_labels(["spam", None], 2)
    Traceback (most recent call last):
    ...
    textrep.core.labels.LabelError: labels[1] is None, a missing value; \
drop the row or give the missing ones a label of their own.
    """
    items = read_column(labels, name, "labels", LabelError)
    if len(items) != n_samples:
        raise LabelError(
            f"{name} has {len(items)} items, but there are {n_samples} texts; "
            "give one label for each text."
        )
    kind = _common_kind(items, name)
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "biufU":
        return np.array(labels, subok=False)
    if kind == "str":
        objects = isinstance(labels, np.ndarray) and labels.dtype == object
        return _strings([plain_str(item) for item in items], objects, name)
    if kind == "int":
        return _integers(items, name)
    return np.array(items, dtype=bool if kind == "bool" else None)


def check_classes(classes: Any) -> None:
    """Refuse what is no ``classes_`` of a classifier, as a damaged file may have it.

    Parameters
    ----------
    classes : object
        None, as models have it that were fitted without labels, is fine.

    Raises
    ------
    LabelError
        Unless they are distinct labels in one row.

    Examples
    --------
    >>> check_classes(np.array(["ham", "spam"]))
    >>> check_classes(["ham", "spam"])
    Traceback (most recent call last):
    ...
    textrep.core.labels.LabelError: classes_ is ['ham', 'spam'], no array of distinct labels
    """
    if classes is None:
        return
    row = isinstance(classes, np.ndarray) and classes.ndim == 1 and len(classes)
    if not row or len(set(classes.tolist())) < len(classes):
        raise LabelError(f"classes_ is {shown(classes)}, no array of distinct labels")


def _common_kind(items: Sequence[Any], name: str) -> Kind | None:
    """The kind that all labels share, or an error at the first that differs."""
    first: Kind | None = None
    for position, item in enumerate(items):
        kind = _kind(item, f"{name}[{position}]")
        if first is None:
            first = kind
        elif kind != first:
            raise LabelError(
                f"{name} mixes types: {name}[0] is {shown(items[0])} ({type_name(items[0])}), "
                f"{name}[{position}] is {shown(item)} ({type_name(item)}); "
                "convert them to one type, for example str."
            )
    return first


def _kind(item: Any, where: str) -> Kind:
    # Asked of the type: what an object says its __class__ is need not be true.
    kind = type(item)
    if issubclass(kind, str):
        return "str"
    if issubclass(kind, bool | np.bool_):
        return "bool"
    # timedelta64 is an integer to numpy alone.
    if issubclass(kind, _INTEGERS) and not issubclass(kind, np.timedelta64):
        return "int"
    if is_missing(item):
        raise LabelError(
            f"{where} is {item!r}, a missing value; "
            "drop the row or give the missing ones a label of their own."
        )
    what = f"{where} is {shown(item)} ({type_name(item)})"
    if issubclass(kind, float | np.floating):
        value = float.__float__(item) if issubclass(kind, float) else item
        if value % 1 == 0 and abs(value) < _MAX_WHOLE:
            return "float"
        raise LabelError(
            f"{what}, which is no class but a quantity; cut the values into classes, or convert "
            "them with str() if each is one."
        )
    if issubclass(kind, bytes | bytearray):
        fix = "Decode it first, for example with .decode('utf-8')."
    elif issubclass(kind, list | tuple | set | frozenset | dict | np.ndarray):
        fix = "A text has one label; choose one, or join them into one str."
    else:
        fix = "Convert the labels with str()."
    raise LabelError(f"{what}; expected a str, a bool or a whole number. {fix}")


def _strings(items: list[str], objects: bool, name: str) -> np.ndarray:
    for position, item in enumerate(items):
        if item[-1:] == "\0":
            # numpy's fixed-width strings, which scikit-learn makes of classes, lose it.
            raise LabelError(f"{name}[{position}] is {shown(item)}, which ends in a NUL; strip it.")
    if not objects and all(len(item) <= _MAX_WIDTH for item in items):
        return np.array(items, dtype=np.str_)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _integers(items: list[Any], name: str) -> np.ndarray:
    # All of one of numpy's own types keep it; they cannot overflow.
    if len({type(item) for item in items}) == 1 and isinstance(items[0], np.integer):
        return np.array(items)
    values = [int.__int__(item) if isinstance(item, int) else int(item) for item in items]
    # Of numbers on both sides of these bounds numpy would make floats, which are not the same.
    bounds = np.iinfo(np.int64 if min(values) < 0 or max(values) < 2**63 else np.uint64)
    for position, value in enumerate(values):
        if not bounds.min <= value <= bounds.max:
            raise LabelError(
                f"{name}[{position}] is {shown(value)}, too large for an integer of 64 bits; "
                "convert the labels with str()."
            )
    return np.array(values, dtype=bounds.dtype)
