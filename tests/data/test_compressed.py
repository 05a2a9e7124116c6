"""Compressed files, and what can be wrong with them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from textrep.data import DataError, load_corpus
from textrep.data.readers.source import file_source

TABLE = "label,text\n" + "".join(f"{'ab'[i % 2]},text {i} caf\u00e9\n" for i in range(500))
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.fixture(params=sorted(COMPRESS))
def compressed(request, tmp_path) -> Path:
    path = tmp_path / f"pets.csv{request.param}"
    path.write_bytes(COMPRESS[request.param](TABLE.encode()))
    return path


def test_a_compressed_table_is_the_table(compressed, tmp_path):
    plain = tmp_path / "pets.csv"
    plain.write_text(TABLE, encoding="utf-8")
    corpus, expected = load_corpus(compressed), load_corpus(plain)
    assert (corpus.name, corpus.texts, corpus.labels) == ("pets", expected.texts, expected.labels)
    assert corpus.source == str(compressed)


def test_a_gzip_file_of_several_members_is_read_to_its_end(tmp_path):
    path = tmp_path / "pets.csv.gz"
    path.write_bytes(gzip.compress(b"label,text\na,x\n") + gzip.compress(b"b,y\n"))
    assert load_corpus(path).texts == ["x", "y"]


def test_a_file_that_was_cut_is_an_error(compressed):
    compressed.write_bytes(compressed.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{compressed.name}: not a sound file: .*; get it again"):
        load_corpus(compressed)


def test_a_file_that_is_not_compressed_at_all_is_an_error(compressed):
    compressed.write_bytes(TABLE.encode())
    with pytest.raises(DataError, match=rf"{compressed.name}: not a sound file: .*; get it again"):
        load_corpus(compressed)


def test_a_wrong_check_sum_at_the_end_is_an_error(tmp_path):
    path = tmp_path / "pets.csv.gz"
    content = bytearray(gzip.compress(TABLE.encode()))
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"pets\.csv\.gz: not a sound file: CRC check failed"):
        load_corpus(path)


def test_errors_count_the_lines_of_what_was_compressed(tmp_path):
    path = tmp_path / "pets.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode() + b"a,caf\xe9\n"))
    with pytest.raises(DataError, match=r"pets\.csv\.gz, line 502, column 6: byte 0xe9"):
        load_corpus(path)


def test_an_empty_file_is_empty_when_it_is_decompressed_too(tmp_path):
    for name in COMPRESS:
        path = tmp_path / f"pets.csv{name}"
        path.write_bytes(COMPRESS[name](b""))
        with pytest.raises(DataError, match=r": the file is empty"):
            load_corpus(path)


def test_the_suffix_of_the_format_is_the_one_before(tmp_path):
    assert file_source(tmp_path / "a.JSONL.GZ").suffix == ".jsonl"
    assert file_source(tmp_path / "a.b.csv").suffix == ".csv"
    assert file_source(tmp_path / ".gz").name == ".gz"
