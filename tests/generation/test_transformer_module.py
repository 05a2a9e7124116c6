"""The network of `TransformerSeq2Seq` beside torch's own, and step by step beside at once."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from textrep.engine.seeding import torch_seed
from textrep.generation.transformer_module import TransformerModule
from textrep.layers.transformer import BlockShape

SIZE, HEADS, INNER, WORDS = 16, 4, 24, 11
LENGTHS = [5, 3, 1]


def module(norm="pre", n_encoder=2, n_decoder=2, share=True, activation="relu"):
    shape = BlockShape(
        size=SIZE, n_heads=HEADS, inner_size=INNER, activation=activation, norm=norm, dropout=0.0
    )
    with torch_seed(0):
        made = TransformerModule(
            WORDS, WORDS, shape=shape, n_encoder_layers=n_encoder, n_decoder_layers=n_decoder,
            tie_weights=True, share_embeddings=share,
        )  # fmt: skip
        for values in made.parameters():
            nn.init.normal_(values, std=0.3)
    return made.eval()


def batch():
    with torch_seed(1):
        source = torch.randint(4, WORDS, (len(LENGTHS), max(LENGTHS)))
        inputs = torch.randint(4, WORDS, (len(LENGTHS), 4))
    for row, length in zip(source, LENGTHS, strict=True):
        row[length:] = 0
    return source, torch.tensor(LENGTHS), inputs


def copy_linear(mine, theirs):
    theirs.weight.data, theirs.bias.data = mine.weight.data, mine.bias.data


def copy_attention(mine, theirs):
    parts = [mine.query, mine.key_value] if mine.cross else [mine.qkv]
    theirs.in_proj_weight.data = torch.cat([part.weight.data for part in parts])
    theirs.in_proj_bias.data = torch.cat([part.bias.data for part in parts])
    copy_linear(mine.out, theirs.out_proj)


def torchs_own(made, norm):
    """`torch.nn.Transformer` with the weights of a module."""
    theirs = nn.Transformer(
        SIZE, HEADS, len(made.encoder.blocks), len(made.decoder.blocks), INNER,
        dropout=0.0, norm_first=norm == "pre", batch_first=True,
    ).eval()  # fmt: skip
    theirs.encoder.enable_nested_tensor = False
    for stack, other in ((made.encoder, theirs.encoder), (made.decoder, theirs.decoder)):
        for block, layer in zip(stack.blocks, other.layers, strict=True):
            copy_attention(block.attention, layer.self_attn)
            copy_linear(block.attention_norm, layer.norm1)
            last = layer.norm2
            if block.cross_attention is not None:
                copy_attention(block.cross_attention, layer.multihead_attn)
                copy_linear(block.cross_norm, layer.norm2)
                last = layer.norm3
            copy_linear(block.feed_forward_norm, last)
            copy_linear(block.feed_forward.up, layer.linear1)
            copy_linear(block.feed_forward.down, layer.linear2)
        if norm == "pre":
            copy_linear(stack.norm, other.norm)
        else:
            other.norm = None  # torch normalises twice behind the last layer, the paper does not
    return theirs


@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_whole_is_torchs_own(norm):
    made = module(norm, n_encoder=3)
    source, lengths, inputs = batch()
    theirs = torchs_own(made, norm)
    padding = source == 0  # to torch True is what is ignored
    causal = nn.Transformer.generate_square_subsequent_mask(inputs.shape[1])
    with torch.no_grad():
        found = made.features(inputs, made.encode(source, lengths))
        embedding = made.target_embedding
        expected = theirs(
            made._embed(embedding, source), made._embed(embedding, inputs), tgt_mask=causal,
            src_key_padding_mask=padding, memory_key_padding_mask=padding,
        )  # fmt: skip
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_vectors_are_scaled_and_told_their_place():
    made = module()
    ids = torch.tensor([[5, 5]])
    found = made._embed(made.target_embedding, ids)[0]
    plain = made.target_embedding.weight[5] * SIZE**0.5
    first = torch.tensor([0.0, 1.0]).repeat(SIZE // 2)  # sines and cosines of 0
    torch.testing.assert_close(found[0], plain + first)
    second = torch.tensor([math.sin(1.0), math.cos(1.0)])  # of the highest frequency
    torch.testing.assert_close(found[1, :2] - plain[:2], second, atol=1e-5, rtol=0)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_word_by_word_with_a_cache_equals_all_at_once(norm):
    made = module(norm)
    source, lengths, inputs = batch()
    with torch.inference_mode():
        whole = made.features(inputs, made.encode(source, lengths))
        state = made.encode(source, lengths)
        for place, tokens in enumerate(inputs.unbind(1)):
            found, state = made.advance(tokens, state)
            torch.testing.assert_close(found, whole[:, place], atol=1e-5, rtol=1e-5)


def test_a_state_goes_on_for_chosen_rows():
    made = module()
    source, lengths, inputs = batch()
    rows = torch.tensor([2, 0, 0])
    with torch.inference_mode():
        whole = made.features(inputs[rows], made.encode(source[rows], lengths[rows]))
        state = made.encode(source, lengths).select(rows)
        _, state = made.advance(inputs[rows][:, 0], state)
        turned = torch.tensor([1, 2, 0])
        found, _ = made.advance(inputs[rows][turned][:, 1], state.select(turned))
    torch.testing.assert_close(found, whole[turned, 1], atol=1e-5, rtol=1e-5)


def test_the_source_is_read_once_for_all_words():
    made = module()
    source, lengths, inputs = batch()
    calls = []
    for block in made.decoder.blocks:
        block.cross_attention.key_value.register_forward_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        state = made.encode(source, lengths)
        for tokens in inputs.unbind(1):
            _, state = made.advance(tokens, state)
    assert len(calls) == len(made.decoder.blocks)


def test_no_word_sees_a_later_one_or_padding():
    made = module()
    source, lengths, inputs = batch()
    state = made.encode(source, lengths)
    before = made.features(inputs, state)
    changed = inputs.clone()
    changed[:, 2] = 4
    after = made.features(changed, state)
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])
    other = source.clone()
    other[source == 0] = 7
    torch.testing.assert_close(made.features(inputs, made.encode(other, lengths)), before)


def test_weights_are_of_each_layer_and_head_and_sum_to_one_over_the_source():
    made = module(n_decoder=3)
    source, lengths, inputs = batch()
    weights = made.weights(inputs, made.encode(source, lengths))
    assert weights.shape == (3, 3, HEADS, 4, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 3, HEADS, 4))
    assert not weights[2, ..., 1:].any()  # one word and padding
    assert (weights[2, ..., 0] == 1).all()


def test_gradients_reach_every_weight():
    made = module(share=False).train()
    source, lengths, inputs = batch()
    made.output.log_probs(made.features(inputs, made.encode(source, lengths))).sum().backward()
    assert all(values.grad is not None and values.grad.any() for values in made.parameters())


@pytest.mark.parametrize("activation", ["relu", "swiglu"])
def test_first_weights_are_glorots_of_each_part(activation):
    shape = BlockShape(size=64, n_heads=4, inner_size=128, activation=activation, norm="pre")
    with torch_seed(0):
        made = TransformerModule(
            WORDS, WORDS, shape=shape, n_encoder_layers=1, n_decoder_layers=1, tie_weights=True,
            share_embeddings=True,
        )  # fmt: skip
    block = made.decoder.blocks[0]
    parts = [
        *block.attention.qkv.weight.chunk(3),
        *block.cross_attention.key_value.weight.chunk(2),
        block.cross_attention.query.weight,
        block.cross_attention.out.weight,
        block.feed_forward.down.weight,
    ]
    for part in parts:
        bound = math.sqrt(6 / sum(part.shape))
        assert part.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert part.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_dropout_is_left_on_only_while_learning():
    shape = BlockShape(size=16, n_heads=2, inner_size=16, dropout=0.3, attention_dropout=0.3)
    with torch_seed(0):
        made = TransformerModule(
            WORDS, WORDS, shape=shape, n_encoder_layers=1, n_decoder_layers=1, tie_weights=True,
            share_embeddings=True,
        )  # fmt: skip
    source, lengths, inputs = batch()

    def twice():
        return [made.features(inputs, made.encode(source, lengths)) for _ in range(2)]

    first, second = twice()
    assert not torch.equal(first, second)
    made.eval()
    first, second = twice()
    assert torch.equal(first, second)
