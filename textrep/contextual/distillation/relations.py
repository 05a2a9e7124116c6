"""Attention relations: which tokens resemble which, as queries, as keys and as values (MiniLMv2).

A relation does not depend on how many dimensions or heads a network has, so that a student of any
width can be held to that of its teacher.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.layers.masks import PaddingMask

HEAD_SIZE = 16
"""Dimensions of a relation head where nothing else is said: 48 heads of 768, as in the paper."""

_SEPARATE = (("query", "key", "value"), ("q_lin", "k_lin", "v_lin"), ("q_proj", "k_proj", "v_proj"))
_TOGETHER = "Wqkv"


class Projections(NamedTuple):
    """What a layer of attention compares and collects, each (B, T, D)."""

    queries: Tensor
    keys: Tensor
    values: Tensor


class ProjectionTap:
    """Reads the queries, keys and values of one layer while a network runs.

    Parameters
    ----------
    module : nn.Module
        An encoder of transformers with BERT's kind of attention (BERT, RoBERTa, ELECTRA, ALBERT,
        DistilBERT, ModernBERT).
    n_layers : int
        Layers that it runs through; ALBERT's are one module.
    layer : int, default=-1
        From 0, or from the last with negative numbers.

    Raises
    ------
    ValueError
        If the network has no such projections (XLNet's are no layers of their own), or no such
        layer.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> layer = nn.Module()
    >>> layer.query, layer.key, layer.value = (nn.Linear(2, 2) for _ in range(3))
    >>> tap = ProjectionTap(nn.ModuleList([layer]), n_layers=1)
    >>> with tap.reading() as found:
    ...     outputs = [part(torch.ones(1, 3, 2)) for part in (layer.query, layer.key, layer.value)]
    >>> found().values is outputs[2]
    True
    """

    def __init__(self, module: nn.Module, n_layers: int, layer: int = -1) -> None:
        places = _attention_places(module)
        if not places:
            raise ValueError(
                f"{type(module).__name__} has no projections of queries, keys and values that can "
                "be read; set relations=False"
            )
        if not -n_layers <= layer < n_layers:
            raise ValueError(f"teacher_layer must be below the {n_layers} layers, got {layer}")
        number = layer % n_layers
        if len(places) == n_layers:
            self._parts, self._call = places[number], 0
        elif len(places) == 1:  # ALBERT: one module is called once a layer
            self._parts, self._call = places[0], number
        else:
            raise ValueError(
                f"{type(module).__name__} has {n_layers} layers that share {len(places)} sets of "
                "weights; set relations=False"
            )

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Inside, the network keeps what is asked for; the value is a function that gives the
        `Projections` once it has run.
        """
        outputs: list[list[Tensor]] = [[] for _ in self._parts]

        def keep(place: list[Tensor]) -> Any:
            return lambda module, args, output: place.append(output)

        handles = [
            part.register_forward_hook(keep(place))
            for part, place in zip(self._parts, outputs, strict=True)
        ]
        try:
            yield lambda: self._read(outputs)
        finally:
            for handle in handles:
                handle.remove()

    def _read(self, outputs: list[list[Tensor]]) -> Projections:
        found = [place[self._call] for place in outputs]
        return Projections(*(found[0].chunk(3, dim=-1) if len(found) == 1 else found))


def has_projections(module: nn.Module) -> bool:
    """Whether a network has queries, keys and values that `ProjectionTap` can read."""
    return bool(_attention_places(module))


def _attention_places(module: nn.Module) -> list[tuple[nn.Module, ...]]:
    """The projections of each layer, in their order."""
    places: list[tuple[nn.Module, ...]] = []
    for part in module.modules():
        if isinstance(together := getattr(part, _TOGETHER, None), nn.Module):
            places.append((together,))
        for names in _SEPARATE:
            parts = tuple(getattr(part, name, None) for name in names)
            if all(isinstance(one, nn.Module) for one in parts):
                places.append(parts)  # type: ignore[arg-type]
    return places


def relation_heads_for(student: int, teacher: int, heads: int | None = None) -> int:
    """Relation heads of networks of two widths.

    Parameters
    ----------
    student, teacher : int
        Hidden sizes.
    heads : int or None, default=None
        None for as many as make heads of 16 dimensions in the narrower one, or the next smaller
        number that divides both.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a number is given that does not divide both.

    Examples
    --------
    >>> relation_heads_for(768, 768), relation_heads_for(384, 1024)
    (48, 16)
    """
    common = math.gcd(student, teacher)
    if heads is None:
        most = max(1, min(student, teacher) // HEAD_SIZE)
        return next(number for number in range(most, 0, -1) if common % number == 0)
    if heads < 1 or common % heads:
        raise ValueError(
            f"relation_heads must divide the hidden sizes {student} and {teacher}, got {heads}"
        )
    return heads


def relation_divergence(student: Tensor, teacher: Tensor, lengths: Tensor, n_heads: int) -> Tensor:
    """How far the student's relation of tokens is from the teacher's.

    Vectors are cut into heads; in each, softmax(x x' / sqrt(size)) says how a token relates to all
    tokens of its row. Padding neither relates nor is related to.

    Parameters
    ----------
    student : Tensor, shape (B, T, D)
        Queries, keys or values.
    teacher : Tensor, shape (B, T, E)
        The same of the teacher, whose size may be another.
    lengths : int64 Tensor, shape (B,)
    n_heads : int
        Divides D and E; see `relation_heads_for`.

    Returns
    -------
    Tensor, scalar
        Kullback-Leibler divergence in nats, summed over the real tokens and averaged over heads.

    References
    ----------
    W. Wang et al.: MiniLMv2: Multi-head self-attention relation distillation for compressing
    pretrained transformers, Findings of ACL 2021, section 3.

    Examples
    --------
    >>> vectors = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> float(relation_divergence(vectors, vectors, torch.tensor([2]), 1))
    0.0
    """
    keep = PaddingMask.from_lengths(lengths, student.shape[1]).keep  # (B, T)
    own, wanted = (_log_relation(x, keep, n_heads) for x in (student, teacher))  # (B, R, T, T)
    each = functional.kl_div(own, wanted, reduction="none", log_target=True).sum(dim=-1)
    return (each.mean(dim=1) * keep).sum()


def _log_relation(vectors: Tensor, keep: Tensor, n_heads: int) -> Tensor:
    B, T, D = vectors.shape
    heads = vectors.float().view(B, T, n_heads, D // n_heads).transpose(1, 2)  # (B, R, T, D/R)
    scores = heads @ heads.transpose(2, 3) / math.sqrt(D // n_heads)  # (B, R, T, T)
    # Half of the least number, from which what softmax takes away leaves a finite one.
    scores = scores.masked_fill(~keep[:, None, None, :], torch.finfo(scores.dtype).min / 2)
    return functional.log_softmax(scores, dim=-1)
