"""How `TextCodec` cuts, numbers and joins texts at each of its levels."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from textrep.core.messages import shown
from textrep.core.progress import progress
from textrep.preprocess.subwords import SubwordTokenizer
from textrep.preprocess.surrogates import refuse_surrogates, without_surrogates

SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")
"""How the four numbers that are no part of a text are shown."""

UNKNOWN = SPECIALS.index("<unk>")

WORD_PATTERN = r"\w+(?:['’]\w+)*|[^\w\s]"
"""Words with their apostrophes inside, and each other mark alone."""

TEXTS_AT_ONCE = 4096
"""Texts that are numbered together."""

_REPLACEMENT = "\ufffd"  # what Unicode shows in place of an unknown character

_CLOSING = frozenset(",.!?;:)]}…%»”’")  # no space before these
_OPENING = frozenset("([{¿¡«“‘$#@")  # nor after these


class Limits(NamedTuple):
    """Which units are kept; see `TextCodec`."""

    max_vocabulary: int | None
    min_count: int
    vocab_size: int


class Units(Protocol):
    """One level; texts come in lower case where that is asked for."""

    def learn(self, texts: list[str], verbose: int) -> list[str]: ...
    def cut(self, text: str) -> list[str]: ...
    def numbers(self, texts: list[str]) -> list[np.ndarray]: ...
    def text(self, numbers: list[int], words: list[str]) -> str: ...
    def state(self, words: list[str]) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> list[str]: ...


def make_units(level: str, limits: Limits, token_pattern: str | None) -> Units:
    """What a level cuts texts into.

    Raises
    ------
    ValueError
        If the pattern, which only words need, is no regular expression.
    """
    if level == "subword":
        return _Subwords(limits)
    if level == "byte":
        return _Bytes()
    if level == "character":
        return _Characters(limits)
    if level == "whitespace":
        return _Words(limits, str.split, " ".join)
    return _Words(limits, _pattern_cutter(token_pattern), join_words)


class _Numbers(dict[str, int]):
    """Unit -> number; pickles and looks up at the speed of a dict."""

    def __missing__(self, unit: str) -> int:
        return UNKNOWN


class _Words:
    """Words: a dictionary. Also what characters have in common with them."""

    def __init__(
        self, limits: Limits, cut: Callable[[str], list[str]], join: Callable[[list[str]], str]
    ) -> None:
        self._limits = limits
        self.cut = cut
        self._join = join
        self._numbers = _Numbers()

    def learn(self, texts: list[str], verbose: int) -> list[str]:
        counts: Counter[str] = Counter()
        for text in progress(
            texts, description="Counting the words", verbose=verbose, unit="texts"
        ):
            counts.update(self.cut(text))
        # Stable, so that units as frequent as each other stay in the order they were met.
        kept = [(unit, n) for unit, n in counts.items() if n >= self._limits.min_count]
        kept.sort(key=lambda pair: -pair[1])
        return self._take([unit for unit, _ in kept[: self._limits.max_vocabulary]])

    def _take(self, units: list[str]) -> list[str]:
        self._numbers = _Numbers(zip(units, itertools.count(len(SPECIALS)), strict=False))
        return units

    def numbers(self, texts: list[str]) -> list[np.ndarray]:
        look_up = self._numbers.__getitem__
        return [np.array(list(map(look_up, self.cut(text))), dtype=np.int32) for text in texts]

    def text(self, numbers: list[int], words: list[str]) -> str:
        return self._join([words[number] for number in numbers])

    def state(self, words: list[str]) -> dict[str, Any]:
        return {"words": words[len(SPECIALS) :]}

    def restore(self, state: dict[str, Any]) -> list[str]:
        units = state.get("words")
        if not isinstance(units, list) or not units or not all(type(u) is str for u in units):
            raise ValueError("the words of a TextCodec are a list of str")
        if len(set(units)) < len(units):
            raise ValueError("the words of a TextCodec differ from each other")
        return self._take(units)


class _Characters(_Words):
    """Characters: a table by code point."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits, list, "".join)
        self._table = np.zeros(1, dtype=np.int32)

    def _take(self, units: list[str]) -> list[str]:
        if any(len(unit) != 1 for unit in units):
            raise ValueError("the words of a TextCodec of characters are single characters")
        points = np.array([ord(unit) for unit in units], dtype=np.int64)
        # The last entry stands for all code points beyond.
        self._table = np.full(points.max(initial=0) + 2, UNKNOWN, dtype=np.int32)
        self._table[points] = np.arange(len(SPECIALS), len(SPECIALS) + len(units))
        return units

    def numbers(self, texts: list[str]) -> list[np.ndarray]:
        last = len(self._table) - 1
        return [self._table[np.minimum(_code_points(text), last)] for text in texts]

    def text(self, numbers: list[int], words: list[str]) -> str:
        unknown = UNKNOWN
        return "".join(_REPLACEMENT if n == unknown else words[n] for n in numbers)


class _Bytes:
    """The bytes of UTF-8: all 256 of them, whatever the texts hold."""

    def learn(self, texts: list[str], verbose: int) -> list[str]:
        return list(_BYTES_SHOWN)

    def cut(self, text: str) -> list[str]:
        return [_BYTES_SHOWN[byte] for byte in _bytes_of(text)]

    def numbers(self, texts: list[str]) -> list[np.ndarray]:
        first = len(SPECIALS)
        return [np.frombuffer(_bytes_of(t), dtype=np.uint8).astype(np.int32) + first for t in texts]

    def text(self, numbers: list[int], words: list[str]) -> str:
        first = len(SPECIALS)
        return bytes(n - first for n in numbers if n >= first).decode("utf-8", "replace")

    def state(self, words: list[str]) -> dict[str, Any]:
        return {"words": words[len(SPECIALS) :]}

    def restore(self, state: dict[str, Any]) -> list[str]:
        if state.get("words") != list(_BYTES_SHOWN):
            raise ValueError("the words of a TextCodec of bytes are the 256 bytes")
        return list(_BYTES_SHOWN)


class _Subwords:
    """Byte-level BPE, renumbered by how often its pieces stand in the training texts."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tokenizer = SubwordTokenizer()
        self._order = np.zeros(0, dtype=np.int64)  # rank by frequency -> number of the tokenizer
        self._ranks = np.zeros(0, dtype=np.int32)  # the way back, as a number of the codec

    def learn(self, texts: list[str], verbose: int) -> list[str]:
        refuse_surrogates(texts)
        size = self._limits.vocab_size - len(SPECIALS)
        self._tokenizer = SubwordTokenizer(vocab_size=size, min_frequency=self._limits.min_count)
        self._tokenizer.fit(texts)
        counts = np.zeros(len(self._tokenizer.vocabulary_), dtype=np.int64)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            for numbers in self._raw(texts[start : start + TEXTS_AT_ONCE]):
                counts += np.bincount(numbers, minlength=len(counts))
        return self._arrange(np.argsort(-counts, kind="stable"))

    def _arrange(self, order: np.ndarray) -> list[str]:
        pieces = list(self._tokenizer.vocabulary_)
        self._order = order
        self._ranks = np.empty(len(order), dtype=np.int32)
        self._ranks[order] = np.arange(len(SPECIALS), len(SPECIALS) + len(order))
        return [pieces[number] for number in order]

    def cut(self, text: str) -> list[str]:
        return self._tokenizer.tokenize(without_surrogates(text))

    def numbers(self, texts: list[str]) -> list[np.ndarray]:
        # What cannot be encoded does not stop what can.
        whole = [without_surrogates(text) for text in texts]
        return [self._ranks[numbers] for numbers in self._raw(whole)]

    def _raw(self, texts: list[str]) -> list[np.ndarray]:
        encodings = self._tokenizer.tokenizer_.encode_batch(texts, add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]

    def text(self, numbers: list[int], words: list[str]) -> str:
        first = len(SPECIALS)
        return self._tokenizer.decode(self._order[n - first] for n in numbers if n >= first)

    def state(self, words: list[str]) -> dict[str, Any]:
        return {**self._tokenizer._get_state(), "order": self._order.tolist()}

    def restore(self, state: dict[str, Any]) -> list[str]:
        if set(state) != {"tokenizer", "order"} or not isinstance(state["order"], list):
            raise ValueError("the units of a TextCodec of subwords are a tokenizer and an order")
        self._tokenizer._set_state({"tokenizer": state["tokenizer"]})
        size = len(self._tokenizer.vocabulary_)
        if sorted(state["order"]) != list(range(size)):
            raise ValueError(f"the order of a TextCodec's subwords is one of 0 to {size - 1}")
        return self._arrange(np.array(state["order"], dtype=np.int64))


def join_words(words: list[str]) -> str:
    """Words with spaces between them, where one writes any.

    >>> join_words(["So", "much", "(", "or", "less", ")", ",", "he", "said", "."])
    'So much (or less), he said.'
    """
    pieces: list[str] = []
    tight = True
    for word in words:
        pieces += [word] if tight or word in _CLOSING else [" ", word]
        tight = word in _OPENING
    return "".join(pieces)


def _pattern_cutter(token_pattern: Any) -> Callable[[str], list[str]]:
    if token_pattern is None:
        return re.compile(WORD_PATTERN).findall
    if not isinstance(token_pattern, str):
        raise ValueError(f"token_pattern must be a str or None, got {shown(token_pattern)}")
    try:
        pattern = re.compile(token_pattern)
    except re.error as error:
        raise ValueError(
            f"token_pattern={shown(token_pattern)} is no regular expression: {error}"
        ) from None
    if pattern.groups > 1:
        raise ValueError(
            f"token_pattern={shown(token_pattern)} has {pattern.groups} groups; at most one may be "
            "captured"
        )
    return _Finder(pattern)


class _Finder:
    """The words that a pattern finds, none of them empty."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def __call__(self, text: str) -> list[str]:
        return list(filter(None, self._pattern.findall(text)))


def _bytes_of(text: str) -> bytes:
    return without_surrogates(text).encode()


def _show_bytes() -> tuple[str, ...]:
    """Bytes as GPT-2 shows them: what can be printed as itself, the others from U+0100 on."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printed]
    shown_as = {byte: chr(byte) for byte in printed}
    shown_as |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    return tuple(shown_as[byte] for byte in range(256))


_BYTES_SHOWN = _show_bytes()


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
