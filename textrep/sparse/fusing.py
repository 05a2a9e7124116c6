"""`fuse`: a fitted pipeline that predicts without building a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from textrep.core.persist import Persistent
from textrep.sparse.analysis import plan_of
from textrep.sparse.fallback import by_kernels_or
from textrep.sparse.folding import NEGATIVE, VECTORIZERS, FusionError, flat_steps, fold, refuse
from textrep.sparse.linear import Taken, threshold_of
from textrep.sparse.log_count_ratio import NBSVM
from textrep.sparse.originals import ORIGINALS
from textrep.sparse.scoring import Scorer


def _decide(model: Any, scores: np.ndarray) -> np.ndarray:
    return scores.ravel() if scores.shape[1] == 1 else scores


def _label(model: Any, scores: np.ndarray) -> np.ndarray:
    alone = scores.shape[1] == 1
    return model.classes_[(scores[:, 0] > 0).astype(int) if alone else scores.argmax(axis=1)]


SIMPLE = {
    "decision_function": (LinearClassifierMixin.decision_function, _decide),
    "predict": (LinearClassifierMixin.predict, _label),
}
"""Methods whose checks of their input take three times as long as one short text does, and what
is done without them, where a class has not written its own.
"""


@dataclass
class _Fused:
    """What predicting needs; made from the pipeline, and never saved."""

    vectorizer: Any
    scorer: Scorer
    intercepts: np.ndarray
    dtype: np.dtype
    on_scores: Any

    def answer(self, method: str, raw_documents: Iterable[Any], *others: Any) -> Any:
        """What a method of the pipeline gives for documents."""
        scores = self.scores(raw_documents)
        simple = SIMPLE.get(method)
        if (
            simple is not None
            and getattr(type(self.on_scores), method) is simple[0]
            and len(scores)
            and np.isfinite(scores).all()
        ):
            return simple[1](self.on_scores, scores)
        return getattr(self.on_scores, method)(scores, *others)

    def scores(self, raw_documents: Iterable[Any]) -> np.ndarray:
        """The model's scores, (n_documents, n_scores)."""
        plan = plan_of(self.vectorizer)
        if plan is None:
            raise FusionError(
                f"parameters of the {type(self.vectorizer).__name__} were changed after fuse(); "
                "fit the pipeline and fuse it again"
            )
        n_jobs = getattr(self.vectorizer, "n_jobs", None)
        scores = self.scorer.scores(raw_documents, plan, n_jobs)
        scores += self.intercepts
        return scores.astype(self.dtype, copy=False)


def _fuse(pipeline: Any) -> _Fused:
    steps = flat_steps(pipeline)
    if not steps or type(steps[0][1]) not in VECTORIZERS:
        raise refuse(
            *(steps or [("", pipeline)])[0],
            "the first step must be a CountVectorizer, TfidfVectorizer or HashingVectorizer",
        )
    (name, vectorizer), *others, (last, model) = steps[0], *steps[1:-1], steps[-1]
    if model is vectorizer:
        raise refuse(name, vectorizer, "a linear model must follow it")
    plan = plan_of(vectorizer)
    if plan is None:
        raise refuse(
            name, vectorizer, "its parameters ask for more than the kernels cover, such as a "
            "callable analyzer, tokenizer or preprocessor, or an unusual token_pattern"
        )  # fmt: skip
    n_columns = _count_columns(name, vectorizer)
    weighing = fold((name, vectorizer), n_columns, others)
    threshold = threshold_of(model)
    if isinstance(model, NBSVM) and weighing.may_be_negative:
        raise refuse(last, model, NEGATIVE)
    if threshold is not None and (threshold != 0 or not weighing.binarize()):
        raise refuse(last, model, f"binarize={model.binarize!r} needs the matrix")
    taken = Taken(last, model)
    if taken.coefficients.shape[1] != weighing.n_kept:
        raise refuse(
            last, model, f"it knows {taken.coefficients.shape[1]} columns and is given "
            f"{weighing.n_kept}; fit the pipeline again"
        )  # fmt: skip
    return _Fused(
        vectorizer=vectorizer,
        scorer=Scorer(vectorizer, plan, weighing, taken.coefficients),
        intercepts=taken.intercepts,
        dtype=np.result_type(weighing.dtype, taken.dtype),
        on_scores=taken.on_scores,
    )


def _count_columns(name: str, vectorizer: Any) -> int:
    if isinstance(vectorizer, ORIGINALS["HashingVectorizer"]):
        return int(vectorizer.n_features)
    vectorizer._check_vocabulary()
    if hasattr(vectorizer, "_kernels_know_vocabulary"):
        known = vectorizer._kernels_know_vocabulary()
    else:
        columns = vectorizer.vocabulary_.values()
        whole = set(map(type, vectorizer.vocabulary_)) <= {str}
        known = whole and sorted(columns) == list(range(len(columns)))
    if not known:
        raise refuse(name, vectorizer, "the columns of its vocabulary_ are not 0 to n - 1")
    trie = vars(vectorizer).get("_trie")
    return len(vectorizer.vocabulary_ if trie is None else trie)


def _model_has(method: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        return hasattr(getattr(self, "pipeline_", self.pipeline), method)

    return check


class FusedPipeline(Persistent, BaseEstimator):
    """A pipeline of a vectoriser and a linear model that predicts in one pass over the bytes.

    Documents are tokenised, looked up, counted, weighed and multiplied by the coefficients part by
    part; the document-term matrix is never built. Answers are those of the pipeline: scores agree
    to rounding (they are summed in another order), and labels and probabilities are made of them by
    the model's own code. What the kernels do not cover in some document is left to the pipeline
    itself.

    Parameters
    ----------
    pipeline : Pipeline
        See `fuse` for the steps it may have. `fit` fits a clone of it.

    Attributes
    ----------
    pipeline_ : Pipeline
        The fitted pipeline. Fuse it anew after fitting it again.
    classes_ : ndarray (n_classes,), of a classifier

    Notes
    -----
    Beside the pipeline's own arrays it keeps a table of 8 * (1 + n_scores) bytes a term, which is
    made by `fit` and `fuse`, or at the first call of one that was pickled, and is in no file. Any
    number of threads may ask it at once; a call itself uses the vectoriser's ``n_jobs``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from textrep.sparse import TfidfVectorizer
    >>> from textrep.sparse.fusing import FusedPipeline
    >>> texts, labels = ["good film", "bad film", "so good", "so bad"], ["+", "-", "+", "-"]
    >>> model = FusedPipeline(pipeline=make_pipeline(TfidfVectorizer(), LogisticRegression()))
    >>> model.fit(texts, labels).predict(["a good one", "a bad one"])
    array(['+', '-'], dtype='<U1')
    """

    def __init__(self, *, pipeline: Any) -> None:
        self.pipeline = pipeline

    def fit(self, raw_documents: Iterable[Any], y: Any = None, **params: Any) -> FusedPipeline:
        """Fit a clone of the pipeline and fuse it.

        Parameters
        ----------
        raw_documents : iterable of str, n_samples long
        y : labels or targets (n_samples,)
        **params : handed to the pipeline's ``fit``

        Returns
        -------
        self : FusedPipeline

        Raises
        ------
        FusionError
            When the pipeline cannot be fused.
        """
        return self._adopt(clone(self.pipeline).fit(raw_documents, y, **params))

    def _adopt(self, pipeline: Any) -> FusedPipeline:
        fused = _fuse(pipeline)
        self.pipeline_ = pipeline
        self._fused = fused
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return "pipeline_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.pipeline)

    @property
    def classes_(self) -> Any:
        return getattr(self.__dict__.get("pipeline_", self.pipeline), "classes_")  # noqa: B009

    def _ask(self, method: str, raw_documents: Iterable[Any], *others: Any) -> Any:
        fused = self.__dict__.get("_fused")
        if fused is None:
            check_is_fitted(self)
            fused = self._fused = _fuse(self.pipeline_)  # fresh from a pickle
        return by_kernels_or(
            lambda: getattr(self.pipeline_, method)(raw_documents, *others),
            lambda: fused.answer(method, raw_documents, *others),
            fused.vectorizer,
            raw_documents,
        )

    def predict(self, raw_documents: Iterable[Any]) -> np.ndarray:
        """Labels or targets.

        Parameters
        ----------
        raw_documents : iterable of whatever the vectoriser takes, n_samples long

        Returns
        -------
        y : ndarray (n_samples,) or, of a model of several outputs, (n_samples, n_outputs)
        """
        return self._ask("predict", raw_documents)

    @available_if(_model_has("decision_function"))
    def decision_function(self, raw_documents: Iterable[Any]) -> np.ndarray:
        """Scores, ndarray (n_samples,) of two classes or (n_samples, n_classes)."""
        return self._ask("decision_function", raw_documents)

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, raw_documents: Iterable[Any]) -> np.ndarray:
        """Probabilities of the classes, ndarray (n_samples, n_classes)."""
        return self._ask("predict_proba", raw_documents)

    @available_if(_model_has("predict_log_proba"))
    def predict_log_proba(self, raw_documents: Iterable[Any]) -> np.ndarray:
        """Logarithms of the probabilities, ndarray (n_samples, n_classes)."""
        return self._ask("predict_log_proba", raw_documents)

    def score(self, raw_documents: Iterable[Any], y: Any, sample_weight: Any = None) -> float:
        """Accuracy of a classifier, R2 of a regressor.

        Parameters
        ----------
        raw_documents : as for `predict`
        y : true labels or targets (n_samples,)
        sample_weight : (n_samples,) or None

        Returns
        -------
        score : float
        """
        return self._ask("score", raw_documents, y, sample_weight)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_fused", None)
        return state

    def _get_state(self) -> dict[str, Any]:
        return {"pipeline_": self.pipeline_} if "pipeline_" in self.__dict__ else {}

    def _set_state(self, state: dict[str, Any]) -> None:
        if "pipeline_" in state:
            self._adopt(state["pipeline_"])


def fuse(pipeline: Any) -> FusedPipeline:
    """Fuse a fitted pipeline, so that it predicts in one pass over the bytes.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted scikit-learn pipeline of

        - a `CountVectorizer`, `TfidfVectorizer` or `HashingVectorizer`, textrep's or
          scikit-learn's;
        - any number of `TfidfTransformer`, `LogCountRatio`, `Normalizer`, `MaxAbsScaler`,
          `StandardScaler(with_mean=False)`, `Binarizer`, and feature selection such as
          `SelectKBest`;
        - a linear model of scikit-learn's: a classifier or regressor with ``coef_``,
          `MultinomialNB`, `ComplementNB`, `BernoulliNB`; `NBSVM`; or several of them in a
          `OneVsRestClassifier`, `OneVsOneClassifier`, `MultiOutputClassifier`,
          `MultiOutputRegressor` or `CalibratedClassifierCV`.

    Returns
    -------
    FusedPipeline
        With ``predict``, ``score`` and, where the model has them, ``decision_function``,
        ``predict_proba``, ``predict_log_proba`` and ``classes_``. It shares the fitted steps.

    Raises
    ------
    FusionError
        When the pipeline cannot be fused; the message names the step.
    sklearn.exceptions.NotFittedError
        When it is not fitted.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> import textrep
    >>> from textrep.sparse.fusing import fuse
    >>> pipeline = make_pipeline(textrep.TfidfVectorizer(), LinearSVC())
    >>> texts, labels = ["good film", "bad film", "so good", "so bad"], [1, 0, 1, 0]
    >>> fuse(pipeline.fit(texts, labels)).predict(["a good one", "a bad one"])
    array([1, 0])
    """
    flat_steps(pipeline)  # before anything is cloned: is it a fitted pipeline at all?
    return FusedPipeline(pipeline=clone(pipeline))._adopt(pipeline)
