"""XLNet's two streams: nothing leaks into a prediction, and all that may be seen is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textrep.contextual.encoders import Encoder, EncoderTokenizer
from textrep.contextual.permutation_lm.permutations import Permutation, draw_permutation
from textrep.contextual.permutation_lm.task import (
    Drawing,
    PermutationBatches,
    PermutationTask,
    collate,
)
from textrep.contextual.permutation_lm.two_stream import NO_TARGET, TwoStreamNetwork
from textrep.engine.batches import Share

TEXTS = ["the quick brown fox jumps over the lazy dog", "a dog and a fox", "so much text"] * 3


@pytest.fixture(scope="module")
def encoder():
    tokenizer = EncoderTokenizer.train(TEXTS, architecture="xlnet", vocab_size=60)
    size = {"num_layers": 2, "hidden_size": 16, "num_heads": 2}
    found = Encoder.new("xlnet", size, tokenizer, max_length=32, seed=0)
    with torch.no_grad():  # the small weights of a new network would hide leaks
        for parameter in found.module.parameters():
            parameter.normal_(std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    return found


@pytest.fixture(scope="module")
def network(encoder):
    return TwoStreamNetwork(encoder).eval()


@pytest.fixture(scope="module")
def rows(encoder):
    return encoder.rows(TEXTS)


def permutation_of(encoder, row, seed=0, every=3, kind="last"):
    may = ~np.isin(row.ids, encoder.tokenizer.special_ids)
    random = np.random.default_rng(seed)
    return draw_permutation(may, every=every, kind=kind, random=random)


def query(network, batch):
    with torch.no_grad():
        return network.hidden(batch)


def changed(row, place):
    ids = row.ids.copy()
    ids[place] = ids[place] - 1 if ids[place] > 10 else ids[place] + 1
    return row._replace(ids=ids)


@pytest.mark.parametrize("length", [9, 10])  # transformers' collator takes even lengths only
def test_a_prediction_depends_on_what_may_be_seen_and_on_nothing_else(
    encoder, network, rows, length
):
    row = rows[0]
    row = type(row)(
        np.append(row.ids[: length - 2], row.ids[-2:]),
        np.append(row.types[: length - 2], row.types[-2:]),
    )
    permutation = permutation_of(encoder, row)
    assert len(permutation.places) >= 2
    blocked = permutation.blocked()
    before = query(network, collate(encoder, [row], [permutation]))[0]
    for place in range(length):
        other = collate(encoder, [changed(row, place)], [permutation])
        after = query(network, other)[0]
        for target, vector in enumerate(permutation.places):
            same = torch.equal(before[target], after[target])
            assert same == blocked[vector, place], (target, place)


def content(network, batch):
    """Last vectors of the content stream, (B, T, D)."""
    real = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    mapping = torch.zeros(len(batch.ids), 1, batch.ids.shape[1])
    with torch.no_grad():
        states = network.model.transformer(
            input_ids=batch.ids,
            attention_mask=real.float(),
            token_type_ids=batch.types,
            perm_mask=batch.blocked.float(),
            target_mapping=mapping,
            output_hidden_states=True,
            use_mems=False,
        ).hidden_states
    return states[-2]


def test_the_content_stream_sees_its_own_token_too(encoder, network, rows):
    row = rows[0]
    permutation = permutation_of(encoder, row)
    blocked = permutation.blocked()
    before = content(network, collate(encoder, [row], [permutation]))[0]
    for place in range(len(row.ids)):
        after = content(network, collate(encoder, [changed(row, place)], [permutation]))[0]
        for token in range(len(row.ids)):
            hidden = blocked[token, place] and token != place
            assert torch.equal(before[token], after[token]) == hidden, (token, place)


def test_gradients_are_zero_where_nothing_may_be_seen(encoder, network, rows):
    row = rows[0]
    permutation = permutation_of(encoder, row)
    kept = []

    def keep(module, inputs, output):
        output.retain_grad()
        kept.append(output)

    hook = network.model.transformer.word_embedding.register_forward_hook(keep)
    try:
        for target, place in enumerate(permutation.places):
            kept.clear()
            network.hidden(collate(encoder, [row], [permutation]))[0, target].sum().backward()
            gradient = kept[0].grad.abs().sum(dim=(1, 2))  # (T,)
            blocked = torch.from_numpy(permutation.blocked()[place])
            assert (gradient[blocked] == 0).all()
            assert (gradient[~blocked] > 0).all()
    finally:
        hook.remove()
        network.zero_grad()


def test_padding_and_other_rows_change_nothing(encoder, network, rows):
    permutations = [permutation_of(encoder, row) for row in rows[:3]]
    together = query(network, collate(encoder, rows[:3], permutations))
    for number in range(3):
        alone = query(network, collate(encoder, [rows[number]], [permutations[number]]))[0]
        n = len(permutations[number].places)
        torch.testing.assert_close(together[number, :n], alone[:n], atol=1e-5, rtol=0)


def test_inputs_stay_as_they_are_and_only_targets_count(encoder, network, rows):
    # transformers' collator puts the mask token in place of targets.
    permutations = [permutation_of(encoder, row) for row in rows[:3]]
    batch = collate(encoder, rows[:3], permutations)
    for row, ids in zip(rows, batch.ids, strict=False):
        assert ids[: len(row.ids)].tolist() == row.ids.tolist()
    assert not (batch.ids == encoder.tokenizer.mask_id).any()
    loss = PermutationTask(network).loss("train", batch)
    assert loss.count == sum(len(permutation.places) for permutation in permutations)
    logits = network(batch)
    targets = batch.targets[batch.targets != NO_TARGET]
    by_hand = -torch.log_softmax(logits, 1)[range(len(targets)), targets].sum()
    assert loss.total.item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_targets_are_the_tokens_at_their_places(encoder, rows):
    permutation = Permutation(np.array([4, 1]), len(rows[0].ids))
    batch = collate(encoder, [rows[0]], [permutation])
    assert batch.targets[0].tolist() == rows[0].ids[[4, 1]].tolist()


def test_only_encoders_of_xlnet_have_two_streams():
    tokenizer = EncoderTokenizer.train(TEXTS, vocab_size=60)
    bert = Encoder.new("bert", {"num_layers": 1, "hidden_size": 8}, tokenizer, max_length=16)
    with pytest.raises(ValueError, match="needs an encoder of type 'xlnet', this one is 'bert'"):
        TwoStreamNetwork(bert)


def batches_of(encoder, rows, **drawing):
    return PermutationBatches(
        encoder, rows, drawing=Drawing(**drawing), max_tokens=40, seed=3, shuffle=True
    )


def test_an_order_depends_on_the_row_and_the_epoch_alone(encoder, rows):
    batches = batches_of(encoder, rows)
    found = {}
    for epoch in (0, 1):
        for spec in batches.plan(epoch):
            parts = [batches.read(spec, Share(part, 2)) for part in range(2)]
            rows_of = [Share(part, 2).of(spec[1]) for part in range(2)]
            for batch, numbers in zip(parts, rows_of, strict=True):
                for place, number in enumerate(numbers.tolist()):
                    n = len(batches.permutation(number, epoch).places)
                    assert batch.places[place, :n].tolist() == (
                        batches.permutation(number, epoch).places.tolist()
                    )
                    found[epoch, number] = tuple(batch.places[place, :n].tolist())
    assert len(found) == 2 * len(rows)
    assert any(found[0, number] != found[1, number] for number in range(len(rows)))


def test_a_number_of_orders_comes_round_again(encoder, rows):
    batches = batches_of(encoder, rows, n_orders=2)
    orders = [batches.permutation(0, epoch).places.tolist() for epoch in range(4)]
    assert orders[0] == orders[2]
    assert orders[1] == orders[3]


def test_special_tokens_are_never_predicted(encoder, rows):
    batches = batches_of(encoder, rows, every=1, kind="last", whole_words=True)
    for number, row in enumerate(rows):
        places = batches.permutation(number, 0).places
        assert sorted(places.tolist()) == list(range(len(row.ids) - 2))
