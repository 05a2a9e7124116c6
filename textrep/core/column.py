"""One column of any library as a list of Python objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from textrep.core.messages import shown, type_name


def read_column(values: Any, name: str, wanted: str, error: type[ValueError]) -> list[Any]:
    """Items of a one-dimensional container, as Python objects in a new list.

    Parameters
    ----------
    values : iterable
        A list, tuple, generator, one-dimensional numpy array, pandas or polars Series, pyarrow
        (chunked) array, or any other iterable that has an order.
    name : str
        What messages call the argument.
    wanted : str
        What messages call the items.
    error : type of ValueError
        What is raised.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        Of the given type, for a single string, None, a scalar, a mapping, a set or a table.

    Examples
    --------
    >>> read_column(np.array([3, 1]), "y", "labels", ValueError)
    [3, 1]
    """
    kind = type(values)
    if issubclass(kind, str | bytes | bytearray):
        raise error(
            f"{name} is a single {kind.__name__}, {shown(values)}; "
            f"expected an iterable of {wanted}. Wrap it in a list: [{name}]."
        )
    if values is None:
        raise error(f"{name} is None; expected an iterable of {wanted}.")
    if isinstance(values, Mapping):
        raise error(
            f"{name} is a mapping ({type_name(values)}); expected an iterable of {wanted}. "
            f"Give its values: list({name}.values())."
        )
    if isinstance(values, set | frozenset):
        # Its order changes from run to run, so nothing could stay beside its label.
        raise error(
            f"{name} is a {kind.__name__}, which has no order; expected a list of {wanted}. "
            f"Give sorted({name})."
        )
    if (problem := _table_problem(values)) is not None:
        raise error(f"{name} is {problem}; expected one column of {wanted}. Select a column.")
    if isinstance(values, np.ndarray) and values.dtype.kind in "mM":
        # As lists, times in nanoseconds would be mere numbers.
        return list(values)
    # pyarrow arrays iterate over scalars of their own; the others convert faster in one go.
    for method in ("to_pylist", "to_list", "tolist"):
        if callable(convert := getattr(values, method, None)):
            items = convert()
            return items if type(items) is list else list(items)
    try:
        iterator = iter(values)
    except TypeError:
        raise error(
            f"{name} is {shown(values)} ({type_name(values)}); expected an iterable of {wanted}."
        ) from None
    return list(iterator)


def _table_problem(values: Any) -> str | None:
    """What makes a container two-dimensional (or a scalar), in words; None for a column."""
    kind = type(values)
    # Asked of the type: on a lazy frame the property would run a query.
    if any(hasattr(kind, attribute) for attribute in ("columns", "column_names")):
        return f"a table ({type_name(values)})"
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        return f"of shape {shape} ({type_name(values)})"
    return None


def plain_str(text: str) -> str:
    """The characters of a str or of a subclass of it, as an exact str.

    The subclass has no say in it, whichever methods it overrides.

    Parameters
    ----------
    text : str
        Of `str` or a subclass.

    Returns
    -------
    str

    Examples
    --------
    >>> type(plain_str(np.str_("much"))) is str
    True
    """
    return str.__str__(text)


def is_missing(item: Any) -> bool:
    """Whether an item stands for no value: None, NaN, NaT or pandas' NA.

    Parameters
    ----------
    item : object
        Of a column.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_missing(float("nan")), is_missing("")
    (True, False)
    """
    if item is None:
        return True
    # pandas.NA and NaT without importing pandas; NaN is the float that differs from itself.
    if type(item).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(item, np.datetime64 | np.timedelta64):
        return bool(np.isnat(item))
    return isinstance(item, float | np.floating) and bool(item != item)
