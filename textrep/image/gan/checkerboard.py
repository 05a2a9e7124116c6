"""How much of a picture alternates from pixel to pixel: the pattern of transposed convolutions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def checkerboard_share(pictures: NDArray[np.floating]) -> float:
    """Share of the variance that lies at the Nyquist frequency of rows or columns.

    A transposed convolution whose kernel is no multiple of its stride adds more terms to every
    second pixel, so that its outputs alternate; resizing and then convolving treats all alike.

    Parameters
    ----------
    pictures : array (n, channels, height, width)
        Of odd sides the last row or column is left out.

    Returns
    -------
    float
        From 0 to 1; 0 for constant pictures. White noise has 1/height + 1/width, nearly.

    References
    ----------
    A. Odena, V. Dumoulin, C. Olah: Deconvolution and checkerboard artifacts, Distill 2016.

    Examples
    --------
    >>> board = np.indices((8, 8)).sum(axis=0) % 2
    >>> round(checkerboard_share(board[None, None] * 1.0), 6)
    1.0
    """
    pictures = np.asarray(pictures, np.float64)
    height, width = pictures.shape[-2:]
    even = pictures[..., : height - height % 2, : width - width % 2]
    power = np.abs(np.fft.fft2(even)) ** 2
    power[..., 0, 0] = 0.0  # the mean
    power = power.sum(axis=(0, 1))
    total = power.sum()
    rows, columns = power.shape
    if not total:
        return 0.0
    alternating = power[rows // 2].sum() + power[:, columns // 2].sum()
    return float((alternating - power[rows // 2, columns // 2]) / total)
