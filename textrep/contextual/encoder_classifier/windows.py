"""Texts as rows of an encoder, long ones as several that overlap, and what all of them say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.contextual.encoders.layouts import n_special
from textrep.contextual.encoders.tokens import EncoderRow, EncoderTokenizer

LONG_TEXTS = ("cut", "windows")
WINDOW_POOLINGS = ("mean", "max")

_UNCUT = 2**30  # tokens, more than any text has

Windows = list[EncoderRow]
"""The rows of one text."""


class TextBatch(NamedTuple):
    """A batch of texts.

    Attributes
    ----------
    windows : EncoderBatch
        The rows of all texts, those of a text one after the other.
    counts : int64 Tensor (n_texts,)
        Rows of each text, at least one.
    """

    windows: EncoderBatch
    counts: torch.Tensor


def rows_of_texts(
    tokenizer: EncoderTokenizer,
    texts: list[str],
    pairs: list[str] | None,
    *,
    max_length: int,
    long_texts: str = "cut",
    overlap: int = 0,
    max_windows: int = 1,
) -> list[Windows]:
    """The rows of each text.

    Parameters
    ----------
    tokenizer : EncoderTokenizer
    texts : list of str
    pairs : list of str or None
        The second text of each pair; pairs are always cut.
    max_length : int
        Tokens of a row, special ones included.
    long_texts : {"cut", "windows"}, default="cut"
    overlap : int, default=0
        Tokens that a window has in common with the one before it.
    max_windows : int, default=1
        Of a text; of a longer one those that lie evenly over it.

    Returns
    -------
    list of list of EncoderRow
    """
    if long_texts == "cut" or pairs is not None:
        return [[row] for row in tokenizer.rows(texts, pairs, max_length=max_length)]
    tokenizer.check_length(max_length)
    n_before = int(tokenizer.layout != "xlnet")
    n_after = n_special(tokenizer.layout, pair=False) - n_before
    return [
        cut_into_windows(
            row,
            n_before,
            n_after,
            max_length=max_length,
            overlap=overlap,
            max_windows=max_windows,
        )
        for row in tokenizer.rows(texts, max_length=_UNCUT)
    ]


def cut_into_windows(
    row: EncoderRow, n_before: int, n_after: int, *, max_length: int, overlap: int, max_windows: int
) -> Windows:
    """A row as it is, or the windows of one that is too long, each with the special tokens.

    Parameters
    ----------
    row : EncoderRow
    n_before, n_after : int
        Special tokens at its ends.
    max_length : int
        Tokens of a window.
    overlap : int
        Tokens that a window has in common with the one before it, at least; the last one has more.
    max_windows : int

    Returns
    -------
    list of EncoderRow

    Examples
    --------
    >>> row = EncoderRow(np.array([1, 11, 12, 13, 14, 15, 2]), np.zeros(7, dtype=np.int8))
    >>> windows = cut_into_windows(row, 1, 1, max_length=5, overlap=1, max_windows=9)
    >>> [window.ids.tolist() for window in windows]
    [[1, 11, 12, 13, 2], [1, 13, 14, 15, 2]]
    """
    if len(row.ids) <= max_length:
        return [row]
    room = max_length - n_before - n_after
    if room <= overlap:
        raise ValueError(
            f"window_overlap={overlap} leaves no room for anything new: windows have {room} tokens "
            "of the text; give less, or a greater max_length"
        )
    last = len(row.ids) - n_after - room
    starts = np.append(np.arange(n_before, last, room - overlap), last)
    if len(starts) > max_windows:
        chosen = np.linspace(0, len(starts) - 1, max_windows).round().astype(np.int64)
        starts = starts[chosen]
    return [
        EncoderRow(*(_framed(part, n_before, n_after, i, room) for part in row)) for i in starts
    ]


def _framed(
    values: NDArray[Any], n_before: int, n_after: int, start: int, room: int
) -> NDArray[Any]:
    end = len(values) - n_after
    return np.concatenate([values[:n_before], values[start : start + room], values[end:]])


def lengths_of(rows: Sequence[Windows]) -> NDArray[np.int64]:
    """Tokens of each text, all its windows together."""
    return np.array([sum(len(row.ids) for row in windows) for windows in rows], dtype=np.int64)


def collate_texts(
    encoder: Encoder, rows: Sequence[Windows]
) -> Callable[[NDArray[np.int64]], TextBatch]:
    """What makes a batch of some of the texts."""

    def collate(numbers: NDArray[np.int64]) -> TextBatch:
        chosen = [rows[number] for number in numbers]
        windows = encoder.collate([row for windows in chosen for row in windows])
        return TextBatch(windows, torch.tensor([len(windows) for windows in chosen]))

    return collate


def pool_windows(values: torch.Tensor, counts: torch.Tensor, pooling: str) -> torch.Tensor:
    """What the windows of each text say together.

    Parameters
    ----------
    values : Tensor (n_windows, n_values)
    counts : int64 Tensor (n_texts,)
        Windows of each text.
    pooling : {"mean", "max"}

    Returns
    -------
    Tensor (n_texts, n_values)
        Of texts with one window, its values as they are.

    Examples
    --------
    >>> pool_windows(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([2, 1]), "mean").tolist()
    [[2.0], [5.0]]
    """
    n_texts, n_values = len(counts), values.shape[1]
    if n_texts == len(values):
        return values
    owners = torch.arange(n_texts, device=values.device).repeat_interleave(counts)
    if pooling == "max":
        empty = values.new_full((n_texts, n_values), -torch.inf)
        return empty.scatter_reduce(0, owners[:, None].expand_as(values), values, "amax")
    return values.new_zeros(n_texts, n_values).index_add(0, owners, values) / counts[:, None]
