"""The steps of a fitted pipeline between its documents and its model, folded into one weighing.

Whatever the steps are, an entry of the matrix that reaches the model is

    value(count) * scale[column] / norm of the row * after[column]

because a later norm divides an earlier one away, and scales before it multiply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Binarizer, MaxAbsScaler, Normalizer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from textrep.sparse.kernels import fused, weights
from textrep.sparse.log_count_ratio import LogCountRatio
from textrep.sparse.matrix import KERNEL_DTYPES
from textrep.sparse.originals import ORIGINALS, OURS

NORMS = {None: weights.NONE, "l1": weights.L1, "l2": weights.L2, "max": fused.MAX}

_NAMES = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")

VECTORIZERS = frozenset({kinds[name] for kinds in (ORIGINALS, OURS) for name in _NAMES})
"""What a pipeline may begin with. The class itself: what else comes of it, such as BM25, weighs in
a way of its own.
"""

NEGATIVE = "it takes counts, but what reaches it can be below zero"


class FusionError(ValueError):
    """A pipeline, of which the message names the step, cannot be fused."""


def refuse(name: str, step: Any, why: str) -> FusionError:
    """The error for a step."""
    return FusionError(f"cannot fuse step {name!r} ({type(step).__name__}): {why}")


def refuse_foreign(name: str, step: Any) -> None:
    """Stop at an estimator that may compute something of its own."""
    if type(step).__module__.partition(".")[0] not in ("sklearn", "textrep"):
        raise refuse(
            name, step, "what a class of your own computes would be left out; fuse() knows "
            "scikit-learn's and textrep's"
        )  # fmt: skip


def flat_steps(pipeline: Any) -> list[tuple[str, Any]]:
    """Names and estimators of all steps that do something, those of pipelines inside it too.

    Raises
    ------
    FusionError
        When it is no pipeline, or has a step of a class of somebody else's.
    NotFittedError
        When a step is not fitted.
    """
    if not isinstance(pipeline, Pipeline):
        hint = "; fuse its best_estimator_" if hasattr(pipeline, "best_estimator_") else ""
        raise FusionError(
            f"fuse() takes a scikit-learn Pipeline of a vectoriser and a linear model, got "
            f"{type(pipeline).__name__}{hint}"
        )
    steps: list[tuple[str, Any]] = []
    for name, step in pipeline.steps:
        if step is None or step == "passthrough":
            continue
        if isinstance(step, Pipeline):
            steps += flat_steps(step)
            continue
        refuse_foreign(name, step)
        # Of scikit-learn's, which learns nothing either, its tags say so only from 1.8 on.
        if not isinstance(step, ORIGINALS["HashingVectorizer"]):
            check_is_fitted(step)
        steps.append((name, step))
    return steps


class Weighing:
    """How the counts of a vectoriser become the entries that a linear model is given.

    Attributes
    ----------
    kind : COUNT, ONE, LOGARITHM or POSITIVE of `textrep.sparse.kernels.fused`
    signed : bool, counts may be negative (hashing)
    dtype : of the entries
    n_columns : of the vectoriser
    scale, after : float64 (n_columns,) or None for ones, multiplied before and after the norm
    norm : NONE, L1, L2 or MAX
    kept : int64 (n_kept,) or None for all, the columns that reach the model
    """

    def __init__(self, n_columns: int, dtype: Any, binary: bool, signed: bool) -> None:
        self.kind = fused.ONE if binary else fused.COUNT
        self.signed = signed and not binary
        self.dtype = np.dtype(dtype)
        self.n_columns = n_columns
        self.scale: np.ndarray | None = None
        self.after: np.ndarray | None = None
        self.norm = weights.NONE
        self.kept: np.ndarray | None = None

    @property
    def is_bare(self) -> bool:
        """Whether the entries are counts still."""
        untouched = self.scale is None and self.after is None and self.norm == weights.NONE
        return untouched and self.kind in (fused.COUNT, fused.ONE)

    @property
    def may_be_negative(self) -> bool:
        """Whether some entry can be below zero."""
        factors = [f for f in (self.scale, self.after) if f is not None]
        return self.signed or any((factor < 0).any() for factor in factors)

    @property
    def n_kept(self) -> int:
        return self.n_columns if self.kept is None else len(self.kept)

    def take_logarithms(self) -> None:
        """value -> 1 + ln(value), of counts."""
        if self.kind == fused.COUNT:
            self.kind = fused.LOGARITHM
        self._make_floating()

    def multiply(self, factors: Any) -> None:
        """Multiply each kept column, ``factors`` (n_kept,)."""
        whole = np.asarray(factors, dtype=np.float64)
        if self.kept is not None:
            whole = np.ones(self.n_columns)
            whole[self.kept] = factors
        before = self.norm == weights.NONE
        known = self.scale if before else self.after
        product = whole if known is None else known * whole
        if before:
            self.scale = product
        else:
            self.after = product
        self._make_floating()

    def normalize(self, norm: str | None) -> None:
        """Divide rows by their norm."""
        self._make_floating()
        if norm is None:
            return
        factors = [f for f in (self.scale, self.after) if f is not None]
        if self.kept is not None:  # columns that are left out are no part of the norm
            here = np.zeros(self.n_columns)
            here[self.kept] = 1.0
            factors.append(here)
        self.scale = np.prod(factors, axis=0) if factors else None
        self.after = None
        self.norm = NORMS[norm]

    def keep(self, columns: np.ndarray) -> None:
        """Leave only some of the kept columns, by their numbers among these."""
        self.kept = columns if self.kept is None else self.kept[columns]

    def binarize(self) -> bool:
        """Entries -> 1 where they are above 0; False, and nothing done, where the sign of an entry
        depends on more than its count.
        """
        factors = [f for f in (self.scale, self.after) if f is not None]
        factor = np.prod(factors, axis=0) if factors else None
        if factor is not None and self.signed and (factor < 0).any():
            return False
        self.scale = None if factor is None else (factor > 0).astype(np.float64)
        self.after = None
        self.norm = weights.NONE
        if self.kind != fused.POSITIVE:  # it already asks for the sign of the count
            self.kind = fused.POSITIVE if self.signed else fused.ONE
        self.signed = False
        return True

    def _make_floating(self) -> None:
        if self.dtype.kind != "f":
            self.dtype = np.dtype(np.float64)

    def table(self, coefficients: np.ndarray) -> np.ndarray:
        """The kernels' weights, float64 (n_columns, 1 + n_scores), for ``coefficients`` (n_scores,
        n_kept).
        """
        n_scores = len(coefficients)
        table = np.zeros((self.n_columns, 1 + n_scores))
        table[:, 0] = 1.0 if self.scale is None else self.scale
        rows = slice(None) if self.kept is None else self.kept
        table[rows, 1:] = coefficients.T
        for factors in (self.scale, self.after):
            if factors is not None:
                table[:, 1:] *= factors[:, None]
        return table


def _fold_tfidf(weighing: Weighing, transformer: Any) -> str | None:
    if transformer.norm not in NORMS:
        return f"norm is {transformer.norm!r}"
    if transformer.sublinear_tf:
        if not weighing.is_bare or weighing.signed:
            return "sublinear_tf=True takes the logarithm of what is no longer a count"
        weighing.take_logarithms()
    elif getattr(transformer, "relative_tf", False):
        weighing.normalize("l1")
    idf = getattr(transformer, "idf_", None)
    if idf is not None:
        if np.shape(idf) != (weighing.n_kept,) or not np.isfinite(idf).all():
            return "idf_ is not one finite number for each column"
        weighing.multiply(idf)
    weighing.normalize(transformer.norm)
    return None


def _fold_normalizer(weighing: Weighing, step: Any) -> str | None:
    weighing.normalize(step.norm)
    return None


def _fold_max_abs(weighing: Weighing, step: Any) -> str | None:
    if getattr(step, "clip", False):
        return "clip=True is not linear"
    weighing.multiply(1.0 / step.scale_)
    return None


def _fold_standard(weighing: Weighing, step: Any) -> str | None:
    if step.with_mean:
        return "with_mean=True makes the matrix dense"
    if step.scale_ is not None:
        weighing.multiply(1.0 / step.scale_)
    return None


def _fold_binarizer(weighing: Weighing, step: Any) -> str | None:
    if step.threshold != 0:
        return f"threshold is {step.threshold!r}, and only 0 keeps an entry's count out of it"
    if not weighing.binarize():
        return "the sign of an entry depends on more than its count"
    return None


def _fold_ratio(weighing: Weighing, step: Any) -> str | None:
    if weighing.may_be_negative:
        return NEGATIVE
    if step.binarize:
        weighing.binarize()
    weighing.multiply(step.log_count_ratio_)
    return None


def _fold_selector(weighing: Weighing, step: Any) -> str | None:
    weighing.keep(np.flatnonzero(step.get_support()))
    return None


FOLDS: list[tuple[type, Callable[[Weighing, Any], str | None]]] = [
    (ORIGINALS["TfidfTransformer"], _fold_tfidf),
    (LogCountRatio, _fold_ratio),
    (Normalizer, _fold_normalizer),
    (MaxAbsScaler, _fold_max_abs),
    (StandardScaler, _fold_standard),
    (Binarizer, _fold_binarizer),
    (SelectorMixin, _fold_selector),
]
"""What takes the steps up; each answers why it cannot, or None when it has."""


def fold(vectorizer: tuple[str, Any], n_columns: int, others: list[tuple[str, Any]]) -> Weighing:
    """The weighing of a vectoriser and the transformers after it.

    Parameters
    ----------
    vectorizer : name and fitted vectoriser
    n_columns : of its matrix
    others : name and transformer of each later step but the model

    Raises
    ------
    FusionError
        For a step that cannot be folded.
    """
    name, first = vectorizer
    if first.dtype is None or np.dtype(first.dtype) not in KERNEL_DTYPES:
        raise refuse(name, first, f"dtype is {first.dtype!r}; use float64, float32 or int64")
    signed = bool(getattr(first, "alternate_sign", False))
    weighing = Weighing(n_columns, first.dtype, bool(first.binary), signed)
    if isinstance(first, ORIGINALS["HashingVectorizer"]):
        if first.norm is not None:
            weighing.normalize(first.norm)
    elif isinstance(first, ORIGINALS["TfidfVectorizer"]):
        others = [(name, first._tfidf), *others]
    for name, step in others:
        take_up = next((how for kind, how in FOLDS if isinstance(step, kind)), None)
        if take_up is None:
            raise refuse(name, step, _why_not(step))
        problem = take_up(weighing, step)
        if problem:
            raise refuse(name, step, problem)
    return weighing


def _why_not(step: BaseEstimator) -> str:
    if isinstance(step, (ORIGINALS["CountVectorizer"], ORIGINALS["HashingVectorizer"])):
        return "the vectoriser must be the first step, and the only one"
    return (
        "it is no vectoriser, and neither scales nor selects columns nor normalises rows, so it "
        "needs the matrix"
    )
