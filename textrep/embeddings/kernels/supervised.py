"""fastText's text classifier: a document is the mean of the rows of its words and n-grams, and a
linear layer over it tells the classes apart.

Source: Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification", and ``Model::update``
and ``Dictionary::addWordNgrams`` of fastText 0.9.2 (src/model.cc, src/dictionary.cc).

The arrays that these kernels share:

``tokens``       int32, distinct tokens of all documents, each document's last one its end;
                 document d has ``tokens[bounds[d]:bounds[d + 1]]``, ``bounds`` int64 (n + 1,)
``hashes``       uint64, fastText's hash of each distinct token, its sign carried on to 64 bits
``row_list``     int32, rows of the distinct tokens; those of token t are
                 ``row_list[row_bounds[t]:row_bounds[t + 1]]``: none of a word that is not known,
                 -1 for a row of zeros
``inputs``       float32 (n_rows * stride,), rows padded with zeros to a multiple of 16 numbers
``outputs``      float32 (n_outputs * stride,), likewise
"""

from __future__ import annotations

import math

import numpy as np

from textrep.embeddings.kernels.simd import add, fma, load, mul, prefetch, splat, store, total
from textrep.sparse.kernels.lexicon import ID_BITS, find, hash_key
from textrep.sparse.kernels.memory import U64, address_of, always_inline, inline, kernel
from textrep.sparse.kernels.memory import add as add_u64
from textrep.sparse.kernels.memory import multiply as multiply_u64

NGRAM_FACTOR = U64(116049371)  # of Dictionary::addWordNgrams
AHEAD = 16
"""Rows between the one that is added and the one that is asked of the memory."""

SOFTMAX, ONE_VERSUS_ALL, HIERARCHICAL = 0, 1, 2
F = np.float32


@kernel
def count_inputs(tokens, bounds, row_bounds, longest):
    """Words and character n-grams, and word n-grams of 2 to ``longest`` words, of each document:
    two int64 (n_documents,).
    """
    n = bounds.size - 1
    inside = np.zeros(n, np.int64)
    between = np.zeros(n, np.int64)
    for d in range(n):
        for i in range(bounds[d], bounds[d + 1]):
            inside[d] += row_bounds[tokens[i] + 1] - row_bounds[tokens[i]]
        size = bounds[d + 1] - bounds[d]
        for length in range(2, min(longest, size) + 1):
            between[d] += size - length + 1
    return inside, between


@kernel
def find_tokens(source, bounds, table, arena, offsets):
    """Numbers in a lexicon of the tokens ``source[bounds[i]:bounds[i + 1]]``, int32; -1 for those
    that it does not have. ``source`` needs 8 bytes of slack.
    """
    ids = np.empty(bounds.size - 1, np.int32)
    for i in range(bounds.size - 1):
        token = address_of(source) + bounds[i]
        length = bounds[i + 1] - bounds[i]
        slot = find(table, hash_key(token, length), length, arena, offsets, token)
        ids[i] = np.int64(table[2 * slot + 1] & ID_BITS) - 1
    return ids


@kernel
def bucket_ngrams(tokens, bounds, hashes, longest, bucket, first, last, begin, buckets):
    """Buckets of the word n-grams of documents ``first`` to ``last``, in fastText's order.

    begin : int, where those of the first document go
    buckets : int32, filled
    """
    at = begin
    modulus = U64(bucket)
    for d in range(first, last):
        for i in range(bounds[d], bounds[d + 1]):
            h = hashes[tokens[i]]
            for j in range(i + 1, min(bounds[d + 1], i + longest)):
                h = add_u64(multiply_u64(h, NGRAM_FACTOR), hashes[tokens[j]])
                buckets[at] = np.int64(h % modulus)
                at += 1


@kernel
def count_buckets(buckets, counts):
    """Add to ``counts`` int64 (n_buckets,) how often each bucket stands in ``buckets`` int32."""
    for i in range(buckets.size):
        counts[buckets[i]] += 1


@kernel
def number_rows(buckets, bounds, row_of):
    """Put the row of each bucket in its place, and close up the gaps of those that have none.

    buckets : int32 (n,), changed in place; bounds : int64 (n_documents + 1,), likewise
    row_of : int32 (n_buckets,), -1 for none
    """
    at = 0
    begin = 0
    for d in range(bounds.size - 1):
        end = bounds[d + 1]
        for i in range(begin, end):
            row = row_of[buckets[i]]
            if row >= 0:
                buckets[at] = row
                at += 1
        begin = end
        bounds[d + 1] = at


@always_inline
def gather_words(tokens, first, last, row_bounds, row_list, rows, n):
    """Append the rows of some tokens to ``rows`` int64 from place ``n`` on; gives the place behind
    them.
    """
    for i in range(first, last):
        for k in range(row_bounds[tokens[i]], row_bounds[tokens[i] + 1]):
            if row_list[k] >= 0:
                rows[n] = row_list[k]
                n += 1
    return n


@inline
def mean_of_rows(inputs, stride, rows, n, divisor, hidden):
    """``hidden`` float32 (stride,) = the sum of ``n`` rows / ``divisor``."""
    share = splat(F(1.0 / divisor))
    for d in range(0, stride, 16):
        # Four sums: the additions need not wait for each other.
        a = splat(F(0.0))
        b = a
        c = a
        e = a
        k = 0
        while k + 4 <= n:
            for soon in range(k + AHEAD, min(k + AHEAD + 4, n)):
                prefetch(inputs, rows[soon] * stride + d)
            a = add(a, load(inputs, rows[k] * stride + d))
            b = add(b, load(inputs, rows[k + 1] * stride + d))
            c = add(c, load(inputs, rows[k + 2] * stride + d))
            e = add(e, load(inputs, rows[k + 3] * stride + d))
            k += 4
        while k < n:
            a = add(a, load(inputs, rows[k] * stride + d))
            k += 1
        store(hidden, d, mul(add(add(a, b), add(c, e)), share))


@always_inline
def add_to_rows(inputs, stride, rows, n, step):
    """Add ``step`` float32 (stride,) to each of ``n`` rows, as often as it is among them."""
    for d in range(0, stride, 16):
        s = load(step, d)
        for k in range(n):
            at = rows[k] * stride + d
            store(inputs, at, add(load(inputs, at), s))


@always_inline
def dot(outputs, at, hidden, stride):
    sum_ = splat(F(0.0))
    for d in range(0, stride, 16):
        sum_ = fma(load(outputs, at + d), load(hidden, d), sum_)
    return total(sum_)


@always_inline
def logistic(x):
    """1 / (1 + exp(-x)), which overflows nowhere."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


@always_inline
def logistic_loss(x):
    """-log(logistic(x))"""
    return math.log1p(math.exp(-abs(x))) + max(-x, 0.0)


@always_inline
def softmax_steps(scores, n, target, rate):
    """Scores -> rate * d/d score of log softmax(scores)[target], in place; gives the loss."""
    largest = scores[0]
    for c in range(1, n):
        largest = max(largest, scores[c])
    sum_ = 0.0
    for c in range(n):
        sum_ += math.exp(scores[c] - largest)
    loss = math.log(sum_) - (scores[target] - largest)
    for c in range(n):
        probability = math.exp(scores[c] - largest) / sum_
        scores[c] = rate * ((1.0 if c == target else 0.0) - probability)
    return loss


@always_inline
def logistic_step(scores, c, is_one, rate):
    """A score -> rate * d/d score of the log likelihood of a logistic model, in place; gives the
    loss.
    """
    score = scores[c]
    if is_one:
        scores[c] = rate * (1.0 - logistic(score))
        return logistic_loss(score)
    scores[c] = -rate * logistic(score)
    return logistic_loss(-score)


@inline
def learn_outputs(outputs, stride, which, first, last, steps, hidden, gradient):
    """Move the output rows ``which[first:last]`` by ``steps`` times ``hidden``, and sum in
    ``gradient`` what they, as they were, ask of it.
    """
    for d in range(0, stride, 16):
        h = load(hidden, d)
        g = splat(F(0.0))
        for i in range(first, last):
            at = which[i] * stride + d
            row = load(outputs, at)
            step = splat(F(steps[i - first]))
            g = fma(step, row, g)
            store(outputs, at, fma(step, h, row))
        store(gradient, d, g)


@kernel
def train(
    inputs, outputs, stride, tokens, bounds, row_bounds, row_list, ngrams, ngram_bounds, n_inputs,
    most_rows, order, first, last, targets, weights, which, is_one, begins, ends, kind,
    alpha, decay,
):  # fmt: skip
    """One pass of stochastic gradient descent over documents ``order[first:last]``.

    Parameters
    ----------
    inputs, outputs, stride, tokens, bounds, row_bounds, row_list : see the module
    ngrams : int32, rows of the word n-grams; document d has
        ``ngrams[ngram_bounds[d]:ngram_bounds[d + 1]]``
    n_inputs : int64 (n,), what the sum of a document's rows is divided by
    most_rows : int, the most that a document has
    order : int32 (n,)
    targets : int64 (n,), the class of each document
    weights : float64 (n_classes,), what its gradient and loss are multiplied by
    which, begins, ends : int64 (n,), (n_classes,), (n_classes,); the output rows that a document of
        class c is scored by are ``which[begins[c]:ends[c]]``: all, or those on its path in the tree
    is_one : uint8 (n,), which way the path turns there; only read for `HIERARCHICAL`
    kind : `SOFTMAX`, `ONE_VERSUS_ALL` or `HIERARCHICAL`
    alpha, decay : float; the rate of document i is alpha - decay * (i - first)

    Returns
    -------
    loss, n_terms : float, the sum of the losses, and how many documents it is of
    """
    rows = np.empty(most_rows, np.int64)
    hidden = np.empty(stride, np.float32)
    gradient = np.empty(stride, np.float32)
    scores = np.empty(max(1, outputs.size // stride), np.float64)
    sum_ = 0.0
    n_terms = 0
    for i in range(first, last):
        d = order[i]
        n = gather_words(tokens, bounds[d], bounds[d + 1], row_bounds, row_list, rows, 0)
        for k in range(ngram_bounds[d], ngram_bounds[d + 1]):
            rows[n] = ngrams[k]
            n += 1
        if n == 0:
            continue
        mean_of_rows(inputs, stride, rows, n, n_inputs[d], hidden)
        target = targets[d]
        begin, end = begins[target], ends[target]
        for k in range(begin, end):
            scores[k - begin] = dot(outputs, which[k] * stride, hidden, stride)
        rate = (alpha - decay * (i - first)) * weights[target]
        if kind == SOFTMAX:
            loss = softmax_steps(scores, end - begin, target, rate)
        else:
            loss = 0.0
            for k in range(end - begin):
                one = k == target if kind == ONE_VERSUS_ALL else is_one[begin + k] == 1
                loss += logistic_step(scores, k, one, rate)
        learn_outputs(outputs, stride, which, begin, end, scores, hidden, gradient)
        share = splat(F(1.0 / n_inputs[d]))
        for k in range(0, stride, 16):
            store(gradient, k, mul(load(gradient, k), share))
        add_to_rows(inputs, stride, rows, n, gradient)
        sum_ += loss * weights[target]
        n_terms += 1
    return sum_, n_terms


@kernel
def score(
    inputs, outputs, stride, tokens, bounds, row_bounds, row_list, hashes, longest, bucket, row_of,
    most_rows, first, last, scores,
):  # fmt: skip
    """Scores of documents ``first`` to ``last`` for each output row.

    Parameters
    ----------
    inputs, outputs, stride, tokens, bounds, row_bounds, row_list, hashes : see the module
    longest, bucket : int, of the word n-grams
    row_of : int32 (bucket,), the row of each bucket; -1 counts as a row of zeros
    most_rows : int, the most that a document has
    scores : float32 (n_documents, n_outputs), filled
    """
    rows = np.empty(most_rows, np.int64)
    hidden = np.empty(stride, np.float32)
    modulus = U64(bucket)
    for d in range(first, last):
        n = gather_words(tokens, bounds[d], bounds[d + 1], row_bounds, row_list, rows, 0)
        divisor = 0
        for i in range(bounds[d], bounds[d + 1]):
            divisor += row_bounds[tokens[i] + 1] - row_bounds[tokens[i]]
            h = hashes[tokens[i]]
            for j in range(i + 1, min(bounds[d + 1], i + longest)):
                h = add_u64(multiply_u64(h, NGRAM_FACTOR), hashes[tokens[j]])
                row = row_of[np.int64(h % modulus)]
                divisor += 1
                if row >= 0:
                    rows[n] = row
                    n += 1
        mean_of_rows(inputs, stride, rows, n, max(1, divisor), hidden)
        for c in range(scores.shape[1]):
            scores[d, c] = dot(outputs, c * stride, hidden, stride)
