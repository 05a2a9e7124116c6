"""`out_of_fold`: what models say of documents that they have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from textrep.comparison.calibration.scores import scores_of, soften
from textrep.comparison.calibration.temperature import best_temperature
from textrep.comparison.errors import ComparisonError
from textrep.comparison.health.copies import normalised, number_groups
from textrep.comparison.task import Task
from textrep.core.messages import shown
from textrep.core.random import RandomState, stream

# By how much a class that a fold did not learn is behind the last that it did.
_FAR_BEHIND = 10.0


def out_of_fold(
    estimator: Any,
    task: Task,
    *,
    n_folds: int = 5,
    random_state: RandomState = 0,
) -> NDArray[np.float64]:
    """Probabilities of every document by a model that was fitted without it.

    The split of the task plays no part. Texts that are copies but for case and white space are in
    one fold, so that a wrong label is not confirmed by its own copy. The scores of all folds are
    turned into probabilities by one temperature.

    Parameters
    ----------
    estimator : estimator
        A classifier, or a pipeline that ends in one; clones of it are fitted.
    task : Task
        All documents are predicted; those whose class can be learnt are learnt from.
    n_folds : int, default=5
        From 2.
    random_state : None, int, Generator or RandomState, default=0
        Decides the folds.

    Returns
    -------
    ndarray of shape (n_documents, n_classes)
        Columns as the classes of the task.

    Raises
    ------
    ComparisonError
        When `n_folds` is below 2 or the documents cannot be divided.

    Examples
    --------
    >>> from sklearn.naive_bayes import MultinomialNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from textrep.comparison.split import Split
    >>> from textrep.sparse import CountVectorizer
    >>> texts = [f"{noun} {i}" for noun in ("apple", "pear") for i in range(10)]
    >>> splits = (Split(np.arange(0, 20, 2), np.arange(1, 20, 2)),)
    >>> task = Task("fruit", texts, np.array(["A"] * 10 + ["P"] * 10), splits)
    >>> pipeline = make_pipeline(CountVectorizer(), MultinomialNB())
    >>> out_of_fold(pipeline, task).argmax(axis=1).tolist() == [0] * 10 + [1] * 10
    True
    """
    if not isinstance(n_folds, int | np.integer) or n_folds < 2:
        raise ComparisonError(f"n_folds={shown(n_folds)}; expected a whole number from 2")
    classes = np.array(task.classes)
    known = np.isin(task.labels, classes)
    folds = _folds(task, int(n_folds), stream(random_state, "out of fold"))
    scores = np.zeros((len(task.texts), len(classes)))
    for fold in range(int(n_folds)):
        unseen = np.flatnonzero(folds == fold)
        seen = np.flatnonzero((folds != fold) & known)
        if not len(unseen):
            continue
        if len(np.unique(task.labels[seen])) < 2:
            raise ComparisonError(
                f"n_folds={n_folds}: without fold {fold + 1} fewer than two classes are left to "
                "learn; there are too few different texts"
            )
        model = clone(estimator).fit(task.inputs(seen), task.labels[seen])
        scores[unseen] = _in_columns(scores_of(model, task.inputs(unseen)), model.classes_, classes)
    columns = np.searchsorted(classes, task.labels[known])
    return soften(scores, best_temperature(scores[known], columns))


def _folds(task: Task, n_folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Fold of each document: of each class as many in all, copies in the same."""
    groups = number_groups(normalised(text) for text in task.texts)
    firsts = rng.permutation(np.unique(groups))
    of_class = np.unique(task.labels, return_inverse=True)[1].reshape(-1)[firsts]
    folds = np.zeros(len(groups), dtype=np.intp)
    folds[firsts[np.argsort(of_class, kind="stable")]] = np.arange(len(firsts)) % n_folds
    return folds[groups]


def _in_columns(
    scores: NDArray[np.float64], own: NDArray[Any], classes: NDArray[Any]
) -> NDArray[np.float64]:
    """Scores in the columns of all classes; one that was not learnt is far behind."""
    columns = np.full((len(scores), len(classes)), scores.min() - _FAR_BEHIND)
    columns[:, np.searchsorted(classes, own)] = scores
    return columns
