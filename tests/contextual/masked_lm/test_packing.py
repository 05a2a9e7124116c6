"""Several texts in a row have the loss that they have alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.contextual.encoders.toys import PACKING, SIZE, TEXTS, tokenizer_for
from textrep.contextual.masked_lm.examples import Examples, chunked
from textrep.contextual.masked_lm.masking import IGNORED
from textrep.contextual.masked_lm.packing import (
    LimitedBatches,
    RedrawnBatches,
    masked_batches,
    pack,
)
from textrep.contextual.masked_lm.starting import new_module
from textrep.contextual.masked_lm.task import MaskedLanguageTask
from textrep.engine.batches import LengthBatches, Share

pytest.importorskip("transformers")


def module_for(architecture="bert", **changes):
    given = {"max_length": 32, "dropout": 0.0, "pairs": False, "seed": 0, **changes}
    module = new_module(architecture, SIZE, tokenizer_for(architecture), **given).eval()
    if architecture == "modernbert":
        module.model.config.local_attention = 6
    return module


def everything(task, batches):
    """Loss sum over all tokens of all batches, each of which is hidden where its id is even."""
    total, count = 0.0, 0.0
    tokenizer = task.module.encoder.tokenizer
    for spec in batches.plan(0):
        batch = batches.read(spec, Share())
        real = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
        special = torch.isin(batch.ids, torch.from_numpy(tokenizer.special_ids))
        targets = batch.ids.masked_fill(~real | special, IGNORED)
        inputs = batch.ids.masked_fill((targets >= 0) & (batch.ids % 2 == 0), tokenizer.mask_id)
        loss = task.masked_loss(batch, inputs, targets)
        total, count = total + loss.total, count + loss.count
    return total / count


@pytest.mark.parametrize("architecture", PACKING)
@pytest.mark.parametrize("objective", ["mlm", "mlm+sop"])
def test_the_loss_and_its_gradient_are_those_of_texts_by_themselves(architecture, objective):
    module = module_for(architecture, pairs=objective != "mlm")
    task = MaskedLanguageTask(module, probability=0.15, pair_weight=3.0)
    found = []
    for packing in (True, False):
        examples = Examples(
            TEXTS, module.encoder, objective, packing=packing, max_length=32, max_tokens=96, seed=0
        )
        module.zero_grad()
        loss = everything(task, examples.batches())
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])
        found.append((loss.detach(), gradient))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-5, rtol=1e-4)


def test_packing_puts_texts_together():
    module = module_for()
    rows = [row for rows in chunked(TEXTS, module.encoder, 16) for row in rows]
    batches = masked_batches(
        rows, module.encoder, packing=True, max_length=32, max_tokens=1000, shuffle=False
    )
    batch = batches.read(batches.plan(0)[0], Share())
    assert batch.segments.max() > 1
    assert batch.ids.shape[1] <= 32
    assert int(batch.lengths.sum()) == sum(len(row.ids) for row in rows)
    # Positions begin again with each text, whose first token is that of the class.
    assert ((batch.positions == 0) & (batch.segments > 0)).sum() == len(rows)
    starts = (batch.positions == 0) & (batch.segments > 0)
    assert (batch.ids[starts] == module.encoder.tokenizer.cls_id).all()


@pytest.mark.parametrize("seed", range(5))
def test_bins_hold_everything_once_and_are_nearly_as_few_as_can_be(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 65, rng.integers(1, 400))
    bins = pack(lengths, 64)
    assert sorted(i for group in bins for i in group) == list(range(len(lengths)))
    assert all(lengths[group].sum() <= 64 for group in bins)
    assert len(bins) <= 1.2 * lengths.sum() / 64 + 1


def test_long_texts_are_cut_into_parts_that_lose_nothing():
    module = module_for()
    tokenizer = module.encoder.tokenizer
    text = " ".join(TEXTS * 5)
    rows = chunked([text, ""], module.encoder, 10)
    assert rows[1] == []
    parts = [row.ids[1:-1] for row in rows[0]]
    assert np.concatenate(parts).tolist() == tokenizer.pieces([text])[0].tolist()
    assert {len(row.ids) for row in rows[0][:-1]} == {10}


@pytest.mark.parametrize(("n_steps", "n_epochs"), [(1, 1), (4, 1), (5, 2), (11, 3)])
def test_steps_are_as_many_as_asked_for(n_steps, n_epochs):
    inner = LengthBatches([1] * 8, lambda rows: rows, max_rows=2)
    limited = LimitedBatches(inner, n_steps)
    sizes = [len(limited.plan(epoch)) for epoch in range(limited.n_epochs)]
    assert limited.n_epochs == n_epochs
    assert sum(sizes) == n_steps
    assert max(sizes) - min(sizes) <= 1


def test_rows_are_drawn_anew_in_each_epoch_and_the_same_when_asked_again():
    module = module_for(pairs=True)
    examples = Examples(
        TEXTS, module.encoder, "mlm+nsp", packing=True, max_length=24, max_tokens=48, seed=0
    )
    batches = examples.batches()
    assert isinstance(batches, RedrawnBatches)

    def tokens(epoch):
        plan = batches.plan(epoch)
        assert sum(batches.size(spec) for spec in plan) > 0
        return [batches.read(spec, Share()).ids.tolist() for spec in plan]

    first, second = tokens(0), tokens(1)
    assert first != second
    assert tokens(0) == first


def test_texts_without_tokens_are_left_out_and_refused_where_there_are_no_others():
    module = module_for()
    given = {"packing": True, "max_length": 16, "max_tokens": 64, "seed": 0}
    examples = Examples(["", "so much", "文"], module.encoder, "mlm", **given)
    assert examples.n_tokens == 4
    for objective in ("mlm", "mlm+sop"):
        with pytest.raises(ValueError, match="nothing to learn from"):
            Examples(["", "文"], module.encoder, objective, **given)
