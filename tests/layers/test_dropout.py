"""Dropout with one mask over time, and of whole words."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from textrep.layers import DroppedEmbedding, LockedDropout
from textrep.layers.dropout import HIGHEST, drop


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_a_feature_is_dropped_at_all_steps_of_a_row_and_rows_differ():
    dropped = LockedDropout(0.25)(torch.ones(40, 5, 50))
    assert (dropped == dropped[:, :1]).all()
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.04)
    assert not torch.equal(dropped[0], dropped[1])


def test_evaluation_and_no_dropout_return_the_input_itself():
    x = torch.randn(2, 3, 4)
    assert LockedDropout(0.5).eval()(x) is x
    assert LockedDropout(0.0)(x) is x


def test_a_word_is_dropped_at_all_its_places_with_all_its_features():
    embedding = nn.Embedding(200, 3)
    layer = DroppedEmbedding(embedding, 0.3)
    ids = torch.arange(200).repeat(2, 1)
    ratio = layer(ids) / embedding(ids)
    torch.testing.assert_close(ratio, ratio[:1, :, :1].expand_as(ratio))
    assert (ratio == 0).float().mean().item() == pytest.approx(0.3, abs=0.1)
    kept = ratio[ratio != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / 0.7))


def test_the_table_is_never_edited_and_gets_the_gradient():
    embedding = nn.Embedding(10, 3)
    layer = DroppedEmbedding(embedding, 0.5)
    before = embedding.weight.detach().clone()
    ids = torch.arange(10)[None]
    for _ in range(3):
        layer(ids)
    out = layer(ids)
    out.sum().backward()
    assert torch.equal(embedding.weight, before)
    dropped = (out == 0).all(2)[0]
    assert torch.equal(embedding.weight.grad, torch.where(dropped, 0.0, 2.0)[:, None].expand(10, 3))
    assert torch.equal(layer.eval()(ids), before[None])


def test_padding_of_the_embedding_stays_padding():
    embedding = nn.Embedding(5, 3, padding_idx=0)
    layer = DroppedEmbedding(embedding, 0.2)
    out = layer(torch.tensor([[0, 1]]))
    assert not out[0, 0].any()
    out.sum().backward()
    assert not embedding.weight.grad[0].any()


@pytest.mark.parametrize("p", [1.0, -0.1, float("nan"), "half", True])
def test_what_is_no_share_below_one_is_refused(p):
    with pytest.raises(ValueError, match="p must be a finite number of at least 0"):
        LockedDropout(p)
    with pytest.raises(ValueError, match="p must be"):
        DroppedEmbedding(nn.Embedding(2, 2), p)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_features_are_dropped_one_by_one_and_their_mean_stays(p):
    x = torch.ones(301, 701, requires_grad=True)
    dropped = drop(x, p)
    dropped.sum().backward()
    torch.testing.assert_close(x.grad, dropped.detach())
    assert (dropped == 0).float().mean().item() == pytest.approx(p, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    # Neither rows nor columns nor neighbours go together.
    zero = (dropped == 0).float()
    for axis in (0, 1):
        assert zero.mean(axis).std().item() < 2.5 * (p * (1 - p) / 301) ** 0.5 + 1e-6
    assert (zero[:, 1:] * zero[:, :-1]).mean().item() == pytest.approx(p * p, abs=0.01)


def test_dropping_keeps_the_type_and_is_finite_at_the_highest_share():
    assert drop(torch.ones(3, 5, dtype=torch.bfloat16), 0.3).dtype == torch.bfloat16
    assert drop(torch.ones(3, 0), 0.3).shape == (3, 0)
    assert drop(torch.ones(1000), HIGHEST).isfinite().all()


def test_what_is_dropped_follows_from_the_seed():
    x = torch.ones(50)
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found.append(drop(x, 0.5))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
