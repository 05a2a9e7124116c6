"""Hashes of words and n-grams, held to fastText's own and to gensim's."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.embeddings.subwords import (
    END_OF_SENTENCE,
    hashes_of,
    ngrams_of,
    pack_words,
    subwords_of,
)

WORDS = ["", "a", "to", "text", "aaaa", "naïve", "文字", "🙂", "a🙂b", "</s>", "<", "e\u0301"]
BUCKET = 2_000_000

# What can stand in a file of words: no half surrogate pairs, nothing that ends a token.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def fasttext_hash(text: str) -> int:
    """FNV-1a over signed bytes, in Python's integers."""
    h = 2166136261
    for byte in text.encode("utf-8", "surrogatepass"):
        h ^= (byte - 256 if byte >= 128 else byte) & 0xFFFFFFFF
        h = h * 16777619 % 2**32
    return h


@given(st.lists(st.text(max_size=12), max_size=5))
def test_hashes_are_fnv_1a_over_signed_bytes(texts):
    assert hashes_of(texts).tolist() == [fasttext_hash(text) for text in texts]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_hashes_equal_gensims(text):
    ft_hash_bytes = pytest.importorskip("gensim.models.fasttext_inner").ft_hash_bytes
    assert hashes_of([text])[0] == ft_hash_bytes(text.encode())


@given(
    st.lists(st.text(max_size=12), max_size=5), st.integers(1, 4), st.integers(0, 3),
    st.sampled_from([1, 7, BUCKET]),
)  # fmt: skip
def test_buckets_are_the_hashes_of_the_ngrams(texts, min_n, more, bucket):
    max_n = min_n + more
    found = subwords_of(texts, min_n=min_n, max_n=max_n, bucket=bucket)
    expected = [
        [fasttext_hash(ngram) % bucket for ngram in ngrams_of(text, min_n=min_n, max_n=max_n)]
        for text in texts
    ]
    assert found.bounds.tolist() == np.cumsum([0, *map(len, expected)]).tolist()
    assert found.buckets.tolist() == [number for numbers in expected for number in numbers]


@given(words, st.integers(1, 4), st.integers(0, 3))
def test_ngrams_equal_gensims(word, min_n, more):
    inner = pytest.importorskip("gensim.models.fasttext_inner")
    hashed = inner.compute_ngrams_bytes(word, min_n, min_n + more)
    ours = ngrams_of(word, min_n=min_n, max_n=min_n + more)
    if word != END_OF_SENTENCE:  # gensim gives it n-grams, fastText none
        assert [ngram.encode() for ngram in ours] == list(hashed)


def test_no_ngrams_where_the_longest_has_no_characters():
    found = subwords_of(WORDS, min_n=1, max_n=0, bucket=BUCKET)
    assert found.buckets.size == 0
    assert found.bounds.tolist() == [0] * (len(WORDS) + 1)


def test_no_words():
    found = subwords_of([], min_n=3, max_n=6, bucket=BUCKET)
    assert found.buckets.size == 0
    assert found.bounds.tolist() == [0]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of fastText itself with n-grams of one to four code points."""
    fasttext = pytest.importorskip("fasttext")
    path = tmp_path_factory.mktemp("fasttext") / "corpus.txt"
    path.write_text("to be or not to be\n" * 20, "utf-8")
    return fasttext.train_unsupervised(
        str(path), dim=2, minCount=1, minn=1, maxn=4, bucket=BUCKET, epoch=1, thread=1, verbose=0
    )


@given(words)
def test_ngrams_and_buckets_equal_fasttexts(model, word):
    # Its dictionary is asked word by word: what has no entry has n-grams only.
    ngrams, ids = model.f.getSubwords(word, "ignore")
    n_words = len(model.f.getVocab("ignore")[0])
    known = int(bool(len(ids)) and model.f.getWordId(word) >= 0)
    found = subwords_of([word], min_n=1, max_n=4, bucket=BUCKET)
    assert (found.buckets + n_words).tolist() == list(ids)[known:]
    assert ngrams_of(word, min_n=1, max_n=4) == list(ngrams)[known:]


@given(words)
def test_subword_ids_equal_fasttexts(model, text):
    n_words = len(model.f.getVocab("ignore")[0])
    assert hashes_of([text])[0] % BUCKET + n_words == model.f.getSubwordId(text)


SCRIPT = """
import numpy as np
from textrep.embeddings.kernels.subwords import hash_ngrams, hash_words
with np.load({path!r}) as given:
    data, offsets = given["data"], given["offsets"]
    assert not hasattr(hash_words, "py_func")
    np.testing.assert_array_equal(hash_words(data, offsets), given["hashes"])
    buckets, bounds = hash_ngrams(data, offsets, 1, 4, 1000)
    np.testing.assert_array_equal(buckets, given["buckets"])
    np.testing.assert_array_equal(bounds, given["bounds"])
print("the same")
"""


def test_kernels_give_the_same_without_the_compiler(tmp_path):
    from textrep.embeddings.kernels.subwords import hash_ngrams, hash_words

    data, offsets = pack_words(WORDS)
    buckets, bounds = hash_ngrams(data, offsets, 1, 4, 1000)
    path = str(tmp_path / "given.npz")
    np.savez(
        path, data=data, offsets=offsets, hashes=hash_words(data, offsets),
        buckets=buckets, bounds=bounds,
    )  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(path=path)],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "the same\n", run.stderr
