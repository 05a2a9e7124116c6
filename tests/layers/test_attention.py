"""Attention beside its equations, written out with loops."""

from __future__ import annotations

import pytest
import torch

from textrep.layers import (
    AdditiveAttention,
    AttentionMask,
    MultiplicativeAttention,
    PaddingMask,
)

ATTENTIONS = {
    "additive": lambda: AdditiveAttention(4, 6, 5),
    "general": lambda: MultiplicativeAttention(4, 6),
    "dot": lambda: MultiplicativeAttention(4, 4, kind="dot"),
}


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def tensors(name, n_keys=3):
    key_size = 4 if name == "dot" else 6
    return torch.randn(2, 5, 4), torch.randn(2, n_keys, key_size), torch.randn(2, n_keys, 7)


def score(attention, name, query, key):
    """The score of one query and one key, as the papers write it."""
    if name == "additive":
        inner = attention.query.weight @ query + attention.query.bias + attention.key.weight @ key
        return attention.score.weight[0] @ torch.tanh(inner)
    return query @ key if name == "dot" else query @ (attention.key.weight @ key)


@pytest.mark.parametrize("name", ATTENTIONS)
def test_contexts_are_means_weighted_as_the_papers_say(name):
    attention = ATTENTIONS[name]()
    query, keys, values = tensors(name)
    lengths = [3, 2]
    mask = PaddingMask.from_lengths(torch.tensor(lengths), 3)
    context, weights = attention(query, keys, values, mask)
    for row, length in enumerate(lengths):
        for step in range(5):
            scores = [score(attention, name, query[row, step], keys[row, k]) for k in range(length)]
            expected = torch.softmax(torch.stack(scores), 0)
            torch.testing.assert_close(weights[row, step, :length], expected, atol=1e-5, rtol=0)
            torch.testing.assert_close(
                context[row, step], expected @ values[row, :length], atol=1e-5, rtol=0
            )
    assert not weights[1, :, 2:].any()


@pytest.mark.parametrize("name", ATTENTIONS)
def test_padding_never_matters(name):
    attention = ATTENTIONS[name]()
    query, keys, values = tensors(name)
    mask = PaddingMask.from_lengths(torch.tensor([3, 2]), 3)
    expected = attention(query, keys, values, mask)
    keys[1, 2], values[1, 2] = 1e3, -1e3
    for got, before in zip(attention(query, keys, values, mask), expected, strict=True):
        torch.testing.assert_close(got, before, atol=1e-6, rtol=0)
    alone, _ = attention(query[1:], keys[1:, :2], values[1:, :2])
    torch.testing.assert_close(alone[0], expected[0][1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ATTENTIONS)
def test_a_source_of_padding_only_gives_zeros_and_finite_gradients(name):
    attention = ATTENTIONS[name]()
    query, keys, values = tensors(name)
    query.requires_grad_()
    mask = PaddingMask.from_lengths(torch.tensor([0, 2]), 3)
    context, weights = attention(query, keys, values, mask)
    assert not context[0].any()
    assert not weights[0].any()
    context.sum().backward()
    assert torch.isfinite(query.grad).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in attention.parameters())


@pytest.mark.parametrize("name", ATTENTIONS)
def test_prepared_keys_give_the_same(name):
    attention = ATTENTIONS[name]()
    query, keys, values = tensors(name)
    prepared = attention.prepare(keys)
    for step in range(5):
        one = query[:, step : step + 1]
        for got, expected in zip(
            attention.attend(one, prepared, values), attention(one, keys, values), strict=True
        ):
            assert torch.equal(got, expected)


def test_a_causal_mask_keeps_gradients_from_later_keys():
    attention = MultiplicativeAttention(4, 4)
    keys = torch.randn(1, 5, 4, requires_grad=True)
    context, weights = attention(torch.randn(1, 5, 4), keys, keys, AttentionMask.causal(5))
    torch.testing.assert_close(weights.sum(2), torch.ones(1, 5))
    context[0, 2].sum().backward()
    assert keys.grad[0, :3].any(1).all()
    assert not keys.grad[0, 3:].any()


def test_dot_products_of_differing_sizes_and_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="kind='dot' needs queries and keys of one size"):
        MultiplicativeAttention(4, 6, kind="dot")
    with pytest.raises(ValueError, match="kind must be 'dot' or 'general', got 'concat'"):
        MultiplicativeAttention(4, 6, kind="concat")
