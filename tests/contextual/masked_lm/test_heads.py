"""Heads beside transformers' own on the same weights, and the loss that they make."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional

from tests.contextual.encoders.toys import TEXTS
from tests.contextual.masked_lm.test_packing import module_for
from textrep.contextual.masked_lm.examples import Examples
from textrep.contextual.masked_lm.heads import PRETRAINED, published_form
from textrep.contextual.masked_lm.masking import IGNORED
from textrep.contextual.masked_lm.task import MaskedLanguageTask
from textrep.engine.batches import Share

transformers = pytest.importorskip("transformers")


def one_batch(module, objective="mlm", packing=True, texts=TEXTS):
    examples = Examples(
        texts, module.encoder, objective, packing=packing, max_length=32, max_tokens=999, seed=0
    )
    batches = examples.fixed()
    return batches.read(batches.plan(0)[0], Share())


@pytest.mark.parametrize("architecture", PRETRAINED)
def test_scores_at_some_places_equal_all_scores_of_transformers(architecture, tmp_path):
    module = module_for(architecture)
    module.encoder.write(tmp_path, published_form(module))
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(
        tmp_path, attn_implementation="eager"
    ).eval()
    batch = one_batch(module, packing=False)
    chosen = batch.ids % 3 == 0
    real = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    with torch.no_grad():
        expected = theirs(input_ids=batch.ids, attention_mask=real.long()).logits
        ours = module.scores(module.hidden(batch)[chosen & real])
    torch.testing.assert_close(ours, expected[chosen & real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "objective"), [("bert", "mlm+nsp"), ("albert", "mlm+sop")]
)
def test_pairs_are_judged_as_by_the_pre_training_models_of_transformers(
    architecture, objective, tmp_path
):
    module = module_for(architecture, pairs=True)
    module.encoder.write(tmp_path, published_form(module))
    theirs = transformers.AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    batch = one_batch(module, objective, packing=False)
    real = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    with torch.no_grad():
        found = theirs(input_ids=batch.ids, token_type_ids=batch.types, attention_mask=real.long())
        ours = module.pair_head(module.hidden(batch)[:, 0])
    expected = found.sop_logits if architecture == "albert" else found.seq_relationship_logits
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


def test_pairs_have_types_and_a_separator_behind_each_side():
    module = module_for("bert", pairs=True)
    tokenizer = module.encoder.tokenizer
    batch = one_batch(module, "mlm+nsp", packing=False)
    pairs = 0
    for ids, types, n in zip(batch.ids, batch.types, batch.lengths, strict=True):
        ends = (ids[:n] == tokenizer.sep_id).nonzero()[:, 0].tolist()
        assert ids[0] == tokenizer.cls_id
        assert ends[-1] == n - 1
        if len(ends) == 2:
            pairs += 1
            assert types[: ends[0] + 1].sum() == 0
            assert (types[ends[0] + 1 : n] == 1).all()
    assert pairs == int((batch.pairs != IGNORED).sum())


def hidden_at(batch, tokenizer, remainder=0):
    """Inputs and targets with every third ordinary token hidden."""
    special = torch.isin(batch.ids, torch.from_numpy(tokenizer.special_ids))
    chosen = ~special & (batch.ids % 3 == remainder)
    return (
        batch.ids.masked_fill(chosen, tokenizer.mask_id),
        batch.ids.masked_fill(~chosen, IGNORED),
    )


def test_the_loss_is_that_of_transformers_over_hidden_tokens_alone():
    module = module_for("bert")
    batch = one_batch(module, packing=False)
    inputs, targets = hidden_at(batch, module.encoder.tokenizer)
    loss = MaskedLanguageTask(module, probability=0.15).masked_loss(batch, inputs, targets)
    real = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    expected = module.model(input_ids=inputs, attention_mask=real.long(), labels=targets).loss
    assert loss.count == int((targets != IGNORED).sum())
    torch.testing.assert_close(loss.total / loss.count, expected)


def test_the_loss_of_pairs_is_added_and_none_where_there_is_no_pair():
    module = module_for("bert", pairs=True)
    batch = one_batch(module, "mlm+nsp", packing=True, texts=[*TEXTS, "so"])
    assert (batch.pairs == IGNORED).any()
    inputs, targets = hidden_at(batch, module.encoder.tokenizer)
    task = MaskedLanguageTask(module, probability=0.15, pair_weight=2.5)
    loss = task.masked_loss(batch, inputs, targets)
    vectors = module.hidden(batch, inputs)[(batch.positions == 0) & (batch.segments > 0)]
    logits = module.pair_head(vectors)
    there = batch.pairs != IGNORED
    pairs = functional.cross_entropy(logits[there], batch.pairs[there], reduction="sum")
    torch.testing.assert_close(loss.total, loss.measures["masked_loss"] + 2.5 * pairs)


def test_parts_of_a_batch_add_up_to_it():
    module = module_for("bert", pairs=True)
    task = MaskedLanguageTask(module, probability=0.15, pair_weight=2.5)
    parts = []
    for texts in (TEXTS[:4], [*TEXTS[4:], "much text about a quick fox"]):
        parts.append(one_batch(module, "mlm+sop", packing=False, texts=texts))
    losses = [task.masked_loss(b, *hidden_at(b, module.encoder.tokenizer)) for b in parts]
    sum(loss.total for loss in losses).backward()
    apart = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    module.zero_grad()
    rows = [(b, i) for b in parts for i in range(len(b.ids))]
    width = max(b.ids.shape[1] for b in parts)
    pad = module.encoder.tokenizer.pad_id

    def joined(name, value):
        return torch.stack(
            [
                functional.pad(getattr(b, name)[i], (0, width - b.ids.shape[1]), value=value)
                for b, i in rows
            ]
        )

    whole = type(parts[0])(
        joined("ids", pad),
        joined("types", 0),
        torch.cat([b.lengths for b in parts]),
        None,
        None,
        torch.cat([b.pairs for b in parts]),
    )
    together = task.masked_loss(whole, *hidden_at(whole, module.encoder.tokenizer))
    together.total.backward()
    assert together.count == sum(loss.count for loss in losses)
    grads = [p.grad for p in module.parameters() if p.grad is not None]
    for one, other in zip(apart, grads, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_the_same_tokens_are_hidden_in_each_evaluation_and_others_in_training():
    module = module_for("bert")
    task = MaskedLanguageTask(module, probability=0.3).eval()
    batch = one_batch(module)
    assert torch.equal(task.loss("train", batch).total, task.loss("train", batch).total)
    task.train()
    counts = {task.loss("train", batch).total.item() for _ in range(5)}
    assert len(counts) > 1


@pytest.mark.parametrize("architecture", PRETRAINED)
def test_the_softmax_has_the_vectors_of_the_tokens_for_weights(architecture):
    module = module_for(architecture)
    for each in (module, copy.deepcopy(module)):
        embedding = each.encoder.module.get_input_embeddings().weight
        assert each.model.get_output_embeddings().weight is embedding
        assert each.encoder.module is each.model.base_model
