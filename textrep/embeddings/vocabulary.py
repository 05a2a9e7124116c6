"""What training makes of how often words are: which to leave out, which to draw, and a tree."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrep.core.messages import shown

WHOLE = 1 << 32
"""What stands for 1 in `alias_table`: one more than the largest number of 32 bits."""


def keep_probabilities(counts: Any, sample: float, *, total: int | None = None) -> np.ndarray:
    r"""How probably a word is kept when frequent words are sub-sampled.

    With f the share of a word in the text it is :math:`\sqrt{t / f} + t / f`, at most 1: what
    word2vec.c, gensim and fastText compute, not the :math:`\sqrt{t / f}` of the paper. They differ
    in what the text is: see `total`.

    Parameters
    ----------
    counts : array-like of int, shape (n_words,)
        How often each word stands in the text, at least once.
    sample : float
        The threshold t, 0 to 1; 0 keeps all. 1e-3 is usual, fastText has 1e-4.
    total : int, optional
        Words in the text; by default the sum of `counts`, so that words outside the vocabulary do
        not count (word2vec.c and gensim). fastText counts them too: give the `n_raw` of a corpus.

    Returns
    -------
    ndarray of float32, shape (n_words,)

    Raises
    ------
    ValueError
        When a count is below 1, `sample` is not from 0 to 1, or `total` is less than the sum.

    References
    ----------
    Mikolov, Sutskever, Chen, Corrado and Dean (2013), Distributed representations of words and
    phrases and their compositionality, section 2.3.

    Examples
    --------
    >>> keep_probabilities([900, 90, 10], 1e-2).round(3)
    array([0.117, 0.444, 1.   ], dtype=float32)
    """
    numbers = _checked_counts(counts, least=1)
    if not 0 <= sample <= 1:
        raise ValueError(f"sample must be from 0 to 1, got {shown(sample)}")
    words = int(numbers.sum())
    if total is not None:
        if total < words:
            raise ValueError(f"total={shown(total)} is less than the sum of counts, {words}")
        words = total
    if sample == 0:
        return np.ones(len(numbers), dtype=np.float32)
    ratio = sample * words / numbers
    return np.minimum(np.sqrt(ratio) + ratio, 1.0).astype(np.float32)


def negative_weights(counts: Any, power: float = 0.75) -> np.ndarray:
    """How probably each word is drawn as a negative example: its count to a power, of all.

    Parameters
    ----------
    counts : array-like of int, shape (n_words,)
    power : float, default=0.75
        1 draws words as often as they are, 0 all alike. word2vec.c and gensim have 0.75, fastText
        has 0.5.

    Returns
    -------
    ndarray of float64, shape (n_words,)
        Sums to 1.

    Raises
    ------
    ValueError
        When there is no count above 0, or `power` is no finite number.

    Examples
    --------
    >>> negative_weights([16, 1], power=0.5)
    array([0.8, 0.2])
    """
    numbers = _checked_counts(counts, least=0)
    if not np.isfinite(power):
        raise ValueError(f"power must be a finite number, got {shown(power)}")
    if not numbers.any():
        raise ValueError("counts are all 0; at least one word must have been met")
    met = numbers > 0
    # relative to the largest, so that no power is too large for a float
    weights = np.where(met, np.where(met, numbers, 1) / numbers.max(), 0.0)
    weights[met] **= power
    return weights / weights.sum()


def alias_table(weights: Any) -> tuple[np.ndarray, np.ndarray]:
    """A table from which items are drawn by their weights in constant time.

    To draw, take a place from 0 to n - 1 and a number of 32 bits at random: the item is the place
    itself if the number is less than the place's threshold, else the place's alias.

    Parameters
    ----------
    weights : array-like of float, shape (n_items,)
        Not negative, not all 0; need not sum to 1.

    Returns
    -------
    threshold : ndarray of int64, shape (n_items,)
        0 to 2**32. Rounding it changes a probability by less than 2**-32.
    alias : ndarray of int32, shape (n_items,)

    Raises
    ------
    ValueError
        When there are no weights, or they are negative, not finite or all 0.

    References
    ----------
    Vose (1991), A linear algorithm for generating random numbers with a given distribution, IEEE
    Transactions on Software Engineering 17(9).

    Examples
    --------
    >>> threshold, alias = alias_table([3, 1])
    >>> (threshold / 2**32).tolist(), alias.tolist()
    ([1.0, 0.5], [0, 0])
    """
    # Here and not above: numba takes its time to import.
    from textrep.embeddings.kernels.vocabulary import pair_up

    share = np.array(weights, dtype=np.float64)
    if share.ndim != 1 or not len(share):
        raise ValueError(f"weights must be one row of numbers, got shape {share.shape}")
    if not np.isfinite(share).all() or (share < 0).any():
        raise ValueError("weights must be finite and not negative")
    if not share.any():
        raise ValueError("weights are all 0; at least one item must have a weight")
    share /= share.max()  # so that no sum is too large for a float
    share *= len(share) / share.sum()
    alias = np.empty(len(share), dtype=np.int32)
    pair_up(share, alias)
    return np.rint(share * WHOLE).astype(np.int64), alias


def huffman_tree(counts: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The binary tree in which frequent words are near the root, for hierarchical softmax.

    It is the tree of word2vec.c, node for node; gensim's joins equal counts in another order, and
    is neither longer nor shorter. Word ``i`` is reached from the root by ``codes[offsets[i]:
    offsets[i + 1]]``, turns taken at the nodes ``points[offsets[i]:offsets[i + 1]]``.

    Parameters
    ----------
    counts : array-like of int, shape (n_words,)
        How often each word is, in any order; equal ones are taken in the order given.

    Returns
    -------
    codes : ndarray of uint8, shape (n_turns,)
        0 or 1.
    points : ndarray of int32, shape (n_turns,)
        Inner nodes, 0 to n_words - 2; the root is the last.
    offsets : ndarray of int64, shape (n_words + 1,)

    Raises
    ------
    ValueError
        When there are no counts or one is negative.

    References
    ----------
    Huffman (1952), A method for the construction of minimum-redundancy codes, Proceedings of the
    IRE 40(9); Morin and Bengio (2005), Hierarchical probabilistic neural network language model.

    Examples
    --------
    >>> codes, points, offsets = huffman_tree([5, 2, 1])
    >>> [codes[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:])]
    [[1], [0, 1], [0, 0]]
    >>> points.tolist()
    [1, 1, 0, 1, 0]
    """
    from textrep.embeddings.kernels.vocabulary import join_rarest, measure_paths, write_paths

    numbers = _checked_counts(counts, least=0)
    n = len(numbers)
    order = np.argsort(-numbers, kind="stable")
    parent = np.zeros(2 * n - 1, dtype=np.int64)
    bit = np.zeros(2 * n - 1, dtype=np.uint8)
    join_rarest(numbers[order], parent, bit)
    # from ranks to the words' own numbers
    parent[order], bit[order] = parent[:n].copy(), bit[:n].copy()
    length = np.zeros(n, dtype=np.int64)
    measure_paths(parent, n, length)
    offsets = np.concatenate([[0], np.cumsum(length)])
    codes = np.empty(offsets[-1], dtype=np.uint8)
    points = np.empty(offsets[-1], dtype=np.int32)
    write_paths(parent, bit, n, offsets, codes, points)
    return codes, points, offsets


def _checked_counts(counts: Any, least: int) -> np.ndarray:
    numbers = np.asarray(counts)
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"counts must be one row of numbers, got shape {numbers.shape}")
    if numbers.dtype.kind not in "iu":
        raise ValueError(f"counts must be integers, got {numbers.dtype}")
    if numbers.min() < least:
        raise ValueError(f"counts must be at least {least}, got {numbers.min()}")
    return numbers.astype(np.int64)
