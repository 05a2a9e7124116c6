"""CBOW over words and their n-grams: the sums of the words in reach are kept in a ring."""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.fasttext import (
    add_rows,
    add_targets,
    clear,
    move_rows,
    predict,
    prefetch_rows,
    scale,
)
from textrep.embeddings.kernels.sampling import advance, below
from textrep.embeddings.kernels.simd import add, fma, load, splat, store
from textrep.embeddings.kernels.windows import GROUP, LANES, keep_some
from textrep.sparse.kernels.memory import always_inline, kernel

F = np.float32


@always_inline
def add_slot(ring, slot, stride, hidden):
    """Add one slot's sum to ``hidden`` float32 (stride,)."""
    d = 0
    while d < stride:
        store(hidden, d, add(load(hidden, d), load(ring, slot * stride + d)))
        d += LANES


@always_inline
def move_slot(ring, moved, slot, n_rows, stride, moves):
    """Each of a slot's rows is to move by ``moves``, and so its sum by ``n_rows`` times that."""
    times = splat(F(n_rows))
    d = 0
    while d < stride:
        at = slot * stride + d
        m = load(moves, d)
        store(ring, at, fma(times, m, load(ring, at)))
        store(moved, at, add(load(moved, at), m))
        d += LANES


@always_inline
def enter(inputs, rows, first, last, stride, ring, moved, slot, spare):
    """Read a word's rows into a slot."""
    clear(spare, 0, stride)
    add_rows(inputs, rows, first, last, stride, spare)
    d = 0
    while d < stride:
        store(ring, slot * stride + d, load(spare, d))
        d += LANES
    clear(moved, slot * stride, stride)


@always_inline
def leave(inputs, rows, first, last, stride, moved, slot, spare):
    """Write what a slot's word has moved to its rows."""
    d = 0
    while d < stride:
        store(spare, d, load(moved, slot * stride + d))
        d += LANES
    move_rows(inputs, rows, first, last, stride, spare)


@kernel
def train_cbow(
    inputs, outputs, stride, rows, bounds, ids, keep, threshold, alias, window, negative,
    alpha, alpha_end, seed,
):  # fmt: skip
    """CBOW on one chunk: the mean of all rows of the words in a window predicts the word in its
    middle, against ``negative`` drawn ones. Gives the loss and the number of predicted words.

    The arrays are described in `textrep.embeddings.kernels.fasttext`. A word's rows are read when
    it comes into reach and written when it is out of it; what it has moved meanwhile is in its sum.
    """
    state = seed
    kept = np.empty(len(ids), np.int32)
    room = negative + 1 + GROUP * LANES
    places = np.empty(room, np.int64)
    sign = np.empty(room, np.float32)
    scores = np.empty(room, np.float32)
    hidden = np.empty(stride, np.float32)
    moves = np.empty(stride, np.float32)
    size = 2 * window + 1
    ring = np.empty(size * stride, np.float32)  # sum of the rows of the word in each slot
    moved = np.empty(size * stride, np.float32)  # what each of these rows is to move
    loss = 0.0
    n_terms = 0
    at = 0
    while at < len(ids):
        rate = F(alpha + (alpha_end - alpha) * (at / len(ids)))
        n, at, state = keep_some(ids, at, keep, kept, state)
        if n < 2:
            continue
        entered = 0
        left = 0
        for t in range(n):
            while left < t - window:
                word = kept[left]
                first, last = bounds[word], bounds[word + 1]
                leave(inputs, rows, first, last, stride, moved, left % size, hidden)
                left += 1
            while entered < min(n, t + window + 1):
                word = kept[entered]
                first, last = bounds[word], bounds[word + 1]
                enter(inputs, rows, first, last, stride, ring, moved, entered % size, hidden)
                entered += 1
            if entered < n:
                prefetch_rows(inputs, rows, bounds, kept[entered], stride)
            m, state = add_targets(
                kept[t], negative, threshold, alias, stride, places, sign, 0, state
            )
            state = advance(state)
            reach = 1 + below(state, window)
            begin, end = max(0, t - reach), min(n, t + reach + 1)
            clear(hidden, 0, stride)
            n_rows = 0
            for c in range(begin, end):
                if c != t:
                    add_slot(ring, c % size, stride, hidden)
                    n_rows += bounds[kept[c] + 1] - bounds[kept[c]]
            scale(hidden, stride, F(1.0) / F(n_rows))
            loss += predict(hidden, moves, outputs, places, sign, scores, m, stride, rate)
            n_terms += 1
            for c in range(begin, end):
                if c != t:
                    own = bounds[kept[c] + 1] - bounds[kept[c]]
                    move_slot(ring, moved, c % size, own, stride, moves)
        while left < entered:
            word = kept[left]
            first, last = bounds[word], bounds[word + 1]
            leave(inputs, rows, first, last, stride, moved, left % size, hidden)
            left += 1
    return loss, n_terms
