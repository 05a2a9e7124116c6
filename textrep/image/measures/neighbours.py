"""Measures of two sets by nearest neighbours: precision, recall, density, coverage, 1-NN test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from textrep.embeddings.parameters import check_count
from textrep.image.measures.features import check_features

_BLOCK = 512  # rows of a table of distances at a time


class PrecisionRecall(NamedTuple):
    """Shares, from 0 to 1.

    Attributes
    ----------
    precision : float
        Made pictures that lie among the real ones.
    recall : float
        Real pictures that lie among the made ones.
    """

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """What made pictures are to the neighbourhoods of real ones.

    Attributes
    ----------
    density : float
        Neighbourhoods that a made picture lies in, divided by `k`; 1 for a good set, above it
        where pictures crowd where real ones are dense.
    coverage : float
        Share of the real pictures with a made one in their neighbourhood.
    """

    density: float
    coverage: float


def precision_recall(real: Any, fake: Any, *, k: int = 3) -> PrecisionRecall:
    """Share of each set that lies in the other's support.

    The support of a set is the union of balls around its members that reach to the `k`-th
    neighbour of the same set.

    Parameters
    ----------
    real, fake : array-like (n, d), (m, d)
        Features; take as many of both.
    k : int, default=3

    Returns
    -------
    PrecisionRecall

    Raises
    ------
    ValueError
        If one is no table of finite numbers with more than `k` rows, or they differ in width.

    References
    ----------
    T. Kynkäänniemi et al.: Improved precision and recall metric for assessing generative models,
    NeurIPS 2019, equations 1 to 3.

    Examples
    --------
    >>> precision_recall([[0.0], [1.0], [9.0], [10.0]], [[0.4], [0.5], [0.6], [0.7]], k=1)
    PrecisionRecall(precision=1.0, recall=0.0)
    """
    check_count("k", k, 1)
    first, second = check_features(real, fake, least=k + 1)
    real_radii, fake_radii = _radii(first, k), _radii(second, k)
    fake_inside = np.concatenate(
        [(block <= real_radii).any(axis=1) for block in _distances(second, first)]
    )
    real_inside = np.concatenate(
        [(block <= fake_radii).any(axis=1) for block in _distances(first, second)]
    )
    return PrecisionRecall(float(fake_inside.mean()), float(real_inside.mean()))


def density_coverage(real: Any, fake: Any, *, k: int = 5) -> DensityCoverage:
    """How densely made pictures lie among real ones, and how many of those they reach.

    One real outlier makes the support that `precision_recall` takes much larger; here it counts
    for one of `k`.

    Parameters
    ----------
    real, fake : array-like (n, d), (m, d)
        Features; take as many of both.
    k : int, default=5

    Returns
    -------
    DensityCoverage

    Raises
    ------
    ValueError
        If one is no table of finite numbers with more than `k` rows, or they differ in width.

    References
    ----------
    M. Naeem et al.: Reliable fidelity and diversity metrics for generative models, ICML 2020,
    equations 4 and 5.

    Examples
    --------
    >>> density_coverage([[0.0], [1.0], [9.0], [10.0]], [[0.4], [0.5]], k=1)
    DensityCoverage(density=2.0, coverage=0.5)
    """
    check_count("k", k, 1)
    first, second = check_features(real, fake, least=1)
    if len(first) <= k:
        raise ValueError(f"real must have more than k={k} rows, got {len(first)}")
    radii = _radii(first, k)
    inside, covered = 0, np.zeros(len(first), dtype=bool)
    for block in _distances(second, first):
        hit = block <= radii
        inside += int(hit.sum())
        covered |= hit.any(axis=0)
    return DensityCoverage(inside / (k * len(second)), float(covered.mean()))


def two_sample_accuracy(a: Any, b: Any) -> float:
    """How often the nearest neighbour of a picture is of the same set.

    Parameters
    ----------
    a, b : array-like (n, d), (n, d)
        Features of as many pictures each.

    Returns
    -------
    float
        0.5 in the mean for two sets of one distribution, 1 where they lie apart, and near 0 where
        one is a copy of the other.

    Raises
    ------
    ValueError
        If one is no table of finite numbers, or they differ in shape.

    Notes
    -----
    Of several nearest neighbours the first counts, rows of `a` before those of `b`.

    References
    ----------
    D. Lopez-Paz, M. Oquab: Revisiting classifier two-sample tests, ICLR 2017.

    Examples
    --------
    >>> two_sample_accuracy([[0.0], [1.0]], [[7.0], [9.0]])
    1.0
    """
    first, second = check_features(a, b, least=2)
    if len(first) != len(second):
        raise ValueError(
            f"both sets must have as many rows, got {len(first)} and {len(second)}; else the "
            "accuracy of chance is not 0.5"
        )
    both = np.concatenate([first, second])
    labels = np.arange(len(both)) < len(first)
    nearest = np.concatenate([block.argmin(axis=1) for block in _distances_within(both)])
    return float((labels[nearest] == labels).mean())


def _radii(points: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Squared distance of each point to its k-th neighbour, (n,)."""
    return np.concatenate(
        [np.partition(block, k - 1, axis=1)[:, k - 1] for block in _distances_within(points)]
    )


def _distances(
    rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Squared distances of some rows after the other to all columns."""
    # Differences and not |a|^2 + |b|^2 - 2ab, by which a point is not at 0 from its copy.
    for start in range(0, len(rows), _BLOCK):
        yield cdist(rows[start : start + _BLOCK], columns, "sqeuclidean")


def _distances_within(points: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The same of a set to itself, where each point is infinitely far from itself."""
    start = 0
    for block in _distances(points, points):
        here = np.arange(len(block))
        block[here, start + here] = np.inf
        start += len(block)
        yield block
