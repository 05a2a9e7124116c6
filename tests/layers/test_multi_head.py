"""Multi-head attention beside torch's, Llama's, and its equations written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers.models.llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaRotaryEmbedding

from textrep.layers import (
    AttentionMask,
    FullAttention,
    Mechanism,
    MultiHeadAttention,
    PaddingMask,
    RotaryPositions,
    alibi_slopes,
)

SIZE, HEADS = 12, 3


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def torch_attention(attention):
    """torch's own layer with the weights of ours."""
    peer = nn.MultiheadAttention(SIZE, HEADS, bias=attention.out.bias is not None, batch_first=True)
    entry = [attention.query, attention.key_value] if attention.cross else [attention.qkv]
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([linear.weight for linear in entry]))
        peer.out_proj.weight.copy_(attention.out.weight)
        if attention.out.bias is not None:
            peer.in_proj_bias.copy_(torch.cat([linear.bias for linear in entry]))
            peer.out_proj.bias.copy_(attention.out.bias)
    return peer


def attend(attention, memory, **options):
    return attention(torch.randn(2, 5, SIZE), memory=memory, **options)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_self_attention_is_that_of_torch(bias, causal, padded):
    attention = MultiHeadAttention(SIZE, HEADS, bias=bias)
    x = torch.randn(2, 5, SIZE)
    mask = PaddingMask.from_lengths(torch.tensor([5, 3])) if padded else None
    found, weights = attention(x, mask=mask, causal=causal, need_weights=True)
    expected, table = torch_attention(attention)(
        x, x, x,
        key_padding_mask=None if mask is None else ~mask.keep,  # torch: True is ignored
        attn_mask=torch.ones(5, 5).triu(1).bool() if causal else None,
        average_attn_weights=False,
    )  # fmt: skip
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(weights, table, atol=1e-5, rtol=0)
    without, none = attention(x, mask=mask, causal=causal)
    assert none is None
    torch.testing.assert_close(without, found)


def test_attention_to_a_memory_is_that_of_torch():
    attention = MultiHeadAttention(SIZE, HEADS, cross=True)
    x, memory = torch.randn(2, 5, SIZE), torch.randn(2, 7, SIZE)
    mask = PaddingMask.from_lengths(torch.tensor([4, 7]))
    found, weights = attention(x, memory=memory, mask=mask, need_weights=True)
    expected, table = torch_attention(attention)(
        x, memory, memory, key_padding_mask=~mask.keep, average_attn_weights=False
    )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(weights, table, atol=1e-5, rtol=0)


def test_rotary_attention_is_that_of_llama():
    config = LlamaConfig(
        hidden_size=SIZE, num_attention_heads=HEADS, num_key_value_heads=HEADS,
        attn_implementation="sdpa",
    )  # fmt: skip
    peer = LlamaAttention(config, layer_idx=0).eval()
    attention = MultiHeadAttention(SIZE, HEADS, bias=False, rotary=RotaryPositions(SIZE // HEADS))
    with torch.no_grad():
        rows = [peer.q_proj.weight, peer.k_proj.weight, peer.v_proj.weight]
        attention.qkv.weight.copy_(torch.cat(rows))
        attention.out.weight.copy_(peer.o_proj.weight)
    x = torch.randn(2, 5, SIZE)
    turns = LlamaRotaryEmbedding(config)(x, torch.arange(5)[None])
    triangle = torch.ones(1, 1, 5, 5).tril().bool()
    expected = peer(x, position_embeddings=turns, attention_mask=triangle)[0]
    torch.testing.assert_close(attention(x, causal=True)[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
def test_scores_of_alibi_fall_with_the_distance(causal):
    attention = MultiHeadAttention(SIZE, HEADS, alibi=True)
    x, mask = torch.randn(1, 5, SIZE), PaddingMask.from_lengths(torch.tensor([4]), 5)
    found, weights = attention(x, mask=mask, causal=causal, need_weights=True)
    queries, keys, values = attention.qkv(x)[0].view(5, 3, HEADS, -1).permute(1, 2, 0, 3)
    gathered = torch.zeros(5, HEADS, SIZE // HEADS)
    for head, slope in enumerate(alibi_slopes(HEADS)):
        for i in range(5):
            seen = [j for j in range(4) if j <= i or not causal]
            scores = [
                queries[head, i] @ keys[head, j] / math.sqrt(SIZE // HEADS) - slope * abs(i - j)
                for j in seen
            ]
            shares = torch.softmax(torch.stack(scores), 0)
            torch.testing.assert_close(weights[0, head, i, seen], shares, atol=1e-5, rtol=0)
            gathered[i, head] = shares @ values[head, seen]
    expected = attention.out(gathered.flatten(1))
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [{}, {"alibi": True}, {"rotary": RotaryPositions(4)}], ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_padding_never_matters(options, causal):
    attention = MultiHeadAttention(SIZE, HEADS, **options)
    x, mask = torch.randn(2, 5, SIZE), PaddingMask.from_lengths(torch.tensor([5, 3]))
    before = attention(x, mask=mask, causal=causal)[0]
    x[1, 3:] = 1e3
    after = attention(x, mask=mask, causal=causal)[0]
    torch.testing.assert_close(after[0], before[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(after[1, :3], before[1, :3], atol=1e-6, rtol=0)
    alone = attention(x[1:, :3], causal=causal)[0]
    torch.testing.assert_close(alone[0], before[1, :3], atol=1e-5, rtol=0)


@pytest.mark.parametrize("alibi", [False, True])
def test_a_row_of_padding_only_gathers_nothing_and_its_gradients_are_finite(alibi):
    attention = MultiHeadAttention(SIZE, HEADS, alibi=alibi)
    x = torch.randn(2, 5, SIZE, requires_grad=True)
    mask = PaddingMask.from_lengths(torch.tensor([0, 5]))
    found, weights = attention(x, mask=mask, need_weights=True)
    torch.testing.assert_close(found[0], attention.out.bias.expand(5, SIZE))
    assert not weights[0].any()
    found.square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert not x.grad[0].any()
    assert all(torch.isfinite(parameter.grad).all() for parameter in attention.parameters())


@pytest.mark.parametrize("padded", [False, True])
def test_no_gradient_comes_from_what_is_later(padded):
    attention = MultiHeadAttention(SIZE, HEADS)
    x = torch.randn(2, 5, SIZE, requires_grad=True)
    mask = PaddingMask.from_lengths(torch.tensor([5, 4])) if padded else None
    attention(x, mask=mask, causal=True)[0][:, 2].sum().backward()
    assert x.grad[:, :3].abs().sum(-1).all()
    assert not x.grad[:, 3:].any()


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("n_queries", [1, 2, 5])
def test_fewer_queries_than_keys_are_the_last_ones(n_queries, with_bias):
    queries, keys, values = torch.randn(3, 2, HEADS, 5, 4)
    mask = PaddingMask.from_lengths(torch.tensor([5, 4]))
    bias = torch.randn(HEADS, 5, 5) if with_bias else None
    part = None if bias is None else bias[:, -n_queries:]
    for masks in (None, mask, AttentionMask(torch.rand(2, 1, 5) < 0.8)):
        full = FullAttention()(queries, keys, values, mask=masks, causal=True, bias=bias)
        some = FullAttention()(
            queries[:, :, -n_queries:], keys, values, mask=masks, causal=True, bias=part
        )
        torch.testing.assert_close(some, full[:, :, -n_queries:], atol=1e-6, rtol=0)


@pytest.mark.parametrize("alibi", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_in_bf16_it_is_that_of_float32_but_for_rounding(alibi, padded):
    attention = MultiHeadAttention(SIZE, HEADS, alibi=alibi)
    x = torch.randn(2, 5, SIZE)
    mask = PaddingMask.from_lengths(torch.tensor([5, 3])) if padded else None
    expected = attention(x, mask=mask, causal=True)[0]
    expected.square().sum().backward()
    gradients = [p.grad.clone() for p in attention.parameters()]
    attention.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attention(x, mask=mask, causal=True)[0]
    assert found.dtype == torch.bfloat16
    found.float().square().sum().backward()
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.02)
    for parameter, gradient in zip(attention.parameters(), gradients, strict=True):
        assert (parameter.grad - gradient).norm() < 0.02 * gradient.norm() + 1e-3


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
def test_full_attention_gives_the_type_that_it_is_given(kind):
    heads = torch.randn(1, HEADS, 4, 4).to(kind)
    assert FullAttention()(heads, heads, heads, causal=True).dtype == kind


def test_an_attention_mask_says_for_each_query_what_it_sees():
    attention = MultiHeadAttention(SIZE, HEADS)
    x, keep = torch.randn(2, 5, SIZE), torch.rand(2, 5, 5) < 0.5
    keep[:, torch.arange(5), torch.arange(5)] = True
    found = attention(x, mask=AttentionMask(keep), causal=True)[0]
    hidden = ~(keep & torch.ones(5, 5).tril().bool()).repeat_interleave(HEADS, 0)
    expected = torch_attention(attention)(x, x, x, attn_mask=hidden, need_weights=False)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_weights_are_left_out_in_training_only():
    attention = MultiHeadAttention(SIZE, HEADS, dropout=0.5)
    x = torch.randn(2, 5, SIZE)
    assert not torch.equal(attention(x)[0], attention(x)[0])
    attention.eval()
    assert torch.equal(attention(x)[0], attention(x)[0])
    torch.testing.assert_close(
        attention(x)[0], torch_attention(attention)(x, x, x)[0], atol=1e-5, rtol=0
    )


class _Mean(Mechanism):
    """Each query gets the mean of the values."""

    def forward(self, queries, keys, values, *, mask=None, causal=False, dropout=0.0):
        return values.mean(2, keepdim=True).expand_as(queries)


def test_another_mechanism_takes_the_place_of_the_full_one():
    attention = MultiHeadAttention(SIZE, HEADS, mechanism=_Mean())
    x = torch.randn(2, 5, SIZE)
    values = F.linear(x, attention.qkv.weight[-SIZE:], attention.qkv.bias[-SIZE:])
    expected = attention.out(values.mean(1, keepdim=True)).expand(2, 5, SIZE)
    torch.testing.assert_close(attention(x)[0], expected)
    with pytest.raises(ValueError, match="_Mean has no table of weights"):
        attention(x, need_weights=True)
    with pytest.raises(ValueError, match="ALiBi is added to scores, which _Mean has none of"):
        MultiHeadAttention(SIZE, HEADS, mechanism=_Mean(), alibi=True)


def test_no_rows_and_one_position_work():
    attention = MultiHeadAttention(SIZE, HEADS)
    assert attention(torch.zeros(0, 5, SIZE), causal=True)[0].shape == (0, 5, SIZE)
    mask = PaddingMask.from_lengths(torch.tensor([1]))
    assert attention(torch.zeros(1, 1, SIZE), mask=mask, causal=True)[0].shape == (1, 1, SIZE)


def test_parameters_and_inputs_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"^size must be a multiple of n_heads=5, got 12"):
        MultiHeadAttention(SIZE, 5)
    with pytest.raises(ValueError, match=r"^n_heads must be an integer of at least 1, got 0"):
        MultiHeadAttention(SIZE, 0)
    with pytest.raises(ValueError, match=r"^dropout must be"):
        MultiHeadAttention(SIZE, HEADS, dropout=2)
    with pytest.raises(ValueError, match=r"^memory is missing"):
        MultiHeadAttention(SIZE, HEADS, cross=True)(torch.zeros(1, 2, SIZE))
