"""Labels that pictures are asked for by, as numbers of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown


def class_numbers(labels: Any, n: int, classes: NDArray[Any]) -> NDArray[np.int64]:
    """Number of the class of each of n pictures.

    Parameters
    ----------
    labels : label or array-like (n,)
        Of each, or one of all.
    n : int
    classes : ndarray (n_classes,)

    Returns
    -------
    int64 ndarray (n,)

    Raises
    ------
    ValueError
        If there are more or fewer of them, or one is no class.

    Examples
    --------
    >>> class_numbers(["b", "a", "b"], 3, np.array(["a", "b"]))
    array([1, 0, 1])
    >>> class_numbers("c", 2, np.array(["a", "b"]))
    Traceback (most recent call last):
    ...
    ValueError: labels[0] is 'c', which is none of the classes ['a', 'b']
    """
    values = np.asarray(labels)
    if values.ndim == 0:
        values = np.repeat(values, n)
    if values.shape != (n,):
        raise ValueError(f"labels must be one label or {n} of them, got shape {values.shape}")
    known = {label: number for number, label in enumerate(classes.tolist())}
    for place, label in enumerate(values.tolist()):
        if label not in known:
            raise ValueError(
                f"labels[{place}] is {shown(label)}, which is none of the classes "
                f"{shown(classes.tolist())}"
            )
    return np.array([known[label] for label in values.tolist()], dtype=np.int64)
