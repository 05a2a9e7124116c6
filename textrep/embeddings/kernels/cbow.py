"""CBOW: the mean of the contexts predicts the target; with the gradient of it, or word2vec.c's."""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.logistic import logistic_steps
from textrep.embeddings.kernels.sampling import advance, below
from textrep.embeddings.kernels.simd import add, load, mul, splat, store, sub
from textrep.embeddings.kernels.windows import (
    GROUP,
    LANES,
    ask_for_outputs,
    choose_outputs,
    contexts_of,
    copy_row,
    draw_words,
    fill_up,
    keep_some,
    prefetch_row,
    scores_of,
    take_step,
)
from textrep.sparse.kernels.memory import always_inline, kernel

F = np.float32


@always_inline
def mean_row(inputs, begins, n, stride, mean):
    """The mean of n rows."""
    share = splat(F(1.0 / n))
    d = 0
    while d < stride:
        a = load(inputs, begins[0] + d)
        for j in range(1, n):
            a = add(a, load(inputs, begins[j] + d))
        store(mean, d, mul(a, share))
        d += LANES


@always_inline
def move_rows(inputs, begins, n, stride, before, after, factor):
    """Move n rows by ``factor`` times the way from one row to another."""
    speed = splat(F(factor))
    d = 0
    while d < stride:
        way = mul(sub(load(after, d), load(before, d)), speed)
        for j in range(n):
            place = begins[j] + d
            store(inputs, place, add(load(inputs, place), way))
        d += LANES


@kernel
def train_cbow(
    inputs, outputs, stride, ids, keep, threshold, alias, offsets, points, turns, most_outputs,
    window, negative, corrected, alpha, alpha_end, seed,
):  # fmt: skip
    """Train a model on a chunk of sentences.

    For a target t with contexts c_1 ... c_N, one step down the gradient of
    -log sigma(h . out[t]) - sum over the negatives k of log sigma(-h . out[k]) with
    h = (in[c_1] + ... + in[c_N]) / N.

    Parameters
    ----------
    corrected : bool
        Whether each context moves by 1 / N of the step of h, which is the gradient (Irsoy, Benton
        and Stratos 2021), or by all of it, as in word2vec.c and gensim.
    inputs, outputs, stride, ids, keep, threshold, alias, offsets, points, turns, most_outputs,
    window, negative, alpha, alpha_end, seed : as in `train_skipgram`

    Returns
    -------
    loss : float64, the sum over targets
    n_targets : int, those with a context
    """
    state = seed
    kept = np.empty(len(ids), dtype=np.int32)
    drawn = np.zeros(negative, dtype=np.int64)
    dummy = (len(outputs) // stride - 1) * stride
    places = np.full(most_outputs, dummy, dtype=np.int64)
    n_scores = (most_outputs + 15) // 16 * 16
    scores = np.zeros(n_scores, dtype=np.float32)
    sign = np.zeros(n_scores, dtype=np.float32)
    begins = np.empty(2 * window, dtype=np.int64)
    mean = np.empty(stride, dtype=np.float32)
    moved = np.empty(stride, dtype=np.float32)
    at_zero = np.zeros(1, dtype=np.int64)
    loss = 0.0
    n_targets = 0
    at = 0
    while at < len(ids):
        rate = F(alpha + (alpha_end - alpha) * (at / len(ids)))
        n, at, state = keep_some(ids, at, keep, kept, state)
        state = draw_words(drawn, threshold, alias, outputs, stride, state)
        for t in range(n):
            width = choose_outputs(
                kept[t], drawn, offsets, points, turns, stride, dummy, places, sign
            )
            state = draw_words(drawn, threshold, alias, outputs, stride, state)
            if t + 1 < n:
                ask_for_outputs(kept[t + 1], drawn, offsets, points, outputs, stride)
                if t + 1 + window < n:
                    prefetch_row(inputs, kept[t + 1 + window], stride)
            state = advance(state)
            reach = 1 + below(state, window)
            m = contexts_of(kept, n, t, reach, stride, begins)
            if m == 0:
                continue
            mean_row(inputs, begins, m, stride, mean)
            for first in range(0, width, GROUP):
                scores_of(mean, 0, outputs, places, first, stride, scores, first)
            used = fill_up(scores, sign, width)
            loss += logistic_steps(scores, sign, used, rate)
            n_targets += 1
            copy_row(mean, 0, moved, 0, stride)
            for first in range(0, width, GROUP):
                take_step(
                    mean, at_zero, moved, at_zero, 1, outputs, places, first, stride, scores, width
                )
            factor = 1.0
            if corrected:
                factor = 1.0 / m
            move_rows(inputs, begins, m, stride, mean, moved, factor)
    return loss, n_targets
