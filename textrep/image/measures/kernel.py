"""The kernel distance between features of two sets of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.image.measures.features import check_features

_DEGREE = 3  # Bińkowski et al. (2018), section 4
_BLOCK = 1024  # rows of a kernel matrix at a time


def kernel_distance(a: Any, b: Any) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy, kernel (x . y / d + 1)^3.

    Parameters
    ----------
    a, b : array-like (n, d), (m, d)
        Features.

    Returns
    -------
    float
        0 in the mean for two sets of one distribution, whatever their size, and so below 0 at
        times. With features of Inception-v3 it is called KID.

    Raises
    ------
    ValueError
        If one is no table of finite numbers with two rows, or they differ in width.

    Notes
    -----
    Of all pairs, where the paper takes the mean over subsets: the expectation is the same, the
    variance less.

    References
    ----------
    M. Bińkowski et al.: Demystifying MMD GANs, ICLR 2018.

    Examples
    --------
    >>> kernel_distance([[0.0], [0.0]], [[1.0], [1.0]])  # 1 + 8 - 2
    7.0
    """
    first, second = check_features(a, b, least=2)
    n, m = len(first), len(second)
    own = _sum(first, first) - _diagonal(first)
    others = _sum(second, second) - _diagonal(second)
    return own / (n * (n - 1)) + others / (m * (m - 1)) - 2.0 * _sum(first, second) / (n * m)


def _kernel(products: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return (products / size + 1.0) ** _DEGREE


def _sum(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    blocks = range(0, len(first), _BLOCK)
    return sum(
        float(_kernel(first[i : i + _BLOCK] @ second.T, first.shape[1]).sum()) for i in blocks
    )


def _diagonal(features: NDArray[np.float64]) -> float:
    return float(_kernel(np.square(features).sum(axis=1), features.shape[1]).sum())
