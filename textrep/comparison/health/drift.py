"""Check: a test part that is unlike the training part."""

from __future__ import annotations

import numpy as np

from textrep.comparison.health.classes import count_classes
from textrep.comparison.health.finding import Finding
from textrep.comparison.health.material import Material
from textrep.comparison.health.wording import classes_named, percent

# A difference that small samples show by chance once in a thousand times is none.
_P_VALUE = 0.001
# Beyond chance, it has to be large enough to matter: half as long again, or a twentieth of the
# texts in other classes.
_LENGTH_RATIO = 1.5
_CLASS_SHIFT = 0.05


def check_drift(material: Material) -> list[Finding]:
    """Find differences in length and in classes between the parts.

    Parameters
    ----------
    material : Material
        What is looked at.

    Returns
    -------
    list of Finding
        Nothing with folds, which are drawn alike.
    """
    if material.task.folds:
        return []
    return [*_lengths(material), *_classes(material)]


def _lengths(material: Material) -> list[Finding]:
    from scipy.stats import mannwhitneyu

    train, test = (
        material.n_words[positions].astype(np.float64)
        for positions in material.named_parts.values()
    )
    medians = np.median(train), np.median(test)
    low, high = sorted(medians)
    if high < _LENGTH_RATIO * max(low, 1) or mannwhitneyu(train, test).pvalue > _P_VALUE:
        return []
    return [
        Finding(
            "length-drift",
            "warning",
            f"The test texts are of another length: half of them have up to {medians[1]:,.0f} "
            f"words, half of the training texts up to {medians[0]:,.0f}.",
            "What is learnt on one length may not hold on the other, so the scores tell how "
            "methods do on such texts, not on those like the training texts.",
            "Check that both parts come from the same source and were prepared alike.",
        )
    ]


def _classes(material: Material) -> list[Finding]:
    from scipy.stats import chi2_contingency

    counts = count_classes(material)
    labels = list(counts["train"])
    table = np.array([[counts[part][label] for label in labels] for part in ("train", "test")])
    shares = table / table.sum(axis=1, keepdims=True)
    difference = shares[1] - shares[0]
    shift = np.abs(difference).sum() / 2
    if shift < _CLASS_SHIFT or chi2_contingency(table).pvalue > _P_VALUE:
        return []
    most = int(np.argmax(np.abs(difference)))
    return [
        Finding(
            "class-drift",
            "warning",
            "The classes are distributed otherwise in the test part: "
            f"{classes_named([labels[most]])} has {percent(shares[1, most])} of its texts and "
            f"{percent(shares[0, most])} of the training texts.",
            f"Methods lean to what was frequent in training, which is off for {percent(shift)} of "
            "the test texts; where they are used, the scores hold only if classes are "
            "distributed as in the test part.",
            "Draw both parts from the same source, or go by macro-F1.",
        )
    ]
