"""Parameters of the room's estimators: out of range, each gets an error that names it."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real
from typing import Any

from textrep.core.messages import shown

MOST = 2**31 - 1
"""The largest number of 32 bits, in which kernels number words, rows and buckets."""


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of some names.

    >>> check_choice("algorithm", "glove", ("skipgram", "cbow"))
    Traceback (most recent call last):
    ...
    ValueError: algorithm must be 'skipgram' or 'cbow', got 'glove'
    """
    if not isinstance(value, str) or value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{name} must be {listed}, got {shown(value)}")


def check_count(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Refuse what is no integer of at least so much, or more than there is room for.

    >>> check_count("window", 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: window must be an integer of at least 1, got 0
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {shown(value)}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most:,}, got {shown(value)}")


def check_number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> None:
    """Refuse what is no finite number, or out of a range."""
    real = type(value) is not bool and isinstance(value, Real) and math.isfinite(value)
    low = real and least is not None and value < least
    low = low or (real and above is not None and value <= above)
    if real and not low and (most is None or value <= most):
        return
    wanted = "a finite number"
    if least is not None:
        wanted += f" of at least {least:g}"
    if above is not None:
        wanted += f" above {above:g}"
    if most is not None:
        wanted += f" and at most {most:g}"
    raise ValueError(f"{name} must be {wanted}, got {shown(value)}")


AUTO_WORDS = 10_000_000
"""Words that ``epochs="auto"`` trains on, all epochs together, where `FEWEST_EPOCHS` are less."""

FEWEST_EPOCHS, MOST_EPOCHS = 5, 30


def epochs_for(epochs: Any, n_tokens: int) -> int:
    """Epochs for a text of so many words: as given, or what ``"auto"`` stands for.

    >>> epochs_for("auto", 1_000_000), epochs_for("auto", 10**9), epochs_for(7, 10**9)
    (10, 5, 7)
    """
    if isinstance(epochs, str):
        return max(FEWEST_EPOCHS, min(MOST_EPOCHS, -(-AUTO_WORDS // max(1, n_tokens))))
    return int(epochs)


def check_epochs(epochs: Any) -> None:
    """Refuse what is neither a number of epochs nor ``"auto"``."""
    if isinstance(epochs, str):
        if epochs != "auto":
            raise ValueError(
                f"epochs must be an integer of at least 1 or 'auto', got {shown(epochs)}"
            )
    else:
        check_count("epochs", epochs, 1, MOST)


def check_pattern(token_pattern: Any) -> None:
    """Refuse what is no regular expression of a word, or captures more than one group."""
    if not isinstance(token_pattern, str):
        raise ValueError(f"token_pattern must be a str, got {shown(token_pattern)}")
    try:
        groups = re.compile(token_pattern).groups
    except re.error as error:
        raise ValueError(
            f"token_pattern={shown(token_pattern)} is no regular expression: {error}"
        ) from None
    if groups > 1:
        raise ValueError(
            f"token_pattern={shown(token_pattern)} has {groups} groups; at most one may be captured"
        )
