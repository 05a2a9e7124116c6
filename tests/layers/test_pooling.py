"""Pooling beside plain reductions of each row cut to its length."""

from __future__ import annotations

import pytest
import torch

from textrep.layers import (
    AttentionPooling,
    PaddingMask,
    Pooling,
    RecurrentStack,
    pool_sequence,
    pooled_size,
)
from textrep.layers.pooling import KINDS

LENGTHS = [4, 1, 0, 3]


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def brute_force(row, kind, bidirectional):
    """Pool one row (T, D) of real steps."""
    last = row[-1]
    if bidirectional:
        half = len(last) // 2
        last = torch.cat([row[-1, :half], row[0, half:]])
    parts = {"last": last, "max": row.max(0).values, "mean": row.mean(0)}
    return torch.cat(list(parts.values())) if kind == "concat" else parts[kind]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", ["last", "mean", "max", "concat"])
def test_each_row_is_pooled_over_its_real_steps(kind, bidirectional):
    outputs = torch.randn(4, 5, 6) - 2  # mostly negative: a maximum over zeros would show
    mask = PaddingMask.from_lengths(torch.tensor(LENGTHS), 5)
    pooled = pool_sequence(outputs, mask, kind, bidirectional=bidirectional)
    assert pooled.shape == (4, pooled_size(kind, 6))
    for row, length, got in zip(outputs, LENGTHS, pooled, strict=True):
        expected = brute_force(row[:length], kind, bidirectional) if length else torch.zeros(())
        torch.testing.assert_close(got, expected.expand_as(got))


@pytest.mark.parametrize("kind", KINDS)
def test_padding_never_matters_and_rows_without_steps_give_zeros(kind):
    pooling = Pooling(kind, 6)
    outputs = torch.randn(4, 5, 6, requires_grad=True)
    mask = PaddingMask.from_lengths(torch.tensor(LENGTHS), 5)
    pooled = pooling(outputs, mask)
    assert pooled.shape == (4, pooling.output_size)
    assert not pooled[2].any()
    other = outputs.detach().masked_fill(~mask.keep[..., None], 1e4)
    torch.testing.assert_close(pooling(other, mask), pooled)
    pooled.sum().backward()
    assert torch.isfinite(outputs.grad).all()
    assert not outputs.grad[~mask.keep].any()
    for row, length in enumerate(LENGTHS):
        if length:
            torch.testing.assert_close(pooling(outputs[row : row + 1, :length])[0], pooled[row])


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_batches_without_steps_give_zeros(kind):
    mask = PaddingMask.from_lengths(torch.zeros(2, dtype=torch.int64), 0)
    pooled = pool_sequence(torch.zeros(2, 0, 6), mask, kind)
    assert pooled.shape == (2, pooled_size(kind, 6))
    assert not pooled.any()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_last_step_of_both_directions_is_the_final_state(cell):
    stack = RecurrentStack(3, 5, cell=cell, bidirectional=True)
    lengths = torch.tensor(LENGTHS)
    outputs, ((forward, backward),) = stack(torch.randn(4, 5, 3), lengths)
    mask = PaddingMask.from_lengths(lengths, 5)
    pooled = pool_sequence(outputs[-1], mask, "last", bidirectional=True)
    torch.testing.assert_close(pooled, torch.cat([forward[0], backward[0]], 1))


def test_weights_of_attention_follow_the_equation():
    pooling = AttentionPooling(6, 4)
    outputs = torch.randn(2, 3, 6)
    mask = PaddingMask.from_lengths(torch.tensor([3, 2]), 3)
    scores = [
        [pooling.score.weight[0] @ torch.tanh(pooling.projection(step)) for step in row]
        for row in outputs
    ]
    weights = torch.softmax(torch.stack(scores[1][:2]), 0)
    torch.testing.assert_close(pooling(outputs, mask)[1], weights @ outputs[1, :2])


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="kind must be 'last' or"):
        pool_sequence(torch.zeros(1, 1, 1), None, "first")
    with pytest.raises(ValueError, match="pooling must be"):
        Pooling("first", 3)
