"""The one number that makes a classifier as sure as it is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

COOLEST, HOTTEST = 0.2, 20.0
"""Where all held-out texts are classified rightly, the best would be 0: sure of everything."""


def best_temperature(logits: NDArray[np.float64], targets: NDArray[np.generic]) -> float:
    """The number by which logits are divided so that held-out targets are likeliest.

    Parameters
    ----------
    logits : float64 array (n, n_classes)
    targets : int64 array (n,), or float array (n, n_classes)
        Numbers of classes, or 1 for each label that a text has and 0 for the others.

    Returns
    -------
    float
        From 0.2 to 20. Which class is the likeliest does not depend on it.

    References
    ----------
    C. Guo et al.: On calibration of modern neural networks, ICML 2017, section 4.2.

    Examples
    --------
    >>> sure = np.array([[4.0, 0.0]] * 4)
    >>> round(best_temperature(sure, np.array([0, 0, 0, 1])), 2)
    3.64
    """

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(logits / np.exp(log_temperature), targets)

    found = minimize_scalar(loss, bounds=(np.log(COOLEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def negative_log_likelihood(logits: NDArray[np.float64], targets: NDArray[np.generic]) -> float:
    """Mean over the texts, in nats; see `best_temperature`."""
    if targets.ndim == 1:
        chosen = log_softmax(logits, axis=1)[np.arange(len(targets)), targets.astype(np.int64)]
        return float(-chosen.mean())
    signs = 2.0 * targets.astype(np.float64) - 1.0
    return float(-log_expit(signs * logits).sum(axis=1).mean())


def probabilities(
    logits: NDArray[np.float64], temperature: float, several: bool
) -> NDArray[np.float64]:
    """Of classes of which each text has one, or of labels of which it may have several.

    >>> probabilities(np.array([[0.0, 0.0]]), 1.0, False).tolist()
    [[0.5, 0.5]]
    """
    cooled = logits / temperature
    return np.asarray(expit(cooled) if several else softmax(cooled, axis=1))
