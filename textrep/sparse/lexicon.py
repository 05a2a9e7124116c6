"""A set of distinct tokens as arrays the kernels share, in the order of their numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from textrep.sparse.kernels import lexicon as kernels

SLACK = 8
"""Bytes behind the last token, so that kernels may read eight at a time."""

SORTED_AS_NUMBERS = 32
"""Bytes compared as numbers; the few strings that agree so far are left to Python's sort."""


def pack_strings(strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 of all strings in one uint8 array with slack, and int64 offsets (n + 1,). Lone
    surrogates are kept.
    """
    encoded = [s.encode("utf-8", "surrogatepass") for s in strings]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)), out=offsets[1:])
    return np.frombuffer(b"".join(encoded) + bytes(SLACK), dtype=np.uint8), offsets


def unpack_strings(arena: np.ndarray, offsets: np.ndarray) -> list[str]:
    """Undo `pack_strings`."""
    begin = int(offsets[0])
    packed = arena[begin : int(offsets[-1])].tobytes()
    cuts = (offsets - begin).tolist()
    if packed.isascii():
        text = packed.decode()
        return [text[a:b] for a, b in itertools.pairwise(cuts)]
    return [packed[a:b].decode("utf-8", "surrogatepass") for a, b in itertools.pairwise(cuts)]


def sort_packed(arena: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Order that sorts packed strings by code point: int64 (n,), as ``argsort`` gives it.

    Eight bytes are compared at a time, as one number; only strings that agree so far meet in the
    next round. (UTF-8 sorts as code points do.)
    """
    n = len(offsets) - 1
    order = np.arange(n)
    group = np.zeros(n, dtype=np.int64)
    places = np.arange(n)
    for depth in range(0, SORTED_AS_NUMBERS, 8):
        keys = kernels.sort_keys_at(arena, offsets, order[places], depth)
        inner = np.argsort(keys) if depth == 0 else np.lexsort((keys, group[places]))
        order[places] = order[places][inner]
        keys = keys[inner]
        fresh = np.ones(len(places), dtype=bool)
        fresh[1:] = (keys[1:] != keys[:-1]) | (group[places][1:] != group[places][:-1])
        group[places] = places[np.maximum.accumulate(np.where(fresh, np.arange(len(places)), 0))]
        tied = ~fresh
        tied[:-1] |= ~fresh[1:]
        places = places[tied]
        if not len(places):
            return order
    raw = arena.tobytes()
    tail = zip(group[places].tolist(), order[places].tolist(), strict=True)
    ranked = sorted((g, raw[offsets[i] : offsets[i + 1]], i) for g, i in tail)
    order[places] = [i for _, _, i in ranked]
    return order


class Lexicon:
    """Distinct tokens, numbered from 0 in the order they were added.

    Attributes
    ----------
    table, arena, offsets : arrays, see `textrep.sparse.kernels.lexicon`; ``offsets`` may be
        longer than needed
    size : number of tokens
    n_stop : the first so many are stop words, which `tokenize` leaves out
    """

    def __init__(self, stop_words: Sequence[str] = (), capacity: int = 1 << 10) -> None:
        self.table = np.zeros(2 * capacity, dtype=np.uint64)
        self.arena = np.zeros(1 << 12, dtype=np.uint8)
        self.offsets = np.zeros(capacity, dtype=np.int64)
        self.size = 0
        if stop_words:
            self.insert(*pack_strings(stop_words))
        self.n_stop = self.size

    def insert(self, arena: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Add packed strings; the number of each, int32."""
        ids = np.empty(len(offsets) - 1, dtype=np.int32)
        self.table, self.arena, self.offsets, self.size = kernels.insert_tokens(
            arena, offsets, self.table, self.arena, self.offsets, self.size, ids
        )
        return ids

    def packed(self, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Arena and offsets of the tokens from number ``first`` on."""
        return self.arena, self.offsets[first : self.size + 1]
