"""What differential tests do not reach: lazy vocabularies, columns, threads, limits, bad input."""

from __future__ import annotations

import ctypes
import io
import json
import pickle
import threading

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction import text as theirs

import textrep
from textrep.core.text import TextInputError
from textrep.sparse import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
    matrix,
    numbering,
    short,
    strings,
    threads,
)

LINES = [
    "It was the best of times",
    "it was the worst of times",
    "it was the age of wisdom",
    "it was the age of foolishness",
]
TEXTS = [
    *LINES,
    "naïve Ünïcöde ΣΑΣ İstanbul 中文 😀",
    "",
    "supercalifragilisticexpialidocious " * 3,
    "é",
] * 9


@pytest.fixture(autouse=True)
def kernels_for_everything(monkeypatch):
    monkeypatch.setattr(short, "TINY_CHARACTERS", 0)


def assert_same(a, b):
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a.indptr, b.indptr)
    np.testing.assert_array_equal(a.indices, b.indices)
    np.testing.assert_array_equal(a.data, b.data)


def test_the_ten_words_of_a_tale_of_two_cities():
    vectorizer = CountVectorizer()
    vectors = vectorizer.fit_transform(LINES).toarray()
    in_lecture_order = "it was the best of times worst age wisdom foolishness".split()
    columns = [vectorizer.vocabulary_[word] for word in in_lecture_order]
    assert len(vectorizer.vocabulary_) == 10
    np.testing.assert_array_equal(
        vectors[:, columns],
        [
            [1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
            [1, 1, 1, 0, 1, 1, 1, 0, 0, 0],
            [1, 1, 1, 0, 1, 0, 0, 1, 1, 0],
            [1, 1, 1, 0, 1, 0, 0, 1, 0, 1],
        ],
    )


# ---- the vocabulary


def test_vocabulary_is_made_when_read_and_can_be_written_as_json():
    vectorizer = CountVectorizer(max_features=5).fit(LINES)
    assert "_vocabulary" not in vars(vectorizer)
    vocabulary = vectorizer.vocabulary_
    assert vectorizer.vocabulary_ is vocabulary
    assert (
        json.loads(json.dumps(vocabulary))
        == theirs.CountVectorizer(max_features=5).fit(LINES).vocabulary_
    )


def test_an_unfitted_vectorizer_has_no_vocabulary():
    assert not hasattr(CountVectorizer(), "vocabulary_")
    vectorizer = CountVectorizer().fit(LINES)
    del vectorizer.vocabulary_
    assert not hasattr(vectorizer, "vocabulary_")


def test_a_vocabulary_may_be_replaced():
    vectorizer = CountVectorizer().fit(LINES)
    vectorizer.vocabulary_ = {"age": 0, "wisdom": 1}
    np.testing.assert_array_equal(vectorizer.transform(["wisdom of age age"]).toarray(), [[2, 1]])
    assert vectorizer.get_feature_names_out().tolist() == ["age", "wisdom"]


@pytest.mark.parametrize(
    "changed", [{"ngram_range": (1, 2)}, {"analyzer": "char"}, {"lowercase": False}]
)
def test_parameters_changed_after_fit_count_as_in_scikit_learn(changed):
    ours, peer = CountVectorizer().fit(LINES), theirs.CountVectorizer().fit(LINES)
    ours.transform(LINES)
    for vectorizer in (ours, peer):
        vectorizer.set_params(**changed)
    assert_same(ours.transform(LINES), peer.transform(LINES))


def test_pickles_carry_the_trie_and_not_the_strings():
    vectorizer = CountVectorizer(ngram_range=(1, 2)).fit(TEXTS)
    vectorizer.transform(TEXTS)
    assert vectorizer.vocabulary_
    copy = pickle.loads(pickle.dumps(vectorizer))
    assert "_vocabulary" not in vars(copy)
    assert copy.vocabulary_ == vectorizer.vocabulary_
    assert_same(copy.transform(TEXTS), vectorizer.transform(TEXTS))


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_pruned_vectorizers_forget_what_was_pruned(analyzer):
    kept = CountVectorizer(analyzer=analyzer, ngram_range=(1, 3)).fit(TEXTS)
    pruned = CountVectorizer(analyzer=analyzer, ngram_range=(1, 3), max_features=3).fit(TEXTS)
    assert len(pickle.dumps(pruned)) < len(pickle.dumps(kept))
    assert len(pruned.vocabulary_) == 3


@pytest.mark.parametrize("vocabulary", [None, ["age", "best of", "the"]])
def test_save_and_load(tmp_path, vocabulary):
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), vocabulary=vocabulary).fit(TEXTS)
    copy = textrep.load(vectorizer.save(tmp_path / "model.textrep"))
    assert copy.vocabulary_ == vectorizer.vocabulary_
    assert_same(copy.transform(TEXTS), vectorizer.transform(TEXTS))


# ---- columns of other libraries


def columns():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    return {
        "tuple": tuple(TEXTS),
        "iterator": iter(TEXTS),
        "numpy object": np.array(TEXTS, dtype=object),
        "numpy str": np.array(TEXTS),
        "pandas": pandas.Series(TEXTS),
        "pandas slice": pandas.Series(["x", *TEXTS])[1:],
        "pandas object": pandas.Series(TEXTS, dtype=object),
        "polars": polars.Series(TEXTS),
        "pyarrow": pyarrow.array(TEXTS),
        "pyarrow large": pyarrow.array(TEXTS, type=pyarrow.large_string()),
        "pyarrow view": pyarrow.array(TEXTS, type=pyarrow.string_view()),
        "pyarrow slice": pyarrow.array(["x", *TEXTS, "y"]).slice(1, len(TEXTS)),
        "pyarrow chunks": pyarrow.chunked_array([TEXTS[:5], [], TEXTS[5:]]),
    }


@pytest.mark.parametrize("kind", list(columns()))
@pytest.mark.parametrize("parameters", [{}, {"strip_accents": "unicode"}, {"lowercase": False}])
def test_columns_of_any_kind_count_alike(kind, parameters):
    wanted = theirs.CountVectorizer(**parameters).fit_transform(TEXTS)
    assert_same(CountVectorizer(**parameters).fit_transform(columns()[kind]), wanted)


def test_a_pyarrow_column_is_read_where_it_lies():
    pyarrow = pytest.importorskip("pyarrow")
    from textrep.sparse.documents import batches

    for kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()):
        column = pyarrow.array(["a text longer than twelve bytes", "short"], type=kind)
        (batch,) = batches(column, "", lambda document: document, is_content=True)
        buffers = [b for b in column.buffers() if b is not None]
        inside = [any(b.address <= a < b.address + b.size for b in buffers) for a in batch.address]
        assert all(inside)


def test_an_ascii_str_is_read_where_it_lies():
    from textrep.sparse.documents import batches

    text = "plain ASCII text of some length"
    (batch,) = batches([text], "", lambda document: document, is_content=True)
    assert id(text) < batch.address[0] < id(text) + text.__sizeof__()


def test_a_python_that_keeps_str_elsewhere_gets_the_same_counts(monkeypatch):
    monkeypatch.setattr(strings, "LAYOUT", None)
    for texts in (TEXTS, np.array(TEXTS), [*TEXTS, np.str_("numpy's")]):
        assert_same(
            CountVectorizer().fit_transform(texts), theirs.CountVectorizer().fit_transform(texts)
        )


@pytest.mark.skipif(strings.LAYOUT is None, reason="this Python keeps its strings elsewhere")
@pytest.mark.parametrize(
    ("name", "value"),
    [("LENGTH_AT", 8), ("TYPE_AT", 16), ("STATE_AT", 24), ("LIST_BYTES", 48), ("OBJECT_BYTES", 32)],
)
def test_a_str_laid_out_otherwise_is_noticed(monkeypatch, name, value):
    assert strings.probe() == strings.LAYOUT
    monkeypatch.setattr(strings, name, value)
    assert strings.probe() is None


@given(st.lists(st.one_of(st.text(), st.text(alphabet="ab", max_size=99)), max_size=30))
def test_strings_are_found_where_they_lie(texts):
    address, nbytes, plain = strings.locate(texts)
    for text, at, size, is_plain in zip(texts, address.tolist(), nbytes, plain, strict=True):
        assert is_plain == (text.isascii() and strings.LAYOUT is not None)
        if is_plain:
            assert ctypes.string_at(at, size) == text.encode()


class Sub(str):
    __slots__ = ()


@pytest.mark.parametrize("odd", [None, 3, b"bytes", 2.5, np.str_("numpy"), Sub("sub"), ["list"]])
@pytest.mark.parametrize("place", [0, 1, 20])
def test_items_that_are_not_exactly_str_are_noticed(odd, place):
    items = ["text"] * 21
    items[place] = odd
    assert strings.locate(items) is None


def test_files_and_file_names(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("caf\xe9 au lait", encoding="latin-1")
    wanted = theirs.CountVectorizer().fit_transform(["café au lait"])
    names = CountVectorizer(input="filename", encoding="latin-1").fit_transform([str(path)])
    assert_same(names, wanted)
    assert_same(CountVectorizer(input="file").fit_transform([io.StringIO("café au lait")]), wanted)


def test_a_stream_is_counted_batch_by_batch(monkeypatch):
    from textrep.sparse import documents

    monkeypatch.setattr(documents, "BATCH_CHARACTERS", 50)
    sizes = []
    make_batch = documents._batch_of_strings

    def record(texts, special):
        sizes.append(sum(map(len, texts)))
        return make_batch(texts, special)

    monkeypatch.setattr(documents, "_batch_of_strings", record)

    def stream():
        yield from TEXTS * 3

    for ngram_range in [(1, 1), (1, 3)]:
        ours = CountVectorizer(ngram_range=ngram_range)
        peer = theirs.CountVectorizer(ngram_range=ngram_range)
        assert_same(ours.fit_transform(stream()), peer.fit_transform(TEXTS * 3))
        assert list(ours.vocabulary_.items()) == list(peer.vocabulary_.items())
        assert_same(ours.transform(stream()), peer.transform(TEXTS * 3))
    assert max(sizes) < 50 + max(map(len, TEXTS))
    assert len(sizes) > 20


# ---- bad input


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (["fine", None], "document 1 is None"),
        (["fine", "too", 3.5], "document 2 is 3.5"),
        (["fine", float("nan")], "document 1 is nan"),
        ([["a", "list"]], "document 0 is"),
        (np.array([["a", "b"], ["c", "d"]]), r"shape \(2, 2\)"),
    ],
)
@pytest.mark.parametrize("estimator", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
def test_bad_documents_are_named_with_their_place(estimator, documents, message):
    with pytest.raises(TextInputError, match=message):
        estimator().fit_transform(documents)


def test_a_data_frame_is_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TextInputError, match="choose the column"):
        CountVectorizer().fit(pandas.DataFrame({"text": ["a"], "label": ["b"]}))


def test_missing_values_in_a_column_are_named():
    pandas = pytest.importorskip("pandas")
    with pytest.raises((TextInputError, ValueError), match=r"document 1|np\.nan is an invalid"):
        CountVectorizer().fit(pandas.Series(["text", None]))


def test_a_null_in_a_pyarrow_column_is_named():
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(TextInputError, match="document 1 is None"):
        CountVectorizer().fit(pyarrow.array(["text", None]))


def test_bytes_that_are_no_utf8_in_a_pyarrow_column_are_refused():
    pyarrow = pytest.importorskip("pyarrow")
    offsets = pyarrow.py_buffer(np.array([0, 4, 8], dtype=np.int32))
    data = pyarrow.py_buffer(b"fine\xff\xff\xff\xff")
    column = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, offsets, data])
    with pytest.raises(TextInputError, match="not UTF-8"):
        CountVectorizer().fit(column)


def test_a_single_numpy_string_is_no_column():
    with pytest.raises(TextInputError, match="one column"):
        CountVectorizer().fit(np.array("text"))


def test_hashing_of_nothing_gives_no_rows():
    assert HashingVectorizer().transform([]).shape == (0, 2**20)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "two", True])
def test_n_jobs_must_be_a_number_of_threads(n_jobs):
    with pytest.raises(ValueError, match="n_jobs must be None or an integer"):
        CountVectorizer(n_jobs=n_jobs).fit(TEXTS)


# ---- threads and limits


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
@pytest.mark.parametrize("n_jobs", [1, 2, 3, 7, -1])
def test_the_number_of_threads_changes_nothing(monkeypatch, analyzer, n_jobs):
    monkeypatch.setattr(threads, "BYTES_PER_THREAD", 16)
    for kind in ("CountVectorizer", "HashingVectorizer"):
        parameters = {"analyzer": analyzer, "ngram_range": (1, 3)}
        ours = getattr(textrep, kind)(**parameters, n_jobs=n_jobs)
        peer = getattr(theirs, kind)(**parameters)
        assert_same(ours.fit_transform(TEXTS), peer.fit_transform(TEXTS))
        assert_same(ours.transform(TEXTS[::-1]), peer.transform(TEXTS[::-1]))


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("parameters", [{"ngram_range": (1, 2)}, {"analyzer": "char_wb"}])
def test_twenty_thousand_words_outgrow_every_first_table(monkeypatch, n_jobs, parameters):
    from textrep.sparse import documents, hashing, matching

    for module in (matching, hashing):
        monkeypatch.setattr(module, "LEXICON_BYTES", 1 << 16)
        monkeypatch.setattr(module, "PART_BYTES", 1 << 14)
    assert documents.PART_BYTES > 1 << 14
    monkeypatch.setattr(threads, "BYTES_PER_THREAD", 1 << 10)
    generator = np.random.default_rng(0)
    words = [f"w{number:x}" + "y" * int(generator.integers(0, 14)) for number in range(20_000)]
    texts = [" ".join(generator.choice(words, size=150)) for _ in range(400)]
    for name in ("CountVectorizer", "HashingVectorizer"):
        ours = getattr(textrep, name)(**parameters, n_jobs=n_jobs)
        peer = getattr(theirs, name)(**parameters)
        assert_same(ours.fit_transform(texts), peer.fit_transform(texts))
        assert_same(ours.transform(texts), peer.transform(texts))


def test_tiny_and_large_texts_mix(monkeypatch):
    monkeypatch.undo()  # scikit-learn's own code counts the tiny ones again
    few = ["the best of times", "the worst"]
    for fitted_on, applied_to in [(few, TEXTS), (TEXTS, few)]:
        for parameters in ({}, {"max_features": 3}, {"analyzer": "char", "ngram_range": (1, 2)}):
            ours = CountVectorizer(**parameters)
            peer = theirs.CountVectorizer(**parameters)
            assert_same(ours.fit_transform(fitted_on), peer.fit_transform(fitted_on))
            assert_same(ours.transform(applied_to), peer.transform(applied_to))
            assert json.loads(json.dumps(ours.vocabulary_)) == peer.vocabulary_
            assert_same(ours.transform(applied_to), peer.transform(applied_to))
    with pytest.raises(ValueError, match="n_jobs"):
        CountVectorizer(n_jobs=0).fit(few)


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
@pytest.mark.parametrize("column", [4, 100_000, 2**33, -5, 1.5])
@pytest.mark.parametrize("name", ["CountVectorizer", "TfidfVectorizer"])
def test_odd_columns_set_by_hand_end_as_in_scikit_learn(analyzer, column, name):
    results = []
    for library in (textrep, theirs):
        vectorizer = getattr(library, name)(analyzer=analyzer).fit(["t e times"])
        vectorizer.vocabulary_ = {"t": 0, "times": 1, "e": column}
        X = outcome(lambda v=vectorizer: v.transform(TEXTS))
        results.append(X if isinstance(X, type) else X.indices.tolist())
    assert results[0] == results[1]


def test_terms_that_are_no_str_count_as_in_scikit_learn():
    vocabulary = {("a", "b"): 0, "times": 1}
    ours = CountVectorizer(vocabulary=vocabulary, lowercase=False)
    peer = theirs.CountVectorizer(vocabulary=vocabulary, lowercase=False)
    assert_same(ours.transform(TEXTS), peer.transform(TEXTS))


def test_a_saved_vocabulary_with_odd_columns_is_refused():
    with pytest.raises(ValueError, match="not 0 to n - 1"):
        CountVectorizer()._set_state({"terms": ["a", "b"], "columns": np.array([0, 10**9])})


def test_a_vocabulary_without_the_orders_that_count_gives_empty_rows():
    ours = CountVectorizer(vocabulary=["times"], ngram_range=(3, 3))
    peer = theirs.CountVectorizer(vocabulary=["times"], ngram_range=(3, 3))
    assert_same(ours.transform(TEXTS), peer.transform(TEXTS))


def test_no_documents_are_refused_where_scikit_learn_refuses_them():
    for library in (textrep, theirs):
        vectorizer = library.TfidfVectorizer().fit(TEXTS)
        with pytest.raises(ValueError, match="Found array with 0 sample"):
            vectorizer.transform([])


def test_an_idf_of_the_wrong_length_is_no_way_into_memory():
    X = CountVectorizer().fit_transform(TEXTS)
    transformer = TfidfTransformer().fit(X)
    transformer.idf_ = transformer.idf_[:2]
    with pytest.raises(IndexError):
        transformer.transform(X)


def test_one_fitted_vectorizer_serves_many_threads():
    vectorizer = TfidfVectorizer(ngram_range=(1, 2)).fit(TEXTS)
    wanted = theirs.TfidfVectorizer(ngram_range=(1, 2)).fit(TEXTS).transform(TEXTS)
    failures = []

    def use():
        for _ in range(20):
            try:
                assert_same(vectorizer.transform(TEXTS), wanted)
            except Exception as error:
                failures.append(error)

    users = [threading.Thread(target=use) for _ in range(8)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not failures


def test_indices_of_64_bits_when_entries_outnumber_32(monkeypatch):
    asked_for = []

    class Recorder(scipy.sparse.csr_matrix):
        def __init__(self, parts, **options):
            asked_for.append({part.dtype for part in parts[1:]})
            super().__init__(parts, **options)

    monkeypatch.setattr(matrix, "LARGEST_INDEX", 10)
    monkeypatch.setattr(matrix, "csr_container", lambda: Recorder)
    for name in ("CountVectorizer", "HashingVectorizer"):
        X = getattr(textrep, name)().fit_transform(TEXTS)
        np.testing.assert_array_equal(
            X.toarray(), getattr(theirs, name)().fit_transform(TEXTS).toarray()
        )
    assert asked_for == [{np.dtype(np.int64)}] * 2


def test_too_many_ngrams_for_the_kernels_are_left_to_scikit_learn(monkeypatch):
    monkeypatch.setattr(numbering, "MOST_PREFIXES", 5)
    wanted = theirs.CountVectorizer(ngram_range=(1, 2)).fit_transform(TEXTS)
    assert_same(CountVectorizer(ngram_range=(1, 2)).fit_transform(TEXTS), wanted)
    with pytest.raises(ValueError, match="n-grams"):
        CountVectorizer(ngram_range=(1, 2)).fit_transform(iter(TEXTS))


# ---- TfidfTransformer


@pytest.mark.parametrize("form", ["csr_matrix", "csr_array", "csc_matrix", "dense"])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
@pytest.mark.parametrize(
    "parameters", [{}, {"norm": "l1"}, {"norm": None, "sublinear_tf": True}, {"use_idf": False}]
)
def test_transformer_weighs_as_scikit_learn_does(form, dtype, parameters):
    counts = np.random.default_rng(0).poisson(0.4, (30, 12)).astype(dtype)
    X = counts if form == "dense" else getattr(scipy.sparse, form)(counts)
    ours, peer = TfidfTransformer(**parameters), theirs.TfidfTransformer(**parameters)
    assert_same(ours.fit_transform(X.copy()), peer.fit_transform(X.copy()))


def test_weights_by_hand():
    # three documents; "a" in all, "b" in one: idf = ln(4/4) + 1 and ln(4/2) + 1
    X = TfidfVectorizer(norm=None, token_pattern=r"\w").fit_transform(["a a b", "a", "a"])
    np.testing.assert_allclose(X.toarray(), [[2, np.log(2) + 1], [1, 0], [1, 0]], rtol=1e-15)
