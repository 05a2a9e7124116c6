"""What a word is told apart from: words drawn at random, or the turns of a Huffman tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.vocabulary import WHOLE, alias_table, huffman_tree, negative_weights

LOSSES = ("ns", "hs")

_GROUP = 6  # of kernels.windows, which takes numba to import


@dataclass(frozen=True)
class Objective:
    """The output rows of a model as the kernels take them.

    Attributes
    ----------
    negative : int
        Words drawn for each target; 0 for hierarchical softmax.
    n_rows : int
        Output rows, without the last one that belongs to none.
    threshold, alias : int64 and int32 arrays
        Table that words are drawn from, see `alias_table`.
    offsets, points, turns : int64, int32 and float32 arrays
        The Huffman tree, see `textrep.embeddings.kernels.windows.choose_outputs`.
    most_outputs : int
        Output rows of a window at most, a multiple of the rows that the kernels work on together.
    """

    negative: int
    n_rows: int
    threshold: np.ndarray
    alias: np.ndarray
    offsets: np.ndarray
    points: np.ndarray
    turns: np.ndarray
    most_outputs: int

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
        """In the order of the kernels' parameters."""
        return (
            self.threshold, self.alias, self.offsets, self.points, self.turns, self.most_outputs,
        )  # fmt: skip


def objective_of(counts: np.ndarray, loss: str, negative: int, exponent: float) -> Objective:
    """The objective for words with these counts.

    Parameters
    ----------
    counts : int64 ndarray (n_words,)
    loss : {"ns", "hs"}
        Negative sampling or hierarchical softmax.
    negative : int
        Words drawn for each target; not looked at for ``"hs"``.
    exponent : float
        Words are drawn by their counts to this power.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        When `loss` is another.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss must be 'ns' or 'hs', got {shown(loss)}")
    nothing = np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.float32)
    if loss == "ns":
        threshold, alias = alias_table(negative_weights(counts, exponent))
        return Objective(negative, len(counts), threshold, alias, *nothing, _grouped(negative + 1))
    codes, points, offsets = huffman_tree(counts)
    turns = (1.0 - 2.0 * codes).astype(np.float32)  # code 0 is the turn to be near to
    longest = int(np.diff(offsets).max(initial=0))
    points = points if len(points) else nothing[1]
    turns = turns if len(turns) else nothing[2]
    table: tuple[Any, Any] = (nothing[0], nothing[1])
    return Objective(
        0, max(1, len(counts) - 1), *table, offsets, points, turns, _grouped(max(1, longest))
    )


def keep_thresholds(keep: np.ndarray) -> np.ndarray:
    """Probabilities (n,) as the kernels compare them: int64, 2**32 for certain."""
    return np.rint(keep.astype(np.float64) * WHOLE).astype(np.int64)


def _grouped(n: int) -> int:
    return -(-n // _GROUP) * _GROUP
