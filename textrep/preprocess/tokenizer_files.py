"""Where tokenizers come from: objects of several libraries, and the files of published models."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from textrep.core.messages import printable, shown, type_name
from textrep.preprocess.subword_training import require_tokenizers

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
_OLD_FILES = ("vocab.json", "merges.txt")  # GPT-2 as it was published
_MAP_FILE = "special_tokens_map.json"
_MOST_SPARE = 1_000_000  # numbers without a token

SPECIALS = {
    "eos": ("<|endoftext|>", "</s>", "<eos>", "<|end_of_text|>", "<|im_end|>", "[SEP]", "[EOS]"),
    "bos": ("<s>", "<bos>", "<|begin_of_text|>", "[CLS]", "[BOS]"),
    "unk": ("<unk>", "[UNK]"),
    "pad": ("<pad>", "[PAD]", "<|pad|>"),
}
"""The special tokens, and what they are usually called."""


class TokenizerSource(NamedTuple):
    """A tokenizer as its file has it.

    Attributes
    ----------
    json : str
        As in a ``tokenizer.json``.
    specials : dict of str to str
        "eos", "bos", "unk" and "pad" as far as they are told.
    name : str
        What messages call it.
    """

    json: str
    specials: dict[str, str]
    name: str


def read_source(tokenizer: Any) -> TokenizerSource:
    """A tokenizer of any kind.

    Parameters
    ----------
    tokenizer : object or path
        See `textrep.preprocess.TokenizerCodec`.

    Returns
    -------
    TokenizerSource

    Raises
    ------
    ValueError
        If it is none, or none that can be used apart from its library.
    OSError
        If a file cannot be read.
    """
    if isinstance(tokenizer, str | os.PathLike):
        path = Path(tokenizer)
        return _of_folder(path) if path.is_dir() else TokenizerSource(_text(path), {}, _name(path))
    kind = f"the {type(tokenizer).__name__}"
    fitted = getattr(tokenizer, "tokenizer_", None)  # a SubwordTokenizer
    if fitted is not None:
        return TokenizerSource(fitted.to_str(), {}, kind)
    if hasattr(tokenizer, "special_tokens_map"):  # of transformers
        return _of_transformers(tokenizer, kind)
    if hasattr(tokenizer, "to_str") and hasattr(tokenizer, "encode_batch"):
        return TokenizerSource(tokenizer.to_str(), {}, kind)
    raise ValueError(
        "tokenizer must be a tokenizer of tokenizers or transformers, a fitted SubwordTokenizer, "
        f"or a file or folder that holds one, got {shown(tokenizer)} ({type_name(tokenizer)})"
    )


def _of_transformers(tokenizer: Any, kind: str) -> TokenizerSource:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ValueError(
            f"{kind} is written in Python, and cannot be kept in a file; take a fast tokenizer, "
            "which has a tokenizer.json"
        )
    return TokenizerSource(backend.to_str(), _specials_of(tokenizer.special_tokens_map), kind)


def _of_folder(folder: Path) -> TokenizerSource:
    specials: dict[str, str] = {}
    for name in (_MAP_FILE, CONFIG_FILE):
        if (folder / name).is_file():
            specials.update(_specials_of(_mapping(folder / name)))
    if (folder / TOKENIZER_FILE).is_file():
        return TokenizerSource(_text(folder / TOKENIZER_FILE), specials, _name(folder))
    vocabulary, merges = (folder / name for name in _OLD_FILES)
    if vocabulary.is_file() and merges.is_file():
        return TokenizerSource(_gpt2_json(vocabulary, merges), specials, _name(folder))
    raise ValueError(
        f"{_name(folder)} holds no tokenizer: neither {TOKENIZER_FILE} nor "
        f"{' and '.join(_OLD_FILES)}"
    )


def _gpt2_json(vocabulary: Path, merges: Path) -> str:
    """The tokenizer of GPT-2's two files."""
    require_tokenizers()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    try:
        tokenizer = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
    except Exception as error:  # of no type of its own
        raise ValueError(f"{_name(vocabulary)} and {merges.name} are no BPE: {error}") from None
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    try:
        check_numbers(tokenizer)
    except ValueError as error:
        raise ValueError(f"{_name(vocabulary)}: {error}") from None
    named = [name for name in SPECIALS["eos"] if tokenizer.token_to_id(name) is not None]
    tokenizer.add_special_tokens(named[:1])
    return tokenizer.to_str()


def check_numbers(tokenizer: Any) -> None:
    """Refuse numbers that are far more than the tokens: all of them are listed when words are
    looked up, and tokenizers 0.22 prints them all when one is written.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer

    Raises
    ------
    ValueError
        If more than a million numbers have no token.
    """
    numbers = tokenizer.get_vocab().values()
    highest = max(numbers, default=0)
    if highest - len(numbers) >= _MOST_SPARE:
        raise ValueError(f"of its {len(numbers):,} tokens one has the number {highest:,}")


def _specials_of(mapping: dict[str, Any]) -> dict[str, str]:
    """Special tokens of a mapping that may tell much else."""
    found = {}
    for name in SPECIALS:
        token = mapping.get(f"{name}_token")
        content = token.get("content") if isinstance(token, dict) else token
        if content is not None:
            found[name] = str(content)
    return found


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError as error:
        raise ValueError(f"{_name(path)} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{_name(path)} holds no mapping")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{_name(path)} is not text in UTF-8") from None


def _name(path: Path) -> str:
    return printable(str(path))
