"""Encoders beside transformers' own computation on the same weights."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from tests.contextual.encoders.toys import PACKING, SIZE, TEXTS, tokenizer_for, toy
from textrep.contextual.encoders import (
    ARCHITECTURES,
    SIZES,
    Encoder,
    EncoderTokenizer,
    encoder_batches,
    encoder_from_state,
    encoder_state,
    make_config,
    pooled,
    resolve_encoder,
)
from textrep.contextual.encoders.encoder import bare_module
from textrep.contextual.encoders.shapes import shape_of
from textrep.core.container import PersistError
from textrep.data.errors import DataError
from textrep.engine.device import autocast
from textrep.engine.seeding import torch_seed

transformers = pytest.importorskip("transformers")


def outputs(encoder: Encoder, texts: list[str] = TEXTS) -> list[torch.Tensor]:
    """Outputs of each text, without padding."""
    batch = encoder.collate(encoder.rows(texts))
    with torch.no_grad():
        hidden = encoder.hidden(batch)
    return [row[:n] for row, n in zip(hidden, batch.lengths.tolist(), strict=True)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_outputs_equal_eager_attention_of_transformers(architecture, tmp_path):
    encoder = toy(architecture)
    encoder.save_pretrained(tmp_path / "saved")
    theirs = transformers.AutoModel.from_pretrained(
        tmp_path / "saved", attn_implementation="eager"
    ).eval()
    fast = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    given = fast(TEXTS, padding=True, return_tensors="pt", truncation=True, max_length=32)
    if architecture == "distilbert" or architecture == "modernbert":
        given.pop("token_type_ids", None)
    with torch.no_grad():
        expected = theirs(**given).last_hidden_state
    for row, real, ours in zip(
        expected, given["attention_mask"].bool(), outputs(encoder), strict=True
    ):
        torch.testing.assert_close(ours, row[real], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_text_comes_out_the_same_alone_or_in_a_batch(architecture):
    encoder = toy(architecture)
    together = outputs(encoder)
    for text, row in zip(TEXTS, together, strict=True):
        torch.testing.assert_close(outputs(encoder, [text])[0], row, atol=1e-5, rtol=1e-5)


# Published ones that are no part of ARCHITECTURES: attention of their own, positions counted from
# the padding, keys that several queries share.
OTHERS = ("deberta", "deberta-v2", "longformer", "mpnet", "luke", "ibert", "eurobert")


@pytest.mark.parametrize("architecture", OTHERS)
def test_other_encoders_compute_what_transformers_does_up_to_their_last_position(architecture):
    if architecture not in transformers.CONFIG_MAPPING:
        pytest.skip(f"transformers {transformers.__version__} has no {architecture}")
    tokenizer = tokenizer_for("bert")
    changes = {
        "longformer": {"attention_window": 4},
        "luke": {"entity_vocab_size": 5},
        "eurobert": {"num_key_value_heads": 2},
    }.get(architecture, {})
    config = transformers.CONFIG_MAPPING[architecture](
        vocab_size=tokenizer.size,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=24,
        max_position_embeddings=24,
        pad_token_id=tokenizer.pad_id,
        **changes,
    )
    with torch_seed(0):
        encoder = Encoder(config, bare_module(config), tokenizer)
    theirs = copy.deepcopy(encoder.module)
    theirs.set_attn_implementation("eager")
    long = "so much text " * 30
    for text, ours in zip([*TEXTS, long], outputs(encoder, [*TEXTS, long]), strict=True):
        ids = torch.from_numpy(encoder.rows([text])[0].ids).long()[None]
        with torch.no_grad():
            expected = theirs(input_ids=ids, attention_mask=torch.ones_like(ids))[0][0]
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", PACKING)
def test_texts_in_one_row_do_not_see_each_other(architecture):
    encoder = toy(architecture)
    rows = encoder.rows(TEXTS[:3], max_length=10)

    alone = [encoder.hidden(encoder.collate([row]))[0].detach() for row in rows]
    ids = np.concatenate([row.ids for row in rows])
    types = np.concatenate([row.types for row in rows])
    batch = encoder.collate([type(rows[0])(ids, types)])
    sizes = [len(row.ids) for row in rows]
    segments = torch.from_numpy(np.repeat([1, 2, 3], sizes))[None]
    positions = torch.from_numpy(np.concatenate([np.arange(n) for n in sizes]))[None]
    with torch.no_grad():
        packed = encoder.hidden(batch, segments=segments, positions=positions)[0]
    torch.testing.assert_close(packed, torch.cat(alone), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_layers_end_with_the_last(architecture):
    encoder = toy(architecture)
    batch = encoder.collate(encoder.rows(TEXTS))
    with torch.no_grad():
        layers = encoder.hidden(batch, layers="all")
        last = encoder.hidden(batch)
    assert len(layers) == 1 + encoder.n_layers == 4
    assert {layer.shape for layer in layers} == {last.shape}
    torch.testing.assert_close(layers[-1], last)


@pytest.mark.parametrize("architecture", ["bert", "modernbert"])
def test_bf16_on_a_cpu_is_near_fp32_with_gradients(architecture):
    encoder = toy(architecture)
    batch = encoder.collate(encoder.rows(TEXTS))
    plain = encoder.hidden(batch)
    with autocast(torch.device("cpu"), "bf16"):
        half = encoder.hidden(batch)
    real = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    assert (half.float() - plain)[real].abs().max() < 0.15
    half[real].float().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.module.parameters())


def test_the_class_token_stands_where_the_tokenizer_puts_it():
    with pytest.raises(ValueError, match=r"puts <cls> last, as XLNet reads it; for bert take"):
        Encoder.new("bert", "tiny", tokenizer_for("xlnet"))
    turned = EncoderTokenizer(tokenizer_for("xlnet").tokenizer, layout="bert")
    assert not Encoder.new("bert", SIZE, turned, max_length=32).cls_last
    other = Encoder.new("xlnet", SIZE, tokenizer_for("bert"), max_length=32)
    assert not other.cls_last
    batch = other.collate(other.rows(TEXTS))
    with torch.no_grad():
        hidden = other.hidden(batch)
    found = pooled(hidden, batch.lengths, "cls", cls_last=other.cls_last)
    assert torch.equal(found, hidden[:, 0])


def test_no_row_is_empty_in_a_window():
    encoder = toy("modernbert")
    batch = encoder.collate(encoder.rows([TEXTS[2] * 2, "so"]))
    with torch.no_grad():
        assert encoder.hidden(batch).isfinite().all()


def test_dropout_is_drawn_in_training_only():
    encoder = toy(dropout=0.5)
    batch = encoder.collate(encoder.rows(TEXTS))
    with torch.no_grad():
        assert torch.equal(encoder.hidden(batch), encoder.hidden(batch))
        encoder.module.train()
        assert not torch.equal(encoder.hidden(batch), encoder.hidden(batch))


def test_weights_depend_on_the_seed_alone():
    state = torch.get_rng_state()
    one, same, other = toy(seed=1), toy(seed=1), toy(seed=2)
    weights = [next(iter(e.module.parameters())) for e in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_state_and_checkpoint_give_the_same_encoder(architecture, tmp_path):
    encoder = toy(architecture)
    expected = outputs(encoder)
    encoder.save_pretrained(tmp_path / "saved")
    for again in (
        encoder_from_state(encoder_state(encoder)),
        Encoder.from_checkpoint(tmp_path / "saved"),
        pickle.loads(pickle.dumps(encoder)),
        copy.deepcopy(encoder),
    ):
        assert again.max_length == encoder.max_length == 32
        for ours, theirs in zip(outputs(again), expected, strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_state_of_something_else_is_refused():
    state = encoder_state(toy())
    for wrong in (
        None,
        {},
        {**state, "config": "{"},
        {**state, "config": '{"model_type": "no-such"}'},
        {
            **state,
            "config": state["config"].replace('"num_hidden_layers": 3', '"num_hidden_layers": 1'),
        },
        {**state, "max_length": 0},
        {**state, "tokenizer": {}},
        {**state, "weights": {}},
    ):
        with pytest.raises(PersistError):
            encoder_from_state(wrong)


def test_heads_of_checkpoints_are_left_out(tmp_path):
    encoder = toy()
    model = transformers.BertForSequenceClassification(encoder.config)
    model.bert.load_state_dict(encoder.module.state_dict(), strict=False)
    encoder.write(tmp_path, model)
    for ours, expected in zip(
        outputs(Encoder.from_checkpoint(tmp_path)), outputs(encoder), strict=True
    ):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("kind", ["gpt2", "t5", "bert-decoder"])
def test_what_is_no_encoder_is_refused(kind, tmp_path):
    tokenizer_for("bert").save(tmp_path)
    if kind == "gpt2":
        config = transformers.GPT2Config(n_layer=1, n_head=1, n_embd=4, vocab_size=110)
    elif kind == "t5":
        config = transformers.T5Config(d_model=4, d_kv=2, num_layers=1, num_heads=1, d_ff=4)
    else:
        config = transformers.BertConfig(is_decoder=True)
    config.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"no encoder|encoder and a decoder|set up as a decoder"):
        Encoder.from_checkpoint(tmp_path)


def test_checkpoints_that_are_not_there_or_not_whole_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        Encoder.from_checkpoint(tmp_path / "nothing")
    toy().save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match="cannot load"):
        Encoder.from_checkpoint(tmp_path / "saved")
    with pytest.raises(ValueError, match="checkpoint must be"):
        Encoder.from_checkpoint("")


def test_resolving_copies_and_reads_what_there_is(tmp_path):
    encoder = toy()
    encoder.save_pretrained(tmp_path / "saved")

    class Fitted:
        encoder_ = encoder

    for source in (encoder, Fitted(), tmp_path / "saved", str(tmp_path / "saved")):
        found = resolve_encoder(source)
        assert found is not encoder
        assert torch.equal(outputs(found)[0], outputs(encoder)[0])
        next(found.module.parameters()).data.zero_()
    assert next(encoder.module.parameters()).abs().sum() > 0
    with pytest.raises(ValueError, match="checkpoint must be"):
        resolve_encoder(object())
    with pytest.raises(ValueError, match="checkpoint must be"):
        resolve_encoder(None)


def test_batches_are_of_similar_length_and_within_the_budget():
    encoder = toy()
    rows = encoder.rows(TEXTS * 4)
    batches = encoder_batches(
        rows, encoder, lambda numbers, batch: (numbers, batch), max_tokens=64, seed=3
    )
    seen = []
    for spec in batches.plan(0):
        numbers, batch = batches.read(spec, type("All", (), {"of": lambda self, x: x})())
        assert batch.ids.numel() <= 64
        assert batch.lengths.tolist() == [len(rows[i].ids) for i in numbers]
        seen += numbers.tolist()
    assert sorted(seen) == list(range(len(rows)))


def test_pooling_leaves_padding_out():
    hidden = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([4, 2])
    torch.testing.assert_close(pooled(hidden, lengths, "cls"), hidden[:, 0])
    torch.testing.assert_close(pooled(hidden, lengths, "cls", cls_last=True)[1], hidden[1, 1])
    torch.testing.assert_close(pooled(hidden, lengths, "mean")[1], hidden[1, :2].mean(0))
    torch.testing.assert_close(pooled(hidden, lengths, "max")[1], hidden[1, :2].amax(0))
    with pytest.raises(ValueError, match="pooling must be"):
        pooled(hidden, lengths, "median")


def test_bert_base_and_distilbert_have_the_published_parameters():
    with torch.device("meta"):
        bert = transformers.BertModel(transformers.BertConfig())
        small = transformers.DistilBertModel(transformers.DistilBertConfig())
    assert round(sum(p.numel() for p in bert.parameters()) / 1e6, 1) == 109.5
    assert round(sum(p.numel() for p in small.parameters()) / 1e6, 1) == 66.4
    config = make_config("bert", "base", tokenizer_for("bert"))
    default = transformers.BertConfig()
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"):
        assert getattr(config, name) == getattr(default, name)


@pytest.mark.parametrize("layers", [2, 5])
def test_albert_has_the_parameters_of_its_formula(layers):
    d, f, e, n = 16, 24, 8, 32
    size = {"num_layers": layers, "hidden_size": d, "num_heads": 2, "inner_size": f}
    tokenizer = tokenizer_for("albert")
    encoder = Encoder.new("albert", size, tokenizer, max_length=n, embedding_size=e)
    embeddings = (tokenizer.size + n + 2) * e + 2 * e + e * d + d  # with norm and projection
    layer = 4 * (d * d + d) + 2 * d + (d * f + f) + (f * d + d) + 2 * d
    assert encoder.n_parameters == embeddings + layer  # whatever the number of layers
    state = encoder_state(encoder)["weights"]
    assert sum(array.size for array in state.values()) == encoder.n_parameters


def test_shapes_out_of_range_are_refused():
    tokenizer = tokenizer_for("bert")
    assert all(shape_of(size).hidden_size % shape_of(size).num_heads == 0 for size in SIZES)
    for size, message in (
        ("huge", "size must be"),
        ({"num_layers": 1}, "size must have"),
        ({"num_layers": 0, "hidden_size": 8}, "num_layers"),
        ({"num_layers": 1, "hidden_size": 8, "num_heads": 3}, "multiple of num_heads"),
        ({"num_layers": 1, "hidden_size": 8, "heads": 2}, "size must have"),
    ):
        with pytest.raises(ValueError, match=message):
            make_config("bert", size, tokenizer)
    with pytest.raises(ValueError, match="architecture must be"):
        make_config("gpt", "tiny", tokenizer)
    with pytest.raises(ValueError, match="dropout"):
        make_config("bert", "tiny", tokenizer, dropout=1.5)
    with pytest.raises(ValueError, match="max_length"):
        make_config("bert", "tiny", tokenizer, max_length=1)


def test_texts_longer_than_the_encoder_are_cut():
    encoder = toy()
    assert len(encoder.rows([TEXTS[1] * 20])[0].ids) == 32
    assert len(encoder.rows([TEXTS[1] * 20], max_length=100)[0].ids) == 32
    assert len(encoder.rows([TEXTS[1] * 20], max_length=7)[0].ids) == 7


def test_an_encoder_that_gave_all_layers_can_be_pickled_and_gives_them_again():
    encoder = toy("bert")
    batch = encoder.collate(encoder.rows(TEXTS[:2]))
    before = encoder.hidden(batch, layers="all")
    for found in (pickle.loads(pickle.dumps(encoder)), encoder):
        after = found.hidden(batch, layers="all")
        assert len(after) == len(before)
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
