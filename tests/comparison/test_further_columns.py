"""Numbers and categories beside the texts: what is read, and what is refused."""

from __future__ import annotations

import contextlib
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.comparison.columns import (
    categorical_column,
    check_apart,
    columns_of,
    numeric_column,
)
from textrep.comparison.errors import ComparisonError
from textrep.data import Corpus

SHOP = Corpus(
    "shop",
    ["a pen", "blue ink"],
    ["x", "y"],
    columns={"price": ["1.5", ""], "kind": ["tool", "supply"], "text": ["a", "b"]},
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((" 4.5 ", 4.5), ("1e3", 1000.0), ("-0", 0.0), (True, 1.0), (np.int8(3), 3.0)),
        *((Decimal("2.5"), 2.5), (np.bool_(False), 0.0), (2**70, 2.0**70)),
    ],
)
def test_whatever_says_a_number_is_one(value, number):
    assert numeric_column("price", [value]).tolist() == [number]


@pytest.mark.parametrize(
    "value", ["", "  ", "NA", "n/a", "nan", "NULL", "None", None, math.nan, pd.NA, pd.NaT]
)
def test_what_tables_write_for_nothing_is_a_missing_value(value):
    assert np.isnan(numeric_column("price", [value, 1])).tolist() == [True, False]
    assert len(categorical_column("kind", [value, "x"])) == 2


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        *(("cheap", "is no number"), ("1_000", "is no number"), ("3,5", "is no number")),
        *((3j, "is no number"), ([3], "is no number"), (b"3", "is no number")),
        *(("inf", "is infinite"), (-math.inf, "is infinite"), (10**400, "too large")),
        *(("1e999", "too large"), (pd.Timestamp(0), "is no number")),
    ],
)
def test_what_is_no_number_is_refused_with_its_row(value, fault):
    with pytest.raises(ComparisonError, match=rf"^numeric column 'price': row 2 is .*{fault}"):
        numeric_column("price", [1, value])
    with pytest.raises(ComparisonError, match=r"row 2 of the sale is .*--categorical"):
        numeric_column("price", [1, value], part=" of the sale")


@given(st.lists(st.floats(allow_infinity=False) | st.integers(-(2**53), 2**53)))
def test_numbers_and_their_text_are_the_same_column(numbers):
    expected = np.array(numbers, dtype=np.float64)
    np.testing.assert_array_equal(numeric_column("price", numbers), expected)
    np.testing.assert_array_equal(numeric_column("price", list(map(repr, numbers))), expected)


@given(st.lists(st.text() | st.none() | st.integers() | st.booleans() | st.floats()))
def test_any_cells_are_finite_numbers_or_an_error_and_always_categories(cells):
    with contextlib.suppress(ComparisonError):
        assert not np.isinf(numeric_column("price", cells)).any()
    assert all(type(kind) is str for kind in categorical_column("kind", cells))


def test_categories_are_text_whatever_type_they_had():
    values = ["S", " M ", True, 40, 40.0, 0.5, None, np.nan, ""]
    categories = categorical_column("size", values).tolist()
    assert categories == ["S", "M", "True", "40", "40", "0.5", "", "", ""]


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, b"x"])
def test_a_category_of_parts_is_refused_with_its_row(value):
    with pytest.raises(ComparisonError, match=r"categorical column 'kind': row 2 is "):
        categorical_column("kind", ["x", value])


def test_columns_of_a_corpus_are_taken_by_name():
    numbers = columns_of(SHOP, ["price"], 2, "numeric")
    np.testing.assert_array_equal(numbers["price"], [1.5, np.nan])
    assert columns_of(SHOP, ("kind",), 2, "categorical")["kind"].tolist() == ["tool", "supply"]
    assert columns_of(SHOP, None, 2, "numeric") == {}


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame])
def test_columns_beside_plain_texts_come_in_any_table(frame):
    given_columns = frame({"price": [1.5, 2.5], "weight": [3, 4]})
    columns = columns_of(None, given_columns, 2, "test_numeric")
    assert {name: values.tolist() for name, values in columns.items()} == {
        "price": [1.5, 2.5],
        "weight": [3.0, 4.0],
    }


@pytest.mark.parametrize(
    ("corpus", "given_columns", "role", "message"),
    [
        (SHOP, ["cost"], "numeric", "numeric: corpus 'shop' has no column 'cost'.*'price'"),
        (SHOP, "price", "numeric", "numeric is 'price'; expected a list of names"),
        (SHOP, ["kind", "kind"], "categorical", "name 'kind' is there twice"),
        (SHOP, ["text"], "categorical", "the name 'text' is what the texts are called"),
        (SHOP, ["kind"], "numeric", "'kind': row 1 is 'tool', which is no number"),
        (None, {"price": [1]}, "numeric", "column 'price' has 1 values, but there are 2 texts"),
        (None, {"price": [None, ""]}, "numeric", "all values of column 'price' are missing"),
        (None, {3: [1, 2]}, "numeric", "a column is called 3; expected a str"),
        (None, [1, 2], "numeric", "expected columns by their names"),
        (None, {"price": 3}, "test_numeric", "numeric column 'price' is 3"),
        (
            None,
            pd.DataFrame([[1, 2], [3, 4]], columns=["price", "price"]),
            "numeric",
            "the name 'price' is there twice; rename one",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "_",
)
def test_what_cannot_be_a_column_is_refused(corpus, given_columns, role, message):
    with pytest.raises(ComparisonError, match=message):
        columns_of(corpus, given_columns, 2, role)


def test_a_column_is_either_numeric_or_categorical():
    check_apart(["price"], ["kind"])
    with pytest.raises(ComparisonError, match="column 'price' is given as both; choose one"):
        check_apart(["weight", "price"], ["kind", "price"])


def test_a_fault_in_the_test_part_is_said_to_be_there():
    with pytest.raises(ComparisonError, match=r"'price': row 2 of the test part is 'x', which is"):
        columns_of(None, {"price": ["1", "x"]}, 2, "test_numeric")
