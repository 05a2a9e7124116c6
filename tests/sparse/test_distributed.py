"""Dask collections: always what one machine answers for all documents at once."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from textrep.core.partitions import is_partitioned
from textrep.core.text import TextInputError
from textrep.embeddings import StaticEmbedder, WordVectors
from textrep.sparse import (
    BM25Vectorizer,
    CountVectorizer,
    HashingVectorizer,
    LogCountRatio,
    TfidfTransformer,
    TfidfVectorizer,
    short,
)

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
bag = pytest.importorskip("dask.bag")
dd = pytest.importorskip("dask.dataframe")

TEXTS = [
    "the cat runs to the cats",
    "a dog ran to the cat's",
    "",
    "Ähre naïve 文字",
    "zebra cat",
    "some other dog runs here",
    "the end of it all",
] * 3
CUTS = (0, 5, 5, 6, 14, 21)  # one part of them is empty
PARTS = [TEXTS[first:last] for first, last in itertools.pairwise(CUTS)]
FRAME = pd.DataFrame({"text": TEXTS, "number": range(len(TEXTS))})
FIT = [
    (CountVectorizer, {}),
    (CountVectorizer, {"analyzer": "char_wb", "ngram_range": (2, 3), "max_df": 0.6}),
    (CountVectorizer, {"analyzer": str.split, "min_df": 4}),
    (CountVectorizer, {"vocabulary": ["zebra", "cat"], "binary": True}),
    (TfidfVectorizer, {"ngram_range": (1, 2), "max_features": 7, "dtype": np.float32}),
    (TfidfVectorizer, {"min_df": 4, "sublinear_tf": True, "dtype": np.int64}),
    (BM25Vectorizer, {"min_df": 2}),
    (HashingVectorizer, {"n_features": 64}),
]
IDS = [f"{cls.__name__}-{'-'.join(map(str, kw.values()))}" for cls, kw in FIT]


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def kernels_for_everything(monkeypatch):
    monkeypatch.setattr(short, "TINY_CHARACTERS", 0)


def parted(parts=PARTS):
    return bag.from_delayed([dask.delayed(part) for part in parts])


def framed(column="text"):
    parts = [FRAME.iloc[first:last] for first, last in itertools.pairwise(CUTS)]
    return dd.from_delayed([dask.delayed(part) for part in parts], meta=FRAME.iloc[:0])[column]


def assert_same_matrix(lazy, wanted):
    assert is_partitioned(lazy)
    found = lazy.compute()
    assert type(found) is type(wanted)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    assert (lazy.shape[1], lazy.dtype) == (wanted.shape[1], wanted.dtype)
    assert (found != wanted).nnz == 0


# ---- learning


@pytest.mark.parametrize(("cls", "parameters"), FIT, ids=IDS)
def test_fit_learns_what_one_machine_learns(cls, parameters, kernels_for_everything):
    wanted = cls(**parameters)
    expected = wanted.fit(TEXTS).transform(TEXTS)
    found = cls(**parameters)
    assert_same_matrix(found.fit_transform(parted()), expected)
    for name in ("vocabulary_", "idf_", "average_length_"):
        if hasattr(wanted, name):
            np.testing.assert_equal(getattr(found, name), getattr(wanted, name))
    if hasattr(wanted, "vocabulary_"):
        assert list(found.vocabulary_.items()) == list(wanted.vocabulary_.items())
    again = pickle.loads(pickle.dumps(found))
    assert (again.transform(TEXTS) != expected).nnz == 0


@given(
    st.lists(st.lists(st.text("ab é", max_size=6), max_size=4), min_size=1, max_size=20),
    st.integers(1, 3),
)
@settings(max_examples=25)
def test_any_cut_of_any_texts_gives_the_same_vocabulary(parts, min_df):
    texts = [text for part in parts for text in part]
    parameters = {"analyzer": "char", "ngram_range": (1, 2), "min_df": min_df}
    try:
        wanted = CountVectorizer(**parameters).fit(texts)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)[:20]):
            CountVectorizer(**parameters).fit(parted(parts))
        return
    found = CountVectorizer(**parameters).fit(parted(parts))
    assert list(found.vocabulary_.items()) == list(wanted.vocabulary_.items())


def test_partial_fit_goes_on_with_a_collection():
    wanted = TfidfVectorizer().fit([*TEXTS, "what follows", *TEXTS])
    found = TfidfVectorizer().partial_fit([*TEXTS, "what follows"]).partial_fit(parted())
    assert found.vocabulary_ == wanted.vocabulary_
    np.testing.assert_array_equal(found.idf_, wanted.idf_)


def test_a_failed_fit_leaves_what_was_learnt_before():
    vectorizer = CountVectorizer().fit(["so much text"])
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit(parted([["a", "b"], []]))
    assert sorted(vectorizer.vocabulary_) == ["much", "so", "text"]


# ---- kinds of collections


@pytest.mark.parametrize(
    "documents",
    [
        bag.from_sequence(TEXTS, npartitions=1),
        bag.from_sequence(TEXTS, npartitions=4).map(str.strip),
        da.from_array(np.array(TEXTS, dtype=object), chunks=4),
        da.from_array(np.array(TEXTS), chunks=21),
        framed(),
        framed(["text"]),
    ],
    ids=["bag", "lazy bag", "array", "array of one chunk", "series", "frame of one column"],
)
def test_every_kind_of_collection_is_read(documents):
    wanted = TfidfVectorizer(ngram_range=(1, 2))
    expected = wanted.fit(TEXTS).transform(TEXTS)
    found = TfidfVectorizer(ngram_range=(1, 2))
    assert_same_matrix(found.fit(documents).transform(documents), expected)
    assert found.vocabulary_ == wanted.vocabulary_


def test_heights_are_known_where_those_of_the_documents_are():
    vectorizer = HashingVectorizer(n_features=16)
    array = da.from_array(np.array(TEXTS, dtype=object), chunks=4)
    assert vectorizer.transform(array).chunks == ((4, 4, 4, 4, 4, 1), (16,))
    lazy = vectorizer.transform(parted())
    assert np.isnan(lazy.shape[0])
    assert lazy.compute_chunk_sizes().chunks[0] == (5, 0, 1, 8, 7)


def test_a_collection_without_documents_has_no_rows():
    lazy = TfidfVectorizer().fit(TEXTS).transform(parted([[], []]))
    assert lazy.compute().shape == (0, lazy.shape[1])


# ---- what is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: framed(["text", "number"]), r"'text', 'number'.*choose the one"),
        (lambda: da.ones((4, 2), chunks=2), "choose the column"),
        (lambda: dask.delayed(TEXTS), "got a dask.delayed.Delayed"),
        (lambda: bag.from_sequence(TEXTS).count(), "expected documents in a bag"),
    ],
)
def test_what_is_no_column_of_texts_is_refused_at_once(make, message):
    with pytest.raises(TextInputError, match=message):
        HashingVectorizer().transform(make())
    with pytest.raises(TextInputError, match=message):
        CountVectorizer().fit(make())


def _series_with_hole(dtype):
    series = pd.Series([*TEXTS[:12], None, *TEXTS[:3]], dtype=dtype)
    return dd.from_pandas(series, chunksize=10, sort=False)


@pytest.mark.parametrize(
    "documents",
    [
        _series_with_hole("string[pyarrow]"),
        _series_with_hole("str"),
        parted([TEXTS[:10], ["so", "much", None]]),
        parted([TEXTS[:10], ["so", "much", float("nan")]]),
    ],
    ids=["string", "str", "None", "nan"],
)
def test_missing_values_are_refused_with_their_place(documents):
    with pytest.raises(TextInputError, match="row 2 of partition 1 is a missing value"):
        TfidfVectorizer().fit(documents)
    with pytest.raises(TextInputError, match="row 2 of partition 1 is a missing value"):
        HashingVectorizer().transform(documents).compute()


def test_other_faults_are_told_with_their_partition():
    with pytest.raises(TextInputError, match=r"partition 1: document 1 is 3"):
        CountVectorizer().fit(parted([["so", "much"], ["text", 3]]))


def test_nothing_is_transformed_before_a_fit():
    for estimator in (CountVectorizer(), TfidfVectorizer(), BM25Vectorizer(), TfidfTransformer()):
        with pytest.raises(NotFittedError):
            estimator.transform(parted())


# ---- matrices of counts


@pytest.mark.parametrize(
    "parameters", [{}, {"smooth_idf": False, "plus_one": False}, {"use_idf": False}]
)
def test_weights_of_blocks_are_those_of_the_whole_matrix(parameters):
    counts = CountVectorizer().fit_transform(TEXTS)
    wanted = TfidfTransformer(**parameters).fit(counts)
    lazy = CountVectorizer().fit_transform(parted())
    found = TfidfTransformer(**parameters).fit(lazy)
    if hasattr(wanted, "idf_"):
        np.testing.assert_array_equal(found.idf_, wanted.idf_)
    assert_same_matrix(found.transform(lazy), wanted.transform(counts))


def test_a_pipeline_of_collections_gives_the_vectoriser_of_both():
    pipeline = make_pipeline(CountVectorizer(min_df=2), TfidfTransformer())
    assert_same_matrix(
        pipeline.fit_transform(parted()), TfidfVectorizer(min_df=2).fit(TEXTS).transform(TEXTS)
    )


def test_dense_blocks_cut_both_ways_are_weighed():
    counts = np.random.default_rng(0).integers(0, 3, (9, 6))
    wanted = TfidfTransformer().fit(counts)
    lazy = da.from_array(counts, chunks=(4, 2))
    found = TfidfTransformer().fit(lazy)
    np.testing.assert_array_equal(found.idf_, wanted.idf_)
    assert_same_matrix(found.transform(lazy), wanted.transform(counts))
    with pytest.raises(ValueError, match="X has 2 features, but TfidfTransformer is expecting 6"):
        found.transform(lazy[:, :2])


def test_what_is_no_matrix_has_no_weights():
    with pytest.raises(ValueError, match="expected a dask array of two dimensions"):
        TfidfTransformer().fit(framed(["number"]))
    with pytest.raises(ValueError, match="0 sample"):
        TfidfTransformer().fit(da.ones((0, 3), chunks=2))


def test_ratios_of_blocks_are_those_of_the_whole_matrix():
    counts = CountVectorizer().fit_transform(TEXTS)
    lazy = CountVectorizer().fit_transform(parted())
    labels = np.array(["cat" if "cat" in text else "other" for text in TEXTS])
    parts = parted([labels[a:b].tolist() for a, b in itertools.pairwise(CUTS)])
    wanted, found = LogCountRatio().fit(counts, labels), LogCountRatio().fit(lazy, parts)
    np.testing.assert_array_equal(found.log_count_ratio_, wanted.log_count_ratio_)
    assert found.classes_.tolist() == wanted.classes_.tolist()
    assert_same_matrix(found.transform(lazy), wanted.transform(counts))
    with pytest.raises(ValueError, match="y must be one too"):
        LogCountRatio().fit(lazy, labels)
    with pytest.raises(ValueError, match="partition 0: X has 5 rows and y has 4 labels"):
        LogCountRatio().fit(lazy, parted([labels[:4], *PARTS[1:]]))


# ---- document vectors


@pytest.mark.parametrize("pooling", ["mean", "sif"])
def test_document_vectors_of_parts_are_those_of_all_documents(pooling):
    matrix = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    vectors = WordVectors(["cat", "dog", "runs", "the"], matrix)
    embedder = StaticEmbedder(vectors=vectors, pooling=pooling).fit(TEXTS)
    lazy = embedder.transform(parted())
    assert lazy.dtype == np.float32
    np.testing.assert_array_equal(lazy.compute(), embedder.transform(TEXTS))


# ---- schedulers


@pytest.fixture(params=["threads", "processes"])
def pool(request):
    if request.param == "threads":
        made = ThreadPoolExecutor(2)
    else:
        made = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    with made, dask.config.set(scheduler=request.param, pool=made):
        yield


@pytest.mark.usefixtures("pool")
def test_every_scheduler_gives_the_same():
    wanted, found = TfidfVectorizer(min_df=2), TfidfVectorizer(min_df=2)
    expected = wanted.fit(TEXTS).transform(TEXTS)
    lazy = pickle.loads(pickle.dumps(found.fit_transform(parted())))
    assert_same_matrix(lazy, expected)
    np.testing.assert_array_equal(found.idf_, wanted.idf_)


class Unpickled(HashingVectorizer):
    """A vectoriser that counts how often it was unpickled in this process."""

    times = 0

    def __setstate__(self, state):
        type(self).times += 1
        super().__setstate__(state)


def test_a_process_unpickles_a_model_once_for_all_its_tasks():
    lazy = Unpickled(n_features=8).transform(parted())
    tasks = [pickle.dumps(task) for task in [next(iter(_sent_in(lazy)))] * 3]
    before = Unpickled.times
    first, second, third = map(pickle.loads, tasks)
    assert Unpickled.times == before + 1
    assert first is second is third


def _sent_in(lazy):
    """The models in a graph."""
    from textrep.core.partitions import Sent

    for value in dict(lazy.__dask_graph__()).values():
        # newer versions of dask wrap what is no task
        held = value if isinstance(value, Sent) else getattr(value, "value", None)
        if isinstance(held, Sent):
            yield held


def test_a_graph_holds_the_model_once_and_without_its_counts():
    vectorizer = TfidfVectorizer().partial_fit(TEXTS)
    (sent,) = _sent_in(vectorizer.transform(parted()))
    assert not hasattr(sent.value, "_tower")
    assert vectorizer.merge(clone(vectorizer).partial_fit(["more"])).idf_.size


def test_other_input_is_not_taken_for_a_collection():
    for documents in (TEXTS, np.array(TEXTS), FRAME["text"], iter(TEXTS), sp.csr_matrix((2, 2))):
        assert not is_partitioned(documents)
