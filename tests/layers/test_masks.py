"""The one mask type: True may be attended, minimum instead of minus infinity."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from textrep.layers import AttentionMask, PaddingMask


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_lengths_become_a_mask_and_come_back():
    lengths = torch.tensor([0, 3, 2])
    mask = PaddingMask.from_lengths(lengths, 4)
    expected = [[step < length for step in range(4)] for length in lengths.tolist()]
    assert mask.keep.tolist() == expected
    assert torch.equal(mask.lengths, lengths)
    assert PaddingMask.from_lengths(lengths).keep.shape == (3, 3)
    assert PaddingMask.from_lengths(torch.zeros(0, dtype=torch.int64)).keep.shape == (0, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_additive_masks_are_finite_in_every_type_and_so_is_a_softmax_over_padding_only(dtype):
    additive = PaddingMask.from_lengths(torch.tensor([0, 2]), 3).additive(dtype)
    assert additive.dtype == dtype
    assert additive[1].tolist() == [0, 0, torch.finfo(dtype).min]
    assert torch.isfinite(torch.softmax(additive, 1)).all()


def test_additive_masks_of_integers_are_refused():
    with pytest.raises(ValueError, match=r"dtype must be a floating point type, got torch\.int64"):
        AttentionMask.causal(2).additive(torch.int64)


def test_a_causal_mask_lets_each_query_see_itself_and_what_is_earlier():
    keep = AttentionMask.causal(3).keep
    assert keep.tolist() == [[[key <= query for key in range(3)] for query in range(3)]]


@pytest.mark.parametrize("n_queries", [1, 2, 3])
def test_queries_after_a_cache_see_what_they_would_see_in_the_whole(n_queries):
    whole = AttentionMask.causal(5).keep
    assert torch.equal(AttentionMask.causal(n_queries, 5).keep, whole[:, -n_queries:])


def test_more_queries_than_keys_are_refused():
    with pytest.raises(ValueError, match=r"n_keys must be at least n_queries \(3\)"):
        AttentionMask.causal(3, 2)


def test_masks_merge_whichever_stands_first():
    padding = PaddingMask.from_lengths(torch.tensor([1, 3]), 3)
    causal = AttentionMask.causal(3)
    for merged in (padding & causal, causal & padding):
        assert isinstance(merged, AttentionMask)
        assert torch.equal(merged.keep, padding.keep[:, None] & causal.keep)
    both = padding & PaddingMask(torch.tensor([[True, True, False]] * 2))
    assert isinstance(both, PaddingMask)
    assert both.lengths.tolist() == [1, 2]


def test_masks_cannot_be_changed():
    mask = PaddingMask.from_lengths(torch.tensor([1]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        mask.keep = ~mask.keep  # type: ignore[misc]


def test_masks_are_selected_and_moved_like_the_rows_they_belong_to():
    padding = PaddingMask.from_lengths(torch.tensor([1, 3]), 3)
    rows = torch.tensor([1, 1, 0])
    assert padding.select(rows).lengths.tolist() == [3, 3, 1]
    assert padding.for_queries().select(rows).keep.shape == (3, 1, 3)
    assert AttentionMask.causal(3).select(rows).keep.shape == (1, 3, 3)
    assert padding.to("cpu").lengths.tolist() == [1, 3]
    assert padding.for_queries().to("cpu").for_heads().shape == (2, 1, 1, 3)


def test_masked_softmax_is_the_softmax_of_what_is_kept_and_exactly_zero_elsewhere():
    scores = torch.randn(2, 4, 5)
    keep = torch.rand(2, 4, 5) < 0.5
    keep[0, 0], keep[1, 1] = False, True
    weights = AttentionMask(keep).softmax(scores)
    assert not weights[~keep].any()
    for row, kept, score in zip(
        weights.flatten(0, 1), keep.flatten(0, 1), scores.flatten(0, 1), strict=True
    ):
        torch.testing.assert_close(row[kept], torch.softmax(score[kept], 0))


def test_gradients_through_a_row_of_padding_only_are_zero():
    scores = torch.randn(1, 2, 3, requires_grad=True)
    keep = torch.tensor([[[False] * 3, [True, True, False]]])
    AttentionMask(keep).softmax(scores)[..., 0].sum().backward()
    assert torch.isfinite(scores.grad).all()
    assert not scores.grad[0, 0].any()
    assert scores.grad[0, 1, :2].all()


@pytest.mark.parametrize("keep", [torch.ones(2, 3), torch.ones(2).bool(), [[True]]])
def test_what_is_no_boolean_tensor_of_two_axes_is_refused(keep):
    with pytest.raises(ValueError, match="keep must be a boolean tensor of shape"):
        PaddingMask(keep)
