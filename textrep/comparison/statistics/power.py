"""How small a difference between two rungs the test documents can show."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

_POWER = 0.8


def detectable_difference(
    n_documents: int, discordance: float, *, level: float = 0.05, n_comparisons: int = 1
) -> float:
    """Smallest difference in accuracy that McNemar's test shows four times out of five.

    Parameters
    ----------
    n_documents : int
        That are tested on.
    discordance : float
        Share of them on which only one of the two is right. A difference larger than it cannot be:
        where one as small cannot be shown, it is taken to be as large as the difference.
    level : float, default=0.05
        Of significance.
    n_comparisons : int, default=1
        Of the family that Holm's method corrects for; the first step of it, the hardest, counts.

    Returns
    -------
    float
        Share of the documents; 1 where no difference can be shown.

    References
    ----------
    Connor, "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43, 1987, equation 3.

    Examples
    --------
    >>> round(detectable_difference(2000, 0.1), 3)
    0.02
    """
    alpha = norm.isf(level / n_comparisons / 2)
    beta = norm.ppf(_POWER)

    def excess(difference: float, share: float) -> float:
        needed = alpha * np.sqrt(share) + beta * np.sqrt(share - difference**2)
        return difference * np.sqrt(n_documents) - needed

    if discordance > 0 and excess(discordance, max(discordance, discordance**2)) >= 0:
        return float(brentq(excess, 0.0, discordance, args=(discordance,)))
    if excess(1.0, 1.0) <= 0:
        return 1.0
    # Both sides divided by the root of the difference, which is 0 at 0.
    return float(brentq(lambda d: np.sqrt(d * n_documents) - alpha - beta * np.sqrt(1 - d), 0, 1))
