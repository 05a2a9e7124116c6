"""Files are written whole or not at all where the disk is full, whatever writes them.

The disk is the real one; the system refuses what goes beyond a limit on the size of files.
"""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

import textrep
from tests.comparison.toy_results import make_result
from textrep.contextual.tagging.conll import write_conll
from textrep.embeddings import WordVectors, write_vectors
from textrep.embeddings.formats import FastTextFile, write_fasttext
from textrep.image import save_grid
from textrep.music import Score, Track, write_midi, write_wave

MATRIX = np.arange(300, dtype=np.float32).reshape(100, 3) / 7
VECTORS = WordVectors([f"word{i}" for i in range(100)], MATRIX)


def fasttext_file():
    return FastTextFile(
        dim=3, words=VECTORS.words, counts=np.ones(100, np.int64), input=MATRIX, output=MATRIX,
        n_tokens=100, bucket=0,
    )  # fmt: skip


SAVERS = {
    "model.textrep": lambda path: textrep.save(textrep.CountVectorizer().fit(["so much"]), path),
    "v.txt": lambda path: write_vectors(VECTORS, path),
    "v.bin": lambda path: write_vectors(VECTORS, path),
    "v.vec.gz": lambda path: write_vectors(VECTORS, path),
    "m.bin": lambda path: write_fasttext(path, fasttext_file()),
    "tags.conll": lambda path: write_conll(path, [["so", "much"]] * 99, [["O", "O"]] * 99),
    "tune.mid": lambda path: write_midi(
        Score([Track([(48 * i, 40, 60, 90) for i in range(99)])]), path
    ),
    "tone.wav": lambda path: write_wave(path, np.sin(np.arange(999)), 8000),
    "grid.png": lambda path: save_grid(path, np.random.default_rng(0).random((4, 1, 16, 16))),
    "report.html": lambda path: make_result().report(path),
}


class limited:
    """No file may grow beyond so many bytes inside; tests write no others meanwhile."""

    def __init__(self, size):
        self.size = size

    def __enter__(self):
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


@pytest.mark.parametrize("name", SAVERS)
def test_a_file_stays_as_it_was_and_nothing_is_left(name, tmp_path):
    path = tmp_path / name
    SAVERS[name](path)
    size = path.stat().st_size
    path.write_bytes(b"what was there")
    for limit in (0, 1, size // 2, size - 1):
        with limited(limit), pytest.raises(OSError, match="File too large"):
            SAVERS[name](path)
        assert path.read_bytes() == b"what was there"
        assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_folder_stays_as_it_was_and_nothing_is_left(tmp_path, share):
    folder = make_result().save(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    largest = max(map(len, before.values()))
    with limited(int(share * largest)), pytest.raises(OSError, match="File too large"):
        make_result().save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    place = tmp_path / "file"
    place.write_text("no folder")
    monkeypatch.setenv("TEXTREP_CACHE", str(place / "cache"))
    texts, labels = ["so much", "so little", "text", "time"] * 6, ["a", "a", "b", "b"] * 6
    result = textrep.compare(texts, labels, methods=["bow-nb"], verbose=0)
    assert result.outcomes[0].status == "ok"
    assert Path(place).read_text() == "no folder"
