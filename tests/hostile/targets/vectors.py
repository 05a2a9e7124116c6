"""Files with word vectors and models of fastText."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import numpy as np

from tests.hostile.mutations import mutated_gzip
from tests.hostile.targets.target import Target
from textrep.embeddings import FastTextClassifier, WordVectors, read_vectors, write_vectors
from textrep.embeddings.formats import FastTextFile, read_fasttext, write_fasttext

_WORDS = ["so", "much", "text", "жучка"]
_MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


def _written(format_: str, folder: Path) -> bytes:
    path = folder / "written"
    write_vectors(WordVectors(_WORDS, _MATRIX), path, format=format_)
    return _taken(path)


def _packed(format_: str, folder: Path) -> bytes:
    return gzip.compress(_written(format_, folder))


def _fasttext(supervised: bool, folder: Path) -> bytes:
    matrix = np.arange(27, dtype=np.float32).reshape(9, 3) / 7
    labels = ["__label__a", "__label__b"] if supervised else []
    file = FastTextFile(
        dim=3,
        words=_WORDS,
        counts=np.array([4, 3, 2, 1]),
        labels=labels,
        label_counts=[3, 2][: len(labels)],
        input=matrix,
        output=matrix[: 2 if supervised else 4],
        n_tokens=10,
        bucket=5,
        model="supervised" if supervised else "skipgram",
        loss="softmax" if supervised else "ns",
    )
    path = folder / "written"
    write_fasttext(path, file)
    return _taken(path)


def _taken(path: Path) -> bytes:
    data = path.read_bytes()
    path.unlink()
    return data


def _vectors(path: Path) -> object:
    return read_vectors(path, lazy=False).dense()


def _lazy_vectors(path: Path) -> object:
    return read_vectors(path).dense()


def _classifier(path: Path) -> object:
    return FastTextClassifier.load_fasttext(path).predict_proba(["so much", "unseen"])


VECTORS = (
    Target("word2vec text", "v.txt", functools.partial(_written, "word2vec-text"), _vectors),
    Target("word2vec binary", "v.bin", functools.partial(_written, "word2vec-binary"), _vectors),
    Target(
        *("word2vec binary, lazy", "v.bin"),
        *(functools.partial(_written, "word2vec-binary"), _lazy_vectors),
    ),
    Target("glove", "v.txt", functools.partial(_written, "glove"), _vectors),
    Target("glove.gz", "v.txt.gz", functools.partial(_packed, "glove"), _vectors, mutated_gzip),
    Target(
        *("word2vec binary.gz", "v.bin.gz"),
        *(functools.partial(_packed, "word2vec-binary"), _lazy_vectors, mutated_gzip),
    ),
    Target("fasttext bin", "m.bin", functools.partial(_fasttext, False), read_fasttext),
    Target("fasttext vectors", "m.bin", functools.partial(_fasttext, False), _vectors),
    Target("fasttext classifier", "m.bin", functools.partial(_fasttext, True), _classifier),
)
