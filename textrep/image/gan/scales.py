"""Sizes and channels of the layers of a network that halves or doubles a picture."""

from __future__ import annotations

SMALLEST = 4
"""Pixels of a side below which nothing is halved (Radford et al. 2016 begin at 4 x 4)."""

MOST_TIMES = 8  # the narrowest layer's channels, at most


def scales_of(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes from the picture's down to the smallest.

    Halves of odd sides are rounded up; what is doubled again is cut to the size.

    Parameters
    ----------
    height, width : int

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> scales_of(28, 28)
    [(28, 28), (14, 14), (7, 7)]
    >>> scales_of(5, 5)
    [(5, 5)]
    """
    sizes = [(height, width)]
    while min(sizes[-1]) >= 2 * SMALLEST:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def channels_of(channels: int, n_scales: int) -> list[int]:
    """Channels at each of the sizes: doubled where the picture is halved, up to 8 times.

    Examples
    --------
    >>> channels_of(16, 5)
    [16, 32, 64, 128, 128]
    """
    return [channels * min(2**i, MOST_TIMES) for i in range(n_scales)]
