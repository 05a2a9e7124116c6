"""Counted rows, put behind one another while they are being counted.

Rows are counted in pieces of some megabytes, whose memory the allocator uses again and again. So of
the memory that the system has to find and clear, which costs more than counting, only the result's
is touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

PIECE = 1 << 20
"""Occurrences counted at a time."""

SPARE = 1.1
"""Room beyond what the share of the work done so far lets expect; unused, it takes no memory."""

MOST_GROWTH = 8
"""So many times the entries there are is made room for at most, should the first rows be unlike the
others.
"""


@dataclass
class Rows:
    """Counted rows of some documents.

    Attributes
    ----------
    terms, values : int32 (nnz,)
    indptr : int64 (n_documents + 1,)
    """

    terms: np.ndarray
    values: np.ndarray
    indptr: np.ndarray


class Gathered:
    """The rows of all documents.

    Parameters
    ----------
    dtype : of the values
    pieces : rows of consecutive documents, each with the share of the work done after them (0 to 1)

    Attributes
    ----------
    terms : int32 (nnz,)
    values : (nnz,) of ``dtype``
    indptr : int64 (n_documents + 1,)
    """

    def __init__(self, dtype: Any, pieces: Iterable[tuple[Rows, float]]) -> None:
        self._terms = np.empty(0, dtype=np.int32)
        self._values = np.empty(0, dtype=dtype)
        self._size = 0
        bounds = [np.zeros(1, dtype=np.int64)]
        for rows, share in pieces:
            bounds.append(rows.indptr[1:] + self._size)
            self._add(rows, share)
        self.indptr = np.concatenate(bounds)

    @property
    def terms(self) -> np.ndarray:
        return self._terms[: self._size]

    @property
    def values(self) -> np.ndarray:
        return self._values[: self._size]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def _add(self, rows: Rows, share: float) -> None:
        end = self._size + len(rows.terms)
        if not self._size and share >= 1:  # the only piece
            self._terms, self._values = rows.terms, rows.values.astype(self._values.dtype)
        else:
            if end > len(self._terms):
                self._grow(end, share)
            self._terms[self._size : end] = rows.terms
            self._values[self._size : end] = rows.values
        self._size = end

    def _grow(self, end: int, share: float) -> None:
        room = max(end, int(end * min(SPARE / max(share, 1e-9), MOST_GROWTH)))
        for name in ("_terms", "_values"):
            old = getattr(self, name)
            new = np.empty(room, dtype=old.dtype)
            new[: self._size] = old[: self._size]
            setattr(self, name, new)

    def cut(self, size: int) -> None:
        """Forget the entries from number ``size`` on."""
        self._size = size
