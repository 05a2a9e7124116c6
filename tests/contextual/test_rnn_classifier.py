"""RNNClassifier: what it learns, what must not matter to it, the vectors that it starts from."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

import textrep
from textrep.contextual import RNNClassifier
from textrep.contextual.classification import ClassificationTask, LabelledRows
from textrep.core.persist import PersistError
from textrep.embeddings import StaticEmbedder, WordVectors
from textrep.engine import ParameterGroup

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
POOLINGS = ["last", "mean", "max", "concat", "attention"]
UNSEEN = ["", "zzz", "zzz yyy xxx", "\ud800"]


def order_matters(n=240, seed=0):
    """Texts of two words among others, whose order alone tells the class."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        words = [f"w{i}" for i in random.integers(6, size=random.integers(2, 9))]
        first, second = np.sort(random.choice(len(words) + 1, 2, replace=False))
        label = bool(random.integers(2))
        pair = ("not", "good") if label else ("good", "not")
        words[second:second] = [pair[1]]
        words[first:first] = [pair[0]]
        texts.append(" ".join(words))
        labels.append("neg" if label else "pos")
    return texts, np.array(labels)


def small(**parameters):
    given = {
        "hidden_size": 6,
        "embedding_size": 5,
        "epochs": 2,
        "device": "cpu",
        "random_state": 0,
    }
    return RNNClassifier(**(given | parameters))


def vectors_of(words, dim=5, seed=0):
    random = np.random.default_rng(seed)
    return WordVectors(words, random.standard_normal((len(words), dim)).astype(np.float32))


TEXTS = ["a good film", "bad", "not so good a film, a bad one", "good good", "so bad it is"] * 3
LABELS = [1, 0, 0, 1, 0] * 3


# ---- what it learns


@pytest.mark.parametrize("cell", CELLS)
def test_the_order_of_words_is_learnt(cell):
    texts, labels = order_matters()
    model = small(
        cell=cell, hidden_size=16, embedding_size=8, epochs=15, learning_rate=0.03, dropout=0
    )
    model.set_params(pooling="last", word_dropout=0).fit(texts[:200], labels[:200])
    # A bag of words gets half of them right.
    assert model.score(texts[200:], labels[200:]) > 0.9


def test_a_class_that_is_rare_weighs_more_when_balanced():
    texts, labels = ["good", "bad"] * 2 + ["good"] * 36, [0, 1] * 2 + [0] * 36
    model = small(epochs=1, class_weight="balanced").fit(texts, labels)
    task = ClassificationTask(model.module_, [0.5, 2.0])
    ids, lengths = torch.tensor([[4], [5]]), torch.tensor([1, 1])
    plain = nn.functional.cross_entropy(
        model.module_(ids, lengths), torch.tensor([0, 1]), reduction="none"
    )
    found = task.eval().loss("train", LabelledRows(ids, lengths, torch.tensor([0, 1])))
    torch.testing.assert_close(found.total, 0.5 * plain[0] + 2 * plain[1])
    assert found.count == 2.0


def test_the_weights_of_the_best_epoch_are_kept():
    texts, labels = order_matters(400)
    noise = np.random.default_rng(1).permutation(labels)
    model = small(epochs=8, learning_rate=0.05, patience=2, schedule="constant").fit(texts, noise)
    losses = [entry["validation_loss"] for entry in model.history_]
    best = int(np.argmin(losses))
    assert model.stopped_early_
    assert len(losses) == model.n_epochs_ == best + 3


def test_fewer_than_twenty_texts_are_not_held_out():
    texts, labels = order_matters(190)
    assert "validation_loss" not in small().fit(texts, labels).history_[-1]
    texts, labels = order_matters(200)
    assert "validation_loss" in small().fit(texts, labels).history_[-1]


def test_labels_keep_their_type():
    for labels in (LABELS, [bool(y) for y in LABELS], [f"c{y}" for y in LABELS]):
        model = small().fit(TEXTS, labels)
        assert model.classes_.tolist() == sorted(set(labels))
        assert type(model.predict(TEXTS[:1]).tolist()[0]) is type(labels[0])


def test_probabilities_agree_with_each_other():
    model = small().fit(TEXTS, LABELS)
    proba, odds = model.predict_proba(TEXTS), model.decision_function(TEXTS)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-odds)), rtol=1e-6)
    np.testing.assert_allclose(np.log(proba), model.predict_log_proba(TEXTS), rtol=1e-6)
    assert (model.predict(TEXTS) == proba.argmax(axis=1)).all()


def test_a_time_limit_ends_training_with_a_model():
    texts, labels = order_matters(2000)
    model = small(epochs=1000, max_seconds=0.2).fit(texts, labels)
    assert model.stopped_early_
    assert model.n_epochs_ < 1000
    assert set(model.predict(texts)) <= {"pos", "neg"}


def test_a_time_limit_that_is_not_reached_changes_nothing():
    free, limited = small().fit(TEXTS, LABELS), small(max_seconds=1e6).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(limited.predict_proba(TEXTS), free.predict_proba(TEXTS))
    assert not limited.stopped_early_


# ---- what must not matter


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_text_has_the_same_answer_alone_and_among_others(cell, pooling):
    options = {"cell": cell, "pooling": pooling, "bidirectional": True, "num_layers": 2}
    model = small(**options).fit(TEXTS, LABELS)
    texts = [*TEXTS[:5], *UNSEEN, "good " * 30]
    together = model.predict_proba(texts)
    alone = np.concatenate([model.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    shuffled = np.random.default_rng(0).permutation(len(texts))
    again = model.predict_proba([texts[i] for i in shuffled])
    np.testing.assert_allclose(again, together[shuffled], atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_what_stands_in_the_padding_has_no_influence(pooling, bidirectional):
    module = small(pooling=pooling, bidirectional=bidirectional).fit(TEXTS, LABELS).module_
    ids = torch.tensor([[4, 5, 6, 4, 5], [5, 4, 0, 0, 0]])
    other = torch.tensor([[4, 5, 6, 4, 5, 9, 9], [5, 4, 7, 8, 9, 9, 9]])
    lengths = torch.tensor([5, 2])
    torch.testing.assert_close(module(ids, lengths), module(other, lengths))


@pytest.mark.parametrize("cell", CELLS)
def test_last_pooling_is_the_final_state_of_torch_on_packed_rows(cell):
    """The last valid step forward, and the first backward: not the last column."""
    options = {"cell": cell, "pooling": "last", "bidirectional": True}
    module = small(**options).fit(TEXTS, LABELS).module_
    peer = CELLS[cell](5, 6, batch_first=True, bidirectional=True)
    for number, suffix in enumerate(["", "_reverse"]):
        for name, value in module.stack.layers[0][number].named_parameters():
            getattr(peer, f"{name.replace('_raw', '')}_l0{suffix}").data.copy_(value)
    ids, lengths = torch.tensor([[4, 5, 6], [5, 0, 0]]), torch.tensor([3, 1])
    packed = nn.utils.rnn.pack_padded_sequence(module.embedding(ids), lengths, batch_first=True)
    final = peer(packed)[1]
    hidden = final[0] if cell == "lstm" else final
    expected = module.output(torch.cat([hidden[0], hidden[1]], dim=1))
    torch.testing.assert_close(module(ids, lengths), expected)


def test_nothing_is_dropped_when_predicting():
    model = small(dropout=0.5, word_dropout=0.5).fit(TEXTS, LABELS)
    assert not model.module_.training
    np.testing.assert_array_equal(model.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_word_dropout_leaves_the_batch_as_it_is():
    module = small(word_dropout=0.5).fit(TEXTS, LABELS).module_.train()
    ids = torch.full((4, 50), 7)
    dropped = module.word_dropout(ids)
    assert set(dropped.unique().tolist()) == {1, 7}
    assert (ids == 7).all()


def test_texts_without_known_words_have_an_answer():
    model = small(word_dropout=0).fit(TEXTS, LABELS)
    proba = model.predict_proba(UNSEEN)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-6)  # both are one unknown word


def test_only_the_head_of_a_long_text_is_read():
    model = small(max_length=3).fit(TEXTS, LABELS)
    one, other = "good film a bad bad", "good film a so so so so"
    np.testing.assert_array_equal(model.predict_proba([one]), model.predict_proba([other]))


def test_a_random_state_gives_the_same_model_and_leaves_torch_alone():
    before = torch.get_rng_state()
    first, second = small().fit(TEXTS, LABELS), small().fit(TEXTS, LABELS)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first.predict_proba(TEXTS), second.predict_proba(TEXTS))
    other = small(random_state=1).fit(TEXTS, LABELS)
    assert not np.array_equal(first.predict_proba(TEXTS), other.predict_proba(TEXTS))


# ---- vectors of words


def test_frozen_vectors_stay_as_they_are_and_are_no_parameters():
    vectors = vectors_of(["good", "bad", "film", "unheard"])
    model = small(embeddings=StaticEmbedder(vectors=vectors), freeze_embeddings=True)
    model.fit(TEXTS, LABELS)
    rows = model.module_.embedding.weight[4:]
    np.testing.assert_array_equal(rows.numpy(), vectors.matrix)
    assert model.codec_.words[4:] == vectors.words
    assert model.embedding_size_ == 5
    groups: list[ParameterGroup] = ClassificationTask(model.module_, [1, 1]).groups("train")
    trained = {id(parameter) for group in groups for parameter in group.parameters}
    assert id(model.module_.embedding.weight) not in trained


def test_frozen_vectors_know_words_of_no_training_text():
    embedder = StaticEmbedder(vectors=vectors_of(["good", "bad", "film", "unheard", "of"]))
    frozen = small(embeddings=embedder, freeze_embeddings=True).fit(TEXTS, LABELS)
    one, other = frozen.predict_proba(["unheard"]), frozen.predict_proba(["of"])
    assert not np.allclose(one, other)
    tuned = small(embeddings=embedder).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(tuned.predict_proba(["unheard"]), tuned.predict_proba(["of"]))


def test_tuned_vectors_start_from_those_given_and_move():
    vectors = vectors_of(["good", "bad", "film"])
    model = small(embeddings=StaticEmbedder(vectors=vectors), epochs=1, learning_rate=1e-9)
    start = model.fit(TEXTS, LABELS).module_.embedding.weight.detach()
    row = model.codec_.words.index("bad")
    np.testing.assert_allclose(start[row], vectors["bad"], atol=1e-6)
    without = model.codec_.words.index("not")
    assert 0.1 < float(start[without].std()) < 3  # at random, as widely spread
    model.set_params(epochs=3, learning_rate=0.01).fit(TEXTS, LABELS)
    moved = model.module_.embedding.weight.detach()[row]
    assert not np.allclose(moved, vectors["bad"], atol=1e-3)


def test_vectors_can_be_learnt_from_the_texts_first():
    word2vec = textrep.Word2Vec(vector_size=7, min_count=1, epochs=2, n_jobs=1)
    model = small(embeddings=word2vec).fit(TEXTS, LABELS)
    assert model.embedding_size_ == 7
    assert not hasattr(word2vec, "vectors_")
    again = clone(model).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_words_made_of_their_parts_get_the_vectors_of_fasttext():
    options = {"vector_size": 5, "min_count": 1, "sample": 0, "epochs": 1, "n_jobs": 1}
    fasttext = textrep.FastText(random_state=0, **options).fit(["badly made"])
    model = small(embeddings=fasttext, freeze_embeddings=True).fit(TEXTS, LABELS)
    row = model.codec_.words.index("bad")  # not in the texts of fastText
    expected = fasttext.vectors_.vectors_of(["bad"])[0][0]
    np.testing.assert_allclose(model.module_.embedding.weight[row], expected, rtol=1e-6)


def test_clones_keep_fitted_vectors_in_a_grid_search_too():
    fitted = StaticEmbedder(vectors=vectors_of(["good", "bad"])).fit(["good", "bad"])
    model = small(embeddings=fitted, freeze_embeddings=True)
    assert clone(model).embeddings is fitted
    search = GridSearchCV(model, {"cell": ["gru", "rnn"]}, cv=2, error_score="raise")
    search.fit(TEXTS, LABELS)
    assert search.best_estimator_.embeddings is fitted


def test_the_model_that_comes_with_textrep_is_known_by_its_name():
    model = small(embeddings="textrep-static-en", freeze_embeddings=True).fit(TEXTS, LABELS)
    assert "violin" in model.codec_.words
    assert model.embedding_size_ == textrep.load("textrep-static-en").vectors_.dim


# ---- files


def test_frozen_vectors_are_saved(tmp_path):
    embedder = StaticEmbedder(vectors=vectors_of(["good", "bad"])).fit(TEXTS)
    model = small(embeddings=embedder, freeze_embeddings=True).fit(TEXTS, LABELS)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))
    np.testing.assert_array_equal(
        loaded.embeddings.vectors_.matrix, model.embeddings.vectors_.matrix
    )
    assert pickle.loads(pickle.dumps(model)).embeddings.vectors_.words == ["good", "bad"]


def test_weights_of_another_shape_are_refused():
    state = small().fit(TEXTS, LABELS)._get_state()
    name = next(iter(state["weights"]))
    state["weights"][name] = state["weights"][name][:1]
    with pytest.raises(PersistError, match="is not an array of shape"):
        small()._set_state(state)


def test_an_interrupted_training_is_taken_up(tmp_path, monkeypatch):
    texts, labels = order_matters()
    whole = small(epochs=4).fit(texts, labels)
    model = small(epochs=4, checkpoint=tmp_path / "training")

    calls = iter(range(1000))
    loss = ClassificationTask.loss

    def interrupted(self, phase, batch):
        if next(calls) == 25:
            raise KeyboardInterrupt
        return loss(self, phase, batch)

    monkeypatch.setattr(ClassificationTask, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(texts, labels)
    assert (tmp_path / "training").exists()
    resumed = model.fit(texts, labels)
    np.testing.assert_array_equal(resumed.predict_proba(texts), whole.predict_proba(texts))
    assert not (tmp_path / "training").exists()


# ---- what is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cell": "lst"}, "cell must be 'lstm'"),
        ({"pooling": "sum"}, "pooling must be 'last'"),
        ({"hidden_size": 0}, "hidden_size must be an integer of at least 1, got 0"),
        ({"num_layers": 1.5}, "num_layers must be"),
        ({"max_length": 0}, "max_length must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"word_dropout": -0.1}, "word_dropout must be"),
        ({"bidirectional": "yes"}, "bidirectional='yes'; expected False or True"),
        ({"validation_fraction": 0.9}, "validation_fraction must be"),
        ({"epochs": "many"}, "epochs must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"schedule": "up"}, "schedule must be"),
        ({"patience": 0}, "patience must be"),
        ({"max_seconds": 0}, "max_seconds must be"),
        ({"min_count": 0}, "min_count must be"),
        ({"token_pattern": "("}, "is no regular expression"),
        ({"freeze_embeddings": True}, "needs embeddings to freeze"),
        ({"embeddings": 3}, "embeddings must be None, an estimator of word vectors"),
        ({"embeddings": vectors_of(["a"])}, re.escape("StaticEmbedder(vectors=...)")),
        ({"device": "abacus"}, "abacus"),
        ({"precision": "fp8"}, "precision"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_parameter_out_of_its_range_is_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(TEXTS, LABELS)


def test_a_checkpoint_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        small(checkpoint=tmp_path / "nowhere" / "training").fit(TEXTS, LABELS)


def test_an_embedder_with_a_tokenizer_asks_for_a_pattern():
    embedder = StaticEmbedder(vectors=vectors_of(["good", "bad"]), tokenizer=str.split)
    with pytest.raises(ValueError, match="give token_pattern"):
        small(embeddings=embedder).fit(TEXTS, LABELS)
    small(embeddings=embedder, token_pattern=r"\S+").fit(TEXTS, LABELS)


def test_texts_without_words_and_single_classes_are_refused():
    with pytest.raises(ValueError, match="nothing to learn"):
        small().fit(["", " "], [0, 1])
    with pytest.raises(ValueError, match="y holds only 1 class"):
        small().fit(TEXTS, [1] * len(TEXTS))
    with pytest.raises(ValueError, match="15 texts"):
        small().fit(TEXTS, LABELS[:3])
