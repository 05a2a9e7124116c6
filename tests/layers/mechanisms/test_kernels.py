"""Attention by features beside tables of queries by keys."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from textrep.engine.seeding import torch_seed
from textrep.layers import PaddingMask
from textrep.layers.mechanisms import LinearAttention, PerformerAttention
from textrep.layers.mechanisms.performer import orthogonal_features
from textrep.layers.multi_head import FullAttention


def heads(length, scale=1.0, n_heads=2, head_size=4):
    with torch_seed(0):
        return [
            (scale * torch.randn(2, n_heads, length, head_size)).requires_grad_() for _ in range(3)
        ]


def by_table(weights, values, causal, keep):
    weights = weights * keep
    if causal:
        weights = weights.tril()
    return weights @ values / weights.sum(-1, keepdim=True)


def assert_same(found, expected, inputs):
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    wanted = torch.autograd.grad(expected.square().sum(), inputs)
    got = torch.autograd.grad(found.square().sum(), inputs)
    for gradient, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [1, 64, 150])
def test_linear_attention_is_the_mean_by_products_of_elu_plus_one(causal, length):
    inputs = queries, keys, values = heads(length)
    keep = torch.ones(2, 1, 1, length)
    keep[1, ..., (length + 1) // 2 :] = 0
    weights = (F.elu(queries) + 1) @ (F.elu(keys) + 1).transpose(-1, -2)
    mask = PaddingMask(keep[:, 0, 0] > 0)
    found = LinearAttention()(queries, keys, values, mask=mask, causal=causal)
    assert_same(found, by_table(weights, values, causal, keep), inputs)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [1, 64, 150])
def test_performer_is_the_mean_by_products_of_its_features(causal, length):
    inputs = queries, keys, values = heads(length, scale=0.7)
    with torch_seed(1):
        performer = PerformerAttention(4, n_features=16)

    def features(x):  # equation 7 of the paper, without a stabiliser
        x = x / 4**0.25
        return torch.exp(x @ performer.projection.T - x.square().sum(-1, keepdim=True) / 2)

    keep = torch.ones(2, 1, 1, length)
    keep[1, ..., (length + 1) // 2 :] = 0
    weights = features(queries) @ features(keys).transpose(-1, -2)
    mask = PaddingMask(keep[:, 0, 0] > 0)
    found = performer(queries, keys, values, mask=mask, causal=causal)
    assert_same(found, by_table(weights, values, causal, keep), inputs)


def test_the_products_of_features_have_the_softmax_kernel_for_their_mean():
    queries, keys, _ = (x.detach() for x in heads(6, scale=0.6))
    with torch_seed(0):
        performer = PerformerAttention(4, n_features=200_000)
    of_keys, largest = performer._of_keys(keys, None)
    products = performer._of_queries(queries, largest) @ of_keys.transpose(-1, -2)
    kernel = torch.exp(queries @ keys.transpose(-1, -2) / 2)
    # Each query has a factor of its own, which its mean divides by.
    ratio = products / kernel
    torch.testing.assert_close(ratio, ratio[..., :1].expand_as(ratio), rtol=0.05, atol=0)


def test_more_features_come_closer_to_softmax_attention_with_their_square_root():
    queries, keys, values = (x.detach() for x in heads(40, scale=0.3))
    expected = FullAttention()(queries, keys, values)
    errors = []
    for n_features in (32, 512):
        squares = []
        for seed in range(30):
            with torch_seed(seed):
                performer = PerformerAttention(4, n_features=n_features)
            squares.append((performer(queries, keys, values) - expected).square().mean())
        errors.append(torch.stack(squares).mean().sqrt().item())
    assert 2.8 < errors[0] / errors[1] < 5.5  # 16 times as many: a fourth of the error
    assert errors[1] < 0.005


def test_large_queries_and_keys_neither_overflow_nor_vanish():
    queries, keys, values = (x.detach() for x in heads(20))
    with torch_seed(0):
        performer = PerformerAttention(4, n_features=64)
    for causal in (False, True):
        found = performer(40 * queries, 40 * keys, values, causal=causal)
        assert torch.isfinite(found).all()
    plain = performer(40 * queries, 40 * keys, torch.ones_like(values))
    torch.testing.assert_close(plain, torch.ones_like(values))


def test_random_features_are_orthogonal_and_as_long_as_normal_vectors():
    with torch_seed(0):
        features = orthogonal_features(4000, 8)
    products = features[:8] @ features[:8].T
    torch.testing.assert_close(products, torch.diag(products.diag()), atol=1e-4, rtol=0)
    # The mean of a chi-squared variable is its degrees of freedom, and its variance twice that.
    squares = features.square().sum(1)
    assert abs(squares.mean() - 8) < 4 * (16 / 4000) ** 0.5
    # Directions have no preference, and no side.
    assert features.mean(0).abs().max() < 5 / 4000**0.5
    torch.testing.assert_close(features.T @ features / 4000, torch.eye(8), atol=0.1, rtol=0)


def test_features_are_drawn_again_after_so_many_batches_of_training():
    queries, keys, values = heads(5)
    with torch_seed(0):
        performer = PerformerAttention(4, n_features=8, redraw=2)
        first = performer.projection.clone()
        same = []
        for _ in range(5):
            performer(queries, keys, values)
            same.append(torch.equal(performer.projection, first))
        drawn = performer.projection.clone()
        performer.eval()
        for _ in range(3):
            performer(queries, keys, values)
    assert same == [True, True, False, False, False]
    assert torch.equal(performer.projection, drawn)


def test_dropout_leaves_out_features_of_what_is_gathered():
    queries, keys, values = heads(50)
    with torch_seed(0):
        for attention in (LinearAttention(), PerformerAttention(4)):
            found = attention(queries, keys, torch.ones_like(values), dropout=0.25)
            assert abs((found == 0).float().mean() - 0.25) < 0.08
            assert torch.allclose(found[found != 0], torch.tensor(4 / 3))
