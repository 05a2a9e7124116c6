"""Labels: what is accepted keeps its type, what is not is named with its position."""

from __future__ import annotations

import datetime
import decimal
import enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.multiclass import type_of_target

from textrep.core.labels import LabelError, check_labels


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Rebel(str):
    """Fails when its own methods are called."""

    def __str__(self):
        raise AssertionError("the subclass was asked")

    __repr__ = __str__


def plain(labels: object) -> list[object]:
    return list(labels.to_pylist() if hasattr(labels, "to_pylist") else labels)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (["spam", "ham"], "<U4"),
        (("", "ham"), "<U3"),
        ([Colour.RED, Colour.BLUE], "<U4"),
        ([np.str_("a"), "b"], "<U1"),
        ((1, 0), "int64"),
        ([Size.SMALL, Size.LARGE], "int64"),
        ([2**63, 1], "uint64"),
        ([np.int8(3), np.int8(1)], "int8"),
        ([np.int8(3), 1], "int64"),
        ([True, False], "bool"),
        ([np.True_, False], "bool"),
        ([1.0, 4.0], "float64"),
        (np.array([3, 1], dtype=np.int8), "int8"),
        (np.array([3, 1], dtype=">i4"), ">i4"),
        (np.array([3.0, 1.0], dtype=np.float32), "float32"),
        (np.array(["a", "b"]), "<U1"),
        (np.array(["a", "b"], dtype=np.dtypes.StringDType()), "<U1"),
        (np.array(["a", "b"], dtype=object), "O"),
        (np.array([1, 2], dtype=object), "int64"),
        (np.array([True, False], dtype=object), "bool"),
        (pd.Series(["a", "b"]), "<U1"),
        (pd.Series(["a", "b"], dtype="category"), "<U1"),
        (pd.Series(["a", "b"], dtype="string"), "<U1"),
        (pd.Series(["a", "b"], dtype="string[pyarrow]"), "<U1"),
        (pd.Series([1, 2], dtype="Int64"), "int64"),
        (pd.Series([True, False], dtype="boolean"), "bool"),
        (pl.Series([1, 2]), "int64"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "<U1"),
        (pa.array(["a", "b"]), "<U1"),
        (pa.chunked_array([["a"], ["b"]]), "<U1"),
        (pa.array([True, False]), "bool"),
        (["a\0b", "a"], "<U3"),
        (["a" * 100_000, "b"], "O"),
    ],
)
def test_labels_keep_their_type(labels, dtype):
    array = check_labels(labels, 2)
    assert array.shape == (2,)
    assert array.dtype == np.dtype(dtype)
    assert array.tolist() == plain(labels)
    assert type_of_target(array) == "binary"


def test_labels_of_an_array_are_copied_in_their_own_dtype():
    labels = np.array([1, 2], dtype=np.uint8)
    array = check_labels(labels, 2)
    assert array.dtype == np.uint8
    assert not np.shares_memory(array, labels)


def test_a_mask_without_effect_is_no_part_of_the_labels():
    array = check_labels(np.ma.MaskedArray([1, 2], mask=False), 2)
    assert type(array) is np.ndarray


@pytest.mark.parametrize("column", [list, lambda items: np.array(items, dtype=object)])
def test_a_subclass_of_str_has_no_say_in_what_is_read(column):
    array = check_labels(column([Rebel("a"), Rebel("b")]), 2)
    assert [type(item) is str for item in array.tolist()] == [True, True]
    assert array.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], r"y has 1 items, but there are 2 texts"),
        ("ab", "y is a single str"),
        (b"ab", "y is a single bytes"),
        (None, "y is None"),
        ({"a": 1, "b": 2}, "y is a mapping"),
        ({"a", "b"}, "y is a set, which has no order"),
        ([1, None], r"y\[1\] is None, a missing value"),
        ([1.0, float("nan")], r"y\[1\] is nan, a missing value"),
        (np.array([1.0, np.nan]), r"y\[1\] is nan"),
        (np.array(["2026", "NaT"], dtype="M8[D]"), r"y\[0\] is .*2026.* \(numpy.datetime64\)"),
        (np.array([1, 2], dtype="m8[ns]"), r"y\[0\] is .*\(numpy.timedelta64\)"),
        ([np.timedelta64(1, "s"), np.timedelta64("NaT")], r"y\[0\] is .*timedelta64"),
        (np.ma.MaskedArray([1, 2], mask=[False, True]), r"y\[1\] is None, a missing value"),
        (pd.Series(["a", None]), r"y\[1\] is .*missing value"),
        (pd.Series(["a", None], dtype="category"), r"y\[1\] is nan, a missing value"),
        (pd.Series([1, None], dtype="Int64"), r"y\[1\] is <NA>, a missing value"),
        (pl.Series(["a", None]), r"y\[1\] is None, a missing value"),
        (pa.array([None, "a"]), r"y\[0\] is None, a missing value"),
        ([1, "a"], r"y mixes types: y\[0\] is 1 \(int\), y\[1\] is 'a' \(str\)"),
        ([1, 1.0], r"y mixes types: y\[0\] is 1 \(int\), y\[1\] is 1.0 \(float\)"),
        ([True, 1], r"y mixes types"),
        (np.array([1, "a"], dtype=object), "y mixes types"),
        (np.array([[1], [2]]), r"y is of shape \(2, 1\)"),
        (pd.DataFrame({"a": [1, 2]}), "y is a table"),
        (["a", b"b"], r"y\[1\] is b'b' \(bytes\); .*Decode it first"),
        (np.array([b"a", b"b"]), r"y\[0\] is b'a' \(bytes\)"),
        ([1.0, 0.5], r"y\[1\] is 0.5 \(float\), which is no class but a quantity"),
        (np.array([1, 0.5], dtype="f2"), r"y\[1\] is 0.5 \(float\), which is no class"),
        ([1.0, float("-inf")], r"y\[1\] is -inf \(float\), which is no class"),
        ([1.0, 1e300], r"y\[1\] is 1e\+300 \(float\), which is no class"),
        ([["a"], ["b"]], r"y\[0\] is \['a'\] \(list\); .*A text has one label"),
        ([("a", 1), ("b", 2)], r"y\[0\] is \('a', 1\) \(tuple\); .*A text has one label"),
        ([{"a": 1}, {"a": 2}], r"y\[0\] is .*\(dict\); .*A text has one label"),
        ([1j, 2j], r"y\[0\] is 1j \(complex\); expected a str, a bool or a whole number"),
        ([decimal.Decimal(1), decimal.Decimal(2)], r"y\[0\] is Decimal\('1'\)"),
        ([datetime.date(2026, 1, 1)] * 2, r"y\[0\] is datetime.date.* with str\(\)"),
        ([2**70, 1], r"y\[0\] is 1180591620717411303424, too large for an integer of 64 bits"),
        ([-1, 2**63], r"y\[1\] is 9223372036854775808, too large"),
        (["a", "a\0"], r"y\[1\] is 'a\\x00', which ends in a NUL; strip it"),
        ([object(), object()], r"y\[0\] is <object .*; expected a str, a bool or a whole number"),
    ],
)
def test_wrong_labels_are_named_with_position_and_fix(labels, message):
    with pytest.raises(LabelError, match=message) as error:
        check_labels(labels, 2, name="y")
    assert len(str(error.value)) < 300


@given(
    st.one_of(
        st.lists(st.text(max_size=5).filter(lambda text: text[-1:] != "\0"), min_size=1),
        st.lists(st.booleans(), min_size=1),
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
        st.lists(st.integers(0, 2**64 - 1), min_size=1),
    )
)
def test_labels_of_one_legitimate_type_pass_unchanged(labels):
    answer = check_labels(labels, len(labels)).tolist()
    assert answer == labels
    assert {type(label) for label in answer} == {type(label) for label in labels}
