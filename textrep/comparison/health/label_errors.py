"""`find_label_errors`: which labels are probably wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textrep.comparison.calibration.probabilities import check_probabilities
from textrep.comparison.errors import ComparisonError
from textrep.comparison.health.noise import P_VALUE, Noise, fit_noise, gaps_of
from textrep.comparison.health.wording import percent
from textrep.core.messages import shown

# A label is named when it is wrong more probably than right.
_SUSPICIOUS = 0.5
# Too few documents for a share of wrong labels to be told from a classifier's mistakes.
_FEWEST = 50


@dataclass(frozen=True)
class LabelErrors:
    """Labels that are probably wrong.

    Attributes
    ----------
    estimated_count : int
        How many labels are wrong in all, those among them that cannot be named.
    share : float
        Of the labels that were judged.
    positions : tuple of int
        Of the documents whose label is wrong more probably than right, the surest first.
    given, suggested : tuple of label
        The label of each, and the one that it might have instead.
    confidence : tuple of float
        Probability that the suggested label is the right one.
    message : str
        One sentence.

    Examples
    --------
    >>> LabelErrors(0, 0.0, (), (), (), (), "No label looks wrong.").estimated_count
    0
    """

    estimated_count: int
    share: float
    positions: tuple[int, ...] = field(repr=False)
    given: tuple[Any, ...] = field(repr=False)
    suggested: tuple[Any, ...] = field(repr=False)
    confidence: tuple[float, ...] = field(repr=False)
    message: str

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON knows it; the labels stay what they are.

        Returns
        -------
        dict of str to value
        """
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }


def find_label_errors(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[Any],
    positions: ArrayLike | None = None,
) -> LabelErrors:
    """Find labels that a classifier contradicts more surely than its own mistakes explain.

    As in confident learning [1]_, a model that has not seen a document judges its label. How many
    labels are wrong is not counted by thresholds, which take the mistakes of a weak classifier for
    wrong labels, but estimated together with the classifier's own doubts: see `fit_noise`.

    Parameters
    ----------
    labels : array-like of shape (n_documents,)
        Given labels; one that is not among `classes` is not judged.
    probabilities : array-like of shape (n_documents, n_classes)
        Of models that have not seen the documents, such as `out_of_fold` gives. Logistic
        regression and support vector machines serve well; naive Bayes is too often sure without
        reason.
    classes : sequence of length n_classes
        The class of each column.
    positions : array-like of shape (n_documents,), optional
        What the documents are called in the result; None numbers them.

    Returns
    -------
    LabelErrors

    Raises
    ------
    ComparisonError
        When the shapes do not fit or a probability is none.

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset
       labels", JAIR 2021.

    Examples
    --------
    A model that is right wherever it leans to one side, but for two documents.

    >>> lean = np.linspace(-9, 9, 200)
    >>> labels = np.where(lean < 0, "a", "b")
    >>> labels[[3, 170]] = "b", "a"
    >>> probabilities = 1 / (1 + np.exp(np.stack([lean, -lean], axis=1)))
    >>> found = find_label_errors(labels, probabilities, ["a", "b"])
    >>> found.positions, found.suggested
    ((3, 170), ('a', 'b'))
    """
    given, shares, names = _checked(labels, probabilities, classes, positions)
    column = {label: at for at, label in enumerate(classes)}
    codes = np.array([column.get(label, -1) for label in given.tolist()], dtype=np.intp)
    judged = np.flatnonzero(codes >= 0)
    if len(judged) < _FEWEST:
        return _none(f"{len(judged)} labels are too few to tell whether any of them is wrong.")
    gaps = gaps_of(shares[judged])
    noise = fit_noise(gaps, codes[judged])
    count = round(noise.share * len(judged))
    if noise.p_value > P_VALUE or not count:
        return _none(
            "No label looks wrong: where the labels are contradicted, it is no more than a "
            "method's own mistakes would."
        )
    wrong, suggestion, confidence = _judge(noise, gaps, codes[judged])
    order = np.argsort(-wrong, kind="stable")
    chosen = order[(wrong[order] > _SUSPICIOUS) & (suggestion[order] != codes[judged][order])]
    pairs = Counter(zip(codes[judged][chosen].tolist(), suggestion[chosen].tolist(), strict=True))
    return LabelErrors(
        count,
        noise.share,
        tuple(names[judged[chosen]].tolist()),
        tuple(classes[code] for code in codes[judged][chosen].tolist()),
        tuple(classes[code] for code in suggestion[chosen].tolist()),
        tuple(confidence[chosen].tolist()),
        _message(count, len(judged), len(chosen), pairs, classes),
    )


def _judge(
    noise: Noise, gaps: NDArray[np.float64], codes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Of each document how probably its label is wrong, the likeliest class, and how probably that
    is right.
    """
    likely = noise.likely(gaps)
    rows = np.arange(len(codes))
    right = likely[rows, codes]
    replaced = noise.share / (gaps.shape[1] - 1)
    given = (1 - noise.share) * right + replaced * (1 - right)
    suggestion = likely.argmax(axis=1)
    return (
        replaced * (1 - right) / given,
        suggestion,
        replaced * likely[rows, suggestion] / given,
    )


def _message(
    count: int,
    n_judged: int,
    n_named: int,
    pairs: Counter[tuple[int, int]],
    classes: Sequence[Any],
) -> str:
    head = (
        f"About {count:,} of the {n_judged:,} labels ({percent(count / n_judged)}) "
        f"{'is' if count == 1 else 'are'} probably wrong"
    )
    if not n_named:
        return f"{head}, but of no single document can it be said which."
    (given, suggested), number = pairs.most_common(1)[0]
    return (
        f"{head}; {n_named:,} {'document is' if n_named == 1 else 'documents are'} named, most "
        f"often ({number:,} times) {shown(classes[given])} that looks like "
        f"{shown(classes[suggested])}."
    )


def _none(message: str) -> LabelErrors:
    return LabelErrors(0, 0.0, (), (), (), (), message)


def _checked(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[Any], positions: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[Any]]:
    given, shares = check_probabilities(labels, probabilities, classes)
    if len(classes) < 2:
        raise ComparisonError(f"classes has {len(classes)} items; expected at least two")
    names = np.arange(len(given)) if positions is None else np.asarray(positions)
    if names.shape != given.shape:
        raise ComparisonError(
            f"positions has shape {names.shape}; expected {given.shape}, one for each of labels"
        )
    return given, shares, names
