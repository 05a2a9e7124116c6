"""`CodeCodec`: source code <-> numbers, with line ends and indentation as units."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from textrep.core.messages import shown
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.parameters import check_count
from textrep.preprocess.subword_training import require_tokenizers
from textrep.preprocess.surrogates import refuse_surrogates

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>", "<prefix>", "<suffix>", "<middle>", "<end>")
"""How the numbers that are no part of a text are shown."""

N_BYTES = 256

# In this order: line ends; indentation; a name or number with the space before it; other marks
# with theirs; further white space, of which the last space belongs to what follows.
_PIECES = (
    r"\n+",
    r"(?<![^\n])[ \t]+",
    r" ?[^\W\d]\w*",
    r" ?\d+",
    r" ?[^\s\w]+",
    r"[^\S\n]+(?= \S)|[^\S\n]+",
)
PATTERN = "|".join(_PIECES)
"""What no unit goes across."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


class CodeCodec:
    """Source code <-> numbers.

    The text is cut into line ends, indentation, names, numbers and runs of other marks; inside
    these, byte-level BPE has units that training texts repeat. So no unit goes across the end of a
    name or a line, and each text has its numbers, which give it back exactly.

    The numbers 0 to 7 are `PAD`, `UNK` (never used), `BOS`, `EOS`, and the signs of filling in,
    `PREFIX`, `SUFFIX`, `MIDDLE` and `END`; no text is encoded to them.

    Parameters
    ----------
    vocab_size : int, default=6000
        Units at most, signs included; at least 264.
    min_count : int, default=2
        Occurrences that a pair must have to become a unit.

    Attributes
    ----------
    words : list of str
        Number -> unit. Bytes are shown as GPT-2 shows them: a space as ``Ġ``, a line end as ``Ċ``.
    unit_bytes : list of bytes
        What each unit is in UTF-8; nothing for the signs.

    Examples
    --------
    >>> codec = CodeCodec(min_count=1).fit(["def f(x):\\n    return x\\n"])
    >>> codec.tokens("def f(x):\\n    return x\\n")
    ['def', 'Ġf', '(', 'x', '):', 'Ċ', 'ĠĠĠĠ', 'return', 'Ġx', 'Ċ']
    >>> codec.decode(codec.encode("if f:\\n\\tpass"))
    'if f:\\n\\tpass'
    """

    PAD, UNK, BOS, EOS, PREFIX, SUFFIX, MIDDLE, END = range(len(SPECIALS))
    level = "subword"
    concatenates = True

    words: list[str]
    unit_bytes: list[bytes]

    def __init__(self, *, vocab_size: int = 6000, min_count: int = 2) -> None:
        check_count("vocab_size", vocab_size, N_BYTES + len(SPECIALS))
        check_count("min_count", min_count, 1)
        self.vocab_size = vocab_size
        self.min_count = min_count

    def __len__(self) -> int:
        """How many numbers there are, signs included."""
        return len(self._fitted().words)

    def fit(self, texts: Any, verbose: int = 0) -> Self:
        """Learn the units.

        Parameters
        ----------
        texts : iterable of str
        verbose : ignored

        Returns
        -------
        self

        Raises
        ------
        TextInputError
            If `texts` holds something else, or half of a surrogate pair.
        """
        require_tokenizers()
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        texts = check_texts(texts)
        refuse_surrogates(texts)
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [_splitter(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocab_size - len(SPECIALS),
            min_frequency=self.min_count,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        self._take(tokenizer)
        return self

    def _take(self, tokenizer: Tokenizer) -> None:
        numbers = tokenizer.get_vocab()
        units = sorted(numbers, key=numbers.__getitem__)
        table = _byte_of_character()
        self._tokenizer = tokenizer
        self.words = [*SPECIALS, *units]
        self.unit_bytes = [b""] * len(SPECIALS) + [bytes(table[c] for c in unit) for unit in units]

    # ---- cutting

    def tokens(self, text: str) -> list[str]:
        """The units of a text."""
        words = self.words
        return [words[number] for number in self.encode(text)]

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where the pieces that no unit goes across begin and end, in characters."""
        found = _splitter().pre_tokenize_str(_whole(text))
        return [(int(start), int(end)) for _, (start, end) in found]

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's units, int32 (n_units,)."""
        if not isinstance(text, str):
            raise TextInputError(f"text must be a single str here, got {shown(text)}")
        return self.encode_all([text])[0]

    def encode_all(self, texts: Any, verbose: int = 0) -> list[np.ndarray]:
        """The numbers of the units of each text.

        Parameters
        ----------
        texts : iterable of str
        verbose : ignored

        Returns
        -------
        list of int32 ndarray (n_units,)
        """
        self._fitted()
        whole = [_whole(text) for text in check_texts(texts, allow_empty=True)]
        encodings = self._tokenizer.encode_batch(whole, add_special_tokens=False)
        first = len(SPECIALS)
        return [np.array(encoding.ids, dtype=np.int32) + np.int32(first) for encoding in encodings]

    def decode(self, ids: Iterable[int]) -> str:
        """The text that numbers stand for, signs left out.

        Parameters
        ----------
        ids : iterable of int

        Returns
        -------
        str
            Exactly the text that was encoded; bytes that are no character are shown as U+FFFD.

        Raises
        ------
        ValueError
            If there is no unit of a number.
        """
        size = len(self)
        numbers = [int(number) for number in ids]
        for place, number in enumerate(numbers):
            if not 0 <= number < size:
                raise ValueError(f"ids[{place}] is {number}; expected a number of 0 to {size - 1}")
        return b"".join(self.unit_bytes[n] for n in numbers).decode("utf-8", "replace")

    # ---- saving

    def state(self) -> dict[str, Any]:
        """The fitted codec as values that JSON can hold."""
        self._fitted()
        model = json.loads(self._tokenizer.to_str())["model"]
        return {
            "kind": "code",
            "vocab_size": self.vocab_size,
            "min_count": self.min_count,
            "units": self.words[len(SPECIALS) :],
            "merges": [merge if isinstance(merge, list) else merge.split(" ")
                       for merge in model["merges"]],
        }  # fmt: skip

    @classmethod
    def from_state(cls, state: Any) -> CodeCodec:
        """The codec that `state` was taken from.

        Raises
        ------
        ValueError
            If it is the state of no such codec.
        """
        wanted = {"kind", "vocab_size", "min_count", "units", "merges"}
        if not isinstance(state, dict) or set(state) != wanted or state["kind"] != "code":
            raise ValueError("the state of a CodeCodec has its parameters, units and merges")
        codec = cls(vocab_size=state["vocab_size"], min_count=state["min_count"])
        codec._take(_tokenizer_of(state["units"], state["merges"]))
        return codec

    def __getstate__(self) -> dict[str, Any]:
        # A pickled Tokenizer forgets some of its settings.
        if "words" not in self.__dict__:
            return dict(self.__dict__)
        return {"state": self.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(
            self.from_state(state["state"]).__dict__ if "state" in state else state
        )

    def _fitted(self) -> Self:
        if "words" not in self.__dict__:
            raise ValueError("this CodeCodec has no units yet: call fit with texts first")
        return self


def _tokenizer_of(units: Any, merges: Any) -> Tokenizer:
    """The tokenizer of units and merges, which may be anything."""
    require_tokenizers()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = set(_byte_of_character())
    if (
        not isinstance(units, list)
        or not all(isinstance(unit, str) and unit and alphabet.issuperset(unit) for unit in units)
        or len(set(units)) < len(units)
        or not alphabet.issubset(units)
    ):
        raise ValueError("the units of a CodeCodec are different strings of bytes, all bytes too")
    known = set(units)
    try:
        pairs = [(str(first), str(second)) for first, second in merges]
    except (TypeError, ValueError):
        raise ValueError("the merges of a CodeCodec are pairs of units") from None
    if not all({first, second, first + second} <= known for first, second in pairs):
        raise ValueError("the merges of a CodeCodec are pairs of units that make a unit")
    numbers = {unit: number for number, unit in enumerate(units)}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [_splitter(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@functools.cache
def _splitter() -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")


@functools.cache
def _byte_of_character() -> dict[str, int]:
    """GPT-2's way to show bytes: what can be printed is itself, the others follow from U+0100."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(N_BYTES) if byte not in printed]
    table = {chr(byte): byte for byte in printed}
    return table | {chr(0x100 + place): byte for place, byte in enumerate(others)}


def _whole(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub(_REPLACEMENT, text)
