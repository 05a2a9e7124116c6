"""`FewShotClassifier`, mostly on a language model whose probabilities are known in closed form."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import textrep
from tests.generation.oracles import oracle
from textrep import GPT, FewShotClassifier, RNNLanguageModel
from textrep.contextual.few_shot import CONTENT_FREE
from textrep.contextual.few_shot_examples import choose_examples
from textrep.contextual.few_shot_template import Template, one_line, words_of_labels

TEXTS = [
    "green apple",
    "grey stone",
    "sour apple pie",
    "stone wall high",
    "apple tree",
    "hot stone",
]
LABELS = ["fruit", "rock"] * 3
NEW = ["apple juice", "stone fruit fruit", "rock", ""]
WORDS = ["Text: Label: fruit rock", *TEXTS, *NEW, "N/A [MASK]"]


def classifier(model=None, **params):
    settings = {"n_examples": 4, "separator": "\n", "device": "cpu", "random_state": 0} | params
    return FewShotClassifier(language_model=model or oracle(WORDS), **settings)


def raw(model, fitted, text, words=("fruit", "rock")):
    """Likelihoods of the names after a prompt that is written and counted by hand."""
    pairs = zip(fitted.example_texts_, fitted.example_labels_, strict=True)
    prompt = "\n".join([*(f"Text: {a}\nLabel: {b}" for a, b in pairs), f"Text: {text}\nLabel:"])
    assert fitted.prompt(text) == prompt
    seen = model.codec_.encode(prompt).tolist()
    found = []
    for word in words:
        total, before = 0.0, list(seen)
        for token in model.codec_.encode(word).tolist():
            total += np.log((1 + before.count(token)) / (len(model.codec_) + len(before)))
            before.append(token)
        found.append(total)
    return np.array(found)


def test_without_calibration_classes_are_as_likely_as_their_names():
    model = oracle(WORDS)
    fitted = classifier(model, calibration="none").fit(TEXTS, LABELS)
    expected = [softmax(raw(model, fitted, text)) for text in NEW]
    np.testing.assert_allclose(fitted.predict_proba(NEW), expected)
    assert fitted.predict(NEW)[1:3].tolist() == ["fruit", "rock"]


def test_contextual_calibration_divides_by_what_texts_without_content_get():
    model = oracle(WORDS)
    fitted = classifier(model, n_examples=3).fit(TEXTS, LABELS)
    free = np.mean([softmax(raw(model, fitted, text)) for text in CONTENT_FREE], axis=0)
    np.testing.assert_allclose(np.exp(fitted.calibration_), free)
    expected = np.array([softmax(raw(model, fitted, text)) for text in NEW]) / free
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(NEW), expected)
    # Three examples favour one class; a text without content favours none.
    assert abs(np.diff(free)[0]) > 0.1
    np.testing.assert_allclose(fitted.predict_proba(["N/A"]), 0.5, atol=0.02)


def test_the_prior_is_that_of_a_name_after_the_cue_alone():
    words = {"fruit": "apple pie", "rock": "stone"}
    model = oracle(WORDS)
    fitted = classifier(
        model, n_examples=0, calibration="prior", label_words=words, length_normalization=False
    ).fit(TEXTS, LABELS)
    size, cue = len(model.codec_), model.codec_.encode("Label:").tolist()
    prior = [-np.log(size + len(cue)) - np.log(size + len(cue) + 1), -np.log(size + len(cue))]
    np.testing.assert_allclose(fitted.calibration_, prior)
    expected = softmax(raw(model, fitted, "apple", words.values()) - prior)
    np.testing.assert_allclose(fitted.predict_proba(["apple"])[0], expected)


def test_the_likelihood_of_a_long_name_is_that_of_its_tokens_in_the_mean():
    words = {"fruit": "apple pie", "rock": "stone"}
    model = oracle(WORDS)
    params = {"n_examples": 0, "calibration": "none", "label_words": words}
    fitted = classifier(model, **params).fit(TEXTS, LABELS)
    found = raw(model, fitted, "hot", words.values())
    np.testing.assert_allclose(fitted.predict_proba(["hot"])[0], softmax(found / [2, 1]))
    whole = classifier(model, length_normalization=False, **params).fit(TEXTS, LABELS)
    np.testing.assert_allclose(whole.predict_proba(["hot"])[0], softmax(found))


def test_each_example_has_its_own_label_whatever_the_order():
    fitted = [classifier(random_state=seed).fit(TEXTS, LABELS) for seed in range(4)]
    for each in fitted:
        pairs = set(zip(each.example_texts_, each.example_labels_.tolist(), strict=True))
        assert pairs <= set(zip(TEXTS, LABELS, strict=True))
    assert len({tuple(each.example_texts_) for each in fitted}) > 1
    # To this model the order of what it has read is all one.
    first = classifier(n_examples=6).fit(TEXTS, LABELS)
    other = classifier(n_examples=6, random_state=1).fit(TEXTS[::-1], LABELS[::-1])
    assert first.example_texts_ != other.example_texts_
    np.testing.assert_allclose(first.predict_proba(NEW), other.predict_proba(NEW))


def test_similar_examples_are_those_of_each_text_and_calibrated_with_them():
    model = oracle(WORDS)
    params = {"example_selection": "similar", "n_examples": 2}
    fitted = classifier(model, **params).fit(TEXTS, LABELS)
    prompt = fitted.prompt("apple pie")
    assert prompt.index("sour apple pie") > prompt.index("green apple")
    assert "stone" not in prompt

    def probabilities(text):
        with_examples = prompt.rpartition("Text:")[0] + f"Text: {text}\nLabel:"
        likelihoods = model.log_likelihoods_of_continuations([with_examples] * 2, ["fruit", "rock"])
        return softmax(likelihoods)

    free = np.mean([probabilities(text) for text in CONTENT_FREE], axis=0)
    expected = probabilities("apple pie") / free
    found = fitted.predict_proba(["apple pie", "grey"])[0]
    np.testing.assert_allclose(found, expected / expected.sum())


def test_examples_are_balanced_or_drawn_from_all():
    group = np.repeat([0, 1, 2], [60, 3, 30])
    balanced = choose_examples(group, 9, "balanced", np.random.default_rng(0))
    assert np.bincount(group[balanced]).tolist() == [3, 3, 3]
    fewer = choose_examples(group, 10, "balanced", np.random.default_rng(0))
    assert sorted(np.bincount(group[fewer])[[0, 2]].tolist()) == [3, 4]
    drawn = choose_examples(group, 31, "random", np.random.default_rng(0))
    assert len(set(drawn.tolist())) == 31
    assert np.bincount(group[drawn]).argmax() == 0
    assert len(choose_examples(group, 500, "balanced", np.random.default_rng(0))) == 93


def test_a_prompt_that_is_too_long_loses_examples_and_says_so():
    fitted = classifier(oracle(WORDS, window=18)).fit(TEXTS, LABELS)
    assert len(fitted.example_texts_) == 4
    prompt = fitted.prompt("apple")
    assert prompt.endswith("\nText: apple\nLabel:")
    assert prompt.count("Label:") == 2
    last = fitted.example_texts_[-1]
    assert prompt.startswith(f"Text: {last}")
    with pytest.warns(
        UserWarning, match="of 2 of 2 texts the prompt is longer than what the model"
    ):
        fitted.predict(["apple", "stone"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier(oracle(WORDS, window=180)).fit(TEXTS, LABELS).predict(NEW)


def test_texts_alone_and_among_others_have_the_same_probabilities():
    model = GPT(level="word", num_layers=1, num_heads=2, hidden_size=8, max_length=64, min_count=1,
                epochs=1, device="cpu", random_state=0).fit(WORDS)  # fmt: skip
    fitted = classifier(model).fit(TEXTS, LABELS)
    together = fitted.predict_proba([*NEW, "a much longer text about an apple"])
    alone = np.concatenate([fitted.predict_proba([text]) for text in NEW])
    np.testing.assert_allclose(together[: len(NEW)], alone, atol=1e-5)


@pytest.mark.parametrize(
    "labels", [[0, 1] * 3, [True, False] * 3, np.array(["x", "y"] * 3, object)]
)
def test_labels_of_any_type_come_back(labels):
    names = dict(zip(labels, LABELS, strict=True))
    fitted = classifier(label_words=names).fit(TEXTS, labels)
    assert fitted.label_words_ == [names[label] for label in fitted.classes_.tolist()]
    assert fitted.predict(NEW).dtype == fitted.classes_.dtype


# ---- language models of several origins


@pytest.fixture(scope="module")
def recurrent():
    model = RNNLanguageModel(embedding_size=8, hidden_size=8, num_layers=1, min_count=1, epochs=1,
                             device="cpu", random_state=0)  # fmt: skip
    return model.fit(WORDS)


def test_a_model_can_be_given_as_a_file_and_is_left_as_it_is(recurrent, tmp_path):
    given = classifier(recurrent).fit(TEXTS, LABELS)
    assert given.language_model_ is recurrent
    assert given.history_ == []
    path = recurrent.save(tmp_path / "model.textrep")
    for name in (path, str(path)):
        named = classifier(name).fit(TEXTS, LABELS)
        np.testing.assert_array_equal(named.predict_proba(NEW), given.predict_proba(NEW))


def test_a_model_that_is_not_fitted_learns_from_the_texts():
    model = RNNLanguageModel(embedding_size=8, hidden_size=8, num_layers=1, min_count=1, epochs=1,
                             device="cpu", random_state=0)  # fmt: skip
    fitted = classifier(model).fit(TEXTS, LABELS)
    assert not hasattr(model, "module_")
    assert {"Label", "fruit", "stone"} <= set(fitted.language_model_.codec_.words)
    assert len(fitted.history_) == 1


def test_copies_and_files_keep_the_model(recurrent, tmp_path):
    fitted = classifier(recurrent).fit(TEXTS, LABELS)
    assert clone(fitted).language_model is recurrent
    loaded = textrep.load(fitted.save(tmp_path / "classifier.textrep"))
    assert loaded.language_model is None
    np.testing.assert_array_equal(loaded.predict_proba(NEW), fitted.predict_proba(NEW))
    similar = classifier(recurrent, example_selection="similar").fit(TEXTS, LABELS)
    loaded = textrep.load(similar.save(tmp_path / "similar.textrep"))
    np.testing.assert_array_equal(loaded.predict_proba(NEW), similar.predict_proba(NEW))


# ---- what is refused


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_examples": -1}, "n_examples must be an integer of at least 0"),
        ({"calibration": "both"}, "calibration must be 'contextual' or 'prior' or 'none'"),
        ({"example_selection": "best"}, "example_selection must be 'balanced' or 'random' or"),
        ({"template": "{text} and"}, r"template must have \{label\} once, got .* with 0 of them"),
        ({"template": "{label}: {text}"}, r"template must have \{text\} before \{label\}"),
        ({"template": 3}, "template must be a str"),
        ({"separator": None}, "separator must be a str, got None"),
        ({"max_characters": 0}, "max_characters must be an integer of at least 1"),
        ({"max_steps": 0}, "max_steps must be an integer of at least 1"),
        ({"max_seconds": 0}, "max_seconds must be a finite number above 0"),
        ({"length_normalization": 1}, "length_normalization must be True or False, got 1"),
        ({"label_words": {"fruit": "fruit"}}, "a word for each class, got none for 'rock'"),
        ({"label_words": {"fruit": "a", "rock": "a"}}, "label_words must differ, got 'a'"),
        ({"label_words": {"fruit": "a", "rock": " "}}, "must be words, got ' ' for 'rock'"),
        ({"label_words": "ab"}, "label_words must be a dict"),
        (
            {"label_words": {"fruit": "new", "rock": "newer"}},
            "'new' and 'newer' are the same in the",
        ),
    ],
)
def test_parameters_out_of_range_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        classifier(**params).fit(TEXTS, LABELS)


def test_what_cannot_be_learnt_from_is_refused():
    with pytest.raises(TypeError, match="language_model must be a language model such as GPT"):
        classifier(7).fit(TEXTS, LABELS)
    with pytest.raises(OSError, match="no_such_file"):
        classifier("no_such_file.textrep").fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="no words in X"):
        classifier().fit(["", " "], ["a", "b"])
    with pytest.raises(ValueError, match="holds only 1 class"):
        classifier().fit(TEXTS, ["a"] * 6)
    with pytest.raises(NotFittedError):
        classifier().predict(TEXTS)


def test_a_template_is_read_once_and_texts_are_one_line():
    template = Template.read("{text}\n{label}!")
    assert template.example("a", "b") == "a\nb!"
    assert (template.question("a"), template.answer("b")) == ("a\n", "b")
    assert one_line(" so\n\nmuch\ttext ", None) == "so much text"
    assert words_of_labels(np.array([1, 2]), None) == ["1", "2"]
