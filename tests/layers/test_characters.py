"""Words from characters: filters written out, and padding that never matters."""

from __future__ import annotations

import pytest
import torch

from textrep.layers import CharacterCNN, Highway


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def network(**options) -> CharacterCNN:
    options = {"filters": [(1, 3), (2, 4), (5, 2)], "output_size": 6, "n_highway": 2, **options}
    return CharacterCNN(20, embedding_size=4, **options)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_vectors_are_the_maxima_of_the_filters_over_places_within_the_word(activation):
    layer = network(activation=activation)
    word = [7, 3, 11]
    vectors = torch.cat([layer.embedding.weight[word], torch.zeros(4, 4)])
    answers = []
    for convolution in layer.filters:
        width = convolution.kernel_size[0]
        for kernel, bias in zip(convolution.weight, convolution.bias, strict=True):
            places = [
                (kernel.T * vectors[start : start + width]).sum() + bias
                for start in range(len(word))
            ]
            answers.append(max(places))
    expected = getattr(torch, activation)(torch.stack(answers))
    expected = layer.projection(layer.highway(expected))
    torch.testing.assert_close(layer(torch.tensor([word]))[0], expected, atol=1e-5, rtol=1e-5)


def test_padding_and_neighbours_never_matter():
    layer = network()
    words = torch.tensor([[5, 0, 0, 0], [1, 2, 3, 4], [9, 9, 0, 0]])
    together = layer(words)
    for row, length in enumerate([1, 4, 2]):
        for width in (length, length + 1, length + 9):
            alone = torch.zeros(1, width, dtype=torch.int64)
            alone[0, :length] = words[row, :length]
            torch.testing.assert_close(layer(alone)[0], together[row], atol=1e-6, rtol=0)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_words_without_characters_are_finite_and_alike(activation):
    layer = network(activation=activation)
    out = layer(torch.tensor([[0, 0], [0, 0], [3, 0]]))
    out.sum().backward()
    nothing = layer.projection(layer.highway(torch.zeros(9)))
    torch.testing.assert_close(out[0], nothing, atol=1e-6, rtol=0)
    assert torch.equal(out[0], out[1])
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())
    assert layer(torch.zeros(0, 4, dtype=torch.int64)).shape == (0, 6)
    assert layer(torch.zeros(2, 0, dtype=torch.int64)).shape == (2, 6)


def test_the_vector_of_padding_stays_zero():
    layer = network()
    layer(torch.tensor([[3, 0]])).sum().backward()
    assert not layer.embedding.weight[0].any()
    assert not layer.embedding.weight.grad[0].any()


def test_a_highway_layer_mixes_its_input_and_a_layer_by_its_gate():
    layer = Highway(3)
    x = torch.randn(5, 3)
    gate = 1 / (1 + torch.exp(-(x @ layer.gate.weight.T + layer.gate.bias)))
    new = (x @ layer.transform.weight.T + layer.transform.bias).clamp(min=0)
    torch.testing.assert_close(layer(x), gate * x + (1 - gate) * new)
    layer.gate.bias.data.fill_(100)
    torch.testing.assert_close(layer(x), x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": []}, "filters must hold"),
        ({"filters": [(0, 4)]}, "width of filters must be an integer of at least 1, got 0"),
        ({"output_size": 0}, "output_size must be"),
        ({"n_highway": -1}, "n_highway must be"),
        ({"activation": "gelu"}, "activation must be 'relu' or 'tanh', got 'gelu'"),
    ],
)
def test_parameters_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        network(**options)
