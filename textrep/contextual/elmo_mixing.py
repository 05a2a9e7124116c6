"""From the layers of a language model to one vector a word, and from those to one vector a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.core.messages import shown
from textrep.engine.batches import LengthBatches
from textrep.engine.loop import train
from textrep.engine.loss import LossSum
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task
from textrep.layers.masks import PaddingMask
from textrep.layers.pooling import pool_sequence
from textrep.layers.scalar_mix import ScalarMix

MIXES = ("mean", "concat", "last", "learned")
POOLINGS = ("mean", "max", "mean_max")

PROBE_EPOCHS = 20
PROBE_ROWS = 64
PROBE_RATE = 0.01
"""How the weights of the layers are learnt: enough for a dozen numbers on any set."""


@dataclass(frozen=True)
class Mixing:
    """How layers become one vector.

    Attributes
    ----------
    weights : float64 (n_layers,) or None
        What each layer is multiplied by before they are added up; None puts them side by side.
    """

    weights: np.ndarray | None

    def size(self, hidden_size: int, n_layers: int) -> int:
        """Dimensions of a word's vector, given those of one direction."""
        # The vector without context is there twice, of which one copy tells all.
        return 2 * hidden_size if self.weights is not None else (2 * n_layers - 1) * hidden_size

    def __call__(self, layers: Sequence[Tensor]) -> Tensor:
        """Mix layers (B, T, 2 D) into (B, T, `size`), float32."""
        if self.weights is None:
            first = layers[0][..., : layers[0].shape[-1] // 2]
            return torch.cat([first, *layers[1:]], dim=-1).float()
        mixed = torch.zeros_like(layers[0], dtype=torch.float32)
        for weight, layer in zip(self.weights.tolist(), layers, strict=True):
            mixed = mixed + weight * layer.float()
        return mixed


def check_mix(mix: Any, n_layers: int) -> None:
    """Refuse what is neither a name of `MIXES` nor one weight for each layer.

    >>> check_mix([1.0, 2.0], 3)
    Traceback (most recent call last):
    ...
    ValueError: mix has 2 weights, but there are 3 layers: that of the words alone and num_layers=2
    """
    if isinstance(mix, str):
        if mix not in MIXES:
            names = ", ".join(map(repr, MIXES))
            raise ValueError(f"mix must be {names} or a weight for each layer, got {shown(mix)}")
        return
    if not isinstance(mix, list | tuple | np.ndarray):
        raise ValueError(f"mix must be a name or a list of weights, got {shown(mix)}")
    if len(mix) != n_layers:
        raise ValueError(
            f"mix has {len(mix)} weights, but there are {n_layers} layers: that of the words alone "
            f"and num_layers={n_layers - 1}"
        )
    try:
        weights = np.asarray(mix, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"mix must hold numbers, got {shown(mix)}") from None
    if weights.ndim != 1 or not np.isfinite(weights).all() or not weights.any():
        raise ValueError(f"mix must hold finite weights, not all of them 0, got {shown(mix)}")


def mixing_of(mix: Any, n_layers: int, learned: np.ndarray | None) -> Mixing:
    """What a value of `mix` stands for.

    Parameters
    ----------
    mix : {"mean", "concat", "last", "learned"} or sequence of n_layers floats
        Weights are taken as they are: they need not add up to 1.
    n_layers : int
    learned : float64 ndarray (n_layers,) or None
        Weights that `fit` has found.

    Returns
    -------
    Mixing

    Raises
    ------
    ValueError
        When `mix` is none, or nothing was learnt.

    Examples
    --------
    >>> mixing_of("last", 3, None).weights.tolist()
    [0.0, 0.0, 1.0]
    """
    check_mix(mix, n_layers)
    if not isinstance(mix, str):
        return Mixing(np.asarray(mix, dtype=np.float64))
    if mix == "concat":
        return Mixing(None)
    if mix == "learned":
        if learned is None:
            raise ValueError("mix='learned' is learnt in fit: fit again with it, and with labels")
        return Mixing(learned)
    if mix == "last":
        return Mixing(np.eye(n_layers)[-1])
    return Mixing(np.full(n_layers, 1 / n_layers))


class PooledPieces(NamedTuple):
    """Sums and maxima over the words of pieces of texts, (n_pieces, K) each."""

    sums: np.ndarray
    maxima: np.ndarray

    def of_texts(
        self, text: np.ndarray, n_words: np.ndarray, pooling: str, size: int
    ) -> np.ndarray:
        """Vectors of texts from those of their pieces.

        Parameters
        ----------
        text : int64 (n_pieces,)
            The text that each piece is of, ascending.
        n_words : int64 (n_texts,)
        pooling : {"mean", "max", "mean_max"}
        size : int
            K.

        Returns
        -------
        float32 ndarray (n_texts, K), or (n_texts, 2 K) for "mean_max"
            Zeros for a text without words.
        """
        mean = np.zeros((len(n_words), size), dtype=np.float32)
        most = np.zeros((len(n_words), size), dtype=np.float32)
        if len(text):
            first = np.flatnonzero(np.diff(text, prepend=-1))
            some = text[first]
            mean[some] = np.add.reduceat(self.sums, first) / n_words[some, None]
            most[some] = np.maximum.reduceat(self.maxima, first)
        parts = {"mean": [mean], "max": [most], "mean_max": [mean, most]}[pooling]
        return np.concatenate(parts, axis=1)


def pool_words(vectors: Tensor, lengths: Tensor) -> Tensor:
    """Sum and maximum of the words of each piece, without the marks around it.

    Parameters
    ----------
    vectors : Tensor (B, T, K)
    lengths : int64 Tensor (B,)
        Words and two marks.

    Returns
    -------
    Tensor (B, 2, K)
    """
    words = vectors[:, 1:-1]
    mask = PaddingMask.from_lengths(lengths - 2, words.shape[1])
    sums = words.masked_fill(~mask.keep[..., None], 0).sum(dim=1)
    return torch.stack([sums, pool_sequence(words, mask, "max")], dim=1)


class _Probe(Task):
    """A linear classifier over the mixed layers of texts."""

    def __init__(self, n_layers: int, size: int, n_classes: int) -> None:
        super().__init__()
        self.mix = ScalarMix(n_layers)
        self.classify = nn.Linear(size, n_classes)

    def loss(self, phase: str, batch: tuple[Tensor, Tensor]) -> LossSum:
        layers, classes = batch  # (B, n_layers, size), (B,)
        scores = self.classify(self.mix(list(layers.unbind(1))))
        return LossSum(functional.cross_entropy(scores, classes, reduction="sum"), len(classes))


def learn_weights(
    layers: np.ndarray, classes: np.ndarray, *, seed: int, device: str = "auto"
) -> np.ndarray:
    r"""Learn what each layer weighs by telling classes apart.

    A linear classifier over :math:`\gamma \sum_j s_j h_j` is trained on the mean vectors h_j of
    the layers; only the weights are kept.

    Parameters
    ----------
    layers : float32 ndarray (n_texts, n_layers, size)
        Scaled here to a mean of 0 and a variance of 1 over all of a layer.
    classes : int64 ndarray (n_texts,)
    seed : int
    device : str, default="auto"

    Returns
    -------
    float64 ndarray (n_layers,)
        Weights for the layers as they were given; they are positive and the classes' :math:`\gamma`
        is left out, which scales all dimensions alike.
    """
    scale = layers.std(axis=(0, 2)) + np.float32(1e-6)
    scaled = (layers - layers.mean(axis=0)) / scale[:, None]
    inputs, outputs = torch.from_numpy(scaled.astype(np.float32)), torch.from_numpy(classes)

    def collate(rows: np.ndarray) -> tuple[Tensor, Tensor]:
        return inputs[rows], outputs[rows]

    batches = LengthBatches(np.ones(len(classes)), collate, max_rows=PROBE_ROWS, seed=seed)
    with torch_seed(seed):
        probe = _Probe(layers.shape[1], layers.shape[2], int(classes.max()) + 1)
    settings = TrainingSettings(epochs=PROBE_EPOCHS, learning_rate=PROBE_RATE, schedule="linear")
    train(probe, batches, settings, seed=seed, device=device, precision="fp32")
    weights = probe.mix.normalized_weights().detach().double().numpy()
    return np.asarray(weights / scale.astype(np.float64))
