"""Which classes made pictures show."""

from __future__ import annotations

from typing import Any

import numpy as np


def mode_counts(classifier: Any, pictures: Any) -> dict[Any, int]:
    """How many pictures a classifier takes for each of its classes.

    Parameters
    ----------
    classifier : estimator
        With ``classes_`` and `predict`, as `textrep.ResNetClassifier`.
    pictures : whatever it takes

    Returns
    -------
    dict
        Each class, as a Python value, and its count; 0 for a mode that was dropped.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> mode_counts(DummyClassifier().fit([[0], [1], [2]], [7, 7, 8]), [[0], [0]])
    {7: 2, 8: 0}
    """
    found = np.asarray(classifier.predict(pictures))
    # Of an array of objects, entries are Python's already.
    labels = np.asarray(classifier.classes_).tolist()
    return {label: int((found == label).sum()) for label in labels}
