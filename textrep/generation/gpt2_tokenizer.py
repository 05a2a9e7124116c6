"""The tokenizer of a language model as files that transformers reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textrep.preprocess.codec import SPECIALS, TextCodec
from textrep.preprocess.tokenizer_codec import TokenizerCodec
from textrep.preprocess.tokenizer_files import CONFIG_FILE, TOKENIZER_FILE


def write_tokenizer(codec: TextCodec | TokenizerCodec, folder: Path, max_length: int) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``.

    Parameters
    ----------
    codec : TextCodec of subwords, or TokenizerCodec
    folder : Path
    max_length : int
        Tokens that the model sees.

    Raises
    ------
    ValueError
        If a tokenizer of the tokenizers library could not do the same.

    Notes
    -----
    A text that spells a special token out is read as that token by transformers, and is cut like
    any other text here.
    """
    if isinstance(codec, TokenizerCodec):
        text, names = codec.tokenizer.to_str(), codec.words
    else:
        text, names = _of_text_codec(codec)
    special = {
        "eos": codec.EOS,
        "bos": codec.EOS,  # what ends a text stands before it, too
        "unk": codec.UNK,
        "pad": codec.PAD,
    }
    known = {name: number for name, number in special.items() if number is not None}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": int(max_length),
        "clean_up_tokenization_spaces": False,
        **{f"{name}_token": names[number] for name, number in known.items()},
    }
    (folder / TOKENIZER_FILE).write_text(text, "utf-8")
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _of_text_codec(codec: TextCodec) -> tuple[str, list[str]]:
    """The JSON of a tokenizer with a codec's numbers, and its tokens."""
    if codec.level != "subword":
        raise ValueError(
            f"a model of level {codec.level!r} cannot be written as a GPT-2, which reads subwords"
        )
    if codec.lowercase:
        raise ValueError("a model with lowercase=True cannot be written as a GPT-2")
    tokenizer: dict[str, Any] = json.loads(codec.state()["tokenizer"])
    words = codec.words  # no subword is called like a special: none has marks and letters
    tokenizer["model"]["vocab"] = {word: number for number, word in enumerate(words)}
    tokenizer["added_tokens"] = [
        {
            "id": number,
            "content": words[number],
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for number in range(len(SPECIALS))
    ]
    return json.dumps(tokenizer, ensure_ascii=False), words
