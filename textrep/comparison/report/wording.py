"""How the report writes numbers, labels and other people's texts."""

from __future__ import annotations

import math
import re
from typing import Any

# Between a number and its unit.
_SPACE = "\u00a0"
# What HTML forbids, what cannot be written as UTF-8, and what turns the direction of writing of all
# that follows.
_ILLEGIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]"
)
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
_MAX_LABEL = 40  # characters; longer ones would push figures off the page


def legible(text: str) -> str:
    """A text with the characters escaped that a page cannot show.

    Examples
    --------
    >>> print(legible("a\\x00b"))
    a\\x00b
    """
    return _ILLEGIBLE.sub(lambda found: ascii(found.group())[1:-1], text)


def legible_lines(text: str) -> str:
    """A text of several lines with the characters escaped that a page cannot show.

    Examples
    --------
    >>> print(legible_lines("a\\nb\\x00"))
    a
    b\\x00
    """
    return "\n".join(legible(line) for line in text.split("\n"))


def elided(text: str, limit: int) -> str:
    """A text with its middle cut out where it is longer than ``limit`` characters.

    Examples
    --------
    >>> elided("abcdefgh", 5)
    'abc…gh'
    """
    if len(text) <= limit:
        return text
    return f"{text[: (limit + 1) // 2]}…{text[len(text) - limit // 2 :]}"


def quoted(text: str, limit: int = 300) -> str:
    """A document on one line, cut to ``limit`` characters.

    Examples
    --------
    >>> quoted("so  much\\n text")
    'so much text'
    """
    return legible(elided(" ".join(text.split()), limit))


def label_text(label: Any, limit: int = _MAX_LABEL) -> str:
    """A class, a name or a setting, cut to ``limit`` characters.

    Examples
    --------
    >>> label_text(3), label_text("")
    ('3', '(empty)')
    """
    return quoted(str(label), limit) or "(empty)"


def number(value: float) -> str:
    """A measured number with three digits, which is what one measurement is good for.

    Examples
    --------
    >>> number(0.012345), number(56789.0), number(3.0)
    ('0.0123', '56,800', '3.00')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(float(f"{value:.3g}")))))
    return f"{float(f'{value:.3g}'):,.{decimals}f}"


def percent(share: float, decimals: int = 1) -> str:
    """A share of one as a percentage.

    Examples
    --------
    >>> percent(0.91234).replace("\\u00a0", " ")
    '91.2 %'
    """
    return f"{100 * share:.{decimals}f}{_SPACE}%"


def probability(value: float) -> str:
    """A probability, which is certain only if it is 1.

    Examples
    --------
    >>> probability(0.99996).replace("\u00a0", " "), probability(0.876).replace("\u00a0", " ")
    ('> 99.9 %', '87.6 %')
    """
    almost = 0.9995 <= value < 1.0
    return f">{_SPACE}99.9{_SPACE}%" if almost else percent(value)


def data_size(n_bytes: float) -> str:
    """Bytes in the unit that suits them.

    Examples
    --------
    >>> data_size(1_234_567).replace("\\u00a0", " ")
    '1.23 MB'
    """
    power = 0
    while n_bytes >= 1000 and power < len(_BYTE_UNITS) - 1:
        n_bytes /= 1000
        power += 1
    shown = f"{n_bytes:.0f}" if power == 0 else number(n_bytes)
    return f"{shown}{_SPACE}{_BYTE_UNITS[power]}"


def duration(seconds: float) -> str:
    """A time in seconds, minutes or hours.

    Examples
    --------
    >>> [duration(s).replace("\\u00a0", " ") for s in (0.0123, 75.0, 7260.0)]
    ['0.0123 s', '1 min 15 s', '2 h 1 min']
    """
    if seconds < 60:
        return f"{number(seconds)}{_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min {rest}{_SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{_SPACE}h {minutes}{_SPACE}min"


def compact(value: float) -> str:
    """A round number as axes show it.

    Examples
    --------
    >>> [compact(v) for v in (0.01, 5, 20_000, 3e6)]
    ['0.01', '5', '20k', '3M']
    """
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
