"""How likely a Transformer takes given continuations of prompts to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.engine.batches import pad
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.generation.gpt_module import GPTModule
from textrep.generation.window_likelihood import token_log_likelihoods

_MOST_TOKENS = 8192  # of a batch


class _Batch(NamedTuple):
    """Rows of tokens, and what is to be predicted where: M predictions, row after row."""

    inputs: torch.Tensor  # int64 (B, T)
    lengths: torch.Tensor  # int64 (B,)
    rows: torch.Tensor  # int64 (M,)
    places: torch.Tensor  # int64 (M,)
    targets: torch.Tensor  # int64 (M,)


class _Read:
    """A row of tokens that is read once, and the pairs of prompt and continuation it is read for.

    The last token of a continuation is predicted and not read: continuations of one token need
    their prompt read once, however many they are.
    """

    def __init__(self, row: NDArray[np.integer]) -> None:
        self.row = row
        self.pairs: list[int] = []


def continuation_log_likelihoods(
    module: GPTModule,
    prompts: Sequence[NDArray[np.integer]],
    continuations: Sequence[NDArray[np.integer]],
    *,
    eos: int,
    device: str,
    precision: str,
) -> NDArray[np.float64]:
    """Log-likelihood of each continuation of its prompt.

    Parameters
    ----------
    module : GPTModule
    prompts, continuations : sequences of integer arrays, of one length
        What of a prompt does not fit into the window together with its continuation is left out,
        from its beginning on.
    eos : int
        Stands before each prompt.
    device, precision : str

    Returns
    -------
    float64 ndarray (n,)
        In nats.
    """
    found = np.zeros(len(prompts))
    reads: dict[bytes, _Read] = {}
    too_long = []
    for number, (prompt, rest) in enumerate(zip(prompts, continuations, strict=True)):
        if len(rest) > module.max_length:
            too_long.append(number)
        elif len(rest):
            row = np.array([eos, *prompt, *rest[:-1]], dtype=np.int32)[-module.max_length :]
            reads.setdefault(row.tobytes(), _Read(row)).pairs.append(number)
    _score(module, list(reads.values()), continuations, found, device, precision)
    if too_long:
        rows = [np.array([eos, *prompts[i], *continuations[i]], dtype=np.int32) for i in too_long]
        skipped = [len(prompts[i]) + 1 for i in too_long]
        values = token_log_likelihoods(
            module, rows, device=device, precision=precision, skipped=skipped
        )
        found[too_long] = [value.sum() for value in values]
    return found


def _score(
    module: GPTModule,
    reads: list[_Read],
    continuations: Sequence[NDArray[np.integer]],
    found: NDArray[np.float64],
    device: str,
    precision: str,
) -> None:
    """Fill in what is found for the pairs of all rows."""

    def collate(numbers: np.ndarray) -> _Batch:
        rows, places, targets = [], [], []
        for number, i in enumerate(numbers):
            for pair in reads[i].pairs:
                rest = continuations[pair]
                end = len(reads[i].row)
                rows.append(np.full(len(rest), number))
                places.append(np.arange(end - len(rest), end))
                targets.append(rest)
        return _Batch(
            pad([reads[i].row for i in numbers]),
            torch.tensor([len(reads[i].row) for i in numbers]),
            *(
                torch.from_numpy(np.concatenate(parts).astype(np.int64))
                for parts in (rows, places, targets)
            ),
        )

    def score(batch: _Batch) -> list[torch.Tensor]:
        hidden = module.hidden(batch.inputs, lengths=batch.lengths)
        hidden = hidden[batch.rows, batch.places]  # (M, D)
        nll = module.output.nll(hidden, batch.targets).float().cpu()
        counts = torch.bincount(batch.rows.cpu(), minlength=len(batch.inputs))
        return list(nll.split(counts.tolist()))

    chosen = choose_device(device)
    with lent_to(module, chosen):
        answers = apply_in_batches(
            score,
            np.array([len(read.row) for read in reads], dtype=np.int64),
            collate,
            device=chosen,
            precision=precision,
            max_tokens=_MOST_TOKENS,
        )
    for read, answer in zip(reads, answers, strict=True):
        ends = np.cumsum([len(continuations[pair]) for pair in read.pairs])
        parts = np.split(-np.asarray(answer, dtype=np.float64), ends[:-1])
        for pair, values in zip(read.pairs, parts, strict=True):
            found[pair] = values.sum()
