"""Texts -> one stream of tokens, and the batches that a language model learns from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.text import TextInputError, check_texts
from textrep.data.readers.lines import read_line_texts
from textrep.engine.streams import StreamBatches

FEWEST_WINDOWS = 8
"""Windows in a stream, before a text is cut into more streams: the state is to be carried along."""

FEWEST_HELD_OUT = 100
"""Tokens by which a validation loss can be judged; where fewer would be held out, none are."""


def read_texts(X: Any, name: str) -> list[str]:
    """Texts given as such or as a file.

    Parameters
    ----------
    X : iterable of str, or pathlib.Path
        Of a text file in UTF-8, plain or compressed, each line is a text.
    name : str
        What messages call it.

    Returns
    -------
    list of str

    Raises
    ------
    TextInputError
        If `X` is something else.
    DataError
        If a file cannot be read or is not UTF-8.
    """
    if isinstance(X, os.PathLike):
        texts = list(read_line_texts(Path(X), blank="keep"))
        if not texts:
            raise TextInputError(f"{name} is a file without texts; expected at least one line.")
        return texts
    return check_texts(X, name=name)


def join_rows(rows: Sequence[NDArray[np.int32]], eos: int) -> NDArray[np.int32]:
    """One stream of the tokens of all texts, with `eos` before the first and after each.

    >>> join_rows([np.array([5, 6]), np.array([7])], eos=3).tolist()
    [3, 5, 6, 3, 7, 3]
    """
    stream = np.full(sum(map(len, rows)) + len(rows) + 1, eos, dtype=np.int32)
    start = 1
    for row in rows:
        stream[start : start + len(row)] = row
        start += len(row) + 1
    return stream


def split_end(
    stream: NDArray[np.int32], fraction: float
) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
    """The stream without its end, and its end, of that share; None where that is too short.

    The last token of the first part stands before the second one, too, to predict from.

    >>> first, end = split_end(np.arange(1001), 0.1)
    >>> int(first[-1]), int(end[0]), len(end)
    (900, 900, 101)
    """
    n_held_out = round(fraction * (len(stream) - 1))
    if n_held_out < FEWEST_HELD_OUT:
        return stream, None
    return stream[:-n_held_out], stream[-n_held_out - 1 :]


def stream_batches(
    stream: NDArray[np.int32], most: int, window: int, *, seed: int = 0, vary: bool = False
) -> StreamBatches:
    """Batches of a stream, with fewer parallel streams where it is short.

    Parameters
    ----------
    stream : int32 array (n_tokens,)
    most : int
        Parallel streams.
    window, seed, vary
        See `StreamBatches`.

    Returns
    -------
    StreamBatches
    """
    n_streams = (len(stream) - 1) // (FEWEST_WINDOWS * window)
    return StreamBatches(
        stream,
        n_streams=max(1, min(most, n_streams)),
        window=window,
        seed=seed,
        vary_window=vary,
    )
