"""Tiny checkpoints in the layout of Hugging Face, made on the spot."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.preprocess.test_tokenizer_codec import TEXTS, metaspace

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' and m.content == 'refuse' %}{{ raise_exception('no system') }}"
    "{% endif %}{{ '<|' + m.role + '|>' + m.content + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def save_llama(folder: Path, template: str | None = None, **config) -> Path:
    """A Llama of random weights, with the tokenizer that Llama 2 has."""
    import torch
    import transformers

    tokenizer = metaspace()
    read = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    read.chat_template = template
    read.save_pretrained(folder)
    settings = {
        "vocab_size": tokenizer.get_vocab_size() + 3,
        "hidden_size": 8,
        "intermediate_size": 12,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 24,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": None,
    }
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings | config)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


@functools.cache
def standing_checkpoint() -> str:
    """Folder of a GPT-2 that is there as long as the process is, made without transformers."""
    from textrep import GPT

    folder = tempfile.TemporaryDirectory(prefix="textrep-checkpoint-")
    _KEPT.append(folder)
    path = f"{folder.name}/tiny"
    model = GPT(
        vocab_size=270,
        num_layers=1,
        num_heads=2,
        hidden_size=4,
        max_length=8,
        epochs=1,
        device="cpu",
        random_state=0,
    )
    model.fit(TEXTS).save_pretrained(path)
    return path


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
