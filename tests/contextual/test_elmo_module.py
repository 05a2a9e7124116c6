"""The network of ELMo: what each state has read and what it predicts."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from textrep.contextual.bilm_module import BiLanguageModel, BilmBatch, BilmTask
from textrep.contextual.elmo_words import spell, spell_mark
from textrep.engine.seeding import torch_seed
from textrep.layers.recurrent import reverse_within

WORDS = ["bank", "river", "money", "the", "of", "a"]
SIZE = 6
N_TARGETS = len(WORDS) + 2


@pytest.fixture(scope="module")
def model():
    return make_model()


def make_model(cutoffs=(), num_layers=2, dropout=0.3):
    with torch_seed(0):
        model = BiLanguageModel(
            n_targets=N_TARGETS,
            hidden_size=SIZE,
            num_layers=num_layers,
            character_size=4,
            filters=((1, 3), (2, 5)),
            highway_layers=1,
            dropout=dropout,
            cutoffs=cutoffs,
        )
    return model.eval()


def batch_of(*texts):
    """Texts of the numbers of words, from 1 on, with the mark around each."""
    pieces = [[0, *text, 0] for text in texts]
    table = torch.zeros(len(pieces), max(map(len, pieces)), dtype=torch.int64)
    for row, piece in zip(table, pieces, strict=True):
        row[: len(piece)] = torch.tensor(piece)
    characters = np.concatenate([spell_mark(6), spell(WORDS, 6)]).astype(np.int64)
    targets = torch.where(table > 0, table + 1, 0)
    lengths = torch.tensor([len(piece) for piece in pieces])
    return BilmBatch(torch.from_numpy(characters), table, targets, lengths)


def swapped(model):
    """The same model with its directions changed over."""
    other = copy.deepcopy(model)
    other.ahead, other.back = other.back, other.ahead
    return other


def test_rows_are_reversed_within_their_lengths():
    x = torch.arange(24.0).reshape(3, 4, 2)
    lengths = torch.tensor([4, 2, 1])
    expected = torch.stack(
        [torch.cat([r[:n].flip(0), r[n:]]) for r, n in zip(x, [4, 2, 1], strict=True)]
    )
    assert torch.equal(reverse_within(x, lengths), expected)
    assert torch.equal(reverse_within(reverse_within(x, lengths), lengths), x)


def test_the_forward_part_does_not_see_later_words_nor_the_backward_part_earlier_ones(model):
    changed = 3  # place of the word that differs, the mark in front is 0
    before = model(batch_of([1, 2, 3, 4, 5]))
    after = model(batch_of([1, 2, 6, 4, 5]))
    for layer, other in zip(before[1:], after[1:], strict=True):
        differs = (layer != other)[0].reshape(-1, 2, SIZE).any(dim=2)  # (T, direction)
        ahead, back = differs[:, 0], differs[:, 1]
        assert ahead.tolist() == [place >= changed for place in range(7)]
        assert back.tolist() == [place <= changed for place in range(7)]


def test_gradients_reach_exactly_the_words_that_a_state_has_read(model):
    tokens = torch.randn(1, 6, SIZE, requires_grad=True)
    lengths = torch.tensor([6])
    (gradient,) = torch.autograd.grad(model.ahead(tokens, lengths)[-1][0, 2].sum(), tokens)
    assert gradient[0].abs().sum(dim=1).gt(0).tolist() == [True] * 3 + [False] * 3


def test_layer_0_is_the_word_without_its_context_twice(model):
    first, second = model(batch_of([1, 2, 3], [2, 1, 4]))[0]
    torch.testing.assert_close(first[1], second[2])  # the same word elsewhere
    torch.testing.assert_close(first[..., :SIZE], first[..., SIZE:])


def test_one_word_in_two_contexts_has_two_vectors(model):
    layers = model(batch_of([4, 2, 1, 5], [4, 3, 1, 5]))
    torch.testing.assert_close(layers[0][0, 3], layers[0][1, 3])
    for layer in layers[1:]:
        assert not torch.allclose(layer[0, 3], layer[1, 3], atol=1e-4)


def test_padding_and_company_change_nothing(model):
    texts = [[1, 2, 3, 4, 5, 6], [2], [3, 3], [5, 4, 1, 2]]
    together = model(batch_of(*texts))
    for row, text in enumerate(texts):
        alone = model(batch_of(text))
        for layer, own in zip(together, alone, strict=True):
            torch.testing.assert_close(layer[row, : len(text) + 2], own[0], atol=1e-6, rtol=1e-5)


def test_a_reversed_text_has_the_same_vectors_when_directions_are_swapped(model):
    texts = [[1, 2, 3, 4], [5, 6]]
    layers = model(batch_of(*texts))
    mirrored = swapped(model)(batch_of(*(text[::-1] for text in texts)))
    lengths = torch.tensor([6, 4])
    for layer, other in zip(layers, mirrored, strict=True):
        ahead, back = reverse_within(other, lengths).split(SIZE, dim=2)
        expected = torch.cat([back, ahead], dim=2)
        for row, length in enumerate(lengths):
            torch.testing.assert_close(layer[row, :length], expected[row, :length])


def test_a_reversed_text_is_as_likely_when_directions_are_swapped(model):
    ahead, back = model.nll(batch_of([1, 2, 3, 4]))
    other_ahead, other_back = swapped(model).nll(batch_of([4, 3, 2, 1]))
    torch.testing.assert_close(ahead, other_back.flip(0))
    torch.testing.assert_close(back, other_ahead.flip(0))


@pytest.mark.parametrize("cutoffs", [(), (3,), (3, 5), (3, 900)])
def test_each_state_predicts_the_word_next_to_those_it_has_read(cutoffs):
    model = make_model(cutoffs)
    texts = [[1, 2, 3, 4], [5], [6, 2]]
    batch = batch_of(*texts)
    _, ahead, back = model.directions(batch)
    expected = {"ahead": [], "back": []}
    for row, text in enumerate(texts):
        targets = [0, *(word + 1 for word in text), 0]
        for place in range(len(text) + 1):
            said = model.output.log_probs(ahead[-1][row, place][None])[0]
            expected["ahead"].append(-said[targets[place + 1]])
            said = model.output.log_probs(back[-1][row, place + 1][None])[0]
            expected["back"].append(-said[targets[place]])
    found = model.nll(batch)
    torch.testing.assert_close(found[0], torch.stack(expected["ahead"]))
    torch.testing.assert_close(found[1], torch.stack(expected["back"]))


def test_the_loss_is_the_sum_over_both_directions_and_counts_what_is_predicted(model):
    batch = batch_of([1, 2, 3, 4], [5])
    loss = BilmTask(model).loss("train", batch)
    ahead, back = model.nll(batch)
    assert loss.count == 2 * (5 + 2)
    torch.testing.assert_close(loss.total, ahead.sum() + back.sum())


def test_what_a_layer_reads_is_added_to_its_output_from_the_second_on(model):
    tokens = torch.randn(2, 5, SIZE)
    lengths = torch.tensor([5, 3])
    first, second = model.ahead(tokens, lengths)
    lstm = [
        layer(x, lengths)[0][-1]
        for layer, x in zip(model.ahead.layers, (tokens, first), strict=True)
    ]
    torch.testing.assert_close(first, lstm[0])
    torch.testing.assert_close(second, first + lstm[1])


def test_directions_share_the_words_and_the_softmax_but_not_the_lstms(model):
    names = {name.partition(".")[0] for name, _ in model.named_parameters()}
    assert names == {"characters", "ahead", "back", "output"}
    ahead, back = (sum(p.numel() for p in part.parameters()) for part in (model.ahead, model.back))
    assert ahead == back == 2 * (4 * SIZE * (2 * SIZE + 2))
    assert not any(a is b for a in model.ahead.parameters() for b in model.back.parameters())


def test_dropout_is_off_in_evaluation_and_one_mask_a_text_in_training(model):
    batch = batch_of([1, 2, 3, 4])
    torch.testing.assert_close(model.nll(batch)[0], model.nll(batch)[0])
    training = make_model().train()
    with torch_seed(0):
        first = training.nll(batch)[0]
        assert not torch.allclose(first, training.nll(batch)[0])


def test_distinct_words_go_through_the_network_of_characters_once(model, monkeypatch):
    seen = []
    forward = model.characters.forward
    monkeypatch.setattr(
        model.characters, "forward", lambda ids: seen.append(len(ids)) or forward(ids)
    )
    model(batch_of([1, 1, 1, 1, 2], [1, 2]))
    assert seen == [len(WORDS) + 1]
