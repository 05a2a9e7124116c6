"""Normal latent vectors, all of them or only those near the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.image.latent import normal_noise


def draw_latents(
    n: int, size: int, random_state: RandomState, truncation: float | None = None
) -> NDArray[np.float32]:
    """Standard normal vectors, of which the first are the same for any `n`.

    Parameters
    ----------
    n, size : int
    random_state : None, int, Generator or RandomState
    truncation : float or None, default=None
        Values further from 0 are left out: pictures are more usual and less varied (Brock, Donahue
        and Simonyan 2019, section 3.1).

    Returns
    -------
    float32 ndarray (n, size)

    Examples
    --------
    >>> bool((np.abs(draw_latents(100, 8, 0, truncation=0.5)) <= 0.5).all())
    True
    """
    if truncation is None:
        return normal_noise(n, (size,), random_state)
    check_count("n", n, 1)
    check_number("truncation", truncation, above=0)
    # By the inverse of the distribution function: no draw is thrown away, so that places stay.
    low = ndtr(-truncation)
    share = stream(random_state, "sample").random((n, size))
    inside = ndtri(low + share * (1.0 - 2.0 * low))
    return np.clip(inside, -truncation, truncation).astype(np.float32)
