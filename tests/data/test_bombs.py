"""Compressed files and archives that were made to fill the memory or the disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from textrep.core import swelling
from textrep.data import DataError, load_corpus
from textrep.data.readers.archives import open_members

ROW = b"cat,meow\n"
SIZE = 1 << 24


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(swelling, "FREE_BYTES", 1 << 16)


def tar_of(*members, mode="w:gz"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode, format=tarfile.PAX_FORMAT) as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress)],
)
def test_a_table_that_swells_is_refused(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(b"label,text\n" + ROW * (SIZE // len(ROW))))
    with pytest.raises(DataError, match=rf"{name}.*: [\d,]+ compressed bytes become more than 200"):
        load_corpus(tmp_path / name)


def test_a_document_of_a_zip_that_swells_is_refused_before_it_is_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.txt", b"meow")
        archive.writestr("dog/1.txt", bytes(SIZE))
    with (
        pytest.raises(DataError, match=r"a\.zip: [\d,]+ compressed bytes become"),
        open_members(tmp_path / "a.zip") as members,
    ):
        list(members)


def test_a_document_of_a_tar_that_swells_is_refused(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tar_of((tarfile.TarInfo("cat/1.txt"), b"a" * SIZE)))
    with pytest.raises(DataError, match=r"[\d,]+ compressed bytes become more than 200"):
        load_corpus(path)


def test_a_header_of_a_tar_that_swells_is_refused(tmp_path):
    member = tarfile.TarInfo("cat/1.txt")
    member.pax_headers = {"comment": "a" * SIZE}
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tar_of((member, b"meow")))
    with pytest.raises(DataError, match=r"a\.tar\.gz: [\d,]+ compressed bytes become"):
        load_corpus(path)


def test_a_tar_that_is_nothing_but_a_hole_is_refused(tmp_path):
    member = tarfile.TarInfo("cat/1.txt")
    sizes = {"GNU.sparse.size": SIZE, "GNU.sparse.numblocks": 1, "GNU.sparse.map": "0,1"}
    member.pax_headers = {name: str(value) for name, value in sizes.items()}
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of((member, b"m"), mode="w"))
    with pytest.raises(DataError, match="compressed bytes become more than 200"):
        load_corpus(path)


@pytest.mark.parametrize("size", [b"\x80" + b"\xff" * 11, b"\xff" * 12, b"77777777777\0"])
def test_a_length_that_no_file_has_is_refused(tmp_path, size):
    data = bytearray(tar_of((tarfile.TarInfo("cat/1.txt"), b"meow"), mode="w"))
    data[124:136] = size
    data[148:156] = b"%06o\0 " % (256 + sum(data[:148]) + sum(data[156:512]))
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.tar"):
        load_corpus(tmp_path / "a.tar")


def test_an_ordinary_table_that_shrinks_well_is_read(tmp_path):
    text = b"".join(b"cat,meow %d times\n" % i for i in range(20_000))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"label,text\n" + text))
    assert len(load_corpus(tmp_path / "a.csv.gz")) == 20_000
