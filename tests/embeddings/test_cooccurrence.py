"""Co-occurrences against counting by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from textrep.embeddings import cooccurrence
from textrep.embeddings import corpus as corpus_module
from textrep.embeddings.cooccurrence import LEAST_MEMORY, count_cooccurrences
from textrep.embeddings.corpus import read_corpus


def random_sentences(seed=0, n_sentences=60, n_words=40, longest=50):
    rng = np.random.default_rng(seed)
    chances = 1 / np.arange(1, n_words + 1)
    chances /= chances.sum()
    lengths = rng.integers(0, longest, size=n_sentences)
    return [[f"w{i}" for i in rng.choice(n_words, size=n, p=chances)] for n in lengths]


def by_hand(sentences, words, window, symmetric):
    """The matrix in exact fractions, then as float64."""
    number = {word: i for i, word in enumerate(words)}
    sums = {}
    for sentence in sentences:
        ids = [number[word] for word in sentence if word in number]
        for p, i in enumerate(ids):
            for q in range(max(0, p - window), p):
                for pair in [(i, ids[q]), (ids[q], i)][: 2 if symmetric else 1]:
                    sums[pair] = sums.get(pair, 0) + Fraction(1, p - q)
    matrix = np.zeros((len(words), len(words)))
    for pair, value in sums.items():
        matrix[pair] = float(value)
    return matrix


def dense(counts):
    """The whole matrix of what was counted."""
    matrix = np.zeros((counts.n_words, counts.n_words))
    columns, values, ends = counts.rows(0, counts.n_words)
    rows = np.repeat(np.arange(counts.n_words), np.diff(ends, prepend=0))
    matrix[rows, columns] = values
    if counts.symmetric:
        assert (columns <= rows).all()
        matrix[columns, rows] = values
    same_row = np.diff(rows) == 0
    assert (np.diff(columns)[same_row] > 0).all()
    assert (values > 0).all()
    return matrix


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("window", [1, 3, 10, 200])
def test_counts_are_those_of_counting_by_hand(window, symmetric):
    sentences = random_sentences()
    with read_corpus(sentences, min_count=3) as corpus:
        counts = count_cooccurrences(corpus, window=window, symmetric=symmetric)
        expected = by_hand(sentences, corpus.words, window, symmetric)
    np.testing.assert_allclose(dense(counts), expected, rtol=1e-13)


@pytest.mark.parametrize("symmetric", [True, False])
def test_text_in_pieces_gives_the_counts_of_the_whole(symmetric, monkeypatch):
    monkeypatch.setattr(corpus_module, "CHUNK_TOKENS", 64)
    sentences = [*random_sentences(1), random_sentences(2, 1, 40, 2)[0], ["w1", "w2", "w3"] * 100]
    with read_corpus(sentences, min_count=1) as corpus:
        assert len(corpus.chunks) > 10
        expected = by_hand(sentences, corpus.words, 7, symmetric)
        reader = cooccurrence._Reader(corpus, None, None)
        counter = cooccurrence._Counter(len(corpus.words), 7, symmetric, LEAST_MEMORY, 2)
        pieces = [counter.count(*segment) for segment in cooccurrence._segments(reader, 200, 7)]
    assert len(pieces) > 5
    np.testing.assert_allclose(dense(counter.merge(pieces)), expected, rtol=1e-13)


def test_small_memory_gives_the_same_through_files(monkeypatch):
    sentences = random_sentences(3)
    with read_corpus(sentences, min_count=1) as corpus:
        expected = dense(count_cooccurrences(corpus, window=5, n_jobs=1))
        monkeypatch.setattr(cooccurrence, "LEAST_MEMORY", 1)
        monkeypatch.setattr(corpus_module, "CHUNK_TOKENS", 64)
        with count_cooccurrences(corpus, window=5, max_memory=300, n_jobs=3) as counts:
            assert not counts._columns.in_memory
            np.testing.assert_array_equal(dense(counts), expected)


def test_a_group_of_rows_is_a_part_of_the_matrix(monkeypatch):
    monkeypatch.setattr(cooccurrence, "_GROUP_CELLS", 10)
    sentences = random_sentences(4)
    with read_corpus(sentences, min_count=1) as corpus:
        counts = count_cooccurrences(corpus, window=4)
        whole = by_hand(sentences, corpus.words, 4, True)
    columns, values, ends = counts.rows(5, 8)
    assert ends[-1] == len(columns)
    for row, (a, b) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        found = np.zeros(counts.n_words)
        found[columns[a:b]] = values[a:b]
        np.testing.assert_allclose(found, np.tril(whole)[5 + row], rtol=1e-13)


def test_words_that_are_not_kept_make_room_for_those_behind_them():
    with read_corpus([["a", "b", "c"], ["c", "b", "b", "a"]], min_count=1) as corpus:
        keep = np.array([word != "b" for word in corpus.words], dtype=float)
        counts = count_cooccurrences(corpus, window=1, keep=keep, random=np.random.default_rng(0))
        words = corpus.words
    expected = by_hand([["a", "c"], ["c", "a"]], words, 1, True)
    np.testing.assert_array_equal(dense(counts), expected)


def test_words_are_kept_as_often_as_asked():
    with read_corpus([["a", "b"]] * 20_000, min_count=1) as corpus:
        counts = count_cooccurrences(
            corpus, window=1, keep=np.array([0.5, 0.25]), random=np.random.default_rng(0)
        )
    assert counts.rows(1, 2)[1] == pytest.approx([20_000 / 8], rel=0.05)


def test_a_corpus_of_single_words_has_no_cells():
    with read_corpus([["a"], ["b"], []], min_count=1) as corpus:
        counts = count_cooccurrences(corpus)
    assert (counts.n_words, counts.n_cells) == (2, 0)


@pytest.mark.parametrize(
    ("name", "value"), [("window", 0), ("window", 2.5), ("max_memory", 1000), ("max_memory", "1G")]
)
def test_parameters_out_of_range_are_named(name, value):
    with read_corpus([["a", "b"]], min_count=1) as corpus, pytest.raises(ValueError, match=name):
        count_cooccurrences(corpus, **{name: value})


PLAIN = """
import sys
sys.path.insert(0, {root!r})
from tests.embeddings.test_cooccurrence import *
from numba import config
assert config.DISABLE_JIT
test_counts_are_those_of_counting_by_hand(3, True)
test_counts_are_those_of_counting_by_hand(3, False)
class Patch:
    setattr = staticmethod(setattr)
test_text_in_pieces_gives_the_counts_of_the_whole(True, Patch)
print("same")
"""


def test_the_kernels_run_as_plain_python(checkout):
    run = subprocess.run(
        [sys.executable, "-c", PLAIN.format(root=str(checkout))],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "same\n", run.stderr
