"""Positions beside their equations, and beside what transformers computes."""

from __future__ import annotations

import math

import pytest
import torch
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

from textrep.layers import LearnedPositions, RotaryPositions, SinusoidalPositions, alibi_slopes


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_sinusoidal_positions_are_the_equation_of_the_paper():
    size, x = 6, torch.randn(2, 9, 6)
    for position in range(9):
        for i in range(size // 2):
            angle = position / 10_000 ** (2 * i / size)
            expected = torch.tensor([math.sin(angle), math.cos(angle)])
            added = (SinusoidalPositions(size)(x) - x)[:, position, 2 * i : 2 * i + 2]
            torch.testing.assert_close(added, expected.expand(2, 2), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["sinusoidal", "learned"])
def test_rows_may_have_positions_of_their_own(kind):
    layer = SinusoidalPositions(4) if kind == "sinusoidal" else LearnedPositions(10, 4)
    x, positions = torch.randn(2, 3, 4), torch.tensor([[0, 1, 2], [5, 6, 9]])
    table = layer(torch.zeros(1, 10, 4))[0]
    torch.testing.assert_close(layer(x, positions), x + table[positions])
    torch.testing.assert_close(layer(x, positions[0]), layer(x))


def test_learnt_positions_get_gradients_where_they_were_read_only():
    layer = LearnedPositions(5, 4)
    layer(torch.zeros(2, 3, 4)).sum().backward()
    assert layer.weight.grad[:3].eq(2).all()
    assert not layer.weight.grad[3:].any()


def test_more_tokens_than_learnt_positions_are_refused():
    with pytest.raises(ValueError, match="6 tokens are more than the 5 positions"):
        LearnedPositions(5, 4)(torch.zeros(1, 6, 4))


def test_rotary_positions_turn_as_llama_does():
    config = LlamaConfig(hidden_size=24, num_attention_heads=3, head_dim=8)
    queries, keys = torch.randn(2, 3, 5, 8), torch.randn(2, 3, 5, 8)
    positions = torch.tensor([[0, 1, 2, 3, 4], [7, 8, 9, 100, 101]])
    cos, sin = LlamaRotaryEmbedding(config)(queries, positions)
    expected = apply_rotary_pos_emb(queries, keys, cos, sin)
    rotary = RotaryPositions(8)
    for x, turned in zip((queries, keys), expected, strict=True):
        torch.testing.assert_close(rotary.rotate(x, positions), turned, atol=1e-5, rtol=0)
        torch.testing.assert_close(
            rotary.rotate(x, positions[1])[0], rotary.rotate(x, positions[[1, 1]])[0]
        )


def test_the_product_of_turned_vectors_depends_on_their_distance_alone():
    rotary, query, key = RotaryPositions(8), torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def product(at, other):
        turned = rotary.rotate(query, torch.tensor([at])), rotary.rotate(key, torch.tensor([other]))
        return (turned[0] * turned[1]).sum()

    torch.testing.assert_close(product(3, 1), product(42, 40), atol=1e-5, rtol=0)
    assert abs(product(3, 1) - product(3, 2)) > 1e-3
    length = rotary.rotate(query, torch.tensor([9])).norm()
    torch.testing.assert_close(length, query.norm())


@pytest.mark.parametrize("n_heads", [1, 2, 3, 4, 6, 8, 12, 17, 20, 32])
def test_slopes_of_alibi_are_those_of_bloom_and_mpt(n_heads):
    bloom = build_alibi_tensor(torch.ones(1, 2, dtype=torch.long), n_heads, torch.float32)
    mpt = build_mpt_alibi_tensor(n_heads, 2)
    slopes = alibi_slopes(n_heads)
    torch.testing.assert_close(slopes, bloom.view(n_heads, 2)[:, 1])
    torch.testing.assert_close(slopes, -mpt.reshape(n_heads, 2)[:, 0].float())


@pytest.mark.parametrize("size", [3, 0, 2.0])
def test_sizes_that_hold_no_pairs_are_refused(size):
    with pytest.raises(ValueError, match=r"^size must be"):
        SinusoidalPositions(size)
    with pytest.raises(ValueError, match=r"^head_size must be"):
        RotaryPositions(size)


def test_other_parameters_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"^base must be a finite number above 0"):
        RotaryPositions(4, base=0)
    with pytest.raises(ValueError, match=r"^max_length must be an integer of at least 1"):
        LearnedPositions(0, 4)
    with pytest.raises(ValueError, match=r"^n_heads must be an integer of at least 1"):
        alibi_slopes(0)
