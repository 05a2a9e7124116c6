"""Encodings that are none, and encodings of files."""

from __future__ import annotations

import contextlib
import encodings.aliases

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.data import DataError, load_corpus
from textrep.data.readers.encodings import find_codec, find_line_codec

NO_TEXT = ["hex", "rot13", "base64", "bz2", "zlib", "uu", "quopri", "idna", "punycode", "undefined"]
NO_NAME = ["", " ", "utf-8\0", "\ud800", "x" * 100_000, "../x", b"utf-8", 8, True, "utf-8\n"]
NOT_BY_LINES = ["utf-16", "utf-16-le", "utf-32", "cp037", "cp500"]
ALL = sorted(set(encodings.aliases.aliases.values()) | {"unicode_escape", "utf_8_sig", "idna"})


@pytest.fixture(params=["table", "folder"])
def data(request, tmp_path):
    if request.param == "table":
        path = tmp_path / "pets.csv"
        path.write_text("label,text\ncat,meow\ndog,woof\n")
        return path
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        *((name, rf"^encoding='{name}' is not an encoding of texts; try") for name in NO_TEXT),
        *((name, r"^encoding=.* is not the name of an encoding; try 'utf-8'") for name in NO_NAME),
        ("klingon", "^encoding='klingon' is not known to Python; try 'utf-8' or 'latin-1'"),
    ],
)
def test_what_is_no_encoding_of_texts_is_one_short_error(data, encoding, message):
    with pytest.raises(DataError, match=message) as error:
        load_corpus(data, encoding=encoding)
    assert len(str(error.value)) < 150


@pytest.mark.parametrize("encoding", NOT_BY_LINES)
def test_tables_need_an_encoding_whose_lines_can_be_told_apart(tmp_path, encoding):
    (tmp_path / "pets.csv").write_text("label,text\ncat,meow\n", encoding=encoding)
    with pytest.raises(DataError, match=rf"encoding='{encoding}': .* save the file as UTF-8"):
        load_corpus(tmp_path / "pets.csv", encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "latin-1", "cp1252", "shift_jis", "gb18030"])
def test_usual_encodings_are_found(encoding):
    assert find_codec(encoding) == find_line_codec(encoding)


@pytest.mark.parametrize("encoding", ALL)
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@settings(max_examples=15)
@given(content=st.binary(min_size=1, max_size=40))
def test_any_bytes_in_any_encoding_are_read_or_a_data_error(tmp_path_factory, encoding, content):
    folder = tmp_path_factory.mktemp("any")
    (folder / "cat").mkdir()
    (folder / "cat" / "1").write_bytes(content)
    (folder / "a.tsv").write_bytes(b"cat\tmeow\n" + content)
    for path in (folder, folder / "a.tsv"):
        with contextlib.suppress(DataError):
            load_corpus(path, encoding=encoding, **({} if path == folder else {"label": 0}))
