"""What language models write: prompts, streams, ends, random numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from tests.generation.plain import PlainLM
from textrep import RNNLanguageModel
from textrep.core.text import TextInputError
from textrep.generation import Sampler
from textrep.generation.continuing import Continuation, TextPieces, whole_text
from textrep.generation.sampling import row_generators
from textrep.preprocess import TextCodec

EOS, NEVER = 3, (0, 1, 2)
TEXTS = [
    "the cat sat on the mat, the dog did not.",
    "é文 ☃ naïve ☃ 文é",
    "a dog is not a cat; the cat knows!",
    "the mat is on the floor and the dog is on the mat",
]
LEVELS = ("word", "character", "whitespace", "subword")
PROMPTS = ["the cat", "", "a dog is not a", "é", "zebra"]


def model_of(level, cell="lstm", texts=TEXTS, **params):
    tiny = {"embedding_size": 8, "hidden_size": 8, "window": 6, "epochs": 1, "min_count": 1}
    return RNNLanguageModel(
        level=level, cell=cell, vocab_size=280, device="cpu", random_state=0, **{**tiny, **params}
    ).fit(texts)


@pytest.fixture(scope="module", params=LEVELS)
def model(request):
    return model_of(request.param)


@pytest.fixture(scope="module")
def characters():
    return model_of("character")


def tokens_of(continuation, n_rows, most):
    found = [[] for _ in range(n_rows)]
    for step in continuation.steps(most):
        for row, token in step:
            found[row].append(token)
    return found


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_greedy_writing_is_that_of_a_plain_loop(cell):
    model = model_of("character", cell)
    plain = PlainLM(model.module_, cell)
    for prompt in PROMPTS:
        ids = model.codec_.encode(prompt).tolist()
        expected = plain.greedy([EOS, *ids], 12, EOS, NEVER)
        written = model.generate(prompt, max_new_tokens=12, temperature=0)
        assert written == model.codec_.decode(expected)


def test_rows_of_a_batch_are_written_as_each_alone(model):
    prompts = [model.codec_.encode(prompt) for prompt in PROMPTS]
    sampler = Sampler(temperature=1.5, top_p=0.95, repetition_penalty=1.2, banned=NEVER)

    def written(rows):
        generators = row_generators(7, len(prompts))
        continuation = Continuation(
            model.module_,
            [prompts[row] for row in rows],
            sampler,
            [generators[row] for row in rows],
            eos=EOS,
            precision="fp32",
        )
        return tokens_of(continuation, len(rows), 30)

    together = written(range(len(prompts)))
    assert len({len(tokens) for tokens in together}) > 1 or model.level == "subword"
    assert together == [written([row])[0] for row in range(len(prompts))]
    assert written([4, 1, 0]) == [together[4], together[1], together[0]]


def test_the_pieces_of_a_stream_are_the_text(model):
    for seed in range(5):
        for prompt in PROMPTS:
            how = {"max_new_tokens": 25, "random_state": seed}
            pieces = list(model.stream(prompt, **how))
            assert "".join(pieces) == model.generate(prompt, **how)
            assert all(pieces)


def test_a_stream_is_written_as_it_is_asked_for(characters):
    stream = characters.stream("the", max_new_tokens=10**9, random_state=0)
    first = [next(stream) for _ in range(3)]
    assert "".join(first) == characters.generate("the", max_new_tokens=3, random_state=0)
    # Between two pieces the caller's own tensors can have gradients.
    assert torch.ones(1, requires_grad=True).mul(2).requires_grad
    stream.close()


def test_a_text_ends_where_the_model_ends_it():
    model = model_of(
        "whitespace", texts=["a b c"] * 40, epochs=40, learning_rate=0.03, dropout=0, num_layers=1
    )
    assert model.generate(temperature=0) == "a b c"
    assert model.generate("a", temperature=0) == " b c"
    assert model.generate("a b c", temperature=0) == ""
    assert model.generate(["a b", "a"], temperature=0) == [" c", " b c"]
    assert model.generate("a", temperature=0, max_new_tokens=1) == " b"


def test_specials_are_never_written(model):
    with torch.no_grad():
        bias = model.module_.output.bias.clone()
        model.module_.output.bias[:3] += 100.0
    tokens = tokens_of(
        Continuation(
            model.module_,
            [np.zeros(0, dtype=np.int32)] * 20,
            Sampler(banned=NEVER),
            row_generators(0, 20),
            eos=EOS,
            precision="fp32",
        ),
        20,
        10,
    )
    written = model.generate(["the"] * 5, random_state=0)
    with torch.no_grad():
        model.module_.output.bias.copy_(bias)
    assert min(token for row in tokens for token in row) > EOS
    assert not any(re.search("<pad>|<unk>|<bos>|<eos>", text) for text in written)


def test_shapes_follow_the_question(characters):
    how = {"max_new_tokens": 4, "random_state": 0}
    assert isinstance(characters.generate("a", **how), str)
    several = characters.generate("a", num_return_sequences=3, **how)
    assert len(several) == 3
    assert len(set(several)) > 1
    assert several[0] == characters.generate("a", **how)
    lists = characters.generate(["a", "b"], num_return_sequences=2, **how)
    assert [len(texts) for texts in lists] == [2, 2]
    assert characters.generate([], **how) == []
    assert characters.sample(3, **how) == characters.generate([""] * 3, **how)
    assert len(set(characters.sample(20, random_state=0))) > 10


def test_the_same_seed_writes_the_same_and_none_writes_anew(characters):
    first = characters.generate("the", random_state=3)
    assert first == characters.generate("the", random_state=3)
    assert first != characters.generate("the", random_state=4)
    assert characters.generate("the") != characters.generate("the")
    # A longer text begins as the shorter one, and later prompts change nothing.
    assert first.startswith(characters.generate("the", max_new_tokens=5, random_state=3))
    assert characters.generate(["the", "a cat"], random_state=3)[0] == first


def test_more_texts_than_are_written_at_a_time_are_the_same_texts(characters, monkeypatch):
    how = {"max_new_tokens": 5, "random_state": 0}
    expected = characters.sample(7, **how)
    monkeypatch.setattr("textrep.generation.language_model._ROWS_AT_ONCE", 3)
    assert characters.sample(7, **how) == expected


def test_without_temperature_one_candidate_is_taken(characters):
    greedy = characters.generate("the", temperature=0)
    assert greedy == characters.generate("the", top_k=1, random_state=0)
    assert greedy == characters.generate("the", top_p=1e-9, random_state=0)


def test_repeats_can_be_kept_away(characters):
    # With so great a penalty all characters, or the end, come before one comes again.
    written = characters.generate("", temperature=0, repetition_penalty=1e6, max_new_tokens=10)
    assert len(set(written)) == len(written) > 5


def test_words_are_joined_to_the_prompt_as_one_writes_them():
    codec = TextCodec().fit(["So much , (so little) text"])

    def after(prompt, text):
        return whole_text(codec, codec.encode(prompt), codec.encode(text).tolist())

    assert after("So much", ", so") == ", so"
    assert after("So", "much") == " much"
    assert after("", "much (so") == "much (so"
    assert after("So (", "so)") == "so)"


def test_characters_of_several_bytes_come_when_they_are_whole():
    codec = TextCodec(level="subword", vocab_size=260).fit(["a"])
    tokens = codec.encode("a文é").tolist()
    assert len(tokens) == 6
    pieces = TextPieces(codec, codec.encode(""))
    assert [pieces.push(token) for token in tokens] == ["a", "", "", "文", "", "é"]
    assert pieces.finish() == ""
    pieces.push(tokens[1])
    assert pieces.finish() == "\ufffd"  # the rest never came
    # Bytes that are no characters do not hold up what follows for ever.
    broken = TextPieces(codec, codec.encode(""))
    assert [broken.push(token) for token in (tokens[1], tokens[0])] == ["", "\ufffda"]


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be an integer of at least 1, got 0"),
        ({"num_return_sequences": 0}, "num_return_sequences"),
        ({"temperature": -0.1}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 2}, "top_p"),
        ({"repetition_penalty": -1}, "repetition_penalty"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_a_wish_out_of_range_is_named(characters, how, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        characters.generate("the", **how)


def test_a_prompt_that_is_no_text_is_refused_at_once(characters):
    for wrong in (None, 3, ["a", None]):
        with pytest.raises(TextInputError, match="prompt"):
            characters.generate(wrong)
        with pytest.raises(TextInputError, match="prompt"):
            characters.stream(wrong)
    with pytest.raises(ValueError, match="n must be"):
        characters.sample(0)
