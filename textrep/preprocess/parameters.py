"""Checks of parameters that the estimators of this room share."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from textrep.core.messages import shown


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number; True and False are none.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_integer(3), is_integer(True), is_integer(3.0)
    (True, False, False)
    """
    return isinstance(value, Integral) and value is not True and value is not False


def check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise an error if a parameter has none of the values it can have.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
    choices : tuple

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_choice("case", "upper", (None, "lower", "fold"))
    Traceback (most recent call last):
    ...
    ValueError: case='upper'; expected None, 'lower' or 'fold'.
    """
    # By type too: 1 is no True here.
    if any(type(value) is type(choice) and value == choice for choice in choices):
        return
    *first, last = (repr(choice) for choice in choices)
    raise ValueError(f"{name}={shown(value)}; expected {', '.join(first)} or {last}.")
