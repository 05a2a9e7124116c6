"""Numbers as features of 0 or 1: which range of their column they lie in."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import KBinsDiscretizer

import textrep
from textrep import QuantileBins

TABLES = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.integers(1, 3)),
    elements=st.sampled_from([0.0, 1.0, 2.5, -3.0, 1e12, np.nan]) | st.floats(-1e6, 1e6),
)


def test_ranges_of_different_numbers_are_those_of_scikit_learn():
    values = np.random.default_rng(0).normal(size=(1000, 2))
    theirs = KBinsDiscretizer(5, encode="onehot-dense", quantile_method="inverted_cdf")
    expected = theirs.fit_transform(values)
    answer = QuantileBins(n_bins=5).fit_transform(values).toarray()
    # One edge may lie at the next number.
    assert answer.shape == expected.shape
    assert (answer != expected).any(axis=1).sum() <= 2 * 4


def test_an_outlier_and_the_unit_change_nothing():
    values = np.arange(100.0)[:, None]
    answer = QuantileBins().fit_transform(values).toarray()
    np.testing.assert_array_equal(QuantileBins().fit_transform(values * 1e-9).toarray(), answer)
    values[-1] = 1e12
    np.testing.assert_array_equal(QuantileBins().fit_transform(values).toarray(), answer)


def test_a_frequent_value_has_a_range_to_itself():
    values = np.array([0.0] * 95 + [1.0] * 5)[:, None]
    bins = QuantileBins().fit(values)
    assert bins.transform([[0], [1]]).toarray().tolist() == [[1, 0], [0, 1]]
    middle = np.array([-1.0, -2.0] + [0.0] * 96 + [3.0, 4.0])[:, None]
    names = QuantileBins().fit(middle).get_feature_names_out(["x"]).tolist()
    assert names == ["x<0", "0<=x<3", "x>=3"]


def test_a_missing_value_is_a_feature_where_some_were_missing():
    bins = QuantileBins(n_bins=2).fit([[1, 5], [2, 6], [np.nan, 7], [3, 8]])
    assert bins.get_feature_names_out(["a", "b"]).tolist() == [
        *("a<2", "a>=2", "a missing"),
        *("b<7", "b>=7"),
    ]
    answer = bins.transform([[np.nan, np.nan], [2, 0]]).toarray()
    assert answer.tolist() == [[0, 0, 1, 0, 0], [0, 1, 0, 1, 0]]


def test_a_column_that_never_changes_is_a_feature_that_says_nothing():
    bins = QuantileBins().fit([[7, np.nan], [7, np.nan]])
    assert bins.transform([[7, 1], [8, np.nan]]).toarray().tolist() == [[0, 0], [0, 0]]
    assert bins.get_feature_names_out(["a", "b"]).tolist() == ["a constant", "b constant"]


def test_a_number_that_is_there_or_missing_is_one_feature():
    bins = QuantileBins().fit([[7], [np.nan], [7]])
    assert bins.get_feature_names_out(["a"]).tolist() == ["a missing"]
    assert bins.transform([[np.nan], [7], [8]]).toarray().tolist() == [[1], [0], [0]]


def test_edges_that_look_alike_in_few_digits_are_written_out():
    bins = QuantileBins(n_bins=3).fit([[1.0], [1.00000001], [1.00000002]])
    names = bins.get_feature_names_out(["a"]).tolist()
    assert names == ["a<1.00000001", "1.00000001<=a<1.00000002", "a>=1.00000002"]


@given(TABLES)
def test_each_value_is_in_the_one_range_that_its_name_tells(table):
    bins = QuantileBins(n_bins=4).fit(table)
    answer = bins.transform(table)
    assert answer.shape == (len(table), len(bins.get_feature_names_out()))
    start = 0
    for column, edges, missing in zip(table.T, bins.edges_, bins.has_missing_, strict=True):
        width = max(1, (len(edges) + 1 if len(edges) else 0) + missing)
        own = answer[:, start : start + width].toarray()
        for value, row in zip(column, own, strict=True):
            expected = [-np.inf, *edges, np.inf] if len(edges) else []
            hits = [low <= value < high for low, high in itertools.pairwise(expected)]
            told = [*hits, *([np.isnan(value)] if missing else [])]
            assert row.tolist() == (told or [0])
        assert len(edges) == 0 or own.any(axis=0).all()
        start += width
    assert start == answer.shape[1]


@given(TABLES)
def test_objects_sparse_matrices_and_floats_are_read_alike(table):
    expected = QuantileBins().fit_transform(table).toarray()
    for given_table in (table.astype(object), sp.csr_matrix(table), table.tolist()):
        np.testing.assert_array_equal(QuantileBins().fit_transform(given_table).toarray(), expected)


def test_infinite_numbers_and_other_widths_are_refused():
    with pytest.raises(ValueError, match="infinity"):
        QuantileBins().fit([[np.inf], [1.0]])
    with pytest.raises(ValueError, match="2 features, but QuantileBins is expecting 1"):
        QuantileBins().fit([[1.0], [2.0]]).transform([[1.0, 2.0]])
    with pytest.raises(ValueError, match="n_bins"):
        QuantileBins(n_bins=1).fit([[1.0], [2.0]])


@pytest.mark.parametrize(
    "state",
    [
        {"edges_": [np.array([2.0, 1.0])]},
        {"edges_": [np.array([np.nan])]},
        {"edges_": [np.array([1])]},
        {"edges_": 3},
        {"has_missing_": np.array([True, False])},
        {"n_features_in_": 5},
    ],
    ids=str,
)
def test_a_file_that_holds_a_state_without_sense_is_refused(state):
    sound = QuantileBins().fit([[1.0], [2.0]])._get_state()
    QuantileBins()._set_state(sound)
    with pytest.raises(textrep.PersistError, match="do not fit together"):
        QuantileBins()._set_state(sound | state)
