"""The best tags of a sentence among those that follow the rules of their scheme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.tagging.entity_scores import OUTSIDE, is_entity_tag, split_tag


def is_iob2(sentences: Iterable[Sequence[str]]) -> bool:
    """Whether tags are those of IOB2: all entities begin with ``B`` and go on with ``I``.

    Parameters
    ----------
    sentences : iterable of sequences of str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_iob2([["B-PER", "I-PER", "O"]]), is_iob2([["I-PER", "O"]]), is_iob2([["NOUN"]])
    (True, False, False)
    """
    any_entity = False
    for tags in sentences:
        before = OUTSIDE
        for tag in tags:
            if not is_entity_tag(tag) or split_tag(tag)[0] in "ES" or not may_follow(before, tag):
                return False
            any_entity = any_entity or tag != OUTSIDE
            before = tag
    return any_entity


def may_follow(before: str, tag: str) -> bool:
    """Whether a tag of IOB2 may stand behind another one: ``I`` only inside its own entity."""
    mark, kind = split_tag(tag)
    if mark != "I":
        return True
    mark_before, kind_before = split_tag(before)
    return mark_before != OUTSIDE and kind_before == kind


def allowed_moves(tags: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the tags of IOB2 may begin a sentence, and which may follow which.

    Parameters
    ----------
    tags : sequence of str, length n

    Returns
    -------
    first : bool ndarray (n,)
    moves : bool ndarray (n, n)
        ``moves[i, j]``: tag j may follow tag i.
    """
    first = np.array([may_follow(OUTSIDE, tag) for tag in tags], dtype=bool)
    moves = np.array([[may_follow(before, tag) for tag in tags] for before in tags], dtype=bool)
    return first, moves


def best_path(
    scores: NDArray[np.floating], first: NDArray[np.bool_], moves: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The tags with the highest sum of scores among those that are allowed.

    Parameters
    ----------
    scores : float ndarray (n_words, n)
        Log-probabilities of the tags of each word.
    first : bool ndarray (n,)
    moves : bool ndarray (n, n)
        See `allowed_moves`.

    Returns
    -------
    int64 ndarray (n_words,)

    Examples
    --------
    >>> scores = np.log([[0.5, 0.2, 0.3], [0.1, 0.1, 0.8]])  # O, B-PER, I-PER
    >>> best_path(scores, *allowed_moves(["O", "B-PER", "I-PER"]))
    array([1, 2])
    """
    n_words = len(scores)
    alone = scores.argmax(axis=1)
    if not n_words or (first[alone[0]] and moves[alone[:-1], alone[1:]].all()):
        return alone.astype(np.int64)
    forbidden = np.where(moves, 0.0, -np.inf)
    total = np.where(first, scores[0], -np.inf)
    came_from = np.zeros(scores.shape, dtype=np.int64)
    for word in range(1, n_words):
        ways = total[:, None] + forbidden  # (before, tag)
        came_from[word] = ways.argmax(axis=0)
        total = ways.max(axis=0) + scores[word]
    path = np.empty(n_words, dtype=np.int64)
    path[-1] = total.argmax()
    for word in range(n_words - 1, 0, -1):
        path[word - 1] = came_from[word, path[word]]
    return path
