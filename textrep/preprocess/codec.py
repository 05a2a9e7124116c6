"""`TextCodec`: texts <-> the numbers that language models read and write."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

import numpy as np

from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.text import check_texts
from textrep.preprocess.parameters import check_choice, is_integer
from textrep.preprocess.subwords import SubwordTokenizer
from textrep.preprocess.surrogates import refuse_surrogates

LEVELS = ("character", "word", "whitespace", "subword")
"""What `level` can be."""

SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")
"""How the four numbers that are no part of a text are shown."""

WORD_PATTERN = r"\w+(?:['’]\w+)*|[^\w\s]"
"""Words with their apostrophes inside, and each other mark alone."""

N_BYTES = 256  # the units that byte-level subwords begin with

_DESCRIPTION = "Numbering the texts"
_TEXTS_AT_ONCE = 4096
_REPLACEMENT = "\ufffd"  # what Unicode shows in place of an unknown character
_SURROGATE = re.compile("[\ud800-\udfff]")

_CLOSING = frozenset(",.!?;:)]}…%»”’")  # no space before these
_OPENING = frozenset("([{¿¡«“‘$#@")  # nor after these


class TextCodec:
    """Texts <-> numbers, at the level of characters, words or subwords.

    The numbers 0 to 3 are `PAD`, `UNK`, `BOS` and `EOS`. No text is encoded to one of them, even
    where it spells ``<eos>`` out, except `UNK` for a unit that fitting has not seen; the units
    follow, the most frequent first.

    Parameters
    ----------
    level : {"word", "character", "whitespace", "subword"}, default="word"
        "word" finds words and punctuation by `token_pattern`; "whitespace" cuts at white space
        alone, for texts that are cut into words already; "subword" is byte-level BPE, to which no
        text is unknown.
    lowercase : bool, default=False
        Whether texts are lower-cased.
    max_vocabulary : int or None, default=None
        Different units at most, the most frequent ones; the specials are not counted. Not for
        subwords.
    min_count : int, default=1
        Occurrences that a unit must have. Of subwords: those of a pair, to be merged.
    token_pattern : str or None, default=None
        Regular expression of a word, with one group at most; None for words with inner apostrophes
        and single other marks.
    vocab_size : int, default=8000
        Subwords at most, together with the specials; at least 260.

    Attributes
    ----------
    words : list of str
        Number -> unit; the specials first. Bytes of subwords are shown as GPT-2 shows them.

    Examples
    --------
    >>> codec = TextCodec(lowercase=True).fit(["So much text, so little time."])
    >>> codec.encode("so much time!").tolist()
    [4, 5, 9, 1]
    >>> codec.decode([4, 5, 9, 10])
    'so much time.'
    >>> TextCodec(level="character").fit(["banana"]).words
    ['<pad>', '<unk>', '<bos>', '<eos>', 'a', 'n', 'b']
    """

    PAD, UNK, BOS, EOS = 0, 1, 2, 3

    words: list[str]

    def __init__(
        self,
        *,
        level: str = "word",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        min_count: int = 1,
        token_pattern: str | None = None,
        vocab_size: int = 8000,
    ) -> None:
        check_choice("level", level, LEVELS)
        check_choice("lowercase", lowercase, (False, True))
        _check_whole("min_count", min_count, 1)
        if max_vocabulary is not None:
            _check_whole("max_vocabulary", max_vocabulary, 1)
        if level == "subword":
            _check_whole("vocab_size", vocab_size, N_BYTES + len(SPECIALS))
        self.level = level
        self.lowercase = lowercase
        self.max_vocabulary = max_vocabulary
        self.min_count = min_count
        self.token_pattern = token_pattern
        self.vocab_size = vocab_size
        self._units = _make_units(self)

    def __len__(self) -> int:
        """How many numbers there are, specials included."""
        return len(self._fitted().words)

    def fit(self, texts: Any, verbose: int = 0) -> Self:
        """Learn the units of texts.

        Parameters
        ----------
        texts : iterable of str
        verbose : int, default=0
            1 shows a progress bar.

        Returns
        -------
        self

        Raises
        ------
        TextInputError
            If `texts` holds something else; of subwords, also if a text holds half of a surrogate
            pair.
        ValueError
            If no unit is left.
        """
        texts = check_texts(texts)
        self.words = [*SPECIALS, *self._units.learn(texts, verbose)]
        if len(self.words) == len(SPECIALS):
            raise ValueError(
                f"the texts hold no {self.level} that stands min_count={self.min_count} times in "
                "them; there is nothing to learn"
            )
        return self

    def tokens(self, text: str) -> list[str]:
        """The units of a text, known or not."""
        return self._units.cut(self._folded(text))

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's units, int32 (n_units,)."""
        return self._fitted()._units.numbers([self._folded(text)])[0]

    def encode_all(self, texts: Any, verbose: int = 0) -> list[np.ndarray]:
        """The numbers of the units of each text.

        Parameters
        ----------
        texts : iterable of str
        verbose : int, default=0
            1 shows a progress bar.

        Returns
        -------
        list of int32 ndarray (n_units,)

        Raises
        ------
        TextInputError
            If `texts` holds something else.
        """
        self._fitted()
        texts = check_texts(texts, allow_empty=True)
        numbers: list[np.ndarray] = []
        bar: Progress[Any]
        total = len(texts)
        with progress(total=total, description=_DESCRIPTION, verbose=verbose, unit="texts") as bar:
            for start in range(0, len(texts), _TEXTS_AT_ONCE):
                part = texts[start : start + _TEXTS_AT_ONCE]
                numbers += self._units.numbers([self._folded(text) for text in part])
                bar.update(len(part))
        return numbers

    def decode(self, ids: Iterable[int]) -> str:
        """The text that numbers stand for.

        Specials are left out, but an unknown unit is shown: a word as ``<unk>``, a character as
        U+FFFD. Words are joined by spaces, with none before a full stop and the like.

        Parameters
        ----------
        ids : iterable of int

        Returns
        -------
        str
            Of characters and subwords exactly the text that was encoded, if all of it was known.

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
        shown_ones = [number for number in numbers if number >= len(SPECIALS) or number == self.UNK]
        return self._units.text(shown_ones, self.words)

    def state(self) -> dict[str, Any]:
        """The fitted codec as values that JSON can hold."""
        self._fitted()
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return {**settings, **self._units.state(self.words)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TextCodec:
        """The codec that `state` was taken from.

        Raises
        ------
        ValueError
            If it is the state of no codec.
        """
        if not isinstance(state, dict) or not set(_SETTINGS) < set(state):
            raise ValueError("the state of a TextCodec has its parameters and its units")
        codec = cls(**{name: state[name] for name in _SETTINGS})
        rest = {name: value for name, value in state.items() if name not in _SETTINGS}
        codec.words = [*SPECIALS, *codec._units.restore(rest)]
        return codec

    def _folded(self, text: str) -> str:
        return text.lower() if self.lowercase else text

    def _fitted(self) -> Self:
        if "words" not in self.__dict__:
            raise ValueError("this TextCodec has no units yet: call fit with texts first")
        return self


_SETTINGS = (
    "level",
    "lowercase",
    "max_vocabulary",
    "min_count",
    "token_pattern",
    "vocab_size",
)


class _Units(Protocol):
    """How one level cuts, numbers and joins; texts come in lower case where that is asked for."""

    def learn(self, texts: list[str], verbose: int) -> list[str]: ...
    def cut(self, text: str) -> list[str]: ...
    def numbers(self, texts: list[str]) -> list[np.ndarray]: ...
    def text(self, numbers: list[int], words: list[str]) -> str: ...
    def state(self, words: list[str]) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> list[str]: ...


def _make_units(codec: TextCodec) -> _Units:
    if codec.level == "subword":
        return _Subwords(codec)
    if codec.level == "character":
        return _Characters(codec)
    if codec.level == "whitespace":
        return _Words(codec, str.split, " ".join)
    return _Words(codec, _pattern_cutter(codec.token_pattern), join_words)


class _Numbers(dict[str, int]):
    """Unit -> number; pickles and looks up at the speed of a dict."""

    def __missing__(self, unit: str) -> int:
        return TextCodec.UNK


class _Words:
    """Words: a dictionary. Also what characters have in common with them."""

    def __init__(
        self, codec: TextCodec, cut: Callable[[str], list[str]], join: Callable[[list[str]], str]
    ) -> None:
        self._codec = codec
        self.cut = cut
        self._join = join
        self._numbers = _Numbers()

    def learn(self, texts: list[str], verbose: int) -> list[str]:
        codec = self._codec
        counts: Counter[str] = Counter()
        for text in progress(
            texts, description="Counting the words", verbose=verbose, unit="texts"
        ):
            counts.update(self.cut(codec._folded(text)))
        # Stable, so that units as frequent as each other stay in the order they were met.
        kept = [(unit, n) for unit, n in counts.items() if n >= codec.min_count]
        kept.sort(key=lambda pair: -pair[1])
        return self._take([unit for unit, _ in kept[: codec.max_vocabulary]])

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

    def __init__(self, codec: TextCodec) -> None:
        super().__init__(codec, list, "".join)
        self._table = np.zeros(1, dtype=np.int32)

    def _take(self, units: list[str]) -> list[str]:
        if any(len(unit) != 1 for unit in units):
            raise ValueError("the words of a TextCodec of characters are single characters")
        points = np.array([ord(unit) for unit in units], dtype=np.int64)
        # The last entry stands for all code points beyond.
        self._table = np.full(points.max(initial=0) + 2, TextCodec.UNK, dtype=np.int32)
        self._table[points] = np.arange(len(SPECIALS), len(SPECIALS) + len(units))
        return units

    def numbers(self, texts: list[str]) -> list[np.ndarray]:
        last = len(self._table) - 1
        return [self._table[np.minimum(_code_points(text), last)] for text in texts]

    def text(self, numbers: list[int], words: list[str]) -> str:
        unknown = TextCodec.UNK
        return "".join(_REPLACEMENT if n == unknown else words[n] for n in numbers)


class _Subwords:
    """Byte-level BPE, renumbered by how often its pieces stand in the training texts."""

    def __init__(self, codec: TextCodec) -> None:
        self._codec = codec
        self._tokenizer = SubwordTokenizer()
        self._order = np.zeros(0, dtype=np.int64)  # rank by frequency -> number of the tokenizer
        self._ranks = np.zeros(0, dtype=np.int32)  # the way back, as a number of the codec

    def learn(self, texts: list[str], verbose: int) -> list[str]:
        codec = self._codec
        refuse_surrogates(texts)
        texts = [codec._folded(text) for text in texts]
        size = codec.vocab_size - len(SPECIALS)
        self._tokenizer = SubwordTokenizer(vocab_size=size, min_frequency=codec.min_count)
        self._tokenizer.fit(texts)
        counts = np.zeros(len(self._tokenizer.vocabulary_), dtype=np.int64)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            for numbers in self._raw(texts[start : start + _TEXTS_AT_ONCE]):
                counts += np.bincount(numbers, minlength=len(counts))
        return self._arrange(np.argsort(-counts, kind="stable"))

    def _arrange(self, order: np.ndarray) -> list[str]:
        pieces = list(self._tokenizer.vocabulary_)
        self._order = order
        self._ranks = np.empty(len(order), dtype=np.int32)
        self._ranks[order] = np.arange(len(SPECIALS), len(SPECIALS) + len(order))
        return [pieces[number] for number in order]

    def cut(self, text: str) -> list[str]:
        return self._tokenizer.tokenize(_SURROGATE.sub(_REPLACEMENT, text))

    def numbers(self, texts: list[str]) -> list[np.ndarray]:
        # What cannot be encoded does not stop what can.
        whole = [t if t.isascii() else _SURROGATE.sub(_REPLACEMENT, t) for t in texts]
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


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)


def _check_whole(name: str, value: Any, least: int) -> None:
    if not is_integer(value) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {shown(value)}")
