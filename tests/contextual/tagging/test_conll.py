"""Files of tagged sentences."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textrep.contextual.tagging.conll import read_conll, write_conll
from textrep.data import DataError

CELL = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\n\r\0\ufeff \t"), min_size=1
).filter(lambda cell: cell != "-DOCSTART-")


@st.composite
def sentences(draw):
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    return tuple([draw(st.lists(CELL, min_size=n, max_size=n)) for n in lengths] for _ in range(2))


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "file.conll"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("separator", [" ", "\t", "|||"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentences())
def test_what_is_written_is_read_again(tmp_path, separator, both):
    words, tags = both
    try:
        path = write_conll(tmp_path / "file.conll", words, tags, separator=separator)
    except ValueError:
        assert any(separator[0] in cell for row in words + tags for cell in row)
        return
    assert read_conll(path, separator=None if separator == " " else separator) == both


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_any_bytes_give_sentences_or_one_clear_error(tmp_path, content):
    path = tmp_path / "file.conll"
    path.write_bytes(content)
    found = error_or_sentences(path)
    if isinstance(found, DataError):
        assert str(path) in str(found)
    else:
        assert found.words
        assert all(len(a) == len(b) > 0 for a, b in zip(*found, strict=True))


def error_or_sentences(path):
    try:
        return read_conll(path)
    except DataError as error:
        return error


def test_columns_documents_blank_lines_and_line_ends(file):
    path = file(
        "\ufeff-DOCSTART- -X- -X- O\r\n\r\n\r\nEU NNP B-NP B-ORG\r\nrejects  VBZ\tB-VP O\r\n \r\n"
        "# SYM O O\r\n"
    )
    assert read_conll(path) == ([["EU", "rejects"], ["#"]], [["B-ORG", "O"], ["O"]])
    assert read_conll(path, column=1).tags == [["NNP", "VBZ"], ["SYM"]]
    assert read_conll(path, column=0, word_column=1).words == [["NNP", "VBZ"], ["SYM"]]


def test_conll_u_has_comments_and_words_with_spaces(file):
    path = file("# text = à la New York\n1\tà la\t_\tADP\n2\tNew York\t_\tPROPN\n\n")
    found = read_conll(path, column=3, word_column=1, separator="\t", comment="# ")
    assert found == ([["à la", "New York"]], [["ADP", "PROPN"]])


def test_compressed_files_and_other_encodings(tmp_path):
    path = tmp_path / "file.conll.gz"
    path.write_bytes(gzip.compress("Bär O\n".encode("latin-1")))
    assert read_conll(path, encoding="latin-1").words == [["Bär"]]
    with pytest.raises(DataError, match="line 1, column 2: byte 0xe4 is not valid utf-8"):
        read_conll(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "holds no sentence"),
        ("-DOCSTART- O\n", "holds no sentence"),
        ("a O\nb\n", "line 2: 1 column, but the first line of words has 2"),
        ("a O\n\nb c O\n", "line 3: 3 columns, but the first line of words has 2"),
        ("a\n", "line 1: 1 column, so that the word and its tag"),
        ("a O\nb\0 O\n", "NUL byte"),
        ("a\tO\n".encode("utf-16"), "utf-16"),
    ],
)
def test_a_broken_file_gets_an_error_with_the_line(file, content, message):
    with pytest.raises(DataError, match=message):
        read_conll(file(content))


def test_an_empty_cell_and_a_missing_column_are_named(file):
    with pytest.raises(DataError, match="line 2: the tag is empty"):
        read_conll(file("a\tO\nb\t\n"), separator="\t")
    with pytest.raises(DataError, match="there is no column=3"):
        read_conll(file("a O\n"), column=3)
    with pytest.raises(DataError, match="there is no column=-3"):
        read_conll(file("a O\n"), column=-3)
    with pytest.raises(ValueError, match="separator must be a str"):
        read_conll(file("a O\n"), separator="")
    with pytest.raises(DataError, match="nowhere"):
        read_conll("nowhere.conll")


def test_what_no_file_can_hold_is_not_written(tmp_path):
    path = tmp_path / "file.conll"
    for word in ("New York", "a\tb", "a\nb", "a\0", "\ud800", "", "-DOCSTART-"):
        with pytest.raises(ValueError, match="cannot stand in such a file"):
            write_conll(path, [[word]], [["O"]])
    with pytest.raises(ValueError, match=r"'a\|' and 'O' cannot stand in such a file"):
        write_conll(path, [["a|"]], [["O"]], separator="||")
    with pytest.raises(ValueError, match="sentence 0 has 1 words in words, but 2 in tags"):
        write_conll(path, [["a"]], [["O", "O"]])
    assert not path.exists()
