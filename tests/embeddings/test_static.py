"""Word vectors of others, in memory, in files, in int8, and those that come with textrep."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.base import clone

import textrep
from textrep.core import packaged
from textrep.embeddings import FastText, StaticEmbedder, WordVectors, quantised
from textrep.embeddings.quantise import quantise_rows
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors
from textrep.embeddings.subwords import subwords_of

TOY = Path(__file__).parent / "toy_vectors.txt"
TEXTS = ["it was the best of times", "it was the age of wisdom", "we had hope, it was the spring"]


def word_vectors(n_words=50, dim=8, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(n_words, dim)).astype(np.float32)
    return WordVectors([f"w{i}" for i in range(n_words)], matrix, counts=range(n_words, 0, -1))


# ---- where vectors come from


@pytest.mark.parametrize("given", [TOY, str(TOY)])
def test_vectors_are_read_from_a_file(given):
    embedder = StaticEmbedder(vectors=given).fit(TEXTS)
    expected = np.mean([embedder.vectors_[word] for word in ["we", "hope"]], axis=0)
    np.testing.assert_allclose(embedder.transform(["We hope"])[0], expected, rtol=1e-6)
    np.testing.assert_allclose(embedder.vectors_["it"], [0.5, -0.25, 0.125, 0.75])


def test_vectors_in_memory_are_used_as_they_are_and_shared_by_clones():
    vectors = word_vectors()
    embedder = StaticEmbedder(vectors=vectors)
    assert clone(embedder).vectors is vectors
    assert embedder.fit(["w1 w2"]).vectors_ is vectors


def test_what_is_no_vectors_is_refused():
    with pytest.raises(TypeError, match=r"vectors must be WordVectors.*got 3 of type int"):
        StaticEmbedder(vectors=3).fit(TEXTS)
    with pytest.raises(FileNotFoundError, match=r"'textrep-static-xx'.*those that do"):
        StaticEmbedder(vectors="textrep-static-xx").fit(TEXTS)
    with pytest.raises(OSError, match=r"none.txt"):
        StaticEmbedder(vectors="none.txt").fit(TEXTS)


@pytest.mark.parametrize("is_fitted", [False, True])
def test_vectors_in_memory_are_saved_once_and_are_the_parameter_again(tmp_path, is_fitted):
    embedder = StaticEmbedder(vectors=word_vectors(1000, 20), pooling="sif")
    if is_fitted:
        embedder.fit(["w1 w2", "w3"])
    path = embedder.save(tmp_path / "model.textrep")
    assert path.stat().st_size < 1000 * 20 * 4 * 1.5
    loaded = textrep.load(path)
    assert loaded.vectors.words == embedder.vectors.words
    np.testing.assert_array_equal(loaded.vectors.dense(), embedder.vectors.dense())
    assert hasattr(loaded, "vectors_") == is_fitted
    if is_fitted:
        assert loaded.vectors_ is loaded.vectors
    texts = ["w1 w2 w900", "w7"]
    again = clone(loaded).fit(texts).transform(texts)
    np.testing.assert_array_equal(again, clone(embedder).fit(texts).transform(texts))


def test_a_saved_model_needs_its_file_of_vectors_no_more(tmp_path):
    copy = tmp_path / "vectors.txt"
    copy.write_bytes(TOY.read_bytes())
    embedder = StaticEmbedder(vectors=copy).fit(TEXTS)
    expected = embedder.transform(TEXTS)
    saved = embedder.save(tmp_path / "model.textrep")
    del embedder
    copy.unlink()
    loaded = textrep.load(saved)
    np.testing.assert_array_equal(loaded.transform(TEXTS), expected)
    assert loaded.vectors == str(copy)


@pytest.mark.parametrize("name", ["vectors.bin", "vectors.vec", "vectors.txt.gz"])
def test_vectors_from_files_of_each_format_pool_alike(tmp_path, name):
    vectors = word_vectors()
    path = textrep.write_vectors(vectors, tmp_path / name)
    texts = ["w1 w2 w2", "w49 unknown", ""]
    embedder = StaticEmbedder(vectors=path, pooling="idf").fit(texts)
    expected = StaticEmbedder(vectors=vectors, pooling="idf").fit(texts).transform(texts)
    np.testing.assert_allclose(embedder.transform(texts), expected, rtol=1e-5)
    copies = [pickle.loads(pickle.dumps(embedder)), textrep.load(embedder.save(tmp_path / "model"))]
    for copy in copies:
        np.testing.assert_array_equal(copy.transform(texts), embedder.transform(texts))


def test_a_fasttext_file_without_ngrams_is_saved_and_loaded(tmp_path):
    path = tmp_path / "vectors.bin"
    FastText(vector_size=4, min_count=1, sample=0, max_n=0, random_state=0).fit(
        TEXTS
    ).save_fasttext(path)
    embedder = StaticEmbedder(vectors=path).fit(TEXTS)
    assert embedder.vectors_.ngrams.bucket == 0
    loaded = textrep.load(embedder.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.transform(TEXTS), embedder.transform(TEXTS))
    assert not loaded.transform(["unseen"]).any()
    fast = FastText.load_fasttext(path)
    again = textrep.load(fast.save(tmp_path / "fast"))
    np.testing.assert_array_equal(again.transform(TEXTS), fast.transform(TEXTS))


def subword_vectors(**changed):
    found = subwords_of(["hope", "times"], min_n=3, max_n=4, bucket=10_007)
    buckets = np.unique(found.buckets)
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(len(buckets), 4)).astype(np.float32)
    table = NgramTable(3, 4, 10_007, buckets, rows)
    matrix = generator.normal(size=(2, 4)).astype(np.float32)
    return SubwordVectors(["hope", "times"], matrix, ngrams=replace(table, **changed))


def test_vectors_with_subwords_answer_for_unseen_words_and_still_do_when_loaded(tmp_path):
    vectors = subword_vectors()
    embedder = StaticEmbedder(vectors=vectors).fit(TEXTS)
    pooled = embedder.transform(["hope hopes", "zzz"])
    expected = (vectors["hope"] + vectors.vector("hopes")) / 2
    np.testing.assert_allclose(pooled, [expected, np.zeros(4)], rtol=1e-6)
    loaded = textrep.load(embedder.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.transform(["hope hopes", "zzz"]), pooled)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bucket": 20}, "out of range"),
        ({"bucket": 2**40}, "out of its range"),
        ({"bucket": 0}, "out of its range"),
        ({"min_n": -1}, "min_n"),
        ({"buckets": np.zeros(1, dtype=np.int32)}, "ngrams"),
        ({"buckets": np.zeros(1)}, "buckets"),
        ({"buckets": None}, "ngrams"),
    ],
)
def test_ngrams_that_do_not_fit_together_are_refused(changed, message):
    state = StaticEmbedder(vectors=subword_vectors(**changed))._get_state()
    with pytest.raises(ValueError, match=message):
        StaticEmbedder(vectors=None)._set_state(state)


def test_vectors_of_a_class_unknown_to_files_are_not_saved_in_part(tmp_path):
    class Guessing(WordVectors):
        def vectors_of(self, words):
            return super().vectors_of(words)

    embedder = StaticEmbedder(vectors=Guessing(["a"], np.ones((1, 2), dtype=np.float32)))
    with pytest.raises(textrep.PersistError, match="Guessing cannot be saved"):
        embedder.fit(["a"]).save(tmp_path / "model.textrep")


# ---- int8


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 6)),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)
def test_int8_is_off_by_half_a_step_at_most(rows):
    levels, scale = quantise_rows(rows)
    assert levels.dtype == np.int8
    assert scale.dtype == np.float32
    assert levels.min() >= -127
    error = np.abs(levels * scale.astype(np.float64)[:, np.newaxis] - rows)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    tiny = np.finfo(np.float32).tiny
    bound = scale.astype(np.float64)[:, np.newaxis] / 2 + 1e-6 * largest + 127 * tiny
    assert (error <= bound).all()


def test_the_largest_value_of_a_row_is_kept_and_zeros_stay_zeros():
    rows = np.array([[0.3, -2.5, 1], [0, 0, 0]], dtype=np.float32)
    levels, scale = quantise_rows(rows)
    np.testing.assert_allclose(levels[0, 1] * scale[0], -2.5, rtol=1e-6)
    assert not levels[1].any()
    assert scale[1] == 0


def test_quantised_vectors_hardly_turn():
    vectors = word_vectors(200, 50)
    small = quantised(vectors)
    assert small.words == vectors.words
    assert small.matrix.nbytes * 4 == vectors.matrix.nbytes
    cosines = (small.unit_rows(0, 200) * vectors.unit_rows(0, 200)).sum(axis=1)
    assert cosines.min() > 0.999
    assert quantised(small) is small


def test_vectors_that_are_not_finite_are_named():
    vectors = word_vectors()
    vectors.matrix[7, 2] = np.nan
    with pytest.raises(ValueError, match="'w7' has NaN"):
        quantised(vectors)


def test_a_model_in_int8_is_saved_in_little_more_than_its_bytes(tmp_path):
    n_words, dim = 3000, 100
    vectors = quantised(word_vectors(n_words, dim))
    embedder = StaticEmbedder(vectors=vectors, pooling="sif").fit(["w1 w2 w3", "w2 w5"])
    path = embedder.save(tmp_path / "model.textrep")
    # letters and their number, scale, count, idf and SIF weight
    assert path.stat().st_size < n_words * (dim + 6 + 4 * 4) + 4096
    loaded = textrep.load(path)
    assert loaded.vectors_.matrix.dtype == np.int8
    np.testing.assert_array_equal(
        loaded.transform(["w5 w2999", "w7"]), embedder.transform(["w5 w2999", "w7"])
    )


# ---- models that come with textrep


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of models in place of the package's."""
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    return tmp_path


def test_a_model_that_comes_with_textrep_is_loaded_by_name(models):
    embedder = StaticEmbedder(vectors=quantised(word_vectors())).fit(["w1 w2", "w3"])
    embedder.save(models / "tiny-xx.textrep")
    assert packaged.packaged_names() == ["tiny-xx"]
    loaded = textrep.load("tiny-xx")
    np.testing.assert_array_equal(loaded.transform(["w1 w9"]), embedder.transform(["w1 w9"]))
    by_name = StaticEmbedder(vectors="tiny-xx").fit(["w4", "w5"])
    assert by_name.vectors_.words == embedder.vectors_.words
    assert by_name.n_documents_ == 2
    assert StaticEmbedder(vectors="tiny-xx").fit(["w4"]).vectors_ is by_name.vectors_


def test_an_unknown_name_is_answered_with_the_known_ones(models):
    StaticEmbedder(vectors=word_vectors()).fit(["w1"]).save(models / "tiny-xx.textrep")
    with pytest.raises(FileNotFoundError, match=r"'tiny-yy'.*those that do: 'tiny-xx'"):
        textrep.load("tiny-yy")


def test_a_file_of_that_name_is_preferred(models, tmp_path, monkeypatch):
    StaticEmbedder(vectors=word_vectors()).fit(["w1"]).save(models / "same.textrep")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    textrep.CountVectorizer(min_df=3).save("same")
    assert isinstance(textrep.load("same"), textrep.CountVectorizer)


@pytest.mark.parametrize("path", ["no.textrep", "folder/name", Path("name")])
def test_a_path_without_a_file_is_no_name(models, path):
    with pytest.raises(OSError, match=r"No such file") as caught:
        textrep.load(path)
    assert "comes with textrep" not in str(caught.value)
