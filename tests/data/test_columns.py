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
PAIRS = (["ham", "hello"], ["spam", "win"], ["ham", "bye"], ["spam", "prize"])


def test_usual_headers_are_found_whatever_their_case():
    assert choose(*HEADED) == Columns(1, 2, ("id", "Text", "label"))


def test_columns_are_taken_by_name_and_by_position():
    rows = (["v1", "v2", ""], ["ham", "hello", ""])
    assert choose(*rows, text="v2", label="v1")[:2] == (1, 0)
    assert choose(*PAIRS, text=1, label=0) == Columns(1, 0, None)
    assert choose(*PAIRS, text="1", label="0") == Columns(1, 0, None)


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
        ((["text", "text", "label"],), {"text": "text"}, "2 columns have that header"),
        ((["only"],), {}, "one column only"),
        ((["aa", "bb"],), {}, "nothing tells the column of texts from that of labels"),
    ],
)
def test_errors_say_what_the_table_has(rows, options, message):
    with pytest.raises(DataError, match=message):
        choose(*rows, **options)
