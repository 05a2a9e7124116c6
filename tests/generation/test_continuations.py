"""How likely language models take continuations of prompts to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textrep import GPT, RNNLanguageModel
from textrep.core.text import TextInputError

TEXTS = ["so much text, so little time", "much ado about so little", "time and text"] * 4
PROMPTS = ["so", "so much", "", "much ado about so little time and text so much text, so little"]
RESTS = [" much text", " text", "time", " so little"]


@pytest.fixture(scope="module", params=["gpt", "rnn"])
def model(request):
    shared = {"level": "word", "epochs": 2, "hidden_size": 8, "device": "cpu", "random_state": 0}
    if request.param == "gpt":
        return GPT(num_layers=2, num_heads=2, max_length=16, **shared).fit(TEXTS)
    return RNNLanguageModel(embedding_size=8, num_layers=1, **shared).fit(TEXTS)


def scores_of(model, ids):
    """Logits (T, V) after each of some tokens."""
    ids = torch.tensor([ids])
    with torch.inference_mode():
        module = model.module_.eval()
        if isinstance(model, GPT):
            return module.scores(module.hidden(ids))[0]
        return module.scores(module.forward_states(ids, None)[0][-1])[0]


def by_hand(model, prompt, rest):
    codec = model.codec_
    before, after = codec.encode(prompt).tolist(), codec.encode(rest).tolist()
    total = 0.0
    for place, token in enumerate(after):
        logits = scores_of(model, [codec.EOS, *before, *after[:place]])[-1]
        total += float(torch.log_softmax(logits.double(), 0)[token])
    return total


def test_they_are_those_of_one_token_after_another(model):
    found = model.log_likelihoods_of_continuations(PROMPTS[:3], RESTS[:3])
    assert found.dtype == np.float64
    expected = [by_hand(model, *pair) for pair in zip(PROMPTS[:3], RESTS[:3], strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_pair_has_the_same_alone_and_among_others(model):
    pairs = [(prompt, rest) for prompt in PROMPTS for rest in [*RESTS, "time", " and text and"]]
    together = model.log_likelihoods_of_continuations(*zip(*pairs, strict=True))
    alone = [model.log_likelihoods_of_continuations([a], [b])[0] for a, b in pairs]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_padding_is_not_sorted_among_the_tokens():
    """Attention by hashing has to be told how long each prompt is."""
    model = GPT(
        level="word", num_layers=2, num_heads=2, hidden_size=8, max_length=32, epochs=2,
        attention="lsh", attention_settings={"chunk_size": 4, "n_buckets": 4}, device="cpu",
        random_state=0,
    ).fit(TEXTS)  # fmt: skip
    with torch.no_grad():
        for weight in model.module_.parameters():
            weight.mul_(10 if weight.ndim == 2 else 1)
    together = model.log_likelihoods_of_continuations(PROMPTS, RESTS)
    pairs = zip(PROMPTS, RESTS, strict=True)
    alone = [model.log_likelihoods_of_continuations([a], [b])[0] for a, b in pairs]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_the_chain_rule_holds(model):
    whole, first, rest = model.log_likelihoods_of_continuations(
        ["", "", "so much"], ["so much text", "so much", " text"]
    )
    assert whole == pytest.approx(first + rest, abs=1e-5)
    end = float(
        torch.log_softmax(scores_of(model, [3, *model.codec_.encode("so much text")])[-1], 0)[3]
    )
    assert model.log_likelihoods(["so much text"])[0] == pytest.approx(whole + end, abs=1e-5)


def test_nothing_is_certain_to_follow(model):
    assert model.log_likelihoods_of_continuations(["so", ""], ["", ""]).tolist() == [0.0, 0.0]
    assert model.log_likelihoods_of_continuations([], []).shape == (0,)


def test_of_a_prompt_that_is_too_long_the_end_is_read():
    shared = {"level": "word", "num_layers": 2, "num_heads": 2, "hidden_size": 8, "epochs": 2}
    model = GPT(max_length=4, device="cpu", random_state=0, **shared).fit(TEXTS)
    ids = model.codec_.encode("so much text so little time")
    found = model.log_likelihoods_of_continuations(["so much text so"], [" little time"])
    log_probs = torch.log_softmax(scores_of(model, ids[1:5].tolist()), 1)  # a window of four
    assert found[0] == pytest.approx(float(log_probs[2, ids[4]] + log_probs[3, ids[5]]), abs=1e-5)
    # A continuation that is longer than the window is read window by window.
    longer = model.log_likelihoods_of_continuations([""], ["so much text so little time"])
    assert longer[0] == pytest.approx(
        model.log_likelihoods(["so much text so little time"])[0]
        - float(torch.log_softmax(scores_of(model, ids[-4:].tolist())[-1], 0)[3]),
        abs=0.05,
    )


def test_what_is_no_text_or_not_as_many_is_refused(model):
    with pytest.raises(ValueError, match="continuations must be as many as prompts, 2, got 1"):
        model.log_likelihoods_of_continuations(["a", "b"], ["c"])
    with pytest.raises(TextInputError, match="prompts is a single str"):
        model.log_likelihoods_of_continuations("a", ["c"])
    with pytest.raises(TextInputError, match=r"continuations\[0\] is None"):
        model.log_likelihoods_of_continuations(["a"], [None])
