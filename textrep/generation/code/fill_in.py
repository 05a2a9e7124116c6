"""Filling in the middle: texts put in another order, so that what comes after is read before."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_choice, check_number
from textrep.engine.batches import Batches, Share
from textrep.engine.streams import StreamBatch
from textrep.generation.code.codec import CodeCodec
from textrep.generation.code.context_index import Tokens

ORDERS = ("psm", "spm")
"""Prefix, suffix, middle; or suffix, prefix, middle."""

N_SIGNS = 4
"""Tokens that a row has more for being put in order."""

_P, _S, _M, _END = CodeCodec.PREFIX, CodeCodec.SUFFIX, CodeCodec.MIDDLE, CodeCodec.END


def prompt(prefix: Tokens, suffix: Tokens, order: str = "psm") -> NDArray[np.int32]:
    """What a middle comes after.

    Parameters
    ----------
    prefix, suffix : sequences of int
        What stands before the middle and after it.
    order : {"psm", "spm"}, default="psm"

    Returns
    -------
    int32 array
        ``<prefix> ... <suffix> ... <middle>``, or ``<prefix> <suffix> ... <middle> ...`` with the
        prefix last: then the middle goes on from it without a break.

    References
    ----------
    M. Bavarian et al.: Efficient training of language models to fill in the middle, 2022; sections
    3 and 4.4.

    Examples
    --------
    >>> prompt([10, 11], [12]).tolist(), prompt([10, 11], [12], "spm").tolist()
    ([4, 10, 11, 5, 12, 6], [4, 5, 12, 6, 10, 11])
    """
    check_choice("order", order, ORDERS)
    if order == "psm":
        parts = [[_P], prefix, [_S], suffix, [_M]]
    else:
        parts = [[_P, _S], suffix, [_M], prefix]
    return np.concatenate([np.asarray(part, dtype=np.int32) for part in parts])


def rearrange(ids: Tokens, first: int, second: int, order: str = "psm") -> NDArray[np.int32]:
    """A text in the order in which its middle comes last.

    Parameters
    ----------
    ids : sequence of int
        Without signs.
    first, second : int
        Where the middle begins and ends, ``0 <= first <= second <= len(ids)``.
    order : {"psm", "spm"}, default="psm"

    Returns
    -------
    int32 array (len(ids) + 4,)
        The prompt, the middle and ``<end>``.

    Examples
    --------
    >>> rearrange([10, 11, 12, 13], 1, 3).tolist()
    [4, 10, 5, 13, 6, 11, 12, 7]
    """
    if not 0 <= first <= second <= len(ids):
        raise ValueError(f"the middle is from {first} to {second}, of {len(ids)} tokens")
    tokens = np.asarray(ids, dtype=np.int32)
    begun = prompt(tokens[:first], tokens[second:], order)
    return np.concatenate([begun, tokens[first:second], [np.int32(_END)]])


def restore(row: Tokens) -> NDArray[np.int32]:
    """The text that was rearranged.

    Parameters
    ----------
    row : sequence of int
        As `rearrange` gives it, in either order.

    Returns
    -------
    int32 array

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> restore(rearrange([10, 11, 12, 13], 1, 3, "spm")).tolist()
    [10, 11, 12, 13]
    """
    tokens = np.asarray(row, dtype=np.int32)
    places = [np.flatnonzero(tokens == sign) for sign in (_P, _S, _M, _END)]
    if any(len(found) != 1 for found in places):
        raise ValueError("a rearranged text has each of the four signs once")
    start, suffix, middle, end = (int(found[0]) for found in places)
    if start != 0 or not suffix < middle < end or end != len(tokens) - 1:
        raise ValueError("the signs of a rearranged text are not in their order")
    before, after = tokens[1:suffix], tokens[suffix + 1 : middle]
    # Where the prefix is behind the suffix, it is at the beginning of what follows <middle>.
    return np.concatenate([before, tokens[middle + 1 : end], after])


class FillInBatches(Batches):
    """Windows of text, some of them rearranged, in both orders alike.

    Parameters
    ----------
    batches : Batches
        Of windows: what it reads are a `StreamBatch`.
    rate : float
        Share of the windows that are rearranged. A middle is cut out at two places that are drawn
        among all; the last tokens of the window give way to the signs.
    seed : int, default=0

    Notes
    -----
    A window is rearranged after it was cut, not a whole file before ("context level", Bavarian et
    al., section 4.3), so that no part of it is missing.
    """

    def __init__(self, batches: Batches, rate: float, *, seed: int = 0) -> None:
        check_number("rate", rate, least=0, most=1)
        self._batches = batches
        self._rate = rate
        self._seed = seed

    def plan(self, epoch: int) -> list[Any]:
        return [(epoch, number, spec) for number, spec in enumerate(self._batches.plan(epoch))]

    def size(self, spec: Any) -> int:
        return self._batches.size(spec[2])

    def read(self, spec: Any, share: Share) -> StreamBatch | None:
        epoch, number, inner = spec
        batch: StreamBatch | None = self._batches.read(inner, share)
        if batch is None or not self._rate or batch.inputs.shape[1] <= N_SIGNS:
            return batch
        rng = np.random.default_rng((self._seed, epoch, number, share.part))
        rows = torch.cat([batch.inputs, batch.targets[:, -1:]], dim=1).numpy()  # (B, T + 1)
        for row in rows:
            # A sign inside a window would stand there twice.
            if rng.random() < self._rate:
                kept = row[: len(row) - N_SIGNS]
                first, second = np.sort(rng.integers(len(kept) + 1, size=2))
                row[:] = rearrange(kept, int(first), int(second), ORDERS[rng.integers(2)])
        ids = torch.from_numpy(rows)
        return StreamBatch(ids[:, :-1], ids[:, 1:], batch.first)
