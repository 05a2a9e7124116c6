"""Bodies of requests: whatever comes, it is checked texts or one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.serving import Limits, RequestError, ServingError
from textrep.serving.asking import read_request

LIMITS = Limits(max_texts=3, max_characters=10, max_bytes=1000)
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def refused(body: bytes | str | object, **options) -> RequestError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as caught:
        read_request(raw, LIMITS, **options)
    return caught.value


@given(texts=st.lists(TEXT, min_size=1, max_size=3), escaped=st.booleans())
def test_texts_come_through_as_they_are(texts, escaped):
    body = json.dumps({"texts": texts}, ensure_ascii=escaped).encode()
    assert read_request(body, LIMITS).texts == texts
    body = json.dumps({"text": texts[0]}, ensure_ascii=escaped).encode()
    assert read_request(body, LIMITS).texts == texts[:1]


@given(body=st.binary())
def test_any_bytes_are_refused_with_one_line(body):
    error = refused(body)
    assert error.status in {400, 422}
    assert "\n" not in str(error)


@given(value=JSON)
def test_any_json_is_read_or_refused_with_one_line(value):
    for asked in (value, {"texts": value}, {"text": value}, {"text": "a", "columns": value}):
        error = fault_of(json.dumps(asked).encode())
        if error is not None:
            assert error.status in {400, 413, 422}
            assert "\n" not in str(error)


def fault_of(body: bytes) -> RequestError | None:
    try:
        read_request(body, LIMITS, columns=("price",))
    except RequestError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "the body is empty"),
        (b"{", 400, "line 1, column 2"),
        (b'{"text": "\xff"}', 400, "byte 0xff at position 10"),
        (b'{"text": NaN}', 400, "NaN is no number of JSON"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b"1" * 5000, 400, "not JSON"),
        (["a"], 422, "the body is a list; expected an object"),
        ({}, 422, "neither of text and texts"),
        ({"text": "a", "texts": ["b"]}, 422, "both of text and texts"),
        ({"txt": "a"}, 422, "no field 'txt'; there are text, texts"),
        ({"texts": "a"}, 422, "texts is a string; expected a list"),
        ({"texts": []}, 422, "texts is empty"),
        ({"texts": ["a", None]}, 422, "texts[1] is null; expected a string"),
        ({"texts": ["a", ["b"]]}, 422, "texts[1] is a list"),
        ({"text": 3}, 422, "text is a number"),
        ({"text": True}, 422, "text is true or false"),
        ({"texts": ["a"] * 4}, 413, "4 texts; the limit is 3"),
        ({"texts": ["a", "b" * 11]}, 413, "texts[1] has 11 characters; the limit is 10"),
        ({"texts": ["a", "b\ud800"]}, 422, "texts[1] holds half a surrogate pair at character 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(body, status, message):
    error = refused(body)
    assert error.status == status
    assert message in str(error)


def test_a_whole_pair_of_surrogates_is_one_character():
    assert read_request(b'{"text": "\\ud83d\\ude00"}', LIMITS).texts == ["\U0001f600"]


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None, 11])
def test_a_number_is_whole_and_within_its_limit(value):
    body = {"text": "a", "top": value}
    assert refused(body, numbers={"top": 10}).status == 422
    assert read_request(b'{"text": "a", "top": 10}', LIMITS, numbers={"top": 10}).numbers == {
        "top": 10
    }


def test_columns_hold_a_value_for_each_text():
    body = json.dumps({"texts": ["a", "b"], "columns": {"price": [1, None], "kind": ["x", "y"]}})
    asked = read_request(body.encode(), LIMITS, columns=("price", "kind"))
    assert asked.columns == {"price": [1, None], "kind": ["x", "y"]}
    alone = read_request(b'{"text": "a", "columns": {"price": 1}}', LIMITS, columns=("price",))
    assert alone.columns == {"price": [1]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "column 'price' is missing"),
        ({"price": [1], "size": [2]}, "no column 'size'; it knows 'price'"),
        ({"price": [1, 2]}, "column 'price' has 2 values for 1 texts"),
        ({"price": 1}, "column 'price' is a number; expected a list"),
        ({"price": [[1]]}, "column 'price': value 0 is a list"),
        ([], "columns is a list"),
    ],
)
def test_columns_that_do_not_fit_are_named(columns, message):
    error = refused({"texts": ["a"], "columns": columns}, columns=("price",))
    assert error.status == 422
    assert message in str(error)


def test_columns_of_a_model_without_any_are_refused():
    assert "no field 'columns'" in str(refused({"text": "a", "columns": {"price": 1}}))


@pytest.mark.parametrize("value", [0, -1, 1.0, True])
def test_a_limit_is_a_whole_number_above_zero(value):
    with pytest.raises(ServingError, match="max_texts is"):
        Limits(max_texts=value)
