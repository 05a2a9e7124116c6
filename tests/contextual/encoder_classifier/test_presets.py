"""Presets: an EncoderClassifier whose architecture is settled."""

from __future__ import annotations

import inspect

import pytest
from sklearn.base import clone

import textrep
from textrep.contextual import EncoderClassifier

PRESETS = {
    "bert": textrep.BertClassifier,
    "modernbert": textrep.ModernBertClassifier,
    "albert": textrep.AlbertClassifier,
    "distilbert": textrep.DistilBertClassifier,
    "xlnet": textrep.XLNetClassifier,
}
TEXTS, LABELS = ["a good film", "a bad film"] * 4, ["pos", "neg"] * 4


@pytest.mark.parametrize("architecture", PRESETS)
def test_the_architecture_is_settled_and_the_rest_is_not(architecture):
    kind = PRESETS[architecture]
    general = EncoderClassifier().get_params()
    assert set(kind().get_params()) == set(general) - {"architecture"}
    with pytest.raises(TypeError, match="architecture"):
        kind(architecture="bert")
    with pytest.raises(TypeError, match="hidden"):
        kind(hidden=3)
    model = kind(
        size={"num_layers": 1, "hidden_size": 8},
        vocab_size=40,
        max_length=8,
        pretrain_epochs=0,
        epochs=1,
        device="cpu",
        random_state=0,
    )
    assert clone(model).get_params() == model.get_params()
    assert model.fit(TEXTS, LABELS).encoder_.architecture == architecture


@pytest.mark.parametrize("kind", PRESETS.values())
def test_the_documentation_says_its_own_defaults(kind):
    text = inspect.getdoc(kind)
    assert "architecture :" not in text
    for name, value in kind().get_params().items():
        if name != "random_state":
            assert f"\n{name} : " in text
            [line] = [line for line in text.split("\n") if line.startswith(f"{name} : ")]
            shown = line.partition("default=")[2].replace('"', "'")
            assert shown == repr(value)
