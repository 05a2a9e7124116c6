"""A mixture of Gaussians over codes, to draw new ones from.

The codes of a data set are not spread as the prior of a model is, and those of a plain autoencoder
have none: what is drawn from where codes are decodes to better pictures.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.core.random import RandomState, streams
from textrep.embeddings.parameters import check_count

_MOST_ROWS = 10_000  # from which a mixture is learnt; more tell it no more
_FLOOR = 1e-6  # of a variance, in parts of the mean one


class Mixture(NamedTuple):
    """Gaussians in the space of codes.

    Attributes
    ----------
    weights : ndarray (k,)
    means : ndarray (k, d)
    factors : ndarray (k, d, d)
        Lower triangular: a covariance is factor @ factor.T.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    factors: NDArray[np.float64]


def fit_mixture(codes: NDArray[np.float32], components: int, random_state: RandomState) -> Mixture:
    """Learn a mixture from codes by expectation maximisation.

    Parameters
    ----------
    codes : ndarray (n, d)
    components : int
        Fewer where there are less than 2 d codes to each.
    random_state : None, int, Generator or RandomState

    Returns
    -------
    Mixture

    References
    ----------
    P. Ghosh et al.: From variational to deterministic autoencoders, ICLR 2020, section 4.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    check_count("components", components, 1)
    rngs = streams(random_state, ["rows", "mixture"])
    rows = np.arange(len(codes))
    if len(rows) > _MOST_ROWS:
        rows = rngs["rows"].choice(len(rows), _MOST_ROWS, replace=False)
    chosen = codes[rows].astype(np.float64)
    fewer = min(components, max(1, len(chosen) // (2 * codes.shape[1])))
    floor = _FLOOR * max(float(chosen.var(axis=0).mean()), _FLOOR)
    mixture = GaussianMixture(
        fewer, reg_covar=floor, random_state=int(rngs["mixture"].integers(2**31))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough to draw from
        mixture.fit(chosen)
    return Mixture(mixture.weights_, mixture.means_, np.linalg.cholesky(mixture.covariances_))


def draw_codes(mixture: Mixture, n: int, random_state: RandomState) -> NDArray[np.float32]:
    """Codes from a mixture, of which the first are the same for any `n`.

    Parameters
    ----------
    mixture : Mixture
    n : int
    random_state : None, int, Generator or RandomState

    Returns
    -------
    float32 ndarray (n, d)

    Examples
    --------
    >>> one = Mixture(np.ones(1), np.array([[3.0, 0.0]]), np.zeros((1, 2, 2)))
    >>> draw_codes(one, 2, 0).tolist()
    [[3.0, 0.0], [3.0, 0.0]]
    """
    check_count("n", n, 1)
    rngs = streams(random_state, ["component", "noise"])
    bounds = np.cumsum(mixture.weights / mixture.weights.sum())
    which = np.minimum(np.searchsorted(bounds, rngs["component"].random(n)), len(bounds) - 1)
    noise = rngs["noise"].standard_normal((n, mixture.means.shape[1]))
    shifted = np.einsum("nij,nj->ni", mixture.factors[which], noise)
    return (mixture.means[which] + shifted).astype(np.float32)
