"""Two vocabularies as one: the trie that the documents of both would have given."""

from __future__ import annotations

import numpy as np

from textrep.sparse.kernels import lexicon as lexicon_kernels
from textrep.sparse.kernels import merging as kernels
from textrep.sparse.lexicon import Lexicon, sort_packed
from textrep.sparse.numbering import LARGEST_NUMBER, Level, TooManyNgrams, place_terms
from textrep.sparse.trie import Trie


def merge_tries(first: Trie, second: Trie) -> tuple[Trie, np.ndarray, np.ndarray]:
    """Merge two vocabularies learnt from consecutive documents.

    Returns
    -------
    trie : Trie
        Of the terms of both; those of ``first`` count as met before those of ``second``.
    columns_of_first, columns_of_second : int64 (n_terms,)
        New column of each old one.
    """
    arena, offsets, symbols = _merge_symbols(first, second)
    n_symbols = len(offsets) - 1
    levels: list[Level] = []
    included: list[np.ndarray] = []
    nodes: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for depth in range(max(len(first.levels), len(second.levels))):
        keys = [
            _keys(trie, depth, number_of, n_symbols, found)
            for trie, number_of, found in zip((first, second), symbols, nodes, strict=True)
        ]
        merged, *places = _merge_keys(*keys)
        parent, symbol = np.divmod(merged, max(1, n_symbols))
        levels.append(
            Level(
                parent.astype(np.int32) if depth else np.empty(0, np.int32),
                symbol.astype(np.int32),
                np.empty(0),
            )
        )
        flags = np.zeros(len(merged), dtype=bool)
        for trie, place, found in zip((first, second), places, nodes, strict=True):
            found.append(place)
            if depth < len(trie.levels):
                flags[place[trie.levels[depth].column >= 0]] = True
        included.append(flags)
    place_terms(levels, included)
    of_first = _new_columns(first, levels, nodes[0])
    of_second = _new_columns(second, levels, nodes[1])
    n_terms = int(sum(flags.sum() for flags in included))
    met = _met(first, second, of_first, of_second, n_terms)
    return Trie(arena, offsets, levels, met, first.words), of_first, of_second


def _merge_symbols(
    first: Trie, second: Trie
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The symbols of both packed in alphabetical order, and the number there of each one's own."""
    lexicon = Lexicon()
    ids = [lexicon.insert(trie.arena, trie.offsets) for trie in (first, second)]
    order = sort_packed(*lexicon.packed())
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    packed = lexicon_kernels.reorder_packed(*lexicon.packed(), order)
    return *packed, (rank[ids[0]], rank[ids[1]])


def _keys(
    trie: Trie, depth: int, symbols: np.ndarray, n_symbols: int, nodes: list[np.ndarray]
) -> np.ndarray:
    """Parent and last symbol of each n-gram of a level, by their new numbers, as one number."""
    if depth >= len(trie.levels):
        return np.empty(0, dtype=np.int64)
    level = trie.levels[depth]
    keys = symbols[level.symbol]
    return keys + nodes[-1][level.parent].astype(np.int64) * n_symbols if depth else keys


def _merge_keys(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(a) + len(b) > LARGEST_NUMBER:
        raise TooManyNgrams
    merged = np.empty(len(a) + len(b), dtype=np.int64)
    places = np.empty(len(a), dtype=np.int32), np.empty(len(b), dtype=np.int32)
    size = kernels.merge_sorted(a, b, *places, merged)
    return merged[:size], *places


def _new_columns(trie: Trie, levels: list[Level], nodes: list[np.ndarray]) -> np.ndarray:
    columns = np.empty(len(trie), dtype=np.int64)
    for old, new, place in zip(trie.levels, levels, nodes, strict=False):
        here = old.column >= 0
        columns[old.column[here]] = new.column[place[here]]
    return columns


def _met(
    first: Trie, second: Trie, of_first: np.ndarray, of_second: np.ndarray, n_terms: int
) -> np.ndarray:
    known = np.zeros(n_terms, dtype=bool)
    known[of_first] = True
    then = of_second[second.met]
    return np.concatenate([of_first[first.met], then[~known[then]]])
