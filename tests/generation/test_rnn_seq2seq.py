"""`RNNSeq2Seq`: what goes wrong in encoder-decoders, and that it does not here."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import textrep
from textrep import RNNSeq2Seq
from textrep.generation.text_pairs import BOS, EOS, collate_pairs, ended

SMALL = {
    "level": "whitespace",
    "embedding_size": 12,
    "hidden_size": 24,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}
LEARNING = {
    "hidden_size": 32,
    "epochs": 20,
    "batch_tokens": 200,
    "learning_rate": 0.015,
    "label_smoothing": 0.0,
}


def rows_of_letters(n, seed=0, most=4):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(list("abcdef"), random.integers(1, most + 1))) for _ in range(n)]


def reversed_rows(rows):
    return [" ".join(row.split()[::-1]) for row in rows]


def small(**options):
    return RNNSeq2Seq(**{**SMALL, "epochs": 1, **options})


@pytest.fixture(scope="module")
def reverser():
    rows = rows_of_letters(500)
    return RNNSeq2Seq(**{**SMALL, **LEARNING}).fit(rows, reversed_rows(rows))


@pytest.fixture(scope="module")
def pairs():
    rows = rows_of_letters(40)
    return rows, reversed_rows(rows)


@pytest.mark.parametrize("attention", ["luong", "bahdanau"])
def test_copying_is_learnt_to_the_last_letter(attention):
    rows = rows_of_letters(500, most=3)
    model = RNNSeq2Seq(**{**SMALL, **LEARNING, "attention": attention}).fit(rows, rows)
    unseen = rows_of_letters(60, seed=1, most=3)
    assert model.predict(unseen) == unseen


def test_reversing_is_learnt_to_the_last_letter_greedily_too(reverser):
    unseen = rows_of_letters(100, seed=1)
    assert reverser.predict(unseen) == reversed_rows(unseen)
    assert reverser.predict(unseen, beam_width=1) == reversed_rows(unseen)


def test_attention_of_what_reverses_runs_backwards(reverser):
    looked = reverser.attend("a b c d")
    assert looked.source == ["a", "b", "c", "d", "<eos>"]
    assert looked.target == ["d", "c", "b", "a", "<eos>"]
    assert looked.weights.shape == (5, 5)
    # Luong's attention comes after the cell: it looks at the letter that is written.
    assert looked.weights[:4].argmax(axis=1).tolist() == [3, 2, 1, 0]


# ---- batches


def test_inputs_are_the_targets_moved_on_by_one():
    sources, targets = (
        ended([np.array([7, 8]), np.array([9])]),
        ended([np.array([5, 6]), np.array([])]),
    )
    batch = collate_pairs(sources, targets, np.array([0, 1]))
    assert batch.inputs.tolist() == [[BOS, 5, 6], [BOS, 0, 0]]
    assert batch.targets.tolist() == [[5, 6, EOS], [EOS, 0, 0]]
    assert batch.sources.ids.tolist() == [[7, 8, EOS], [9, EOS, 0]]
    assert (batch.lengths.tolist(), batch.sources.lengths.tolist()) == ([3, 1], [3, 2])
    for row, length in enumerate(batch.lengths.tolist()):
        assert (batch.inputs[row, 1:length] == batch.targets[row, : length - 1]).all()


@pytest.mark.parametrize("attention", ["luong", "luong-general", "bahdanau", None])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_text_gets_the_same_alone_and_in_a_batch(pairs, attention, cell):
    rows, targets = pairs
    model = small(attention=attention, cell=cell, num_layers=2, epochs=3).fit(rows, targets)
    together = model.generate(rows, num_return_sequences=2, beam_width=3)
    likely = model.log_likelihoods(rows, targets)
    for number in (0, 5, 17):
        alone = model.generate([rows[number]], num_return_sequences=2, beam_width=3)[0]
        assert [c.text for c in alone] == [c.text for c in together[number]]
        np.testing.assert_allclose(
            [c.log_prob for c in alone], [c.log_prob for c in together[number]], atol=1e-4
        )
        own = model.log_likelihoods([rows[number]], [targets[number]])
        np.testing.assert_allclose(own, likely[number], atol=1e-4)
    turned = model.predict(rows[::-1], beam_width=3)
    assert turned == [best[0].text for best in together][::-1]


@pytest.mark.parametrize("attention", ["luong-general", "bahdanau"])
def test_attention_is_never_on_padding_and_sums_to_one(pairs, attention):
    model = small(attention=attention).fit(*pairs)
    model.predict(pairs[0])
    for row, weights in zip(pairs[0], model.attention_, strict=True):
        assert weights.shape[1] == len(row.split()) + 1
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)


def test_attention_of_the_search_is_that_of_the_finished_text(pairs):
    model = small(attention="bahdanau", num_layers=2, epochs=3).fit(*pairs)
    (written,) = model.predict([pairs[0][0]], beam_width=1)
    (found,) = model.attention_
    # Word by word, as the search goes.
    module = model.module_
    ids = ended([model.source_codec_.encode(pairs[0][0])])[0]
    tokens = [BOS, *model.target_codec_.encode(written).tolist()]
    with torch.inference_mode():
        state = module.encode(torch.tensor(ids)[None], torch.tensor([len(ids)]))
        for place, token in enumerate(tokens):
            _, weights, state = module.decode(torch.tensor([[token]]), state)
            np.testing.assert_allclose(weights[0, 0].numpy(), found[place], atol=1e-5)


def test_log_likelihoods_are_those_of_the_search(reverser):
    rows = rows_of_letters(5, seed=3)
    for row, (best, *_) in zip(rows, reverser.generate(rows), strict=True):
        (found,) = reverser.log_likelihoods([row], [best.text])
        assert found == pytest.approx(best.log_prob, abs=1e-4)


def test_score_is_the_mean_over_units_with_the_end_sign(pairs):
    model = small().fit(*pairs)
    n_units = sum(len(target.split()) + 1 for target in pairs[1])
    assert model.score(*pairs) == pytest.approx(model.log_likelihoods(*pairs).sum() / n_units)


# ---- what it is made of


def test_tied_weights_stay_tied_after_fit_save_load_clone_and_pickle(pairs, tmp_path):
    model = small(tie_weights=True, shared_vocabulary=True).fit(*pairs)
    loaded = textrep.load(model.save(tmp_path / "m.textrep"))
    again = clone(model).fit(*pairs)
    for each in (model, loaded, pickle.loads(pickle.dumps(model)), again):
        module = each.module_
        assert module.output.weight.data_ptr() == module.target_embedding.weight.data_ptr()
        assert each.source_codec_ is each.target_codec_
        assert each.predict(pairs[0]) == model.predict(pairs[0])
    names = [name for name in model.module_.state_dict() if "embedding" in name]
    assert names == ["target_embedding.weight"]


def test_unknown_words_are_never_written_unless_they_are_replaced():
    random = np.random.default_rng(0)
    texts = []
    for number, row in enumerate(rows_of_letters(400, most=2)):
        words = row.split()
        # A name of its own in each text: too rare to be known, to be copied with the rest.
        words.insert(random.integers(len(words) + 1), f"name{number}")
        texts.append(" ".join(words))
    model = RNNSeq2Seq(
        **{**SMALL, **LEARNING, "min_count": 2, "replace_unknown": True, "level": "word"}
    ).fit(texts, texts)
    asked = ["a someone b", "somebody c", "d nobody"]
    assert model.predict(asked) == asked
    model.set_params(replace_unknown=False)
    assert not any("<unk>" in answer for answer in model.predict(asked))


def test_the_end_of_a_source_that_was_cut_is_never_copied(pairs, monkeypatch):
    model = small(level="word", replace_unknown=True, max_length=2, epochs=1).fit(*pairs)
    weights = np.array([[0.1, 0.2, 0.7], [0.0, 0.0, 1.0]])  # of two words and the end sign
    monkeypatch.setattr(type(model), "_weights", lambda *_: [weights])
    texts, rows = model._sources(["x y z"])
    assert model._without_unknown(texts, rows, [np.array([model.target_codec_.UNK])]) == ["y"]


def test_a_pickle_holds_no_texts_that_were_read(pairs):
    model = small(epochs=1).fit(*pairs)
    before = len(pickle.dumps(model))
    model.predict(pairs[0])
    assert len(pickle.dumps(model)) == before
    assert not hasattr(pickle.loads(pickle.dumps(model)), "attention_")
    assert len(model.attention_) == len(pairs[0])


def test_training_is_reproducible_and_holds_out_what_it_says(pairs):
    options = {"epochs": 3, "validation_fraction": 0.25, "dropout": 0.2, "teacher_forcing": 0.5}
    first, second = (small(**options).fit(*pairs) for _ in range(2))
    assert first.predict(pairs[0]) == second.predict(pairs[0])
    assert first.history_[-1]["validation_loss"] == second.history_[-1]["validation_loss"]
    given = small(epochs=2).fit(*pairs, validation=(pairs[0][:5], pairs[1][:5]))
    expected = -given.score(pairs[0][:5], pairs[1][:5])
    best = min(entry["validation_loss"] for entry in given.history_)
    assert best == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("level", ["word", "character", "subword", "whitespace"])
def test_every_level_reads_and_writes_any_text(level):
    texts = ["So much text.", "", "Ähnlich naïve 文字", "so little time"]
    model = small(level=level, epochs=2, vocab_size=300).fit(texts, texts[::-1])
    answers = model.predict([*texts, "\udc80 half a pair", "something else entirely"])
    assert all(type(answer) is str for answer in answers)
    assert model.predict([]) == []
    looked = model.attend("unseen words", "so much")
    assert looked.weights.shape == (len(looked.target), len(looked.source))
    with pytest.raises(textrep.TextInputError, match=r"source\[0\] is None"):
        model.attend(None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 7}, "hidden_size must be even"),
        ({"attention": "none"}, "attention='none'; expected .*'bahdanau' or None"),
        ({"cell": "cnn"}, "cell must be"),
        ({"level": "letter"}, "level must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"label_smoothing": 1.5}, "label_smoothing must be"),
        ({"teacher_forcing": -1}, "teacher_forcing must be"),
        ({"beam_width": 0}, "beam_width must be"),
        ({"length_penalty": -0.1}, "length_penalty must be"),
        ({"batch_tokens": 0}, "batch_tokens must be"),
        ({"tie_weights": 1}, "tie_weights must be True or False"),
        ({"epochs": 0}, "epochs must be"),
        ({"schedule": "falling"}, "schedule must be"),
        ({"patience": 2}, "patience=2 needs pairs to watch"),
    ],
)
def test_parameters_out_of_range_are_named(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        small(**options).fit(*pairs)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_validation_pairs_are_two_lists(pairs, number):
    with pytest.raises(ValueError, match="validation must be a pair"):
        small().fit(*pairs, validation=[pairs[0]] * number)


def test_what_cannot_be_learnt_from_is_refused(pairs):
    with pytest.raises(ValueError, match="y has 3 texts and X has 40"):
        small().fit(pairs[0], ["a"] * 3)
    with pytest.raises(textrep.TextInputError, match=r"y\[1\] is None"):
        small().fit(["a", "b"], ["a", None])
    with pytest.raises(ValueError, match="nothing to learn"):
        small().fit(["", ""], ["a", "b"])
    with pytest.raises(NotFittedError):
        small().predict(["a"])


def test_no_attention_says_so(pairs):
    model = small(attention=None)
    model.fit(*pairs).predict(pairs[0])
    assert not hasattr(model, "attention_")
    with pytest.raises(ValueError, match="attention=None"):
        model.attend("a b")
    assert not hasattr(small().fit(*pairs), "attention_")


def test_more_texts_than_beams_cannot_be_asked_for(pairs):
    with pytest.raises(ValueError, match="num_return_sequences must be at most beam_width"):
        small().fit(*pairs).generate(["a"], num_return_sequences=9)
