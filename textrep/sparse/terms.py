"""The terms of a trie as Python strings, and the dict of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from textrep.sparse.kernels import ngrams as kernels
from textrep.sparse.numbering import Level
from textrep.sparse.threads import run_parallel, split_evenly, worthwhile_threads

TERMS_AT_ONCE = 4096


def spell(
    levels: list[Level],
    arena: np.ndarray,
    offsets: np.ndarray,
    words: bool,
    order: np.ndarray,
    n_jobs: int | None,
) -> list[str]:
    """The terms of the columns in ``order``.

    Parameters
    ----------
    levels, arena, offsets, words : as in `Trie`
    order : int64 (n_terms,), every column once
    n_jobs : threads allowed, see `wanted_threads`
    """
    parent, symbol, node_of = _chain(levels, len(order))
    nodes = node_of[order]
    gap = 1 if words else 0
    threads = worthwhile_threads(n_jobs, nodes.nbytes)
    pieces = split_evenly(np.arange(len(nodes) + 1), threads)
    ends = np.zeros(len(nodes) + 1, dtype=np.int64)
    run_parallel(
        kernels.measure_terms,
        [(nodes, parent, symbol, offsets, gap, ends[1:], *piece) for piece in pieces],
        threads,
    )
    np.cumsum(ends, out=ends)
    text = np.empty(int(ends[-1]), dtype=np.uint8)
    run_parallel(
        kernels.write_terms,
        [
            (nodes, parent, symbol, len(levels), arena, offsets, gap, ends[1:], text, *piece)
            for piece in pieces
        ],
        threads,
    )
    return _split(text, ends, words)


def _chain(levels: list[Level], n_terms: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All n-grams numbered through: int64 ``parent`` (-1 for none), int32 ``symbol``, and the
    number of each column's n-gram (-1 for the empty term, which has none).
    """
    begins = np.cumsum([0, *map(len, levels)]).tolist()
    parent = np.full(begins[-1], -1, dtype=np.int64)
    node_of = np.full(n_terms, -1, dtype=np.int64)
    for depth, level in enumerate(levels):
        if depth:
            parent[begins[depth] : begins[depth + 1]] = level.parent + begins[depth - 1]
        here = np.flatnonzero(level.column >= 0)
        node_of[level.column[here]] = begins[depth] + here
    symbol = np.concatenate([np.empty(0, np.int32), *(level.symbol for level in levels)])
    return parent, symbol, node_of


def _split(text: np.ndarray, ends: np.ndarray, words: bool) -> list[str]:
    """Cut terms out of UTF-8 text; term i is ``text[ends[i]:ends[i + 1] - 1]`` and a line break.

    Some thousand terms are decoded together, so that one that is not ASCII makes only its
    neighbours slow.
    """
    terms: list[str] = []
    n = len(ends) - 1
    for first in range(0, n, TERMS_AT_ONCE):
        last = min(first + TERMS_AT_ONCE, n)
        piece = text[ends[first] : ends[last]].tobytes()
        if words:  # no word holds a line break
            terms += piece.decode("utf-8", "surrogatepass").split("\n")[:-1]
            continue
        cuts = (ends[first : last + 1] - ends[first]).tolist()
        if piece.isascii():
            string = piece.decode()
            terms += [string[a : b - 1] for a, b in itertools.pairwise(cuts)]
        else:
            terms += [
                piece[a : b - 1].decode("utf-8", "surrogatepass")
                for a, b in itertools.pairwise(cuts)
            ]
    return terms


def number_terms(terms: list[str], columns: np.ndarray) -> dict[str, int]:
    """The dict of different terms and their columns, int64 (n_terms,)."""
    # CPython leaves the hash of a str out of a dict of nothing but str, and so visits all strings,
    # wherever they lie, each time the dict grows. One that has held something else keeps hashes,
    # 8 bytes each: filling it with 1.5 million terms takes a quarter less time.
    numbered: dict[Any, int] = {None: 0}
    del numbered[None]
    numbered.update(zip(terms, columns.tolist(), strict=True))
    return numbered
