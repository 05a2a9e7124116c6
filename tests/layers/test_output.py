"""Distributions over a vocabulary: tied weights, chunks, two steps."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from textrep.layers import AdaptiveOutput, SoftmaxOutput, TiedAdaptiveOutput, output


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Tied(nn.Module):
    """The least of a language model with tied weights."""

    def __init__(self, cutoffs: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.output: nn.Module
        if cutoffs:
            self.output = TiedAdaptiveOutput(self.embedding, cutoffs)
        else:
            self.output = SoftmaxOutput(4, 9, tied=self.embedding)


MAKERS = [
    SoftmaxOutput,
    lambda *sizes: AdaptiveOutput(*sizes, cutoffs=[3, 6]),
    lambda size, n_words: TiedAdaptiveOutput(nn.Embedding(n_words, size), [3, 6]),
]


def is_tied(model) -> bool:
    return model.output.weight.data_ptr() == model.embedding.weight.data_ptr()


class TestTie:
    def test_weights_are_one_tensor_counted_and_saved_once(self):
        model = Tied()
        assert is_tied(model)
        assert sum(parameter.numel() for parameter in model.parameters()) == 9 * 4 + 9
        assert set(model.state_dict()) == {"embedding.weight", "output.bias"}

    @pytest.mark.parametrize(
        "duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
    )
    @pytest.mark.parametrize("cutoffs", [(), (3, 6)])
    def test_copies_are_tied_to_their_own_embedding(self, duplicate, cutoffs):
        model = Tied(cutoffs)
        other = duplicate(model)
        assert is_tied(other)
        assert other.embedding.weight.data_ptr() != model.embedding.weight.data_ptr()

    def test_loading_and_moving_keep_the_tie(self):
        model, other = Tied(), Tied()
        file = io.BytesIO()
        torch.save(model.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file, weights_only=True))
        other = other.double().to("cpu").float()
        assert is_tied(other)
        hidden = torch.randn(2, 4)
        assert torch.equal(other.output.log_probs(hidden), model.output.log_probs(hidden))

    def test_an_optimiser_step_moves_both(self):
        model = Tied()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model.output.nll(model.embedding(torch.tensor([1])), torch.tensor([2])).sum().backward()
        optimizer.step()
        assert is_tied(model)
        assert torch.equal(model.output.weight, model.embedding.weight)

    def test_the_gradient_is_the_sum_of_both_uses(self):
        model = Tied()
        ids, targets = torch.tensor([1, 2]), torch.tensor([2, 5])
        model.output.nll(model.embedding(ids), targets).sum().backward()
        table = model.embedding.weight.detach().clone().requires_grad_()
        nn.functional.cross_entropy(
            table[ids] @ table.T + model.output.bias.detach(), targets, reduction="sum"
        ).backward()
        torch.testing.assert_close(model.embedding.weight.grad, table.grad)

    def test_two_steps_have_all_weights_of_words_from_the_embedding(self):
        model = Tied((3, 6))
        names = {"embedding.weight", "output.groups", "output.group_bias", "output.bias"}
        assert set(model.state_dict()) == names
        assert set(dict(model.named_parameters())) == names

    def test_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"tied must be an embedding of shape \(9, 5\)"):
            SoftmaxOutput(5, 9, tied=nn.Embedding(9, 4))


@pytest.mark.parametrize("bias", [True, False])
def test_losses_are_those_of_cross_entropy(bias):
    layer = SoftmaxOutput(4, 9, bias=bias)
    hidden, targets = torch.randn(6, 4), torch.randint(9, (6,))
    logits = hidden @ layer.weight.T + (layer.bias if bias else 0)
    torch.testing.assert_close(
        layer.nll(hidden, targets),
        nn.functional.cross_entropy(logits, targets, reduction="none"),
    )
    torch.testing.assert_close(layer.log_probs(hidden), torch.log_softmax(logits, 1))


def test_losses_in_pieces_and_their_gradients_are_those_at_once(monkeypatch):
    layer = SoftmaxOutput(4, 9)
    hidden, targets = torch.randn(10, 4, requires_grad=True), torch.randint(9, (10,))
    factors = torch.randn(10)

    def losses_and_gradients():
        layer.zero_grad()
        hidden.grad = None
        losses = layer.nll(hidden, targets)
        (losses * factors).sum().backward()
        return losses.detach(), hidden.grad, layer.weight.grad, layer.bias.grad

    at_once = losses_and_gradients()
    monkeypatch.setattr(output, "MOST_LOGITS", 27)  # three rows
    for piece, whole in zip(losses_and_gradients(), at_once, strict=True):
        torch.testing.assert_close(piece, whole)
    with torch.no_grad():
        torch.testing.assert_close(layer.nll(hidden, targets), at_once[0])


@pytest.mark.parametrize("make", MAKERS)
def test_no_rows_have_no_losses(make):
    layer = make(16, 9)
    assert layer.nll(torch.zeros(0, 16), torch.zeros(0, dtype=torch.int64)).shape == (0,)


@pytest.mark.parametrize("make", MAKERS)
def test_probabilities_sum_to_one_and_agree_with_the_losses(make):
    layer = make(16, 9)
    hidden = torch.randn(2, 5, 16)
    log_probs = layer.log_probs(hidden)
    torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(2, 5))
    targets = torch.randint(9, (10,))
    torch.testing.assert_close(
        layer.nll(hidden.flatten(0, 1), targets),
        -log_probs.flatten(0, 1)[torch.arange(10), targets],
    )


@pytest.mark.parametrize("make", MAKERS)
def test_losses_are_in_single_precision_under_autocast(make):
    layer = make(16, 9)
    hidden, targets = torch.randn(6, 16), torch.randint(9, (6,))
    exact = layer.nll(hidden, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = layer.nll(hidden.bfloat16(), targets)
        assert layer.log_probs(hidden.bfloat16()).dtype == torch.float32
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, exact, atol=0.05, rtol=0)


@pytest.mark.parametrize("cutoffs", [[], [0, 4], [4, 4], [5, 3], [9]])
def test_cutoffs_that_do_not_rise_within_the_vocabulary_are_refused(cutoffs):
    with pytest.raises(ValueError, match="cutoffs must rise"):
        AdaptiveOutput(16, 9, cutoffs)
    with pytest.raises(ValueError, match="cutoffs must rise"):
        TiedAdaptiveOutput(nn.Embedding(9, 16), cutoffs)


def test_two_steps_with_tied_weights_are_a_word_or_a_group_and_a_word_of_it():
    layer = TiedAdaptiveOutput(nn.Embedding(9, 4), [3, 6])
    nn.init.normal_(layer.bias)
    nn.init.normal_(layer.group_bias)
    hidden = torch.randn(4)
    words = [layer.weight[word] @ hidden + layer.bias[word] for word in range(9)]
    groups = [layer.groups[i] @ hidden + layer.group_bias[i] for i in range(2)]
    first = torch.softmax(torch.stack([*words[:3], *groups]), 0)
    expected = torch.cat(
        [
            first[:3],
            first[3] * torch.softmax(torch.stack(words[3:6]), 0),
            first[4] * torch.softmax(torch.stack(words[6:]), 0),
        ]
    )
    torch.testing.assert_close(layer.log_probs(hidden).exp(), expected)


@pytest.mark.parametrize("targets", [range(9), [0, 2, 2], [7]])
def test_gradients_in_two_steps_are_those_of_all_probabilities(targets):
    layer = TiedAdaptiveOutput(nn.Embedding(9, 4), [3, 6])
    targets = torch.tensor(list(targets))
    hidden = torch.randn(len(targets), 4, requires_grad=True)
    wanted = [hidden, layer.weight, *layer.parameters()]
    few = torch.autograd.grad(layer.nll(hidden, targets).sum(), wanted)
    picked = layer.log_probs(hidden)[torch.arange(len(targets)), targets]
    for mine, theirs in zip(few, torch.autograd.grad(-picked.sum(), wanted), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)


def test_too_few_features_for_the_last_group_are_refused():
    with pytest.raises(ValueError, match=r"hidden_size must be at least div_value \*\* 2 = 16"):
        AdaptiveOutput(8, 9, [3, 6])
