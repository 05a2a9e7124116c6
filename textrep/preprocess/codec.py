"""`TextCodec`: texts <-> the numbers that language models read and write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.text import TextInputError, check_texts
from textrep.preprocess.codec_units import (
    SPECIALS,
    TEXTS_AT_ONCE,
    Limits,
    join_words,
    make_units,
)
from textrep.preprocess.parameters import check_choice, is_integer

__all__ = ["LEVELS", "N_BYTES", "SPECIALS", "TextCodec", "join_words"]

LEVELS = ("character", "word", "whitespace", "subword", "byte")
"""What `level` can be."""

N_BYTES = 256  # the units that byte-level subwords begin with

_DESCRIPTION = "Numbering the texts"


class TextCodec:
    """Texts <-> numbers, at the level of characters, words, subwords or bytes.

    The numbers 0 to 3 are `PAD`, `UNK`, `BOS` and `EOS`. No text is encoded to one of them, even
    where it spells ``<eos>`` out, except `UNK` for a unit that fitting has not seen; the units
    follow, the most frequent first, but bytes in their own order.

    Parameters
    ----------
    level : {"word", "character", "whitespace", "subword", "byte"}, default="word"
        "word" finds words and punctuation by `token_pattern`; "whitespace" cuts at white space
        alone, for texts that are cut into words already; "subword" is byte-level BPE, to which no
        text is unknown; "byte" takes the bytes of UTF-8, all 256 of them in their order.
    lowercase : bool, default=False
        Whether texts are lower-cased.
    max_vocabulary : int or None, default=None
        Different units at most, the most frequent ones; the specials are not counted. Not for
        subwords and bytes.
    min_count : int, default=1
        Occurrences that a unit must have. Of subwords: those of a pair, to be merged. Not for
        bytes.
    token_pattern : str or None, default=None
        Regular expression of a word, with one group at most; None for words with inner apostrophes
        and single other marks.
    vocab_size : int, default=8000
        Subwords at most, together with the specials; at least 260.

    Attributes
    ----------
    words : list of str
        Number -> unit; the specials first. Bytes are shown as GPT-2 shows them.

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
        limits = Limits(max_vocabulary, min_count, vocab_size)
        self._units = make_units(level, limits, token_pattern)

    @property
    def concatenates(self) -> bool:
        """Whether the text of units is the texts of each, but for bytes that make a character."""
        return self.level in ("character", "subword", "byte")

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
        texts = [self._folded(text) for text in check_texts(texts)]
        self.words = [*SPECIALS, *self._units.learn(texts, verbose)]
        if len(self.words) == len(SPECIALS):
            raise ValueError(
                f"the texts hold no {self.level} that stands min_count={self.min_count} times in "
                "them; there is nothing to learn"
            )
        return self

    def tokens(self, text: str) -> list[str]:
        """The units of a text, known or not."""
        return self._units.cut(self._folded(_single(text)))

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's units, int32 (n_units,)."""
        return self._fitted()._units.numbers([self._folded(_single(text))])[0]

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
            for start in range(0, len(texts), TEXTS_AT_ONCE):
                part = texts[start : start + TEXTS_AT_ONCE]
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
            Of characters, subwords and bytes exactly the text that was encoded, if all of it was
            known.

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


def _single(text: Any) -> str:
    if not isinstance(text, str):
        raise TextInputError(
            f"text must be a single str here, got {shown(text)}; encode_all takes several"
        )
    return text


def _check_whole(name: str, value: Any, least: int) -> None:
    if not is_integer(value) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {shown(value)}")
