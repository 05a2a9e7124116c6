"""Windows, global tokens and random blocks beside a table of who sees whom, made with loops."""

from __future__ import annotations

import pytest
import torch

from textrep.engine.seeding import torch_seed
from textrep.layers import PaddingMask
from textrep.layers.mechanisms import BlockSparseAttention, SlidingWindowAttention
from textrep.layers.mechanisms.random_blocks import random_blocks
from textrep.layers.multi_head import FullAttention

SETTINGS = {
    "blocks": {"block_size": 4},
    "window": {"block_size": 4, "window": 3},
    "wide window": {"block_size": 4, "window": 9},
    "longformer": {"block_size": 4, "window": 2, "n_global": 3},
    "bigbird": {"block_size": 4, "n_random": 2, "n_global": 4},
    "all": {"block_size": 3, "window": 2, "n_random": 1, "n_global": 5},
}


def heads(length, seed=0, n_rows=2):
    with torch_seed(seed):
        return [torch.randn(n_rows, 2, length, 4, requires_grad=True) for _ in range(3)]


def seen_by(length, causal, *, block_size, window=None, n_random=0, n_global=0):
    """Who sees whom in a text of this length, bool (length, length)."""
    reach = 1 if window is None else -(-window // block_size)
    n_blocks = -(-length // block_size)
    chosen, valid = random_blocks(
        n_blocks, n_random, first=n_global // block_size, reach=reach, causal=causal,
        real=torch.tensor([n_blocks]), random_state=0,
    )  # fmt: skip
    table = torch.zeros(length, length, dtype=torch.bool)
    for i in range(length):
        own = i // block_size
        drawn = chosen[0, own][valid[0, own]].tolist()
        for j in range(length):
            near = abs(own - j // block_size) <= 1 if window is None else abs(i - j) <= window
            seen = near or i < n_global or j < n_global or j // block_size in drawn
            table[i, j] = seen and not (causal and j > i)
    return table


def by_table(queries, keys, values, table):
    scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
    return torch.softmax(scores.masked_fill(~table, -torch.inf), -1) @ values


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("length", [1, 4, 22, 41])
def test_values_and_gradients_are_those_of_the_whole_table(name, causal, length):
    queries, keys, values = heads(length)
    table = seen_by(length, causal, **SETTINGS[name])
    expected = by_table(queries, keys, values, table)
    found = BlockSparseAttention(**SETTINGS[name])(queries, keys, values, causal=causal)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    wanted = torch.autograd.grad(expected.square().sum(), (queries, keys, values))
    got = torch.autograd.grad(found.square().sum(), (queries, keys, values))
    for gradient, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(gradient, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [0, 5, 33, 40, 100])
def test_a_sliding_window_is_full_attention_to_what_is_near(causal, window):
    queries, keys, values = heads(80)
    distance = torch.arange(80)[:, None] - torch.arange(80)
    table = (distance.abs() <= window) & ~(causal & (distance < 0))
    found = SlidingWindowAttention(window)(queries, keys, values, causal=causal)
    expected = by_table(queries, keys, values, table)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
def test_a_window_as_wide_as_the_text_is_full_attention(causal):
    queries, keys, values = heads(50)
    mask = PaddingMask.from_lengths(torch.tensor([50, 31]), 50)
    found = SlidingWindowAttention(50)(queries, keys, values, mask=mask, causal=causal)
    expected = FullAttention()(queries, keys, values, mask=mask, causal=causal)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_longformer_of_transformers_gives_the_same():
    longformer = pytest.importorskip("transformers.models.longformer.modeling_longformer")
    from transformers import LongformerConfig

    config = LongformerConfig(
        hidden_size=8, num_attention_heads=2, attention_window=[8], num_hidden_layers=1,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    with torch_seed(0):
        theirs = longformer.LongformerSelfAttention(config, 0).eval()
        x = torch.randn(2, 32, 8)
    for part in ("query", "key", "value"):
        getattr(theirs, f"{part}_global").load_state_dict(getattr(theirs, part).state_dict())
    kind = torch.zeros(2, 32)
    kind[:, :2] = 10_000.0  # as the model's own code marks global tokens
    kind[1, 25:] = -10_000.0  # and padding
    with torch.no_grad():
        expected = theirs(
            x, attention_mask=kind, is_index_masked=kind < 0, is_index_global_attn=kind > 0,
            is_global_attn=True,
        )[0]  # fmt: skip
        queries, keys, values = (
            getattr(theirs, part)(x).view(2, 32, 2, 4).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        ours = BlockSparseAttention(block_size=8, window=4, n_global=2)
        found = ours(queries, keys, values, mask=PaddingMask(kind >= 0))
    found = found.transpose(1, 2).flatten(2)
    torch.testing.assert_close(found[0], expected[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[1, :25], expected[1, :25], atol=1e-5, rtol=0)


def draw(n_blocks, n_random, *, causal=False, real=None, first=1, random_state=0):
    real = torch.tensor([n_blocks if real is None else real])
    return random_blocks(
        n_blocks, n_random, first=first, reach=1, causal=causal, real=real,
        random_state=random_state,
    )  # fmt: skip


@pytest.mark.parametrize("causal", [False, True])
def test_random_blocks_are_distinct_and_outside_the_window_and_as_many_as_there_are(causal):
    blocks, valid = draw(12, 4, causal=causal, real=10)
    for own in range(10):
        chosen = blocks[0, own][valid[0, own]].tolist()
        last = own if causal else 10
        possible = {block for block in range(1, last) if abs(block - own) > 1}
        assert len(set(chosen)) == len(chosen) == min(4, len(possible))
        assert set(chosen) <= possible


@pytest.mark.parametrize("causal", [False, True])
def test_random_blocks_do_not_depend_on_padding(causal):
    alone, padded = draw(9, 3, causal=causal), draw(30, 3, causal=causal, real=9)
    for a, b in zip(alone, padded, strict=True):
        assert torch.equal(a, b[:, :9])


def test_each_block_is_drawn_as_often_as_any_other():
    counts = torch.zeros(11, dtype=torch.int64)
    for seed in range(400):
        blocks, valid = draw(11, 2, random_state=seed, first=0)
        counts += torch.bincount(blocks[0, 5][valid[0, 5]], minlength=11)
    assert not counts[4:7].any()
    expected = 400 * 2 / 8  # of 8 blocks outside the window, two of each draw
    assert (counts[[0, 1, 2, 3, 7, 8, 9, 10]] - expected).abs().max() < 5 * expected**0.5


def test_other_random_states_draw_other_blocks():
    assert not torch.equal(draw(30, 2)[0], draw(30, 2, random_state=1)[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"block_size": 0}, "block_size must be an integer of at least 1, got 0"),
        ({"window": -1}, "window must be an integer of at least 0, got -1"),
        ({"n_random": 1.5}, "n_random must be an integer of at least 0, got 1.5"),
        ({"n_global": -2}, "n_global must be an integer of at least 0, got -2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BlockSparseAttention(**settings)
