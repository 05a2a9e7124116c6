"""Denoising: what is hidden, what never is, and what the loss counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from textrep.contextual.classification import Rows
from textrep.contextual.denoising import DenoisingTask, corrupt, unlabelled_batches
from textrep.contextual.transformer_classifier_module import TransformerClassifierModule
from textrep.engine.batches import Share
from textrep.layers.transformer import BlockShape

MASK = 50


@pytest.fixture(autouse=True)
def own_random():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def many(n_rows=200, length=500):
    return torch.randint(4, MASK, (n_rows, length)), torch.full((n_rows,), length)


def encoder(**settings):
    shape = BlockShape(size=8, n_heads=2, inner_size=16, dropout=0.0)
    return TransformerClassifierModule(MASK + 1, 2, shape, 1, 20, **settings)


def test_of_the_chosen_eight_tenths_are_hidden_one_is_replaced_and_one_stays():
    ids, lengths = many()
    seen, chosen = corrupt(ids, lengths, share=0.15, mask=MASK)
    assert float(chosen.float().mean()) == pytest.approx(0.15, abs=0.005)
    assert float((seen[chosen] == MASK).float().mean()) == pytest.approx(0.8, abs=0.01)
    # One in 46 of those replaced is replaced by itself.
    stays = 0.1 + 0.1 / (MASK - 4)
    assert float((seen[chosen] == ids[chosen]).float().mean()) == pytest.approx(stays, abs=0.01)


def test_what_is_not_chosen_stays_as_it_is():
    ids, lengths = many(20)
    before = ids.clone()
    seen, chosen = corrupt(ids, lengths, share=0.3, mask=MASK)
    assert torch.equal(seen[~chosen], ids[~chosen])
    assert torch.equal(ids, before)


def test_padding_and_specials_are_never_hidden_nor_put_in_the_place_of_others():
    ids, _ = many(100, 30)
    ids[:, 3] = 1
    lengths = torch.full((100,), 10)
    seen, chosen = corrupt(ids, lengths, share=0.9, mask=MASK)
    assert not chosen[:, 3].any()
    assert not chosen[:, 10:].any()
    assert (seen[chosen] >= 4).all()


def test_others_are_hidden_each_time():
    ids, lengths = many(4)
    first = corrupt(ids, lengths, share=0.15, mask=MASK)[1]
    assert not torch.equal(first, corrupt(ids, lengths, share=0.15, mask=MASK)[1])


def test_a_token_of_each_row_is_hidden_if_there_is_one():
    ids = torch.tensor([[7, 0], [1, 1], [5, 6]])
    chosen = corrupt(ids, torch.tensor([1, 2, 2]), share=1e-9, mask=MASK)[1]
    assert chosen.sum(dim=1).tolist() == [1, 0, 1]


def test_a_single_known_token_has_others_to_be_replaced_by():
    seen, _ = corrupt(torch.full((50, 9), 4), torch.full((50,), 9), share=0.9, mask=5)
    assert set(seen.unique().tolist()) == {4, 5}


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_the_loss_is_the_cross_entropy_of_the_hidden_tokens_alone(pooling, monkeypatch):
    module = encoder(pooling=pooling)
    ids, lengths = many(3, 12)
    lengths = torch.tensor([12, 5, 1])
    seen, chosen = corrupt(ids, lengths, share=0.4, mask=MASK)
    monkeypatch.setattr("textrep.contextual.denoising.corrupt", lambda *_, **__: (seen, chosen))
    found = DenoisingTask(module, 0.4).loss("train", Rows(ids, lengths))
    expected = 0.0
    for row, length in enumerate(lengths.tolist()):
        vectors = module.encode(seen[row : row + 1, :length], torch.tensor([length]))[0]
        logits = vectors @ module.embedding.weight.T
        for place in range(length):
            if chosen[row, place]:
                target = ids[row, place]
                expected += F.cross_entropy(logits[place], target).item()
    assert found.total.item() == pytest.approx(expected, rel=1e-5)
    assert found.count == int(chosen.sum())


def test_the_scores_of_tokens_are_tied_to_their_vectors():
    module = encoder()
    task = DenoisingTask(module, 0.15)
    assert task.output.weight.data_ptr() == module.embedding.weight.data_ptr()
    names = [name for name, _ in task.named_parameters()]
    assert sum("embedding" in name or "table" in name for name in names) == 1


def test_rows_without_a_known_token_are_left_out():
    rows = [np.array([1, 1]), np.array([4, 1]), np.array([5])]
    batches = unlabelled_batches(rows, max_rows=8, seed=0)
    (plan,) = batches.plan(0)
    assert sorted(batches.read(plan, Share()).lengths.tolist()) == [1, 2]
    with pytest.raises(ValueError, match="nothing to pre-train on"):
        unlabelled_batches(rows[:1], max_rows=8, seed=0)
