"""Switch experts: which token goes where, what is dropped, and what comes back."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from textrep.layers.experts import SwitchFeedForward, draw_scaled
from textrep.layers.feed_forward import FeedForward
from textrep.layers.grouped_linear import grouped_linear, put_rows, take_rows
from textrep.layers.masks import PaddingMask

SIZE, INNER, N_EXPERTS = 6, 10, 3


def layer_of(seed=0, **params):
    torch.manual_seed(seed)
    layer = SwitchFeedForward(SIZE, INNER, params.pop("n_experts", N_EXPERTS), **params)
    with torch.no_grad():  # biases too, so that a test sees them
        for parameter in layer.parameters():
            parameter.normal_(std=0.5)
    return layer


def features(*shape, seed=1):
    return torch.randn(*shape, SIZE, generator=torch.Generator().manual_seed(seed))


def expert_of(layer, number):
    """One expert as a dense layer with the same weights."""
    dense = FeedForward(SIZE, INNER, activation=layer.activation)
    with torch.no_grad():
        dense.up.weight.copy_(layer.up[number])
        dense.down.weight.copy_(layer.down[number])
        dense.up.bias.copy_(layer.up_bias.view(layer.n_experts, -1)[number])
        dense.down.bias.copy_(layer.down_bias.view(layer.n_experts, -1)[number])
    return dense


def token_by_token(layer, x, capacity=None):
    """The layer as the paper says it, one token after the other, by autograd alone."""
    up_bias = layer.up_bias.view(layer.n_experts, -1)
    down_bias = layer.down_bias.view(layer.n_experts, -1)
    used = [0] * layer.n_experts
    outputs = []
    for token in x.reshape(-1, SIZE):
        likely = (layer.router.weight @ token).softmax(0)
        expert = int(likely.argmax())
        used[expert] += 1
        if capacity is not None and used[expert] > capacity:
            outputs.append(torch.zeros(SIZE))
            continue
        inner = F.gelu(layer.up[expert] @ token + up_bias[expert])
        outputs.append(likely[expert] * (layer.down[expert] @ inner + down_bias[expert]))
    return torch.stack(outputs).view(x.shape)


# ---- rows and groups


def test_gradients_of_grouped_linear_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((5, 3), (3, 4, 3), (3, 4))
    )
    assert torch.autograd.gradcheck(lambda *a: grouped_linear(*a, [2, 0, 3]), (x, weight, bias))
    assert torch.autograd.gradcheck(lambda a, b: grouped_linear(a, b, None, [2, 0, 3]), (x, weight))


def test_gradients_of_taking_and_putting_rows_are_those_of_finite_differences():
    rows = torch.tensor([3, 0])
    x = torch.arange(8.0, dtype=torch.float64).view(4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: take_rows(a, rows), (x,))
    assert torch.autograd.gradcheck(
        lambda a: put_rows(a, rows, 5), (x[:2].detach().requires_grad_(),)
    )
    torch.testing.assert_close(put_rows(take_rows(x, rows), rows, 4)[[3, 0]], x[rows])


# ---- the whole layer


@pytest.mark.parametrize("factor", [None, 0.5, 1.0, float(N_EXPERTS)])
def test_outputs_and_gradients_are_those_of_a_loop_over_tokens(factor):
    layer = layer_of(capacity_factor=factor).train()
    plain = copy.deepcopy(layer)
    x, y = (features(2, 7).requires_grad_() for _ in range(2))
    capacity = None if factor is None else math.ceil(14 / N_EXPERTS * factor)
    found, expected = layer(x), token_by_token(plain, y, capacity)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    weights = features(2, 7, seed=5)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, atol=1e-5, rtol=1e-5)
    for (name, ours), theirs in zip(layer.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-5, msg=name)


def test_six_tokens_by_hand():
    # Two experts with room for two each: features say which; the third of expert 0 is dropped.
    layer = SwitchFeedForward(2, 1, 2, capacity_factor=2 / 3, activation="relu", bias=False).train()
    with torch.no_grad():
        layer.router.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        layer.up.copy_(torch.tensor([[[1.0, 1.0]], [[1.0, 1.0]]]))
        layer.down.copy_(torch.tensor([[[1.0], [0.0]], [[0.0], [10.0]]]))
    a, b = [math.log(3), 0.0], [0.0, math.log(3)]  # three quarters for the one or the other
    found = layer(torch.tensor([[a, b, a, a, b, a]]))
    gain = 0.75 * math.log(3)
    expected = [[gain, 0], [0, 10 * gain], [gain, 0], [0, 0], [0, 10 * gain], [0, 0]]
    torch.testing.assert_close(found[0], torch.tensor(expected))
    routing = layer.take_routing()
    assert routing.counts.tolist() == [4, 2]
    assert float(routing.dropped) == pytest.approx(2 / 6)
    mean = (4 * 0.75 + 2 * 0.25) / 6
    assert routing.balance.item() == pytest.approx(2 * (4 / 6 * mean + 2 / 6 * (1 - mean)))


@pytest.mark.parametrize("activation", ["relu", "gelu-tanh", "geglu", "swiglu"])
def test_one_expert_is_the_dense_layer(activation):
    layer = layer_of(n_experts=1, activation=activation).eval()
    x = features(2, 5)
    torch.testing.assert_close(layer(x), expert_of(layer, 0)(x), atol=1e-6, rtol=1e-5)


def test_output_is_that_of_the_chosen_expert_times_its_probability():
    layer = layer_of().eval()
    x = features(9)
    likely = F.linear(x, layer.router.weight).softmax(-1)
    chosen = layer.choose(x)
    assert torch.equal(chosen, likely.argmax(-1))
    expected = torch.stack(
        [likely[i, e] * expert_of(layer, int(e))(x[i]) for i, e in enumerate(chosen)]
    )
    torch.testing.assert_close(layer(x), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_equals_the_layer_of_transformers(factor):
    switch = pytest.importorskip(
        "transformers.models.switch_transformers.modeling_switch_transformers"
    )
    n_tokens = 12
    capacity = math.ceil(n_tokens / N_EXPERTS * factor)
    config = switch.SwitchTransformersConfig(
        d_model=SIZE, d_ff=INNER, num_experts=N_EXPERTS, expert_capacity=capacity,
        dropout_rate=0.0, router_jitter_noise=0.0, dense_act_fn="relu", router_bias=False,
    )  # fmt: skip
    theirs = switch.SwitchTransformersSparseMLP(config).train()
    layer = layer_of(activation="relu", bias=False, capacity_factor=factor).train()
    with torch.no_grad():
        theirs.router.classifier.weight.copy_(layer.router.weight)
        for number in range(N_EXPERTS):
            expert = theirs.experts[f"expert_{number}"]
            expert.wi.weight.copy_(layer.up[number])
            expert.wo.weight.copy_(layer.down[number])
    x = features(1, n_tokens)  # one row: theirs has room by row
    experts = F.one_hot(layer.choose(x)[0], N_EXPERTS)
    late = (experts.cumsum(0) * experts).amax(-1) > capacity
    assert late.any()
    found, expected = layer(x), theirs(x)
    assert float(layer.take_routing().dropped) == pytest.approx(float(late.float().mean()))
    if expected[0, late].all():  # older versions drop no token (issue 48293 of transformers)
        expected[0, late] = 0
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


# ---- capacity


def test_without_capacity_nothing_comes_out():
    layer = layer_of(capacity_factor=0).train()
    assert torch.equal(layer(features(2, 5)), torch.zeros(2, 5, SIZE))
    assert float(layer.take_routing().dropped) == 1


def test_a_block_without_capacity_only_attends():
    from textrep.layers.transformer import BlockShape, TransformerBlock

    layer = layer_of(capacity_factor=0)
    shape = BlockShape(size=SIZE, n_heads=2, inner_size=INNER, dropout=0.0)
    block = TransformerBlock(shape, feed_forward=layer).train()
    x = features(2, 5)
    attended = x + block.attention(block.attention_norm(x))[0]
    torch.testing.assert_close(block(x)[0], attended)


def test_with_as_much_room_as_tokens_none_is_dropped():
    layer = layer_of(capacity_factor=float(N_EXPERTS)).train()
    with torch.no_grad():
        layer.router.weight.zero_()  # all like the first expert
    layer(features(4, 5))
    routing = layer.take_routing()
    assert routing.counts.tolist() == [20, 0, 0]
    assert float(routing.dropped) == 0


def test_a_row_gets_in_a_batch_what_it_gets_alone():
    layer = layer_of(capacity_factor=0.5).eval()
    x = features(5, 7)
    torch.testing.assert_close(layer(x)[3:4], layer(x[3:4]), atol=1e-6, rtol=1e-5)


def test_permuted_tokens_give_permuted_outputs():
    layer = layer_of().eval()
    x, order = features(11), torch.randperm(11, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(layer(x[order]), layer(x)[order], atol=1e-6, rtol=1e-5)


def test_padding_takes_no_room_and_counts_nowhere():
    layer = layer_of(capacity_factor=0.75).train()
    x = features(3, 4)
    lengths = torch.tensor([4, 1, 2])
    mask = PaddingMask.from_lengths(lengths)
    found = layer(x, mask)
    padded = layer.take_routing()
    real = layer(x[mask.keep])
    alone = layer.take_routing()
    torch.testing.assert_close(found[mask.keep], real, atol=1e-6, rtol=1e-5)
    assert torch.equal(found[~mask.keep], torch.zeros(5, SIZE))
    for ours, theirs in zip(padded, alone, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_of_no_tokens_nothing_comes():
    layer = layer_of().train()
    assert layer(features(0, 4)).shape == (0, 4, SIZE)
    assert [value.sum().item() for value in layer.take_routing()] == [0, 0, 0, 0]


# ---- what the router is told


def test_balance_of_a_uniform_router_is_one():
    layer = layer_of().train()
    with torch.no_grad():
        layer.router.weight.zero_()
    layer(features(2, 5))
    routing = layer.take_routing()
    assert float(routing.balance) == pytest.approx(1.0)
    assert float(routing.z) == pytest.approx(math.log(N_EXPERTS) ** 2)


def test_balance_of_a_router_that_knows_one_expert_is_their_number():
    layer = layer_of().train()
    with torch.no_grad():
        layer.router.weight.zero_()
        layer.router.weight[1] = 100.0
    layer(features(2, 5).abs())
    assert float(layer.take_routing().balance) == pytest.approx(N_EXPERTS)


def test_balance_is_that_of_the_formula_and_shares_have_no_gradient():
    layer = layer_of().train()
    x = features(30)
    layer(x)
    balance = layer.take_routing().balance
    weight = layer.router.weight.detach().clone().requires_grad_()
    likely = F.linear(x, weight).softmax(-1)
    shares = F.one_hot(likely.argmax(-1), N_EXPERTS).float().mean(0)
    expected = N_EXPERTS * (shares * likely.mean(0)).sum()
    assert float(balance) == pytest.approx(float(expected), rel=1e-5)
    torch.testing.assert_close(
        torch.autograd.grad(balance, layer.router.weight)[0],
        torch.autograd.grad(expected, weight)[0],
    )


def test_minimising_the_balance_spreads_tokens():
    layer = layer_of(capacity_factor=None).train()
    x = features(200) + 0.5
    with torch.no_grad():
        layer.router.weight[0] += 1.0  # so that most tokens go to the first
    optimizer = torch.optim.Adam([layer.router.weight], 0.03)
    balances = []
    for _ in range(150):
        layer(x)
        balance = layer.take_routing().balance
        balances.append(float(balance))
        optimizer.zero_grad()
        balance.backward()
        optimizer.step()
    assert balances[-1] < 1.05 < balances[0]


def test_the_router_learns_through_the_gate():
    layer = layer_of().train()
    layer(features(8)).sum().backward()
    assert bool(layer.router.weight.grad.abs().sum() > 0)


def test_the_graph_of_a_batch_is_gone_once_its_routing_is_taken():
    layer = layer_of().train()
    layer(features(4, 5))
    with pytest.raises(RuntimeError):
        copy.deepcopy(layer)  # a tensor with a graph forbids it
    layer.take_routing()
    copy.deepcopy(layer)
    with pytest.raises(RuntimeError, match="follows a forward pass"):
        layer.take_routing()


def test_in_evaluation_there_is_no_graph():
    layer = layer_of().eval()
    layer(features(4))
    assert not layer.take_routing().balance.requires_grad


# ---- numbers


def test_the_router_computes_in_float32_whatever_the_rest_does():
    layer = layer_of().eval()
    x = features(50)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(x)
        chosen = layer.choose(x)
    assert torch.equal(chosen, layer.choose(x))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, layer(x), atol=0.1, rtol=0.1)


def test_half_precision_trains():
    layer = layer_of().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = layer(features(20)).sum()
    loss.backward()
    grads = [parameter.grad for parameter in layer.parameters()]
    assert all(grad.dtype == torch.float32 and bool(grad.isfinite().all()) for grad in grads)


def test_jitter_and_dropout_are_of_training_alone():
    layer = layer_of(jitter=0.5, dropout=0.5, capacity_factor=None)
    x = features(20)
    layer.eval()
    assert torch.equal(layer(x), layer(x))
    layer.train()
    assert not torch.equal(layer(x), layer(x))


def test_first_weights_have_the_deviation_that_was_asked_for():
    torch.manual_seed(0)
    weight = torch.empty(4, 50, 400)
    draw_scaled(weight, 0.1)
    deviation = math.sqrt(0.1 / 400)
    assert float(weight.abs().max()) <= 2 * deviation
    # A normal distribution that is cut at two deviations has 0.8796 of its deviation.
    assert float(weight.std()) == pytest.approx(0.8796 * deviation, rel=0.01)


def test_weight_decay_spares_biases():
    assert [p.ndim for n, p in layer_of().named_parameters() if "bias" in n] == [1, 1]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_experts": 0}, "n_experts must be an integer of at least 1, got 0"),
        ({"capacity_factor": -1.0}, "capacity_factor must be a finite number of at least 0"),
        ({"eval_capacity_factor": -1.0}, "eval_capacity_factor must be"),
        ({"activation": "tanh"}, "activation must be"),
        ({"jitter": 2.0}, "jitter must be"),
        ({"init_scale": 0.0}, "init_scale must be a finite number above 0"),
        ({"dropout": 1.5}, "dropout must be"),
    ],
)
def test_parameters_out_of_range_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        SwitchFeedForward(SIZE, INNER, **{"n_experts": 2, **params})


def test_it_is_a_module_that_can_be_loaded():
    first, second = layer_of(seed=1).eval(), layer_of(seed=2).eval()
    second.load_state_dict(first.state_dict())
    assert isinstance(first, nn.Module)
    assert torch.equal(first(features(5)), second(features(5)))
