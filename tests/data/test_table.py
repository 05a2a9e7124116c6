"""Tables: exact cells, exact line numbers."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError
from textrep.data.readers import table
from textrep.data.readers.lines import read_lines
from textrep.data.readers.source import file_source
from textrep.data.readers.table import Row, find_delimiter, read_rows

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def rows(path: Path, **options) -> list[Row]:
    return list(read_rows(path, **options))


def test_csv_rows_know_the_line_they_start_on(write):
    path = write("a.csv", 'label,text\nham,"two\nlines"\n\nspam,x\n')
    assert rows(path) == [
        Row(1, ["label", "text"]),
        Row(2, ["ham", "two\nlines"]),
        Row(5, ["spam", "x"]),
    ]


def test_tsv_takes_quotes_literally(write):
    path = write("a.tsv", 'ham\t"Hi\nspam\twin "now"\r\n')
    assert rows(path) == [Row(1, ["ham", '"Hi']), Row(2, ["spam", 'win "now"'])]


def test_only_line_feeds_end_a_line(write):
    path = write("a.tsv", "ham\tone\u2028two\x0bthree\x85four\n")
    assert rows(path) == [Row(1, ["ham", "one\u2028two\x0bthree\x85four"])]


def test_byte_order_mark_is_no_part_of_the_first_cell(write):
    assert rows(write("a.csv", b"\xef\xbb\xbflabel,text\n"))[0].cells == ["label", "text"]


@pytest.mark.parametrize(
    ("name", "content", "delimiter"),
    [
        ("a.csv", "text,label\n", ","),
        ("a.csv", '"text,with comma";label\n', ";"),
        ("a.csv", "text\tlabel\n", "\t"),
        ("a.tsv", "text,label\n", "\t"),
        ("noextension", "ham\thi, you\n", "\t"),
    ],
)
def test_delimiter_comes_from_suffix_and_first_line(write, name, content, delimiter):
    assert find_delimiter(file_source(write(name, content)), content) == delimiter


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "l,t\nx,y\nx,y,z\n", "a.csv, line 3, column 3: 3 columns where .* has 2"),
        ("a.csv", "l,t\nx\n", "a.csv, line 2, column 2: 1 column where .* has 2"),
        ("a.tsv", "l\tt\nx\ty\tz\n", "line 2, column 3: 3 columns .* must not hold tabs"),
        ("a.csv", 'l,t\nx,y\nx,"open\nz,w\n', "line 3: .* a quote that is never closed"),
        ("a.csv", 'l,t\nx,"He said "hi" again"\n', "line 2: a quote inside a quoted cell"),
        ("a.csv", "l,t\rx,y\r", "line 1: a carriage return inside a row"),
        ("a.csv", b"l,t\nx,a\0b\n", "line 2, column 4: a NUL byte"),
        ("a.csv", b"l,t\nx,caf\xe9\n", "line 2, column 6: byte 0xe9 is not valid utf-8"),
        ("a.csv", "l,t\n".encode("utf-16"), "line 1: the file is in utf-16; save it as UTF-8"),
        ("a.csv", "", "a.csv: the file is empty"),
        ("a.csv", "\n \n", "a.csv: the file holds no rows"),
        ("a.txt", "no tab here\n", "a.txt, line 1: its first line has no tab"),
    ],
)
def test_errors_name_file_line_and_column(write, name, content, message):
    with pytest.raises(DataError, match=message):
        rows(write(name, content))


def test_a_cell_may_be_longer_than_the_limit_of_the_csv_module(write):
    book = "word " * 100_000
    assert rows(write("a.csv", f'ham,"{book}"\n'))[0].cells[1] == book


def test_a_quote_that_is_never_closed_does_not_eat_the_whole_file(write, monkeypatch):
    monkeypatch.setattr(table, "MAX_LINE", 1000)
    path = write("a.csv", 'l,t\na,b\nx,"open\n' + "ten chars\n" * 200)
    with pytest.raises(DataError, match=r"line 3: the row that starts here has more than 1,000"):
        rows(path)
    # Many cells, none of which is long.
    path = write("b.csv", "l,t\n" + '"a\n",' * 500)
    with pytest.raises(DataError, match=r"line 2: the row that starts here has more than 1,000"):
        rows(path)


def test_a_space_separates_only_the_first_word(write):
    path = write("a.all", "0 to be , or  not\n1 that\n2 \n\n")
    assert rows(path, delimiter=" ") == [
        Row(1, ["0", "to be , or  not"]),
        Row(2, ["1", "that"]),
        Row(3, ["2", ""]),
    ]
    with pytest.raises(DataError, match=r"line 2, column 2: 1 column .* a label, a space and the"):
        rows(write("a.all", "0 to be\n1\n"), delimiter=" ")


def test_quoting_can_be_said(write):
    content = 'a\t"b\tc"\n'
    assert rows(write("a.tsv", content), quoting=True)[0].cells == ["a", "b\tc"]
    assert rows(write("a.tsv", content))[0].cells == ["a", '"b', 'c"']
    content = 'a,"b\nc",d\n'
    assert rows(write("a.csv", content), quoting=False) == [
        Row(1, ["a", '"b']),
        Row(2, ['c"', "d"]),
    ]


def test_missing_file_and_unknown_encoding_are_data_errors(tmp_path, write):
    with pytest.raises(DataError, match=r"none\.tsv: cannot be read: No such file"):
        rows(tmp_path / "none.tsv")
    with pytest.raises(DataError, match="encoding='klingon' is not known"):
        rows(write("a.csv", "l,t\n"), encoding="klingon")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
def test_a_pipe_is_refused_without_being_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=r"a pipe, not a file; save what comes out of it to a file"):
        rows(tmp_path / name)


def test_latin_1_is_read_when_asked_for(write):
    assert list(read_lines(write("a.csv", b"caf\xe9\n"), "latin-1")) == ["café\n"]


@given(cells=st.lists(st.tuples(CELL, CELL), min_size=1))
def test_csv_gives_back_what_the_csv_module_wrote(tmp_path_factory, cells):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(cells)
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    assert [tuple(row.cells) for row in rows(path, delimiter=",")] == cells


@given(
    cells=st.lists(
        st.tuples(CELL, CELL).filter(lambda row: not set("\t\n\r") & set("".join(row))), min_size=1
    )
)
def test_tsv_gives_back_what_was_joined_by_tabs(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("tsv") / "a.tsv"
    # A mark at the start of a file is a byte order mark, not text.
    content = "\n".join("\t".join(row) for row in cells).removeprefix("\ufeff")
    path.write_bytes(content.encode())
    expected = [tuple(line.split("\t")) for line in content.split("\n")]
    assert [tuple(row.cells) for row in rows(path)] == expected


@given(content=st.binary(max_size=80) | st.text('ab,"\t\r\n;', max_size=40).map(str.encode))
def test_any_bytes_are_rows_of_one_width_or_a_data_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.csv", "a.tsv", "a"):
        path = folder / name
        path.write_bytes(content)
        try:
            found = rows(path)
        except DataError:
            continue
        assert len({len(row.cells) for row in found}) == 1


def test_a_row_that_ends_too_soon_is_told_what_may_have_cut_it(write):
    with pytest.raises(DataError, match=r"line 2, column 2: 1 column where .* holds a line end$"):
        rows(write("a.csv", "text,label\ntwo\nlines,ham\n"))
    with pytest.raises(DataError, match=r"line 2, column 3: 3 columns where .* holds ','$"):
        rows(write("a.csv", "text,label\nwell, well,ham\n"))
