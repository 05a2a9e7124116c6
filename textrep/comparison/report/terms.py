"""The terms that speak most for each class: by the weights of a linear model, or by word counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.report.weights import TermWeights, divergence, term_weights
from textrep.comparison.task import Task

TopTerms: TypeAlias = dict[Any, list[tuple[str, float]]]

# Of the counts of words where no rung is linear: what one class alone has once or twice is chance.
_PSEUDO_COUNT = 1.0
_MIN_DF = 3
# Weights this much smaller than the greatest are what rounding leaves of 0.
_ROUNDING = 1e-12
# Enough to see what a class is about, and the same texts on every run.
_MAX_DOCUMENTS = 20_000


def linear_terms(model: Any, n: int = 15, columns: Sequence[str] = ()) -> TopTerms | None:
    """The terms with the greatest weights of a linear model, see `term_weights`.

    Parameters
    ----------
    model : object
        A fitted pipeline.
    n : int, default=15
        Terms for each class.
    columns : sequence of str, default=()
        Names of the further columns of a table, numbers before categories.

    Returns
    -------
    dict of class to list of (str, float), or None
        Term and weight, the greatest first, only weights above 0; None where the model is not
        linear on terms.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> from textrep.sparse import CountVectorizer
    >>> model = make_pipeline(CountVectorizer(), LinearSVC()).fit(["good", "bad"], ["pos", "neg"])
    >>> {label: terms[0][0] for label, terms in linear_terms(model).items()}
    {'neg': 'bad', 'pos': 'good'}
    """
    found = term_weights(model, columns)
    return None if found is None else _greatest(found, n)


def count_terms(task: Task, n: int = 15) -> TopTerms:
    """The words that a class uses most beyond what the others do, by p ln(p / q) of their counts.

    Parameters
    ----------
    task : Task
    n : int, default=15
        Terms for each class.

    Returns
    -------
    dict of class to list of (str, float)
    """
    from textrep.sparse import CountVectorizer

    learnt = _spread_out(task.learnt)
    vectorizer = CountVectorizer(min_df=min(_MIN_DF, max(1, len(learnt) // 10)))
    try:
        counts = vectorizer.fit_transform([task.texts[i] for i in learnt])
    except ValueError:  # no words at all
        return {}
    classes, numbers = np.unique(task.labels[learnt], return_inverse=True)
    inside = np.zeros((len(classes), counts.shape[1]))
    for k in range(len(classes)):
        inside[k] = np.asarray(counts[numbers == k].sum(axis=0)).ravel()
    smoothed = inside + _PSEUDO_COUNT
    logarithms = np.log(smoothed / smoothed.sum(axis=1, keepdims=True))
    names = vectorizer.get_feature_names_out()
    return _greatest(TermWeights(classes.tolist(), names, divergence(logarithms)), n)


def _spread_out(positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most so many positions, evenly from all."""
    if len(positions) <= _MAX_DOCUMENTS:
        return positions
    chosen = np.linspace(0, len(positions) - 1, _MAX_DOCUMENTS).astype(np.intp)
    return positions[chosen]


def _greatest(found: TermWeights, n: int) -> TopTerms:
    terms = {}
    for label, row in zip(found.classes, found.weights, strict=True):
        order = np.argsort(-row, kind="stable")[:n]
        noise = _ROUNDING * np.abs(row).max(initial=0.0)
        terms[label] = [(str(found.names[i]), float(row[i])) for i in order if row[i] > noise]
    return terms
