"""The confusion matrix against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from textrep.comparison.report.confusions import confusions


def made(n_classes, n=2000, right=0.7, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array([f"class {k:03}" for k in range(n_classes)])
    truth = labels[rng.integers(n_classes, size=n)]
    guess = labels[rng.integers(n_classes, size=n)]
    return truth, np.where(rng.random(n) < right, truth, guess)


@pytest.mark.parametrize("n_classes", [2, 7, 20])
def test_counts_are_those_of_scikit_learn(n_classes):
    truth, predicted = made(n_classes)
    found = confusions(truth, predicted)
    counts = [[cell.count for cell in row] for row in found.rows]
    assert counts == confusion_matrix(truth, predicted).tolist()
    assert all(sum(cell.share for cell in row) == pytest.approx(1.0) for row in found.rows)


def test_of_many_classes_those_most_often_confused_are_shown():
    truth, predicted = made(100, n=6000)
    found = confusions(truth, predicted)
    errors = {
        label: int(((truth == label) != (predicted == label)).sum()) for label in np.unique(truth)
    }
    assert len(found.labels) == 20
    assert found.n_classes == len(found.classes) == 100
    least_shown = min(errors[label] for label in found.labels)
    assert all(errors[label] <= least_shown for label in set(errors) - set(found.labels))


def test_pairs_are_the_most_frequent_confusions():
    truth, predicted = made(9)
    found = confusions(truth, predicted)
    pairs = list(zip(truth, predicted, strict=True))
    counts = sorted((pairs.count(p) for p in set(pairs) if p[0] != p[1]), reverse=True)
    assert [pair.count for pair in found.pairs] == counts[: len(found.pairs)]
    for pair in found.pairs:
        assert pairs.count((pair.given, pair.predicted)) == pair.count
        assert pair.share == pytest.approx(pair.count / (truth == pair.given).sum())


def test_figures_of_each_class_are_those_of_scikit_learn():
    truth, predicted = made(5)
    found = confusions(truth, predicted).classes
    for name, metric in (
        ("precision", precision_score),
        ("recall", recall_score),
        ("f1", f1_score),
    ):
        expected = metric(truth, predicted, average=None)
        assert [getattr(one, name) for one in found] == pytest.approx(expected.tolist())


def test_a_class_that_could_not_be_learnt_has_its_row():
    found = confusions(np.array(["a", "new"]), np.array(["a", "a"]))
    assert found.labels == ("a", "new")
    assert [[cell.count for cell in row] for row in found.rows] == [[1, 0], [1, 0]]


def test_without_mistakes_there_are_no_pairs():
    assert confusions(np.array([1, 2]), np.array([1, 2])).pairs == ()
