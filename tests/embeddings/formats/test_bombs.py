"""Files of vectors that were made to fill the memory or the disk."""

from __future__ import annotations

import gzip
import struct

import pytest

from textrep.core import swelling
from textrep.embeddings import VectorFileError, read_vectors
from textrep.embeddings.formats import text

SIZE = 1 << 24


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(swelling, "FREE_BYTES", 1 << 16)
    monkeypatch.setattr(text, "_LONGEST_LINE", 1 << 12)


def test_text_that_swells_is_refused(tmp_path):
    path = tmp_path / "v.txt.gz"
    path.write_bytes(gzip.compress(b"word 1 2 3\n" * (SIZE // 11)))
    with pytest.raises(VectorFileError, match=r"v\.txt\.gz: .* compressed bytes become more than"):
        read_vectors(path)


def test_a_binary_file_that_swells_is_refused_before_the_disk_is_full(tmp_path):
    path = tmp_path / "v.bin.gz"
    path.write_bytes(gzip.compress(b"1 3\na " + struct.pack("<3f", 1, 2, 3) + bytes(SIZE)))
    with pytest.raises(VectorFileError, match=r"v\.bin\.gz: .* compressed bytes become more than"):
        read_vectors(path, format="word2vec-binary")


@pytest.mark.parametrize("format_", ["glove", "word2vec-text"])
def test_a_line_without_an_end_is_refused_with_its_number(tmp_path, format_):
    path = tmp_path / "v.txt"
    first = b"2 3\n" if format_ == "word2vec-text" else b""
    path.write_bytes(first + b"a 1 2 3\nb " + b"1 " * 3000)
    number = 3 if first else 2
    with pytest.raises(VectorFileError, match=rf"line {number}: the line has 4,096 bytes or more"):
        read_vectors(path, format=format_)
