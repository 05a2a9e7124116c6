import numpy as np
import pytest
import torch
from torch import nn

from textrep.engine.batches import pad
from textrep.engine.inference import apply_in_batches, lent_to

RNG = np.random.default_rng(0)
ROWS = [RNG.integers(1, 9, size=n) for n in RNG.integers(0, 20, size=57)]
LENGTHS = [len(row) for row in ROWS]


def collate(numbers):
    return pad([ROWS[i] for i in numbers])


@pytest.mark.parametrize("limit", [{}, {"max_rows": 1}, {"max_rows": 5}, {"max_tokens": 30}])
def test_outputs_are_in_the_order_of_the_rows(limit):
    found = apply_in_batches(lambda batch: batch.sum(1), LENGTHS, collate, **limit)
    assert [int(total) for total in found] == [int(row.sum()) for row in ROWS]


def test_rows_of_similar_length_come_together_within_the_limits():
    seen = []

    def function(batch):
        seen.append(batch.shape)
        return batch

    apply_in_batches(function, LENGTHS, collate, max_tokens=60, max_rows=8)
    assert all(rows <= 8 and (rows == 1 or rows * width <= 60) for rows, width in seen)
    padded = sum(rows * width for rows, width in seen)
    assert padded < 1.3 * sum(LENGTHS)


def test_a_function_may_answer_with_any_sequence():
    found = apply_in_batches(
        lambda batch: [str(row.tolist()) for row in batch], LENGTHS, collate, max_rows=1
    )
    expected = [row.tolist() or [0] for row in ROWS]  # a row is at least one column wide
    assert found == [str(row) for row in expected]


def test_an_answer_of_another_number_of_rows_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        apply_in_batches(lambda batch: batch[:-1], LENGTHS, collate)


def test_no_rows_give_no_outputs():
    assert apply_in_batches(lambda batch: batch, [], collate) == []


def test_there_are_no_gradients_and_the_precision_is_the_one_asked_for():
    weights = nn.Parameter(torch.ones(3, 2))
    kinds = {}
    for precision in ("fp32", "bf16"):
        (output,) = apply_in_batches(
            lambda batch: batch @ weights, [1], lambda _: torch.ones(1, 3), precision=precision
        )
        assert not output.requires_grad
        kinds[precision] = output.dtype
    assert kinds == {"fp32": torch.float32, "bf16": torch.bfloat16}
    assert not torch.is_autocast_enabled("cpu")


def test_a_lent_module_is_in_evaluation_mode_until_it_is_given_back():
    module = nn.Dropout(0.5).train()

    def fail():
        with lent_to(module, torch.device("cpu")) as lent:
            assert not lent.training
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert module.training
