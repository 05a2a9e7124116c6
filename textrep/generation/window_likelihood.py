"""How likely texts are to a language model that sees so many tokens and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.engine.batches import pad
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.generation.gpt_module import GPTModule

_MOST_TOKENS = 8192  # of a batch


class _Window(NamedTuple):
    """Tokens of a row that are read at once, and the first of them that is scored."""

    row: int
    start: int
    end: int  # behind the last one
    first_scored: int


class _Batch(NamedTuple):
    inputs: torch.Tensor  # int64 (B, T)
    targets: torch.Tensor  # int64 (B, T)
    lengths: torch.Tensor  # int64 (B,)


def token_log_likelihoods(
    module: GPTModule,
    rows: Sequence[NDArray[np.integer]],
    *,
    device: str,
    precision: str,
    skipped: Sequence[int] | None = None,
) -> list[NDArray[np.float64]]:
    """Log-likelihood of each token of each row but the first, given those before it.

    A row that is longer than what the model sees is read in windows that overlap by half: each
    token has at least half of `max_length` before it, or all that there is.

    Parameters
    ----------
    module : GPTModule
    rows : sequence of integer arrays
        Each with at least one token, the first of which is only read.
    device, precision : str
    skipped : sequence of int, optional
        Tokens at the beginning of each row that need no likelihood, at least 1; what of them is too
        far away to be seen is not read.

    Returns
    -------
    list of float64 ndarray (n_tokens - skipped,)
        In nats.
    """
    chosen = choose_device(device)
    with lent_to(module, chosen):
        return scores_of_windows(module, rows, device=chosen, precision=precision, skipped=skipped)


def scores_of_windows(
    module: Any,
    rows: Sequence[NDArray[np.integer]],
    *,
    device: torch.device,
    precision: str,
    skipped: Sequence[int] | None = None,
    window: int | None = None,
    max_tokens: int = _MOST_TOKENS,
) -> list[NDArray[np.float64]]:
    """As `token_log_likelihoods`, of a module that is on the device, in evaluation mode.

    Parameters
    ----------
    module : GPTModule, or another module with its `max_length`, `hidden` and `output.nll`
    rows, precision, skipped
        As there.
    device : torch.device
    window : int, optional
        In place of `max_length`.
    max_tokens : int, default=8192
        Of a batch.

    Returns
    -------
    list of float64 ndarray (n_tokens - skipped,)
    """
    skipped = [1] * len(rows) if skipped is None else skipped
    sizes = [max(0, len(row) - first) for row, first in zip(rows, skipped, strict=True)]
    found = [np.zeros(size) for size in sizes]
    seen = window or module.max_length
    windows = [
        each
        for number, (row, first) in enumerate(zip(rows, skipped, strict=True))
        for each in _windows(number, len(row), first, seen)
    ]

    def collate(numbers: np.ndarray) -> _Batch:
        chosen = [windows[i] for i in numbers]
        whole = pad([rows[w.row][w.start : w.end] for w in chosen])
        lengths = torch.tensor([w.end - w.start - 1 for w in chosen])
        return _Batch(whole[:, :-1], whole[:, 1:], lengths)

    def score(batch: _Batch) -> torch.Tensor:
        hidden = module.hidden(batch.inputs, lengths=batch.lengths)
        nll = module.output.nll(hidden.flatten(0, 1), batch.targets.flatten())
        return -nll.view_as(batch.targets)

    answers = apply_in_batches(
        score,
        np.array([w.end - w.start for w in windows], dtype=np.int64),
        collate,
        device=device,
        precision=precision,
        max_tokens=max_tokens,
    )
    for read, answer in zip(windows, answers, strict=True):
        values = np.asarray(answer.cpu(), dtype=np.float64)[: read.end - read.start - 1]
        first = read.first_scored
        place = first - skipped[read.row]
        kept = values[first - read.start - 1 :]
        found[read.row][place : place + len(kept)] = kept
    return found


def _windows(row: int, length: int, first: int, max_length: int) -> list[_Window]:
    """Windows in which each token from `first` on is scored once.

    >>> [tuple(window)[1:] for window in _windows(0, 10, 1, 4)]
    [(0, 5, 1), (2, 7, 5), (4, 9, 7), (5, 10, 9)]
    """
    windows = []
    step = max(1, max_length // 2)
    scored = first
    while scored < length:
        # The first window is as long as can be, later ones score what half a window adds.
        end = min(length, max_length + 1 if scored <= 1 else max(scored + step, max_length + 1))
        start = max(0, end - max_length - 1)
        windows.append(_Window(row, start, end, scored))
        scored = end
    return windows
