"""Columns of a table beside its texts and labels."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from textrep.data import Corpus, DataError, load_corpus, stream_corpus

CSV = "price,text,label,kind\n3,so much,a,x\n,so little,b, y \n"
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Makes a named corpus of what is in a file of the data folder."""

    def make(reader: str, path: str, options: str = "") -> str:
        monkeypatch.setenv("TEXTREP_DATA", str(tmp_path))
        monkeypatch.setattr("textrep.data.cards.corpora_dir", lambda: tmp_path)
        facts = "".join(f'{key} = "-"\n' for key in ("title", "task", "licence", "homepage"))
        (tmp_path / "shop.toml").write_text(
            f'name = "shop"\n{facts}citation = ""\nreader = "{reader}"\n'
            f'[[files]]\npath = "{path}"\n[options]\n{options}\n'
        )
        return "shop"

    return make


def jsonl(*objects: dict) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def test_without_being_asked_for_no_column_is_kept(write):
    assert load_corpus(write("a.csv", CSV)).columns == {}
    assert load_corpus(write("a.csv", CSV), columns=[]).columns == {}


def test_all_columns_besides_text_and_label_are_kept_as_they_stand(write):
    corpus = load_corpus(write("a.csv", CSV), columns=True)
    assert corpus.columns == {"price": ["3", ""], "kind": ["x", " y "]}
    assert list(corpus.columns) == ["price", "kind"]
    assert (corpus.texts, corpus.labels) == (["so much", "so little"], ["a", "b"])


def test_columns_come_in_the_order_asked_for_by_header_or_position(write):
    corpus = load_corpus(write("a.csv", CSV), columns=["kind", 0])
    assert list(corpus.columns.items()) == [("kind", ["x", " y "]), ("price", ["3", ""])]
    assert list(load_corpus(write("a.csv", CSV), columns=("3",)).columns) == ["kind"]


def test_a_column_without_a_header_of_its_own_is_called_by_its_position(write):
    rows = "7\thello\tham\n8\twin\tspam\n9\tbye\tham\n10\tprize\tspam\n"
    corpus = load_corpus(write("a.tsv", rows), text=1, label=2, columns=True)
    assert corpus.columns == {"0": ["7", "8", "9", "10"]}
    twins = load_corpus(write("b.csv", "x,x,,5,text,label\n1,2,3,4,hello,ham\n"), columns=True)
    assert twins.columns == {"0": ["1"], "1": ["2"], "2": ["3"], "3": ["4"]}


def test_a_column_asked_for_by_name_makes_the_first_row_a_header(write):
    path = write("a.csv", "v1,v2,v3\nham,hello,3\nspam,win,4\n")
    corpus = load_corpus(path, text=1, label=0, columns=["v3"])
    assert (corpus.texts, corpus.columns) == (["hello", "win"], {"v3": ["3", "4"]})


def test_a_text_file_of_which_columns_are_named_is_a_table(write):
    path = write("a.txt", "text\tprice\nso much\t3\n")
    assert load_corpus(path, label=False, columns=["price"]).columns == {"price": ["3"]}


def test_keys_that_an_object_lacks_are_none_and_types_are_kept(write):
    path = write(
        "a.jsonl",
        jsonl(
            {"text": "so much", "label": "a", "price": 3, "new": True},
            {"text": "so little", "label": "b", "price": 4.5, "kind": None},
        ),
    )
    corpus = load_corpus(path, columns=True)
    assert corpus.columns == {"price": [3, 4.5], "new": [True, None], "kind": [None, None]}
    assert list(map(type, corpus.columns["price"])) == [int, float]


def test_parquet_gives_its_own_types_and_dates_as_text(tmp_path):
    table = {
        "text": ["so much", "so little"],
        "label": [0, 1],
        "price": [3.5, None],
        "sold": [date(2020, 1, 2), None],
        "exact": [Decimal("1.25"), Decimal("2.50")],
        "text_length": [7, 9],
    }
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table(table), path)
    assert load_corpus(path, columns=True).columns == {
        "price": [3.5, None],
        "sold": ["2020-01-02", None],
        "exact": [1.25, 2.5],
        "text_length": [7, 9],
    }
    assert load_corpus(path, label=False, columns=["label", "price"]).columns == {
        "label": [0, 1],
        "price": [3.5, None],
    }


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_a_value_of_parts_is_refused_with_its_place(write, tmp_path, value):
    first = {"text": "so much", "label": "a", "price": None}
    path = write("a.jsonl", jsonl(first, {**first, "price": value}))
    with pytest.raises(DataError, match=r"a.jsonl, line 2, column 'price': the value is [\[{]"):
        load_corpus(path, columns=["price"])
    assert load_corpus(path, columns=True).columns == {"price": [None, repr(value)]}
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist([first, {**first, "price": value}]), path)
    with pytest.raises(DataError, match=r"a.parquet, row 2, column 'price': the value is [\[{]"):
        load_corpus(path, columns=["price"])
    assert load_corpus(path, columns=True).columns == {"price": [None, repr(value)]}


def test_half_a_surrogate_pair_is_refused_with_its_place(write):
    path = write("a.jsonl", '{"text": "a", "label": "b", "kind": "\\ud800"}\n')
    with pytest.raises(DataError, match=r"line 1, column 'kind': .* half a surrogate pair"):
        load_corpus(path, columns=["kind"])
    assert load_corpus(path, columns=True).columns == {"kind": ["\\ud800"]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["cost"], r"columns='cost': no such column; the table has 'price', 'text', 'label'"),
        ([4], r"columns=4: the table has columns 0 to 3"),
        (["label"], r"columns: 'label' is the column of the labels; leave it out"),
        ([1], r"columns: 'text' is the column of the texts; leave it out"),
        (["price", "0"], r"columns: 'price' is named twice"),
        ([None], r"columns: None is no column"),
        ([1.5], r"columns=1.5: expected the header of a column or its position"),
        ("price", r"columns='price': expected a list of headers or positions"),
        (False, r"columns=False: expected a list"),
    ],
)
def test_what_cannot_be_a_column_is_refused(write, columns, message):
    with pytest.raises(DataError, match=message):
        load_corpus(write("a.csv", CSV), columns=columns)


def test_of_two_columns_of_one_name_none_is_picked(write):
    path = write("a.csv", "x,x,text,label\n1,2,hello,ham\n")
    with pytest.raises(DataError, match=r"columns 0, 1 have the header 'x'.* columns=\[0\]"):
        load_corpus(path, columns=["x"])


def test_a_column_of_joined_texts_is_a_column_of_texts(write):
    path = write("a.csv", "a,b,c,label\n1,2,3,x\n")
    assert load_corpus(path, text=["a", "b"], columns=True).columns == {"c": ["3"]}
    with pytest.raises(DataError, match="'b' is the column of the texts"):
        load_corpus(path, text=["a", "b"], columns=["b"])


def test_parts_are_put_together_by_header(write, tmp_path):
    write("shop/train.csv", "text,label,price,kind\nso much,a,3,x\n")
    write("shop/test.csv", "kind,text,price,label\ny,so little,4,a\n")
    corpus = load_corpus(tmp_path / "shop", columns=True)
    assert corpus.part("train").columns == {"price": ["3"], "kind": ["x"]}
    assert corpus.part("test").columns == {"price": ["4"], "kind": ["y"]}
    with tarfile.open(tmp_path / "shop.tar", "w") as archive:
        archive.add(tmp_path / "shop", "shop")
    assert load_corpus(tmp_path / "shop.tar", columns=True).columns == corpus.columns


def test_parts_that_lack_a_column_are_refused(write, tmp_path):
    write("shop/train.csv", "text,label,price\nso much,a,3\n")
    write("shop/test.csv", "text,label,cost\nso little,a,4\n")
    with pytest.raises(DataError, match=r"train.csv: .* lacks 'cost' .* lack its 'price'"):
        load_corpus(tmp_path / "shop", columns=["2"])
    corpus = load_corpus(tmp_path / "shop", columns=True)
    assert corpus.columns == {"cost": ["4", None]}
    assert "columns 'price' are not in all files and were left out" in corpus.notes
    with pytest.raises(DataError, match=r"test.csv, line 1: columns='price': no such column"):
        load_corpus(tmp_path / "shop", columns=["price"])
    assert load_corpus(tmp_path / "shop", split="test", columns=True).columns == {"cost": ["4"]}


def test_what_is_no_table_has_no_further_columns(write, tmp_path):
    write("cat/1.txt", "meow")
    write("dog/1.txt", "woof")
    assert load_corpus(tmp_path, columns=True).columns == {}
    with pytest.raises(DataError, match=r"columns=\['price'\]: a folder or an archive .* has no"):
        load_corpus(tmp_path, columns=["price"])
    lines = write("a.txt", "so much\nso little\n")
    assert load_corpus(lines, columns=True).columns == {}
    with pytest.raises(DataError, match="'docstrings' has no further columns; leave columns out"):
        load_corpus("docstrings", columns=["price"])


def test_named_tables_have_columns_and_named_lines_have_none(write, card):
    write("shop.tsv", "3\tso much\ta\n4\tso little\tb\n")
    name = card("table", "shop.tsv", "header = false\ntext = 1\nlabel = 2")
    assert load_corpus(name, columns=True).columns == {"0": ["3", "4"]}
    assert load_corpus(name).columns == {}
    name = card("lines", "shop.tsv")
    assert load_corpus(name, columns=True).columns == {}
    with pytest.raises(DataError, match="corpus 'shop' has no further columns"):
        load_corpus(name, columns=["0"])


def test_pieces_have_their_own_rows_of_each_column(write):
    rows = "".join(f"no. {i},{i % 2},{i}\n" for i in range(5))
    path = write("a.csv", f"text,label,price\n{rows}")
    pieces = [piece.columns for piece in stream_corpus(path, columns=["price"], chunk_size=2)]
    assert pieces == [{"price": ["0", "1"]}, {"price": ["2", "3"]}, {"price": ["4"]}]


def test_a_corpus_shows_its_columns_and_holds_them_to_its_length():
    corpus = Corpus("shop", ["a", "b"], split=["train", "test"], columns={"price": [1, 2]})
    assert repr(corpus).endswith("split: test 1, train 1, columns: price)")
    assert corpus.part("train").columns == {"price": [1]}
    with pytest.raises(DataError, match="2 texts but 1 values of column 'price'"):
        Corpus("shop", ["a", "b"], columns={"price": [1]})


@given(cells=st.lists(st.tuples(CELL, CELL, CELL), min_size=1))
def test_cells_come_back_as_the_csv_module_wrote_them(tmp_path_factory, cells):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["text", "label", "one", "two", "three"])
    writer.writerows(("some text", "a", *row) for row in cells)
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    columns = load_corpus(path, columns=["one", "two", "three"]).columns
    assert list(zip(*columns.values(), strict=True)) == cells
