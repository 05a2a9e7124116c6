"""The network of recurrent language models, and what training minimises."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from tests.generation.plain import PlainLM
from textrep.engine.batches import Share
from textrep.engine.evaluation import evaluate
from textrep.engine.loop import train
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.streams import StreamBatch, StreamBatches
from textrep.generation.recurrent_module import Dropouts, RecurrentLM, RecurrentLMTask

V, E, H = 11, 6, 8
ALL_DROPOUTS = Dropouts(embedding=0.3, input=0.3, hidden=0.3, output=0.3, weight=0.5)


def module_of(seed=0, **params):
    with torch_seed(seed):
        return RecurrentLM(V, E, H, **params)


def ids_of(*shape, seed=0):
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(seed))


def window(seed=0, first=True):
    ids = ids_of(3, 6, seed=seed)
    return StreamBatch(ids[:, :-1], ids[:, 1:], first)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("tie_weights", [True, False])
def test_the_loss_is_that_of_a_plain_loop_over_cells(cell, tie_weights):
    module = module_of(cell=cell, tie_weights=tie_weights)
    task, batch = RecurrentLMTask(module).eval(), window()
    loss = task.loss("train", batch)
    plain = PlainLM(module, cell)
    rows = torch.cat([batch.inputs, batch.targets[:, -1:]], dim=1)
    expected = -sum(plain.log_likelihood(row.tolist()) for row in rows)
    assert loss.total.item() == pytest.approx(expected, rel=1e-5)
    assert loss.count == 15
    assert float(loss.measures["nll"]) == pytest.approx(expected, rel=1e-5)


def test_windows_with_carried_state_are_one_long_window():
    module = module_of()
    task = RecurrentLMTask(module).eval()
    ids = ids_of(2, 10)
    whole = task.loss("train", StreamBatch(ids[:, :-1], ids[:, 1:], True))
    parts = [
        task.loss("train", StreamBatch(ids[:, a:b], ids[:, a + 1 : b + 1], a == 0))
        for a, b in ((0, 4), (4, 5), (5, 9))
    ]
    assert sum(part.total.item() for part in parts) == pytest.approx(whole.total.item(), rel=1e-5)


def test_the_state_begins_anew_where_the_streams_do():
    task = RecurrentLMTask(module_of()).eval()
    alone = task.loss("train", window(1)).total.item()
    task.loss("train", window(2))
    assert task.loss("train", window(1)).total.item() == alone
    assert task.loss("train", window(1, first=False)).total.item() != alone


def test_no_gradient_goes_over_the_edge_of_a_window():
    task = RecurrentLMTask(module_of()).train()
    first = task.loss("train", window(1))
    assert task.carried.keys() == {"0.0.h", "0.0.c", "1.0.h", "1.0.c"}
    assert not any(part.requires_grad for part in task.carried.values())
    first.total.backward()
    # Would fail if it went back into the first window, whose graph is gone.
    task.loss("train", window(2, first=False)).total.backward()


class Forgetful(StreamBatches):
    """Each window is given as the beginning of its streams."""

    def read(self, spec, share):
        return super().read(spec, share)._replace(first=True)


def test_with_the_state_carried_along_more_is_learnt_than_without():
    # Of the phase of "aaab", a window of three says nothing at first.
    ids = np.tile([4, 4, 4, 5], 100)
    losses = {}
    for kind in (StreamBatches, Forgetful):
        batches = kind(ids, n_streams=2, window=3)
        task = RecurrentLMTask(module_of(num_layers=1))
        train(task, batches, TrainingSettings(epochs=10, learning_rate=0.03), device="cpu")
        losses[kind] = evaluate(task, batches, device="cpu")["loss"]
    assert losses[StreamBatches] < 0.1
    assert losses[Forgetful] > 0.25


def test_penalties_are_means_times_the_count_and_in_training_only():
    module, batch = module_of(), window()
    task = RecurrentLMTask(module, activation_penalty=2.0, slowness_penalty=3.0)
    loss = task.train().loss("train", batch)
    hidden = module.forward_states(batch.inputs)[0][-1].double()
    penalty = 2 * (hidden**2).mean() + 3 * ((hidden[:, 1:] - hidden[:, :-1]) ** 2).mean()
    assert (loss.total - loss.measures["nll"]).item() == pytest.approx(
        15 * penalty.item(), rel=1e-4
    )
    evaluated = task.eval().loss("train", batch)
    assert evaluated.total.item() == float(evaluated.measures["nll"])
    assert evaluated.total.item() == pytest.approx(float(loss.measures["nll"]), rel=1e-6)


def test_the_activation_penalty_sees_what_dropout_has_left():
    module, batch = module_of(dropouts=Dropouts(output=0.5)), window()
    task = RecurrentLMTask(module, activation_penalty=1.0).train()
    with torch_seed(3):
        loss = task.loss("train", batch)
    with torch_seed(3):
        dropped = module.output_dropout(module.forward_states(batch.inputs)[0][-1])
    expected = 15 * (dropped**2).mean().item()
    assert (loss.total - loss.measures["nll"]).item() == pytest.approx(expected, rel=1e-3)


def test_slowness_of_a_window_of_one_step_is_nothing():
    ids = ids_of(3, 2)
    task = RecurrentLMTask(module_of(), slowness_penalty=1.0).train()
    loss = task.loss("train", StreamBatch(ids[:, :1], ids[:, 1:], True))
    assert loss.total.item() == float(loss.measures["nll"])


def test_dropout_changes_training_but_neither_weights_nor_evaluation():
    module, plain = module_of(dropouts=ALL_DROPOUTS), module_of()
    task = RecurrentLMTask(module).train()
    before = copy.deepcopy(module.state_dict())
    losses = {task.loss("train", window()).total.item() for _ in range(5)}
    assert len(losses) == 5
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    task.eval()
    expected = RecurrentLMTask(plain).eval().loss("train", window()).total.item()
    assert {task.loss("train", window()).total.item() for _ in range(3)} == {expected}


def test_the_gradient_reaches_the_weights_that_dropout_is_applied_to():
    module = module_of(dropouts=Dropouts(weight=0.5))
    RecurrentLMTask(module).train().loss("train", window()).total.backward()
    for layer in module.stack.layers:
        gradient = layer[0].weight_hh.grad
        assert isinstance(layer[0].weight_hh, torch.nn.Parameter)
        # Dropped weights have none, the others have some.
        assert 0.2 < float((gradient == 0).double().mean()) < 0.8


def test_tied_weights_are_one_tensor_in_every_copy():
    module = module_of()
    names = [name for name, _ in module.named_parameters()]
    assert sum("embedding" in name or "table" in name for name in names) == 1
    for each in (module, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert each.output.weight is each.embedding.weight
    untied = module_of(tie_weights=False)
    assert untied.output.weight.data_ptr() != untied.embedding.weight.data_ptr()
    assert untied.output.weight.shape == (V, H)


def test_an_adaptive_softmax_is_a_distribution_and_its_loss_is_its_logarithm():
    module = RecurrentLM(50, 8, 16, cutoffs=(10,)).eval()
    ids = torch.arange(50)[None]
    hidden = module.forward_states(ids)[0][-1][0]
    log_probs = module.scores(hidden)
    assert torch.allclose(log_probs.exp().sum(1), torch.ones(50), atol=1e-5)
    expected = -log_probs.gather(1, ids.T)[:, 0]
    assert torch.allclose(module.output.nll(hidden, ids[0]), expected, atol=1e-5)


def test_validation_in_the_middle_leaves_the_training_streams_where_they_were():
    batches = StreamBatches(ids_of(60).numpy(), n_streams=2, window=5)
    task = RecurrentLMTask(module_of()).train()
    task.loss("train", batches.read(batches.plan(0)[0], Share()))
    before = {name: part.clone() for name, part in task.carried.items()}
    evaluate(task, batches, device="cpu")
    assert all(torch.equal(task.carried[name], part) for name, part in before.items())


@pytest.mark.parametrize("name", ["embedding", "input", "hidden", "output", "weight"])
def test_a_dropout_out_of_range_is_refused(name):
    with pytest.raises(ValueError, match="at least 0 and at most"):
        module_of(dropouts=Dropouts(**{name: 1.0}))
