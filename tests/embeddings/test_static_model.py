"""The static model that comes with textrep: its file, its words, its vectors."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from textrep.core.packaged import FOLDER, packaged_names
from textrep.embeddings import StaticEmbedder

NAME = "textrep-static-en"
MOST_BYTES = 4_000_000


@pytest.fixture(scope="module")
def model():
    return textrep.load(NAME)


def test_the_file_is_small_and_has_a_card():
    assert NAME in packaged_names()
    assert (FOLDER / f"{NAME}.textrep").stat().st_size <= MOST_BYTES
    card = (FOLDER / f"{NAME}.md").read_text(encoding="utf-8")
    for part in ("CC BY-SA", "train_static.py", "WS-353", "SimLex-999"):
        assert part in card


def test_the_file_holds_no_code():
    with zipfile.ZipFile(FOLDER / f"{NAME}.textrep") as archive:
        assert set(archive.namelist()) == {"manifest.json", "model.json", "arrays.safetensors"}


def test_the_card_states_the_size_of_the_model(model):
    card = (FOLDER / f"{NAME}.md").read_text(encoding="utf-8")
    size = (FOLDER / f"{NAME}.textrep").stat().st_size
    for number in (len(model.vectors_), model.vectors_.dim, size):
        assert f"{number:,}" in card


def test_vectors_are_int8_with_a_scale_and_a_count_for_each_word(model):
    vectors = model.vectors_
    assert vectors.matrix.dtype == np.int8
    assert len(vectors.scale) == len(vectors.counts) == len(vectors)
    assert (np.diff(vectors.counts) <= 0).all()
    assert np.isfinite(vectors.scale).all()
    assert (vectors.scale > 0).all()


@pytest.mark.parametrize(
    ("word", "near"),
    [("king", "queen"), ("france", "germany"), ("violin", "piano"), ("river", "lake")],
)
def test_related_words_are_near_and_others_are_not(model, word, near):
    assert model.similarity(word, near) > 0.5
    assert near in [found for found, _ in model.most_similar(word, topn=100)]
    assert model.similarity(word, "thirteen") < model.similarity(word, near) - 0.1


def test_analogies_are_answered(model):
    assert "queen" in [word for word, _ in model.analogy("man", "king", "woman", topn=3)]
    assert model.analogy("paris", "france", "berlin")[0][0] == "germany"


@pytest.mark.parametrize("pooling", ["mean", "idf", "sif", "max"])
def test_texts_become_float32_rows_and_unknown_words_count_for_nothing(model, pooling):
    texts = ["The king of France.", "the king of france xqzzyq", "xqzzyq", ""]
    vectors = StaticEmbedder(pooling=pooling).fit(texts).transform(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, model.vectors_.dim)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert vectors[0].any()
    assert not vectors[2:].any()


def test_the_packaged_estimator_is_ready_and_the_default(model):
    assert repr(model) == "StaticEmbedder()"
    by_default = StaticEmbedder().fit(["any text"])
    texts = ["a good film", "a town in the north"]
    np.testing.assert_array_equal(model.transform(texts), by_default.transform(texts))
    assert model.n_documents_ > by_default.n_documents_  # it knows the paragraphs of Wikipedia


def test_words_that_no_label_was_seen_of_are_understood():
    texts = ["a river and a lake", "the guitar and the drums", "the sea", "a piano", "an ocean"]
    labels = ["water", "music", "water", "music", "water"]
    pipeline = make_pipeline(StaticEmbedder(), LogisticRegression(C=10)).fit(texts, labels)
    assert pipeline.predict(["violin", "stream"]).tolist() == ["music", "water"]
