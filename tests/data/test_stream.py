"""Corpora in pieces: equal to the whole, within bounded memory, never anything but a DataError."""

from __future__ import annotations

import bz2
import contextlib
import csv
import functools
import gzip
import io
import itertools
import json
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.data import Corpus, DataError, load_corpus, stream_corpus
from textrep.data.readers import source
from textrep.data.readers.files import open_file

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=20)
LABEL = CELL.map(str.strip).filter(bool)
ROWS = st.lists(st.tuples(CELL, LABEL), min_size=1, max_size=20)

MEGABYTE = 1 << 20
_SENTENCE = "the quick brown fox jumps over the lazy dog and runs far away "


def wrapped(folder: Path, name: str, content: bytes, how: str) -> Path:
    path = folder / f"{name}{how}"
    if how == ".gz":
        path.write_bytes(gzip.compress(content))
    elif how == ".bz2":
        path.write_bytes(bz2.compress(content))
    elif how == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
    elif how == ".tar.gz":
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    else:
        path.write_bytes(content)
    return path


WRAPPINGS = st.sampled_from(["", ".gz", ".bz2", ".zip", ".tar.gz"])


def pairs(corpora: Iterator[Corpus] | list[Corpus]) -> list[tuple[str, str]]:
    return [pair for each in corpora for pair in zip(each.texts, each.labels or (), strict=True)]


@given(rows=ROWS, how=WRAPPINGS, size=st.integers(1, 7))
def test_what_the_csv_module_wrote_is_read_back(tmp_path_factory, rows, how, size):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    folder = tmp_path_factory.mktemp("csv")
    path = wrapped(folder, "a.csv", buffer.getvalue().encode(), how)
    assert pairs([load_corpus(path)]) == rows
    pieces = list(stream_corpus(path, chunk_size=size))
    assert pairs(pieces) == rows
    assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)


@given(rows=ROWS, how=WRAPPINGS, sep=st.sampled_from([",", ";"]))
def test_what_pandas_wrote_is_read_back(tmp_path_factory, rows, how, sep):
    pandas = pytest.importorskip("pandas")
    # pandas puts no quotes around a carriage return, which no reader of tables can make up for.
    rows = [(text.replace("\r", " "), label.replace("\r", " ").strip()) for text, label in rows]
    folder = tmp_path_factory.mktemp("pandas")
    frame = pandas.DataFrame(rows, columns=["text", "label"])
    content = frame.to_csv(sep=sep, index=False).encode()
    assert pairs([load_corpus(wrapped(folder, "a.csv", content, how))]) == rows


@given(rows=ROWS, how=WRAPPINGS, size=st.integers(1, 7))
def test_what_was_joined_by_tabs_is_read_back(tmp_path_factory, rows, how, size):
    rows = [tuple(" ".join(cell.split()) for cell in row) for row in rows]
    rows = [(text, label) for text, label in rows if label] or [("x", "y")]
    content = "text\tlabel\n" + "".join(f"{text}\t{label}\r\n" for text, label in rows)
    path = wrapped(tmp_path_factory.mktemp("tsv"), "a.tsv", content.encode(), how)
    assert pairs(stream_corpus(path, chunk_size=size)) == rows


@given(rows=ROWS, how=WRAPPINGS, size=st.integers(1, 7))
def test_what_json_wrote_is_read_back(tmp_path_factory, rows, how, size):
    content = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    path = wrapped(tmp_path_factory.mktemp("json"), "a.jsonl", content.encode(), how)
    assert pairs(stream_corpus(path, chunk_size=size)) == rows


NAMES = (
    *("a.csv", "a.tsv", "a.txt", "a.jsonl", "a.parquet", "a", "a.csv.gz", "a.jsonl.xz"),
    *("a.zip", "a.tar", "a.tar.gz", "a.parquet.gz", "a.txt.bz2"),
)
_BYTES = st.binary(max_size=120) | st.text('ab,"\t\r\n;{}[]:1', max_size=60).map(str.encode)


@settings(max_examples=200)
@given(name=st.sampled_from(NAMES), content=_BYTES, how=WRAPPINGS)
def test_any_bytes_are_a_corpus_or_a_data_error(tmp_path_factory, name, content, how):
    path = wrapped(tmp_path_factory.mktemp("bytes"), name, content, how)
    try:
        corpus = load_corpus(path)
    except DataError:
        with pytest.raises(DataError):
            list(stream_corpus(path, chunk_size=3))
        return
    assert all(type(text) is str for text in corpus.texts)
    pieces = list(stream_corpus(path, chunk_size=3))
    assert [text for piece in pieces for text in piece.texts] == corpus.texts


@settings(max_examples=200)
@given(
    name=st.sampled_from(["a.csv", "a.jsonl", "a.txt", "train.csv"]),
    how=st.sampled_from([".gz", ".bz2", ".zip", ".tar.gz"]),
    at=st.integers(0, 2**16),
    byte=st.integers(0, 255),
)
def test_a_wrong_byte_in_a_wrapping_is_a_corpus_or_a_data_error(
    tmp_path_factory, name, how, at, byte
):
    content = {"a.jsonl": b'{"text": "a", "label": 1}\n'}.get(name, b"label,text\na,b\n") * 9
    path = wrapped(tmp_path_factory.mktemp("byte"), name, content, how)
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] = byte
    path.write_bytes(raw)
    with contextlib.suppress(DataError):
        assert len(load_corpus(path)) > 0


def rows_of(kind: str) -> tuple[bytes, bytes]:
    """First line, and one of many."""
    if kind == "csv":
        return b"text,label\n", f'"{_SENTENCE}\n""{_SENTENCE}""",a\n'.encode()
    if kind == "jsonl":
        return b"", (json.dumps({"text": _SENTENCE * 2, "label": "a"}) + "\n").encode()
    if kind == "tsv":
        return b"text\tlabel\n", f"{_SENTENCE * 2}\ta\n".encode()
    return b"", f"{_SENTENCE * 2}\n".encode()


class _Rows(io.RawIOBase):
    """A file of many equal rows that takes no memory, of a size known beforehand."""

    def __init__(self, first: bytes, row: bytes, count: int) -> None:
        self.size = len(first) + len(row) * count
        self._left = itertools.repeat(row * 1000, count // 1000)
        self._rest = first

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (more := next(self._left, b"")):
            self._rest += more
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def write_large(path: Path, kind: str, size: int) -> tuple[Path, int]:
    """A file of `size` bytes at least, compressed as its suffix says, and its rows."""
    first, row = rows_of(kind)
    count = -(-size // len(row) // 1000) * 1000
    content = _Rows(first, row, count)
    if path.suffix == ".zip":
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open(f"a.{kind}", "w", force_zip64=True) as file,
        ):
            while block := content.read(MEGABYTE):
                file.write(block)
    elif path.suffix == ".tgz":
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            member = tarfile.TarInfo(f"a.{kind}")
            member.size = content.size
            archive.addfile(member, content)
    else:
        opener = functools.partial(gzip.open, compresslevel=1) if path.suffix == ".gz" else open
        with opener(path, "wb") as file:
            while block := content.read(MEGABYTE):
                file.write(block)
    return path, count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        ("a.zip", "csv"),
        ("a.tgz", "tsv"),
        ("a.jsonl.gz", "jsonl"),
        ("a.txt.gz", "txt"),
    ],
)
def test_a_piece_is_all_that_is_held_of_a_large_file(tmp_path, name, kind):
    size = 60 * MEGABYTE
    path, count = write_large(tmp_path / name, kind, size)
    tracemalloc.start()
    try:
        found = sum(len(piece) for piece in stream_corpus(path, chunk_size=500))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == count
    # A few blocks of a quarter of a mebibyte, a piece, and the first rows that are looked at.
    assert peak < 4 * MEGABYTE


@pytest.mark.slow
def test_of_a_large_parquet_file_little_is_held(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path, rows = tmp_path / "a.parquet", 5000
    batch = pyarrow.table({"text": [f"{i} {_SENTENCE * 4}" for i in range(rows)]})
    with parquet.ParquetWriter(
        path, batch.schema, compression="none", use_dictionary=False
    ) as file:
        for _ in range(48):
            file.write_table(batch)
    before = pyarrow.total_allocated_bytes()
    peak, found = 0, 0
    tracemalloc.start()
    try:
        for piece in stream_corpus(path, chunk_size=500):
            found += len(piece)
            peak = max(peak, pyarrow.total_allocated_bytes() - before)
        _, traced = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == 48 * rows
    assert peak + traced < path.stat().st_size / 5


def test_pieces_come_before_the_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\n" + b"x,a\n" * 5000 + b"too,many,cells\n")
    pieces = stream_corpus(path, chunk_size=1000)
    assert [len(next(pieces)) for _ in range(5)] == [1000] * 5
    with pytest.raises(DataError, match=r"a\.csv, line 5002, column 3: 3 columns"):
        next(pieces)


def test_every_piece_says_what_the_corpus_says(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "x,a\n" * 5)
    whole = load_corpus(path)
    for piece in stream_corpus(path, chunk_size=2):
        assert (piece.name, piece.source, piece.notes) == (whole.name, whole.source, whole.notes)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None, "many"])
def test_a_size_that_is_none_is_refused_at_once(tmp_path, size):
    with pytest.raises(DataError, match=r"chunk_size is .*; expected an int of at least 1"):
        stream_corpus(tmp_path / "a.csv", chunk_size=size)


def test_what_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        stream_corpus(tmp_path / "a.csv")
    with pytest.raises(DataError, match="encoding='klingon' is not known"):
        stream_corpus(tmp_path / "a.csv", encoding="klingon")


def test_the_file_is_closed_when_the_reader_goes(tmp_path, monkeypatch):
    opened = []

    def recording(path):
        opened.append(open_file(path))
        return opened[-1]

    monkeypatch.setattr(source, "open_file", recording)
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "x,a\n" * 100_000)
    pieces = stream_corpus(path, chunk_size=2)
    next(pieces)
    assert [file.closed for file in opened] == [False]
    del pieces
    assert [file.closed for file in opened] == [True]
