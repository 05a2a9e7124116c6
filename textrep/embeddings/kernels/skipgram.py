"""Skip-gram: a window is a few small matrix products, its negatives shared by all its contexts."""

from __future__ import annotations

import numpy as np

from textrep.embeddings.kernels.logistic import logistic_steps
from textrep.embeddings.kernels.sampling import advance, below
from textrep.embeddings.kernels.windows import (
    GROUP,
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
from textrep.sparse.kernels.memory import kernel

F = np.float32


@kernel
def train_skipgram(
    inputs, outputs, stride, ids, keep, threshold, alias, offsets, points, turns, most_outputs,
    window, negative, alpha, alpha_end, seed,
):  # fmt: skip
    """Train a model on a chunk of sentences.

    For a target t with contexts c, one step down the gradient of the sum over c of
    -log sigma(in[c] . out[t]) - sum over the negatives k of log sigma(-in[c] . out[k]), the K
    negatives being the same for all c (Ji et al. 2016, HogBatch): N + K + 1 rows are read and
    written for N contexts, not N (K + 2). For hierarchical softmax, the nodes on the path to t take
    the place of t and the negatives. All rows move by the gradient before the step, except that a
    word that stands twice in a window has moved once when its second place is looked at.

    Parameters
    ----------
    inputs : float32 (n_words * stride,), vectors of words as contexts; these are the result
    outputs : float32 (n_rows * stride,), vectors of words as targets (or of nodes), and a last row
        of zeros
    stride : int, columns of a row, a multiple of 16
    ids : int32, words of a chunk, -1 behind each sentence
    keep : int64 (n_words,), how much of 2**32 a word is kept by sub-sampling
    threshold, alias : int64 and int32 (n_words,), the alias table that negatives are drawn from
    offsets, points, turns : the Huffman tree, see `choose_outputs`
    most_outputs : int, output rows a window can have, a multiple of `GROUP`
    window : int, contexts on each side at most; for each target 1 to window, equally often
    negative : int, negatives for each target; 0 for hierarchical softmax
    alpha, alpha_end : float, learning rate at the start and at the end of the chunk
    seed : uint64

    Returns
    -------
    loss : float64, the sum over pairs of target and context
    n_pairs : int
    """
    state = seed
    kept = np.empty(len(ids), dtype=np.int32)
    drawn = np.zeros(negative, dtype=np.int64)
    dummy = (len(outputs) // stride - 1) * stride
    places = np.full(most_outputs, dummy, dtype=np.int64)
    one_sign = np.zeros(most_outputs, dtype=np.float32)
    most_scores = (2 * window * most_outputs + 15) // 16 * 16
    scores = np.zeros(most_scores, dtype=np.float32)
    sign = np.zeros(most_scores, dtype=np.float32)
    begins = np.empty(2 * window, dtype=np.int64)
    held = np.empty(2 * window * stride, dtype=np.float32)
    held_begins = np.arange(2 * window) * stride
    loss = 0.0
    n_pairs = 0
    at = 0
    while at < len(ids):
        rate = F(alpha + (alpha_end - alpha) * (at / len(ids)))
        n, at, state = keep_some(ids, at, keep, kept, state)
        state = draw_words(drawn, threshold, alias, outputs, stride, state)
        for t in range(n):
            width = choose_outputs(
                kept[t], drawn, offsets, points, turns, stride, dummy, places, one_sign
            )
            state = draw_words(drawn, threshold, alias, outputs, stride, state)
            if t + 1 < n:
                ask_for_outputs(kept[t + 1], drawn, offsets, points, outputs, stride)
                if t + 1 + window < n:
                    prefetch_row(inputs, kept[t + 1 + window], stride)
            state = advance(state)
            reach = 1 + below(state, window)
            m = contexts_of(kept, n, t, reach, stride, begins)
            for j in range(m):
                for first in range(0, width, GROUP):
                    scores_of(
                        inputs, begins[j], outputs, places, first, stride, scores, j * width + first
                    )
                for i in range(width):
                    sign[j * width + i] = one_sign[i]
            used = fill_up(scores, sign, m * width)
            loss += logistic_steps(scores, sign, used, rate)
            n_pairs += m
            if width == GROUP:
                take_step(
                    inputs, begins, inputs, begins, m, outputs, places, 0, stride, scores, width
                )
            else:
                for j in range(m):
                    copy_row(inputs, begins[j], held, j * stride, stride)
                for first in range(0, width, GROUP):
                    take_step(
                        held, held_begins, inputs, begins, m, outputs, places, first, stride,
                        scores, width,
                    )  # fmt: skip
    return loss, n_pairs
