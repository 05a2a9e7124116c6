"""Tokenizers of other libraries as codecs."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from textrep.core.text import TextInputError
from textrep.preprocess import SubwordTokenizer, TextCodec, TokenizerCodec
from textrep.preprocess.tokenizer_codec import codec_from_state

TEXTS = ["the king rules the castle", "naïve 文字 ☃ and more, and more!"] * 5
END = "<|endoftext|>"


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def metaspace() -> Tokenizer:
    """As Llama 2 has it: spaces are letters, and what is unknown is spelt in bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(["the king rules the castle"] * 5, trainer)
    state = json.loads(tokenizer.to_str())
    # Bytes are ordinary tokens, which decoding keeps.
    state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] in specials[:3]]
    return Tokenizer.from_str(json.dumps(state))


@pytest.fixture(scope="module")
def codec():
    return TokenizerCodec(byte_level())


@given(st.text() | st.lists(st.sampled_from([END, "<", " the", "文", "\n"])).map("".join))
def test_a_text_comes_back_as_it_was(text):
    codec = TokenizerCodec(_ONE)
    numbers = codec.encode(text)
    assert codec.decode(numbers) == text
    assert codec.EOS not in numbers


_ONE = byte_level()


def test_the_numbers_are_those_of_the_tokenizer(codec):
    tokenizer = byte_level()
    for text in TEXTS[:2]:
        assert codec.encode(text).tolist() == tokenizer.encode(text).ids
        assert codec.tokens(text) == tokenizer.encode(text).tokens
        assert [codec.words[n] for n in codec.encode(text)] == codec.tokens(text)
    assert codec.encode("a").dtype == np.int32
    assert [row.tolist() for row in codec.encode_all(TEXTS)] == [
        tokenizer.encode(text).ids for text in TEXTS
    ]
    assert codec.encode_all([]) == []
    assert len(codec) == tokenizer.get_vocab_size()


def test_specials_are_found_by_name_or_told():
    codec = TokenizerCodec(metaspace())
    assert (codec.UNK, codec.BOS, codec.EOS, codec.PAD) == (0, 1, 2, None)
    assert codec.unwritten == [0, 1]
    assert TokenizerCodec(metaspace(), eos="<s>", pad="</s>").EOS == 1
    with pytest.raises(ValueError, match="eos='<end>' is none of the tokens of the Tokenizer"):
        TokenizerCodec(metaspace(), eos="<end>")
    with pytest.raises(ValueError, match="no token that could end a text"):
        TokenizerCodec(SubwordTokenizer(vocab_size=270).fit(TEXTS))


def test_spare_numbers_have_no_text_and_are_not_written(codec):
    wide = TokenizerCodec(byte_level(), size=len(codec) + 2)
    assert len(wide) == len(codec) + 2 == len(wide.words)
    assert wide.unwritten == [len(codec), len(codec) + 1]
    assert wide.decode([len(codec), *codec.encode("the"), codec.EOS]) == "the"
    for wrong in (len(codec) - 1, 2.5, True):
        with pytest.raises(ValueError, match="size must be None or an integer of at least"):
            TokenizerCodec(byte_level(), size=wrong)


def test_files_and_folders_hold_tokenizers(tmp_path, codec):
    tokenizer = byte_level()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    old = tmp_path / "old"
    old.mkdir()
    tokenizer.model.save(str(old))
    for source in (path, str(tmp_path), old):
        found = TokenizerCodec(source)
        assert found.encode(TEXTS[1]).tolist() == codec.encode(TEXTS[1]).tolist()
        assert found.EOS == codec.EOS
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": {"content": "the"}}')
    assert tokenizer.token_to_id("the") == TokenizerCodec(tmp_path).EOS
    fitted = SubwordTokenizer(vocab_size=280, special_tokens=(END,)).fit(TEXTS)
    assert TokenizerCodec(fitted).encode("the king").tolist() == fitted.encode("the king")


def test_a_tokenizer_of_transformers_tells_its_specials():
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=byte_level(), eos_token="the")
    codec = TokenizerCodec(tokenizer)
    assert tokenizer.eos_token_id == codec.EOS
    assert codec.encode(TEXTS[1]).tolist() == tokenizer(TEXTS[1])["input_ids"]


def test_what_is_no_tokenizer_is_named(tmp_path):
    with pytest.raises(ValueError, match="got 3 \\(int\\)"):
        TokenizerCodec(3)
    with pytest.raises(ValueError, match="holds no tokenizer: neither"):
        TokenizerCodec(tmp_path)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ValueError, match=r"x\.json is no tokenizer: the tokenizers library"):
        TokenizerCodec(tmp_path / "x.json")
    (tmp_path / "x.json").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"x\.json is not text in UTF-8"):
        TokenizerCodec(tmp_path / "x.json")
    with pytest.raises(FileNotFoundError):
        TokenizerCodec(tmp_path / "none.json")


def test_a_number_far_above_the_tokens_is_refused(tmp_path):
    state = json.loads(byte_level().to_str())
    state["model"]["vocab"]["!"] = 2**31
    (tmp_path / "tokenizer.json").write_text(json.dumps(state))
    with pytest.raises(ValueError, match=r"no tokenizer: of its \d+ tokens one has the number 2,1"):
        TokenizerCodec(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps({END: 0, "a": 2**31}))
    (tmp_path / "merges.txt").write_text("")
    with pytest.raises(ValueError, match=r"vocab\.json: of its 2 tokens one has the number 2,147"):
        TokenizerCodec(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps({END: 0, "a": 1000}))
    assert len(TokenizerCodec(tmp_path)) == 1001


def test_wrong_texts_and_numbers_are_named(codec):
    with pytest.raises(TextInputError, match="a single str here"):
        codec.encode(["the"])
    with pytest.raises(TextInputError, match=r"texts\[1\] is None"):
        codec.encode_all(["the", None])
    with pytest.raises(ValueError, match=r"ids\[1\] is -1; expected a number of 0 to"):
        codec.decode([3, -1])
    assert codec.decode(codec.encode("te\ud800xt")) == "te\ufffdxt"


def test_a_state_is_json_and_gives_the_codec_back(codec):
    state = json.loads(json.dumps(codec.state()))
    for other in (
        codec_from_state(state),
        pickle.loads(pickle.dumps(codec)),
        copy.deepcopy(codec),
    ):
        assert other.encode(TEXTS[1] + END).tolist() == codec.encode(TEXTS[1] + END).tolist()
        assert (len(other), other.EOS, other.concatenates) == (len(codec), codec.EOS, True)
    assert isinstance(codec_from_state(TextCodec().fit(TEXTS).state()), TextCodec)
    for broken in (
        {**state, "size": 3},
        {**state, "specials": {"eos": None, "bos": None, "unk": None, "pad": None}},
        {**state, "specials": {"eos": 10**6, "bos": None, "unk": None, "pad": None}},
        {**state, "tokenizer": "{}"},
        {"size": 3},
    ):
        with pytest.raises(ValueError, match=r"TokenizerCodec|size|TextCodec"):
            codec_from_state(broken)


def test_text_tells_the_kinds_apart_that_pieces_of_a_stream_need():
    assert TokenizerCodec(byte_level()).concatenates
    assert not TokenizerCodec(metaspace()).concatenates
    levels = {level: TextCodec(level=level).concatenates for level in ("word", "character")}
    assert levels == {"word": False, "character": True}
