"""Vectors of fastText models, of words seen and unseen, against fastText and gensim."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from gensim.models import FastText as GensimFastText
from gensim.models.fasttext import save_facebook_model

from textrep.embeddings import SubwordVectors, VectorFileError, read_vectors
from textrep.embeddings.formats import FastTextFile, write_fasttext

TEXT = ["the cat sees a man in 東京", "a naïve dog sees the cat", "so the man sees 東京"]
UNSEEN = ["cats", "東", "naïveté", "manly"]


@pytest.fixture(scope="module", params=["fasttext", "classifier", "gensim"])
def model(request, tmp_path_factory):
    """A file and its vectors as its maker gives them."""
    folder = tmp_path_factory.mktemp("model")
    path = str(folder / "model.bin")
    if request.param == "gensim":
        tokens = [line.split() for line in TEXT]
        model = GensimFastText(
            tokens, vector_size=8, min_count=1, bucket=60, epochs=2, workers=1, seed=1
        )
        save_facebook_model(model, path)
        return path, model.wv
    fasttext = pytest.importorskip("fasttext")
    text = folder / "text.txt"
    labels = ["__label__x ", "__label__y ", ""] if request.param == "classifier" else [""] * 3
    lines = [label + line for label, line in zip(labels, TEXT, strict=True)]
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    how = "supervised" if request.param == "classifier" else "unsupervised"
    # Each thread of fastText 0.9.2 fills a tenth of the matrix with random values: ten fill all.
    model = getattr(fasttext, f"train_{how}")(
        str(text), dim=8, minCount=1, bucket=60, thread=10, verbose=0, epoch=2, minn=3, maxn=5
    )
    model.save_model(path)
    return path, model


@pytest.mark.parametrize("lazy", [True, False])
def test_words_seen_and_unseen_have_the_vectors_of_the_maker(model, lazy):
    path, theirs = model
    ours = read_vectors(path, lazy=lazy)
    assert isinstance(ours, SubwordVectors)
    for word in ours.words + UNSEEN:
        np.testing.assert_allclose(ours[word], theirs[word], atol=1e-6, err_msg=word)
    expected = np.array([theirs[word] for word in ours.words])
    np.testing.assert_allclose(ours.dense(), expected, atol=1e-6)
    np.testing.assert_allclose(ours.rows([3, 0]), expected[[3, 0]], atol=1e-6)


def test_lazy_vectors_have_the_neighbours_of_those_in_memory(model):
    path, _ = model
    lazy, whole = read_vectors(path), read_vectors(path, lazy=False)
    assert not isinstance(lazy.matrix, np.ndarray)
    assert lazy.most_similar("cats") == whole.most_similar("cats")
    assert pickle.loads(pickle.dumps(lazy)).most_similar("cats") == whole.most_similar("cats")
    np.testing.assert_array_equal(lazy.matrix[2], whole.matrix[2])


def small(**changes):
    matrix = np.arange(8, dtype=np.float32).reshape(4, 2)
    settings = {"dim": 2, "words": ["a", "b"], "counts": [2, 1], "n_tokens": 3, "bucket": 2}
    settings |= {"input": matrix, "output": matrix[:2]} | changes
    return FastTextFile(**settings)


def test_a_model_without_buckets_has_its_words_only(tmp_path):
    matrix = np.arange(4, dtype=np.float32).reshape(2, 2)
    write_fasttext(tmp_path / "model.bin", small(input=matrix, bucket=0))
    vectors = read_vectors(tmp_path / "model.bin")
    np.testing.assert_array_equal(vectors.dense(), matrix)
    with pytest.raises(KeyError, match="'ab'"):
        vectors["ab"]


def test_nan_on_disk_is_found_when_it_is_read(tmp_path):
    file = small(minn=9, maxn=9)
    file.input[1] = np.nan
    write_fasttext(tmp_path / "model.bin", file)
    vectors = read_vectors(tmp_path / "model.bin")
    np.testing.assert_array_equal(vectors["a"], [0, 1])
    with pytest.raises(VectorFileError, match=r"model\.bin: the vector of 'b' has NaN"):
        vectors["b"]
    with pytest.raises(VectorFileError, match="row 1 of the input matrix has NaN"):
        read_vectors(tmp_path / "model.bin", lazy=False)
