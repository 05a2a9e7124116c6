"""Pairs of texts as numbers, and as batches."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.text import check_texts
from textrep.engine.batches import pad
from textrep.preprocess.codec import TextCodec

BOS, EOS = TextCodec.BOS, TextCodec.EOS

Rows = list[NDArray[np.int32]]
"""Numbers of the units of each text."""


class Sources(NamedTuple):
    """A batch of texts to read.

    Attributes
    ----------
    ids : Tensor of int64, (B, S)
        Units and the end sign, then padding.
    lengths : Tensor of int64, (B,)
        At least 1.
    """

    ids: torch.Tensor
    lengths: torch.Tensor


class Pairs(NamedTuple):
    """A batch of texts to read and of texts to write.

    Attributes
    ----------
    sources : Sources
    inputs : Tensor of int64, (B, T)
        The sign of the beginning, then the units: what comes before each unit to be written.
    targets : Tensor of int64, (B, T)
        The units, then the end sign: ``targets[:, t]`` is ``inputs[:, t + 1]``.
    lengths : Tensor of int64, (B,)
        Of the targets, end sign included.
    """

    sources: Sources
    inputs: torch.Tensor
    targets: torch.Tensor
    lengths: torch.Tensor


def read_pairs(X: Any, y: Any, names: tuple[str, str] = ("X", "y")) -> tuple[list[str], list[str]]:
    """Texts and what is to be made of each.

    Raises
    ------
    TextInputError
        If one of both is not an iterable of str.
    ValueError
        If there are more of one than of the other.
    """
    sources = check_texts(X, name=names[0])
    targets = check_texts(y, name=names[1])
    if len(sources) != len(targets):
        raise ValueError(
            f"{names[1]} has {len(targets)} texts and {names[0]} has {len(sources)}; give one "
            "target for each source"
        )
    return sources, targets


def ended(rows: Rows, longest: int | None = None) -> Rows:
    """Rows with the end sign behind, cut before it where they are longer.

    >>> [row.tolist() for row in ended([np.array([5, 6, 7])], 2)]
    [[5, 6, 3]]
    """
    return [np.append(row[:longest], EOS) for row in rows]


def collate_sources(sources: Rows, numbers: NDArray[np.int64]) -> Sources:
    """Some of the rows, which end with the end sign, as a batch."""
    rows = [sources[number] for number in numbers]
    return Sources(pad(rows), torch.tensor([len(row) for row in rows]))


def collate_pairs(sources: Rows, targets: Rows, numbers: NDArray[np.int64]) -> Pairs:
    """Some of the pairs, whose rows all end with the end sign, as a batch."""
    rows = [targets[number] for number in numbers]
    return Pairs(
        collate_sources(sources, numbers),
        pad([np.append(BOS, row[:-1]) for row in rows]),
        pad(rows),
        torch.tensor([len(row) for row in rows]),
    )


def costs_of(sources: Rows, targets: Rows) -> NDArray[np.int64]:
    """Units of each pair, by which pairs of similar length are found."""
    return np.array(
        [len(a) + len(b) for a, b in zip(sources, targets, strict=True)], dtype=np.int64
    )


def padded_costs_of(sources: Rows, targets: Rows) -> NDArray[np.int64]:
    """Twice the units of the longer side of each pair, which no padding makes more.

    Pairs of similar cost have less padding than those that `costs_of` brings together: half of it
    for sentences and their translations.
    """
    return np.array(
        [2 * max(len(a), len(b)) for a, b in zip(sources, targets, strict=True)], dtype=np.int64
    )


def fingerprint(*parts: Sequence[NDArray[np.int32]]) -> list[int]:
    """A checksum of each list of rows."""
    return [zlib.crc32(np.concatenate(rows).tobytes()) if rows else 0 for rows in parts]
