"""How messages show values: short, on one line, and without what a terminal would obey."""

from __future__ import annotations

import reprlib
from typing import Any

_MAX_SHOWN = 60  # characters of an offending value that a message repeats


def type_name(value: Any) -> str:
    """Name of the type of a value, with its module unless that is Python itself.

    Parameters
    ----------
    value : object
        Of any type.

    Returns
    -------
    str

    Examples
    --------
    >>> import fractions
    >>> type_name(3), type_name(fractions.Fraction(3))
    ('int', 'fractions.Fraction')
    """
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def shown(value: Any) -> str:
    """A value as messages repeat it: its repr, cut short.

    Parameters
    ----------
    value : object
        Of any type and size.

    Returns
    -------
    str

    Examples
    --------
    >>> shown("much " * 1000)
    "'much much m...h much much '"
    """
    shortened = reprlib.repr(value)  # bounds what is looked at; nesting can still be long
    return shortened if len(shortened) <= _MAX_SHOWN else f"{shortened[:_MAX_SHOWN]}..."


def printable(text: str, limit: int = 300) -> str:
    """A name or path with its control characters escaped and its middle cut out when it is long.

    A file can be called anything: a line end would break a message in two, an escape sequence
    would reach the terminal, and half a surrogate pair cannot be printed at all.

    Parameters
    ----------
    text : str
        What is to be shown.
    limit : int, default=300
        Characters from which the middle is cut out.

    Returns
    -------
    str

    Examples
    --------
    >>> print(printable("a\\nb"))
    a\\nb
    >>> printable("a" * 500, limit=10)
    'aaaaa...aaaaa'
    """
    if len(text) > limit:
        text = f"{text[: limit // 2]}...{text[-(limit // 2) :]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
