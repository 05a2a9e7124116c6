"""The Fréchet distance between features of two sets of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.image.measures.features import check_features


def frechet_distance(a: Any, b: Any) -> float:
    """Squared Fréchet distance of two normal distributions that have the sets' means and
    covariances.

    Parameters
    ----------
    a, b : array-like (n, d), (m, d)
        Features. Take as many rows of each: the distance of small sets is larger, by about d / n
        times their variance, whatever made them.

    Returns
    -------
    float
        In squares of the features' unit; 0 where means and covariances agree. With features of
        Inception-v3 it is called FID, which other features cannot be compared with.

    Raises
    ------
    ValueError
        If one is no table of finite numbers with two rows, or they differ in width.

    References
    ----------
    M. Heusel et al.: GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium, NeurIPS 2017, equation 6.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(frechet_distance(a, a + [3.0, 4.0]), 6)
    25.0
    """
    first, second = check_features(a, b, least=2)
    gap = first.mean(axis=0) - second.mean(axis=0)
    one, other = _covariance(first), _covariance(second)
    return float(gap @ gap + max(0.0, _bures(one, other)))


def _covariance(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.atleast_2d(np.cov(features, rowvar=False))


def _bures(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """tr(one) + tr(other) - 2 tr((one other)^1/2).

    The product is not symmetric, and roots of it turn complex where a covariance is singular;
    one^1/2 other one^1/2 has the same eigenvalues and is symmetric.
    """
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    product = root @ other @ root
    common = np.linalg.eigvalsh((product + product.T) / 2)
    return float(np.trace(one) + np.trace(other) - 2.0 * np.sqrt(np.maximum(common, 0.0)).sum())
