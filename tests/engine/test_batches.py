import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textrep.engine.batches import LengthBatches, Share, pad
from textrep.engine.streams import StreamBatches

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=80)


def rows_of(indices):
    """A collate that shows which rows a batch holds."""
    return (torch.as_tensor(np.asarray(indices, dtype=np.int64)),)


def plan_of(batches, epoch=0):
    """The rows of each batch of an epoch."""
    return [batches.read(spec, Share())[0].tolist() for spec in batches.plan(epoch)]


def padding_share(lengths, plan):
    """The share of a padded batch that is padding, over a whole epoch."""
    padded = sum(len(rows) * max(lengths[i] for i in rows) for rows in plan)
    return 1 - sum(lengths) / padded


@given(
    LENGTHS,
    st.one_of(st.none(), st.integers(1, 200)),
    st.one_of(st.none(), st.integers(1, 20)),
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
    st.integers(1, 5),
)
@settings(max_examples=150)
def test_every_row_comes_once_in_an_epoch_within_the_budget(
    lengths, max_tokens, max_rows, seed, shuffle, bucket, mega_batch
):
    if max_tokens is None and max_rows is None:
        max_rows = 7
    batches = LengthBatches(
        np.array(lengths), rows_of, max_tokens=max_tokens, max_rows=max_rows, seed=seed,
        shuffle=shuffle, bucket=bucket, mega_batch=mega_batch,
    )  # fmt: skip
    plan = plan_of(batches, epoch=seed)
    assert sorted(itertools.chain.from_iterable(plan)) == list(range(len(lengths)))
    for rows in plan:
        assert max_rows is None or len(rows) <= max_rows
        if max_tokens is not None and len(rows) > 1:
            assert len(rows) * max(lengths[i] for i in rows) <= max_tokens


def test_a_row_longer_than_the_budget_gets_a_batch_of_its_own():
    batches = LengthBatches(np.array([3, 50, 4, 2]), rows_of, max_tokens=12, seed=0)
    assert [1] in plan_of(batches)


def test_buckets_hold_less_padding_than_shuffled_rows():
    lengths = np.random.default_rng(0).lognormal(3, 0.8, size=2000).astype(np.int64) + 1
    shares = [
        padding_share(lengths, plan_of(LengthBatches(lengths, rows_of, max_rows=16, bucket=bucket)))
        for bucket in (True, False)
    ]
    assert shares[0] < 0.1 < 0.4 < shares[1]


def test_batches_of_one_bucket_are_not_always_the_same_rows():
    lengths = np.random.default_rng(0).integers(1, 40, size=400)
    batches = LengthBatches(lengths, rows_of, max_rows=8, mega_batch=5)
    first, second = ({frozenset(rows) for rows in plan_of(batches, epoch)} for epoch in (0, 1))
    assert len(first & second) < len(first) / 4


def test_long_and_short_batches_are_mixed_in_time():
    # Sorted from short to long, an epoch would end on a diet of long rows.
    lengths = np.arange(1, 801)
    plan = plan_of(LengthBatches(lengths, rows_of, max_rows=4, mega_batch=50))
    means = np.array([np.mean([lengths[i] for i in rows]) for rows in plan])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.25


def test_a_plan_depends_on_seed_and_epoch_only():
    lengths = np.random.default_rng(1).integers(1, 30, size=100)

    def plan(seed, epoch):
        return plan_of(LengthBatches(lengths, rows_of, max_tokens=64, seed=seed), epoch)

    batches = LengthBatches(lengths, rows_of, max_tokens=64, seed=3)
    assert plan_of(batches, 2) == plan(3, 2)  # with or without the epochs before
    assert plan_of(batches, 2) == plan_of(batches, 2)
    assert len({str(plan(3, 0)), str(plan(3, 1)), str(plan(4, 0))}) == 3


def test_without_shuffling_every_epoch_is_the_same():
    batches = LengthBatches(np.array([5, 1, 3, 2, 8]), rows_of, max_rows=2, shuffle=False)
    assert plan_of(batches, 0) == plan_of(batches, 7)


def test_without_shuffling_and_buckets_rows_keep_their_order():
    batches = LengthBatches(
        np.array([5, 1, 3, 2, 8]), rows_of, max_rows=2, shuffle=False, bucket=False
    )
    assert plan_of(batches) == [[0, 1], [2, 3], [4]]


@given(LENGTHS, st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=60)
def test_shares_divide_each_batch(lengths, max_rows, parts):
    batches = LengthBatches(np.array(lengths), rows_of, max_rows=max_rows)
    for spec in batches.plan(0):
        shares = [batches.read(spec, Share(part, parts)) for part in range(parts)]
        divided = [row for share in shares if share is not None for row in share[0].tolist()]
        assert sorted(divided) == sorted(batches.read(spec, Share())[0].tolist())
        assert all(share is None or len(share[0]) for share in shares)


def test_a_batch_must_end_somewhere():
    with pytest.raises(ValueError, match="max_tokens or max_rows"):
        LengthBatches(np.array([1, 2]), rows_of)


def test_nothing_to_batch_is_an_empty_plan():
    assert plan_of(LengthBatches(np.array([], dtype=np.int64), rows_of, max_rows=2)) == []


@pytest.mark.parametrize("wrong", [{"max_rows": 0}, {"max_tokens": 0}, {"mega_batch": 0}])
def test_a_budget_out_of_range_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LengthBatches(np.array([1, 2]), rows_of, **{"max_rows": 2, **wrong})


def test_pad_fills_to_the_longest_row():
    rows = [np.array([1, 2, 3]), np.array([4]), np.array([], dtype=np.int64)]
    assert pad(rows, value=9).tolist() == [[1, 2, 3], [4, 9, 9], [9, 9, 9]]
    assert pad(rows).dtype == torch.int64


# Streams ------------------------------------------------------------------------------------------


def windows(batches, epoch=0, share=None):
    return [batches.read(spec, share or Share()) for spec in batches.plan(epoch)]


@given(st.integers(12, 300), st.integers(1, 6), st.integers(1, 12), st.booleans())
@settings(max_examples=80)
def test_streams_are_contiguous_and_targets_are_one_ahead(n_ids, n_streams, window, vary):
    batches = StreamBatches(
        np.arange(n_ids), n_streams=n_streams, window=window, vary_window=vary, seed=1
    )
    seen = windows(batches)
    inputs = torch.cat([batch.inputs for batch in seen], dim=1)
    targets = torch.cat([batch.targets for batch in seen], dim=1)
    assert inputs.shape[0] == n_streams
    assert torch.equal(targets, inputs + 1)
    assert torch.equal(inputs, inputs[:, :1] + torch.arange(inputs.shape[1]))
    # Nothing is lost but the tail that does not fill all streams.
    assert n_ids - 1 - targets.numel() < n_streams
    assert len(torch.unique(targets)) == targets.numel()
    assert [batch.first for batch in seen] == [True] + [False] * (len(seen) - 1)


def test_windows_are_of_the_length_asked_for():
    lengths = [
        b.inputs.shape[1] for b in windows(StreamBatches(np.arange(101), n_streams=4, window=6))
    ]
    assert lengths == [6, 6, 6, 6, 1]


def test_windows_that_vary_differ_within_and_between_epochs():
    batches = StreamBatches(np.arange(4000), n_streams=2, window=20, vary_window=True)
    first, second = ([b.inputs.shape[1] for b in windows(batches, epoch)] for epoch in (0, 1))
    assert len(set(first)) > 3
    assert first != second
    assert first == [b.inputs.shape[1] for b in windows(batches, 0)]


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_share_keeps_its_streams_through_the_epoch(parts):
    # Carried state belongs to a stream: a process must see the same streams in every window.
    batches = StreamBatches(np.arange(200), n_streams=5, window=4)
    whole = windows(batches)
    shares = [windows(batches, share=Share(part, parts)) for part in range(parts)]
    for i, batch in enumerate(whole):
        there = [share[i].inputs for share in shares if share[i] is not None]
        assert sorted(torch.cat(there).tolist()) == batch.inputs.tolist()
    for share in shares:
        streams = {None if b is None else tuple((b.inputs[:, 0] // 39).tolist()) for b in share}
        assert len(streams) == 1


def test_a_text_too_short_for_its_streams_is_an_error():
    with pytest.raises(ValueError, match="n_streams"):
        StreamBatches(np.arange(3), n_streams=8, window=4)


def test_size_counts_what_the_loss_counts():
    batches = StreamBatches(np.arange(101), n_streams=4, window=6)
    assert [batches.size(spec) for spec in batches.plan(0)] == [
        batch.inputs.numel() for batch in windows(batches)
    ]
