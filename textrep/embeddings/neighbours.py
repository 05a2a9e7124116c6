"""The best rows of a matrix that is read in blocks, so that it may lie on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

BLOCK_VALUES = 2**22
"""float32 values in a block: 16 MB, more than the cost of a call, less than memory notices."""


def blocks(n_rows: int, n_columns: int, values: int | None = None) -> Iterator[tuple[int, int]]:
    """Cut rows into blocks of about the same number of values.

    Parameters
    ----------
    n_rows : int
    n_columns : int
    values : int, default=None
        Values a block has at most, unless one row has more; None for `BLOCK_VALUES`.

    Yields
    ------
    first, last : int
        A block's rows are ``range(first, last)``.

    Examples
    --------
    >>> list(blocks(5, 10, values=20))
    [(0, 2), (2, 4), (4, 5)]
    """
    step = max(1, (values or BLOCK_VALUES) // max(1, n_columns))
    for first in range(0, n_rows, step):
        yield first, min(first + step, n_rows)


def best(
    scores: Iterable[tuple[int, np.ndarray]], k: int, excluded: Iterable[int] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` highest scores of all blocks, of equal ones those of the lowest rows.

    Parameters
    ----------
    scores : iterable of (int, float array (n,))
        The first row of a block and the scores of its rows; the arrays may be changed.
    k : int
        How many to find, 1 or more.
    excluded : iterable of int
        Rows that are left out.

    Returns
    -------
    rows : int64 (at most k,)
        From the best to the worst.
    values : float (as many,)

    Examples
    --------
    >>> best([(0, np.array([0.1, 0.9])), (2, np.array([0.9, 0.5]))], k=2, excluded=[1])
    (array([2, 3]), array([0.9, 0.5]))
    """
    out = np.fromiter(excluded, dtype=np.int64)
    rows, values = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    for first, block in scores:
        kept = np.ones(len(block), dtype=bool)
        kept[out[(out >= first) & (out < first + len(block))] - first] = False
        if np.count_nonzero(kept) > k:
            # All that tie with the k-th stay, for the order of rows to decide between them.
            kept &= block >= np.partition(block[kept], -k)[-k]
        found = np.flatnonzero(kept)
        rows = np.concatenate([rows, found + first])
        values = np.concatenate([values, block[found]])
        order = np.lexsort((rows, -values))[:k]
        rows, values = rows[order], values[order]
    return rows, values
