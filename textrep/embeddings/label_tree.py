"""The output layer of fastText's classifier: which output rows tell each class apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

LOSSES = ("softmax", "ova", "hs")


@dataclass(frozen=True)
class Paths:
    """The output rows that a document of each class is scored by.

    Attributes
    ----------
    rows : ndarray of shape (n,), int64
        Those of class c are ``rows[begins[c]:ends[c]]``.
    is_one : ndarray of shape (n,), uint8
        Which way the path turns there; of no meaning where all classes have all rows.
    begins, ends : ndarray of shape (n_classes,), int64
    """

    rows: np.ndarray
    is_one: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True)
class Labels:
    """The classes as the output layer has them.

    Attributes
    ----------
    loss : {"softmax", "ova", "hs"}
    counts : ndarray of shape (n_classes,), int64
        Training documents of each class.
    order : ndarray of shape (n_classes,), int64
        The classes from the most frequent on. Where two are equally frequent, the tree of "hs"
        depends on which comes first.
    """

    loss: str
    counts: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, loss: str, counts: np.ndarray) -> Labels:
        """Equally frequent classes in the order of their numbers."""
        return cls(loss, counts, np.argsort(-counts, kind="stable"))

    @cached_property
    def paths(self) -> Paths:
        """All rows for each class, or with "hs" those from its leaf to the root of the tree.

        Examples
        --------
        >>> tree = Labels.of("hs", np.array([1, 5, 2])).paths  # (1, (2, 0))
        >>> [tree.rows[a:b].tolist() for a, b in zip(tree.begins, tree.ends)]
        [[0, 1], [1], [0, 1]]
        """
        n_classes = len(self.counts)
        if self.loss != "hs":
            none = np.zeros(n_classes, dtype=np.int64)
            is_one = np.zeros(n_classes, dtype=np.uint8)
            return Paths(np.arange(n_classes), is_one, none, none + n_classes)
        paths, turns = _huffman_paths(self.counts, self.order)
        ends = np.cumsum([len(path) for path in paths], dtype=np.int64)
        return Paths(
            np.array([row for path in paths for row in path], dtype=np.int64),
            np.array([turn for path in turns for turn in path], dtype=np.uint8),
            np.concatenate([[0], ends[:-1]]),
            ends,
        )

    def log_odds(self, scores: np.ndarray) -> np.ndarray:
        """Scores of the output rows -> logarithms of what the probabilities are proportional to.

        For "softmax" the scores themselves; for "ova" log sigma(score), of each class by itself;
        for "hs" the sum of log sigma(+-score) along its path. float64 (n_documents, n_classes).
        """
        scores = scores.astype(np.float64)
        if self.loss == "softmax":
            return scores
        if self.loss == "ova":
            return -np.logaddexp(0.0, -scores)
        paths = self.paths
        found = np.empty((len(scores), len(self.counts)))
        for c, (begin, end) in enumerate(zip(paths.begins, paths.ends, strict=True)):
            signs = np.where(paths.is_one[begin:end] == 1, 1.0, -1.0)
            turns = signs * scores[:, paths.rows[begin:end]]
            found[:, c] = -np.logaddexp(0.0, -turns).sum(axis=1)
        return found


def _huffman_paths(
    counts: np.ndarray, order: np.ndarray
) -> tuple[list[list[int]], list[list[int]]]:
    """Rows from the leaf of each class to the root, and the turns there.

    The tree must be fastText's, not only as short as it, for a file to mean the same to both
    (``HierarchicalSoftmaxLoss::buildTree`` of fastText 0.9.2, src/loss.cc): leaves come from the
    end of ``order``, inner nodes in the order in which they were made, a leaf only where it is the
    rarer of the two.
    """
    n = len(order)
    weight = [int(count) for count in counts[order]]
    parent = [-1] * (2 * n - 1)
    turn = [0] * (2 * n - 1)
    leaf, node = n - 1, n
    for made in range(n, 2 * n - 1):
        pair = []
        for _ in range(2):
            if leaf >= 0 and (node >= made or weight[leaf] < weight[node]):
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(node)
                node += 1
        weight.append(weight[pair[0]] + weight[pair[1]])
        parent[pair[0]] = parent[pair[1]] = made
        turn[pair[1]] = 1
    paths: list[list[int]] = [[] for _ in range(n)]
    turns: list[list[int]] = [[] for _ in range(n)]
    for rank, c in enumerate(order.tolist()):
        at = rank
        while parent[at] >= 0:
            paths[c].append(parent[at] - n)
            turns[c].append(turn[at])
            at = parent[at]
    return paths, turns
