"""`partial_fit`, `merge` and streams: always what `fit` learns from all documents at once."""

from __future__ import annotations

import itertools
import pickle
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import text as theirs

import textrep
from textrep.sparse import CountVectorizer, TfidfVectorizer, documents, short
from textrep.sparse.kernels import merging as kernels
from textrep.sparse.merging import merge_tries
from textrep.sparse.seen import merge_dicts
from textrep.sparse.trie import Trie

FIRST = ["the cat runs to the cats", "a dog ran to the cat's", "", "Ähre naïve 文字"] * 9
SECOND = ["zebra cat", "some other dog runs here", "the end of it all", "Öl 文"] * 7
SETTINGS = [
    (CountVectorizer, {}),
    (CountVectorizer, {"analyzer": "char", "ngram_range": (1, 3), "min_df": 3}),
    (CountVectorizer, {"analyzer": "char_wb", "ngram_range": (3, 4), "max_df": 0.4}),
    (CountVectorizer, {"analyzer": str.split, "min_df": 2}),
    (CountVectorizer, {"vocabulary": ["zebra", "cat"]}),
    (CountVectorizer, {"dtype": np.int16, "max_features": 4}),
    (TfidfVectorizer, {}),
    (TfidfVectorizer, {"ngram_range": (1, 2), "min_df": 3, "max_df": 0.5}),
    (TfidfVectorizer, {"ngram_range": (2, 3), "max_features": 7, "dtype": np.float32}),
    (TfidfVectorizer, {"binary": True, "max_features": 5, "sublinear_tf": True}),
    (TfidfVectorizer, {"vocabulary": {"cat": 1, "zebra": 0}, "smooth_idf": False}),
    (TfidfVectorizer, {"use_idf": False, "stop_words": "english"}),
    (TfidfVectorizer, {"smooth_idf": False, "plus_one": False, "norm": None}),
    (TfidfVectorizer, {"stemmer": "english", "ngram_range": (1, 2)}),
    (TfidfVectorizer, {"preprocessor": str.upper, "min_df": 2}),
]
IDS = [f"{cls.__name__}-{'-'.join(map(str, kw.values()))}" for cls, kw in SETTINGS]


@pytest.fixture(autouse=True)
def kernels_for_everything(monkeypatch):
    monkeypatch.setattr(short, "TINY_CHARACTERS", 0)


def assert_equal(ours, wanted):
    assert list(ours.vocabulary_.items()) == list(wanted.vocabulary_.items())
    assert ours.get_feature_names_out().tolist() == wanted.get_feature_names_out().tolist()
    if getattr(wanted, "use_idf", False):
        assert ours.idf_.dtype == wanted.idf_.dtype
        np.testing.assert_array_equal(ours.idf_, wanted.idf_)
    for texts in (SECOND, ["a zebra and the cats"]):
        a, b = ours.transform(texts), wanted.transform(texts)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert (a != b).nnz == 0


@pytest.mark.parametrize(("cls", "parameters"), SETTINGS, ids=IDS)
def test_partial_fit_and_merge_equal_fit_on_everything(cls, parameters, tmp_path):
    wanted = cls(**parameters).fit([*FIRST, *SECOND, ""])
    grown = cls(**parameters).partial_fit(FIRST[:5]).partial_fit([]).partial_fit(FIRST[5:])
    grown.partial_fit(iter(SECOND)).partial_fit([""])
    merged = cls(**parameters).partial_fit(FIRST)
    other = cls(**parameters).partial_fit([*SECOND, ""])
    assert merged.merge(other) is merged
    streamed = cls(**parameters).fit(text for text in [*FIRST, *SECOND, ""])
    for ours in (grown, merged, streamed, pickle.loads(pickle.dumps(grown))):
        assert_equal(ours, wanted)
    assert_equal(other, cls(**parameters).fit([*SECOND, ""]))
    if not callable(parameters.get("analyzer")) and "preprocessor" not in parameters:
        loaded = textrep.load(grown.save(tmp_path / "grown"))
        assert_equal(loaded, wanted)
        more = ["zebra zoo", "the cat"]
        assert_equal(loaded.partial_fit(more), cls(**parameters).fit([*FIRST, *SECOND, "", *more]))


@pytest.mark.parametrize(
    ("cls", "parameters"),
    [s for s in SETTINGS if not {"min_df", "max_df", "max_features"} & s[1].keys()],
)
@pytest.mark.filterwarnings("ignore:divide by zero")  # a given term that no document has
def test_what_fit_learnt_can_grow_when_nothing_was_left_out(cls, parameters):
    wanted = cls(**parameters).fit(FIRST + SECOND)
    first, second = cls(**parameters).fit(FIRST), cls(**parameters).fit(SECOND)
    assert_equal(pickle.loads(pickle.dumps(first)).partial_fit(SECOND), wanted)
    assert_equal(first.merge(second), wanted)


@pytest.mark.parametrize("limit", [{"min_df": 2}, {"max_df": 0.5}, {"max_features": 3}])
@pytest.mark.parametrize("documents", [FIRST, iter(FIRST)], ids=["list", "stream"])
def test_what_fit_left_out_cannot_grow(limit, documents):
    fitted = CountVectorizer(**limit).fit(FIRST if isinstance(documents, list) else iter(FIRST))
    before = dict(fitted.vocabulary_)
    with pytest.raises(ValueError, match="begin with partial_fit, which keeps all"):
        fitted.partial_fit(SECOND)
    with pytest.raises(ValueError, match="begin with partial_fit, which keeps all"):
        CountVectorizer(**limit).partial_fit(SECOND).merge(fitted)
    assert fitted.vocabulary_ == before


def test_counts_that_fit_did_not_keep_are_missed_with_a_message():
    counted = CountVectorizer().fit(FIRST).set_params(min_df=2)
    with pytest.raises(ValueError, match="begin with partial_fit"):
        counted.partial_fit(SECOND)
    merged = CountVectorizer().fit(FIRST).merge(CountVectorizer().fit(SECOND)).set_params(min_df=2)
    merged.partial_fit(["dog"])
    with pytest.raises(ValueError, match="learn with partial_fit in its place"):
        merged.transform(FIRST)


ALPHABET = st.sampled_from(["a b", "aa", "bb", "aab", "é", "文 字", "cc", " ", "B"])
TEXTS = st.lists(st.lists(ALPHABET, max_size=6).map(" ".join), max_size=8)


@settings(max_examples=150)
@given(
    parts=st.lists(TEXTS, min_size=1, max_size=6),
    analyzer=st.sampled_from(["word", "char", "char_wb"]),
    orders=st.sampled_from([(1, 1), (1, 2), (2, 2), (2, 4), (3, 3)]),
    min_df=st.sampled_from([1, 2, 0.3]),
    max_features=st.sampled_from([None, 2]),
)
def test_random_parts_equal_the_whole(parts, analyzer, orders, min_df, max_features):
    parameters = {
        "analyzer": analyzer, "ngram_range": orders, "min_df": min_df, "max_features": max_features
    }  # fmt: skip
    everything = list(itertools.chain(*parts))
    grown = TfidfVectorizer(**parameters, token_pattern=r"\w+", n_jobs=2)
    for part in parts:
        grown.partial_fit(part)
    wanted = theirs.TfidfVectorizer(**parameters, token_pattern=r"\w+")
    try:
        wanted.fit(everything)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)[:30]):
            grown.transform(["a"])
        return
    assert list(grown.vocabulary_.items()) == list(wanted.vocabulary_.items())
    np.testing.assert_array_equal(grown.idf_, wanted.idf_)
    assert abs(grown.transform(everything) - wanted.transform(everything)).max() < 1e-15


@given(
    first=st.lists(st.text("ab é", max_size=4), unique=True),
    second=st.lists(st.text("abc é", max_size=4), unique=True),
    words=st.booleans(),
)
def test_merged_tries_hold_the_terms_that_merged_dicts_hold(first, second, words):
    def sorted_dict(terms):
        return {term: sorted(terms).index(term) for term in terms}

    first = [term for term in first if term and "" not in term.split(" ")] if words else first
    second = [term for term in second if term and "" not in term.split(" ")] if words else second
    dicts = [sorted_dict([t for t in terms if t]) for terms in (first, second)]
    assume(all(dicts))
    merged, *columns = merge_tries(*(Trie.from_terms(d, words) for d in dicts))
    wanted, *wanted_columns = merge_dicts(*dicts)
    assert list(merged.vocabulary().items()) == list(wanted.items())
    for ours, theirs_ in zip(columns, wanted_columns, strict=True):
        np.testing.assert_array_equal(ours, theirs_)


@pytest.mark.parametrize("kernel", [kernels.merge_sorted, kernels.merge_sorted.py_func])
def test_merging_sorted_numbers_with_and_without_the_compiler(kernel):
    a, b = np.array([1, 4, 9, 11]), np.array([0, 4, 11, 12, 13])
    place_a, place_b = np.empty(4, np.int32), np.empty(5, np.int32)
    merged = np.empty(9, np.int64)
    size = kernel(a, b, place_a, place_b, merged)
    np.testing.assert_array_equal(merged[:size], np.union1d(a, b))
    np.testing.assert_array_equal(merged[place_a], a)
    np.testing.assert_array_equal(merged[place_b], b)


# ---- bad input, and what must not be lost


@pytest.mark.parametrize("cls", [CountVectorizer, TfidfVectorizer])
def test_bad_documents_leave_what_was_learnt(cls):
    grown = cls().partial_fit(FIRST)
    for bad in ("a text", [*SECOND, None], [*SECOND, float("nan")], np.zeros((2, 2))):
        with pytest.raises((ValueError, AttributeError)):
            grown.partial_fit(bad)
    assert_equal(grown.partial_fit(SECOND), cls().fit(FIRST + SECOND))


def test_parts_without_a_term_are_counted_and_no_error_until_a_vocabulary_is_asked_for():
    grown = TfidfVectorizer().partial_fit(["", "a"])
    with pytest.raises(ValueError, match="empty vocabulary"):
        grown.transform(["dog"])
    with pytest.raises(ValueError, match="empty vocabulary"):
        _ = grown.vocabulary_
    grown = pickle.loads(pickle.dumps(grown))
    assert_equal(grown.partial_fit(FIRST), TfidfVectorizer().fit(["", "a", *FIRST]))


def test_terms_too_rare_so_far_are_not_forgotten():
    grown = CountVectorizer(min_df=3).partial_fit(["zebra dog"]).partial_fit(["zebra"])
    with pytest.raises(ValueError, match="max_df corresponds to < documents than min_df"):
        grown.transform(["zebra"])
    grown.partial_fit(["dog"])
    with pytest.raises(ValueError, match="After pruning, no terms remain"):
        grown.transform(["zebra"])
    assert grown.partial_fit(["zebra"]).vocabulary_ == {"zebra": 0}


def test_only_vectorizers_that_count_alike_are_merged():
    first = CountVectorizer().partial_fit(FIRST)
    with pytest.raises(ValueError, match="only with another one, not with a TfidfVectorizer"):
        first.merge(TfidfVectorizer().partial_fit(SECOND))
    with pytest.raises(ValueError, match=r"differ in ngram_range: \(1, 1\) and \(1, 2\)"):
        first.merge(CountVectorizer(ngram_range=(1, 2)).partial_fit(SECOND))
    with pytest.raises(NotFittedError):
        first.merge(CountVectorizer())
    with pytest.raises(NotFittedError):
        CountVectorizer().merge(first)
    assert_equal(first, CountVectorizer().fit(FIRST))
    looser = CountVectorizer(min_df=2, n_jobs=1).partial_fit(FIRST)
    assert_equal(
        looser.merge(CountVectorizer().partial_fit(SECOND)),
        CountVectorizer(min_df=2).fit(FIRST + SECOND),
    )


def test_a_vocabulary_set_by_hand_does_not_grow():
    vectorizer = CountVectorizer().fit(FIRST)
    vectorizer.vocabulary_ = {"cat": 0}
    with pytest.raises(ValueError, match="did not learn its vocabulary from documents"):
        vectorizer.partial_fit(SECOND)


def test_a_fit_begins_anew():
    assert_equal(CountVectorizer().partial_fit(FIRST).fit(SECOND), CountVectorizer().fit(SECOND))
    grown = TfidfVectorizer(min_df=2).partial_fit(FIRST)
    grown.fit_transform(SECOND)
    assert_equal(grown, TfidfVectorizer(min_df=2).fit(SECOND))


def test_many_threads_may_be_the_first_to_ask():
    grown = TfidfVectorizer().partial_fit(FIRST).partial_fit(SECOND)
    wanted = TfidfVectorizer().fit(FIRST + SECOND).transform(SECOND)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(grown.transform(SECOND))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all((result != wanted).nnz == 0 for result in results)


# ---- memory


def peak_of(fit):
    tracemalloc.start()
    try:
        fit()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_stream_takes_no_more_memory_the_longer_it_is(method, monkeypatch):
    monkeypatch.setattr(documents, "BATCH_CHARACTERS", 1 << 16)
    words = [f"word{i}" for i in range(499)]

    def stream(n):
        for i in range(n):
            yield " ".join(words[i % 400 : i % 400 + 100])

    def learn(n):
        return peak_of(lambda: getattr(CountVectorizer(n_jobs=1), method)(stream(n)))

    learn(600)  # whatever is made once
    short_one = learn(600)
    assert learn(12_000) < 1.3 * short_one
    assert CountVectorizer().fit(stream(12_000)).vocabulary_.keys() == set(words)


# ---- the transformer


@pytest.mark.parametrize("parameters", [{}, {"smooth_idf": False}, {"use_idf": False}])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_a_transformer_learns_in_parts_what_it_learns_at_once(parameters, dtype, tmp_path):
    X = textrep.HashingVectorizer(n_features=32, norm=None, alternate_sign=False, dtype=dtype)
    first, second = X.transform(FIRST), X.transform(SECOND)
    wanted = textrep.TfidfTransformer(**parameters).fit(X.transform(FIRST + SECOND))
    grown = textrep.TfidfTransformer(**parameters).partial_fit(first)
    grown = textrep.load(grown.save(tmp_path / "idf")).partial_fit(second.tocsc())
    merged = textrep.TfidfTransformer(**parameters).partial_fit(first.toarray())
    merged.merge(textrep.TfidfTransformer().partial_fit(second))
    for ours in (grown, merged, pickle.loads(pickle.dumps(grown))):
        if wanted.use_idf:
            assert ours.idf_.dtype == wanted.idf_.dtype
            np.testing.assert_array_equal(ours.idf_, wanted.idf_)
        assert (ours.transform(second) != wanted.transform(second)).nnz == 0


def test_a_transformer_says_what_it_cannot_go_on_from():
    with pytest.raises(ValueError, match="begin with partial_fit"):
        textrep.TfidfTransformer().fit([[1, 2]]).partial_fit([[3, 4]])
    grown = textrep.TfidfTransformer().partial_fit([[1, 2], [0, 1]])
    with pytest.raises(ValueError, match="X has 3 features"):
        grown.partial_fit([[1, 2, 3]])
    with pytest.raises(ValueError, match="have 2 and 1 features"):
        grown.merge(textrep.TfidfTransformer().partial_fit([[1]]))
    with pytest.raises(ValueError, match="not with a CountVectorizer"):
        grown.merge(CountVectorizer())
    with pytest.raises(NotFittedError):
        grown.merge(textrep.TfidfTransformer())
    np.testing.assert_array_equal(grown.idf_, textrep.TfidfTransformer().fit([[1, 2], [0, 1]]).idf_)
    assert "_n_documents" not in vars(grown.fit([[1, 2]]))


def test_a_transformer_takes_parts_of_both_precisions():
    single, double = np.array([[1, 0]], dtype=np.float32), np.array([[1, 1]], dtype=np.float64)
    wanted = textrep.TfidfTransformer().fit(np.vstack([single, double])).idf_
    for parts in ((single, double), (double, single)):
        grown = textrep.TfidfTransformer().partial_fit(parts[0]).partial_fit(parts[1])
        merged = textrep.TfidfTransformer().partial_fit(parts[0])
        merged.merge(textrep.TfidfTransformer().partial_fit(parts[1]))
        for ours in (grown, merged):
            assert ours.idf_.dtype == wanted.dtype
            np.testing.assert_array_equal(ours.idf_, wanted)


def test_a_transformer_may_be_asked_for_weights_later():
    late = textrep.TfidfTransformer(use_idf=False).partial_fit([[1, 0]]).set_params(use_idf=True)
    late.merge(textrep.TfidfTransformer(use_idf=False).partial_fit([[1, 1]]))
    np.testing.assert_array_equal(late.idf_, textrep.TfidfTransformer().fit([[1, 0], [1, 1]]).idf_)


# ---- parameters that change on the way


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "change",
    [
        {"ngram_range": (1, 2)},
        {"lowercase": False},
        {"stop_words": ["the"]},
        {"stemmer": "english"},
        {"analyzer": "char"},
    ],
)
@pytest.mark.parametrize("vocabulary", [None, ["cat", "dog"]])
def test_documents_cut_into_other_tokens_are_not_added(first, change, vocabulary):
    grown = getattr(TfidfVectorizer(vocabulary=vocabulary), first)(FIRST)
    grown.set_params(norm="l1", max_df=1.0, n_jobs=1).partial_fit(SECOND)  # no matter of tokens
    (name,) = change
    before = grown.get_params()[name]
    with pytest.raises(ValueError, match=f"{name} was .* for the documents before and is now"):
        grown.set_params(**change).partial_fit(SECOND)
    grown.set_params(**{name: before})
    assert_equal(grown, TfidfVectorizer(vocabulary=vocabulary, norm="l1").fit(FIRST + SECOND))
    fresh = TfidfVectorizer(vocabulary=vocabulary, **change)
    assert fresh.fit(FIRST).partial_fit(SECOND) is fresh
