"""`Mixture`: a network, counts of training files and a cache of the file, weighed by a gate.

How much each is to be believed depends on the place: where the file repeats itself the cache knows
best, where training files had the same many words the counts do. The gate sees how long the
contexts are that were found, how often, and what each of the three holds of the others' best guess;
it is trained on files that the three have not learnt from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textrep.engine.batches import LengthBatches
from textrep.engine.loop import train
from textrep.engine.loss import LossSum
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task
from textrep.generation.code.context_index import Tokens
from textrep.generation.code.unit_counts import FileCache, KneserNey, Prediction
from textrep.generation.gpt_module import GPTModule

N_PARTS = 3
_HIDDEN = 32
_STEPS = 200
_LEARNING_RATE = 0.02
_WEIGHT_DECAY = 0.3  # of 1e-4 to 0.3 the best for validation files
_DEEPEST = 8  # tokens of a context, from which on there is no difference
_WINDOWS_FOR_ONE = 4  # windows that are read, for each whose places are as many as are wanted
_AT_ONCE = 64  # places whose distributions are in memory together
CONTEXT = 32
"""Tokens that counts and cache look back at, at most."""

_LEAST = 1e-6  # a probability is at least this, in the features
N_FEATURES = N_PARTS * N_PARTS + N_PARTS + 2 * (_DEEPEST + 3)


class Gate(nn.Module):
    """Features of a place -> how much each part is believed there.

    Examples
    --------
    >>> Gate()(torch.zeros(5, N_FEATURES)).sum(dim=1).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(N_FEATURES, _HIDDEN)
        self.outer = nn.Linear(_HIDDEN, N_PARTS)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Weights (N, 3), which sum to 1, for features (N, F)."""
        weights: Tensor = self.outer(torch.tanh(self.inner(features))).softmax(dim=1)
        return weights

    def learn(
        self,
        features: NDArray[np.float32],
        likelihoods: NDArray[np.float64],
        *,
        device: str = "cpu",
    ) -> float:
        """Find the weights that make what came likeliest.

        Parameters
        ----------
        features : float32 array (N, F)
        likelihoods : float64 array (N, 3)
            What each part gave to the token that came.
        device : str, default="cpu"

        Returns
        -------
        float
            Mean log-likelihood of the mixture before the last step, in nats.
        """
        x = torch.from_numpy(features)
        p = torch.from_numpy(likelihoods).float()
        one_batch = LengthBatches(
            np.ones(len(x), dtype=np.int64),
            lambda rows: _Places(x[rows], p[rows]),
            max_rows=len(x),
            shuffle=False,
        )
        settings = TrainingSettings(
            epochs=_STEPS,
            learning_rate=_LEARNING_RATE,
            weight_decay=_WEIGHT_DECAY,
            schedule="cosine",
        )
        outcome = train(_GateTask(self), one_batch, settings, device=device, precision="fp32")
        return -float(outcome.history[-1]["loss"])


class _Places(NamedTuple):
    features: Tensor  # float32 (N, F)
    likelihoods: Tensor  # float32 (N, 3)


class _GateTask(Task):
    """What makes the tokens that came likeliest."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate

    def loss(self, phase: str, batch: _Places) -> LossSum:
        """Sum of the negative log-likelihoods of the mixture, in nats."""
        likely = (self.gate(batch.features) * batch.likelihoods).sum(dim=1)
        return LossSum(-likely.clamp(min=_LEAST**2).log().sum(), float(len(likely)))


def features_of(
    network: NDArray[np.float64], counts: Prediction, cache: Prediction
) -> NDArray[np.float32]:
    """What the gate sees of a place, float32 (F,).

    Parameters
    ----------
    network : float64 array (V,)
        Probabilities.
    counts, cache : Prediction
    """
    parts = (network, counts.probabilities, cache.probabilities)
    guesses = [int(part.argmax()) for part in parts]
    held = np.array([part[guess] for part in parts for guess in guesses])
    agree = [guesses[0] == guesses[1], guesses[0] == guesses[2], guesses[1] == guesses[2]]
    found = [np.log(np.maximum(held, _LEAST)) / -np.log(_LEAST), np.array(agree, dtype=float)]
    for part in (counts, cache):
        depth = np.zeros(_DEEPEST + 1)
        depth[min(part.depth, _DEEPEST)] = 1.0
        found += [depth, np.log1p([part.total, part.n_different]) / 10.0]
    return np.concatenate(found).astype(np.float32)


class Mixture:
    """What comes next in a file.

    Parameters
    ----------
    counts : KneserNey
    gate : Gate
    """

    def __init__(self, counts: KneserNey, gate: Gate) -> None:
        self.counts = counts
        self.gate = gate

    def probabilities(
        self,
        network: NDArray[np.float64],
        contexts: Sequence[Tokens],
        cache: FileCache,
        ends: Sequence[int] | None = None,
    ) -> NDArray[np.float64]:
        """Probabilities (N, V) of what comes next.

        Parameters
        ----------
        network : float64 array (N, V)
            Those of the network.
        contexts : sequence of N sequences of int
            Tokens before each place.
        cache : FileCache
        ends : sequence of N int, optional
            Up to where the cache is known.
        """
        parts, features = self.parts(network, contexts, cache, ends)
        with torch.inference_mode():
            weights = self.gate(torch.from_numpy(features)).double().numpy()  # (N, 3)
        mixed: NDArray[np.float64] = np.einsum("nk,nkv->nv", weights, parts)
        return mixed

    def parts(
        self,
        network: NDArray[np.float64],
        contexts: Sequence[Tokens],
        cache: FileCache,
        ends: Sequence[int] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """What the three say, (N, 3, V), and what the gate sees, (N, F)."""
        found = np.empty((len(network), N_PARTS, network.shape[1]))
        features = np.empty((len(network), N_FEATURES), dtype=np.float32)
        for row, context in enumerate(contexts):
            counted = self.counts.predict(context)
            cached = cache.predict(context, None if ends is None else ends[row])
            found[row] = network[row], counted.probabilities, cached.probabilities
            features[row] = features_of(network[row], counted, cached)
        return found, features


def network_windows(
    module: GPTModule, ids: Tokens, start: int, *, wanted: Callable[[], bool] = lambda: True
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The network's probabilities all along a file.

    Parameters
    ----------
    module : GPTModule
        In evaluation mode, on the CPU.
    ids : sequence of int
        Tokens of the file.
    start : int
        The token that stands before it.
    wanted : callable, optional
        Asked before each window whether it is to be read, as all are when it is left out.

    Yields
    ------
    place : int
        The first token that is predicted.
    probabilities : float64 array (n, V)
        Of this token and those after it. Windows overlap by half, so that each token has half a
        window before it, where there is as much.
    """
    stream = torch.tensor([start, *map(int, ids)])
    window = module.max_length
    done = 0
    while done < len(stream) - 1:
        begin = max(0, done - window // 2)
        part = stream[begin : begin + window][: len(stream) - 1 - begin]
        if wanted():
            yield done, _read(module, part, done - begin)
        done = begin + len(part)


@torch.inference_mode()
def _read(module: GPTModule, part: Tensor, first: int) -> NDArray[np.float64]:
    """Probabilities after each token of a window, from one on."""
    scores = module.scores(module.hidden(part[None])[0, first:])
    found: NDArray[np.float64] = scores.softmax(dim=-1).double().numpy()
    return found


def gate_examples(
    module: GPTModule,
    mixture: Mixture,
    rows: Sequence[NDArray[np.integer]],
    start: int,
    most: int,
    rng: np.random.Generator,
    make_cache: Any,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Features (N, F) and likelihoods (N, 3) at places of files, about `most` of them."""
    share = min(1.0, most / max(1, sum(map(len, rows))))
    # Some places of some windows: those of one window are alike, and reading one takes time.
    read = min(1.0, _WINDOWS_FOR_ONE * share)
    features, likelihoods = [], []
    for row in rows:
        cache = make_cache(row)
        windows = network_windows(module, row, start, wanted=lambda: rng.random() < read)
        for first, network in windows:
            chosen = np.flatnonzero(rng.random(len(network)) < share / read)
            places = first + chosen
            contexts = [row[max(0, place - CONTEXT) : place] for place in places]
            parts, seen = mixture.parts(network[chosen], contexts, cache, places.tolist())
            likelihoods.append(parts[np.arange(len(chosen)), :, row[places]])
            features.append(seen)
    if not features:
        return np.zeros((0, N_FEATURES), dtype=np.float32), np.zeros((0, N_PARTS))
    return np.concatenate(features), np.concatenate(likelihoods)


def mixture_log_likelihoods(
    module: GPTModule,
    mixture: Mixture,
    row: NDArray[np.integer],
    start: int,
    make_cache: Any,
) -> NDArray[np.float64]:
    """Log-likelihood of each token of a file, float64 (n,), in nats."""
    cache = make_cache(row)
    found = []
    for first, network in network_windows(module, row, start):
        for begin in range(0, len(network), _AT_ONCE):
            part = network[begin : begin + _AT_ONCE]
            places = np.arange(first + begin, first + begin + len(part))
            contexts = [row[max(0, place - CONTEXT) : place] for place in places]
            p = mixture.probabilities(part, contexts, cache, places.tolist())
            found.append(np.log(p[np.arange(len(part)), row[places]]))
    return np.concatenate(found) if found else np.zeros(0)
