"""Vectors of words from their characters."""

from __future__ import annotations

import pytest
import torch

from textrep.contextual.elmo_characters import CharacterCNN, Highway
from textrep.engine.seeding import torch_seed

WORDS = torch.tensor(
    [[4, 7, 2, 9, 0, 0], [9, 1, 0, 0, 0, 0], [3, 3, 3, 3, 3, 3], [5, 0, 0, 0, 0, 0]]
)


@pytest.fixture(scope="module")
def network():
    with torch_seed(0):
        return CharacterCNN(
            12, filters=[(1, 3), (2, 4), (4, 5)], output_size=6, n_highway=2, embedding_size=4
        )


def test_each_filter_answers_with_its_highest_value_within_the_word(network):
    for word, vector in zip(WORDS, network(WORDS), strict=True):
        length = int((word != 0).sum())
        characters = network.embedding(torch.nn.functional.pad(word, (0, 3)))  # (W + 3, size)
        highest = []
        for convolution in network.filters:
            width = convolution.kernel_size[0]
            answers = [
                torch.einsum("oew,we->o", convolution.weight, characters[place : place + width])
                + convolution.bias
                for place in range(length)
            ]
            highest.append(torch.stack(answers).amax(dim=0))
        x = torch.relu(torch.cat(highest))
        for layer in network.highway:
            gate = torch.sigmoid(layer.gate(x))
            x = gate * x + (1 - gate) * torch.relu(layer.transform(x))
        torch.testing.assert_close(vector, network.projection(x), atol=1e-6, rtol=1e-5)


def test_padding_and_company_change_nothing(network):
    together = network(WORDS)
    wider = network(torch.nn.functional.pad(WORDS, (0, 5)))
    torch.testing.assert_close(together, wider)
    for word, vector in zip(WORDS, together, strict=True):
        torch.testing.assert_close(network(word[None])[0], vector, atol=1e-6, rtol=1e-5)


def test_padding_has_no_vector_and_learns_none(network):
    network(WORDS).sum().backward()
    assert not network.embedding.weight[0].any()
    assert not network.embedding.weight.grad[0].any()
    assert network.embedding.weight.grad[9].any()


def test_a_highway_layer_passes_on_most_of_its_input_at_first():
    layer = Highway(3)
    torch.nn.init.zeros_(layer.gate.weight)
    x = torch.tensor([[-1.0, 2.0, 0.5]])
    share = torch.sigmoid(torch.tensor(1.0))
    expected = share * x + (1 - share) * torch.relu(layer.transform(x))
    torch.testing.assert_close(layer(x), expected)
