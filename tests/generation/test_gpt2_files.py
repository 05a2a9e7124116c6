"""GPT-2 checkpoints, beside transformers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import textrep
from tests.preprocess.test_tokenizer_codec import byte_level
from textrep import GPT
from textrep.data import DataError
from textrep.preprocess import SubwordTokenizer

transformers = pytest.importorskip("transformers")

TEXTS = ["the king rules the castle", "naïve 文字 ☃ and more, and more!", "a farmer sows"] * 4
TINY = {"num_layers": 2, "num_heads": 2, "hidden_size": 8, "max_length": 12, "device": "cpu"}


def their_model(folder, **config):
    tokenizer = byte_level()
    settings = {"n_positions": 16, "n_embd": 8, "n_layer": 2, "n_head": 2, **config}
    made = transformers.GPT2Config(
        **{"vocab_size": tokenizer.get_vocab_size(), "bos_token_id": 0, "eos_token_id": 0}
        | settings
    )
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(made).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>"
    ).save_pretrained(folder)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("theirs")


@pytest.fixture(scope="module")
def theirs(folder):
    return their_model(folder)


def logits_of(model: GPT, ids: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return model.module_.scores(model.module_.hidden(ids)).numpy()


def assert_same_model(ours: GPT, theirs, tokenizer) -> None:
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, len(ours.codec_), (3, 9)))
    with torch.no_grad():
        expected = theirs(ids).logits.numpy()
    np.testing.assert_allclose(logits_of(ours, ids), expected, atol=1e-5)
    for text in TEXTS[:3]:
        assert ours.codec_.encode(text).tolist() == tokenizer(text)["input_ids"]


@pytest.mark.parametrize(
    "config",
    [{}, {"n_inner": 12, "activation_function": "relu"}, {"tie_word_embeddings": False}],
)
def test_a_checkpoint_computes_what_it_does_in_transformers(tmp_path, config):
    theirs = their_model(tmp_path, **config)
    ours = GPT.from_pretrained(tmp_path)
    assert ours.get_params()["num_layers"] == 2
    assert_same_model(ours, theirs, transformers.AutoTokenizer.from_pretrained(tmp_path))


def test_greedy_texts_are_those_of_transformers(folder, theirs):
    ours = GPT.from_pretrained(folder).set_params(device="cpu")
    eos = ours.codec_.EOS
    for prompt in ("the king", "and", ""):
        ids = [eos, *ours.codec_.encode(prompt)]
        written = theirs.generate(
            torch.tensor([ids]), max_new_tokens=6, do_sample=False, pad_token_id=eos
        )[0, len(ids) :]
        expected = ours.codec_.decode(written.tolist())
        assert ours.generate(prompt, max_new_tokens=6, temperature=0) == expected


def test_likelihoods_are_those_of_transformers(folder, theirs):
    ours = GPT.from_pretrained(folder).set_params(device="cpu")
    ids = torch.tensor([[0, *ours.codec_.encode("the king rules"), 0]])
    with torch.no_grad():
        loss = theirs(ids, labels=ids).loss.item()
    assert ours.score(["the king rules"]) == pytest.approx(-loss, abs=1e-5)


def test_files_in_parts_without_prefixes_and_old_ones_are_read(folder, theirs, tmp_path):
    expected = GPT.from_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    parts, old = tmp_path / "parts", tmp_path / "old"
    for path in (parts, old):
        path.mkdir()
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (path / name).write_bytes((folder / name).read_bytes())
    bare = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 4, 4)  # a mask, as OpenAI's files have it
    names = sorted(bare)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, held in shards.items():
        save_file({name: bare[name] for name in held}, parts / shard)
    index = {"weight_map": {name: shard for shard, held in shards.items() for name in held}}
    (parts / "model.safetensors.index.json").write_text(json.dumps(index))
    torch.save(weights, old / "pytorch_model.bin")
    for path in (parts, old):
        assert GPT.from_pretrained(path).score(TEXTS) == expected.score(TEXTS)


def test_a_pickle_that_would_run_something_is_refused(folder, theirs, tmp_path):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    torch.save({"a": print}, tmp_path / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model\.bin: is refused"):
        GPT.from_pretrained(tmp_path)


def trained(**params) -> GPT:
    return GPT(**TINY | {"vocab_size": 270, "epochs": 2, "random_state": 0} | params).fit(TEXTS)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"activation": "gelu-tanh", "inner_size": 12, "tie_weights": False},
        {"tokenizer": byte_level()},
    ],
)
def test_a_trained_model_is_the_same_in_transformers_and_back(tmp_path, params):
    model = trained(**params)
    folder = tmp_path / "checkpoint"
    model.save_pretrained(folder)
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.eos_token_id == model.codec_.EOS == theirs.config.eos_token_id
    assert_same_model(model, theirs.eval(), tokenizer)
    text = model.generate("the", max_new_tokens=8, temperature=0)
    back = GPT.from_pretrained(folder).set_params(device="cpu")
    assert back.generate("the", max_new_tokens=8, temperature=0) == text
    assert back.score(TEXTS) == pytest.approx(model.score(TEXTS), abs=1e-6)
    assert tokenizer.decode(tokenizer(TEXTS[1])["input_ids"]) == TEXTS[1]


def test_tied_weights_are_written_once(tmp_path):
    trained().save_pretrained(tmp_path / "m")
    assert "lm_head.weight" not in load_file(tmp_path / "m" / "model.safetensors")


def test_subwords_that_look_like_special_tokens_stay_apart(tmp_path):
    model = GPT(**TINY, vocab_size=300, epochs=1, random_state=0).fit(["<pad> <eos> a<unk>b"] * 20)
    model.save_pretrained(tmp_path / "m")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    assert tokenizer("pad eos >").input_ids == model.codec_.encode("pad eos >").tolist()
    assert len(tokenizer) == len(model.codec_)


def test_a_model_that_is_taken_up_can_be_saved_copied_and_trained_on(folder, theirs, tmp_path):
    model = GPT.from_pretrained(folder).set_params(device="cpu")
    loaded = textrep.load(model.save(tmp_path / "m.textrep"))
    assert loaded.score(TEXTS) == model.score(TEXTS)
    assert loaded.codec_.EOS == model.codec_.EOS


def test_a_checkpoint_is_replaced_as_a_whole_and_nothing_else(tmp_path):
    model = trained()
    folder = tmp_path / "m"
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text("{}")
    model.save_pretrained(folder)
    assert not (folder / "generation_config.json").exists()
    (folder / "thesis.doc").touch()
    with pytest.raises(ValueError, match=r"holds 'thesis\.doc', which would be deleted"):
        model.save_pretrained(folder)
    other = tmp_path / "notes"
    other.mkdir()
    (other / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"holds 'notes\.txt', which would be deleted"):
        model.save_pretrained(other)
    assert (other / "notes.txt").exists()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"norm": "post", "positions": "rotary"}, "norm='post' .*positions='rotary'"),
        ({"norm_kind": "rms", "activation": "swiglu"}, "norm_kind='rms' .*activation='swiglu'"),
        ({"level": "character"}, "level 'character'"),
        ({"lowercase": True}, "lowercase=True"),
        ({"bias": False, "output_bias": True}, "bias=False .*output_bias=True"),
    ],
)
def test_what_is_no_gpt2_is_not_written(tmp_path, params, message):
    model = trained(**{**params, "epochs": 1})
    with pytest.raises(ValueError, match=message):
        model.save_pretrained(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"model_type": "llama"}, "type 'llama', not 'gpt2'; PretrainedLanguageModel"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon"),
        ({"activation_function": "tanh"}, "activation_function is 'tanh'"),
        ({"n_layer": 3}, r"the weight 'h\.2\.ln_1\.weight' is missing"),
        ({"n_embd": 10}, "and the settings make it"),
        ({"n_head": 0}, "n_head is 0; expected a whole number"),
        ({"vocab_size": 20}, "and the settings make it"),
    ],
)
def test_a_checkpoint_of_another_kind_is_named(folder, theirs, tmp_path, setting, message):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **setting}))
    with pytest.raises(ValueError, match=message):
        GPT.from_pretrained(tmp_path)


def test_missing_and_broken_files_are_named(folder, theirs, tmp_path):
    with pytest.raises(DataError, match=r"config\.json: cannot be read"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(DataError, match="holds no weights"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(DataError, match="is no file of safetensors"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="holds no tokenizer"):
        GPT.from_pretrained(tmp_path)


def test_a_subword_tokenizer_of_the_house_can_be_the_tokenizer(tmp_path):
    tokenizer = SubwordTokenizer(vocab_size=270, special_tokens=("<|endoftext|>",)).fit(TEXTS)
    model = trained(tokenizer=tokenizer)
    model.save_pretrained(tmp_path / "m")
    read = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    assert read("the king").input_ids == model.codec_.encode("the king").tolist()


@pytest.mark.parametrize("other", [textrep.SwitchTransformer, textrep.generation.CodeCompleter])
def test_models_of_another_network_do_not_take_it_up(other, tmp_path):
    with pytest.raises(ValueError, match=f"cannot be taken up as a {other.__name__}, whose"):
        other.from_pretrained(tmp_path)


def test_sizes_that_are_numbers_of_numpy_are_written(tmp_path):
    trained(hidden_size=np.int64(8), max_length=np.int64(8)).save_pretrained(tmp_path / "m")
    assert GPT.from_pretrained(tmp_path / "m").hidden_size == 8


@pytest.mark.parametrize("folder", [None, 3, "", b"gpt2"])
def test_what_is_no_folder_is_refused(folder):
    with pytest.raises(ValueError, match="folder must be the path of a folder, got"):
        GPT.from_pretrained(folder)


@pytest.mark.parametrize("value", ["0.1", None, -1, 1, True, [0.1]])
def test_a_dropout_that_is_none_is_named(folder, theirs, tmp_path, value):
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "resid_pdrop": value}))
    with pytest.raises(DataError, match=r"config\.json: resid_pdrop is"):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize("value", [{}, [], None, "swish"])
def test_an_activation_that_a_gpt_has_not_is_named(folder, theirs, tmp_path, value):
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "activation_function": value}))
    with pytest.raises(ValueError, match=r"config\.json: activation_function is"):
        GPT.from_pretrained(tmp_path)


def test_settings_that_are_nested_too_deep_are_named(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"config\.json: is not JSON"):
        GPT.from_pretrained(tmp_path)
