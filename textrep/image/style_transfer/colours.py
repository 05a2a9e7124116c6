"""Brightness and colour apart, so that one picture's can be had with the other's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Of the NTSC standard: luma, and two differences of colours.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def with_colours_of(
    pictures: NDArray[np.float32], coloured: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The brightness of some pictures with the colours of others.

    Parameters
    ----------
    pictures, coloured : float32 ndarray (n, 3, height, width)

    Returns
    -------
    float32 ndarray (n, 3, height, width)
        From 0 to 1; what is brighter or darker than a colour can be is cut off.

    References
    ----------
    L. Gatys, M. Bethge, A. Hertzmann, E. Shechtman: Preserving color in neural artistic style
    transfer, 2016, section 3.2.

    Examples
    --------
    >>> red = np.zeros((1, 3, 1, 1), np.float32) + np.float32([0.8, 0.2, 0.2])[:, None, None]
    >>> grey = np.full((1, 3, 1, 1), 0.38, np.float32)  # as bright as the red
    >>> with_colours_of(grey, red).ravel().round(2)
    array([0.8, 0.2, 0.2], dtype=float32)
    """
    luma = np.einsum("c,nchw->nhw", _TO_YIQ[0], pictures)
    yiq = np.einsum("dc,nchw->ndhw", _TO_YIQ, coloured)
    yiq[:, 0] = luma
    rgb = np.einsum("dc,nchw->ndhw", _FROM_YIQ, yiq)
    return np.clip(rgb, 0.0, 1.0).astype(np.float32)
