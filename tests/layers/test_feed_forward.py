"""Feed-forward layers beside torch's own layers and Llama's."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers.models.llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP

from textrep.layers import FeedForward
from textrep.layers.feed_forward import ACTIVATIONS, GATED

PLAIN = {"relu": nn.ReLU(), "gelu": nn.GELU(), "gelu-tanh": nn.GELU(approximate="tanh")}


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("activation", PLAIN)
def test_plain_ones_are_two_layers_of_torch_with_an_activation_between(activation):
    layer = FeedForward(4, 10, activation=activation)
    peer = nn.Sequential(layer.up, PLAIN[activation], layer.down)
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(layer(x), peer(x))


@pytest.mark.parametrize("bias", [False, True])
def test_swiglu_is_the_feed_forward_layer_of_llama(bias):
    config = LlamaConfig(hidden_size=4, num_attention_heads=1, intermediate_size=10, mlp_bias=bias)
    peer = LlamaMLP(config)
    layer = FeedForward(4, 10, activation="swiglu", bias=bias)
    with torch.no_grad():
        layer.up.weight.copy_(torch.cat([peer.gate_proj.weight, peer.up_proj.weight]))
        layer.down.weight.copy_(peer.down_proj.weight)
        if bias:
            layer.up.bias.copy_(torch.cat([peer.gate_proj.bias, peer.up_proj.bias]))
            layer.down.bias.copy_(peer.down_proj.bias)
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(layer(x), peer(x), atol=1e-5, rtol=0)


def test_geglu_multiplies_one_half_with_the_gelu_of_the_other():
    layer = FeedForward(4, 10, activation="geglu")
    x = torch.randn(2, 3, 4)
    gate, value = layer.up(x)[..., :10], layer.up(x)[..., 10:]
    torch.testing.assert_close(layer(x), layer.down(F.gelu(gate) * value))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_position_is_looked_at_by_itself(activation):
    layer = FeedForward(4, 10, activation=activation)
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(layer(x)[1, 2], layer(x[1, 2]))
    assert layer.up.out_features == (20 if activation in GATED else 10)


def test_dropout_is_between_the_layers_and_in_training_only():
    layer = FeedForward(4, 1000, activation="relu", dropout=0.5)
    with torch.no_grad():
        layer.up.weight.zero_()
        layer.up.bias.fill_(1.0)
        layer.down.weight.fill_(1e-3)
        layer.down.bias.zero_()
    x = torch.randn(1, 4)
    assert 0.9 < layer(x)[0, 0] < 1.1  # half of a thousand ones, doubled
    assert layer(x)[0, 0] != layer(x)[0, 0]
    torch.testing.assert_close(layer.eval()(x), torch.ones(1, 4))


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"^activation must be 'relu' or .*, got 'tanh'"):
        FeedForward(4, 10, activation="tanh")
    with pytest.raises(ValueError, match=r"^inner_size must be an integer of at least 1, got 0"):
        FeedForward(4, 0)
    with pytest.raises(ValueError, match=r"^dropout must be"):
        FeedForward(4, 10, dropout=1.5)
