"""What training on a part does to common vectors, and how the parts' doings become one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textrep.embeddings.neighbours import blocks

SATURATION = 10.0
"""Occurrences of a word in a part after which its vectors have gone most of the way they go there.

Of 0, 10 and 33, with four parts of 3 million words together and 10 rounds an epoch, 10 does best on
MTurk-771 and RG-65 with skip-gram (mean correlation of three seeds 47.5, 49.7 and 48.4), and with
CBOW all are within the spread of seeds (42.2, 43.1 and 43.7).
"""


@dataclass
class Step:
    """How far the vectors of a matrix moved while some text was trained on.

    Attributes
    ----------
    rows : float32 ndarray (n_rows, stride)
        What has to be added to those before.
    seen : float32 ndarray (n_rows,)
        How often the text has what each row stands for.
    """

    rows: np.ndarray
    seen: np.ndarray


@dataclass
class Learning:
    """What training on some text did.

    Attributes
    ----------
    inputs, outputs : Step
        Of the matrices, see `textrep.embeddings.corpus_training.Start`.
    n_words : int
        Words of the text.
    loss, n_terms : float
        The sum of the losses and the number of terms in it.
    """

    inputs: Step
    outputs: Step
    n_words: int
    loss: float
    n_terms: float


def adaptive_sum(first: Step, second: Step) -> np.ndarray:
    r"""The sum of two steps as far as they lead apart, their mean as far as they agree.

    For the steps a and b of a row it is

    .. math:: (1 - s \frac{a \cdot b}{2\, a \cdot a})\, a
        + (1 - s \frac{a \cdot b}{2\, b \cdot b})\, b,
        \qquad s = 1 - e^{-c / \mathrm{SATURATION}},

    with c the mean of how often the two texts have the row's word. Where steps are at right angles
    it is a + b. Where they are parallel it is (a + b) / 2 for a frequent word, since each part has
    brought it all the way to where both want it and the sum would overshoot; and a + b for a rare
    one, which has further to go. A word that only one of two parts has moves as far as that part
    moved it.

    The mean of all steps (parameter averaging, weighted by the parts' words) was worse: with two
    parts of 2 million words each and 10 rounds an epoch 5.7 (skip-gram) and 4.7 points (CBOW) of
    WS-353 below one machine, means of three seeds.

    Parameters
    ----------
    first, second : Step

    Returns
    -------
    float32 ndarray (n_rows, stride)

    References
    ----------
    S. Maleki, M. Musuvathi, T. Mytkowicz, O. Saarikivi, T. Xu, V. Eksarevskiy, J. Ekanayake,
    E. Barsoum: Scaling distributed training with adaptive summation, MLSys 2021, equation 3, where
    s is 1; for word vectors R. Gill, R. Dathathri, S. Maleki, M. Musuvathi, T. Mytkowicz,
    O. Saarikivi: Distributed training of embeddings using graph analytics, IPDPS 2021.

    Examples
    --------
    >>> often = np.float32([1000, 1000, 1000])
    >>> a, b = np.float32([[1, 0], [1, 0], [0, 0]]), np.float32([[0, 2], [1, 0], [5, 0]])
    >>> adaptive_sum(Step(a, often), Step(b, often))
    array([[1., 2.],
           [1., 0.],
           [5., 0.]], dtype=float32)
    """
    saturated = 1 - np.exp(-(first.seen + second.seen) / np.float32(2 * SATURATION))
    combined = np.empty_like(first.rows)
    for begin, end in blocks(*combined.shape):
        a, b = first.rows[begin:end], second.rows[begin:end]
        common = saturated[begin:end] * np.einsum("ij,ij->i", a, b)
        combined[begin:end] = _own_share(common, a) * a + _own_share(common, b) * b
    return combined


def _own_share(common: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """1 - common / (2 a·a) for each row a, (n_rows, 1); 1 for zeros."""
    squares = 2 * np.einsum("ij,ij->i", rows, rows)
    ratio = np.divide(common, squares, out=np.zeros_like(common), where=squares > 0)
    return (1 - ratio)[:, None]


def merge_learnings(learnings: list[Learning]) -> Learning:
    """Neighbours combined pair by pair until one is left.

    Parameters
    ----------
    learnings : list of Learning
        At least one; they are left as they are.

    Returns
    -------
    Learning
    """
    while len(learnings) > 1:
        pairs = [learnings[i : i + 2] for i in range(0, len(learnings), 2)]
        learnings = [_merged(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return learnings[0]


def _merged(first: Learning, second: Learning) -> Learning:
    inputs, outputs = (
        Step(adaptive_sum(a, b), a.seen + b.seen)
        for a, b in ((first.inputs, second.inputs), (first.outputs, second.outputs))
    )
    loss, n_terms = first.loss + second.loss, first.n_terms + second.n_terms
    return Learning(inputs, outputs, first.n_words + second.n_words, loss, n_terms)
