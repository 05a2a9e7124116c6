"""Texts by line, and how a text file is told from a table."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textrep.data import DataError, load_corpus
from textrep.data.readers import lines as lines_module
from textrep.data.readers.lines import read_line_texts, read_lines

VERSE = "To be, or not to be,\nthat is the question:\r\n\n \nWhether 'tis nobler"


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "a.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def test_a_text_file_without_tabs_is_a_text_on_each_line(write):
    corpus = load_corpus(write(VERSE))
    assert corpus.texts == [
        "To be, or not to be,",
        "that is the question:",
        "Whether 'tis nobler",
    ]
    assert corpus.labels is None
    assert corpus.notes == ("each line is a text, without labels, since line 1 has no tab",)


@pytest.mark.parametrize(
    ("blank", "texts"),
    [
        ("skip", ["a", "b", "c"]),
        ("keep", ["", "a", "b", " ", "", "c"]),
        ("document", ["a\nb", "c"]),
    ],
)
def test_blank_lines_are_what_the_reader_is_told(write, blank, texts):
    assert list(read_line_texts(write("\na\nb\n \n\nc\n"), blank=blank)) == texts


def test_an_unknown_treatment_of_blank_lines_is_refused(write):
    with pytest.raises(DataError, match="blank is 'drop'; expected 'skip', 'document' or 'keep'"):
        list(read_line_texts(write("a\n"), blank="drop"))


def test_only_blank_lines_are_no_corpus(write):
    with pytest.raises(DataError, match=r"a\.txt: the file holds no texts, only blank lines"):
        load_corpus(write("\n \n"))


def test_a_line_feed_is_the_only_line_end(write):
    path = write("one\u2028two\x0bthree\x85four\rfive\nsix")
    assert load_corpus(path).texts == ["one\u2028two\x0bthree\x85four\rfive", "six"]


def test_labels_before_a_tab_make_a_table(write):
    corpus = load_corpus(write("".join(f"{'ab'[i % 2]}\ttext {i}\n" for i in range(30))))
    assert corpus.classes == ("a", "b")
    assert corpus.notes == ("text is column 2, label is column 1, without a header",)


def test_a_short_table_is_a_table_though_no_label_repeats(write):
    assert load_corpus(write("ham\thello\nspam\twin\n")).labels == ["ham", "spam"]


def test_a_tab_between_sentences_makes_no_table(write):
    path = write("".join(f"Go {i}.\tVa {i} !\n" for i in range(30)))
    corpus = load_corpus(path)
    assert corpus.texts[3] == "Go 3.\tVa 3 !"
    assert "neither side of the tab repeats as labels do" in corpus.notes[0]
    assert load_corpus(path, text=0, label=1).labels[3] == "Va 3 !"


def test_a_line_without_a_tab_is_named_in_the_note(write):
    content = "a\tone\n" * 9 + "no tab\n" + "b\ttwo\n" * 9
    assert load_corpus(write(content)).notes[0].endswith("since line 10 has no tab")
    with pytest.raises(DataError, match=r"a\.txt, line 10, column 2: 1 column where .* has 2"):
        load_corpus(write(content), label=0)


def test_three_columns_are_a_table_that_must_be_explained(write):
    with pytest.raises(DataError, match="nothing tells which column is the text and the label"):
        load_corpus(write("1\ta\tone\n2\tb\ttwo\n"))


def test_without_labels_each_line_is_a_text_whatever_it_looks_like(write):
    corpus = load_corpus(write("ham\thello\nspam\twin\n"), label=False)
    assert (corpus.texts, corpus.labels) == (["ham\thello", "spam\twin"], None)


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    block=st.integers(1, 9),
)
@example(text="a\n\nb", block=1)
def test_lines_do_not_depend_on_where_blocks_end(tmp_path_factory, text, block):
    content = text.encode().removeprefix(b"\xef\xbb\xbf")
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as context:
        # The mark at the start needs four bytes to be told.
        context.setattr(lines_module, "_BLOCK", block + 3)
        if not content:
            with pytest.raises(DataError, match="empty"):
                list(read_lines(path))
            return
        found = list(read_lines(path))
    assert found == list(io.StringIO(content.decode(), newline="\n"))


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "iso2022_jp", "utf-8-sig", "cp1252"])
def test_other_encodings_are_decoded_line_by_line_or_at_once(write, encoding):
    text = (
        "caf\u00e9 10\u20ac\n"
        if encoding == "cp1252"
        else "\u65e5\u672c\u8a9e\nabc\n\u6f22\u5b57\n"
    )
    assert "".join(read_lines(write(text.encode(encoding)), encoding)) == text


def test_the_lines_before_a_faulty_one_are_given_out(write):
    reader = read_lines(write(b"one\ntwo\nb\xe4h\n"))
    assert [next(reader), next(reader)] == ["one\n", "two\n"]
    with pytest.raises(DataError, match=r"a\.txt, line 3, column 2: byte 0xe4 is not valid utf-8"):
        next(reader)


def test_a_line_number_counts_the_blocks_before(write, monkeypatch):
    monkeypatch.setattr(lines_module, "_BLOCK", 64)
    with pytest.raises(DataError, match=r"line 101, column 3: a NUL byte"):
        list(read_lines(write(b"ten chars\n" * 100 + b"ab\0c\n")))


def test_a_line_made_to_fill_the_memory_is_refused(write, monkeypatch):
    monkeypatch.setattr(lines_module, "_BLOCK", 64)
    monkeypatch.setattr(lines_module, "MAX_LINE", 1000)
    with pytest.raises(DataError, match=r"a\.txt, line 3: the line has more than 1,000 bytes"):
        list(read_lines(write(b"a\nb\n" + b"x" * 2000)))


def test_a_document_without_end_is_refused(write, monkeypatch):
    monkeypatch.setattr(lines_module, "MAX_LINE", 1000)
    with pytest.raises(DataError, match=r"line 101: the document that ends here has more than"):
        list(read_line_texts(write(b"ten chars.\n" * 200), blank="document"))
