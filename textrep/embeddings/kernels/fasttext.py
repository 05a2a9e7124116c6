"""Training of fastText's word vectors: a word is the mean of its own row and of its n-grams' rows.

Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", and
``FastText::skipgram``, ``FastText::cbow`` and ``Model::update`` of fastText 0.9.2. As there, each
row of an input moves by the whole gradient of the mean, not by its share of it: the mean then moves
down its gradient at the learning rate, however many rows it has.

fastText reads and writes a word's rows (about twenty) for each pair of words. Here they are read
once and written once where a word is used: skip-gram predicts all words of a window from one mean,
and CBOW keeps the sums of the words in reach in a ring.

Arrays of both kernels
----------------------
inputs : float32 (n_rows * stride,), rows of words and of n-grams
outputs : float32 ((n_words + 1) * stride,), the last row stays zero: padding
stride : columns of a row, a multiple of 16, zeros behind the vector's size
rows : int32 (n_parts,), bounds : int64 (n_words + 1,); word w is the rows
    ``rows[bounds[w]:bounds[w + 1]]`` of ``inputs``, repeats included
ids : int32, words of a chunk, -1 behind each sentence
keep : int64 (n_words,), how much of 2**32 a word is kept by sub-sampling
threshold, alias : the table of negatives (see `sampling.draw`)
alpha, alpha_end : learning rate at the beginning and at the end of the chunk
seed : uint64
"""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.logistic import logistic_steps
from textrep.embeddings.kernels.sampling import advance, below, draw
from textrep.embeddings.kernels.simd import add, fma, load, mul, splat, store
from textrep.embeddings.kernels.windows import GROUP, LANES, keep_some, prefetch_row, scores_of
from textrep.sparse.kernels.memory import always_inline, kernel

F = np.float32


@always_inline
def prefetch_rows(inputs, rows, bounds, word, stride):
    """Ask for all rows of a word."""
    for r in range(bounds[word], bounds[word + 1]):
        prefetch_row(inputs, rows[r], stride)


@always_inline
def add_rows(inputs, rows, first, last, stride, sums):
    """Add rows ``rows[first:last]`` of ``inputs`` to ``sums`` float32 (stride,)."""
    d = 0
    while d < stride:
        a0 = load(sums, d)
        a1 = splat(F(0.0))
        a2 = a1
        a3 = a1
        r = first
        while r + 4 <= last:
            a0 = add(a0, load(inputs, rows[r] * stride + d))
            a1 = add(a1, load(inputs, rows[r + 1] * stride + d))
            a2 = add(a2, load(inputs, rows[r + 2] * stride + d))
            a3 = add(a3, load(inputs, rows[r + 3] * stride + d))
            r += 4
        while r < last:
            a0 = add(a0, load(inputs, rows[r] * stride + d))
            r += 1
        store(sums, d, add(add(a0, a1), add(a2, a3)))
        d += LANES


@always_inline
def move_rows(inputs, rows, first, last, stride, moves):
    """Add ``moves`` float32 (stride,) to rows ``rows[first:last]`` of ``inputs``."""
    for r in range(first, last):
        at = rows[r] * stride
        d = 0
        while d < stride:
            store(inputs, at + d, add(load(inputs, at + d), load(moves, d)))
            d += LANES


@always_inline
def move_outputs(outputs, places, steps, first, stride, hidden, moves):
    """Move `GROUP` output rows along the hidden vector, and add theirs to ``moves``."""
    p0, p1, p2 = places[first], places[first + 1], places[first + 2]
    p3, p4, p5 = places[first + 3], places[first + 4], places[first + 5]
    g0, g1, g2 = splat(steps[first]), splat(steps[first + 1]), splat(steps[first + 2])
    g3, g4, g5 = splat(steps[first + 3]), splat(steps[first + 4]), splat(steps[first + 5])
    d = 0
    while d < stride:
        h = load(hidden, d)
        m = load(moves, d)
        # One after the other: two places may be the same row.
        u = load(outputs, p0 + d)
        m = fma(g0, u, m)
        store(outputs, p0 + d, fma(g0, h, u))
        u = load(outputs, p1 + d)
        m = fma(g1, u, m)
        store(outputs, p1 + d, fma(g1, h, u))
        u = load(outputs, p2 + d)
        m = fma(g2, u, m)
        store(outputs, p2 + d, fma(g2, h, u))
        u = load(outputs, p3 + d)
        m = fma(g3, u, m)
        store(outputs, p3 + d, fma(g3, h, u))
        u = load(outputs, p4 + d)
        m = fma(g4, u, m)
        store(outputs, p4 + d, fma(g4, h, u))
        u = load(outputs, p5 + d)
        m = fma(g5, u, m)
        store(outputs, p5 + d, fma(g5, h, u))
        store(moves, d, m)
        d += LANES


@always_inline
def scale(vector, stride, factor):
    """Multiply ``vector`` float32 (stride,) by a number."""
    by = splat(F(factor))
    d = 0
    while d < stride:
        store(vector, d, mul(load(vector, d), by))
        d += LANES


@always_inline
def clear(vector, at, stride):
    """Set ``stride`` numbers of ``vector`` to zero, from ``at`` on."""
    zero = splat(F(0.0))
    d = 0
    while d < stride:
        store(vector, at + d, zero)
        d += LANES


@always_inline
def add_targets(word, negative, threshold, alias, stride, places, sign, m, state):
    """Put behind ``m`` output rows that of a word, to be near, and those of up to ``negative``
    drawn words, to be far; gives how many there are then, and the random state.
    """
    places[m] = word * stride
    sign[m] = F(1.0)
    m += 1
    for _ in range(negative):
        state = advance(state)
        drawn = draw(state, threshold, alias)
        state = advance(state)
        if drawn != word:
            places[m] = drawn * stride
            sign[m] = F(-1.0)
            m += 1
    return m, state


@always_inline
def predict(hidden, moves, outputs, places, sign, scores, n, stride, rate):
    """One step of the logistic losses of ``n`` output rows; gives the loss.

    ``places`` int64, ``sign`` and ``scores`` float32 have room for n and what pads it to full
    groups and vectors.
    """
    dummy = len(outputs) - stride
    used = n
    while used % GROUP or used % LANES:
        places[used] = dummy
        sign[used] = F(0.0)
        used += 1
    g = 0
    while g < n:
        scores_of(hidden, 0, outputs, places, g, stride, scores, g)
        g += GROUP
    while g < used:
        scores[g] = F(0.0)
        g += 1
    loss = logistic_steps(scores, sign, -(-n // LANES) * LANES, rate)
    clear(moves, 0, stride)
    g = 0
    while g < n:
        move_outputs(outputs, places, scores, g, stride, hidden, moves)
        g += GROUP
    return loss


@kernel
def train_skipgram(
    inputs, outputs, stride, rows, bounds, ids, keep, threshold, alias, window, negative,
    alpha, alpha_end, seed,
):  # fmt: skip
    """Skip-gram on one chunk: each word's mean predicts the words in its window, each against
    ``negative`` drawn words of its own. Gives the loss and the number of predicted words.
    """
    state = seed
    kept = np.empty(len(ids), np.int32)
    room = 2 * window * (negative + 1) + GROUP * LANES
    places = np.empty(room, np.int64)
    sign = np.empty(room, np.float32)
    scores = np.empty(room, np.float32)
    hidden = np.empty(stride, np.float32)
    moves = np.empty(stride, np.float32)
    loss = 0.0
    n_terms = 0
    at = 0
    while at < len(ids):
        rate = F(alpha + (alpha_end - alpha) * (at / len(ids)))
        n, at, state = keep_some(ids, at, keep, kept, state)
        for t in range(n):
            if t + 1 < n:
                prefetch_rows(inputs, rows, bounds, kept[t + 1], stride)
            word = kept[t]
            state = advance(state)
            reach = 1 + below(state, window)
            m = 0
            for c in range(max(0, t - reach), min(n, t + reach + 1)):
                if c == t:
                    continue
                m, state = add_targets(
                    kept[c], negative, threshold, alias, stride, places, sign, m, state
                )
                n_terms += 1
            if m == 0:
                continue
            first, last = bounds[word], bounds[word + 1]
            clear(hidden, 0, stride)
            add_rows(inputs, rows, first, last, stride, hidden)
            scale(hidden, stride, F(1.0) / F(last - first))
            loss += predict(hidden, moves, outputs, places, sign, scores, m, stride, rate)
            move_rows(inputs, rows, first, last, stride, moves)
    return loss, n_terms
