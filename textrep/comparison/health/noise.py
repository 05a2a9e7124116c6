"""How many labels are wrong: the mistakes of a classifier that its doubts do not explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax
from scipy.stats import chi2, mannwhitneyu

# Stands for the logarithm of a probability that single precision rounds to 0.
_SMALLEST = 1e-38
# Of the search's three numbers, all of them logarithms; a thousandth is a tenth of a percent.
_TOLERANCE = 1e-3
_LOSS_TOLERANCE = 1e-8
_MAX_EVALUATIONS = 600
# Where the search for the share of wrong labels begins: the share in clean data sets (Northcutt,
# Athalye and Mueller 2021 find 3 %, and less in texts).
_FIRST_SHARE = 0.01
# A tenth power of the gap is beyond all that classifiers do, and keeps the search from overflow.
_STEEPEST = 10.0

# Where the classes lie so far apart that no document is in doubt, the mistakes cannot be told from
# doubts by their number. They are wrong labels if they are few and no closer than right answers.
_FEW_MISTAKES = 0.05
_FEWEST_MISTAKES = 5
_CLOSER = 0.05
# Of the smallest gap: every mistake is then beyond doubt.
_NO_DOUBT = 0.01

P_VALUE = 0.01
"""Chance at which labels without a mistake are said to have some."""


@dataclass(frozen=True)
class Noise:
    """What makes labels differ from a classifier's answers.

    Attributes
    ----------
    scale, power : float
        Of the gaps between logarithms of probabilities; the classifier's own doubts.
    share : float
        Of the labels that are wrong.
    p_value : float
        Of a likelihood-ratio test against a share of 0; 0 where all mistakes are beyond doubt.
    """

    scale: float
    power: float
    share: float
    p_value: float

    def likely(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each class by itself, without wrong labels.

        Parameters
        ----------
        gaps : ndarray of shape (n_documents, n_classes)
            See `gaps_of`.

        Returns
        -------
        ndarray of shape (n_documents, n_classes)
        """
        return _likely(gaps, np.log(self.scale), np.log(self.power))


def gaps_of(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far each class is behind the likeliest, as a difference of logarithms.

    Parameters
    ----------
    probabilities : ndarray of shape (n_documents, n_classes)
        Of the classes.

    Returns
    -------
    ndarray of shape (n_documents, n_classes)
        From 0 upwards.

    Examples
    --------
    >>> gaps_of(np.array([[0.5, 0.5], [0.0, 1.0]])).round()
    array([[ 0.,  0.],
           [87.,  0.]])
    """
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _SMALLEST))
    return logs.max(axis=1, keepdims=True) - logs


def fit_noise(gaps: NDArray[np.float64], codes: NDArray[np.intp]) -> Noise:
    """Tell wrong labels from wrong answers.

    A classifier is wrong most often where two classes are close. Wrong labels do not care: they
    are met wherever they are, also where the classifier has no doubt. So a label is taken to be
    drawn from the softmax of ``-(gap / scale) ** power``, and with probability `share` replaced by
    another class at random; the three numbers are those that make the given labels likeliest.

    The power lets a classifier be surer, or less sure, of large gaps than the softmax takes it to
    be, as naive Bayes is, whose gaps grow with the length of a text. Where the few mistakes are no
    nearer to doubt than right answers are, all of them are taken for wrong labels.

    Parameters
    ----------
    gaps : ndarray of shape (n_documents, n_classes)
        See `gaps_of`; of a classifier that has not seen the documents.
    codes : ndarray of shape (n_documents,)
        Column of each given label.

    Returns
    -------
    Noise

    References
    ----------
    Bootkrajang and Kabán, "Label-noise robust logistic regression and its applications", ECML 2012,
    equation 1, for labels that are replaced at random.
    """
    beyond_doubt = _beyond_doubt(gaps, codes)
    if beyond_doubt is not None:
        return beyond_doubt
    rows = np.arange(len(gaps))
    others = gaps.shape[1] - 1

    def loss(log_scale: float, log_power: float, share: float) -> float:
        right = _likely(gaps, log_scale, log_power)[rows, codes]
        mixed = (1 - share) * right + share * (1 - right) / others
        return -float(np.log(np.maximum(mixed, np.finfo(np.float64).tiny)).mean())

    middle = np.median(gaps[gaps > 0]) if (gaps > 0).any() else 1.0
    start = (np.log(middle) - 1.0, 0.0, np.log(_FIRST_SHARE))
    options = {
        "xatol": _TOLERANCE,
        "fatol": _LOSS_TOLERANCE,
        "maxfev": _MAX_EVALUATIONS,
    }
    noisy = minimize(
        lambda v: loss(v[0], v[1], expit(v[2])), start, method="Nelder-Mead", options=options
    )
    clean = minimize(
        lambda v: loss(v[0], v[1], 0.0), noisy.x[:2], method="Nelder-Mead", options=options
    )
    ratio = 2 * len(gaps) * max(clean.fun - noisy.fun, 0.0)
    return Noise(
        scale=float(np.exp(noisy.x[0])),
        power=float(min(np.exp(noisy.x[1]), _STEEPEST)),
        share=float(expit(noisy.x[2])),
        # Half of the chi-squared: the share cannot be below 0.
        p_value=float(chi2.sf(ratio, df=1) / 2),
    )


def _beyond_doubt(gaps: NDArray[np.float64], codes: NDArray[np.intp]) -> Noise | None:
    """Noise that makes all mistakes wrong labels; None where the mistakes are nearer to doubt than
    the right answers are.
    """
    lead = np.partition(gaps, 1, axis=1)[:, 1]
    mistaken = gaps.argmin(axis=1) != codes
    n_mistakes = np.count_nonzero(mistaken)
    if not _FEWEST_MISTAKES <= n_mistakes <= _FEW_MISTAKES * len(gaps):
        return None
    # Answers that are all equally sure say nothing of doubt.
    if not lead.min() > 0 or np.ptp(lead) == 0:
        return None
    if mannwhitneyu(lead[mistaken], lead[~mistaken], alternative="less").pvalue < _CLOSER:
        return None
    return Noise(_NO_DOUBT * float(lead.min()), 1.0, n_mistakes / len(gaps), 0.0)


def _likely(gaps: NDArray[np.float64], log_scale: float, log_power: float) -> NDArray[np.float64]:
    power = min(np.exp(log_power), _STEEPEST)
    with np.errstate(over="ignore"):
        return softmax(-((gaps / np.exp(log_scale)) ** power), axis=1)
