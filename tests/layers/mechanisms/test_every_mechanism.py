"""What holds for each attention: padding, causality, odd lengths, precision, cost."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from textrep.engine.seeding import torch_seed
from textrep.layers import AttentionMask, PaddingMask
from textrep.layers.mechanisms import ATTENTIONS, blocks, make_mechanism, mechanisms_of_layers

SMALL = {
    "full": {},
    "sliding-window": {"window": 5},
    "longformer": {"block_size": 8, "window": 5, "n_global": 2},
    "bigbird": {"block_size": 8, "n_random": 2, "n_global": 8},
    "linformer": {"projected_length": 8},
    "performer": {"n_features": 16},
    "linear": {},
    "lsh": {"chunk_size": 8, "n_buckets": 8},
}
QUICK = [name for name in ATTENTIONS if name != "full"]
CAUSAL = [name for name in QUICK if name != "linformer"]
KINDS = [(name, False) for name in QUICK] + [(name, True) for name in CAUSAL]


def make(name, max_length=200):
    with torch_seed(0):
        return make_mechanism(name, head_size=4, max_length=max_length, **SMALL[name])


def heads(length, dtype=torch.float32):
    with torch_seed(1):
        return [torch.randn(3, 2, length, 4).to(dtype).requires_grad_() for _ in range(3)]


def test_all_are_tried_here():
    assert tuple(SMALL) == ATTENTIONS


@pytest.mark.parametrize(("name", "causal"), KINDS)
def test_padding_never_matters_and_rows_are_as_alone(name, causal):
    attention = make(name)
    inputs = queries, keys, values = [x.detach() for x in heads(70)]
    lengths = [70, 37, 9]
    mask = PaddingMask.from_lengths(torch.tensor(lengths), 70)
    before = attention(queries, keys, values, mask=mask, causal=causal)
    for x in inputs:
        x.masked_fill_(~mask.keep[:, None, :, None], 50.0)
    after = attention(queries, keys, values, mask=mask, causal=causal)
    for row, length in enumerate(lengths):
        found = before[row, :, :length]
        torch.testing.assert_close(after[row, :, :length], found, atol=1e-6, rtol=0)
        alone = [x[row : row + 1, :, :length] for x in inputs]
        torch.testing.assert_close(attention(*alone, causal=causal)[0], found, atol=1e-5, rtol=0)
    same = attention(queries, keys, values, mask=mask.for_queries(), causal=causal)
    assert torch.equal(same, after)


@pytest.mark.parametrize(("name", "causal"), KINDS)
def test_a_row_of_padding_only_is_finite_and_so_are_its_gradients(name, causal):
    inputs = queries, keys, values = heads(20)
    mask = PaddingMask.from_lengths(torch.tensor([20, 0, 3]), 20)
    found = make(name)(queries, keys, values, mask=mask, causal=causal)
    assert torch.isfinite(found).all()
    assert not found[1].any()
    for gradient in torch.autograd.grad(found.sum(), inputs, allow_unused=True):
        assert gradient is None or torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", CAUSAL)
def test_no_gradient_comes_from_the_future(name):
    inputs = heads(70)
    found = make(name)(*inputs, causal=True)
    for position in (0, 9, 40):
        gradients = torch.autograd.grad(
            found[:, :, position].square().sum(), inputs, retain_graph=True, allow_unused=True
        )
        for gradient in gradients:
            if gradient is not None:
                assert not gradient[:, :, position + 1 :].any()
        assert gradients[2][:, :, : position + 1].any()


@pytest.mark.parametrize("name", [name for name in CAUSAL if name != "lsh"])
def test_later_tokens_change_nothing(name):
    attention = make(name)
    inputs = [x.detach() for x in heads(70)]
    start = attention(*(x[:, :, :41] for x in inputs), causal=True)
    whole = attention(*inputs, causal=True)
    torch.testing.assert_close(whole[:, :, :41], start, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "causal"), KINDS)
@pytest.mark.parametrize("length", [1, 7, 8, 65])
def test_any_length_will_do(name, causal, length):
    queries, keys, values = heads(length)
    ones = make(name)(queries, keys, torch.ones_like(values), causal=causal)
    assert ones.shape == queries.shape
    if name != "linformer":  # whose values are sums, not means
        torch.testing.assert_close(ones, torch.ones_like(ones))


@pytest.mark.parametrize(("name", "causal"), KINDS)
def test_half_precision_is_finite_and_close(name, causal):
    attention = make(name)
    inputs = heads(70, torch.bfloat16)
    expected = attention(*(x.float() for x in inputs), causal=causal)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attention(*inputs, causal=causal)
    assert found.dtype == torch.bfloat16
    close = (found.float() - expected).abs() < 0.05 + 0.02 * expected.abs()
    assert close.float().mean() > 0.97  # rounding puts a few tokens into other buckets
    found.float().square().sum().backward()
    assert all(x.grad is None or torch.isfinite(x.grad).all() for x in inputs)


@pytest.mark.parametrize("name", ["sliding-window", "longformer", "bigbird", "performer", "lsh"])
@pytest.mark.parametrize("at_once", [1, 1500])
def test_work_in_portions_gives_the_same(name, at_once, monkeypatch):
    attention = make(name)
    inputs = heads(70)
    mask = PaddingMask.from_lengths(torch.tensor([70, 37, 9]), 70)
    whole = attention(*inputs, mask=mask)
    monkeypatch.setattr(blocks, "_AT_ONCE", at_once)
    portions = attention(*inputs, mask=mask)
    torch.testing.assert_close(portions, whole, atol=1e-6, rtol=0)
    wanted = torch.autograd.grad(whole.square().sum(), inputs, allow_unused=True)
    got = torch.autograd.grad(portions.square().sum(), inputs, allow_unused=True)
    for gradient, other in zip(got, wanted, strict=True):
        if gradient is not None:  # LSH makes its keys of the queries
            torch.testing.assert_close(gradient, other, atol=1e-5, rtol=0)


def operations(attention, length, causal):
    inputs = heads(length)
    with FlopCounterMode(display=False) as counter:
        attention(*inputs, causal=causal).sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize(("name", "causal"), KINDS)
def test_multiply_adds_grow_with_the_length(name, causal):
    attention = make(name, 2048)
    assert operations(attention, 2048, causal) < 4.3 * operations(attention, 512, causal)


def test_those_of_a_table_grow_with_the_square():
    def table(queries, keys, values, causal):
        return torch.softmax(queries @ keys.transpose(-1, -2), -1) @ values

    assert operations(table, 1024, False) > 15 * operations(table, 256, False)


@pytest.mark.parametrize("name", QUICK)
def test_masks_of_pairs_are_refused(name):
    with pytest.raises(ValueError, match="takes a PaddingMask, the same keys for any query"):
        make(name)(*heads(5), mask=AttentionMask.causal(5))


@pytest.mark.parametrize("name", ["sliding-window", "bigbird", "lsh"])
def test_other_queries_than_keys_are_refused_by_those_that_go_by_positions(name):
    queries, keys, values = heads(5)
    with pytest.raises(ValueError, match=r"goes by positions, .* 2 queries and 5 keys"):
        make(name)(queries[:, :, :2], keys, values)


@pytest.mark.parametrize("name", ["linear", "performer"])
def test_sums_serve_any_queries_but_not_causally(name):
    queries, keys, values = heads(5)
    attention = make(name)
    some = attention(queries[:, :, :2], keys, values)
    torch.testing.assert_close(some, attention(queries, keys, values)[:, :, :2])
    with pytest.raises(ValueError, match="causal=True needs as many queries as keys, got 2 and 5"):
        attention(queries[:, :, :2], keys, values, causal=True)


def test_names_and_settings_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match=r"attention must be 'full' or .*, got 'local'"):
        make_mechanism("local")
    with pytest.raises(ValueError, match="'lsh' has no setting 'window'; it has 'head_size', "):
        make_mechanism("lsh", head_size=4, window=3)
    with pytest.raises(ValueError, match="'full' has no setting 'window'; it has none"):
        make_mechanism("full", window=3)
    with pytest.raises(ValueError, match="'linformer' needs the setting 'max_length'"):
        make_mechanism("linformer", head_size=4)


def test_models_are_told_what_an_attention_cannot_do():
    sizes = {"head_size": 4, "max_length": 10}
    assert mechanisms_of_layers("full", None, **sizes, positions="alibi", causal=True) is None
    with pytest.raises(ValueError, match="attention='linformer' cannot be causal"):
        mechanisms_of_layers("linformer", **sizes, causal=True)
    with pytest.raises(ValueError, match="positions='alibi' is added to the table of scores"):
        mechanisms_of_layers("lsh", **sizes, positions="alibi")
    with pytest.raises(ValueError, match="window must be an integer of at least 0, got -1"):
        mechanisms_of_layers("sliding-window", {"window": -1}, **sizes)
    with pytest.raises(ValueError, match="attention_settings must be a dict, got 3"):
        mechanisms_of_layers("lsh", 3, **sizes)
    with pytest.raises(ValueError, match=r"settings must leave out 'head_size', .* got 8"):
        mechanisms_of_layers("lsh", {"head_size": 8}, **sizes)
    with pytest.raises(ValueError, match="attention 'linear' has no setting 'name'"):
        mechanisms_of_layers("linear", {"name": "lsh"}, **sizes)


def test_each_layer_has_random_blocks_and_weights_of_its_own():
    of_layer = mechanisms_of_layers("bigbird", {"random_state": 5}, head_size=4, max_length=10)
    assert [of_layer(number).random_state for number in range(3)] == [5, 6, 7]
    of_layer = mechanisms_of_layers("performer", head_size=4, max_length=10)
    with torch_seed(0):
        first, second = of_layer(0), of_layer(1)
    assert not torch.equal(first.projection, second.projection)


def test_a_look_at_settings_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    mechanisms_of_layers("performer", head_size=4, max_length=10)
    assert torch.equal(torch.get_rng_state(), before)
