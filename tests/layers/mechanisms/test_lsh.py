"""Hashed attention beside the union of its neighbourhoods, made with loops."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from textrep.engine.seeding import torch_seed
from textrep.layers import PaddingMask
from textrep.layers.mechanisms import LSHAttention
from textrep.layers.multi_head import FullAttention


def heads(length):
    with torch_seed(0):
        return [torch.randn(2, 2, length, 4, requires_grad=True) for _ in range(3)]


def attention(seed=1, **settings):
    with torch_seed(seed):
        return LSHAttention(4, **{"n_buckets": 8, "chunk_size": 5, **settings})


def bucket(lsh, x, rotation):
    turned = x @ lsh.rotations[rotation]
    return int(torch.cat([turned, -turned]).argmax())


def union(lsh, vectors, length):
    """Who sees whom, in any rotation, among the first positions of a row's head."""
    table = torch.zeros(len(vectors), len(vectors), dtype=torch.bool)
    for rotation in range(len(lsh.rotations)):
        number = [bucket(lsh, vectors[t], rotation) for t in range(length)]
        order = sorted(range(length), key=lambda t: (number[t], t))
        chunk = {token: place // lsh.chunk_size for place, token in enumerate(order)}
        for i in range(length):
            for j in range(length):
                table[i, j] |= chunk[i] - chunk[j] in (0, 1)
    return table


def by_table(lsh, queries, keys, values, lengths, causal):
    rows = []
    for row, length in enumerate(lengths):
        for head in range(queries.shape[1]):
            q, k, v = queries[row, head], keys[row, head], values[row, head]
            if lsh.shared:
                k = F.normalize(q, dim=-1) * 2  # the root of the head's 4 features
                vectors = q
            else:
                vectors = F.normalize(q, dim=-1) + F.normalize(k, dim=-1)
            seen = union(lsh, vectors, length)[:length, :length]
            if causal:
                seen = seen.tril()
            scores = q[:length] @ k[:length].T / 2
            if lsh.shared:
                scores = scores - 1e5 * torch.eye(length)
            weights = torch.softmax(scores.masked_fill(~seen, -1e9), -1)
            rows.append(F.pad(weights @ v[:length], (0, 0, 0, len(q) - length)))
    return torch.stack(rows).view(queries.shape)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("n_hashes", [1, 2, 4])
def test_values_and_gradients_are_the_softmax_over_the_union(n_hashes, shared, causal):
    inputs = queries, keys, values = heads(33)
    lengths = [33, 22]
    mask = PaddingMask.from_lengths(torch.tensor(lengths), 33)
    lsh = attention(n_hashes=n_hashes, shared=shared)
    real = mask.keep[:, None, :, None]
    found = lsh(queries, keys, values, mask=mask, causal=causal) * real
    expected = by_table(lsh, queries, keys, values, lengths, causal)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    used = (queries, values) if shared else inputs
    wanted = torch.autograd.grad(expected.square().sum(), used)
    got = torch.autograd.grad(found.square().sum(), used)
    for gradient, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(gradient, other, atol=2e-5, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("n_hashes", [1, 3])
def test_one_chunk_is_full_attention_however_often_it_is_seen(n_hashes, causal):
    queries, keys, values = heads(20)
    lsh = attention(chunk_size=20, shared=False, n_hashes=n_hashes)
    found = lsh(queries, keys, values, causal=causal)
    expected = FullAttention()(queries, keys, values, causal=causal)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_tokens_of_like_direction_find_each_other_wherever_they_are():
    with torch_seed(0):
        directions = 3 * F.normalize(torch.randn(16, 8), dim=-1)
        kind = torch.randint(16, (512,))
        queries = (directions[kind] + 0.01 * torch.randn(512, 8))[None, None]
        lsh = LSHAttention(8, n_hashes=4, n_buckets=32, chunk_size=64)
    values = F.one_hot(kind, 16).float()[None, None]
    found = lsh(queries, queries, values)
    full = FullAttention()(queries, F.normalize(queries, dim=-1) * 8**0.5, values)
    share_of_own_kind = (found * values).sum(-1).mean()
    # Of all tokens 1 in 16 is of the same kind.
    assert share_of_own_kind > 0.9 * (full * values).sum(-1).mean() > 5 / 16


def test_a_token_alone_sees_itself():
    queries, keys, values = heads(1)
    torch.testing.assert_close(attention()(queries, keys, values), values)
    first = attention(n_hashes=3)(*heads(33), causal=True)[:, :, 0]
    torch.testing.assert_close(first, heads(33)[2][:, :, 0])


def test_rotations_are_drawn_again_after_so_many_batches_of_training():
    queries, keys, values = heads(7)
    lsh = attention(redraw=1)
    first = lsh.rotations.clone()
    lsh(queries, keys, values)
    assert torch.equal(lsh.rotations, first)
    with torch_seed(0):
        lsh(queries, keys, values)
    assert not torch.equal(lsh.rotations, first)


def test_dropout_leaves_out_weights():
    queries, keys, values = heads(40)
    lsh = attention(n_hashes=1, chunk_size=40, shared=False)
    ones = torch.ones_like(values)
    with torch_seed(0):
        found = lsh(torch.zeros_like(queries), torch.zeros_like(keys), ones, dropout=0.5)
    assert abs(found.mean() - 1) < 0.1
    assert found.std() > 0.05


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="n_buckets must be even, got 7"):
        LSHAttention(4, n_buckets=7)
    with pytest.raises(ValueError, match="n_hashes must be an integer of at least 1, got 0"):
        LSHAttention(4, n_hashes=0)
    with pytest.raises(ValueError, match="redraw must be an integer of at least 1, got 0"):
        LSHAttention(4, redraw=0)
