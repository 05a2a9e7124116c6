"""Folders and archives that hold tables."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from textrep.data import DataError, load_corpus, stream_corpus
from textrep.data.readers import archives
from textrep.data.readers.parts import find_tables, part_of

TRAIN, TEST = "label,text\ncat,meow\ndog,woof\n", "label,text\ncat,purr\n"
PARTED = {"train.csv": TRAIN, "test.csv": TEST}


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


def tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=["folder", "tar", "zip"])
def pack(request, tmp_path):
    makers = {
        "folder": lambda files: folder(tmp_path / "pets", files),
        "tar": lambda files: tar(tmp_path / "pets.tar.gz", files),
        "zip": lambda files: zipped(tmp_path / "pets.zip", files),
    }

    def make(files: dict[str, str | bytes]) -> Path:
        raw = {k: v if isinstance(v, bytes) else v.encode() for k, v in files.items()}
        return makers[request.param](raw)

    return make


@pytest.mark.parametrize(
    "files",
    [
        PARTED,
        {"data/train.csv": TRAIN, "data/test.csv": TEST, "README.md": "words", "data/.x": "y"},
        {"pets_csv/train.csv": TRAIN, "pets_csv/test.csv": TEST, "pets_csv/classes.txt": "cat\n"},
        {"train/0000.csv": TRAIN, "test/0000.csv": TEST},
        {"pets-train.csv": TRAIN, "pets-test.csv.gz": gzip.compress(TEST.encode())},
        {"train.tsv": TRAIN.replace(",", "\t"), "test.csv": TEST},
        {"train.txt": "cat\tmeow\ndog\twoof\n", "test.txt": "cat\tpurr\n", "LICENSE": "CC0"},
        {"train.jsonl": '{"text": "meow", "label": "cat"}\n{"text": "woof", "label": "dog"}\n',
         "test.jsonl": '{"text": "purr", "label": "cat"}\n'},
    ],
)  # fmt: skip
def test_one_table_a_part_is_a_corpus_with_a_split(pack, files):
    path = pack(files)
    corpus = load_corpus(path)
    found = sorted(zip(corpus.texts, corpus.labels, corpus.split, strict=True))
    assert found == [("meow", "cat", "train"), ("purr", "cat", "test"), ("woof", "dog", "train")]
    assert corpus.name == "pets"
    assert load_corpus(path, split="test").texts == ["purr"]
    assert load_corpus(path, split="train").split is None
    pieces = list(stream_corpus(path, chunk_size=2))
    assert [text for piece in pieces for text in piece.texts] == corpus.texts
    with pytest.raises(DataError, match="split='dev': there is only test, train; leave split out"):
        load_corpus(path, split="dev")


@pytest.mark.parametrize("name", ["pets.csv", "a/b/pets.csv", "pets/corpus"])
def test_one_table_alone_is_the_corpus(pack, name):
    content = TRAIN if name.endswith("csv") else TRAIN.replace(",", "\t")
    corpus = load_corpus(pack({name: content, "__MACOSX/._x.csv": "junk", "_about.txt": "words"}))
    assert (corpus.texts, corpus.split) == (["meow", "woof"], None)


def test_shards_are_read_one_after_the_other(pack):
    files = {f"train-{i:05}-of-00003.csv": f"label,text\na,{i}\n" for i in range(3)}
    corpus = load_corpus(pack(files))
    assert (corpus.texts, corpus.parts) == (["0", "1", "2"], ("train",))
    assert corpus.notes[0] == "3 files, read one after the other"
    assert load_corpus(pack(files), split="train").texts == ["0", "1", "2"]


def test_what_is_no_part_is_passed_over_and_noted(pack):
    others = {"sample_submission.csv": "id,label\n1,cat\n", "notes.txt": "words"}
    corpus = load_corpus(pack(PARTED | others))
    assert corpus.parts == ("test", "train")
    assert corpus.notes[0] == "passed over: 'notes.txt', 'sample_submission.csv'"


def test_a_folder_of_folders_stays_one_beside_a_stray_table(pack):
    corpus = load_corpus(pack({"cat/1.txt": "meow", "dog/1.txt": "woof", "index.csv": TRAIN}))
    assert (corpus.texts, corpus.labels) == (["meow", "woof"], ["cat", "dog"])


def test_documents_called_like_tables_are_documents_of_their_folders(pack):
    corpus = load_corpus(pack({"cat/1.csv": "meow", "dog/train.csv": "woof"}))
    assert corpus.labels == ["cat", "dog"]
    corpus = load_corpus(pack({"cat/1.csv": "meow", "dog/train.csv": "woof"}), encoding="utf-8")
    assert corpus.texts == ["meow", "woof"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": TRAIN, "b.csv": TEST}, "2 tables, 'a.csv', 'b.csv'; expected one, or one for"),
        ({"train.csv": TRAIN, "train.tsv": TEST}, "the same part in several formats, .csv, .tsv"),
        ({"train.csv": TRAIN, "train.csv.gz": gzip.compress(TEST.encode())}, "several formats"),
        ({"a.txt": "loose", "b.txt": "files"}, "no documents found"),
        ({"README": "words"}, "no documents found"),
        ({"train.csv": TRAIN, "test.csv": "text\npurr\n"}, "and the files before it"),
        (
            {"train.csv": TRAIN, "test.csv": "label,text\ncat\n"},
            r"test\.csv, line 2, column 2: 1 c",
        ),
        ({"train.csv": TRAIN, "test.csv": b""}, r"test\.csv: the file is empty"),
        ({"train.csv": TRAIN, "test.csv.gz": b"PK"}, r"test\.csv\.gz: not a sound file"),
    ],
)
def test_errors_name_the_files(pack, files, message):
    with pytest.raises(DataError, match=message):
        load_corpus(pack(files))


def test_text_and_label_mean_nothing_to_a_folder_of_folders(pack):
    with pytest.raises(DataError, match="text and label are for tables, and this is a folder"):
        load_corpus(pack({"cat/1": "meow", "dog/1": "woof"}), label=False)


def test_columns_are_chosen_in_every_part(pack):
    files = {"train.csv": "a,b,c\n1,x,y\n", "test.csv": "c,b,a\n4,5,6\n"}
    corpus = load_corpus(pack(files), text="a", label="b")
    assert sorted(zip(corpus.texts, corpus.labels, strict=True)) == [("1", "x"), ("6", "5")]


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "..\\evil.csv", "C:\\evil.csv"])
@pytest.mark.parametrize("make", [tar, zipped])
def test_members_that_lead_out_of_the_archive_are_refused(tmp_path, make, name):
    path = make(tmp_path / ("a.zip" if make is zipped else "a.tgz"), {name: TRAIN.encode()})
    with pytest.raises(DataError, match="leads out of the archive"):
        load_corpus(path)


def test_a_damaged_member_is_named(tmp_path):
    path = zipped(tmp_path / "a.zip", {"train.csv": (TRAIN * 99).encode()})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip.train\.csv: not a sound file|a\.zip: not a sound"):
        load_corpus(path)


def test_streaming_a_tar_gives_the_documents_as_they_lie_in_it(tmp_path):
    files = {"dog/1": b"woof", "cat/2": b"mew", "cat/1": b"meow"}
    path = tar(tmp_path / "pets.tgz", files)
    assert load_corpus(path).texts == ["meow", "mew", "woof"]
    pieces = list(stream_corpus(path, chunk_size=2))
    assert [piece.texts for piece in pieces] == [["woof", "mew"], ["meow"]]
    assert [piece.labels for piece in pieces] == [["dog", "cat"], ["cat"]]


def test_a_part_of_a_folder_of_folders_is_streamed_alone(pack):
    path = pack({"train/cat/1": "meow", "test/cat/1": "purr", "train/dog/1": "woof"})
    (piece,) = stream_corpus(path, split="train")
    assert (sorted(piece.texts), piece.split) == (["meow", "woof"], None)
    with pytest.raises(DataError, match="split='dev': there is only test, train"):
        list(stream_corpus(path, split="dev"))


def test_tables_of_an_archive_are_never_read_as_a_whole(tmp_path, monkeypatch):
    def forbidden(member):
        raise AssertionError(member.parts)

    monkeypatch.setattr(archives.Member, "read", forbidden)
    for make, name in ((tar, "a.tgz"), (zipped, "a.zip")):
        files = {"train.csv": TRAIN.encode(), "test.txt": b"cat\tpurr\n"}
        assert len(load_corpus(make(tmp_path / name, files))) == 3


def test_parts_have_many_names():
    names = "train training 20news-bydate-test en_dev val valid validation testing"
    assert [part_of(name) for name in names.split()] == [
        *("train", "train", "test", "validation", "validation", "validation", "validation", "test")
    ]
    assert part_of("brain") is part_of("contest") is part_of("") is None


def test_parts_are_found_behind_dots():
    paths = [("ptb.train.txt",), ("ptb.valid.txt",), ("ptb.test.txt",)]
    tables, _ = find_tables(paths, Path("ptb"))
    assert [(paths[at][0][4:-4], part) for at, part in tables] == [
        *(("test", "test"), ("train", "train"), ("valid", "validation"))
    ]


@pytest.mark.parametrize(
    "content", [b"", b"text", gzip.compress(b"text")], ids=["empty", "text", "gzip"]
)
def test_what_is_no_tar_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "pets.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not a sound archive: .*; get it again") as raised:
        load_corpus(path)
    assert "\n" not in str(raised.value)
