"""Features of pictures as the measures take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import type_name


def check_features(
    a: Any, b: Any, *, least: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two tables of features, one row a picture.

    Parameters
    ----------
    a, b : array-like (n, d), (m, d)
    least : int
        Rows that each must have.

    Returns
    -------
    float64 ndarrays

    Raises
    ------
    ValueError
        If one is no table of finite numbers, has too few rows, or they differ in width.

    Examples
    --------
    >>> check_features([[1, 2]], [[3, 4]], least=1)[0].dtype
    dtype('float64')
    >>> check_features([[1, 2]], [[3]], least=1)
    Traceback (most recent call last):
    ...
    ValueError: both sets need the same features, got 2 and 1 columns
    """
    first, second = _table("a", a, least), _table("b", b, least)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"both sets need the same features, got {first.shape[1]} and {second.shape[1]} columns"
        )
    return first, second


def _table(name: str, values: Any, least: int) -> NDArray[np.float64]:
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be a table of numbers (n, d), got a {type_name(values)}"
        ) from None
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError(
            f"{name} must be a table (n, d) of features, got shape {table.shape}; a classifier's "
            "transform makes them of pictures"
        )
    if len(table) < least:
        raise ValueError(f"{name} must have at least {least} rows, got {len(table)}")
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise ValueError(f"{name}[{row}] holds a number that is not finite")
    return table
