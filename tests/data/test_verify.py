"""Holding a corpus to its card: checksums, numbers of documents, files that are no texts."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from textrep.data import DataError, names
from textrep.data import cards as cards_module
from textrep.data.cards import Card, CardFile
from textrep.data.counting import Difference, differences, expected_documents, total
from textrep.data.inspecting import count_file
from textrep.data.verification import FileCheck, verify

SHARED = os.environ.get("TEXTREP_DATA")
LINES = b"cat\tmeow\ndog\twoof\ndog\tgrr\n"
COUNTS = st.dictionaries(
    st.sampled_from(["train", "test", "all"]),
    st.integers(0, 5) | st.dictionaries(st.sampled_from("abc"), st.integers(1, 5), min_size=1),
)


@pytest.fixture
def places(tmp_path, monkeypatch):
    for name in ("corpora", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(cards_module, "corpora_dir", lambda: tmp_path / "corpora")
    monkeypatch.setenv("TEXTREP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path / "cache"))
    return tmp_path


def write_card(places: Path, files: str, expected: str, options: str = "", reader: str = "table"):
    options = options or "delimiter = 'tab'\ntext = 1\nlabel = 0\nheader = false"
    (places / "corpora" / "pets.toml").write_text(
        'name = "pets"\ntitle = "Pets"\ntask = "t"\nlicence = "CC0"\ncitation = ""\n'
        f'homepage = "https://example.org/pets"\nreader = "{reader}"\n{files}\n'
        f"[options]\n{options}\n[expected]\n{expected}\n"
    )


def write(places: Path, name: str, content: bytes) -> Path:
    path = places / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def test_a_corpus_as_published_is_right(places):
    path = write(places, "a.tsv", LINES)
    write_card(
        places,
        f'[[files]]\npath = "a.tsv"\nchecksum = "{md5(LINES)}"\n',
        "counts.all = { cat = 1, dog = 2 }",
    )
    result = verify("pets", verbose=0)
    assert result.ok
    assert result.documents == 3
    assert result.counts == {"all": {"cat": 1, "dog": 2}}
    assert result.files == (FileCheck("a.tsv", path, "right"),)


def test_other_numbers_are_differences(places):
    write(places, "a.tsv", LINES)
    write_card(places, '[[files]]\npath = "a.tsv"\n', "counts.all = { cat = 2, cow = 1, dog = 2 }")
    result = verify("pets", verbose=0)
    assert not result.ok
    assert result.differences == (
        Difference("all", "cat", 2, 1),
        Difference("all", "cow", 1, None),
    )
    assert result.files[0].state == "unknown"


def test_another_checksum_is_told_even_where_all_numbers_agree(places):
    path = write(places, "a.tsv", LINES)
    write_card(
        places,
        f'[[files]]\npath = "a.tsv"\nchecksum = "sha256:{"0" * 64}"\n',
        "counts.all = 3",
    )
    result = verify("pets", verbose=0)
    assert not result.ok
    assert result.differences == ()
    found = f"sha256:{hashlib.sha256(LINES).hexdigest()}"
    published = f"sha256:{'0' * 64}"
    assert result.files == (FileCheck("a.tsv", path, "wrong", found, published),)


def test_a_compressed_copy_is_held_to_the_checksum_of_what_is_in_it(places):
    write(places, "a.tsv.gz", gzip.compress(LINES))
    files = f'[[files]]\npath = "a.tsv"\nchecksum = "{md5(LINES)}"\n'
    write_card(places, files, "counts.all = 3")
    assert verify("pets", verbose=0).files[0].state == "right"
    # A file that is published in this form is taken as it is.
    write(places, "b.tsv.gz", gzip.compress(LINES))
    content = (places / "data/b.tsv.gz").read_bytes()
    files = f'[[files]]\npath = "b.tsv.gz"\nchecksum = "{md5(content)}"\n'
    write_card(places, files, "counts.all = 3")
    assert verify("pets", verbose=0).ok


def test_the_checksum_of_an_archive_is_looked_at_while_the_archive_is_here(places):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("in/a.tsv", LINES)
    packed = buffer.getvalue()
    write(places, "pets.zip", packed)
    files = (
        '[[files]]\npath = "a.tsv"\nurl = "https://example.org/pets.zip"\nmember = "in/a.tsv"\n'
        f'checksum = "{md5(packed)}"\n'
    )
    write_card(places, files, "counts.all = 3")
    assert verify("pets", verbose=0).files[0].state == "right"
    (places / "data/pets.zip").unlink()
    result = verify("pets", verbose=0)  # unpacked by the first call
    assert result.files[0].state == "unpacked"
    assert result.ok


def test_of_parts_that_are_missing_the_others_are_counted(places):
    write(places, "a.tsv", LINES)
    files = "".join(
        f'[[files]]\npath = "{name}.tsv"\nsplit = "{split}"\n'
        for name, split in (("a", "train"), ("b", "test"))
    )
    write_card(places, files, "counts.train = 3\ncounts.test = { cat = 1, dog = 1 }")
    result = verify("pets", verbose=0)
    assert result.counts == {"train": 3}
    assert result.differences == (Difference("test", "", 2, None),)
    assert [check.state for check in result.files] == ["unknown", "missing"]


def test_a_file_that_cannot_be_read_is_a_fault_and_the_others_are_counted(places):
    write(places, "a.tsv", LINES)
    write(places, "b.tsv", b"\xff\tx\n")
    files = "".join(
        f'[[files]]\npath = "{name}.tsv"\nsplit = "{split}"\n'
        for name, split in (("b", "test"), ("a", "train"))
    )
    write_card(places, files, "counts = { train = 3, test = 1 }")
    result = verify("pets", verbose=0)
    assert result.counts == {"train": 3}
    assert len(result.faults) == 1
    assert "b.tsv, line 1" in result.faults[0]
    assert not result.ok


def test_a_corpus_that_grows_has_a_least_number(places):
    write(places, "a.tsv", LINES)
    write_card(places, '[[files]]\npath = "a.tsv"\n', "minimum_documents = 3")
    assert verify("pets", verbose=0).ok
    write_card(places, '[[files]]\npath = "a.tsv"\n', "minimum_documents = 4\nminimum_classes = 3")
    assert verify("pets", verbose=0).differences == (
        Difference("all", "(documents)", 4, 3, at_least=True),
        Difference("all", "(classes)", 3, 2, at_least=True),
    )


def test_texts_and_labels_of_two_files_are_counted_together(places):
    write(places, "en", b"one\ntwo\n")
    write(places, "de", b"eins\nzwei\n")
    files = (
        '[[files]]\npath = "en"\nsplit = "train"\n'
        '[[files]]\npath = "de"\nsplit = "train"\nrole = "labels"\n'
    )
    write_card(places, files, "counts.train = 2", options="blank = 'keep'", reader="lines")
    assert verify("pets", verbose=0).ok
    write(places, "de", b"eins\n")
    result = verify("pets", verbose=0)
    assert result.faults
    assert not result.ok


def test_nothing_is_fetched(places):
    write_card(places, '[[files]]\npath = "a"\nurl = "http://127.0.0.1:9/a"\n', "counts.all = 1")
    result = verify("pets", verbose=0)
    assert result.files == (FileCheck("a", None, "missing"),)
    assert result.differences == (Difference("all", "", 1, None),)


@given(expected=COUNTS, found=COUNTS)
def test_differences_are_exactly_where_the_numbers_differ(expected, found):
    apart = differences(expected, found)
    for each in apart:
        assert each.expected != each.found
    parts = {each.part for each in apart}
    for part in expected.keys() | found.keys():
        mine, yours = expected.get(part), found.get(part)
        if isinstance(mine, dict) and isinstance(yours, dict):
            assert (part in parts) == (mine != yours)
            labels = {each.label for each in apart if each.part == part}
            same = {label for label in mine if mine[label] == yours.get(label)}
            assert labels == (mine.keys() | yours.keys()) - same
        else:
            numbers = [None if each is None else total(each) for each in (mine, yours)]
            assert (part in parts) == (numbers[0] != numbers[1])
    assert differences(expected, expected) == []


def test_what_a_card_expects_is_summed():
    assert expected_documents({"counts": {"a": 3, "b": {"x": 1, "y": 2}}}) == (6, False)
    assert expected_documents({"minimum_documents": 5}) == (5, True)
    assert expected_documents({}) is None


# Files that are not texts.


def card(**options) -> Card:
    return Card("pets", "", "", "", "", "", (), "files", options)


def count(path: Path, content: bytes, **options):
    path.write_bytes(content)
    return count_file(card(**options), CardFile(path.name), path)[1]


def idx(array: np.ndarray, code: int = 8) -> bytes:
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.tobytes()


def test_idx_files_hold_as_many_items_as_their_head_says(tmp_path):
    path = tmp_path / "x.gz"
    pictures = np.zeros((7, 4, 4), np.uint8)
    assert count(path, gzip.compress(idx(pictures)), count="idx") == 7
    labels = np.array([3, 1, 3, 10], np.uint8)
    assert count(tmp_path / "x", idx(labels), count="idx") == {"1": 1, "3": 2, "10": 1}
    wide = np.arange(6, dtype=">i4").reshape(3, 2)
    assert count(tmp_path / "x", idx(wide, 12), count="idx") == 3
    for broken in (
        idx(pictures)[:-1],
        idx(pictures) + b"\0",
        idx(labels)[:-1],
        b"\0\0\x08",
        b"\0\0\x07\x01\0\0\0\0",
        b"",
        gzip.compress(idx(pictures))[:-9],
    ):
        with pytest.raises(DataError, match=r"x: damaged, or not what"):
            count(tmp_path / "x", broken, count="idx")


def test_members_of_archives_are_counted_by_folder(tmp_path):
    members = {"c/cat/1": b"", "c/cat/2": b"", "c/dog/1": b"", "top": b""}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        folder = tarfile.TarInfo("c/cow")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in members:
            archive.addfile(tarfile.TarInfo(name))
    expected = {"": 1, "cat": 2, "dog": 1}
    assert count(tmp_path / "x.tar.gz", buffer.getvalue(), count="members") == expected
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as packed:
        packed.mkdir("c/cow")
        for name, content in members.items():
            packed.writestr(name, content)
    assert count(tmp_path / "x.zip", zipped.getvalue(), count="members") == expected
    with pytest.raises(DataError, match="damaged"):
        count(tmp_path / "x.tar.gz", b"no archive", count="members")


def test_the_last_dimension_of_matlab_variables_is_counted(tmp_path):
    pieces = np.empty((1, 3), object)
    for number in range(3):
        pieces[0, number] = np.zeros((5, 88))
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"train": pieces, "faces": np.zeros((64, 9), np.uint8)})
    content = buffer.getvalue()
    assert count(tmp_path / "x.mat", content, count="mat") == {"faces": 9, "train": 3}
    assert count(tmp_path / "x.mat", content, count="mat", variables=["train"]) == {"train": 3}
    with pytest.raises(DataError, match="damaged"):
        count(tmp_path / "x.mat", b"MATLAB?", count="mat")


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("json", json.dumps({"train": [1, 2], "test": []}).encode(), {"train": 2, "test": 0}),
        ("json", b"[1, 2, 3]", 3),
        ("lines", b"a\nb\n", 2),
        ("lines", b"a\nb", 2),
        ("lines", b"", 0),
        ("tunes", b"% X: 3\nX:1\nT:a\n\nX: 2\n", 2),
        ("misspellings", b"access: acess\nbig: bigg begg\n", 3),
        ("misspellings", b"$Albert\r\nAb\r\n$America\r\nAmeraca\r\nAmercia\r\n", 3),
        ("pictures", b"\xff\xd8\xff\xe0JFIF", 1),
        ("pictures", b"\x89PNG\r\n\x1a\n...", 1),
    ],
)
def test_small_files_are_counted(tmp_path, kind, content, expected):
    assert count(tmp_path / "x", content, count=kind) == expected


@pytest.mark.parametrize(
    ("kind", "content"),
    [("json", b"{"), ("json", b"3"), ("json", b"\xff"), ("pictures", b"GIF89a"), ("pictures", b"")],
)
def test_files_that_are_something_else_are_errors(tmp_path, kind, content):
    with pytest.raises(DataError, match="x: damaged, or not what x should be"):
        count(tmp_path / "x", content, count=kind)


@pytest.mark.parametrize(
    "options", [{}, {"count": "magic"}, {"count": {"y": "lines"}}, {"count": 3}]
)
def test_a_card_that_does_not_say_what_to_count_is_named(tmp_path, options):
    with pytest.raises(DataError, match=r"the card of corpus 'pets' says count=.* for x; expected"):
        count(tmp_path / "x", b"", **options)


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "x")
    for kind in ("lines", "members", "mat", "json"):
        with pytest.raises(DataError, match="a pipe, not a file"):
            count_file(card(count=kind), CardFile("x"), tmp_path / "x")


@given(content=st.binary(max_size=60), kind=st.sampled_from(["idx", "json", "lines", "members"]))
def test_any_bytes_are_counted_or_a_data_error(tmp_path_factory, content, kind):
    try:
        found = count(tmp_path_factory.mktemp("any") / "x", content, count=kind)
    except DataError:
        return
    assert isinstance(found, (int, dict))


def test_pictures_and_their_labels_must_be_as_many(places):
    options = "count = 'idx'"
    files = (
        '[[files]]\npath = "images"\nsplit = "train"\n'
        '[[files]]\npath = "labels"\nsplit = "train"\nrole = "labels"\n'
    )
    write_card(places, files, 'counts.train = { "0" = 2, "1" = 1 }', options, "files")
    write(places, "images", idx(np.zeros((3, 2, 2), np.uint8)))
    write(places, "labels", idx(np.array([0, 1, 0], np.uint8)))
    assert verify("pets", verbose=0).ok
    write(places, "images", idx(np.zeros((4, 2, 2), np.uint8)))
    assert verify("pets", verbose=0).faults == ("train: 4 in one file, 3 in another",)


def test_files_without_parts_are_counted_by_name(places):
    files = '[[files]]\npath = "a"\n[[files]]\npath = "b"\n'
    write_card(places, files, "counts = { a = 2, b = 1 }", "count = 'lines'", "files")
    write(places, "a", b"1\n2\n")
    write(places, "b", b"1\n")
    assert verify("pets", verbose=0).ok
    write_card(places, files, "counts.all = 2", "count = 'pictures'", "files")
    for name in "ab":
        write(places, name, b"\xff\xd8\xff")
    assert verify("pets", verbose=0).ok


# What the project's own cards expect, beside files that were published.


@pytest.mark.skipif(SHARED is None, reason="TEXTREP_DATA is not set: no published data here")
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if name != "docstrings"])
def test_published_files_have_the_numbers_of_their_cards(name, monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTREP_CACHE", str(tmp_path))
    result = verify(name, verbose=0)
    here = [check for check in result.files if check.found is not None]
    if not here:
        pytest.skip(f"TEXTREP_DATA holds no file of {name}")
    assert result.faults == ()
    # A copy may hold a part of what is published.
    whole = len(here) == len(result.files)
    assert [each for each in result.differences if whole or each.found is not None] == []
    assert result.documents > 0
