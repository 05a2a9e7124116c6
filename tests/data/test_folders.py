"""Folders of folders, on disk and in archives."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError, load_corpus
from textrep.data.readers import files, source
from textrep.data.readers.archives import open_members
from textrep.data.readers.folders import Document, Held, documents

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


def read_documents(path: Path, **options) -> list[Document]:
    with open_members(path) as members:
        held = sorted(map(Held, members), key=lambda each: each.member.parts)
        return list(documents(held, path, **options))


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


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_what_is_no_file_in_a_tar_is_refused_and_not_lost(tmp_path, kind):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("cat/passwd")
        link.type, link.linkname = kind, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(DataError, match=r"a\.tar.cat.passwd: a link, pipe or device"):
        read_documents(path)


def test_a_link_in_a_zip_is_not_taken_for_a_document(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("cat/passwd")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"a\.zip.cat.passwd: a link, pipe or device"):
        read_documents(path)


def test_a_hard_link_in_a_tar_is_the_file_it_names(tmp_path):
    path = tar(tmp_path / "a.tar.gz", {"cat/1": "meow", "dog/1": "woof"})
    with tarfile.open(tmp_path / "b.tar", "w") as archive, tarfile.open(path) as old:
        for member in old:
            archive.addfile(member, old.extractfile(member))
        twin = tarfile.TarInfo("dog/2")
        twin.type, twin.linkname = tarfile.LNKTYPE, "dog/1"
        archive.addfile(twin)
    assert summary(tmp_path / "b.tar")[-1] == ("woof", "dog", None)


def test_a_hard_link_that_leads_nowhere_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        lost = tarfile.TarInfo("dog/2")
        lost.type, lost.linkname = tarfile.LNKTYPE, "dog/1"
        archive.addfile(lost)
    with pytest.raises(DataError, match=r"a\.tar.dog.2: a link, pipe or device"):
        read_documents(tmp_path / "a.tar")


def test_a_linked_folder_is_read(tmp_path):
    path = folder(tmp_path / "data", {"cat/1": "meow"})
    folder(tmp_path / "elsewhere", {"1": "woof"})
    (path / "dog").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert summary(path) == [("meow", "cat", None), ("woof", "dog", None)]


@pytest.mark.parametrize("target", ["..", "../dog", "."])
def test_a_folder_that_would_be_read_twice_or_for_ever_is_refused(tmp_path, target):
    path = folder(tmp_path / "data", PLAIN)
    (path / "cat" / "again").symlink_to(target, target_is_directory=True)
    with pytest.raises(DataError, match=r"a link to a folder that is read already, as .*; remove"):
        read_documents(path)


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    (path / "cat" / "gone").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"cat.gone: cannot be read: No such file"):
        read_documents(path)


def test_a_folder_deeper_than_pythons_stack_is_read(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    deep = path / "cat"
    for _ in range(1200):
        deep /= "d"
        deep.mkdir()
    (deep / "1").write_text("purr")
    assert ("purr", "cat", None) in summary(path)
    # Removed here, because pytest's own cleaning exhausts the stack.
    (deep / "1").unlink()
    while deep != path / "cat":
        deep.rmdir()
        deep = deep.parent


@pytest.mark.parametrize("where", ["cat/pipe", "pipe"])
def test_a_pipe_in_a_folder_is_refused_without_being_opened(tmp_path, where):
    path = folder(tmp_path / "data", PLAIN)
    os.mkfifo(path / where)
    with pytest.raises(DataError, match=r"pipe: a pipe, not a file; save"):
        read_documents(path)


def test_a_socket_in_a_folder_is_refused(tmp_path, monkeypatch):
    path = folder(tmp_path / "data", PLAIN)
    monkeypatch.chdir(path / "cat")  # the path of a socket has room for a hundred bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(DataError, match=r"cat.socket: a socket, not a file; take it out"):
            read_documents(path)


def test_a_link_to_a_device_is_refused(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    (path / "cat" / "zero").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"cat.zero: a device, not a file"):
        read_documents(path)


def test_a_file_name_cannot_break_the_message(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    (path / "cat" / os.fsdecode(b"\x1b[31m\nred\xff")).write_bytes(b"\0")
    with pytest.raises(DataError, match="NUL byte") as error:
        read_documents(path)
    assert str(error.value).isprintable()
    assert r"\x1b[31m\nred\udcff: a NUL byte" in str(error.value)


def test_a_document_that_would_fill_the_memory_is_refused(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    with (path / "cat" / "huge").open("wb") as file:
        file.truncate(1 << 42)  # sparse: it takes no room on the disk
    with pytest.raises(DataError, match=r"cat.huge: 4,398,046,511,104 bytes, more than a document"):
        read_documents(path)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_made_to_fill_the_memory_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(files, "MAX_DOCUMENT", 1000)
    content = {"cat/1": "meow", "cat/2": "0" * 1001}
    path = (tar if kind == "tar" else zipped)(tmp_path / f"a.{kind}", content)
    with pytest.raises(DataError, match=r"cat.2: 1,001 bytes, more than a document may have"):
        read_documents(path)


def test_when_the_memory_is_full_the_path_is_named(tmp_path, monkeypatch):
    def exhausted(path):
        raise MemoryError

    path = folder(tmp_path / "data", PLAIN)
    monkeypatch.setattr(source, "open_file", exhausted)
    with pytest.raises(DataError, match="data: too large for the memory"):
        read_documents(path)


def test_documents_in_utf_16_are_read_when_asked_for(tmp_path):
    path = folder(tmp_path / "data", PLAIN)
    (path / "dog" / "1.txt").write_bytes("woof".encode("utf-16"))
    for name in ("1", "2"):
        (path / "cat" / f"{name}.txt").write_bytes("мяу".encode("utf-16"))
    (path / "README").write_bytes(b"")
    assert [text for text, *_ in summary(path, encoding="utf-16")] == ["мяу", "мяу", "woof"]


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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_documents_in_a_wide_encoding_are_told_its_name(tmp_path, encoding):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"caf\u00e9 {name}", encoding=encoding)
    with pytest.raises(DataError, match=rf"cat/1\.txt: the file is in {encoding}; pass encoding="):
        load_corpus(tmp_path)
    assert load_corpus(tmp_path, encoding=encoding).texts == ["caf\u00e9 cat", "caf\u00e9 dog"]
