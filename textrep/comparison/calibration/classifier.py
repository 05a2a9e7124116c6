"""`TemperatureScaledClassifier`: a classifier whose probabilities can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from textrep.comparison.calibration.scores import scores_of, soften
from textrep.comparison.calibration.temperature import check_holdout, find_temperature
from textrep.comparison.errors import ComparisonError
from textrep.core.messages import shown
from textrep.core.persist import Persistent
from textrep.core.random import RandomState


class TemperatureScaledClassifier(Persistent, ClassifierMixin, BaseEstimator):
    """A classifier of any kind with probabilities that are as high as it is often right.

    Its scores are divided by one number, the temperature, before the softmax makes probabilities of
    them [1]_. The number is found on a part of the training data that a clone has not seen; the
    classifier itself learns from all of them. Its answers stay as they are.

    Parameters
    ----------
    estimator : estimator
        A classifier or a pipeline that ends in one. It need not have probabilities: decision values
        do, and of one that only predicts the probability is its accuracy. `fit` fits clones of it.
    holdout : float, default=0.2
        Share of the training data on which the temperature is measured; the higher, the surer the
        temperature, and the less like the classifier the clone that it is measured with.
    random_state : None, int, Generator or RandomState, default=None
        Decides which samples those are.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on all of the training data.
    temperature_ : float
        Above 1 where the classifier by itself is too sure, below 1 where it is not sure enough.
    temperature_note_ : str
        Why the temperature is 1 without having been measured; else empty.
    classes_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017,
       section 4.2.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> import textrep
    >>> texts = [f"a {word} film {i}" for word in ("good", "bad") for i in range(50)]
    >>> labels = ["+"] * 50 + ["-"] * 50
    >>> model = textrep.TemperatureScaledClassifier(
    ...     estimator=make_pipeline(textrep.TfidfVectorizer(), LinearSVC()), random_state=0
    ... )
    >>> model.fit(texts, labels).predict(["so good"])
    array(['+'], dtype='<U1')
    >>> bool(model.predict_proba(["so good"])[0, 0] > 0.9)
    True
    """

    def __init__(
        self, *, estimator: Any, holdout: float = 0.2, random_state: RandomState = None
    ) -> None:
        self.estimator = estimator
        self.holdout = holdout
        self.random_state = random_state

    @classmethod
    def around(cls, estimator: Any, temperature: float) -> TemperatureScaledClassifier:
        """Wrap a classifier that is fitted already.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier; it is shared, not copied.
        temperature : float
            Above 0, such as the value that `find_temperature` gives.

        Returns
        -------
        TemperatureScaledClassifier
            Fitted.

        Raises
        ------
        ComparisonError
            When the temperature is not above 0 or the classifier is not fitted.

        Examples
        --------
        >>> from sklearn.dummy import DummyClassifier
        >>> dummy = DummyClassifier().fit([[0]] * 10, [0] * 9 + [1])
        >>> TemperatureScaledClassifier.around(dummy, 2.0).predict_proba([[0]])
        array([[0.75, 0.25]])
        """
        model = cls(estimator=clone(estimator))
        model._set_state({"estimator_": estimator, "temperature_": temperature})
        return model

    def fit(self, X: Any, y: Any) -> TemperatureScaledClassifier:
        """Fit the classifier, and measure its temperature.

        Parameters
        ----------
        X : iterable of str, or whatever the classifier takes, n_samples long
        y : array-like of shape (n_samples,)
            Classes.

        Returns
        -------
        self : TemperatureScaledClassifier

        Raises
        ------
        ComparisonError
            When `holdout` does not lie between 0 and 1.
        """
        check_holdout(self.holdout)
        # It is gone through twice.
        X = list(X) if isinstance(X, Iterator) else X
        # First, so that what is wrong with the data is said in the classifier's own words.
        estimator = clone(self.estimator).fit(X, y)
        found = find_temperature(
            self.estimator, X, y, holdout=self.holdout, random_state=self.random_state
        )
        self.estimator_ = estimator
        self.temperature_ = found.value
        self.temperature_note_ = found.note
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes, as the classifier by itself gives them.

        Parameters
        ----------
        X : iterable of str, or whatever the classifier takes, n_samples long

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        self._check_fitted()
        return self.estimator_.predict(X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : iterable of str, or whatever the classifier takes, n_samples long

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to 1; columns in the order of ``classes_``.
        """
        self._check_fitted()
        return soften(scores_of(self.estimator_, X), self.temperature_)

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, sorted, as the fitted classifier has them."""
        return self.estimator_.classes_

    def __sklearn_is_fitted__(self) -> bool:
        return "estimator_" in self.__dict__

    def _check_fitted(self) -> None:
        # scikit-learn's check takes as long as half a short text, and is for its words.
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def _set_state(self, state: dict[str, Any]) -> None:
        if not state:
            return
        estimator, temperature = state["estimator_"], state["temperature_"]
        real = isinstance(temperature, int | float) and not isinstance(temperature, bool)
        if not real or not 0 < temperature < np.inf:
            raise ComparisonError(
                f"temperature={shown(temperature)}: expected a finite number above 0"
            )
        if not hasattr(estimator, "classes_") or not hasattr(estimator, "predict"):
            raise ComparisonError(f"{shown(estimator)} is not a fitted classifier; fit it first")
        self.estimator_ = estimator
        self.temperature_ = float(temperature)
        self.temperature_note_ = str(state.get("temperature_note_", ""))
