"""Published language models, beside transformers' own loops."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

import textrep
from tests.generation.checkpoints import save_llama
from textrep import PretrainedLanguageModel
from textrep.data import DataError
from textrep.generation import Sampler

transformers = pytest.importorskip("transformers")

TEXTS = ["the king rules", "", "文字 the castle", "rules rules the king the castle"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def theirs(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def model(folder):
    return PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()


def loss_of(theirs, ids) -> float:
    """Log-likelihood of all tokens but the first, by transformers."""
    rows = torch.tensor([ids])
    with torch.no_grad():
        return -theirs(rows, labels=rows).loss.item() * (len(ids) - 1)


def test_likelihoods_are_those_of_transformers(model, theirs):
    tokenizer = transformers.AutoTokenizer.from_pretrained(model.checkpoint_)
    found = model.log_likelihoods(TEXTS)
    for text, value in zip(TEXTS, found, strict=True):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert value == pytest.approx(loss_of(theirs, [1, *ids, 2]), abs=1e-4)
    alone = [model.log_likelihoods([text])[0] for text in TEXTS]
    np.testing.assert_allclose(found, alone, atol=1e-5)
    n_tokens = sum(len(row) + 1 for row in model.codec_.encode_all(TEXTS))
    assert model.score(TEXTS) == pytest.approx(found.sum() / n_tokens)
    assert model.perplexity(TEXTS) == pytest.approx(np.exp(-found.sum() / n_tokens))


def test_a_stream_is_one_text(model, theirs):
    texts = ["the king", "rules"]
    first, second = (row.tolist() for row in model.codec_.encode_all(texts))
    n_tokens = len(first) + len(second) + 2
    expected = loss_of(theirs, [1, *first, 2, *second, 2]) / n_tokens
    assert model.score(texts, continuous=True) == pytest.approx(expected, abs=1e-5)


def test_continuations_are_scored_after_their_prompts(model, theirs):
    prompts, continuations = ["the king", "", "the " * 20], [" rules", "castle", "king"]
    found = model.log_likelihoods_of_continuations(prompts, continuations)
    encode = model.codec_.encode
    for at in (0, 1):
        ids = [1, *encode(prompts[at]).tolist()]
        expected = loss_of(theirs, [*ids, *encode(continuations[at]).tolist()])
        expected -= loss_of(theirs, ids) if len(ids) > 1 else 0.0
        assert found[at] == pytest.approx(expected, abs=1e-4)
    assert np.isfinite(found[2])


def test_no_second_space_is_read_between_prompt_and_continuation():
    """The tokenizer of Llama 2 begins each text with a space of its own."""
    from tokenizers import Tokenizer, models, normalizers

    from tests.generation.oracles import Oracle
    from textrep.preprocess import TokenizerCodec

    words = ["<unk>", "</s>", "▁", "k", "g", "▁k", "▁g", "▁▁"]
    merges = [("▁", "k"), ("▁", "g"), ("▁", "▁")]
    made = Tokenizer(models.BPE({w: n for n, w in enumerate(words)}, merges, unk_token="<unk>"))
    parts = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    made.normalizer = normalizers.Sequence(parts)
    model = Oracle()
    model.codec_ = TokenizerCodec(made, eos="</s>")
    assert model.codec_.tokens(" g") == ["▁", "▁g"]
    before, after = model._cut(["k", "", "k ", "k"], [" g", "g", "g", ""])
    names = [[words[n] for n in row] for row in after]
    # The third prompt ends with a space that the whole has no token for: both are cut apart.
    assert names == [["▁g"], ["▁g"], ["▁g"], []]
    assert [[words[n] for n in row] for row in before] == [["▁k"], [], ["▁k", "▁"], ["▁k"]]


def greedy(model, prompt, most):
    """Tokens that are chosen: bytes that are no character have no text to compare."""
    sampler = Sampler(0.0, banned=model._unwritten())
    rows = [model.codec_.encode(prompt)]
    steps = model._continuation(model.module_, rows, sampler, [None]).steps(most)
    return [token for step in steps for _, token in step]


def test_greedy_tokens_are_those_of_transformers(model, theirs):
    for prompt in TEXTS:
        ids = [1, *model.codec_.encode(prompt).tolist()]
        written = theirs.generate(
            torch.tensor([ids]),
            max_new_tokens=8,
            do_sample=False,
            pad_token_id=2,
            suppress_tokens=model._unwritten(),
        )[0, len(ids) :].tolist()
        assert [*greedy(model, prompt, 8), 2][: len(written)] == written


def test_a_batch_of_unequal_prompts_is_each_alone(model):
    how = {"max_new_tokens": 30, "random_state": 3, "temperature": 1.5, "repetition_penalty": 1.1}
    together = model.generate([*TEXTS, "the king rules"], **how)
    # The streams of random numbers are those of the rows.
    assert together[:2] == model.generate(TEXTS[:2], **how)
    how = {"max_new_tokens": 30, "temperature": 0}
    assert model.generate(TEXTS, **how) == [model.generate(text, **how) for text in TEXTS]


def test_texts_of_one_length_end_apart(model):
    """A row that ended is left out of what is remembered of the others."""
    ends = model._ends
    prompts = ["the", "king", "rules", "castle", "castle the"]
    assert len({len(model.codec_.encode(prompt)) for prompt in prompts[:4]}) < 4
    written = [greedy(model, prompt, 6) for prompt in prompts]
    model._ends = frozenset([*ends, written[0][1], written[1][3]])
    try:
        how = {"max_new_tokens": 6, "temperature": 0}
        assert len({len(greedy(model, prompt, 6)) for prompt in prompts}) > 1
        assert model.generate(prompts, **how) == [model.generate(p, **how) for p in prompts]
    finally:
        model._ends = ends


def test_of_many_long_rows_so_many_go_side_by_side(model, monkeypatch):
    from textrep.generation import checkpoint_module

    how = {"max_new_tokens": 6, "random_state": 0}
    expected = model.generate(["the king"] * 5, **how)
    sizes = []
    advance = model.module_.advance

    def watched(ids, cache):
        sizes.append(len(ids))
        return advance(ids, cache)

    monkeypatch.setattr(checkpoint_module, "_MOST_TOKENS", 24)
    monkeypatch.setattr(model.module_, "advance", watched)
    assert model.generate(["the king"] * 5, **how) == expected
    assert max(sizes) == 2


def test_a_cache_changes_nothing(model):
    calls = []
    step = model.module_.advance

    def without(ids, cache):
        calls.append(ids.shape[1])
        return step(ids, None)[0], None

    how = {"max_new_tokens": 40, "temperature": 0}  # beyond what the model sees
    cached = model.generate("the king", **how)
    model.module_.advance = without
    try:
        assert model.generate("the king", **how) == cached
    finally:
        del model.module_.advance
    assert max(calls) <= 24


def test_pieces_of_a_stream_are_the_text(model):
    for seed in range(4):
        how = {"max_new_tokens": 20, "random_state": seed, "temperature": 2.0}
        for prompt in TEXTS:
            pieces = list(model.stream(prompt, **how))
            assert "".join(pieces) == model.generate(prompt, **how)
            assert all(pieces)


def test_special_and_spare_tokens_are_not_written(model):
    size = len(model.codec_)
    assert size == model.module_.vocabulary_size
    assert set(model._unwritten()) == {0, 1, size - 3, size - 2, size - 1}


def test_a_token_more_than_the_model_knows_is_none_of_its_texts(tmp_path):
    """Gemma 3 has such a one for pictures."""
    folder = save_llama(tmp_path)
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    read = transformers.AutoTokenizer.from_pretrained(folder)
    names = [f"<|more {n}|>" for n in range(size + 1 - len(read))]
    read.add_tokens([transformers.AddedToken(name, special=True) for name in names])
    read.save_pretrained(folder)
    model = PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()
    assert len(model.codec_) == size + 1
    assert np.isfinite(model.log_likelihoods([f"the king {names[-1]}"])).all()
    assert isinstance(model.generate("the", max_new_tokens=3), str)
    assert max(model._unwritten()) == size - 1


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    folder = save_llama(tmp_path, vocab_size=100)
    with pytest.raises(ValueError, match="and the model knows 100 of them only"):
        PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()


def test_a_saved_model_says_where_its_checkpoint_is(tmp_path):
    folder = save_llama(tmp_path / "llama")
    model = PretrainedLanguageModel(checkpoint=folder, max_length=9, device="cpu").fit()
    path = model.save(tmp_path / "m.textrep")
    assert path.stat().st_size < 10_000
    for other in (textrep.load(path), pickle.loads(pickle.dumps(model))):
        assert other.score(TEXTS) == model.score(TEXTS)
        assert other.module_.max_length == 9
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(textrep.PersistError, match="its checkpoint, which is not part of the file"):
        textrep.load(path)


def test_several_ends_of_the_checkpoint_end_texts(tmp_path):
    folder = save_llama(tmp_path)
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": [2, 300]}))
    model = PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()
    assert model._ends == {2, 300}


def test_transformers_says_as_much_as_before(folder, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    assert capfd.readouterr() == ("", "")


def test_code_that_comes_with_a_model_is_refused_without_a_question(folder, tmp_path, monkeypatch):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "config.json"
    config = {**json.loads(path.read_text()), "model_type": "theirs"}
    names = {"AutoConfig": "code.TheirConfig", "AutoModelForCausalLM": "code.Theirs"}
    path.write_text(json.dumps({**config, "auto_map": names}))
    (tmp_path / "code.py").write_text("raise SystemExit")
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked"))
    with pytest.raises(DataError, match="custom code"):
        PretrainedLanguageModel(checkpoint=tmp_path, device="cpu").fit()


def test_what_is_no_checkpoint_is_named(folder, tmp_path):
    def refused(checkpoint, message, kind=ValueError, **params):
        with pytest.raises(kind, match=message):
            PretrainedLanguageModel(checkpoint=checkpoint, device="cpu", **params).fit()

    refused(None, "checkpoint must be a folder of a published model")
    refused(tmp_path / "none", "there is no such folder", DataError)
    file = tmp_path / "file"
    file.touch()
    refused(file, "is a file; give the folder")
    refused(tmp_path, "transformers cannot load it", DataError)
    refused(folder, "max_length must be an integer of at least 1", max_length=0)
    with pytest.raises(textrep.TextInputError, match="X"):
        PretrainedLanguageModel(checkpoint=folder).fit("a text")


def test_weights_that_are_missing_are_named(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"1 weights are not in the checkpoint, such as 'lm_head"):
        PretrainedLanguageModel(checkpoint=tmp_path, device="cpu").fit()


def test_a_model_that_sees_what_comes_after_is_refused(tmp_path):
    config = transformers.BertConfig(
        vocab_size=30,
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
    )
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="type 'bert', which is no causal language model"):
        PretrainedLanguageModel(checkpoint=tmp_path, device="cpu").fit()
