"""Which models can be served, and what each can be asked for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import textrep
from tests.comparison.toy_results import KINDS, LABELS, PRICES, TEXTS, make_result
from textrep.comparison import load_model, save_model
from textrep.serving import ServingError, open_served
from textrep.serving.served import serve_model

NEW = ["free prize", "", "see you at home", "unknown words"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(make_result(), tmp_path_factory.mktemp("models") / "model")


def test_a_saved_comparison_answers_as_it_does_in_python(model):
    served = open_served(model)
    labels, tables = zip(*served.calls["predict"](NEW, {}), strict=True)
    expected = load_model(model)
    assert list(labels) == expected.predict(NEW).tolist()
    found = [[table["ham"], table["spam"]] for table in tables]
    np.testing.assert_allclose(found, expected.predict_proba(NEW), atol=1e-6)
    explained = served.calls["explain"](NEW, {})
    assert [label for label, _ in explained] == list(labels)
    for (_, words), peer in zip(explained, expected.explain(NEW, 100), strict=True):
        assert words == [[word, pytest.approx(effect, abs=1e-6)] for word, effect in peer]
    assert served.name == "bow-logreg"
    assert "no vectors" in served.lacking["transform"]


def test_further_columns_reach_the_model(tmp_path):
    folder = save_model(make_result(columns=True), tmp_path / "model")
    served = open_served(folder)
    assert served.columns == ("price", "kind")
    columns = {"price": PRICES[6:10].tolist(), "kind": KINDS[6:10].tolist()}
    found = [table["spam"] for _, table in served.calls["predict"](TEXTS[6:10], columns)]
    expected = load_model(folder).predict_proba(TEXTS[6:10], columns=columns)[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    explained = served.calls["explain"](TEXTS[6:10], columns)
    peers = load_model(folder).explain(TEXTS[6:10], 1, columns=columns)
    assert [words[0][0] for _, words in explained] == [peer[0][0] for peer in peers]


@pytest.mark.parametrize(
    "classes", [["b", "a"], [False, True], [3, 10], [1.0, 2.0]], ids=lambda classes: str(classes)
)
def test_labels_keep_their_type(classes):
    labels = np.array([classes[label == "spam"] for label in LABELS])
    pipeline = make_pipeline(textrep.CountVectorizer(), LogisticRegression())
    served = serve_model(pipeline.fit(TEXTS, labels))
    (label, table), _ = served.calls["predict"](["free prize", "see you"], {})
    assert label == classes[1]
    assert type(label) is type(classes[1])
    assert set(table) == set(map(str, classes))


def test_a_classifier_without_probabilities_gives_labels_alone(tmp_path):
    pipeline = make_pipeline(textrep.TfidfVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    served = open_served(textrep.save(pipeline, tmp_path / "svm.textrep"))
    assert served.name == "svm"
    found = served.calls["predict"](NEW, {})
    assert found == [(label, None) for label in pipeline.predict(NEW).tolist()]
    assert "no probabilities" in served.lacking["explain"]


def test_an_embedder_gives_its_vectors(tmp_path):
    embedder = textrep.Word2Vec(vector_size=4, min_count=1, epochs=1, random_state=0).fit(TEXTS)
    served = open_served(embedder.save(tmp_path / "vectors.textrep"))
    assert set(served.calls) == {"transform"}
    found = np.array(served.calls["transform"](NEW, {}), dtype=np.float32)
    np.testing.assert_array_equal(found, np.asarray(embedder.transform(NEW)))


def test_a_vectoriser_gives_what_is_not_zero():
    vectorizer = textrep.TfidfVectorizer().fit(TEXTS)
    found = serve_model(vectorizer).calls["transform"](NEW, {})
    dense = np.zeros((len(NEW), len(vectorizer.vocabulary_)))
    for row, each in zip(dense, found, strict=True):
        row[each["indices"]] = each["values"]
    np.testing.assert_array_equal(dense, vectorizer.transform(NEW).toarray())


@pytest.mark.parametrize("estimator", [KMeans(2), LogisticRegression()])
def test_a_model_of_something_else_is_refused(estimator):
    fitted = estimator.fit(np.eye(2), [0, 1])
    with pytest.raises(ServingError, match="cannot be served"):
        serve_model(fitted)


def test_a_model_that_is_not_there_or_damaged_is_named(model, tmp_path):
    with pytest.raises(ServingError, match="none: cannot be read"):
        open_served(tmp_path / "none")
    with pytest.raises(ServingError, match="not the folder of a saved model"):
        open_served(tmp_path)
    damaged = bytearray((model / "model.textrep").read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "model.textrep").write_bytes(damaged)
    with pytest.raises(ServingError, match="cannot load"):
        open_served(tmp_path / "model.textrep")


def test_the_checksum_is_that_of_the_file(model):
    import hashlib

    digest = hashlib.sha256((model / "model.textrep").read_bytes()).hexdigest()
    assert open_served(model).checksum == f"sha256:{digest}"
    assert open_served(model / "model.textrep").checksum == f"sha256:{digest}"


def test_a_file_that_changes_while_it_is_read_is_refused(model, tmp_path, monkeypatch):
    from textrep.serving import served

    path = tmp_path / "model.textrep"
    path.write_bytes((model / "model.textrep").read_bytes())
    load = served.load

    def load_while_written(given):
        found = load(given)
        path.write_bytes(b"another")
        return found

    monkeypatch.setattr(served, "load", load_while_written)
    with pytest.raises(ServingError, match="was changed while it was read"):
        open_served(path)
