"""Distinct n-grams of rows of symbols: numbered, placed in the sorted vocabulary, and in the order
they were met.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from textrep.sparse.fallback import Uncovered
from textrep.sparse.kernels import ngrams as kernels
from textrep.sparse.threads import run_parallel, split_evenly

LARGEST_NUMBER = np.iinfo(np.int32).max
MOST_PREFIXES = 1 << (63 - kernels.POSITION_BITS)


class TooManyNgrams(Uncovered, ValueError):
    """More distinct n-grams than a packed entry can number."""

    def __init__(self) -> None:
        super().__init__(
            f"the documents hold more than {MOST_PREFIXES} different n-grams of one order; "
            "use a smaller ngram_range or a HashingVectorizer"
        )


@dataclass
class Level:
    """The distinct n-grams of one order, in alphabetical order.

    Attributes
    ----------
    parent : int32 (n,), number of the n-gram without its last symbol in the level below (empty in
        the lowest)
    symbol : int32 (n,), number of the last symbol
    column : int64 or int32 (n,), place in the sorted vocabulary, -1 for none
    """

    parent: np.ndarray
    symbol: np.ndarray
    column: np.ndarray

    def __len__(self) -> int:
        return len(self.symbol)


@dataclass
class Numbering:
    """What `number_ngrams` finds.

    Attributes
    ----------
    ranks : int32 (n_orders, n_positions), see `textrep.sparse.kernels.ngrams`
    levels : one `Level` an order
    term_of : int32, the n-grams of all levels one after another -> order in which they were met,
        -1 for none
    offset : int64 (n_orders,), where each level begins in ``term_of``
    n_terms : number of terms (n-grams that have a column)
    """

    ranks: np.ndarray
    levels: list[Level]
    term_of: np.ndarray
    offset: np.ndarray
    n_terms: int


def number_ngrams(
    ranks: np.ndarray,
    bounds: np.ndarray,
    n_symbols: int,
    smallest: int,
    first_position: np.ndarray,
    parts: int,
    whole_if_short: bool = False,
) -> Numbering:
    """Number all n-grams up to the order ``len(ranks)``.

    Parameters
    ----------
    ranks : int32 (n_orders, n_positions); row 0 is given (symbols 0..n_symbols - 1 in alphabetical
        order, -1 behind each
        text), the others are filled
    bounds : int64 (n_texts + 1,), positions of each text with its -1
    smallest : lowest order that counts, from 1
    first_position : int64 (n_symbols,), where each symbol stands first
    parts : most pieces of the work, each of which may have a thread
    whole_if_short : texts shorter than ``smallest`` count as one n-gram
    """
    levels = [Level(np.empty(0, np.int32), np.arange(n_symbols, dtype=np.int32), np.empty(0))]
    positions = [first_position]
    for order in range(2, len(ranks) + 1):
        parent, symbol, position = _number_pairs(ranks, order, len(levels[-1]), n_symbols, parts)
        levels.append(Level(parent, symbol, np.empty(0)))
        positions.append(position)
    included = [np.full(len(level), order >= smallest) for order, level in enumerate(levels, 1)]
    if whole_if_short:
        _include_short(ranks, bounds, smallest, included)
    place_terms(levels, included)
    term_of, offset, n_terms = _order_met(ranks, bounds, positions, included)
    return Numbering(ranks, levels, term_of, offset, n_terms)


def _pieces(n: int, parts: int, n_keys: int) -> list[tuple[int, int]]:
    """Cut n entries into pieces, of which each needs a histogram of its own over ``n_keys``: past
    two, so many that all histograms together are no larger than the entries.
    """
    parts = min(parts, max(2, n // max(1, n_keys)))
    cuts = np.linspace(0, n, parts + 1).astype(np.int64).tolist()
    return list(itertools.pairwise(cuts))


def _starts(histograms: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Where each key's entries begin, int64 (n_keys + 1,), and from where on each part writes its
    own.
    """
    total = np.sum(histograms, axis=0)
    start = np.zeros(len(total) + 1, dtype=np.int64)
    np.cumsum(total, out=start[1:])
    places = []
    place = start[:-1].copy()
    for histogram in histograms:
        places.append(place)
        place = place + histogram
    return start, places


def _number_pairs(
    ranks: np.ndarray, order: int, n_prefixes: int, n_symbols: int, parts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fill row ``order - 1`` of ranks; parent, symbol and first position of each n-gram of that
    order.
    """
    if max(n_prefixes, n_symbols) >= MOST_PREFIXES:
        raise TooManyNgrams
    symbols, prefix = ranks[0], ranks[order - 2]
    row = ranks[order - 1]
    row[:] = -1
    pieces = _pieces(len(symbols), parts, n_symbols)
    counts = [np.zeros(n_symbols, dtype=np.int64) for _ in pieces]
    run_parallel(
        kernels.count_symbols,
        [(prefix, symbols, order, *piece, h) for piece, h in zip(pieces, counts, strict=True)],
        len(pieces),
    )
    symbol_start, places = _starts(counts)
    n = int(symbol_start[-1])
    by_symbol = np.empty(n, dtype=np.int64)
    run_parallel(
        kernels.scatter_by_symbol,
        [
            (prefix, symbols, order, *piece, place, by_symbol)
            for piece, place in zip(pieces, places, strict=True)
        ],
        len(pieces),
    )
    cuts = _pieces(n, parts, n_prefixes)
    counts = [np.zeros(n_prefixes, dtype=np.int64) for _ in cuts]
    run_parallel(
        kernels.count_prefixes,
        [(by_symbol, *cut, h) for cut, h in zip(cuts, counts, strict=True)],
        len(cuts),
    )
    prefix_start, places = _starts(counts)
    by_prefix = np.empty(n, dtype=np.int64)
    run_parallel(
        kernels.scatter_by_prefix,
        [
            (by_symbol, symbol_start, *cut, place, by_prefix)
            for cut, place in zip(cuts, places, strict=True)
        ],
        len(cuts),
    )
    del by_symbol
    ranges = split_evenly(prefix_start, parts)
    found = run_parallel(
        kernels.count_pairs, [(by_prefix, prefix_start, *r) for r in ranges], len(ranges)
    )
    begins = np.cumsum([0, *found])
    if begins[-1] > LARGEST_NUMBER:
        raise TooManyNgrams
    parent = np.empty(begins[-1], dtype=np.int32)
    symbol = np.empty(begins[-1], dtype=np.int32)
    position = np.empty(begins[-1], dtype=np.int64)
    run_parallel(
        kernels.number_pairs,
        [
            (by_prefix, prefix_start, *r, int(begin), row, parent, symbol, position)
            for r, begin in zip(ranges, begins, strict=False)
        ],
        len(ranges),
    )
    return parent, symbol, position


def _include_short(
    ranks: np.ndarray, bounds: np.ndarray, smallest: int, included: list[np.ndarray]
) -> None:
    lengths = np.diff(bounds) - 1
    for length in range(1, min(smallest, len(ranks) + 1)):
        begins = bounds[:-1][lengths == length]
        included[length - 1][ranks[length - 1, begins]] = True


def place_terms(levels: list[Level], included: list[np.ndarray]) -> None:
    """Set every level's ``column``: vocabulary order is the order of a walk through the trie,
    parents first.
    """
    sizes = [flags.astype(np.int64) for flags in included]
    for order in range(len(levels) - 1, 0, -1):
        kernels.add_subtrees(levels[order].parent, sizes[order], sizes[order - 1])
    places = [np.cumsum(sizes[0]) - sizes[0]]
    for order in range(1, len(levels)):
        place = np.empty(len(levels[order]), dtype=np.int64)
        kernels.place_children(
            levels[order].parent, sizes[order], places[-1], included[order - 1], place
        )
        places.append(place)
    for level, place, flags in zip(levels, places, included, strict=True):
        level.column = np.where(flags, place, -1)


def _order_met(
    ranks: np.ndarray, bounds: np.ndarray, positions: list[np.ndarray], included: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Number the included n-grams in the order text, n-gram order, position."""
    n_texts = len(bounds) - 1
    counts = np.zeros((n_texts, len(positions)), dtype=np.int64)
    marks = []
    for order, (position, flags) in enumerate(zip(positions, included, strict=True)):
        mark = np.zeros(ranks.shape[1], dtype=np.int32)
        kernels.mark_first(position, flags, mark)
        column = np.empty(n_texts, dtype=np.int64)
        kernels.count_first(mark, bounds, column)
        counts[:, order] = column
        marks.append(mark)
    start = (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)
    sizes = [len(position) for position in positions]
    if sum(sizes) > LARGEST_NUMBER:
        raise TooManyNgrams
    offset = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    term_of = np.full(sum(sizes), -1, dtype=np.int32)
    for order, mark in enumerate(marks):
        begin = offset[order]
        seen = term_of[begin : begin + sizes[order]]
        kernels.order_first(mark, bounds, np.ascontiguousarray(start[:, order]), seen)
    return term_of, offset, int(counts.sum())
