"""The terms that speak most for each class: by the weights of a linear model, or by word counts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.feature_selection import SelectorMixin
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import Pipeline

from textrep.comparison.task import Task
from textrep.sparse.folding import FusionError
from textrep.sparse.linear import Taken
from textrep.sparse.log_count_ratio import LogCountRatio

TopTerms: TypeAlias = dict[Any, list[tuple[str, float]]]

# Of the counts of words where no rung is linear: what one class alone has once or twice is chance.
_PSEUDO_COUNT = 1.0
_MIN_DF = 3
# Weights this much smaller than the greatest are what rounding leaves of 0.
_ROUNDING = 1e-12
# Enough to see what a class is about, and the same texts on every run.
_MAX_DOCUMENTS = 20_000


def top_terms(model: Any, task: Task, n: int = 15) -> TopTerms:
    """The terms that speak most for each class.

    Parameters
    ----------
    model : fitted classifier or None
        Its weights are taken where it is linear on terms, else word counts of the training texts.
    task : Task
        What it learnt from.
    n : int, default=15
        Terms for each class.

    Returns
    -------
    dict of class to list of (str, float)
        Term and weight, the greatest first; only weights above 0.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> from textrep.comparison.split import Split
    >>> from textrep.sparse import CountVectorizer
    >>> texts, labels = ["good fun", "bad fun"], np.array(["pos", "neg"])
    >>> task = Task("films", texts, labels, (Split(np.arange(2), np.arange(2)),))
    >>> model = make_pipeline(CountVectorizer(), LinearSVC()).fit(texts, labels)
    >>> {label: terms[0][0] for label, terms in top_terms(model, task).items()}
    {'neg': 'bad', 'pos': 'good'}
    """
    terms = linear_terms(model, n)
    return count_terms(task, n) if terms is None else terms


def linear_terms(model: Any, n: int = 15) -> TopTerms | None:
    """The terms with the greatest weights of a linear model.

    The weight is the coefficient that stands before the term's entry in the matrix, as the last
    step sees it; a log-count ratio is multiplied in. Naive Bayes' log probabilities are taken by
    how much each adds to the divergence of the class from the mean of the others, p ln(p / q).

    Parameters
    ----------
    model : object
        A fitted pipeline of a vectoriser, steps that keep or select its columns, and a linear
        classifier.
    n : int, default=15
        Terms for each class.

    Returns
    -------
    dict of class to list of (str, float), or None
        None where the model is no such pipeline.
    """
    names = _term_names(model)
    if names is None:
        return None
    classifier = model.steps[-1][1]
    weights = _weights(classifier)
    if weights is None or weights.shape[1] != len(names):
        return None
    for _, step in model.steps[1:-1]:
        if isinstance(step, LogCountRatio):
            weights = weights * step.log_count_ratio_
    classes = classifier.classes_.tolist()
    if len(weights) == 1 and len(classes) == 2:
        weights = np.vstack([-weights, weights])
    if len(weights) != len(classes):
        return None
    return _greatest(classes, weights, names, n)


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
    return _greatest(classes.tolist(), _divergence(logarithms), names, n)


def _spread_out(positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most so many positions, evenly from all."""
    if len(positions) <= _MAX_DOCUMENTS:
        return positions
    chosen = np.linspace(0, len(positions) - 1, _MAX_DOCUMENTS).astype(np.intp)
    return positions[chosen]


def _term_names(model: Any) -> NDArray[np.object_] | None:
    """Names of the columns that the last step of a pipeline is given, where they are terms."""
    if not isinstance(model, Pipeline) or len(model.steps) < 2:
        return None
    first, *middle = (step for _, step in model.steps[:-1])
    if not hasattr(first, "vocabulary_"):
        return None
    names = first.get_feature_names_out()
    for step in middle:
        if isinstance(step, SelectorMixin):
            names = names[step.get_support()]
        elif step != "passthrough" and not isinstance(step, OneToOneFeatureMixin):
            return None
    return np.asarray(names, dtype=object)


def _weights(classifier: Any) -> NDArray[np.float64] | None:
    """Of each class (or of the second of two) and column; None where there are none."""
    if isinstance(classifier, (MultinomialNB, ComplementNB)):
        if len(classifier.classes_) < 2:
            return None
        return _divergence(classifier.feature_log_prob_)
    if isinstance(classifier, OneVsRestClassifier):
        parts = [_one_against_rest(one) for one in classifier.estimators_]
        whole = [part for part in parts if part is not None]
        return np.vstack(whole) if len(whole) == len(parts) else None
    try:
        return Taken("classifier", classifier).coefficients
    except FusionError:
        return None


def _one_against_rest(estimator: Any) -> NDArray[np.float64] | None:
    """Weights of one of several binary classifiers, with a log-count ratio before it or without."""
    if not isinstance(estimator, Pipeline):
        return _weights(estimator)
    weights = _weights(estimator.steps[-1][1])
    for _, step in estimator.steps[:-1]:
        if weights is None or not isinstance(step, LogCountRatio):
            return None
        weights = weights * step.log_count_ratio_
    return weights


def _divergence(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    """p ln(p / q) of each class and term, q the mean over the other classes."""
    p = np.exp(logarithms)
    q = (p.sum(axis=0) - p) / (len(p) - 1)
    return p * np.log(p / np.maximum(q, np.finfo(np.float64).tiny))


def _greatest(
    classes: list[Any],
    weights: NDArray[np.float64],
    names: NDArray[np.object_],
    n: int,
) -> TopTerms:
    found = {}
    for label, row in zip(classes, weights, strict=True):
        order = np.argsort(-row, kind="stable")[:n]
        noise = _ROUNDING * np.abs(row).max(initial=0.0)
        found[label] = [(str(names[i]), float(row[i])) for i in order if row[i] > noise]
    return found
