"""How likely texts are to a recurrent language model, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.engine.batches import pad
from textrep.engine.device import autocast, choose_device, choose_precision
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.generation.cache_pointer import NeuralCache
from textrep.generation.recurrent_module import RecurrentLM

WINDOW = 512
"""Steps computed at a time; the state goes on from one window to the next."""


class PredictedRows(NamedTuple):
    """A batch of texts: what is read, what is to be predicted, and which tokens of it count."""

    inputs: torch.Tensor  # int64 (B, T)
    targets: torch.Tensor  # int64 (B, T)
    counted: torch.Tensor  # bool (B, T)


def text_log_likelihoods(
    module: RecurrentLM,
    rows: Sequence[NDArray[np.integer]],
    *,
    eos: int,
    device: str,
    precision: str,
) -> NDArray[np.float64]:
    """Log-likelihood of each text, read from a fresh state.

    Parameters
    ----------
    module : RecurrentLM
    rows : sequence of integer arrays
        Tokens of each text.
    eos : int
        Stands before each text, and is predicted after it.
    device, precision : str

    Returns
    -------
    float64 ndarray (n_texts,)
        In nats, that of `eos` among them.
    """
    whole = [np.concatenate([[eos], row, [eos]]) for row in rows]
    return _sums(module, whole, [1] * len(whole), device, precision)


def continuation_log_likelihoods(
    module: RecurrentLM,
    prompts: Sequence[NDArray[np.integer]],
    continuations: Sequence[NDArray[np.integer]],
    *,
    eos: int,
    device: str,
    precision: str,
) -> NDArray[np.float64]:
    """Log-likelihood of each continuation, after its prompt has been read from a fresh state.

    Parameters
    ----------
    module : RecurrentLM
    prompts, continuations : sequences of integer arrays, of one length
    eos : int
        Stands before each prompt.
    device, precision : str

    Returns
    -------
    float64 ndarray (n,)
        In nats.
    """
    pairs = list(zip(prompts, continuations, strict=True))
    whole = [np.concatenate([[eos], *pair]).astype(np.int64) for pair in pairs]
    return _sums(module, whole, [len(prompt) + 1 for prompt in prompts], device, precision)


def _sums(
    module: RecurrentLM,
    rows: Sequence[NDArray[np.integer]],
    firsts: Sequence[int],
    device: str,
    precision: str,
) -> NDArray[np.float64]:
    """Log-likelihood of the tokens of each row from its first counted one on, 1 at least."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    skipped = np.array(firsts, dtype=np.int64)

    def collate(numbers: np.ndarray) -> PredictedRows:
        whole = pad([rows[i] for i in numbers])
        places = np.arange(1, whole.shape[1])
        counted = (places >= skipped[numbers, None]) & (places < lengths[numbers, None])
        return PredictedRows(whole[:, :-1], whole[:, 1:], torch.from_numpy(counted))

    chosen = choose_device(device)
    with lent_to(module, chosen):
        found = apply_in_batches(
            lambda batch: _row_log_likelihoods(module, batch),
            np.maximum(lengths - 1, 1),
            collate,
            device=chosen,
            precision=precision,
        )
    return np.array([float(value) for value in found], dtype=np.float64)


def _row_log_likelihoods(module: RecurrentLM, batch: PredictedRows) -> torch.Tensor:
    """Sums over the counted tokens of each row (B,), on the CPU."""
    total = torch.zeros(len(batch.inputs), dtype=torch.float64)
    state = None
    parts = (table.split(WINDOW, dim=1) for table in batch)
    for inputs, targets, counted in zip(*parts, strict=True):
        # Padding follows the tokens, so that it cannot disturb them.
        layers, state = module.forward_states(inputs, None, state)
        nll = module.output.nll(layers[-1].flatten(0, 1), targets.flatten())
        total -= (nll.view_as(targets) * counted).cpu().double().sum(dim=1)
    return total


def stream_log_likelihoods(
    module: RecurrentLM,
    ids: NDArray[np.integer],
    *,
    device: str,
    precision: str,
    cache: NeuralCache | None = None,
) -> NDArray[np.float64]:
    """Log-likelihood of each token of a long text but the first, given all before it.

    Parameters
    ----------
    module : RecurrentLM
    ids : integer array (n_tokens,)
    device, precision : str
    cache : NeuralCache, optional
        With nothing in it yet.

    Returns
    -------
    float64 ndarray (n_tokens - 1,)
        In nats.
    """
    chosen = choose_device(device)
    precision = choose_precision(precision, chosen)
    tokens = torch.from_numpy(np.asarray(ids, dtype=np.int64))
    state, found = None, []
    with lent_to(module, chosen), torch.inference_mode():
        for first in range(0, len(tokens) - 1, WINDOW):
            part = tokens[first : first + WINDOW + 1].to(chosen)
            with autocast(chosen, precision):
                layers, state = module.forward_states(part[None, :-1], None, state)
                hidden, targets = layers[-1][0], part[1:]  # (T, H), (T,)
                nll = module.output.nll(hidden, targets)
            if cache is not None:  # in full precision: its likenesses are exponents
                nll = cache.mix(nll, hidden, targets)
            found.append(-nll.cpu().double().numpy())
    return np.concatenate(found)
