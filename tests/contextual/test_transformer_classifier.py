"""TransformerClassifier: what it learns, what must not matter to it, what it starts from."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

import textrep
from textrep.contextual import TransformerClassifier
from textrep.contextual.classification import ClassificationTask
from textrep.contextual.denoising import DenoisingTask
from textrep.contextual.transformer_classifier import POOLINGS
from textrep.core.persist import PersistError
from textrep.layers.mechanisms import ATTENTIONS
from textrep.layers.positions import POSITIONS

UNSEEN = ["", "zzz", "zzz yyy xxx", "\ud800"]
TEXTS = ["a good film", "bad", "not so good a film, a bad one", "good good", "so bad it is"] * 3
LABELS = [1, 0, 0, 1, 0] * 3


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
        "hidden_size": 8,
        "num_heads": 2,
        "num_layers": 1,
        "epochs": 2,
        "device": "cpu",
        "random_state": 0,
    }
    return TransformerClassifier(**(given | parameters))


# ---- what it learns


def test_the_order_of_words_is_learnt():
    texts, labels = order_matters(600)
    model = small(hidden_size=32, num_layers=2, epochs=14, learning_rate=4e-3, dropout=0)
    model.set_params(word_dropout=0).fit(texts[:500], labels[:500])
    # A bag of words gets half of them right.
    assert model.score(texts[500:], labels[500:]) > 0.9


def test_fewer_than_twenty_texts_are_not_held_out():
    texts, labels = order_matters(200)
    assert "validation_loss" not in small().fit(texts[:190], labels[:190]).history_[-1]
    assert "validation_loss" in small().fit(texts, labels).history_[-1]


def test_labels_keep_their_type():
    for labels in (LABELS, [bool(y) for y in LABELS], [f"c{y}" for y in LABELS]):
        model = small().fit(TEXTS, labels)
        assert model.classes_.tolist() == sorted(set(labels))
        assert type(model.predict(TEXTS[:1]).tolist()[0]) is type(labels[0])


def test_a_time_limit_ends_training_with_a_model():
    texts, labels = order_matters(1000)
    model = small(epochs=1000, pretrain_epochs=1000, max_seconds=0.4).fit(texts, labels)
    assert model.out_of_time_
    assert {entry["stage"] for entry in model.history_} == {"pre-training", "classifier"}
    assert set(model.predict(texts)) <= {"pos", "neg"}


# ---- what must not matter


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_text_has_the_same_answer_alone_and_among_others_by_any_attention(attention):
    positions = "sinusoidal" if attention != "full" else "alibi"
    model = small(attention=attention, positions=positions, max_length=90).fit(TEXTS, LABELS)
    same_answers_alone(model)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("positions", POSITIONS)
def test_a_text_has_the_same_answer_alone_and_among_others(pooling, positions):
    same_answers_alone(small(pooling=pooling, positions=positions).fit(TEXTS, LABELS))


def same_answers_alone(model):
    texts = [*TEXTS[:5], *UNSEEN, "good " * 70]
    together = model.predict_proba(texts)
    alone = np.concatenate([model.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    shuffled = np.random.default_rng(0).permutation(len(texts))
    again = model.predict_proba([texts[i] for i in shuffled])
    np.testing.assert_allclose(again, together[shuffled], atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_stands_in_the_padding_has_no_influence(pooling):
    module = small(pooling=pooling).fit(TEXTS, LABELS).module_
    ids = torch.tensor([[4, 5, 6, 4, 5], [5, 4, 0, 0, 0]])
    other = torch.tensor([[4, 5, 6, 4, 5, 9, 9], [5, 4, 7, 8, 9, 9, 9]])
    lengths = torch.tensor([5, 2])
    torch.testing.assert_close(module(ids, lengths), module(other, lengths))


def test_nothing_is_dropped_when_predicting():
    model = small(dropout=0.5, word_dropout=0.5).fit(TEXTS, LABELS)
    assert not model.module_.training
    np.testing.assert_array_equal(model.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_texts_without_known_words_have_an_answer():
    proba = small().fit(TEXTS, LABELS).predict_proba(UNSEEN)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-6)  # both are one unknown word


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_only_the_head_of_a_long_text_is_read(pooling):
    model = small(max_length=3, pooling=pooling).fit(TEXTS, LABELS)
    one, other = "good film a bad bad", "good film a so so so so"
    np.testing.assert_array_equal(model.predict_proba([one]), model.predict_proba([other]))


def test_a_random_state_gives_the_same_model_and_leaves_torch_alone():
    before = torch.get_rng_state()
    first = small(pretrain_epochs=1).fit(TEXTS, LABELS)
    second = small(pretrain_epochs=1).fit(TEXTS, LABELS)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first.predict_proba(TEXTS), second.predict_proba(TEXTS))
    other = small(pretrain_epochs=1, random_state=1).fit(TEXTS, LABELS)
    assert not np.array_equal(first.predict_proba(TEXTS), other.predict_proba(TEXTS))


# ---- its parts


def test_the_network_is_torchs_own_encoder_with_a_mean_and_a_linear_layer():
    model = small(hidden_size=8, num_layers=2, activation="relu", inner_size=12)
    module = model.fit(TEXTS, LABELS).module_
    layer = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0, activation="relu", batch_first=True, norm_first=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8)).eval()
    names = {
        "self_attn.in_proj_": "attention.qkv.",
        "self_attn.out_proj": "attention.out",
        "linear1": "feed_forward.up",
        "linear2": "feed_forward.down",
        "norm1": "attention_norm",
        "norm2": "feed_forward_norm",
        "layers.": "blocks.",
    }
    ours = module.stack.state_dict()
    weights = {}
    for name in peer.state_dict():
        own = name
        for theirs, our in names.items():
            own = own.replace(theirs, our)
        weights[name] = ours[own]
    peer.load_state_dict(weights)
    ids, lengths = torch.tensor([[4, 5, 6, 7], [5, 4, 0, 0]]), torch.tensor([4, 2])
    x = module.embedding(ids) + module.positions.weight[:4]
    padding = torch.arange(4) >= lengths[:, None]
    found = peer(x, src_key_padding_mask=padding).masked_fill(padding[..., None], 0)
    expected = module.output(found.sum(1) / lengths[:, None])
    torch.testing.assert_close(module(ids, lengths), expected, rtol=1e-5, atol=1e-5)


def test_norms_before_the_layers_end_with_one_and_those_behind_do_not():
    assert isinstance(small().fit(TEXTS, LABELS).module_.stack.norm, nn.LayerNorm)
    assert isinstance(small(norm="post").fit(TEXTS, LABELS).module_.stack.norm, nn.Identity)


def test_vectors_of_tokens_are_as_large_as_sines():
    model = small(positions="sinusoidal", hidden_size=64, learning_rate=1e-9, epochs=1)
    module = model.fit(TEXTS, LABELS).module_
    assert 0.5 < float((module.embedding.weight.detach() * module.scale).std()) < 2


@pytest.mark.parametrize("level", ["byte", "character", "subword", "whitespace"])
def test_other_tokens_than_words_are_read(level, tmp_path):
    model = small(level=level, vocab_size=300, epochs=1).fit(TEXTS, LABELS)
    assert model.codec_.level == level
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


# ---- pre-training


def test_what_was_pre_trained_is_what_fit_starts_from():
    model = small(learning_rate=0.01, pretrain_epochs=5).pretrain(TEXTS)
    learnt = model._pretrained.weights
    model.set_params(epochs=1, learning_rate=1e-12).fit(TEXTS, LABELS)
    for name, value in learnt.items():
        found = model.module_.state_dict()[name]
        torch.testing.assert_close(found, value, atol=1e-8, rtol=0, msg=name)
    assert "stage" not in model.history_[0]


def test_the_order_of_pre_training_and_fit_is_that_of_pretrain_epochs():
    at_once = small(pretrain_epochs=2).fit(TEXTS, LABELS)
    apart = small(pretrain_epochs=2).pretrain(TEXTS).fit(TEXTS, LABELS)
    stages = [entry["stage"] for entry in at_once.history_]
    assert stages == ["pre-training"] * 2 + ["classifier"] * 2
    assert apart.n_epochs_ == at_once.n_epochs_ == 2
    name = "stack.blocks.0.attention.qkv.weight"
    torch.testing.assert_close(apart.module_.state_dict()[name], at_once.module_.state_dict()[name])


def test_hidden_words_are_found_better_than_at_the_start():
    texts = ["one two three four five", "five four three two one"] * 30
    model = small(pretrain_epochs=40, learning_rate=0.02, hidden_size=16, dropout=0, epochs=1)
    history = model.fit(texts, [0, 1] * 30).history_
    assert history[39]["correct"] > 0.6 > history[0]["correct"]


def test_another_network_than_was_pre_trained_is_named():
    model = small().pretrain(TEXTS).set_params(num_layers=2)
    with pytest.raises(ValueError, match="num_layers=2 was 1 when pretrain was called"):
        model.fit(TEXTS, LABELS)


def test_a_clone_has_not_been_pre_trained():
    copied = clone(small().pretrain(TEXTS))
    np.testing.assert_array_equal(
        copied.fit(TEXTS, LABELS).predict_proba(TEXTS),
        small().fit(TEXTS, LABELS).predict_proba(TEXTS),
    )


# ---- files


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_saved_model_answers_the_same_by_any_attention(attention, tmp_path):
    model = small(attention=attention, epochs=1, max_length=90).fit(TEXTS, LABELS)
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_weights_of_another_shape_are_refused():
    state = small().fit(TEXTS, LABELS)._get_state()
    name = next(iter(state["weights"]))
    state["weights"][name] = state["weights"][name][:1]
    with pytest.raises(PersistError, match="is not an array of shape"):
        small()._set_state(state)


@pytest.mark.parametrize("stage", [DenoisingTask, ClassificationTask])
def test_an_interrupted_training_is_taken_up(stage, tmp_path, monkeypatch):
    texts, labels = order_matters()
    parameters = {"epochs": 3, "pretrain_epochs": 3}
    whole = small(**parameters).fit(texts, labels)
    model = small(**parameters, checkpoint=tmp_path / "training")
    calls = iter(range(1000))
    loss = stage.loss

    def interrupted(self, phase, batch):
        if next(calls) == 20:
            raise KeyboardInterrupt
        return loss(self, phase, batch)

    monkeypatch.setattr(stage, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(texts, labels)
    assert list(tmp_path.iterdir())
    resumed = model.fit(texts, labels)
    np.testing.assert_array_equal(resumed.predict_proba(texts), whole.predict_proba(texts))
    assert not list(tmp_path.iterdir())


# ---- what is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"level": "sentence"}, "level must be"),
        ({"pooling": "last"}, "pooling must be 'mean'"),
        ({"positions": "none"}, "positions must be 'learned'"),
        ({"attention": "half"}, "attention must be 'full'"),
        ({"attention": "linear", "attention_settings": {"window": 3}}, "no setting 'window'"),
        ({"attention": "linear", "positions": "alibi"}, "choose other positions"),
        ({"attention_settings": 3}, "attention_settings must be a dict"),
        ({"activation": "tanh"}, "activation must be"),
        ({"norm": "none"}, "norm must be"),
        ({"norm_kind": "batch"}, "norm_kind must be"),
        ({"hidden_size": 9}, "hidden_size must be a multiple of num_heads=2, got 9"),
        ({"hidden_size": 0}, "hidden_size must be an integer of at least 1, got 0"),
        (
            {"hidden_size": 6, "num_heads": 2, "positions": "rotary"},
            "hidden_size must be an even multiple of num_heads=2",
        ),
        (
            {"hidden_size": 3, "num_heads": 1, "positions": "sinusoidal"},
            "hidden_size must be even for positions='sinusoidal', got 3",
        ),
        ({"inner_size": 0}, "inner_size must be"),
        ({"num_layers": 1.5}, "num_layers must be"),
        ({"max_length": 0}, "max_length must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"word_dropout": -0.1}, "word_dropout must be"),
        ({"lowercase": "yes"}, "lowercase"),
        ({"pretrain_epochs": -1}, "pretrain_epochs must be"),
        ({"pretrain_share": 0}, "pretrain_share must be"),
        ({"validation_fraction": 0.9}, "validation_fraction must be"),
        ({"epochs": "many"}, "epochs must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"schedule": "up"}, "schedule must be"),
        ({"patience": 0}, "patience must be"),
        ({"max_seconds": 0}, "max_seconds must be"),
        ({"min_count": 0}, "min_count must be"),
        ({"token_pattern": "("}, "is no regular expression"),
        ({"device": "abacus"}, "abacus"),
        ({"precision": "fp8"}, "precision"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_a_parameter_out_of_its_range_is_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(TEXTS, LABELS)


def test_texts_without_words_and_single_classes_are_refused():
    with pytest.raises(ValueError, match="nothing to learn"):
        small().fit(["", " "], [0, 1])
    with pytest.raises(ValueError, match="y holds only 1 class"):
        small().fit(TEXTS, [1] * len(TEXTS))
    with pytest.raises(ValueError, match="15 texts"):
        small().fit(TEXTS, LABELS[:3])
