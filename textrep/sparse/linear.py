"""Linear models taken apart: their coefficients, and what they make of their scores.

A model that is given its own scores in place of documents, with an identity matrix in place of its
coefficients, answers what it would have answered, by its own code: labels, probabilities, scores.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import (
    GammaRegressor,
    PoissonRegressor,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, _ConstantPredictor
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.svm import LinearSVC

from textrep.sparse.folding import refuse, refuse_foreign
from textrep.sparse.log_count_ratio import NBSVM

LINEAR = (
    LinearClassifierMixin,
    LinearModel,
    SGDRegressor,
    GammaRegressor,
    PoissonRegressor,
    TweedieRegressor,
)
HOLDERS = (
    OneVsRestClassifier,
    OneVsOneClassifier,
    MultiOutputClassifier,
    MultiOutputRegressor,
)
"""Models of several that stand in ``estimators_``."""


def threshold_of(model: Any) -> float | None:
    """Above what a model takes an entry for 1, otherwise for 0; None if it takes it as it is."""
    if isinstance(model, NBSVM):
        return 0.0 if model.binarize else None
    return model.binarize if isinstance(model, BernoulliNB) else None


def _dense(coefficients: Any) -> np.ndarray:
    return coefficients.toarray() if sp.issparse(coefficients) else coefficients


class Taken:
    """A model taken apart.

    Parameters
    ----------
    name : str, of its step
    model : a fitted model

    Attributes
    ----------
    coefficients : float64 (n_scores, n_columns)
    intercepts : float64 (n_scores,)
    dtype : of coefficients and intercepts taken together
    on_scores : the model that takes scores, float (n_documents, n_scores)

    Raises
    ------
    FusionError
        When the model is not linear.
    """

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._whole = model
        self._leaves: list[tuple[Any, np.ndarray, np.ndarray]] = []
        self._copies: list[Any] = []
        self.on_scores = self._take(model)
        coefficients = [part for _, part, _ in self._leaves]
        self.dtype = np.result_type(*coefficients, *(part for _, _, part in self._leaves))
        self.coefficients = np.concatenate(coefficients).astype(np.float64, copy=False)
        self.intercepts = np.concatenate([part for _, _, part in self._leaves])
        if not (np.isfinite(self.coefficients).all() and np.isfinite(self.intercepts).all()):
            raise refuse(name, model, "its coefficients are not all finite")
        self._give_identity()

    def _take(self, model: Any) -> Any:
        refuse_foreign(self._name, model)
        taken = copy.copy(model)
        self._copies.append(taken)
        if model is not self._whole and threshold_of(model) is not None:
            raise refuse(self._name, model, f"binarize={model.binarize!r} inside of a model")
        if isinstance(model, HOLDERS):
            taken.estimators_ = [self._take(one) for one in model.estimators_]
        elif isinstance(model, CalibratedClassifierCV):
            taken.calibrated_classifiers_ = [
                self._take_calibrated(one) for one in model.calibrated_classifiers_
            ]
        elif isinstance(model, (MultinomialNB, ComplementNB)):
            prior = model.class_log_prior_
            if isinstance(model, ComplementNB) and len(model.classes_) > 1:
                prior = np.zeros_like(prior)  # its scores leave the prior out
            self._leaves.append((taken, model.feature_log_prob_, prior))
        elif isinstance(model, BernoulliNB):
            taken = self._take_bernoulli(model)
        elif isinstance(model, (*LINEAR, NBSVM)):
            if isinstance(model, NBSVM):
                taken = self._stand_in(LinearSVC(), model)
            whole = np.atleast_2d(_dense(model.coef_))
            of = whole.dtype if type(model.intercept_) is float else None  # which weighs nothing
            intercepts = np.ravel(np.asarray(model.intercept_, dtype=of))
            intercepts = np.broadcast_to(intercepts, len(whole))
            self._leaves.append((taken, whole, intercepts))
        elif not isinstance(model, _ConstantPredictor):
            raise refuse(
                self._name, model, "it is not a linear model that textrep knows; its answers "
                "need the matrix"
            )  # fmt: skip
        return taken

    def _take_calibrated(self, one: Any) -> Any:
        taken = copy.copy(one)
        taken.estimator = self._take(one.estimator)
        return taken

    def _take_bernoulli(self, model: Any) -> Any:
        """A `BernoulliNB` looks at zeros too, but is linear in ones; what it makes of its scores
        `MultinomialNB` makes as well.
        """
        absent = np.log(1 - np.exp(model.feature_log_prob_))
        taken = self._stand_in(MultinomialNB(), model)
        prior = model.class_log_prior_ + absent.sum(axis=1)
        self._leaves.append((taken, model.feature_log_prob_ - absent, prior))
        return taken

    def _stand_in(self, other: Any, model: Any) -> Any:
        """A model of another class that makes the same of its scores, and asks less of them."""
        other.classes_ = model.classes_
        other.n_features_in_ = model.n_features_in_
        self._copies.append(other)
        return other

    def _give_identity(self) -> None:
        n_scores = len(self.intercepts)
        first = 0
        for taken, coefficients, _ in self._leaves:
            rows = np.eye(n_scores, dtype=self.dtype)[first : first + len(coefficients)]
            first += len(coefficients)
            if isinstance(taken, (MultinomialNB, ComplementNB)):
                taken.feature_log_prob_ = rows
                taken.class_log_prior_ = np.zeros(len(rows), dtype=self.dtype)
            else:
                taken.coef_ = rows[0] if np.ndim(getattr(taken, "coef_", rows)) == 1 else rows
                taken.intercept_ = 0.0
        for taken in self._copies:
            vars(taken).pop("feature_names_in_", None)
            if "n_features_in_" in vars(taken):
                taken.n_features_in_ = n_scores
