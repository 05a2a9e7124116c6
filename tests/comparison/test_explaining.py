"""Which words decided a prediction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer as SklearnCountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from textrep.comparison import ComparisonError, explaining
from textrep.comparison.explaining import explain
from textrep.comparison.words import without, word_spans

WORDS = [f"word{letter}" for letter in "abcdefghij"]


def documents(seed: int, n: int = 200) -> tuple[list[str], list[str]]:
    """Bags of ten words, of which each class prefers some."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["x", "y", "z"], n)
    texts = []
    for label in labels:
        weights = np.ones(10)
        weights["xyz".index(label) * 3 : "xyz".index(label) * 3 + 3] = 4
        texts.append(" ".join(rng.choice(WORDS, 12, p=weights / weights.sum())))
    return texts, labels.tolist()


@pytest.fixture(scope="module")
def binary():
    texts, labels = documents(0)
    labels = ["y" if label == "z" else label for label in labels]
    return make_pipeline(textrep.CountVectorizer(), LogisticRegression()).fit(texts, labels)


def test_of_counts_and_a_linear_model_the_effect_is_coefficient_times_count(binary):
    vectorizer, model = binary.named_steps.values()
    for text in documents(1, 20)[0]:
        sign = 1 if binary.predict([text])[0] == model.classes_[1] else -1
        counts = SklearnCountVectorizer(vocabulary=vectorizer.vocabulary_).transform([text])
        terms = vectorizer.get_feature_names_out()
        expected = {
            terms[at]: sign * model.coef_[0, at] * count
            for at, count in zip(counts.indices, counts.data, strict=True)
        }
        found = explain(binary, text, n_words=20)
        assert [word for word, _ in found] == sorted(expected, key=lambda w: -abs(expected[w]))
        for word, effect in found:
            assert effect == pytest.approx(expected[word], abs=1e-6)


def test_of_several_classes_the_order_is_that_of_the_change_in_log_odds():
    """Held to a brute force that builds each matrix without the column."""
    texts, labels = documents(2)
    pipeline = make_pipeline(textrep.CountVectorizer(), LogisticRegression()).fit(texts, labels)
    vectorizer, model = pipeline.named_steps.values()
    for text in documents(3, 10)[0]:
        row = vectorizer.transform([text]).toarray()[0]
        chosen = model.decision_function([row])[0].argmax()

        def log_odds(counts, chosen=chosen):
            scores = model.decision_function([counts])[0]
            return scores[chosen] - np.logaddexp.reduce(np.delete(scores, chosen))

        expected = {}
        for term, at in vectorizer.vocabulary_.items():
            if row[at]:
                expected[term] = log_odds(row) - log_odds(
                    np.where(np.arange(len(row)) == at, 0, row)
                )
        found = explain(pipeline, text, n_words=3)
        ranked = sorted(expected, key=lambda word: -abs(expected[word]))
        assert [word for word, _ in found] == ranked[:3]
        assert dict(found) == pytest.approx({w: expected[w] for w in ranked[:3]}, abs=1e-6)


def test_a_word_counts_wherever_it_occurs_in_any_case(binary):
    assert dict(explain(binary, "Worda wordf WORDA"))["worda"] == pytest.approx(
        2 * dict(explain(binary, "worda wordf"))["worda"]
    )


def test_a_word_that_the_model_does_not_know_has_no_effect(binary):
    assert [word for word, _ in explain(binary, "unheard worda of")] == ["worda"]


@pytest.mark.parametrize("text", ["", " \n", "!?", "unheard of"])
def test_a_text_without_known_words_has_no_explanation(binary, text):
    assert explain(binary, text) == []


def test_a_character_model_of_a_script_without_spaces_is_explained_in_pieces():
    texts = ["我喜欢电影", "我喜欢音乐", "我讨厌电影", "我讨厌音乐"] * 5
    labels = ["pos", "pos", "neg", "neg"] * 5
    vectorizer = textrep.TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
    model = make_pipeline(vectorizer, LogisticRegression()).fit(texts, labels)
    assert explain(model, "电影喜欢")[0][0] == "喜欢"


def test_of_a_long_text_only_the_words_of_effective_groups_are_tried(monkeypatch, binary):
    monkeypatch.setattr(explaining, "_MAX_WORDS", 20)
    filler = [f"filler{i}" for i in range(95)]
    text = " ".join([*filler[:50], "worda", *filler[50:], "wordf"])
    calls = []
    original = type(binary).predict_proba

    def counted(self, texts):
        calls.append(len(texts))
        return original(self, texts)

    monkeypatch.setattr(type(binary), "predict_proba", counted)
    found = dict(explain(binary, text))
    # Not the 97 words one by one: 20 groups, the 20 words of four of them, and the text itself.
    assert sum(calls) < 50
    assert found == pytest.approx(dict(explain(binary, "worda wordf")))


def test_long_texts_are_tried_in_bounded_batches(monkeypatch, binary):
    text = " ".join(WORDS)
    whole = explain(binary, text, n_words=10)
    monkeypatch.setattr(explaining, "_MAX_CHARACTERS", 3 * len(text))
    largest = []
    original = type(binary).predict_proba

    def counted(self, texts):
        largest.append(len(texts))
        return original(self, texts)

    monkeypatch.setattr(type(binary), "predict_proba", counted)
    assert explain(binary, text, n_words=10) == whole
    assert max(largest) == 3


@pytest.mark.parametrize("n_words", [0, -1, 2.5, True, None])
def test_a_number_of_words_that_is_none_is_refused(binary, n_words):
    with pytest.raises(ComparisonError, match="n_words is"):
        explain(binary, "worda", n_words=n_words)


def test_pieces_of_thai_and_japanese_have_the_length_of_their_words():
    assert list(word_spans("สวัสดีชาวโลก")) == ["สวัส", "ดีชา", "วโลก"]
    assert list(word_spans("日本語OK、です")) == ["日本", "語", "ok", "です"]


@given(st.text(alphabet=st.characters(), max_size=60))
def test_spans_of_any_text_are_its_words_and_leave_the_rest(text):
    spans = word_spans(text)
    everywhere = sorted(span for places in spans.values() for span in places)
    assert all(
        text[start:end].lower() == word for word, places in spans.items() for start, end in places
    )
    # No two overlap, and what is left holds no word.
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(everywhere))
    rest = without(text, everywhere)
    assert word_spans(rest) == {}
    assert len(rest) == len(text) - sum(end - start - 1 for start, end in everywhere)
