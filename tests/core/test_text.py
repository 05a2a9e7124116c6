import datetime
import enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.core.text import LabelError, TextInputError, check_labels, check_texts

TEXTS = ["so much text", "", "naïve 文字 \ud800"]
PLAIN = ["so much text", "", "naïve 文字"]


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        iter,
        lambda texts: (text for text in texts),
        lambda texts: dict.fromkeys(texts).keys(),
        np.array,
        lambda texts: np.array(texts, dtype=object),
        pd.Series,
        lambda texts: pd.Series(texts, dtype="string"),
        lambda texts: pd.Series(texts, index=[9, 9, 1]),
        lambda texts: pd.Series(texts, dtype="category"),
        pd.Index,
        pl.Series,
        lambda texts: pl.Series(texts, dtype=pl.Categorical),
        pa.array,
        lambda texts: pa.array(texts, pa.large_string()),
        lambda texts: pa.chunked_array([texts[:1], texts[1:]]),
        lambda texts: pa.array(texts).dictionary_encode(),
    ],
)
def test_every_kind_of_column_is_read(make):
    answer = check_texts(make(PLAIN))
    assert answer == PLAIN
    assert all(type(text) is str for text in answer)


def test_the_answer_is_a_new_list():
    texts = list(PLAIN)
    assert check_texts(texts) is not texts


def test_subclasses_of_str_become_str():
    answer = check_texts([np.str_("a"), Colour.RED, "b"])
    assert answer == ["a", "red", "b"]
    assert {type(text) for text in answer} == {str}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("so much text", r"texts is a single str, 'so much text'; .*Wrap it in a list: \[texts\]"),
        (b"bytes", "texts is a single bytes"),
        (None, "texts is None; expected an iterable of str"),
        (3, r"texts is 3 \(int\); expected an iterable of str"),
        ({"a": "b"}, r"texts is a mapping \(dict\).*list\(texts.values\(\)\)"),
        (np.array([["a"]]), r"texts is of shape \(1, 1\) \(numpy.ndarray\).*Select a column"),
        (np.array("a"), r"texts is of shape \(\)"),
        (pd.DataFrame({"a": ["b"]}), r"texts is a table \(pandas.*DataFrame\)"),
        (pl.DataFrame({"a": ["b"]}), r"texts is a table \(polars.*DataFrame\)"),
        (pl.LazyFrame({"a": ["b"]}), r"texts is a table \(polars.*LazyFrame\)"),
        (pa.table({"a": ["b"]}), r"texts is a table \(pyarrow.*Table\)"),
        (["a", None], r"texts\[1\] is None, a missing value.*put ''"),
        (["a", float("nan")], r"texts\[1\] is nan, a missing value"),
        (pd.Series(["a", None], dtype="string"), r"texts\[1\] is .*missing value"),
        (pd.Series(["a", pd.NaT], dtype=object), r"texts\[1\] is NaT, a missing value"),
        (pl.Series(["a", None]), r"texts\[1\] is None"),
        (pa.array([None, "a"]), r"texts\[0\] is None"),
        (["a", b"b"], r"texts\[1\] is b'b' \(bytes\); expected a str. Decode"),
        (["a", 3], r"texts\[1\] is 3 \(int\); expected a str. Convert"),
        ([["a", "b"]], r"texts\[0\] is \['a', 'b'\] \(list\); expected a str. Join tokens"),
        ([], "texts is empty; expected at least one str"),
    ],
)
def test_what_is_not_text_is_named_with_position_and_fix(texts, message):
    with pytest.raises(TextInputError, match=message):
        check_texts(texts)


def test_messages_use_the_name_of_the_argument_and_stay_short():
    with pytest.raises(TextInputError, match=r"^X\[1\] is ") as error:
        check_texts(["a", [["long"] * 10] * 10_000], name="X")
    assert len(str(error.value)) < 400
    with pytest.raises(TextInputError) as error:
        check_texts("long " * 10_000)
    assert len(str(error.value)) < 200


def test_no_texts_can_be_allowed():
    assert check_texts([], allow_empty=True) == []


def test_an_error_inside_a_generator_is_its_own():
    def broken():
        yield "a"
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        check_texts(broken())


@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=1))
def test_any_list_of_str_passes_unchanged(texts):
    assert check_texts(texts) == texts


@given(
    st.lists(st.text(), min_size=1),
    st.integers(min_value=0),
    st.one_of(st.none(), st.integers(), st.floats(), st.binary(), st.tuples(st.text())),
)
def test_one_wrong_item_is_found_at_its_position(texts, position, wrong):
    position %= len(texts)
    texts[position] = wrong
    with pytest.raises(TextInputError, match=rf"^texts\[{position}\] is "):
        check_texts(texts)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["spam", "ham"], "U"),
        ((1, 0), "i"),
        ([True, False], "b"),
        ([0.5, 4], "f"),
        (np.array([3, 1], dtype=np.int8), "i"),
        (np.array(["a", "b"], dtype=object), "O"),
        (pd.Series(["a", "b"], dtype="category"), "U"),
        (pl.Series([1, 2]), "i"),
        (pa.array(["a", "b"]), "U"),
        ([("a", 1), ("b", 2)], "O"),
        ([datetime.date(2026, 1, 1), datetime.date(2025, 1, 1)], "O"),
        (["a\0", "a"], "O"),
        ([2**70, 1], "O"),
    ],
)
def test_labels_keep_their_type(labels, kind):
    array = check_labels(labels, 2)
    assert array.shape == (2,)
    assert array.dtype.kind == kind
    assert list(array) == list(labels.to_pylist() if hasattr(labels, "to_pylist") else labels)


def test_labels_of_an_array_are_copied_in_their_own_dtype():
    labels = np.array([1, 2], dtype=np.uint8)
    array = check_labels(labels, 2)
    assert array.dtype == np.uint8
    assert not np.shares_memory(array, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], r"y has 1 items, but there are 2 texts"),
        ("ab", "y is a single str"),
        (None, "y is None"),
        ([1, None], r"y\[1\] is None, a missing value"),
        ([1.0, float("nan")], r"y\[1\] is nan, a missing value"),
        (np.array([1.0, np.nan]), r"y\[1\] is nan"),
        (np.array(["2026", "NaT"], dtype="M8[D]"), r"y\[1\] is None"),
        (pd.Series(["a", None]), r"y\[1\] is .*missing value"),
        ([1, "a"], r"y mixes types: y\[0\] is 1 \(int\), y\[1\] is 'a' \(str\)"),
        ([True, 1], r"y mixes types"),
        (np.array([1, "a"], dtype=object), "y mixes types"),
        (np.array([[1], [2]]), r"y is of shape \(2, 1\)"),
    ],
)
def test_wrong_labels_are_named_with_position(labels, message):
    with pytest.raises(LabelError, match=message):
        check_labels(labels, 2, name="y")
