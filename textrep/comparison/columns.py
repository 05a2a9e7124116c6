"""Further columns beside the texts: numbers and categories, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.errors import ComparisonError
from textrep.core.column import is_missing, read_column
from textrep.core.messages import shown
from textrep.data.corpus import Corpus

# What tables write for a value that is not known, in lower case: as pandas.read_csv takes it.
_MISSING = frozenset(("", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none"))

# The texts are the column of this name wherever features are named.
_TEXT = "text"


def numeric_column(name: str, values: Any, part: str = "") -> NDArray[np.float64]:
    """Read a column of numbers.

    Parameters
    ----------
    name : str
        Of the column, for messages.
    values : iterable of length n
        Numbers, truth values (0 or 1) or strings that say numbers. None, NaN and what tables write
        for them, such as ``""`` and ``"NA"``, are missing values.
    part : str, default=""
        What the rows are of, for messages, such as ``" of the test part"``.

    Returns
    -------
    ndarray of shape (n,)
        NaN where a value is missing.

    Raises
    ------
    ComparisonError
        When a value is no number, is infinite or too large.

    Examples
    --------
    >>> numeric_column("price", ["3", " 4.5 ", "1e3", "NA", None, True])
    array([   3. ,    4.5, 1000. ,    nan,    nan,    1. ])
    """
    items = read_column(values, f"numeric column {name!r}", "numbers", ComparisonError)
    numbers = np.empty(len(items), dtype=np.float64)
    for row, item in enumerate(items):
        number = _number(item)
        if number is None or math.isinf(number):
            fault = "is no number" if number is None else "is infinite or too large"
            raise ComparisonError(
                f"numeric column {name!r}: row {row + 1}{part} is {shown(item)}, which {fault}; "
                "correct it, or give the column with --categorical (categorical=)"
            )
        numbers[row] = number
    return numbers


def _number(item: Any) -> float | None:
    """The number that a value is or says, NaN for a missing one, None where it is none."""
    if isinstance(item, str):
        word = item.strip()
        if word.lower() in _MISSING:
            return math.nan
        # Python's own literals may hold underscores; in a table that is an identifier.
        if "_" in word:
            return None
    elif is_missing(item):
        return math.nan
    elif not isinstance(item, bool | int | float | np.bool_ | np.number | Decimal | Fraction):
        return None
    try:
        return float(item)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def categorical_column(name: str, values: Any, part: str = "") -> NDArray[np.object_]:
    """Read a column of categories.

    Parameters
    ----------
    name : str
        Of the column, for messages.
    values : iterable of length n
        Strings, numbers or truth values. None and NaN are missing values.
    part : str, default=""
        What the rows are of, for messages, such as ``" of the test part"``.

    Returns
    -------
    ndarray of shape (n,) of str
        Without white space around them; empty where a value is missing. A whole number is the same
        category whether it comes as int or as float.

    Raises
    ------
    ComparisonError
        When a value has parts, such as a list.

    Examples
    --------
    >>> categorical_column("size", ["S", " M", None, 40, 40.0, float("nan")]).tolist()
    ['S', 'M', '', '40', '40', '']
    """
    items = read_column(values, f"categorical column {name!r}", "categories", ComparisonError)
    categories = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        if isinstance(item, str):
            category = str(item).strip()
        elif is_missing(item):
            category = ""
        elif isinstance(item, Iterable):
            raise ComparisonError(
                f"categorical column {name!r}: row {row + 1}{part} is {shown(item)}; expected a "
                "string or a number"
            )
        elif isinstance(item, float | np.floating) and float(item).is_integer():
            # A column of integers becomes one of floats as soon as pandas finds a value missing.
            category = str(int(item))
        else:
            category = str(item)
        categories[row] = category
    return categories


def columns_of(corpus: Corpus | None, given: Any, n: int, role: str) -> dict[str, NDArray[Any]]:
    """Read the further columns that a caller gives, all of one kind.

    Parameters
    ----------
    corpus : Corpus or None
        That of the texts; None where they are given alone.
    given : sequence of str, mapping of str to column, data frame, or None
        Names of columns of the corpus; without one the columns themselves by their names. None is
        no column.
    n : int
        Number of texts.
    role : str
        What the caller calls the argument; one that ends in ``"numeric"`` holds numbers, any other
        categories.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        As `numeric_column` or `categorical_column` reads them.

    Raises
    ------
    ComparisonError
        When there is no such column, one is named twice or ``"text"``, has another length, holds
        nothing but missing values, or something that its kind does not allow.

    Examples
    --------
    >>> columns_of(None, {"price": ["3", "4.5"]}, 2, "numeric")
    {'price': array([3. , 4.5])}
    >>> shop = Corpus("shop", ["a pen", "ink"], columns={"kind": ["tool", "supply"]})
    >>> columns_of(shop, ["kind"], 2, "categorical")["kind"].tolist()
    ['tool', 'supply']
    """
    if given is None:
        return {}
    named = _of_mapping(given, role) if corpus is None else _of_corpus(corpus, given, role)
    read = numeric_column if role.endswith("numeric") else categorical_column
    columns: dict[str, NDArray[Any]] = {}
    part = " of the test part" if role.startswith("test_") else ""
    for name, values in named:
        if name == _TEXT or name in columns:
            fault = "is what the texts are called" if name == _TEXT else "is there twice"
            raise ComparisonError(f"{role}: the name {name!r} {fault}; give the column another")
        column = read(name, values, part)
        if len(column) != n:
            raise ComparisonError(
                f"{role}: column {name!r} has {len(column):,} values, but there are {n:,} texts; "
                "give one for each"
            )
        if column.dtype == np.float64 and np.isnan(column).all():
            raise ComparisonError(
                f"{role}: all values of column {name!r} are missing; leave the column out"
            )
        columns[name] = column
    return columns


def _of_corpus(corpus: Corpus, given: Any, role: str) -> list[tuple[str, Any]]:
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ComparisonError(
            f"{role} is {shown(given)}; expected a list of names of columns of the corpus"
        )
    names = list(given)
    for name in names:
        if name not in corpus.columns:
            have = ", ".join(map(shown, corpus.columns)) or "none"
            hint = "" if corpus.columns else " (load_corpus reads them with columns=True)"
            raise ComparisonError(
                f"{role}: corpus {corpus.name!r} has no column {shown(name)} besides texts and "
                f"labels; there are {have}{hint}"
            )
    return [(name, corpus.columns[name]) for name in names]


def _of_mapping(given: Any, role: str) -> list[tuple[str, Any]]:
    """Names and columns of a mapping or of a data frame of any library."""
    names = given if isinstance(given, Mapping) else getattr(given, "columns", None)
    if isinstance(given, str) or not isinstance(names, Iterable):
        raise ComparisonError(
            f"{role} is {shown(given)}; expected columns by their names, such as "
            "{'price': [3, 4.5]}, or a data frame"
        )
    listed = list(names)
    for name in listed:
        if not isinstance(name, str) or not name:
            raise ComparisonError(f"{role}: a column is called {shown(name)}; expected a str")
        # A data frame would answer with a table.
        if listed.count(name) > 1:
            raise ComparisonError(f"{role}: the name {name!r} is there twice; rename one")
    return [(name, given[name]) for name in listed]


def check_apart(numeric: Iterable[str], categorical: Iterable[str]) -> None:
    """Refuse a column that is given both as numbers and as categories.

    Parameters
    ----------
    numeric, categorical : iterable of str
        Names of columns.

    Raises
    ------
    ComparisonError
        When a name is in both.
    """
    both = [name for name in categorical if name in set(numeric)]
    if both:
        raise ComparisonError(
            f"numeric and categorical: column {both[0]!r} is given as both; choose one"
        )
