"""Tables, lines, folders and archives of texts."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
from pyarrow import parquet

from tests.hostile.mutations import mutated_gzip, mutated_lines, mutated_zip
from tests.hostile.targets.target import Target
from textrep.contextual import read_conll
from textrep.data import load_corpus, stream_corpus

_ROWS = [("cat", "meow, and purr"), ("dog", "woof"), ("cat", 'she said "mew"'), ("dog", "жучка")]

_CSV = 'label,text\ncat,"meow, and purr"\ndog,woof\ncat,"she said ""mew"""\ndog,жучка\n'.encode()
_TSV = b"label\ttext\n" + "".join(f"{a}\t{b}\n" for a, b in _ROWS).encode()
_JSONL = (
    b'{"label": "cat", "text": "meow", "votes": 3}\n{"label": "dog", "text": "woof", "votes": 4}\n'
)
_CONLL = b"Ada NNP B-PER\nwrote VBD O\n\nShe PRP O\nslept VBD O\n"
_FILES = {"train/cat/1.txt": b"meow", "train/dog/1.txt": b"woof", "test/cat/2.txt": b"purr"}


def _always(data: bytes) -> Callable[[Path], bytes]:
    return lambda folder: data


def _tar(mode: str, folder: Path) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in {**_FILES, "train/cat/" + "long" * 40: b"mew"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def _zip(folder: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _FILES.items():
            archive.writestr(name, data)
    return made.getvalue()


def _parquet(folder: Path) -> bytes:
    made = io.BytesIO()
    labels, texts = zip(*_ROWS, strict=True)
    parquet.write_table(pyarrow.table({"label": labels, "text": texts}), made)
    return made.getvalue()


def _corpus(path: Path) -> object:
    return load_corpus(path)


def _streamed(path: Path) -> object:
    return list(stream_corpus(path, chunk_size=2))


TEXTS = (
    Target("csv", "pets.csv", _always(_CSV), _corpus),
    Target("csv, streamed", "pets.csv", _always(_CSV), _streamed),
    Target("tsv", "pets.tsv", _always(_TSV), _corpus),
    Target("jsonl", "pets.jsonl", _always(_JSONL), _corpus, mutated_lines),
    Target("parquet", "pets.parquet", _parquet, _corpus),
    Target("csv.gz", "pets.csv.gz", _always(gzip.compress(_CSV)), _corpus, mutated_gzip),
    Target("tsv.bz2", "pets.tsv.bz2", _always(bz2.compress(_TSV)), _corpus),
    Target("jsonl.xz", "pets.jsonl.xz", _always(lzma.compress(_JSONL)), _corpus),
    Target("zip", "pets.zip", _zip, _corpus, mutated_zip),
    Target("tar", "pets.tar", functools.partial(_tar, "w"), _corpus),
    Target("tar, streamed", "pets.tar", functools.partial(_tar, "w"), _streamed),
    Target("tar.gz", "pets.tar.gz", functools.partial(_tar, "w:gz"), _corpus, mutated_gzip),
    Target("tar.xz", "pets.tar.xz", functools.partial(_tar, "w:xz"), _corpus),
    Target("conll", "tags.conll", _always(_CONLL), read_conll),
)
