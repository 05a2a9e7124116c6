"""Which labelled texts a language model is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

SELECTIONS = ("balanced", "random", "similar")


def choose_examples(
    group: NDArray[np.int64], n_examples: int, selection: str, random: np.random.Generator
) -> NDArray[np.int64]:
    """Draw examples that stand before each question.

    Parameters
    ----------
    group : int64 array (n_samples,)
        Number of the class of each text.
    n_examples : int
        All classes together; fewer where there are not so many texts.
    selection : {"balanced", "random"}
        "balanced" takes one of each class in turn.
    random : numpy.random.Generator

    Returns
    -------
    int64 array (n_chosen,)
        Positions, in random order: what stands last counts most.

    Examples
    --------
    >>> group = np.array([0, 0, 0, 0, 0, 0, 1, 2, 2])
    >>> chosen = choose_examples(group, 6, "balanced", np.random.default_rng(0))
    >>> np.bincount(group[chosen]).tolist()
    [3, 1, 2]
    """
    if selection == "random":
        return random.permutation(len(group))[:n_examples].astype(np.int64)
    shuffled = random.permutation(len(group))
    rank = np.zeros(len(group), dtype=np.int64)  # of each text among those of its class
    for number in np.unique(group):
        members = shuffled[group[shuffled] == number]
        rank[members] = np.arange(len(members))
    classes = random.permutation(int(group.max()) + 1)  # whose turn it is first
    order = np.lexsort((classes[group], rank))
    return random.permutation(order[:n_examples]).astype(np.int64)


def most_similar(known: object, asked: object, n_examples: int) -> NDArray[np.int64]:
    """The texts most like each of some others.

    Parameters
    ----------
    known, asked : sparse matrices (n_known, n_terms), (n_asked, n_terms)
        Weights of terms.
    n_examples : int

    Returns
    -------
    int64 array (n_asked, n_chosen)
        Rows of `known` by cosine, the most similar last; of equals, the first is taken for the
        more similar one.

    Examples
    --------
    >>> import scipy.sparse
    >>> known = scipy.sparse.csr_matrix([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]])
    >>> most_similar(known, scipy.sparse.csr_matrix([[2.0, 0.1, 0]]), 2).tolist()
    [[2, 0]]
    """
    likeness = (normalize(asked) @ normalize(known).T).toarray()  # (n_asked, n_known)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :n_examples]
    return np.ascontiguousarray(order[:, ::-1]).astype(np.int64)
