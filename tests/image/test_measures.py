"""Measures of made pictures against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from sklearn.dummy import DummyClassifier

from textrep.image.measures import (
    density_coverage,
    frechet_distance,
    kernel_distance,
    measure_pictures,
    mode_counts,
    precision_recall,
    two_sample_accuracy,
)

RNG = np.random.default_rng(0)
A = RNG.normal(size=(40, 3))
B = RNG.normal(size=(50, 3)) @ np.diag([1.0, 2.0, 0.5]) + [0.5, 0.0, -1.0]


def test_frechet_is_that_of_two_normal_distributions():
    # Exactly N(m, s^2) by its first two moments: (m - n)^2 + (s - r)^2.
    first = np.array([[-1.0], [1.0]]) * np.sqrt(0.5) * 3.0 + 2.0
    second = np.array([[-1.0], [1.0]]) * np.sqrt(0.5) * 5.0 - 1.0
    assert frechet_distance(first, second) == pytest.approx(9.0 + 4.0)


def test_frechet_agrees_with_the_matrix_root_of_scipy():
    one, other = np.cov(A, rowvar=False), np.cov(B, rowvar=False)
    gap = A.mean(axis=0) - B.mean(axis=0)
    root = scipy.linalg.sqrtm(one @ other).real
    expected = gap @ gap + np.trace(one + other - 2 * root)
    assert frechet_distance(A, B) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(B, A) == pytest.approx(expected, rel=1e-8)


def test_frechet_of_a_singular_covariance_is_finite_and_that_of_a_set_to_itself_is_0():
    flat = np.concatenate([A, np.zeros((40, 2))], axis=1)
    assert frechet_distance(flat, flat) == pytest.approx(0.0, abs=1e-9)
    moved = flat + np.array([0, 0, 0, 0, 2.0])
    assert frechet_distance(flat, moved) == pytest.approx(4.0)


def test_kernel_distance_is_the_sum_over_pairs():
    def kernel(x, y):
        return (x @ y / 3 + 1) ** 3

    def mean_within(points):
        pairs = [(i, j) for i in range(len(points)) for j in range(len(points)) if i != j]
        return np.mean([kernel(points[i], points[j]) for i, j in pairs])

    across = np.mean([[kernel(x, y) for y in B] for x in A])
    expected = mean_within(A) + mean_within(B) - 2 * across
    assert kernel_distance(A, B) == pytest.approx(expected, rel=1e-10)


def test_kernel_distance_has_no_bias_between_sets_of_one_distribution():
    drawn = [kernel_distance(*RNG.normal(size=(2, 20, 2))) for _ in range(400)]
    assert abs(np.mean(drawn)) < 4 * np.std(drawn) / 20
    assert min(drawn) < 0


def kth_distances(points, k):
    table = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.sort(table, axis=1)[:, k]  # of which the first is that to itself


@pytest.mark.parametrize("k", [1, 3])
def test_precision_recall_density_and_coverage_agree_with_loops(k):
    radii, others = kth_distances(A, k), kth_distances(B, k)
    table = np.linalg.norm(A[:, None] - B[None], axis=2)
    inside = table <= radii[:, None]  # of each real one's ball, which made ones
    found = precision_recall(A, B, k=k)
    assert found.precision == pytest.approx(inside.any(axis=0).mean())
    assert found.recall == pytest.approx((table <= others[None]).any(axis=1).mean())
    dense = density_coverage(A, B, k=k)
    assert dense.density == pytest.approx(inside.sum() / (k * len(B)))
    assert dense.coverage == pytest.approx(inside.any(axis=1).mean())


def test_blocks_do_not_change_what_is_found(monkeypatch):
    whole = precision_recall(A, B), density_coverage(A, B), two_sample_accuracy(A, B[:40])
    kernel = kernel_distance(A, B)
    monkeypatch.setattr("textrep.image.measures.neighbours._BLOCK", 7)
    monkeypatch.setattr("textrep.image.measures.kernel._BLOCK", 7)
    assert (precision_recall(A, B), density_coverage(A, B), two_sample_accuracy(A, B[:40])) == whole
    assert kernel_distance(A, B) == pytest.approx(kernel, rel=1e-12)


def test_equal_sets_have_precision_and_recall_1_and_no_nearest_neighbour_of_their_own():
    assert precision_recall(A, A) == (1.0, 1.0)
    assert density_coverage(A, A).coverage == 1.0
    assert two_sample_accuracy(A, A) == 0.0


def test_one_class_only_has_precision_but_little_recall():
    real = np.concatenate([A, A + 100])
    assert precision_recall(real, A[:30] + 0.01).precision > 0.8
    assert precision_recall(real, A[:30] + 0.01).recall <= 0.5


def test_two_sample_accuracy_agrees_with_leaving_each_out():
    both, labels = np.concatenate([A, B[:40]]), np.repeat([0, 1], 40)
    table = np.linalg.norm(both[:, None] - both[None], axis=2) + np.diag(np.full(80, np.inf))
    expected = np.mean(labels[table.argmin(axis=1)] == labels)
    assert two_sample_accuracy(A, B[:40]) == pytest.approx(expected)


def test_classes_that_are_not_shown_are_counted_with_0():
    classifier = DummyClassifier().fit([[0], [1], [2]], ["b", "b", "c"])
    assert mode_counts(classifier, [[0]] * 4) == {"b": 4, "c": 0}
    objects = np.array(["b", "b", "c"], dtype=object)
    classifier = DummyClassifier().fit([[0], [1], [2]], objects)
    assert mode_counts(classifier, [[0]] * 4) == {"b": 4, "c": 0}


class Doubling:
    def transform(self, pictures):
        return 2 * np.asarray(pictures).reshape(len(pictures), -1)


def test_the_report_holds_what_the_measures_say_beside_the_floor():
    other = np.random.default_rng(1).normal(size=(40, 3))
    scores = measure_pictures(A, B[:40], features=Doubling(), floor=other)
    assert scores.n_pictures == 40
    assert scores.made.frechet == pytest.approx(frechet_distance(2 * A, 2 * B[:40]))
    assert scores.floor.kernel == pytest.approx(kernel_distance(2 * A, 2 * other))
    assert scores.floor.two_sample == two_sample_accuracy(A, other)
    assert "40 pictures each" in str(scores)
    assert len(scores.table()) == 7


def test_sets_of_several_sizes_are_cut_to_the_smallest_in_a_reproducible_draw():
    first, second = (measure_pictures(A, B, floor=B, random_state=3) for _ in range(2))
    assert first == second
    assert first.n_pictures == 40


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (A, B[:, :2], "3 and 2 columns"),
        (A, [1.0, 2.0], r"shape \(2,\)"),
        (A[:1], B, "a must have at least 2 rows, got 1"),
        (A, np.where(np.arange(50)[:, None] == 4, np.nan, B), r"b\[4\]"),
        (A, "features", "table of numbers"),
    ],
)
def test_what_is_no_table_of_features_is_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, b)


def test_too_few_neighbours_and_unequal_sets_are_refused():
    with pytest.raises(ValueError, match="at least 4 rows"):
        precision_recall(A[:3], B)
    with pytest.raises(ValueError, match="k must be"):
        density_coverage(A, B, k=0)
    with pytest.raises(ValueError, match="40 and 50"):
        two_sample_accuracy(A, B)
    with pytest.raises(ValueError, match="at least 8"):
        measure_pictures(A[:5], B, floor=B)
