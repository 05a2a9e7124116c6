"""Folders of folders, on disk and in archives."""

from __future__ import annotations

import contextlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError
from textrep.data.readers.folders import read_documents

PLAIN = {"README": "read me", "cat/1.txt": "meow", "cat/2.txt": "mew", "dog/1.txt": "woof"}
SPLIT = {
    "pets/README": "read me",
    "pets/train/list.txt": "no class",
    "pets/train/cat/1": "meow",
    "pets/train/dog/1": "woof",
    "pets/test/cat/9": "purr",
}
DATED = {"x-train/cat/1": "meow", "x-train/dog/1": "woof", "x-test/cat/2": "purr"}


def folder(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


def tar(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture(params=["folder", "tar", "zip"])
def pack(request, tmp_path):
    makers = {
        "folder": lambda files: folder(tmp_path / "data", files),
        "tar": lambda files: tar(tmp_path / "data.tar.gz", files),
        "zip": lambda files: zipped(tmp_path / "data.zip", files),
    }
    return makers[request.param]


def summary(path: Path, **options) -> list[tuple[str, str, str | None]]:
    return [(doc.text, doc.label, doc.part) for doc in read_documents(path, **options)]


def test_a_sub_folder_is_a_class(pack):
    expected = [("meow", "cat", None), ("mew", "cat", None), ("woof", "dog", None)]
    assert summary(pack(PLAIN)) == expected


@pytest.mark.parametrize("files", [SPLIT, DATED], ids=["wrapped", "dated"])
def test_train_and_test_above_the_classes_are_parts(pack, files):
    expected = [("purr", "cat", "test"), ("meow", "cat", "train"), ("woof", "dog", "train")]
    assert summary(pack(files)) == expected


def test_classes_called_train_and_boat_are_classes(pack):
    expected = [("float", "boat", None), ("choo", "train", None)]
    assert summary(pack({"train/1": "choo", "boat/1": "float"})) == expected


def test_hidden_files_are_passed_over(pack):
    files = PLAIN | {"cat/.DS_Store": "x", "__MACOSX/cat/1.txt": "y", ".git/a/b": "z"}
    assert len(summary(pack(files))) == 3


def test_only_the_classes_asked_for(pack):
    assert summary(pack(PLAIN), classes=["dog"]) == [("woof", "dog", None)]


def test_no_document_is_an_error(pack):
    with pytest.raises(DataError, match="no documents found; expected a sub-folder for each class"):
        summary(pack({"a.txt": "loose", "b.txt": "files"}))


@pytest.mark.parametrize("name", ["../evil/1", "a/../../evil", "/etc/1", "..\\evil\\1", "C:/a/b"])
@pytest.mark.parametrize("make", [tar, zipped])
def test_members_that_lead_out_of_the_archive_are_refused(tmp_path, make, name):
    path = make(tmp_path / ("a.zip" if make is zipped else "a.tar.gz"), PLAIN | {name: "x"})
    with pytest.raises(DataError, match="leads out of the archive"):
        read_documents(path)


def test_links_in_an_archive_are_not_followed(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("cat/passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(DataError, match="no documents found"):
        read_documents(path)


def test_an_undecodable_document_is_named_with_its_line(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    (path / "dog" / "1.txt").write_bytes(b"woof\nb\xe4h")
    with pytest.raises(DataError, match=r"dog.1\.txt, line 2, column 2: byte 0xe4 is not valid"):
        read_documents(path)
    assert read_documents(path, encoding="latin-1")[-1].text == "woof\nbäh"
    with pytest.raises(DataError, match="encoding='klingon' is not known"):
        read_documents(path, encoding="klingon")


def test_a_binary_file_is_named(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    (path / "cat" / "photo.png").write_bytes(b"\x89PNG\0")
    with pytest.raises(DataError, match=r"photo\.png: a NUL byte"):
        read_documents(path)


def test_damaged_archives_are_data_errors(tmp_path):
    whole = tar(tmp_path / "a.tar.gz", SPLIT).read_bytes()
    (tmp_path / "a.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not a sound archive"):
        read_documents(tmp_path / "a.tar.gz")
    (tmp_path / "a.zip").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match="not a sound archive"):
        read_documents(tmp_path / "a.zip")


@given(at=st.integers(0, 2**16), byte=st.integers(0, 255), kind=st.sampled_from(["tar", "zip"]))
def test_an_archive_with_a_wrong_byte_raises_nothing_else(tmp_path_factory, at, byte, kind):
    folder = tmp_path_factory.mktemp("archive")
    path = tar(folder / "a.tar.gz", SPLIT) if kind == "tar" else zipped(folder / "a.zip", SPLIT)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert read_documents(path)
