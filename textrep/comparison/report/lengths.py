"""The lengths of the texts, as a table of quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Lengths:
    """Names of the quantiles, and for each unit and part its name and figures."""

    quantiles: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def lengths_table(lengths: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Lengths | None:
    """Lay out quantiles by unit and part.

    Parameters
    ----------
    lengths : mapping of str to mapping of str to mapping of str to float
        By unit, part and quantile, see `Health`.

    Returns
    -------
    Lengths or None
        None where there are no parts.

    Examples
    --------
    >>> lengths_table({"words": {"train": {"shortest": 1.0, "longest": 1200.0}}}).rows
    (('words, train', ('1', '1,200')),)
    """
    rows = [
        (f"{unit}, {part}", quantiles)
        for unit, parts in lengths.items()
        for part, quantiles in parts.items()
    ]
    if not rows:
        return None
    return Lengths(
        tuple(rows[0][1]),
        tuple((name, tuple(f"{v:,.0f}" for v in quantiles.values())) for name, quantiles in rows),
    )
