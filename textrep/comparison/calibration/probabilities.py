"""Labels and probabilities that are checked to belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textrep.comparison.errors import ComparisonError

# By which sums in single precision leave 0 to 1.
_ROUNDING = 1e-6


def check_probabilities(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[Any], name: str = "labels"
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Refuse probabilities that are none, or that do not fit the labels and the classes.

    Parameters
    ----------
    labels : array-like of shape (n_documents,)
        Of the documents.
    probabilities : array-like of shape (n_documents, n_classes)
        Of the classes.
    classes : sequence of length n_classes
        The class of each column.
    name : str, default="labels"
        Of the parameter that holds the labels, for the messages.

    Returns
    -------
    labels : ndarray of shape (n_documents,)
    probabilities : ndarray of shape (n_documents, n_classes) of float64

    Raises
    ------
    ComparisonError
        When the shapes do not fit, or a probability does not lie between 0 and 1.

    Examples
    --------
    >>> check_probabilities(["a"], [[0.9, 0.1]], ["a", "b"])
    (array(['a'], dtype='<U1'), array([[0.9, 0.1]]))
    """
    given = np.asarray(labels)
    shares = np.asarray(probabilities, dtype=np.float64)
    expected = (len(given), len(classes))
    if shares.shape != expected:
        raise ComparisonError(
            f"probabilities has shape {shares.shape}; expected {expected}, one row for each of "
            f"{name} and one column for each of classes"
        )
    if wrong := np.argwhere(~((shares >= -_ROUNDING) & (shares <= 1 + _ROUNDING))).tolist():
        row, column = wrong[0]
        raise ComparisonError(
            f"probabilities[{row}, {column}] is {shares[row, column]}; expected 0 to 1"
        )
    return given, shares
