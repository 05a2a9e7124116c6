"""The tagger: what it learns, answers and refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import textrep
from textrep import TextInputError, TokenClassifier

NAMES, PLACES, OTHERS = ["Ada", "Bob", "Cleo"], ["York", "Bern"], ["met", "saw", "in", "and"]


def sentence_of(random):
    words, tags = [], []
    for _ in range(random.integers(1, 4)):
        kind = random.integers(3)
        if kind == 0:
            words += [random.choice(NAMES), "Smith"]
            tags += ["B-PER", "I-PER"]
        elif kind == 1:
            words.append(random.choice(PLACES))
            tags.append("B-LOC")
        else:
            words.append(random.choice(OTHERS))
            tags.append("O")
    return [str(word) for word in words], tags


def data(n, seed):
    random = np.random.default_rng(seed)
    return map(list, zip(*(sentence_of(random) for _ in range(n)), strict=True))


def tagger_of(**changes):
    settings = {
        "size": {"num_layers": 1, "hidden_size": 16, "num_heads": 2},
        "vocab_size": 80,
        "pretrain_epochs": 0,
        "epochs": 8,
        "batch_size": 8,
        "learning_rate": 0.01,
        "device": "cpu",
        "random_state": 0,
    }
    return TokenClassifier(**{**settings, **changes})


@pytest.fixture(scope="module")
def tagger():
    return tagger_of().fit(*data(100, 0))


def test_it_learns_to_tag(tagger):
    words, tags = data(40, 1)
    assert tagger.score(words, tags) > 0.95
    assert tagger.tags_ == ["B-LOC", "B-PER", "I-PER", "O"]
    assert tagger.predict([["Cleo", "Smith", "saw", "Bern"]]) == [["B-PER", "I-PER", "O", "B-LOC"]]


def test_texts_are_cut_at_white_space_and_empty_ones_have_no_tags(tagger):
    assert tagger.predict(["Bob  Smith", "", "in"]) == [["B-PER", "I-PER"], [], ["O"]]


def test_a_sentence_has_the_same_answer_alone_and_among_others(tagger):
    words, _ = data(20, 2)
    for together, row in zip(tagger.predict_log_proba(words), words, strict=True):
        np.testing.assert_allclose(together, tagger.predict_log_proba([row])[0], atol=1e-5)
        np.testing.assert_allclose(np.exp(together).sum(axis=1), 1)


def test_long_sentences_are_read_in_parts_and_no_word_is_lost():
    words, tags = data(60, 3)
    long, its_tags = (
        [list(itertools.chain(*rows[i : i + 15])) for i in range(0, 60, 15)]
        for rows in (words, tags)
    )
    tagger = tagger_of(max_length=12, epochs=15).fit(long, its_tags)
    assert [len(row) for row in tagger.predict(long)] == [len(row) for row in long]
    assert tagger.score(long, its_tags) > 0.9
    assert len(tagger.predict([["B" * 300, "Ada"]])[0]) == 2


def test_tags_that_break_the_rules_of_iob2_are_never_given(tagger):
    random = np.random.default_rng(0)
    words = [list(random.choice(["Smith", "in", "Ada", "York"], 12)) for _ in range(30)]
    for row in tagger.predict(words):
        for before, tag in zip(["O", *row[:-1]], row, strict=True):
            assert tag != "I-PER" or before in ("B-PER", "I-PER")
    alone = tagger.set_params(decoding="independent").predict(words)
    best = [
        [tagger.tags_[i] for i in scores.argmax(axis=1)]
        for scores in tagger.predict_log_proba(words)
    ]
    tagger.set_params(decoding="auto")
    assert alone == best


def test_of_parts_of_speech_the_score_is_the_share_of_words_tagged_rightly():
    words = [["so", "much"], ["much", "so"], ["so"]] * 3
    tags = [["ADV", "ADJ"], ["ADJ", "ADV"], ["ADV"]] * 3
    tagger = tagger_of(epochs=12).fit(words, tags)
    assert not tagger.iob2_
    assert tagger.score(words, tags) == 1
    assert tagger.score([["so", "much"]], [["ADV", "ADV"]]) == 0.5


@pytest.mark.parametrize("architecture", ["xlnet", "roberta"])
def test_encoders_of_other_layouts_learn_too(architecture):
    words, tags = data(60, 4)
    tagger = tagger_of(architecture=architecture, vocab_size=400, epochs=20, dropout=0.0)
    tagger.fit(words, tags)
    assert tagger.score(words, tags) > 0.9


def test_saving_keeps_answers_and_the_encoder_can_be_taken_up(tagger, tmp_path):
    words, tags = data(10, 5)
    path = tagger.save(tmp_path / "tagger.textrep")
    loaded = textrep.load(path)
    assert loaded.predict(words) == tagger.predict(words)
    assert loaded.encoder_.module is loaded.module_.encoder
    before = [scores.copy() for scores in tagger.predict_log_proba(words)]
    tagger_of(checkpoint=path, epochs=1).fit(words, tags)
    for start in (tagger, tagger.encoder_):
        further = tagger_of(checkpoint=start, epochs=1, pretrain_epochs=0, pretrain_on=["so much"])
        again = textrep.load(further.fit(words, tags).save(tmp_path / "further.textrep"))
        assert again.predict(words) == further.predict(words)
        assert again.pretrain_on is again.checkpoint is None
    for ours, theirs in zip(before, tagger.predict_log_proba(words), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_sentences_are_held_out_where_there_are_enough():
    tagger = tagger_of(validation_fraction=0.3, epochs=1).fit(*data(100, 0))
    assert "validation_loss" in tagger.history_[0]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is None; expected a list of tags"),
        (["O", "O"], r"y\[0\] is 'O' \(str\); expected a list of tags"),
        ([["O", "O"], ["O", "O"]], "sentence 1 has 1 words in X, but 2 in y"),
        ([["O", "O"]], "X has 2 sentences, but y has 1"),
        ([["O", ""], ["O"]], r"y\[0\]\[1\] is an empty tag"),
        ([["O", "O"], ["O"]], r"tells tags apart, but y holds \['O'\] only"),
    ],
)
def test_tags_that_do_not_fit_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        tagger_of().fit([["so", "much"], ["text"]], y)


def test_wrong_sentences_and_parameters_are_named():
    with pytest.raises(TextInputError, match=r"X\[1\]"):
        tagger_of().fit([["so"], [3]], [["O"], ["B-A"]])
    with pytest.raises(ValueError, match="decoding must be 'auto' or 'independent'"):
        tagger_of(decoding="crf").fit([["so"]], [["O"]])
    with pytest.raises(ValueError, match="patience=2 needs sentences to watch"):
        tagger_of(patience=2, validation_fraction=0).fit([["so"]], [["O"]])
    with pytest.raises(ValueError, match="epochs must be"):
        tagger_of(epochs=0).fit([["so"]], [["O"]])
