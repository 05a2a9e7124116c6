import enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.core.text import TextInputError, check_texts

TEXTS = ["so much text", "", "naïve 文字 \ud800"]
PLAIN = ["so much text", "", "naïve 文字"]


class Rebel(str):
    """Overrides whatever reading a text could call, and fails if it is called."""

    def _refuse(self, *arguments):
        raise AssertionError("the subclass was asked")

    __str__ = __repr__ = __format__ = __len__ = __iter__ = __getitem__ = __eq__ = _refuse
    __ne__ = __bool__ = __contains__ = __add__ = __mod__ = lower = casefold = encode = _refuse
    strip = split = replace = _refuse
    __hash__ = str.__hash__


class Liar:
    """Claims to be a str."""

    __class__ = str


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


def test_a_subclass_of_str_has_no_say_in_what_is_read():
    answer = check_texts([Rebel("So much"), "text"])
    assert answer == ["So much", "text"]
    assert {type(text) for text in answer} == {str}


def test_an_object_that_only_claims_to_be_a_str_is_refused():
    with pytest.raises(TextInputError, match=r"^texts\[1\] is .*Liar.*; expected a str"):
        check_texts(["a", Liar()])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("so much text", r"texts is a single str, 'so much text'; .*Wrap it in a list: \[texts\]"),
        (b"bytes", "texts is a single bytes"),
        (None, "texts is None; expected an iterable of str"),
        (3, r"texts is 3 \(int\); expected an iterable of str"),
        ({"a", "b"}, r"texts is a set, which has no order.*sorted\(texts\)"),
        (frozenset("ab"), r"texts is a frozenset"),
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
