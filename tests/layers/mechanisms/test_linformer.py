"""Linformer beside full attention and its equation."""

from __future__ import annotations

import pytest
import torch

from textrep.engine.seeding import torch_seed
from textrep.layers import PaddingMask
from textrep.layers.mechanisms import LinformerAttention
from textrep.layers.multi_head import FullAttention


def heads(length):
    with torch_seed(0):
        return [torch.randn(2, 2, length, 4, requires_grad=True) for _ in range(3)]


def test_projected_by_the_identity_it_is_full_attention():
    inputs = queries, keys, values = heads(12)
    linformer = LinformerAttention(12, projected_length=12)
    with torch.no_grad():
        linformer.key_projection.copy_(torch.eye(12))
    found, expected = linformer(queries, keys, values), FullAttention()(queries, keys, values)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    wanted = torch.autograd.grad(expected.square().sum(), inputs)
    got = torch.autograd.grad(found.square().sum(), inputs)
    for gradient, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shared", [True, False])
def test_a_short_text_takes_the_first_columns(shared):
    queries, keys, values = heads(7)
    linformer = LinformerAttention(10, projected_length=3, shared=shared)
    of_keys = linformer.key_projection
    of_values = of_keys if shared else linformer.value_projection
    assert shared == (linformer.value_projection is None)
    for row in range(2):
        for head in range(2):
            few_keys = sum(of_keys[:, t, None] * keys[row, head, t] for t in range(7))
            few_values = sum(of_values[:, t, None] * values[row, head, t] for t in range(7))
            weights = torch.softmax(queries[row, head] @ few_keys.T / 2, -1)
            found = linformer(queries, keys, values)[row, head]
            torch.testing.assert_close(found, weights @ few_values, atol=1e-5, rtol=0)


def test_its_projections_learn():
    queries, keys, values = heads(7)
    linformer = LinformerAttention(10, projected_length=3, shared=False)
    linformer(queries, keys, values).square().sum().backward()
    for parameter in linformer.parameters():
        assert parameter.grad[:, :7].all()
        assert not parameter.grad[:, 7:].any()


def test_queries_may_be_others_than_the_keys():
    queries, keys, values = heads(7)
    mask = PaddingMask.from_lengths(torch.tensor([7, 5]), 7)
    linformer = LinformerAttention(10, projected_length=3)
    some = linformer(queries[:, :, :2], keys, values, mask=mask)
    torch.testing.assert_close(some, linformer(queries, keys, values, mask=mask)[:, :, :2])


def test_causal_and_longer_texts_are_refused():
    queries, keys, values = heads(7)
    linformer = LinformerAttention(6, projected_length=3)
    assert not linformer.causal_too
    with pytest.raises(ValueError, match="causal=True is impossible with LinformerAttention"):
        linformer(queries, keys, values, causal=True)
    with pytest.raises(ValueError, match="was made for max_length=6, got 7 keys"):
        linformer(queries, keys, values)
