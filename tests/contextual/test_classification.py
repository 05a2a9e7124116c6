"""What neural classifiers share: held-out texts, batches, loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from textrep.contextual.classification import (
    ClassificationTask,
    LabelledRows,
    data_digest,
    hold_out,
    labelled_batches,
    weights_of_classes,
)
from textrep.engine import Share


class Table(nn.Module):
    """Logits of the first id of each row."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, ids, lengths):
        return self.logits[ids[:, 0]]


def test_the_share_that_is_held_out_is_the_same_in_each_class():
    group = np.repeat([0, 1, 2], [100, 300, 3])
    learnt, held_out = hold_out(group, 0.2, np.random.default_rng(0))
    assert np.bincount(group[held_out]).tolist() == [20, 60, 1]
    assert sorted([*learnt, *held_out]) == list(range(403))


def test_one_text_of_a_class_is_always_learnt_from():
    group = np.array([0] * 100 + [1])
    learnt, held_out = hold_out(group, 0.5, np.random.default_rng(0))
    assert len(held_out) == 50
    assert 100 in learnt


@pytest.mark.parametrize(("n", "expected"), [(90, 0), (100, 20)])
def test_few_are_not_held_out_at_all(n, expected):
    assert len(hold_out(np.arange(n) % 2, 0.2, np.random.default_rng(0))[1]) == expected


def test_the_loss_is_the_sum_of_weighted_cross_entropies():
    logits = [[2.0, 0.0, -1.0], [0.5, 1.0, 3.0]]
    task = ClassificationTask(Table(logits), np.array([1.0, 2.0, 0.5]))
    ids, labels = torch.tensor([[0, 0], [1, 0], [1, 1]]), torch.tensor([1, 2, 0])
    found = task.loss("train", LabelledRows(ids, torch.tensor([2, 1, 2]), labels))
    rows = np.array(logits)[[0, 1, 1]]
    losses = np.log(np.exp(rows).sum(axis=1)) - rows[np.arange(3), labels]
    assert found.total.item() == pytest.approx(float(losses @ [2.0, 0.5, 1.0]), rel=1e-6)
    assert found.count == 3.0
    assert int(found.measures["correct"]) == 1


def test_weights_of_classes_are_neither_trained_nor_saved():
    task = ClassificationTask(Table([[0.0, 1.0]]), np.ones(2))
    assert [name for name, _ in task.named_parameters()] == ["module.logits"]
    assert list(task.state_dict()) == ["module.logits"]


def test_each_chosen_text_is_in_one_batch_with_its_label():
    random = np.random.default_rng(0)
    rows = [np.full(random.integers(1, 9), i) for i in range(50)]
    group, chosen = np.arange(50) % 3, np.arange(0, 50, 2)
    batches = labelled_batches(rows, group, chosen, max_rows=4)
    seen = []
    for spec in batches.plan(0):
        batch = batches.read(spec, Share())
        for ids, length, label in zip(*batch, strict=True):
            number = int(ids[0])
            assert ids[:length].tolist() == rows[number].tolist()
            assert (ids[length:] == 0).all()
            assert int(label) == group[number]
            seen.append(number)
    assert sorted(seen) == chosen.tolist()


def test_other_texts_or_labels_have_another_digest():
    rows, group = [np.array([4, 5]), np.array([6])], np.array([0, 1])
    digest = data_digest(rows, group)
    assert digest == data_digest([row.astype(np.int32) for row in rows], group)
    others = [([np.array([4]), np.array([5, 6])], group), (rows, group[::-1]), (rows[::-1], group)]
    assert len({digest, *(data_digest(*other) for other in others)}) == 4


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("balance", r"dict with a weight for each of the classes .*'ham', 'spam'.*; got 'balance'"),
        ([1, 2], "class_weight must be None, 'balanced' or a dict"),
        ({"spma": 3}, "got {'spma': 3}"),
        ({"spam": "much"}, "got {'spam': 'much'}"),
        ({"spam": -1}, "must be finite, not negative and not all 0"),
        ({"spam": float("nan")}, "must be finite"),
        ({"ham": 0, "spam": 0}, "not all 0"),
    ],
)
def test_weights_of_classes_that_are_none_are_refused(class_weight, message):
    with pytest.raises(ValueError, match=message):
        weights_of_classes(class_weight, np.array(["ham", "spam"]), np.array([0, 1, 0]))
