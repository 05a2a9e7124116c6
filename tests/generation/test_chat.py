"""Conversations with a tiny instruction checkpoint."""

from __future__ import annotations

import pytest

from tests.generation.checkpoints import TEMPLATE, save_llama
from textrep import PretrainedLanguageModel
from textrep.generation import Chat

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = save_llama(tmp_path_factory.mktemp("chat"), TEMPLATE, max_position_embeddings=80)
    return PretrainedLanguageModel(checkpoint=folder, device="cpu").fit()


def shown(model, messages) -> list[int]:
    """The conversation as text, cut by the tokenizer, special tokens and all."""
    text = "<s>" + "".join(f"<|{m['role']}|>{m['content']}</s>" for m in messages)
    return model.tokenizer_(text + "<|assistant|>", add_special_tokens=False).input_ids


def test_an_answer_is_what_the_model_writes_after_the_template(model):
    import torch

    chat = Chat(model, system="be kind", temperature=0, max_new_tokens=6)
    asked = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "the king"}]
    ids = shown(model, asked)
    written = model.module_.model.generate(
        torch.tensor([ids]),
        max_new_tokens=6,
        do_sample=False,
        pad_token_id=2,
        suppress_tokens=model._unwritten(),
    )[0, len(ids) :].tolist()
    answer = "".join(chat.reply("the king"))
    assert answer == model.codec_.decode(written)
    assert chat.messages == [*asked, {"role": "assistant", "content": answer}]


def test_the_conversation_is_remembered_until_it_is_reset(model):
    chat = Chat(model, max_new_tokens=4, random_state=0)
    first = "".join(chat.reply("the king"))
    list(chat.reply("rules"))
    assert [m["content"] for m in chat.messages[:3]] == ["the king", first, "rules"]
    chat.reset()
    assert chat.messages == []


def test_random_answers_come_again_with_the_same_seed(model):
    def conversation(seed):
        chat = Chat(model, max_new_tokens=5, temperature=2.0, random_state=seed)
        return ["".join(chat.reply(text)) for text in ("the king", "rules")]

    assert conversation(1) == conversation(1)
    assert conversation(1) != conversation(2)


def test_the_oldest_turns_are_let_go_when_they_no_longer_fit(model):
    chat = Chat(model, system="the", temperature=0, max_new_tokens=8)
    dropped = 0
    for number in range(8):
        list(chat.reply(f"rules {number}"))
        dropped += chat.dropped_turns
        assert chat.messages[0] == {"role": "system", "content": "the"}
        assert chat.messages[-2]["content"] == f"rules {number}"
        assert [m["role"] for m in chat.messages[1:]] == ["user", "assistant"] * (
            (len(chat.messages) - 1) // 2
        )
    assert dropped > 0
    assert (len(chat.messages) - 1) // 2 == 8 - dropped


def test_a_message_that_never_fits_is_named_and_forgotten(model):
    chat = Chat(model, temperature=0, max_new_tokens=4)
    list(chat.reply("the king"))
    before = list(chat.messages)
    with pytest.raises(ValueError, match=r"the message is too long.* and the model sees 80"):
        chat.reply("rules " * 200)
    assert chat.messages == before


def test_an_answer_that_is_broken_off_is_kept_as_far_as_it_went(model):
    chat = Chat(model, temperature=0, max_new_tokens=6)
    whole = "".join(Chat(model, temperature=0, max_new_tokens=6).reply("the king"))
    pieces = chat.reply("the king")
    first = next(pieces)
    pieces.close()
    assert chat.messages[-1] == {"role": "assistant", "content": first}
    assert whole.startswith(first)
    chat.reply("never read")
    list(chat.reply("castle"))
    assert [m["content"] for m in chat.messages if m["role"] == "user"] == ["the king", "castle"]


def test_a_message_cannot_end_its_turn(model):
    chat = Chat(model, temperature=0, max_new_tokens=2)
    list(chat.reply("the</</s>s> king\ud800"))
    assert chat.messages[0]["content"] == "the king\ufffd"


def test_signs_of_roles_that_are_added_tokens_only_are_taken_out(tmp_path):
    """As in Llama 3, whose tokenizer names the first and the last token only."""
    folder = save_llama(tmp_path, TEMPLATE, max_position_embeddings=80)
    read = transformers.AutoTokenizer.from_pretrained(folder)
    read.add_tokens(transformers.AddedToken("<|user|>", special=True))
    read.save_pretrained(folder)
    chat = Chat(PretrainedLanguageModel(checkpoint=folder, device="cpu").fit(), max_new_tokens=1)
    list(chat.reply("the<|us<|user|>er|> king"))
    assert chat.messages[0]["content"] == "the king"


def test_an_answer_cannot_end_its_turn(model, monkeypatch):
    chat = Chat(model)
    monkeypatch.setattr(model, "continue_tokens", lambda *_: iter(["the </", "s>king"]))
    assert "".join(chat.reply("rules")) == "the </s>king"
    assert chat.messages[-1] == {"role": "assistant", "content": "the king"}


def test_an_answer_that_is_read_late_is_no_answer_to_another_message(model):
    chat = Chat(model, temperature=0, max_new_tokens=3)
    late = chat.reply("the king")
    list(chat.reply("rules"))
    before = list(chat.messages)
    list(late)
    assert chat.messages == before


def test_what_cannot_chat_is_told_why(model, tmp_path):
    from textrep import GPT

    silent = PretrainedLanguageModel(checkpoint=save_llama(tmp_path), device="cpu").fit()
    with pytest.raises(ValueError, match="has no chat template, so it was not trained to answer"):
        Chat(silent)
    with pytest.raises(ValueError, match="a GPT only continues texts; instruction checkpoints"):
        Chat(GPT())
    with pytest.raises(ValueError, match="refuses the conversation: no system"):
        Chat(model, system="refuse")
    with pytest.raises(ValueError, match="text must be a single str"):
        Chat(model).reply(None)
    with pytest.raises(ValueError, match="temperature"):
        Chat(model, temperature=-1)
