"""What is learnt of texts: one class, several labels, or a quantity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from textrep.contextual.classification import weights_of_classes
from textrep.core.column import read_column
from textrep.core.labels import LabelError, check_labels
from textrep.core.messages import shown
from textrep.core.text import TextInputError, check_texts
from textrep.sparse.log_count_ratio import read_classes

SINGLE, MULTI, REGRESSION = "single-label", "multi-label", "regression"
PROBLEMS = ("auto", SINGLE, MULTI, REGRESSION)

_GREATEST = 1e38  # quantity, which a float32 can hold


class Targets(NamedTuple):
    """What is to be predicted.

    Attributes
    ----------
    problem : {"single-label", "multi-label", "regression"}
    values : ndarray
        Numbers of classes, int64 (n,); 1 for labels that a text has, float32 (n, n_labels); or
        quantities, float32 (n, 1).
    classes : ndarray or None
        Labels, sorted; None for quantities.
    in_lists : bool
        Whether labels came as a list for each text, not as a table.
    """

    problem: str
    values: NDArray[Any]
    classes: NDArray[Any] | None
    in_lists: bool = False

    @property
    def n_outputs(self) -> int:
        """Values that the network gives for a text."""
        return 1 if self.classes is None else len(self.classes)

    @property
    def strata(self) -> NDArray[np.int64]:
        """What is held out in equal shares: classes, where each text has one."""
        if self.problem == SINGLE:
            return self.values.astype(np.int64)
        return np.zeros(len(self.values), dtype=np.int64)


def read_texts(
    X: Any, *, name: str = "X", allow_empty: bool = False
) -> tuple[list[str], list[str] | None]:
    """Texts, or pairs of them.

    Parameters
    ----------
    X : iterable of str, of pairs of str, or a data frame of two columns
    name : str, default="X"
        What messages call it.
    allow_empty : bool, default=False
        Whether no texts at all are accepted.

    Returns
    -------
    texts : list of str
    pairs : list of str or None
        The second text of each pair.

    Raises
    ------
    TextInputError
        If it is something else.
    """
    X = list(X) if isinstance(X, Iterator) else X
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] == 2:
        raise TextInputError(
            f"{name} is a table of shape {X.shape}; select a column, or, if its rows are pairs of "
            f"texts, give [tuple(row) for row in {name}]"
        )
    columns = getattr(type(X), "columns", None)
    if columns is not None and getattr(X, "shape", (0, 0))[1:] == (2,):
        first, second = (X[column] for column in X.columns)
        return check_texts(first, name=f"{name}'s first column"), check_texts(
            second, name=f"{name}'s second column"
        )
    if not isinstance(X, str | bytes) and isinstance(X, Sequence) and _are_pairs(X):
        for position, pair in enumerate(X):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise TextInputError(
                    f"{name}[{position}] is {shown(pair)}, but {name}[0] is a pair of texts; "
                    "give pairs only"
                )
        first, second = ([pair[side] for pair in X] for side in (0, 1))
        return check_texts(first, name=f"the first texts of {name}"), check_texts(
            second, name=f"the second texts of {name}"
        )
    return check_texts(X, name=name, allow_empty=allow_empty), None


def _are_pairs(X: Sequence[Any]) -> bool:
    return len(X) > 0 and isinstance(X[0], tuple | list) and len(X[0]) == 2


def read_targets(estimator: Any, y: Any, n_samples: int, problem: str) -> Targets:
    """The targets of so many texts.

    Parameters
    ----------
    estimator : estimator
        Named in messages.
    y : labels (n_samples,), lists of labels, table of 0 and 1 (n_samples, n_labels) or numbers
    n_samples : int
    problem : {"auto", "single-label", "multi-label", "regression"}
        "auto" takes lists and tables for several labels, and all else for one.

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If they are something else.
    """
    if problem == "auto":
        problem = MULTI if y is not None and _is_two_dimensional(y) else SINGLE
        if problem == SINGLE:
            try:
                classes, group = read_classes(estimator, y, n_samples)
            except LabelError as error:
                if "quantity" not in str(error):
                    raise
                raise LabelError(f"{error} To predict it, set problem='regression'.") from None
            return Targets(SINGLE, group, classes)
    if problem == REGRESSION:
        return Targets(REGRESSION, _quantities(y, n_samples), None)
    if problem == MULTI:
        return _several_labels(y, n_samples)
    classes, group = read_classes(estimator, y, n_samples)
    return Targets(SINGLE, group, classes)


def _is_two_dimensional(y: Any) -> bool:
    shape = getattr(y, "shape", None)
    if isinstance(shape, tuple):
        if len(shape) == 1 and shape[0]:
            return isinstance(next(iter(y)), list | tuple | set | frozenset | np.ndarray)
        return len(shape) == 2 and shape[1] > 1
    if isinstance(y, str | bytes) or not isinstance(y, Sequence) or not len(y):
        return False
    return isinstance(y[0], list | tuple | set | frozenset | np.ndarray)


def _quantities(y: Any, n_samples: int) -> NDArray[np.float32]:
    if y is None:
        raise ValueError("y is None; with problem='regression' it is a number for each text")
    items = read_column(y, "y", "numbers", ValueError)
    if len(items) != n_samples:
        raise ValueError(
            f"y has {len(items)} numbers, but there are {n_samples} texts; give one for each"
        )
    for position, item in enumerate(items):
        number = isinstance(item, int | float | np.integer | np.floating)
        if not number or isinstance(item, bool) or not -_GREATEST <= item <= _GREATEST:
            raise ValueError(
                f"y[{position}] is {shown(item)}; with problem='regression' it is a finite number, "
                "of at most 38 digits"
            )
    return np.array(items, dtype=np.float32)[:, None]


def _several_labels(y: Any, n_samples: int) -> Targets:
    if scipy.sparse.issparse(y):
        y = y.toarray()
    if hasattr(type(y), "columns"):
        y = np.asarray(y)
    if isinstance(y, np.ndarray) and y.ndim == 2:
        return _from_table(y, n_samples)
    rows = _rows_of_labels(y, n_samples)
    if _is_written_table(rows):
        return _from_table(np.array([list(row) for row in rows]), n_samples)
    flat = [label for row in rows for label in row]
    if not flat:
        raise LabelError("y is a list without a label for each text; there is nothing to learn")
    labels = check_labels(flat, len(flat), name="the labels in y")
    classes, numbers = np.unique(labels, return_inverse=True)
    values = np.zeros((n_samples, len(classes)), dtype=np.float32)
    values[np.repeat(np.arange(n_samples), [len(row) for row in rows]), numbers] = 1.0
    return Targets(MULTI, values, classes, in_lists=True)


def _rows_of_labels(y: Any, n_samples: int) -> list[Any]:
    """A list of labels for each text."""
    rows = read_column(y, "y", "lists of labels", LabelError)
    if len(rows) != n_samples:
        raise LabelError(
            f"y has {len(rows)} items, but there are {n_samples} texts; give labels for each text"
        )
    for position, row in enumerate(rows):
        if not isinstance(row, list | tuple | set | frozenset | np.ndarray):
            raise LabelError(
                f"y[{position}] is {shown(row)}; where texts have several labels, each has a list "
                "of them"
            )
    return rows


def _is_written_table(rows: Sequence[Any]) -> bool:
    """Whether lists are the rows of a table of 0 and 1, as scikit-learn reads them."""
    width = len(rows[0])
    return width > 1 and all(
        isinstance(row, list | tuple | np.ndarray)
        and len(row) == width
        and all(isinstance(value, int | np.integer) and value in (0, 1) for value in row)
        for row in rows
    )


def _from_table(table: NDArray[Any], n_samples: int) -> Targets:
    if len(table) != n_samples:
        raise LabelError(
            f"y has {len(table)} rows, but there are {n_samples} texts; give one for each text"
        )
    if not table.shape[1]:
        raise LabelError("y is a table without columns; give one for each label")
    if not np.isin(table, (0, 1)).all():
        raise LabelError(
            "y is a table with other values than 0 and 1; it says for each text (rows) and label "
            "(columns) whether it has it"
        )
    classes = np.arange(table.shape[1])
    return Targets(MULTI, table.astype(np.float32), classes)


def all_right(
    y: Any, predicted: Any, *, classes: NDArray[Any], in_lists: bool
) -> NDArray[np.bool_]:
    """Of which texts all labels are right.

    Parameters
    ----------
    y : lists of labels, or table of 0 and 1 (n_samples, n_labels)
        In the form that the predictions have.
    predicted : list of lists, or array (n_samples, n_labels)
    classes : ndarray (n_labels,)
    in_lists : bool
        Whether they are lists.

    Returns
    -------
    bool ndarray (n_samples,)

    Raises
    ------
    LabelError
        If `y` is something else.

    Examples
    --------
    >>> all_right([["b", "a"], []], [["a", "b"], ["a"]], classes=np.array(["a", "b"]),
    ...           in_lists=True).tolist()
    [True, False]
    """
    if not in_lists:
        values = _several_labels(y, len(predicted)).values
        if values.shape != predicted.shape:
            raise LabelError(
                f"y has {values.shape[1]} columns, but fit has seen {len(classes)}; give one for "
                "each label"
            )
        return np.asarray((values == predicted).all(axis=1))
    rows = _rows_of_labels(y, len(predicted))
    return np.array([set(a) == set(b) for a, b in zip(rows, predicted, strict=True)])


def target_weights(class_weight: Any, targets: Targets) -> NDArray[np.float32]:
    """What losses are multiplied by.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    targets : Targets

    Returns
    -------
    float32 array
        (n_classes,) of classes; (2, n_labels) of labels, where a text has not and where it has
        them; ones (1,) of quantities.

    Raises
    ------
    ValueError
        If it is something else, names what is no class, or is given for quantities.
    """
    if targets.problem == REGRESSION:
        if class_weight is not None:
            raise ValueError(
                f"class_weight={shown(class_weight)}, but quantities have no classes; leave it None"
            )
        return np.ones(1, dtype=np.float32)
    assert targets.classes is not None
    if targets.problem == SINGLE:
        found = weights_of_classes(class_weight, targets.classes, targets.values)
        return found.astype(np.float32)
    if isinstance(class_weight, str) and class_weight == "balanced":
        having = targets.values.sum(axis=0)
        counts = np.stack([len(targets.values) - having, having])
        return (len(targets.values) / (2.0 * np.maximum(counts, 1.0))).astype(np.float32)
    # Each label once, so that a dict is read as for classes.
    every = np.arange(len(targets.classes))
    return np.tile(weights_of_classes(class_weight, targets.classes, every), (2, 1)).astype("f4")
