"""Which column is which."""

from __future__ import annotations

from pathlib import Path

import pytest

from textrep.data import DataError
from textrep.data.readers.columns import Columns, choose_columns
from textrep.data.readers.table import Row


def choose(*cells: list[str], **options) -> Columns:
    sample = [Row(line, list(row)) for line, row in enumerate(cells, start=1)]
    return choose_columns(sample, Path("t.csv"), **options)


HEADED = (["id", "Text ", "label"], ["1", "so much", "a"], ["2", "so little", "b"])
TWINS = (["text", "text", "label"], ["1", "so much", "a"], ["2", "so little", "b"])
PAIRS = (["ham", "hello"], ["spam", "win"], ["ham", "bye"], ["spam", "prize"])


def test_usual_headers_are_found_whatever_their_case():
    assert choose(*HEADED) == Columns(1, 2, ("id", "Text", "label"))


def test_columns_are_taken_by_name_and_by_position():
    rows = (["v1", "v2", ""], ["ham", "hello", ""])
    assert choose(*rows, text="v2", label="v1")[:2] == (1, 0)
    assert choose(*PAIRS, text=1, label=0) == Columns(1, 0, None)
    assert choose(*PAIRS, text="1", label="0") == Columns(1, 0, None)


def test_of_two_columns_of_one_name_the_position_tells_which():
    assert choose(*TWINS, text=1)[:2] == (1, 2)
    assert choose(*TWINS, text="0")[:2] == (0, 2)
    # A twin that nobody asked for does no harm.
    assert choose(["", "", "text", "label"], ["", "", "so much", "a"])[:2] == (2, 3)


def test_labels_can_be_left_out():
    assert choose(*HEADED, label=False) == Columns(1, None, ("id", "Text", "label"))
    assert choose(*PAIRS, label=False) == Columns(1, None, None)
    assert choose(*PAIRS, label=False, text=0) == Columns(0, None, None)


def test_one_column_of_texts_needs_no_labels():
    assert choose(["text"], ["so much"]) == Columns(0, None, ("text",))
    assert choose(["so much"], ["so little"], text=0) == Columns(0, None, None)
    assert choose(["Satz"], ["so much"], text="Satz") == Columns(0, None, ("Satz",))
    assert choose(["so much"], label=False) == Columns(0, None, None)


def test_several_columns_of_texts_are_kept_in_the_order_asked_for():
    rows = (["id", "premise", "hypothesis", "label"], ["1", "a", "b", "x"])
    assert choose(*rows, text=["hypothesis", "premise"]) == Columns(2, 3, tuple(rows[0]), (1,))
    assert choose(*rows, text=[1, "2"], label=3, header=True).more == (2,)


def test_the_column_0_is_no_false():
    assert choose(*PAIRS, label=0) == Columns(1, 0, None)


@pytest.mark.parametrize("options", [{"text": "nope"}, {"text": 7}, {"label": "b"}])
def test_a_header_below_blank_lines_is_named_with_its_own_line(options):
    rows = [Row(3, ["text", "b", "b"]), Row(4, ["so much", "x", "y"])]
    with pytest.raises(DataError, match=r"t\.csv, line 3"):
        choose_columns(rows, Path("t.csv"), **options)


def test_messages_stay_short_in_a_wide_table():
    with pytest.raises(DataError, match="and 4980 more") as error:
        choose([f"column {i}" for i in range(5000)], text="nope")
    assert len(str(error.value)) < 600


def test_two_columns_without_a_header_are_told_apart_by_repetition():
    assert choose(*PAIRS) == Columns(1, 0, None)
    assert choose(*(row[::-1] for row in PAIRS)) == Columns(0, 1, None)


def test_a_header_of_unusual_words_is_seen_where_labels_repeat():
    assert choose(["Klasse", "Satz"], *PAIRS).header == ("Klasse", "Satz")
    assert choose(["rare", "Satz"], *PAIRS, ["odd", "one"]).header is None


def test_in_two_columns_one_name_tells_the_other():
    assert choose(["a", "b"], *PAIRS, text="b")[:2] == (1, 0)
    assert choose(["a", "b"], *PAIRS, label="a")[:2] == (1, 0)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (HEADED, {"text": "body"}, "t.csv, line 1: text='body': no such column; .* 'id', 'Text'"),
        (HEADED, {"label": 3}, "label=3: the table has columns 0 to 2"),
        (HEADED, {"text": "label"}, "nothing tells which column is the label"),
        (HEADED, {"text": "label", "label": 2}, "text and label are both column 'label'"),
        ((["a", "b", "c"],), {}, "the text and the label; say it with .*--text.* 'a', 'b', 'c'"),
        (TWINS, {"text": "text"}, "columns 0, 1 have the header 'text'; .* text=0 or text=1"),
        (TWINS, {}, "columns 0, 1 have the header 'text'; say which is meant by its position"),
        (TWINS, {"label": "label"}, "columns 0, 1 have the header 'text'"),
        ((["Text", "text ", "y"],), {}, "columns 0, 1 have the header 'text'; .*--text"),
        ((["text", "y", "Y"],), {"text": "text"}, "columns 1, 2 have the header 'y'; .*--label"),
        ((["a", "a"], *PAIRS), {"label": "a"}, "columns 0, 1 have the header 'a'"),
        ((["", "text", "y"],), {"text": ""}, "text='': empty; give the header"),
        ((["", "", "text"],), {}, "nothing tells which column is the label"),
        (HEADED, {"text": True}, "text=True: expected the header of a column or its position"),
        (HEADED, {"label": 1.0}, "label=1.0: expected the header"),
        (HEADED, {"label": b"label"}, "label=b'label': expected the header"),
        (HEADED, {"label": "9" * 5000}, "label='9999.*: no such column"),
        (HEADED, {"label": "-1"}, "label='-1': no such column"),
        (HEADED, {"label": "label", "text": "label"}, "text and label are both column 'label'"),
        ((["only"],), {}, "one column only; .* text=0 reads it as texts without labels"),
        ((["only"],), {"text": 0, "label": 1}, "one column only"),
        (HEADED, {"text": []}, r"text=\[\]: expected at least one column"),
        (HEADED, {"text": ["Text", None]}, "None is no column"),
        (HEADED, {"text": ["id", "body"]}, "text='body': no such column"),
        (HEADED, {"text": ["id", "label"], "label": 2}, "text and label are both column"),
        (HEADED, {"label": True}, "label=True: expected the header"),
        ((["a", "b", "c"],), {"label": False}, "nothing tells which column is the text; say it"),
        ((["a", "b"], *PAIRS), {"label": False, "text": "c"}, "text='c': no such column"),
        ((["aa", "bb"],), {}, "nothing tells the column of texts from that of labels"),
    ],
)
def test_errors_say_what_the_table_has(rows, options, message):
    with pytest.raises(DataError, match=message):
        choose(*rows, **options)


@pytest.mark.parametrize("text", [["text", "text"], ["text", 0], [0, "0"]])
def test_a_column_of_texts_is_not_read_twice(text):
    with pytest.raises(DataError, match=r"t\.csv, line 1: text=.*: a column is named twice"):
        choose(["text", "label"], ["so much", "a"], text=text)


def test_the_column_that_is_text_and_label_is_the_one_named():
    rows = (["a", "b", "kind"], ["so much", "so little", "x"])
    with pytest.raises(DataError, match="text and label are both column 'b'"):
        choose(*rows, text=["a", "b"], label="b")
