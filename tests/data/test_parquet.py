"""Parquet files, written by pyarrow and by pandas."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.data import DataError, load_corpus, stream_corpus
from textrep.data.readers import parquet as parquet_module

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROWS = {"id": [1, 2, 3], "text": ["so", "m\nuch", ""], "label": ["a", "b", "a"]}


@pytest.fixture
def write(tmp_path):
    def write_file(columns: dict, name: str = "a.parquet", **options) -> Path:
        parquet.write_table(pyarrow.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return write_file


def test_text_and_label_are_found_by_their_columns(write):
    corpus = load_corpus(write(ROWS))
    assert (corpus.texts, corpus.labels) == (ROWS["text"], ROWS["label"])
    assert corpus.notes == ("text is column 'text', label is column 'label'",)


def test_what_pandas_wrote_is_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", "b"], "label": pandas.Categorical(["x", "y"])})
    frame.to_parquet(tmp_path / "a.parquet")
    assert load_corpus(tmp_path / "a.parquet").labels == ["x", "y"]


@pytest.mark.parametrize(
    ("values", "kind", "labels"),
    [
        ([0, 1], "int8", ["0", "1"]),
        ([0.5, 1.0], "float64", ["0.5", "1.0"]),
        ([True, False], "bool", ["True", "False"]),
        (["x", "y"], "large_string", ["x", "y"]),
    ],
)
def test_labels_of_other_types_become_strings(write, values, kind, labels):
    path = write({"text": ["a", "b"], "label": pyarrow.array(values, kind)})
    assert load_corpus(path).labels == labels


def test_columns_without_usual_names_are_told_by_their_values(write):
    path = write({"u": ["a", "b", "a", "b"], "v": ["one", "two", "three", "four"]})
    assert load_corpus(path).labels == ["a", "b", "a", "b"]


def test_one_column_alone_is_the_text_and_labels_can_be_left_out(write):
    assert load_corpus(write({"t": ["a", "b"]})).labels is None
    assert load_corpus(write(ROWS), label=False).labels is None


def test_several_texts_are_joined(write):
    path = write({"q": ["who?"], "a": ["me"], "y": [1]})
    assert load_corpus(path, text=["q", "a"]).texts == ["who?\nme"]


def test_of_two_columns_of_one_name_the_position_tells_which(tmp_path):
    arrays = [pyarrow.array(["a"]), pyarrow.array(["b"]), pyarrow.array(["c"])]
    table = pyarrow.Table.from_arrays(arrays, names=["t", "t", "label"])
    parquet.write_table(table, tmp_path / "a.parquet")
    assert load_corpus(tmp_path / "a.parquet", text=1).texts == ["b"]
    assert load_corpus(tmp_path / "a.parquet", text=0, label=1).labels == ["b"]


@pytest.mark.parametrize("group", [1, 2, 100])
def test_row_groups_follow_each_other(write, group, monkeypatch):
    monkeypatch.setattr(parquet_module, "_BATCH_ROWS", 3)
    texts = [f"text {i}" for i in range(10)]
    path = write({"text": texts}, row_group_size=group)
    assert load_corpus(path).texts == texts
    assert [len(piece) for piece in stream_corpus(path, chunk_size=4)] == [4, 4, 2]


def test_a_parquet_file_is_read_through_gzip_and_zip(write, tmp_path):
    path = write(ROWS, row_group_size=2)
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress(path.read_bytes()))
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "data/c.parquet")
    for name in ("b.parquet.gz", "c.zip"):
        assert load_corpus(tmp_path / name).texts == ROWS["text"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (ROWS | {"text": ["a", None, "c"]}, "row 2, column 'text': the text is null, not a string"),
        (ROWS | {"text": [1, 2, 3]}, "row 1, column 'text': the text is 1, not a string"),
        (ROWS | {"text": [b"a", b"b", b"c"]}, "row 1, column 'text': the text is b'a', not a"),
        (ROWS | {"label": ["a", "b", None]}, "row 3, column 'label': the label is missing"),
        (ROWS | {"label": [1.0, float("nan"), 2]}, "row 2, column 'label': the label is missing"),
        (ROWS | {"label": [[1], [2], []]}, r"row 1, column 'label': the label is \[1\]; expected"),
        ({"a": ["x"], "b": ["y"], "c": ["z"]}, "nothing tells which column is the text and the l"),
        ({"text": pyarrow.array([], "string")}, "the table has no rows"),
        ({}, "the table has no columns"),
    ],
)
def test_errors_name_row_and_column(write, columns, message):
    with pytest.raises(DataError, match=rf"a\.parquet.*{message}"):
        load_corpus(write(columns))


def test_a_text_that_is_not_utf_8_is_named_with_its_row(tmp_path):
    raw = pyarrow.array([b"good", b"b\xe4d"], "binary")
    texts = pyarrow.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 2, column 'text': byte 0xe4 is not valid utf-8"):
        load_corpus(tmp_path / "a.parquet")


def test_a_missing_column_and_an_encoding_are_refused(write):
    with pytest.raises(DataError, match="text='body': no such column; the table has 'id', 'text'"):
        load_corpus(write(ROWS), text="body")
    with pytest.raises(DataError, match="encoding is for text files"):
        load_corpus(write(ROWS), encoding="latin-1")


@pytest.mark.parametrize("keep", [0, 3, 40, -10])
def test_what_is_no_parquet_is_an_error(write, keep):
    path = write(ROWS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"a\.parquet: not sound Parquet: .*; get it again"):
        load_corpus(path)


def test_without_pyarrow_the_package_is_named(write, monkeypatch):
    path = write(ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"a\.parquet: .* not installed: pip install pyarrow"):
        load_corpus(path)


@given(st.lists(st.tuples(TEXT, TEXT.filter(str.strip)), min_size=1), st.integers(1, 5))
def test_what_pyarrow_wrote_is_read_back(tmp_path_factory, rows, group):
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    texts, labels = map(list, zip(*rows, strict=True))
    parquet.write_table(pyarrow.table({"text": texts, "label": labels}), path, row_group_size=group)
    corpus = load_corpus(path)
    assert corpus.texts == texts
    assert corpus.labels == [label.strip() for label in labels]


@settings(max_examples=60)
@given(at=st.integers(0, 2**16), byte=st.integers(0, 255))
def test_a_wrong_byte_raises_nothing_else(tmp_path_factory, at, byte):
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    parquet.write_table(pyarrow.table(ROWS), path)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert load_corpus(path).labels is not None
