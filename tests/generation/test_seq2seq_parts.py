"""Label smoothing, scheduled sampling, the loss and the picture of attention, each by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from textrep.generation.attention_plot import Attention, plot_attention
from textrep.generation.label_smoothing import smoothed_nll
from textrep.generation.seq2seq_decoders import Memory
from textrep.generation.seq2seq_module import Seq2SeqModule
from textrep.generation.seq2seq_task import Seq2SeqTask
from textrep.generation.teacher_forcing import mix_inputs
from textrep.generation.text_pairs import collate_pairs, ended


def module_of(attention="luong-general", cell="gru", **options):
    torch.manual_seed(0)
    chosen = {
        "embedding_size": 6,
        "hidden_size": 8,
        "num_layers": 2,
        "dropout": 0.0,
        "tie_weights": True,
        "share_embeddings": False,
        **options,
    }
    return Seq2SeqModule(11, 9, cell=cell, attention=attention, **chosen)


def batch_of(pad_to=None):
    sources = ended([np.array([4, 5, 6]), np.array([7])])
    targets = ended([np.array([8]), np.array([4, 5, 6, 7])])
    batch = collate_pairs(sources, targets, np.array([0, 1]))
    if pad_to is None:
        return batch
    # Whatever stands at padding must not matter.
    grown = [F.pad(ids, (0, pad_to), value=5) for ids in (batch.inputs, batch.targets)]
    source = F.pad(batch.sources.ids, (0, pad_to), value=6)
    return batch._replace(
        sources=batch.sources._replace(ids=source), inputs=grown[0], targets=grown[1]
    )


@pytest.fixture(autouse=True)
def _own_random_numbers():
    with torch.random.fork_rng():
        yield


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_label_smoothing_is_torchs_and_so_is_its_gradient(smoothing):
    logits = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([0, 3, 6, 3, 1])
    losses, nll = smoothed_nll(logits, targets, smoothing)
    expected = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(nll, F.cross_entropy(logits, targets, reduction="none"))
    weights = torch.rand(5, dtype=torch.float64)
    (ours,) = torch.autograd.grad((losses * weights).sum(), logits)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), logits)
    torch.testing.assert_close(ours, theirs)
    assert not nll.requires_grad


def test_padding_adds_nothing_to_the_loss_and_to_no_gradient():
    found = []
    for pad_to in (None, 3):
        task = Seq2SeqTask(module_of(), label_smoothing=0.1)
        sums = task.loss("train", batch_of(pad_to))
        sums.total.backward()
        gradients = [p.grad.clone() for p in task.parameters()]
        found.append((sums.total.detach(), sums.count, sums.measures["nll"], gradients))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)
    assert found[0][1] == 2 + 5  # a unit and four of them, each with its end sign


def test_the_loss_is_the_sum_of_torchs_over_real_targets():
    module, batch = module_of(attention="bahdanau"), batch_of()
    sums = Seq2SeqTask(module, label_smoothing=0.2).loss("train", batch)
    features, _, _ = module.decode(batch.inputs, module.encode(*batch.sources))
    logits = module.output.logits(features).flatten(0, 1)
    expected = F.cross_entropy(
        logits, batch.targets.flatten(), reduction="sum", ignore_index=0, label_smoothing=0.2
    )
    torch.testing.assert_close(sums.total, expected)
    plain = F.cross_entropy(logits, batch.targets.flatten(), reduction="sum", ignore_index=0)
    torch.testing.assert_close(sums.measures["nll"], plain.detach())
    evaluated = Seq2SeqTask(module, label_smoothing=0.2).eval().loss("train", batch)
    torch.testing.assert_close(evaluated.total, plain)


@pytest.mark.parametrize("attention", ["luong", "luong-general", "bahdanau", None])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_a_whole_text_gets_what_it_gets_word_by_word(attention, cell):
    module, batch = module_of(attention, cell).eval(), batch_of()
    state = module.encode(*batch.sources)
    whole, weights, _ = module.decode(batch.inputs, state)
    for place in range(batch.inputs.shape[1]):
        features, looked, state = module.decode(batch.inputs[:, place : place + 1], state)
        torch.testing.assert_close(features[:, 0], whole[:, place])
        if weights is not None:
            torch.testing.assert_close(looked[:, 0], weights[:, place])


@pytest.mark.parametrize("attention", ["luong-general", "bahdanau"])
def test_later_words_do_not_change_what_is_said_before_them(attention):
    module, batch = module_of(attention).eval(), batch_of()
    state = module.encode(*batch.sources)
    changed = batch.inputs.clone()
    changed[:, 3:] = 8
    first, second = (module.decode(ids, state)[0] for ids in (batch.inputs, changed))
    torch.testing.assert_close(first[:, :3], second[:, :3])
    assert not torch.allclose(first[:, 3:], second[:, 3:])


@pytest.mark.parametrize("attention", ["luong", "bahdanau", None])
def test_selected_rows_of_a_state_go_on_like_those_rows(attention):
    module, batch = module_of(attention, "lstm").eval(), batch_of()
    state = module.encode(*batch.sources)
    rows = torch.tensor([1, 1, 0])
    chosen, _, _ = module.decode(batch.inputs[rows], state.select(rows))
    torch.testing.assert_close(chosen, module.decode(batch.inputs, state)[0][rows])


def test_keys_that_are_values_stay_one_tensor():
    module, batch = module_of("luong"), batch_of()
    memory = module.encode(*batch.sources).memory
    assert memory.keys is memory.values
    picked = memory.select(torch.tensor([0]))
    assert isinstance(picked, Memory)
    assert picked.keys is picked.values


def test_bahdanaus_attention_is_that_of_the_paper():
    module, batch = module_of("bahdanau", num_layers=1).eval(), batch_of()
    state = module.encode(*batch.sources)
    attention, (values, mask) = module.decoder.attention, state.memory[1:]
    hidden = state.recurrent[0][0][0]
    scores = torch.stack(
        [
            attention.score(torch.tanh(attention.query(hidden) + attention.key(values[:, j])))[:, 0]
            for j in range(values.shape[1])
        ],
        dim=1,
    )
    scores[~mask.keep] = -torch.inf
    _, weights, _ = module.decode(batch.inputs[:, :1], state)
    torch.testing.assert_close(weights[:, 0], scores.softmax(1))


def test_sampled_inputs_are_chosen_word_by_word():
    inputs = torch.full((200, 30), 7)
    predicted = torch.full((200, 30), 5)
    inputs[:, 0] = 2
    mixed = mix_inputs(inputs, predicted, 0.75)
    assert (mixed[:, 0] == 2).all()
    share = (mixed[:, 1:] == 7).float()
    assert float(share.mean()) == pytest.approx(0.75, abs=0.02)
    # By word, not by text or by batch: texts differ in how many were replaced, hardly in share.
    assert 0.05 < float(share.mean(1).std()) < 0.12


@pytest.mark.parametrize(("share", "expected"), [(1.0, [2, 7, 8]), (0.0, [2, 5, 6])])
def test_what_was_predicted_comes_one_place_later(share, expected):
    mixed = mix_inputs(torch.tensor([[2, 7, 8]]), torch.tensor([[5, 6, 3]]), share)
    assert mixed.tolist() == [expected]


def test_nothing_flows_back_through_sampled_inputs():
    task, batch = Seq2SeqTask(module_of(), teacher_forcing=0.0), batch_of()
    module = task.module
    state = module.encode(*batch.sources)
    sampled = mix_inputs(batch.inputs, task._predicted(batch.inputs, state), 0.0)
    task.loss("train", batch).total.backward()
    ours = [p.grad.clone() for p in module.parameters()]
    # The same inputs, given from outside.
    task.zero_grad()
    plain = Seq2SeqTask(module)
    plain.loss("train", batch._replace(inputs=sampled)).total.backward()
    torch.testing.assert_close(ours, [p.grad for p in module.parameters()])


def test_all_gradients_are_there_with_and_without_ties():
    for options in ({}, {"tie_weights": False}, {"share_embeddings": True}):
        module = module_of("bahdanau", "lstm", **options)
        Seq2SeqTask(module).loss("train", batch_of()).total.backward()
        assert all(float(p.grad.abs().sum()) > 0 for p in module.parameters())


def test_the_picture_has_a_field_for_each_pair_of_words_and_no_formulas():
    weights = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]], dtype=np.float32)
    axes = plot_attention(Attention(["$5$", "a\nb", "<eos>"], ["five", "<eos>"], weights))
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    assert [label.get_text() for label in axes.get_xticklabels()] == [r"\$5\$", r"a\nb", "<eos>"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["five", "<eos>"]
    axes.figure.canvas.draw()
