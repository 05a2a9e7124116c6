"""The weights that a linear pipeline gives each term for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import Pipeline

from textrep.sparse.folding import FusionError
from textrep.sparse.linear import Taken
from textrep.sparse.log_count_ratio import LogCountRatio

# What `textrep.comparison.features` calls the documents of a table.
_TEXT = "text"


class TermWeights(NamedTuple):
    """Weights of terms.

    Attributes
    ----------
    classes : list of length n_classes
    names : ndarray of shape (n_terms,) of object
    weights : ndarray of shape (n_classes, n_terms)
        Above 0 for a term that speaks for the class.
    """

    classes: list[Any]
    names: NDArray[np.object_]
    weights: NDArray[np.float64]


class _Columns(NamedTuple):
    """Names of the columns that reach a classifier, and what each entry was multiplied by."""

    names: NDArray[np.object_]
    factors: NDArray[np.float64]


def term_weights(model: Any, columns: Sequence[str] = ()) -> TermWeights | None:
    """Read the weights of a linear pipeline.

    The weight is the coefficient that stands before the term's entry in the matrix, as the last
    step sees it; a log-count ratio is multiplied in. Naive Bayes' log probabilities are taken by
    how much each adds to the divergence of the class from the mean of the others, see `divergence`.

    Parameters
    ----------
    model : object
        A fitted pipeline of a vectoriser, steps that keep or select its columns, and a linear
        classifier; or one that `with_columns` made of such a pipeline.
    columns : sequence of str, default=()
        Names of the further columns, numbers before categories.

    Returns
    -------
    TermWeights or None
        None where the model is no such pipeline.
    """
    if not isinstance(model, Pipeline) or len(model.steps) < 2:
        return None
    *front, classifier = (step for _, step in model.steps)
    read = _read_steps(front, columns)
    weights = None if read is None else _weights(classifier)
    if read is None or weights is None or weights.shape[1] != len(read.names):
        return None
    weights = weights * read.factors
    classes = classifier.classes_.tolist()
    if len(weights) == 1 and len(classes) == 2:
        weights = np.vstack([-weights, weights])
    return TermWeights(classes, read.names, weights) if len(weights) == len(classes) else None


def divergence(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each term adds to the divergence of its class from the others, p ln(p / q).

    Parameters
    ----------
    logarithms : ndarray of shape (n_classes, n_terms)
        ln p, of the probability of each term in each class; q is the mean of p over the other
        classes.

    Returns
    -------
    ndarray of shape (n_classes, n_terms)

    Examples
    --------
    >>> divergence(np.log([[0.75, 0.25], [0.25, 0.75]])).round(3)
    array([[ 0.824, -0.275],
           [-0.275,  0.824]])
    """
    p = np.exp(logarithms)
    q = (p.sum(axis=0) - p) / (len(p) - 1)
    return p * np.log(p / np.maximum(q, np.finfo(np.float64).tiny))


def _read_steps(steps: Sequence[Any], columns: Sequence[str]) -> _Columns | None:
    """The columns after some steps; None where they are not terms."""
    first, *later = steps
    read = _read_first(first, columns)
    for step in later:
        if read is None:
            return None
        if isinstance(step, SelectorMixin):
            kept = step.get_support()
            read = _Columns(read.names[kept], read.factors[kept])
        elif isinstance(step, LogCountRatio):
            read = _Columns(read.names, read.factors * step.log_count_ratio_)
        elif step != "passthrough" and not isinstance(step, OneToOneFeatureMixin):
            return None
    return read


def _read_first(step: Any, columns: Sequence[str]) -> _Columns | None:
    if isinstance(step, Pipeline):
        return _read_steps([inner for _, inner in step.steps], columns)
    if isinstance(step, ColumnTransformer):
        return _read_table(step, columns)
    # Asked of the type where it can be: ours make the dict when it is first read.
    if not (hasattr(type(step), "vocabulary_") or "vocabulary_" in vars(step)):
        return None
    names = np.asarray(step.get_feature_names_out(), dtype=object)
    return _Columns(names, np.ones(len(names)))


def _read_table(step: ColumnTransformer, columns: Sequence[str]) -> _Columns | None:
    """Terms of the documents, then the further columns without the names of their transformers."""
    if _TEXT not in step.named_transformers_:
        return None
    texts = _read_first(step.named_transformers_[_TEXT], ())
    if texts is None:
        return None
    further = step.get_feature_names_out([_TEXT, *columns])[len(texts.names) :]
    plain = np.array([name.partition("__")[2] for name in further], dtype=object)
    return _Columns(
        np.concatenate([texts.names, plain]),
        np.concatenate([texts.factors, np.ones(len(plain))]),
    )


def _weights(classifier: Any) -> NDArray[np.float64] | None:
    """Of each class (or of the second of two) and column; None where there are none."""
    if isinstance(classifier, (MultinomialNB, ComplementNB)):
        if len(classifier.classes_) < 2:
            return None
        return divergence(classifier.feature_log_prob_)
    if isinstance(classifier, OneVsRestClassifier):
        parts = [_one_against_rest(one) for one in classifier.estimators_]
        whole = [part for part in parts if part is not None]
        return np.vstack(whole) if len(whole) == len(parts) else None
    try:
        return Taken("classifier", classifier).coefficients
    except (FusionError, ValueError):
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
