"""Words with vectors: lookup, neighbours and what goes wrong with them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from textrep.embeddings import UnknownWordError, WordVectors, neighbours

WORDS = [f"word{i}" for i in range(300)]


@pytest.fixture
def matrix():
    return np.random.default_rng(0).standard_normal((300, 20)).astype(np.float32)


@pytest.fixture
def vectors(matrix):
    return WordVectors(WORDS, matrix, counts=np.arange(300, 0, -1))


def as_int8(matrix):
    scale = np.abs(matrix).max(axis=1) / 127
    return np.round(matrix / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def on_disk(matrix, folder):
    np.save(folder / "matrix.npy", matrix)
    return np.load(folder / "matrix.npy", mmap_mode="r")


# Lookup


def test_a_word_gives_its_row(vectors, matrix):
    assert vectors.index("word7") == 7
    np.testing.assert_array_equal(vectors["word7"], matrix[7])
    np.testing.assert_array_equal(vectors.rows([3, 1]), matrix[[3, 1]])


def test_length_membership_and_iteration_are_about_words(vectors):
    assert len(vectors) == 300
    assert "word0" in vectors
    assert "other" not in vectors
    assert 3 not in vectors
    assert list(vectors) == WORDS


def test_a_vector_is_a_copy(vectors, matrix):
    vectors["word0"][:] = 9
    assert matrix[0, 0] != 9


def test_int8_rows_are_multiplied_by_their_scale(matrix):
    small, scale = as_int8(matrix)
    vectors = WordVectors(WORDS, small, scale=scale)
    np.testing.assert_array_equal(vectors["word9"], small[9].astype(np.float32) * scale[9])
    np.testing.assert_array_equal(vectors.dense(), small.astype(np.float32) * scale[:, None])


def test_dense_does_not_copy_float32(vectors, matrix):
    assert vectors.dense() is matrix


def test_unknown_words_among_many_get_zeros(vectors, matrix):
    found, known = vectors.vectors_of(["word2", "other", "word1"])
    assert known.tolist() == [True, False, True]
    np.testing.assert_array_equal(found, [matrix[2], np.zeros(20), matrix[1]])
    assert vectors.vectors_of([])[0].shape == (0, 20)


def test_float64_is_taken_as_float32(matrix):
    assert WordVectors(WORDS, matrix.astype(np.float64)).matrix.dtype == np.float32


# Neighbours


@pytest.mark.parametrize("kind", ["memory", "disk", "int8"])
def test_neighbours_are_those_of_a_brute_force_search(kind, matrix, tmp_path, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_VALUES", 700)
    scale = None
    if kind == "disk":
        matrix = on_disk(matrix, tmp_path)
    elif kind == "int8":
        matrix, scale = as_int8(matrix)
    vectors = WordVectors(WORDS, matrix, scale=scale)
    exact = vectors.dense().astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    cosines = exact @ exact[5]
    cosines[5] = -2
    expected = np.argsort(-cosines)[:10]
    found = vectors.most_similar("word5")
    assert [word for word, _ in found] == [WORDS[i] for i in expected]
    np.testing.assert_allclose([cosine for _, cosine in found], cosines[expected], atol=1e-6)


def test_neighbours_are_gensims(vectors):
    keyed = vectors.to_keyed_vectors()
    ours = vectors.most_similar(["word1", "word2"], ["word3"], topn=20)
    theirs = keyed.most_similar(["word1", "word2"], ["word3"], topn=20)
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([c for _, c in ours], [c for _, c in theirs], atol=1e-6)
    assert vectors.similarity("word1", "word9") == pytest.approx(
        keyed.similarity("word1", "word9"), abs=1e-6
    )


def test_equal_neighbours_come_in_the_order_of_the_vocabulary():
    vectors = WordVectors(list("abcdef"), np.ones((6, 3), dtype=np.float32))
    assert [word for word, _ in vectors.most_similar("c", topn=3)] == ["a", "b", "d"]


def test_words_of_the_query_are_left_out_and_arrays_are_not(vectors, matrix):
    assert "word3" not in dict(vectors.most_similar("word3", topn=300))
    assert vectors.most_similar(matrix[3], topn=1)[0] == ("word3", pytest.approx(1, abs=1e-6))


def test_only_the_first_words_are_searched_where_asked(vectors):
    found = vectors.most_similar("word250", topn=300, restrict_vocab=40)
    assert {word for word, _ in found} == set(WORDS[:40])


def test_a_vector_of_zeros_is_similar_to_nothing(matrix):
    matrix[4] = 0
    vectors = WordVectors(WORDS, matrix)
    assert vectors.similarity("word4", "word5") == 0
    assert dict(vectors.most_similar("word5", topn=300))["word4"] == 0
    with pytest.raises(ValueError, match="add up to zero"):
        vectors.most_similar("word4")


def test_an_analogy_is_a_sum_and_difference(vectors):
    assert vectors.analogy("word1", "word2", "word3", topn=4) == vectors.most_similar(
        ["word2", "word3"], ["word1"], topn=4
    )


# gensim, copies, pickles


def test_keyed_vectors_hold_words_vectors_and_counts(vectors, matrix):
    keyed = vectors.to_keyed_vectors()
    assert keyed.index_to_key == WORDS
    np.testing.assert_array_equal(keyed.vectors, matrix)
    assert keyed.get_vecattr("word1", "count") == 299
    keyed.vectors[:] = 0
    assert matrix.any()


def test_a_copy_and_a_pickle_answer_alike(vectors):
    expected = vectors.most_similar("word1")
    assert pickle.loads(pickle.dumps(vectors)).most_similar("word1") == expected
    assert copy.deepcopy(vectors).most_similar("word1") == expected


def test_no_words_are_allowed_and_know_nothing():
    vectors = WordVectors([], np.zeros((0, 5), dtype=np.float32), counts=[])
    assert len(vectors) == 0
    with pytest.raises(KeyError, match="'a'"):
        vectors["a"]


# Errors


def test_an_unknown_word_is_named_with_close_ones(vectors):
    with pytest.raises(KeyError) as caught:
        vectors["Word12"]
    assert isinstance(caught.value, UnknownWordError)
    assert str(caught.value).startswith("the word 'Word12' is not in the vocabulary; close ones: ")
    assert "'word12'" in str(caught.value)


def test_the_error_for_an_unknown_word_is_pickled_without_the_vocabulary(vectors):
    with pytest.raises(KeyError) as caught:
        vectors["Word12"]
    pickled = pickle.dumps(caught.value)
    assert str(pickle.loads(pickled)) == str(caught.value)
    assert b"word200" not in pickled


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda v: v[3], TypeError, "a word must be a str, got 3"),
        (lambda v: v.most_similar([]), ValueError, "the query is empty"),
        (lambda v: v.most_similar(None), TypeError, "positive must be a word"),
        (lambda v: v.most_similar([3]), TypeError, "of words and of arrays, got 3"),
        (lambda v: v.most_similar(np.ones(3)), ValueError, r"must have shape \(20,\)"),
        (lambda v: v.most_similar(np.full(20, np.nan)), ValueError, "finite"),
        (
            lambda v: v.most_similar("word1", topn=0),
            ValueError,
            "topn must be an integer of at least 1",
        ),
        (lambda v: v.most_similar("word1", restrict_vocab=0), ValueError, "restrict_vocab"),
        (lambda v: v.most_similar("word1", ["other"]), KeyError, "'other'"),
        (lambda v: v.vectors_of("word1"), TypeError, "must be a sequence of str"),
    ],
)
def test_a_bad_question_gets_a_clear_error(vectors, ask, error, message):
    with pytest.raises(error, match=message):
        ask(vectors)


@pytest.mark.parametrize(
    ("words", "matrix", "more", "message"),
    [
        ("ab", np.ones((2, 3)), {}, "single 'ab'"),
        (["a", 3], np.ones((2, 3)), {}, "got 3 of type int at position 1"),
        (["a", "a"], np.ones((2, 3)), {}, "'a' occurs more than once"),
        (["a"], np.ones((2, 3)), {}, r"shape \(2, 3\)"),
        (["a"], np.ones(3), {}, r"shape \(3,\)"),
        (["a"], np.ones((1, 3), dtype=int), {}, "must be float32, or int8 with a scale, got int64"),
        (["a"], np.ones((1, 3), dtype=np.int8), {}, "give scale"),
        (["a"], np.ones((1, 3)), {"scale": [1]}, "scale is for a matrix of int8"),
        (["a"], np.ones((1, 3), dtype=np.int8), {"scale": [-1]}, "0 or more"),
        (["a"], np.ones((1, 3)), {"counts": [1, 2]}, "counts must be"),
        (["a"], np.ones((1, 3)), {"counts": [-1]}, "counts must be"),
        (["a"], np.ones((1, 3)), {"counts": [0.5]}, "counts must be"),
    ],
)
def test_what_does_not_fit_together_is_refused(words, matrix, more, message):
    with pytest.raises((TypeError, ValueError), match=message):
        WordVectors(words, matrix, **more)


def test_values_that_are_not_finite_are_found_before_the_search(matrix):
    matrix[8, 3] = np.nan
    vectors = WordVectors(WORDS, matrix)
    with pytest.raises(ValueError, match="the vector of 'word8' has NaN"):
        vectors.most_similar("word1")
