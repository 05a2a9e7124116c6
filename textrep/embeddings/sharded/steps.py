"""What training on a part does to common vectors, and how the parts' doings become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textrep.embeddings.neighbours import blocks

Combine = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


@dataclass
class Step:
    """How far vectors moved while some text was trained on.

    Attributes
    ----------
    inputs, outputs : float32 ndarray (n_rows, stride)
        What has to be added to those before, see `textrep.embeddings.corpus_training.Start`.
    n_words : int
        Words of the text.
    loss, n_terms : float
        The sum of the losses and the number of terms in it.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    n_words: int
    loss: float
    n_terms: float


def average(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """The mean of two steps, weighted by the words behind each.

    Parameters
    ----------
    first, second : float32 ndarray (n_rows, n_columns)
    share : float
        That of the second in the words of both.

    Returns
    -------
    float32 ndarray (n_rows, n_columns)

    Examples
    --------
    >>> average(np.float32([[1, 1]]), np.float32([[0, 3]]), 0.5)
    array([[0.5, 2. ]], dtype=float32)
    """
    return first + np.float32(share) * (second - first)


def adaptive_sum(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    r"""The sum of two steps as far as they lead apart, their mean as far as they agree.

    For the steps a and b of a row it is

    .. math:: (1 - \frac{a \cdot b}{2\, a \cdot a})\, a + (1 - \frac{a \cdot b}{2\, b \cdot b})\, b,

    so a + b where they are at right angles, and (a + b) / 2 where they are parallel. A word that
    only one of two parts has moves as far as that part moved it; one that both push the same way
    does not overshoot.

    Parameters
    ----------
    first, second : float32 ndarray (n_rows, n_columns)
    share : float
        Not looked at.

    Returns
    -------
    float32 ndarray (n_rows, n_columns)

    References
    ----------
    S. Maleki, M. Musuvathi, T. Mytkowicz, O. Saarikivi, T. Xu, V. Eksarevskiy, J. Ekanayake,
    E. Barsoum: Scaling distributed training with adaptive summation, MLSys 2021, equation 3; for
    word vectors R. Gill, R. Dathathri, S. Maleki, M. Musuvathi, T. Mytkowicz, O. Saarikivi:
    Distributed training of embeddings using graph analytics, IPDPS 2021.

    Examples
    --------
    >>> rows = np.float32([[1, 0], [1, 0], [0, 0]]), np.float32([[0, 2], [1, 0], [5, 0]])
    >>> adaptive_sum(*rows, 0.5)
    array([[1., 2.],
           [1., 0.],
           [5., 0.]], dtype=float32)
    """
    del share
    combined = np.empty_like(first)
    for begin, end in blocks(*first.shape):
        a, b = first[begin:end], second[begin:end]
        both = np.einsum("ij,ij->i", a, b)
        combined[begin:end] = _own_share(both, a) * a + _own_share(both, b) * b
    return combined


def _own_share(both: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """1 - a·b / (2 a·a) for each row a, (n_rows, 1); 1 for zeros."""
    squares = 2 * np.einsum("ij,ij->i", rows, rows)
    ratio = np.divide(both, squares, out=np.zeros_like(both), where=squares > 0)
    return (1 - ratio)[:, None]


COMBINATIONS: dict[str, Combine] = {"adaptive": adaptive_sum, "average": average}


def merge_steps(combine: Combine, steps: list[Step]) -> Step:
    """Neighbours combined pair by pair until one step is left.

    Parameters
    ----------
    combine : callable
        One of `COMBINATIONS`.
    steps : list of Step
        At least one.

    Returns
    -------
    Step
    """
    while len(steps) > 1:
        pairs = [steps[i : i + 2] for i in range(0, len(steps), 2)]
        steps = [_combined(combine, *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return steps[0]


def _combined(combine: Combine, first: Step, second: Step) -> Step:
    n_words = first.n_words + second.n_words
    share = second.n_words / max(1, n_words)
    return Step(
        combine(first.inputs, second.inputs, share),
        combine(first.outputs, second.outputs, share),
        n_words,
        first.loss + second.loss,
        first.n_terms + second.n_terms,
    )
