"""Attention of long texts inside a Transformer and a language model."""

from __future__ import annotations

import pytest
import torch

import textrep
from textrep.engine.seeding import torch_seed
from textrep.generation import GPT
from textrep.layers import PaddingMask
from textrep.layers.mechanisms import ATTENTIONS, mechanisms_of_layers
from textrep.layers.transformer import BlockShape, TransformerStack

TEXTS = ["abcabcabc", "cabcab", "bca"] * 4


def stack(name, settings=None, *, positions="rotary"):
    shape = BlockShape(size=8, n_heads=2, inner_size=16, positions=positions, dropout=0.0)
    of_layer = mechanisms_of_layers(name, settings, head_size=4, max_length=64)
    with torch_seed(0):
        return TransformerStack(shape, 2, mechanism=of_layer).eval()


@pytest.mark.parametrize("causal", [False, True])
def test_with_rotary_positions_a_wide_window_is_full_attention(causal):
    with torch_seed(1):
        x = torch.randn(2, 20, 8)
    mask = PaddingMask.from_lengths(torch.tensor([20, 13]), 20)
    expected = stack("full")(x, mask=mask, causal=causal)[0]
    found = stack("sliding-window", {"window": 20})(x, mask=mask, causal=causal)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ATTENTIONS)
def test_rows_of_an_encoder_are_as_alone(name):
    encoder = stack(name)
    with torch_seed(1):
        x = torch.randn(2, 20, 8)
    mask = PaddingMask.from_lengths(torch.tensor([20, 13]), 20)
    both = encoder(x, mask=mask)[0]
    torch.testing.assert_close(encoder(x[1:, :13])[0][0], both[1, :13], atol=1e-5, rtol=0)


def test_alibi_goes_with_full_attention_only():
    with pytest.raises(ValueError, match="ALiBi is added to scores, which LinearAttention has no"):
        stack("linear", positions="alibi")


def language_model(attention, settings=None, **others):
    return GPT(
        level="character", num_layers=1, num_heads=2, hidden_size=8, max_length=8, epochs=2,
        dropout=0.1, attention=attention, attention_settings=settings, device="cpu",
        random_state=0, **others,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sliding-window", {"window": 2}),
        ("bigbird", {"block_size": 2, "n_random": 1, "n_global": 1}),
        ("performer", {"n_features": 8, "redraw": 2}),
        ("linear", None),
        ("lsh", {"chunk_size": 4, "n_buckets": 4}),
    ],
)
def test_a_language_model_learns_writes_and_is_saved(name, settings, tmp_path):
    model = language_model(name, settings).fit(TEXTS)
    prompts = ["abc", "c", "abcab"]
    together = model.generate(prompts, max_new_tokens=6, temperature=0)
    assert together == [model.generate(p, max_new_tokens=6, temperature=0) for p in prompts]
    scores = model.perplexity(TEXTS)
    model.save(tmp_path / "model.textrep")
    loaded = textrep.load(tmp_path / "model.textrep")
    assert loaded.perplexity(TEXTS) == pytest.approx(scores)
    assert loaded.generate(prompts, max_new_tokens=6, temperature=0) == together


def test_a_language_model_refuses_what_cannot_be_causal_and_alibi():
    with pytest.raises(ValueError, match="attention='linformer' cannot be causal"):
        language_model("linformer").fit(TEXTS)
    with pytest.raises(ValueError, match="positions='alibi' is added to the table of scores"):
        language_model("linear", positions="alibi").fit(TEXTS)
