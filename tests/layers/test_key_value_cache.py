"""What is read step by step with a cache is what is read at once without."""

from __future__ import annotations

import pytest
import torch

from textrep.layers import AttentionMask, BlockShape, PaddingMask, TransformerStack

KINDS = [
    {"positions": "none"},
    {"positions": "rotary", "norm_kind": "rms"},
    {"positions": "alibi"},
    {"positions": "none", "norm": "post"},
]
LENGTHS = [4, 2, 7]


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        yield


def stack_of(cross=False, **options):
    shape = BlockShape(size=8, n_heads=2, inner_size=12, **options)
    stack = TransformerStack(shape, 2, cross=cross).eval()
    for parameter in stack.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.3)
    return stack


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def prompt():
    """Rows of unequal length, with rubbish as padding, and what comes next in each."""
    x, further = torch.randn(3, 7, 8), torch.randn(3, 5, 8)
    mask = PaddingMask.from_lengths(torch.tensor(LENGTHS))
    x[~mask.keep] = 1e2
    return x, mask, further


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("pieces", [[1] * 9, [4, 1, 1, 3], [2, 5, 2]], ids=str)
def test_pieces_one_after_the_other_give_what_the_whole_gives(options, pieces):
    stack, x = stack_of(**options), torch.randn(2, 9, 8)
    cache = stack.new_cache(2, 4)  # less than is needed: it grows
    found = [stack(piece, cache=cache)[0] for piece in x.split(pieces, dim=1)]
    close(torch.cat(found, 1), stack(x, causal=True)[0])
    assert cache.lengths.tolist() == [9, 9]


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("pieces", [[1] * 5, [3, 2], [5]], ids=str)
def test_rows_of_unequal_length_go_on_as_each_would_alone(options, pieces):
    stack, (x, mask, further) = stack_of(**options), prompt()
    cache = stack.new_cache(3, 20)
    first = stack(x, mask=mask, cache=cache)[0]
    found = [stack(piece, cache=cache)[0] for piece in further.split(pieces, dim=1)]
    for row, length in enumerate(LENGTHS):
        whole = torch.cat([x[row, :length], further[row]])[None]
        expected = stack(whole, causal=True)[0][0]
        close(first[row, :length], expected[:length])
        close(torch.cat(found, 1)[row], expected[length:])
    assert cache.lengths.tolist() == [length + 5 for length in LENGTHS]


def test_padding_may_come_at_any_step():
    stack, (x, mask, further) = stack_of(positions="rotary"), prompt()
    cache = stack.new_cache(3, 3)
    stack(further, cache=cache)
    stack(x, mask=mask, cache=cache)
    found = stack(further[:, :1], cache=cache)[0]
    for row, length in enumerate(LENGTHS):
        whole = torch.cat([further[row], x[row, :length], further[row, :1]])[None]
        close(found[row, 0], stack(whole, causal=True)[0][0, -1])


def test_an_empty_row_begins_with_what_comes_next():
    stack, x = stack_of(positions="alibi"), torch.randn(2, 3, 8)
    cache = stack.new_cache(2, 8)
    stack(x, mask=PaddingMask.from_lengths(torch.tensor([3, 0])), cache=cache)
    close(stack(x, cache=cache)[0][1], stack(x, causal=True)[0][1])


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("rows", [[2, 0, 1], [1, 1, 2, 1], [0, 1], [1]], ids=str)
def test_rows_are_chosen_repeated_and_reordered(options, rows):
    stack, (x, mask, further) = stack_of(**options), prompt()
    cache = stack.new_cache(3, 20)
    stack(x, mask=mask, cache=cache)
    stack(further[:, :2], cache=cache)
    chosen = cache.select(torch.tensor(rows))
    found = stack(further[rows, 2:], cache=chosen)[0]
    left = stack(further[:, 2:], cache=cache)[0]  # what was selected from goes on by itself
    close(found, left[rows])
    assert chosen.lengths.tolist() == [LENGTHS[row] + 5 for row in rows]
    assert all(layer.owner is chosen for layer in chosen.layers)


def test_keys_of_a_memory_are_made_once_and_chosen_with_the_rows():
    stack, (x, mask, further) = stack_of(cross=True), prompt()
    memory = torch.randn(3, 6, 8)
    memory_mask = PaddingMask.from_lengths(torch.tensor([6, 1, 3]))
    calls = []
    for block in stack.blocks:
        block.cross_attention.key_value.register_forward_hook(lambda *_: calls.append(1))
    cache = stack.new_cache(3, 20)
    stack(x, mask=mask, memory=memory, memory_mask=memory_mask, cache=cache)
    rows = torch.tensor([2, 0, 0])
    chosen = cache.select(rows)
    found = stack(further[rows], memory_mask=memory_mask.select(rows), cache=chosen)[0]
    assert len(calls) == len(stack.blocks)
    for place, row in enumerate(rows.tolist()):
        whole = torch.cat([x[row, : LENGTHS[row]], further[row]])[None]
        seen = memory[row : row + 1, : [6, 1, 3][row]]
        close(found[place], stack(whole, causal=True, memory=seen)[0][0, LENGTHS[row] :])


def test_a_cache_of_no_rows_or_of_one_position_works():
    stack = stack_of()
    cache = stack.new_cache(0, 1)
    assert stack(torch.zeros(0, 2, 8), cache=cache)[0].shape == (0, 2, 8)
    cache = stack.new_cache(1, 1)
    close(stack(x := torch.randn(1, 1, 8), cache=cache)[0], stack(x)[0])


def test_weights_of_a_step_are_the_last_row_of_the_whole_table():
    stack, x = stack_of(positions="alibi"), torch.randn(1, 4, 8)
    cache = stack.new_cache(1, 4)
    stack(x[:, :3], cache=cache)
    _, steps = stack(x[:, 3:], cache=cache, need_weights=True)
    _, whole = stack(x, causal=True, need_weights=True)
    for step, table in zip(steps, whole, strict=True):
        close(step[:, :, 0], table[:, :, 3])


def test_an_attention_mask_beside_a_cache_is_refused():
    stack = stack_of()
    with pytest.raises(ValueError, match=r"^mask must be a PaddingMask where there is a cache"):
        stack(torch.zeros(1, 2, 8), mask=AttentionMask.causal(2), cache=stack.new_cache(1, 2))
