"""Pipelines of texts that read further columns too."""

from __future__ import annotations

import warnings

import cloudpickle
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

import textrep
from textrep.comparison import RUNGS, ComparisonError
from textrep.comparison.features import inner_name, with_columns

N_DOCUMENTS = 240
N_LEARNT = 160
SEED = 0
# fastText's classifier reads texts alone: it has no features that columns could stand beside.
READS_TEXTS_ALONE = {
    "fasttext",
    "lstm",
    "bilstm-word2vec",
    "ulmfit",
    "transformer",
    "few-shot-lm",
    "bert",
    "distilbert",
}
# They are slow to learn, and their vectors are to these tests what those of word2vec are.
LEFT_OUT = {"elmo-logreg", "frozen-encoder", "static-student"} | READS_TEXTS_ALONE
TEXT_RUNGS = [rung for rung in RUNGS[1:] if rung.name not in LEFT_OUT]
every_rung = pytest.mark.parametrize("rung", [RUNGS[0], *TEXT_RUNGS], ids=lambda rung: rung.name)
every_text_rung = pytest.mark.parametrize("rung", TEXT_RUNGS, ids=lambda rung: rung.name)


class Shop:
    """Documents of two classes that their words tell apart a little, and columns beside them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(SEED)
        self.labels = np.array(["cheap", "dear"])[rng.integers(2, size=N_DOCUMENTS)]
        self.dear = self.labels == "dear"
        words = np.array([f"word{i:02d}" for i in range(40)])
        weights = np.where(np.arange(40) < 20, 1.3, 1.0)
        self.texts = [
            " ".join(rng.choice(words, 12, p=each / each.sum()))
            for each in (weights if dear else weights[::-1] for dear in self.dear)
        ]
        # An outlier, and values that are missing.
        self.price = np.exp(3 * (self.dear + rng.normal(scale=0.3, size=N_DOCUMENTS)))
        self.price[0], self.price[1:9] = 1e9, np.nan
        self.kind = np.where(rng.random(N_DOCUMENTS) < 0.9, self.labels, "").astype(object)
        self.links = rng.poisson(1 + 2 * self.dear).astype(float)

    def table(self, *columns: np.ndarray) -> np.ndarray:
        table = np.empty((N_DOCUMENTS, 1 + len(columns)), dtype=object)
        table[:, 0] = self.texts
        for at, column in enumerate(columns, start=1):
            table[:, at] = column
        return table


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def accuracy(pipeline: Pipeline, X, labels: np.ndarray) -> float:
    fitted = pipeline.fit(X[:N_LEARNT], labels[:N_LEARNT])
    return float(np.mean(fitted.predict(X[N_LEARNT:]) == labels[N_LEARNT:]))


@every_text_rung
@pytest.mark.parametrize(
    ("names", "n_numeric"), [(("price",), 1), (("links",), 1), (("kind",), 0)], ids=str
)
def test_an_informative_column_helps_every_rung(rung, names, n_numeric, shop):
    alone = accuracy(rung.factory(SEED), shop.texts, shop.labels)
    table = shop.table(*(getattr(shop, name) for name in names))
    pipeline = with_columns(rung.factory(SEED), n_numeric, len(names) - n_numeric)
    assert accuracy(pipeline, table, shop.labels) > alone + 0.02


@every_text_rung
def test_numbers_that_never_change_change_nothing(rung, shop):
    constant = np.full(N_DOCUMENTS, 3.0)
    missing = np.full(N_DOCUMENTS, np.nan)
    table = shop.table(constant, missing)
    pipeline = with_columns(rung.factory(SEED), 2, 0).fit(table, shop.labels)
    alone = rung.factory(SEED).fit(shop.texts, shop.labels)
    np.testing.assert_array_equal(pipeline.predict(table), alone.predict(shop.texts))


@every_text_rung
def test_a_category_that_never_changes_changes_next_to_nothing(rung, shop):
    table = shop.table(np.full(N_DOCUMENTS, "only", dtype=object))
    pipeline = with_columns(rung.factory(SEED), 0, 1).fit(table, shop.labels)
    alone = rung.factory(SEED).fit(shop.texts, shop.labels)
    assert np.mean(pipeline.predict(table) == alone.predict(shop.texts)) > 0.95


@every_rung
def test_a_pipeline_answers_the_same_after_saving_and_loading(rung, shop, tmp_path):
    table = shop.table(shop.price, shop.links, shop.kind)
    pipeline = with_columns(rung.factory(SEED), 2, 1).fit(table, shop.labels)
    loaded = textrep.load(textrep.save(pipeline, tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.predict(table), pipeline.predict(table))


@every_rung
def test_values_that_were_never_seen_have_a_prediction(rung, shop):
    table = shop.table(shop.price, shop.links, shop.kind)
    pipeline = with_columns(rung.factory(SEED), 2, 1).fit(table, shop.labels)
    rows = np.array(
        [
            ["word00 unheard", np.nan, np.nan, ""],
            ["", -1e300, 1e300, "new kind"],
        ],
        dtype=object,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(pipeline.predict(rows)) <= {"cheap", "dear"}


def test_an_identifier_is_not_learnt_by_heart(shop):
    identifiers = np.array([f"no. {i}" for i in range(N_DOCUMENTS)], dtype=object)
    pipeline = with_columns(svm(), 0, 1).fit(shop.table(identifiers), shop.labels)
    names = pipeline[:-1].get_feature_names_out(["text", "id"])
    assert [name for name in names if name.startswith("categorical")] == [
        "categorical__id_infrequent_sklearn"
    ]


def test_features_are_words_ranges_and_categories(shop):
    table = shop.table(shop.price, shop.kind)
    pipeline = with_columns(svm(), 1, 1).fit(table, shop.labels)
    names = pipeline[:-1].get_feature_names_out(["text", "price", "kind"]).tolist()
    assert names[:2] == ["text__word00", "text__word01"]
    assert names[-4:] == [
        "numeric__price missing",
        "categorical__kind_",
        "categorical__kind_cheap",
        "categorical__kind_dear",
    ]
    assert len(names) == pipeline[-1].coef_.shape[1]


def test_features_keep_their_names_when_a_pipeline_is_loaded(shop, tmp_path):
    table = shop.table(shop.price, shop.kind)
    features = with_columns(svm(), 1, 1).fit(table, shop.labels)[:-1]
    loaded = textrep.load(textrep.save(features, tmp_path / "features.textrep"))
    names = ["text", "price", "kind"]
    expected = features.get_feature_names_out(names).tolist()
    assert loaded.get_feature_names_out(names).tolist() == expected


def test_words_stay_sparse_and_dense_vectors_dense(shop):
    many_words = [f"{text} own{i}" for i, text in enumerate(shop.texts)]
    table = shop.table(shop.price)
    table[:, 0] = many_words
    assert sp.issparse(with_columns(svm(), 1, 0)[:-1].fit_transform(table))
    lsa = next(rung for rung in RUNGS if rung.name == "lsa-logreg").factory(SEED)
    assert isinstance(with_columns(lsa, 1, 0)[:-1].fit_transform(table, shop.labels), np.ndarray)


def test_the_text_features_are_those_of_the_texts_alone(shop):
    table = shop.table(shop.price, shop.kind)
    features = with_columns(svm(), 1, 1)[:-1].fit_transform(table)
    alone = textrep.TfidfVectorizer().fit_transform(shop.texts)
    np.testing.assert_array_equal(
        sp.csr_matrix(features).toarray()[:, : alone.shape[1]], alone.toarray()
    )


def test_a_step_that_learns_from_labels_gets_them(shop):
    steps = [
        ("counts", textrep.CountVectorizer()),
        ("ratio", textrep.LogCountRatio()),
        ("classifier", LinearSVC()),
    ]
    pipeline = with_columns(Pipeline(steps), 1, 0)
    assert accuracy(pipeline, shop.table(shop.price), shop.labels) > 0.8


def test_the_pipeline_of_texts_is_left_alone(shop):
    before = svm()
    with_columns(before, 1, 0).set_params(classifier__C=7.0).fit(
        shop.table(shop.price), shop.labels
    )
    assert before.get_params()["classifier__C"] == 1.0
    assert not hasattr(before["tfidf"], "vocabulary_")


def test_it_can_be_cloned_pickled_and_searched(shop):
    table = shop.table(shop.price, shop.kind)
    pipeline = with_columns(svm(), 1, 1)
    grid = {inner_name("tfidf__min_df"): [1, 2], inner_name("classifier__C"): [0.1, 1.0]}
    search = GridSearchCV(clone(pipeline), grid, cv=2, error_score="raise")
    search.fit(table, shop.labels)
    copied = cloudpickle.loads(cloudpickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(copied.predict(table), search.predict(table))


def test_a_parameter_keeps_its_name_in_the_last_step_only():
    pipeline = with_columns(Pipeline([("counts", textrep.CountVectorizer()), ("nb", nb())]), 1, 0)
    names = {inner_name(name, last="nb") for name in ("counts__min_df", "nb__alpha", "nb")}
    assert names == {"features__text__counts__min_df", "nb__alpha", "nb"}
    assert names <= pipeline.get_params().keys()


def test_a_classifier_of_texts_without_features_is_refused():
    lone = Pipeline([("classifier", nb())])
    with pytest.raises(ComparisonError, match="MultinomialNB reads texts alone; leave it out"):
        with_columns(lone, 1, 0)


def svm() -> Pipeline:
    return Pipeline([("tfidf", textrep.TfidfVectorizer()), ("classifier", LinearSVC(C=1.0))])


def nb() -> MultinomialNB:
    return MultinomialNB()


def test_a_rung_that_reads_texts_alone_says_so():
    (rung,) = (rung for rung in RUNGS if rung.name == "fasttext")
    with pytest.raises(ComparisonError, match="FastTextClassifier reads texts alone"):
        with_columns(rung.factory(SEED), 1, 0)
