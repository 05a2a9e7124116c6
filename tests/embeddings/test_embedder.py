"""What every estimator that makes document vectors of word vectors has from `WordEmbedder`."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest

import textrep
from textrep.embeddings import StaticEmbedder, WordVectors
from textrep.embeddings import documents as documents_module
from textrep.embeddings.documents import document_batches

TEXTS = ["The cat sat.", "the dog sat on the mat", "", "nothing known"]
WORDS = ["the", "cat", "sat", "on", "mat", "dog"]
POOLINGS = ["mean", "idf", "sif", "max"]


def word_vectors(dim=4):
    matrix = np.random.default_rng(1).normal(size=(len(WORDS), dim)).astype(np.float32)
    return WordVectors(WORDS, matrix, counts=[60, 10, 8, 20, 2, 5])


def embedder(**params):
    return StaticEmbedder(vectors=word_vectors(), **params).fit(TEXTS)


# ---- what goes in


@pytest.mark.parametrize("pooling", POOLINGS)
def test_texts_token_lists_generators_and_files_give_the_same_vectors(tmp_path, pooling):
    plain, packed = tmp_path / "texts.txt", tmp_path / "texts.txt.gz"
    plain.write_text("\n".join(TEXTS), encoding="utf-8")
    packed.write_bytes(gzip.compress("\r\n".join(TEXTS).encode()))
    tokens = [text.lower().replace(".", "").split() for text in TEXTS]
    fitted = embedder(pooling=pooling)
    expected = fitted.transform(TEXTS)
    assert expected.shape == (4, 4)
    assert expected.dtype == np.float32
    others = [
        iter(TEXTS),
        (text for text in TEXTS),
        tokens,
        (tuple(words) for words in tokens),
        [np.array(words, dtype=object) for words in tokens],
        plain,
        packed,
    ]
    for other in others:
        np.testing.assert_array_equal(fitted.transform(other), expected)


@pytest.mark.parametrize("name", ["BATCH_DOCUMENTS", "BATCH_CHARACTERS", "BATCH_TOKENS"])
def test_documents_in_many_batches_give_the_same_vectors(monkeypatch, name):
    texts = TEXTS * 5
    expected = embedder(pooling="sif").transform(texts)
    monkeypatch.setattr(documents_module, name, 3)
    again = embedder(pooling="sif")
    np.testing.assert_array_equal(again.transform(texts), expected)
    np.testing.assert_array_equal(again.transform(iter(texts)), expected)
    lists = [text.lower().replace(".", "").split() for text in texts]
    np.testing.assert_array_equal(again.transform(lists), expected)


def test_a_generator_is_read_no_further_than_a_batch_needs(monkeypatch):
    monkeypatch.setattr(documents_module, "BATCH_DOCUMENTS", 2)
    read = []

    def texts():
        for text in TEXTS:
            read.append(text)
            yield text

    next(document_batches(texts()))
    assert len(read) == 2


def test_what_opens_its_source_anew_is_read_bit_by_bit(monkeypatch):
    monkeypatch.setattr(documents_module, "BATCH_DOCUMENTS", 2)

    class Source:
        read = 0

        def __iter__(self):
            for text in TEXTS:
                self.read += 1
                yield text

    source = Source()
    next(document_batches(source))
    assert source.read == 2
    fitted = embedder()
    np.testing.assert_array_equal(fitted.transform(source), fitted.transform(TEXTS))
    again = StaticEmbedder(vectors=word_vectors()).fit_transform(source)
    np.testing.assert_array_equal(again, fitted.transform(TEXTS))


@pytest.mark.parametrize("content", ["a cat\n\nthe dog\n", "a cat\r\n\r\n\r\nsat", "\ufeffthe\n"])
def test_each_line_of_a_file_is_a_document_in_fit_and_transform(tmp_path, content):
    path = tmp_path / "texts.txt"
    path.write_bytes(content.encode())
    fitted = textrep.OneHotEmbedder().fit(path)
    assert "\ufeffthe" not in fitted.vectors_
    n_lines = len(content.splitlines())
    assert fitted.n_documents_ == len(fitted.transform(path)) == n_lines
    assert StaticEmbedder(vectors=word_vectors()).fit(path).n_documents_ == n_lines


def test_a_generator_is_fitted_and_transformed_in_one_call():
    together = StaticEmbedder(vectors=word_vectors(), pooling="sif").fit_transform(iter(TEXTS))
    np.testing.assert_array_equal(together, embedder(pooling="sif").transform(TEXTS))


def test_no_documents_give_no_vectors():
    assert embedder().transform([]).shape == (0, 4)
    with pytest.raises(textrep.TextInputError, match="X is empty"):
        StaticEmbedder(vectors=word_vectors()).fit([])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("texts.txt", r"X is a single str.*Wrap a text in a list: \[X\].*pathlib.Path\(X\)"),
        (["a", ["b"]], r"X\[1\] is \['b'\] \(list\), but X\[0\] is a str"),
        ([["a"], "b"], r"X\[1\] is 'b' \(str\), but X\[0\] is a list of tokens"),
        ([["a"], ["b", None]], r"X\[1\]\[1\] is None, a missing value"),
        ([["a"], ["b", 3]], r"X\[1\]\[1\] is 3 \(int\); expected a str"),
        ([["a"], [["b"]]], r"X\[1\]\[0\] is \['b'\] \(list\); expected a str"),
        ([np.array([["a"]])], r"X\[0\] is of shape \(1, 1\)"),
        (["a", "b", b"c"], r"X\[2\] is b'c' \(bytes\); expected a str. Decode it first"),
        ({"a": "b"}, "X is a mapping"),
    ],
)
def test_wrong_documents_are_refused_and_placed(wrong, message):
    with pytest.raises(textrep.TextInputError, match=message):
        embedder().transform(wrong)


def test_a_position_counts_from_the_first_of_all_batches(monkeypatch):
    monkeypatch.setattr(documents_module, "BATCH_DOCUMENTS", 2)
    with pytest.raises(textrep.TextInputError, match=r"X\[3\] is nan, a missing value"):
        embedder().transform(["a", "b", "c", float("nan")])


def test_a_file_that_is_missing_or_not_utf_8_is_named(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("fine\ncaf\xe9\n".encode("latin-1"))
    with pytest.raises(textrep.DataError, match=r"latin.txt.*line 2"):
        embedder().transform(path)
    with pytest.raises(textrep.DataError, match=r"none.txt"):
        embedder().transform(tmp_path / "none.txt")


# ---- parameters


def test_pooling_can_be_changed_without_fitting_again():
    changed = embedder(pooling="mean")
    for pooling in POOLINGS:
        expected = embedder(pooling=pooling).transform(TEXTS)
        np.testing.assert_array_equal(
            changed.set_params(pooling=pooling).transform(TEXTS), expected
        )
    with pytest.raises(ValueError, match="pooling must be one of"):
        changed.set_params(pooling="sum").transform(TEXTS)


def test_how_texts_are_cut_can_be_changed_without_fitting_again():
    changed = embedder()
    the = changed.vectors_["the"]
    np.testing.assert_allclose(changed.transform(["THE"])[0], the)
    assert not changed.set_params(lowercase=False).transform(["THE"]).any()
    changed.set_params(tokenizer=lambda text: text.split("-"))
    np.testing.assert_allclose(changed.transform(["x-the-y"])[0], the)
    changed.set_params(tokenizer=None, token_pattern=r"t\w\w")
    np.testing.assert_allclose(changed.transform(["xthey"])[0], the)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lowercase": "no"}, "lowercase must be True or False, got 'no'"),
        ({"token_pattern": "("}, "token_pattern='\\(' is no regular expression"),
        ({"tokenizer": 3}, "tokenizer must be a function"),
        ({"n_jobs": 0}, "n_jobs must be None or an integer other than 0, got 0"),
        ({"pooling": None}, "pooling must be one of .*, got None"),
    ],
)
def test_wrong_parameters_are_named_in_fit_and_transform(wrong, message):
    with pytest.raises(ValueError, match=message):
        embedder(**wrong)
    with pytest.raises(ValueError, match=message):
        embedder().set_params(**wrong).transform(TEXTS)


def test_new_word_vectors_are_noticed():
    changed = embedder()
    before = changed.transform(["the"])
    words = ["cat", "the", "sat", "on", "mat", "dog"]
    changed.vectors_ = WordVectors(words, changed.vectors_.dense(), counts=[1] * 6)
    np.testing.assert_array_equal(changed.transform(["cat"]), before)


def test_the_features_have_names_and_frames_come_out_if_asked():
    pandas = pytest.importorskip("pandas")
    fitted = embedder().set_output(transform="pandas")
    names = [f"staticembedder{i}" for i in range(4)]
    assert fitted.get_feature_names_out().tolist() == names
    frame = fitted.transform(TEXTS)
    assert isinstance(frame, pandas.DataFrame)
    assert frame.columns.tolist() == names


# ---- word vectors


def test_questions_about_words_go_to_the_word_vectors(tmp_path):
    fitted, vectors = embedder(), word_vectors()
    assert fitted.similarity("cat", "dog") == vectors.similarity("cat", "dog")
    assert fitted.most_similar("cat", ["mat"], topn=2) == vectors.most_similar(
        "cat", ["mat"], topn=2
    )
    assert fitted.analogy("cat", "dog", "on") == vectors.analogy("cat", "dog", "on")
    pairs = [("cat", "dog", 9.0), ("cat", "on", 1.0), ("mat", "the", 2.0)]
    assert fitted.evaluate_similarity(pairs) == vectors.evaluate_similarity(pairs)
    questions = [("animals", "cat", "dog", "the", "mat")]
    assert fitted.evaluate_analogies(questions) == vectors.evaluate_analogies(questions)


def test_wv_is_gensims_and_has_the_same_vectors():
    fitted = embedder()
    keyed = fitted.wv
    assert type(keyed).__module__.startswith("gensim")
    np.testing.assert_array_equal(keyed["cat"], fitted.vectors_["cat"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: e.wv,
        lambda e: e.similarity("a", "b"),
        lambda e: e.most_similar("a"),
        lambda e: e.analogy("a", "b", "c"),
        lambda e: e.evaluate_similarity([]),
        lambda e: e.evaluate_analogies([]),
        lambda e: e.get_feature_names_out(),
    ],
)
def test_nothing_is_answered_before_fit(ask):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        ask(StaticEmbedder(vectors=word_vectors()))


# ---- saving


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_saved_embedder_answers_the_same(tmp_path, pooling):
    fitted = embedder(pooling=pooling)
    loaded = textrep.load(fitted.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.transform(TEXTS), fitted.transform(TEXTS))
    assert loaded.vectors_.words == fitted.vectors_.words
    np.testing.assert_array_equal(loaded.vectors_.counts, fitted.vectors_.counts)
    assert loaded.n_documents_ == fitted.n_documents_ == 4


def test_what_is_made_for_speed_is_not_pickled():
    fitted = embedder()
    fresh = len(pickle.dumps(fitted))
    fitted.transform(TEXTS)
    assert len(pickle.dumps(fitted)) == fresh


def test_words_of_all_kinds_are_kept(tmp_path):
    words = ["naïve", "文字", "a b", "line\nend", "", "\ud800", "\U0001f600", "x" * 300]
    matrix = np.arange(len(words), dtype=np.float32)[:, np.newaxis]
    fitted = StaticEmbedder(vectors=WordVectors(words, matrix)).fit([words])
    loaded = textrep.load(fitted.save(tmp_path / "model.textrep"))
    assert loaded.vectors_.words == words
    np.testing.assert_array_equal(loaded.transform([[w] for w in words]), matrix)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("idf_", np.ones(3, dtype=np.float32)),
        ("idf_", np.ones(6)),
        ("sif_weights_", [1.0] * 6),
        ("sif_direction_", np.ones(5, dtype=np.float32)),
        ("n_documents_", -1),
        ("n_documents_", "4"),
    ],
)
def test_statistics_that_do_not_fit_are_refused(name, value):
    state = embedder()._get_state()
    state[name] = value
    with pytest.raises(ValueError, match=name):
        StaticEmbedder()._set_state(state)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("word_bytes", np.array([1, 2], dtype=np.uint8), "bytes"),
        ("word_bytes", np.array([-1] * 6), "packed"),
        ("words", np.zeros((2, 2), dtype=np.uint8), "packed"),
        ("words", "the cat", "packed|dtype|numpy"),
        ("matrix", np.zeros((6, 4), dtype=np.int8), "matrix"),
        ("matrix", np.zeros((5, 4), dtype=np.float32), "matrix"),
        ("matrix", np.zeros(6, dtype=np.float32), "two dimensions"),
        ("scale", np.ones(6, dtype=np.float32), "matrix"),
        ("counts", np.ones(2, dtype=np.int64), "counts"),
    ],
)
def test_vectors_that_do_not_fit_together_are_refused(name, value, message):
    state = embedder()._get_state()
    state["vectors"][name] = value
    with pytest.raises(ValueError, match=message):
        StaticEmbedder()._set_state(state)


def test_a_file_names_what_is_wrong_with_it(tmp_path):
    fitted = embedder()
    fitted.idf_ = fitted.idf_[:3]
    path = fitted.save(tmp_path / "model.textrep")
    with pytest.raises(textrep.PersistError, match="idf_"):
        textrep.load(path)


def test_a_text_file_is_a_path_and_a_name_is_not():
    assert next(document_batches(Path(__file__)))[0].startswith('"""What every')
