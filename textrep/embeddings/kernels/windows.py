"""What training on a window shares: sub-sampling, output rows of a target, products and steps.

A model is two float32 arrays of rows, flat: row r is ``rows[r * stride : (r + 1) * stride]``. The
last row of ``outputs`` belongs to no word; it fills groups of `GROUP` rows and stays zero.
"""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.sampling import advance, draw, high
from textrep.embeddings.kernels.simd import LANES, add, fma, load, prefetch, splat, store, total
from textrep.sparse.kernels.memory import always_inline

GROUP = 6
"""Output rows that are worked on together: they and their sums fit the registers."""

F = np.float32


@always_inline
def keep_some(ids, at, keep, kept, state):
    """The words of a sentence that sub-sampling leaves.

    ids : int32, words of a chunk, -1 behind each sentence
    at : int, where the sentence begins
    keep : int64 (n_words,), how much of 2**32 a word is kept
    kept : int32 (len(ids),), filled from its start

    Returns how many are kept, where the next sentence begins, and the random state.
    """
    n = 0
    while at < len(ids) and ids[at] >= 0:
        word = ids[at]
        state = advance(state)
        if high(state) < keep[word]:
            kept[n] = word
            n += 1
        at += 1
    return n, at + 1, state


@always_inline
def prefetch_row(rows, row, stride):
    """Ask for a row that is soon needed."""
    at = row * stride
    while at < (row + 1) * stride:
        prefetch(rows, at)
        at += LANES


@always_inline
def draw_words(drawn, threshold, alias, outputs, stride, state):
    """Draw negatives ahead of their use, and ask for their rows; returns the random state."""
    for k in range(len(drawn)):
        state = advance(state)
        drawn[k] = draw(state, threshold, alias)
        state = advance(state)
        prefetch_row(outputs, drawn[k], stride)
    return state


@always_inline
def choose_outputs(target, drawn, offsets, points, turns, stride, dummy, places, sign):
    """The output rows of a target and whether they are to be near or far.

    drawn : int64 (negative,), words drawn; empty for hierarchical softmax
    offsets, points, turns : int64 (n_words + 1,), int32 and float32: the nodes on the path to each
        word in the Huffman tree, and 1 or -1 for the turn taken there
    places : int64, filled with where the rows begin
    sign : float32, filled with 1, -1, or 0 for a row that is not to count

    Returns the number filled, a multiple of `GROUP`.
    """
    n = 0
    if len(drawn) > 0:
        places[0] = target * stride
        sign[0] = F(1.0)
        n = 1
        for k in range(len(drawn)):
            if drawn[k] == target:  # as in word2vec.c: it counts as neither
                places[n] = dummy
                sign[n] = F(0.0)
            else:
                places[n] = drawn[k] * stride
                sign[n] = F(-1.0)
            n += 1
    else:
        for p in range(offsets[target], offsets[target + 1]):
            places[n] = points[p] * stride
            sign[n] = turns[p]
            n += 1
    while n % GROUP:
        places[n] = dummy
        sign[n] = F(0.0)
        n += 1
    return n


@always_inline
def ask_for_outputs(target, drawn, offsets, points, outputs, stride):
    """Ask for the output rows of the target that comes next."""
    if len(drawn) > 0:
        prefetch_row(outputs, target, stride)
    else:
        for p in range(offsets[target], offsets[target + 1]):
            prefetch_row(outputs, points[p], stride)


@always_inline
def contexts_of(kept, n, t, reach, stride, begins):
    """The words around a target.

    kept : int32, the n words of a sentence; t : the place of the target in it
    reach : int, how far around it
    begins : int64 (2 * reach,), filled with where the rows of the words begin

    Returns their number.
    """
    m = 0
    for c in range(max(0, t - reach), min(n, t + reach + 1)):
        if c != t:
            begins[m] = kept[c] * stride
            m += 1
    return m


@always_inline
def fill_up(scores, sign, n):
    """Fill what ``n`` scores leave of the last `LANES` with pairs that do not count, and give how
    many there are then.
    """
    used = -(-n // LANES) * LANES
    for i in range(n, used):
        sign[i] = F(0.0)
        scores[i] = F(0.0)
    return used


@always_inline
def scores_of(inputs, begin, outputs, places, first, stride, scores, at):
    """Products of the input row at ``begin`` with `GROUP` output rows from ``first`` on."""
    o0, o1, o2 = places[first], places[first + 1], places[first + 2]
    o3, o4, o5 = places[first + 3], places[first + 4], places[first + 5]
    a0 = splat(F(0.0))
    a1 = a0
    a2 = a0
    a3 = a0
    a4 = a0
    a5 = a0
    d = 0
    while d < stride:
        x = load(inputs, begin + d)
        a0 = fma(x, load(outputs, o0 + d), a0)
        a1 = fma(x, load(outputs, o1 + d), a1)
        a2 = fma(x, load(outputs, o2 + d), a2)
        a3 = fma(x, load(outputs, o3 + d), a3)
        a4 = fma(x, load(outputs, o4 + d), a4)
        a5 = fma(x, load(outputs, o5 + d), a5)
        d += LANES
    scores[at] = total(a0)
    scores[at + 1] = total(a1)
    scores[at + 2] = total(a2)
    scores[at + 3] = total(a3)
    scores[at + 4] = total(a4)
    scores[at + 5] = total(a5)


@always_inline
def take_step(held, sources, inputs, begins, n, outputs, places, first, stride, steps, width):
    """Move n input rows and `GROUP` output rows along each other by ``steps``.

    held, sources : the input rows before this window, and where they begin; the output rows move
        along these
    inputs, begins : the same rows, that move
    steps : float32, of input j and output i at ``j * width + first + i``
    """
    o0, o1, o2 = places[first], places[first + 1], places[first + 2]
    o3, o4, o5 = places[first + 3], places[first + 4], places[first + 5]
    d = 0
    while d < stride:
        u0 = load(outputs, o0 + d)
        u1 = load(outputs, o1 + d)
        u2 = load(outputs, o2 + d)
        u3 = load(outputs, o3 + d)
        u4 = load(outputs, o4 + d)
        u5 = load(outputs, o5 + d)
        a0 = splat(F(0.0))
        a1 = a0
        a2 = a0
        a3 = a0
        a4 = a0
        a5 = a0
        for j in range(n):
            g = j * width + first
            g0 = splat(steps[g])
            g1 = splat(steps[g + 1])
            g2 = splat(steps[g + 2])
            g3 = splat(steps[g + 3])
            g4 = splat(steps[g + 4])
            g5 = splat(steps[g + 5])
            x = load(held, sources[j] + d)
            a0 = fma(g0, x, a0)
            a1 = fma(g1, x, a1)
            a2 = fma(g2, x, a2)
            a3 = fma(g3, x, a3)
            a4 = fma(g4, x, a4)
            a5 = fma(g5, x, a5)
            y = load(inputs, begins[j] + d)
            y = fma(g0, u0, y)
            y = fma(g1, u1, y)
            y = fma(g2, u2, y)
            y = fma(g3, u3, y)
            y = fma(g4, u4, y)
            y = fma(g5, u5, y)
            store(inputs, begins[j] + d, y)
        # Read again: two of the places may be the same row.
        store(outputs, o0 + d, add(a0, load(outputs, o0 + d)))
        store(outputs, o1 + d, add(a1, load(outputs, o1 + d)))
        store(outputs, o2 + d, add(a2, load(outputs, o2 + d)))
        store(outputs, o3 + d, add(a3, load(outputs, o3 + d)))
        store(outputs, o4 + d, add(a4, load(outputs, o4 + d)))
        store(outputs, o5 + d, add(a5, load(outputs, o5 + d)))
        d += LANES


@always_inline
def copy_row(source, begin, target, at, stride):
    """Copy a row from one array to another."""
    d = 0
    while d < stride:
        store(target, at + d, load(source, begin + d))
        d += LANES
