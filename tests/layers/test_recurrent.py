"""Recurrent stacks beside torch's own modules on packed sequences."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from textrep.layers import (
    RecurrentStack,
    detach_state,
    dict_to_state,
    select_state,
    state_to_dict,
)

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
LENGTHS = torch.tensor([4, 6, 1, 3])


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def torch_twin(stack: RecurrentStack, cell: str, inputs: int, hidden: int) -> nn.RNNBase:
    """Torch's module with the weights of a stack."""
    twin = MODULES[cell](
        inputs, hidden, len(stack.layers), bidirectional=stack.bidirectional, batch_first=True
    )
    for layer, directions in enumerate(stack.layers):
        for direction, suffix in zip(directions, ("", "_reverse"), strict=False):
            for name, parameter in direction.named_parameters():
                getattr(twin, f"{name}_l{layer}{suffix}").data.copy_(parameter.data)
    return twin


def run_packed(twin, x, lengths, state):
    if lengths is None:
        return twin(x, state)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, state = twin(packed, state)
    return pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])[0], state


def stacked(state, cell):
    """The state as torch lays it out: (layers * directions, B, hidden), or a pair of them."""
    parts = [torch.stack(part) for part in zip(*(d for layer in state for d in layer), strict=True)]
    return tuple(parts) if cell == "lstm" else parts[0]


def total(output, state):
    """A scalar that all outputs and states enter with differing weights."""
    parts = [output, *(state if isinstance(state, tuple) else (state,))]
    return sum((part * torch.arange(part.numel()).view_as(part).cos()).sum() for part in parts)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("given_state", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", MODULES)
def test_outputs_states_and_gradients_are_those_of_torch_on_packed_sequences(
    cell, num_layers, bidirectional, given_state, lengths
):
    stack = RecurrentStack(3, 5, cell=cell, num_layers=num_layers, bidirectional=bidirectional)
    twin = torch_twin(stack, cell, 3, 5)
    mine, theirs = (torch.randn(4, 6, 3, requires_grad=True) for _ in range(2))
    theirs.data.copy_(mine.data)
    state = None
    if given_state:
        state = [
            [tuple(torch.randn(4, 5) for _ in direction) for direction in layer]
            for layer in stack.initial_state(4)
        ]
    outputs, final = stack(mine, lengths, state)
    expected, expected_state = run_packed(
        twin, theirs, lengths, None if state is None else stacked(state, cell)
    )
    final = stacked(final, cell)
    torch.testing.assert_close(outputs[-1], expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(final, expected_state, atol=1e-6, rtol=1e-5)

    total(outputs[-1], final).backward()
    total(expected, expected_state).backward()
    torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-6, rtol=1e-5)
    for layer, directions in enumerate(stack.layers):
        for direction, suffix in zip(directions, ("", "_reverse"), strict=False):
            for name, parameter in direction.named_parameters():
                other = getattr(twin, f"{name}_l{layer}{suffix}").grad
                torch.testing.assert_close(parameter.grad, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cell", MODULES)
def test_outputs_are_the_same_whether_or_not_the_state_is_wanted(cell):
    stack = RecurrentStack(3, 5, cell=cell, num_layers=2, bidirectional=True)
    x = torch.randn(4, 6, 3)
    with_state, _ = stack(x, LENGTHS)
    without, state = stack(x, LENGTHS, with_state=False)
    assert state == []
    torch.testing.assert_close(without[-1], with_state[-1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("cell", MODULES)
def test_a_row_reads_the_same_alone_in_another_order_and_with_more_padding(cell):
    stack = RecurrentStack(3, 5, cell=cell, num_layers=2, bidirectional=True)
    x = torch.randn(4, 6, 3)
    (*_, together), state = stack(x, LENGTHS)
    order = torch.tensor([2, 0, 3, 1])
    wide = torch.cat([x[order], torch.full((4, 5, 3), 7.0)], dim=1)
    (*_, shuffled), other = stack(wide, LENGTHS[order])
    torch.testing.assert_close(shuffled[:, :6], together[order], atol=1e-6, rtol=0)
    torch.testing.assert_close(
        stacked(other, cell), stacked(select_state(state, order), cell), atol=1e-6, rtol=0
    )
    for row, length in enumerate(LENGTHS):
        (*_, alone), _ = stack(x[row : row + 1, :length])
        torch.testing.assert_close(alone[0], together[row, :length], atol=1e-6, rtol=0)


@pytest.mark.parametrize("cell", MODULES)
def test_rows_without_steps_give_zeros_keep_their_state_and_have_finite_gradients(cell):
    stack = RecurrentStack(3, 5, cell=cell, num_layers=2, bidirectional=True)
    x = torch.randn(3, 4, 3, requires_grad=True)
    before = [
        [tuple(torch.randn(3, 5) for _ in direction) for direction in layer]
        for layer in stack.initial_state(3)
    ]
    outputs, after = stack(x, torch.tensor([0, 4, 0]), before)
    assert all(not output[[0, 2]].any() for output in outputs)
    rows = torch.tensor([0, 2])
    torch.testing.assert_close(
        stacked(select_state(after, rows), cell), stacked(select_state(before, rows), cell)
    )
    outputs[-1].sum().backward()
    assert torch.isfinite(x.grad).all()
    assert not x.grad[[0, 2]].any()


@pytest.mark.parametrize(("rows", "steps"), [(0, 4), (2, 0), (0, 0)])
def test_batches_without_rows_or_steps_have_outputs_of_that_shape(rows, steps):
    stack = RecurrentStack(3, 5, num_layers=2, bidirectional=True)
    lengths = torch.full((rows,), steps)
    outputs, state = stack(torch.zeros(rows, steps, 3), lengths)
    assert outputs[-1].shape == (rows, steps, 10)
    assert state[1][1][1].shape == (rows, 5)


@pytest.mark.parametrize("cell", MODULES)
def test_reading_in_pieces_with_the_state_equals_reading_at_once(cell):
    stack = RecurrentStack(3, 5, cell=cell, num_layers=2)
    x = torch.randn(4, 7, 3)
    (*_, whole), _ = stack(x)
    (*_, first), state = stack(x[:, :3])
    (*_, second), _ = stack(x[:, 3:], state=dict_to_state(state_to_dict(state)))
    torch.testing.assert_close(torch.cat([first, second], 1), whole, atol=1e-6, rtol=0)


def test_a_detached_state_stops_gradients_and_keeps_values():
    stack = RecurrentStack(3, 5)
    x = torch.randn(2, 4, 3, requires_grad=True)
    _, state = stack(x)
    cut = detach_state(state)
    assert torch.equal(cut[0][0][1], state[0][0][1])
    stack(torch.randn(2, 4, 3), state=cut)[0][-1].sum().backward()
    assert x.grad is None


class TestWeightDropout:
    def test_raw_weights_get_the_gradient_and_never_change(self):
        stack = RecurrentStack(3, 8, weight_dropout=0.5)
        (direction,) = stack.layers[0]
        before = direction.weight_hh.detach().clone()
        for _ in range(5):  # nothing cumulative
            stack(torch.randn(2, 6, 3))[0][-1].sum().backward()
        assert torch.equal(direction.weight_hh, before)
        assert {name for name, _ in direction.named_parameters()} == {
            "weight_ih",
            "weight_hh",
            "bias_ih",
            "bias_hh",
        }
        assert direction.weight_hh.grad.abs().sum() > 0

    def test_evaluation_uses_the_raw_weights_and_is_repeatable(self):
        stack = RecurrentStack(3, 8, num_layers=2, dropout=0.5, weight_dropout=0.5)
        twin = torch_twin(stack, "lstm", 3, 8)
        x = torch.randn(2, 6, 3)
        stack(x)
        stack.eval()
        torch.testing.assert_close(stack(x)[0][-1], twin(x)[0], atol=1e-6, rtol=0)
        assert torch.equal(stack(x)[0][-1], stack(x)[0][-1])

    def test_dropped_weights_are_the_same_at_every_step(self):
        stack = RecurrentStack(3, 8, weight_dropout=0.5)
        twin = torch_twin(stack, "lstm", 3, 8)
        (direction,) = stack.layers[0]
        x = torch.randn(2, 6, 3)
        torch.manual_seed(3)
        outputs, _ = stack(x)
        torch.manual_seed(3)
        dropped = nn.functional.dropout(direction.weight_hh, 0.5)
        assert 0.3 < (dropped == 0).float().mean() < 0.7
        twin.weight_hh_l0.data.copy_(dropped)
        torch.testing.assert_close(outputs[-1], twin(x)[0], atol=1e-6, rtol=0)

    def test_the_mask_is_drawn_anew_for_each_pass(self):
        stack = RecurrentStack(3, 8, weight_dropout=0.5)
        x = torch.randn(2, 6, 3)
        assert not torch.equal(stack(x)[0][-1], stack(x)[0][-1])

    def test_a_dropped_weight_gets_no_gradient_and_a_kept_one_its_scaled_gradient(self):
        stack = RecurrentStack(3, 4, cell="gru", weight_dropout=0.5)
        (direction,) = stack.layers[0]
        torch.manual_seed(5)
        stack(torch.randn(2, 6, 3))[0][-1].sum().backward()
        gradient = direction.weight_hh.grad
        assert 0.2 < (gradient == 0).float().mean() < 0.8


def test_dropout_between_layers_is_one_mask_for_all_steps_and_absent_after_the_last():
    stack = RecurrentStack(3, 6, cell="rnn", num_layers=2, dropout=0.5)
    seen = []
    stack.dropout.register_forward_hook(lambda _, before, after: seen.append((*before, after)))
    outputs, _ = stack(torch.randn(2, 5, 3))
    ((before, after),) = seen
    dropped = after == 0
    assert dropped.any()
    assert (dropped == dropped[:, :1]).all()
    assert torch.equal(before, outputs[0])
    assert (outputs[-1] != 0).all()


def test_the_last_layer_can_have_another_size():
    stack = RecurrentStack(4, 9, num_layers=3, output_size=4)
    outputs, state = stack(torch.randn(2, 5, 4))
    assert [output.shape[2] for output in outputs] == [9, 9, 4]
    assert stack.output_size == 4
    assert state[-1][0][1].shape == (2, 4)


def test_weights_keep_their_names():
    stack = RecurrentStack(2, 3, num_layers=2, bidirectional=True)
    names = {
        f"layers.{layer}.{direction}.{name}"
        for layer in range(2)
        for direction in range(2)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    assert set(stack.state_dict()) == names


def test_uniform_weights_lie_between_the_bounds():
    for stack, bound in [
        (RecurrentStack(4, 25), 1 / 5),
        (RecurrentStack(4, 25, init_range=0.05), 0.05),
    ]:
        values = torch.cat([parameter.flatten() for parameter in stack.parameters()])
        assert 0.98 * bound < values.abs().max() <= bound


def test_orthogonal_hidden_weights_and_the_bias_of_the_forget_gate():
    stack = RecurrentStack(4, 6, init="orthogonal", forget_bias=1.0)
    (direction,) = stack.layers[0]
    for weights in direction.weight_hh.split(6):
        torch.testing.assert_close(weights @ weights.T, torch.eye(6), atol=1e-5, rtol=0)
    bias = (direction.bias_ih + direction.bias_hh).view(4, 6)
    assert bias.sum(1).tolist() == [0, 6, 0, 0]


def test_copies_and_pickles_read_the_same():
    stack = RecurrentStack(3, 5, num_layers=2).eval()
    x = torch.randn(2, 4, 3)
    expected = stack(x)[0][-1]
    for other in (copy.deepcopy(stack), pickle.loads(pickle.dumps(stack))):
        assert torch.equal(other(x)[0][-1], expected)


@pytest.mark.parametrize("cell", MODULES)
def test_double_precision_is_kept(cell):
    stack = RecurrentStack(3, 5, cell=cell, bidirectional=True).double()
    outputs, state = stack(torch.randn(4, 6, 3).double(), LENGTHS)
    assert outputs[-1].dtype == torch.float64
    assert state[0][0][0].dtype == torch.float64


@pytest.mark.parametrize("cell", MODULES)
def test_autocast_reads_in_half_precision_and_carries_a_single_precision_state(cell):
    stack = RecurrentStack(3, 5, cell=cell, num_layers=2, bidirectional=True)
    x = torch.randn(4, 6, 3)
    exact, _ = stack(x, LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = stack(x, LENGTHS)
        outputs, state = stack(x, LENGTHS, state)
    assert outputs[-1].dtype == torch.bfloat16
    assert state[0][0][0].dtype == torch.float32
    assert torch.isfinite(outputs[-1]).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, _ = stack(x, LENGTHS)
    torch.testing.assert_close(outputs[-1].float(), exact[-1], atol=0.03, rtol=0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("dtype", "atol"), [(None, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)]
)
@pytest.mark.parametrize("cell", MODULES)
def test_padded_rows_have_the_outputs_states_and_gradients_of_each_row_alone(
    cell, dtype, atol, training
):
    stack = RecurrentStack(3, 8, cell=cell, bidirectional=True).train(training)
    lengths = [4, 6, 1, 3, 0]
    x = torch.randn(5, 6, 3)
    for row, length in enumerate(lengths):
        x[row, length:] = 1e3  # whatever stands at padding

    def run(x, lengths, length):
        x = x.clone().requires_grad_()
        with torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
            outputs, state = stack(x, lengths)
        output = outputs[-1][:, :length].float()
        final = [part for parts in state[0] for part in parts]
        (output.cos().sum() + sum(part.sin().sum() for part in final)).backward()
        return output.detach(), [part.detach() for part in final], x.grad

    output, final, gradient = run(x, torch.tensor(lengths), 6)
    weights = {name: value.grad for name, value in stack.named_parameters()}
    stack.zero_grad()
    for row, length in enumerate(lengths):
        assert not output[row, length:].any()
        assert not gradient[row, length:].any()
        if length == 0:
            assert not any(part[row].any() for part in final)
            continue
        alone, state, own = run(x[row : row + 1, :length], None, length)
        torch.testing.assert_close(output[row, :length], alone[0], atol=atol, rtol=0)
        for mine, theirs in zip(final, state, strict=True):
            torch.testing.assert_close(mine[row], theirs[0], atol=atol, rtol=0)
        torch.testing.assert_close(gradient[row, :length], own[0], atol=atol, rtol=0)
    for name, value in stack.named_parameters():
        torch.testing.assert_close(value.grad, weights[name], atol=10 * atol, rtol=0)


def test_rows_without_any_step_under_autocast_keep_the_single_precision_state():
    stack = RecurrentStack(3, 5, bidirectional=True)
    before = [[(torch.randn(2, 5), torch.randn(2, 5)) for _ in range(2)]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, after = stack(torch.zeros(2, 0, 3), torch.tensor([0, 0]), before)
    assert outputs[-1].shape == (2, 0, 10)
    assert torch.equal(stacked(after, "lstm")[1], stacked(before, "lstm")[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "transformer"}, "cell must be 'lstm' or 'gru' or 'rnn', got 'transformer'"),
        ({"num_layers": 0}, "num_layers must be an integer of at least 1, got 0"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"weight_dropout": -0.1}, "weight_dropout must be"),
        ({"output_size": 0}, "output_size must be"),
        ({"init": "zero"}, "init must be 'uniform' or 'orthogonal'"),
        ({"init_range": 0}, "init_range must be"),
        ({"cell": "gru", "forget_bias": 1.0}, "forget_bias is of cell='lstm' only"),
    ],
)
def test_parameters_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        RecurrentStack(3, 5, **options)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2], r"lengths must have the shape \(3,\)"),
        ([1, 2, 5], "lengths must be from 0 to T=4, got 5"),
        ([1, -2, 3], "lengths must be from 0 to T=4, got -2"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ValueError, match=message):
        RecurrentStack(2, 3)(torch.zeros(3, 4, 2), torch.tensor(lengths))


def test_a_state_of_another_batch_or_cell_is_refused():
    stack = RecurrentStack(2, 3)
    with pytest.raises(ValueError, match="state must have the shapes"):
        stack(torch.zeros(3, 4, 2), state=stack.initial_state(2))
    with pytest.raises(ValueError, match="state must have the shapes"):
        stack(torch.zeros(3, 4, 2), state=RecurrentStack(2, 3, cell="gru").initial_state(3))


def test_states_go_through_dictionaries():
    state = RecurrentStack(2, 3, num_layers=2, bidirectional=True).initial_state(2)
    tensors = state_to_dict(state)
    assert sorted(tensors) == [f"{a}.{b}.{c}" for a in "01" for b in "01" for c in "ch"]
    again = dict_to_state(tensors)
    assert again is not None
    assert all(
        torch.equal(a, b)
        for a, b in zip(state_to_dict(again).values(), tensors.values(), strict=True)
    )
    assert state_to_dict(None) == {}
    assert dict_to_state({}) is None


@pytest.mark.parametrize("names", [["h"], ["0.0.h", "1.1.h"], ["0.0.x"], ["0.0.h", "a.b.c"]])
def test_dictionaries_that_are_no_state_are_refused(names):
    with pytest.raises(ValueError, match="state"):
        dict_to_state(dict.fromkeys(names, torch.zeros(1)))
