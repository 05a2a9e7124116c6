"""`TokenizerCodec`: any tokenizer as what language models read and write texts with."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.text import TextInputError, check_texts
from textrep.preprocess.codec import TextCodec
from textrep.preprocess.codec_units import TEXTS_AT_ONCE
from textrep.preprocess.parameters import is_integer
from textrep.preprocess.subwords import read_tokenizer
from textrep.preprocess.surrogates import without_surrogates
from textrep.preprocess.tokenizer_files import SPECIALS, TokenizerSource, read_source

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_STATE = {"tokenizer", "specials", "size"}


class TokenizerCodec:
    """Texts <-> numbers, by a tokenizer that exists already.

    It answers like a fitted `TextCodec` of subwords, and is what language models have in its place
    when they are given a tokenizer, or come from files that others have published. A text that
    spells a special token out is cut like any other.

    Parameters
    ----------
    tokenizer : object or path
        A ``tokenizers.Tokenizer``, a fast tokenizer of transformers, a fitted `SubwordTokenizer`, a
        ``tokenizer.json``, or a folder that holds one, or ``vocab.json`` and ``merges.txt`` of
        GPT-2. It is copied; padding and truncation are switched off.
    eos, bos, unk, pad : str or None, default=None
        The token that ends a text, and those that begin one, stand for what is unknown, and fill
        up. None takes what the tokenizer's files say, else the first usual name that is among the
        tokens, such as ``<|endoftext|>`` or ``</s>``.
    size : int or None, default=None
        How many numbers there are; more than the tokenizer has where a model has spare ones. None
        for the tokenizer's.

    Attributes
    ----------
    EOS : int
    BOS, UNK, PAD : int or None
        Numbers of those tokens.
    words : list of str
        Number -> token, as the tokenizer writes it; "" for a number without one.
    level : str
        "subword".
    concatenates : bool
        Whether the text of several tokens is the text of each one after the other, but for bytes
        that only together make a character.
    unwritten : list of int
        Numbers that no generated text holds: special tokens other than `EOS`, and those without a
        token.
    tokenizer : tokenizers.Tokenizer
        The copy.

    Raises
    ------
    ValueError
        If it is no tokenizer, lacks a token that is named, or has none that could end a text.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> from textrep.preprocess import SubwordTokenizer, TokenizerCodec
    >>> tokenizer = SubwordTokenizer(vocab_size=300, special_tokens=("<|endoftext|>",))
    >>> codec = TokenizerCodec(tokenizer.fit(["so much text, so little time"] * 3))
    >>> codec.tokens("so little")
    ['so', 'Ġlittle']
    >>> codec.decode(codec.encode("So little 文字!"))
    'So little 文字!'
    >>> codec.EOS
    0
    """

    level: ClassVar[str] = "subword"

    def __init__(
        self,
        tokenizer: Any,
        *,
        eos: str | None = None,
        bos: str | None = None,
        unk: str | None = None,
        pad: str | None = None,
        size: int | None = None,
    ) -> None:
        source = read_source(tokenizer)
        wanted = {"eos": eos, "bos": bos, "unk": unk, "pad": pad}
        self._take(source.json, source.name)
        specials = {name: self._special(name, wanted[name], source) for name in SPECIALS}
        if specials["eos"] is None:
            raise ValueError(
                f"{source.name} has no token that could end a text; name one of its tokens with "
                "eos=, or train it with special_tokens=('<|endoftext|>',)"
            )
        self._set_specials(specials)
        self._size = self._checked_size(size)

    def _take(self, text: str, name: str) -> None:
        try:
            self.tokenizer: Tokenizer = read_tokenizer(text)
        except ValueError as error:
            raise ValueError(f"{name} is no tokenizer: {error}") from None
        decoder = (json.loads(self.tokenizer.to_str()).get("decoder") or {}).get("type")
        self.concatenates = decoder == "ByteLevel"

    def _special(self, name: str, wanted: Any, source: TokenizerSource) -> int | None:
        """The number of a special token."""
        if wanted is not None and not isinstance(wanted, str):
            raise ValueError(f"{name} must be a token or None, got {shown(wanted)}")
        told = wanted if wanted is not None else source.specials.get(name)
        if told is not None:
            number = self.tokenizer.token_to_id(told)
            if number is None and wanted is not None:
                raise ValueError(f"{name}={shown(told)} is none of the tokens of {source.name}")
            return number
        numbers = map(self.tokenizer.token_to_id, SPECIALS[name])
        return next((number for number in numbers if number is not None), None)

    def _set_specials(self, specials: dict[str, int | None]) -> None:
        eos = specials["eos"]
        assert eos is not None
        self.EOS: int = eos
        self.BOS, self.UNK, self.PAD = specials["bos"], specials["unk"], specials["pad"]

    def _checked_size(self, size: Any) -> int:
        least = max(self.tokenizer.get_vocab().values()) + 1
        if size is None:
            return least
        if not is_integer(size) or size < least:
            raise ValueError(
                f"size must be None or an integer of at least {least}, the tokens that there are, "
                f"got {shown(size)}"
            )
        return int(size)

    def __len__(self) -> int:
        """How many numbers there are, special ones included."""
        return self._size

    @functools.cached_property
    def words(self) -> list[str]:
        words = [""] * self._size
        for word, number in self.tokenizer.get_vocab().items():
            words[number] = word
        return words

    @functools.cached_property
    def unwritten(self) -> list[int]:
        added = self.tokenizer.get_added_tokens_decoder()
        special = {number for number, token in added.items() if token.special}
        special |= {n for n in (self.PAD, self.UNK, self.BOS) if n is not None}
        special |= {number for number, word in enumerate(self.words) if not word}
        return sorted(special - {self.EOS})

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text."""
        return self._encodings([_single(text)])[0].tokens

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's tokens, int32 (n_tokens,)."""
        return np.array(self._encodings([_single(text)])[0].ids, dtype=np.int32)

    def encode_all(self, texts: Any, verbose: int = 0) -> list[np.ndarray]:
        """The numbers of the tokens of each text.

        Parameters
        ----------
        texts : iterable of str
            Half of a surrogate pair is read as U+FFFD.
        verbose : int, default=0
            1 shows a progress bar.

        Returns
        -------
        list of int32 ndarray (n_tokens,)

        Raises
        ------
        TextInputError
            If `texts` holds something else.
        """
        texts = check_texts(texts, allow_empty=True)
        parts = range(0, len(texts), TEXTS_AT_ONCE)
        numbers: list[np.ndarray] = []
        bar: Progress[Any]
        with progress(
            total=len(texts), description="Numbering the texts", verbose=verbose, unit="texts"
        ) as bar:
            for start in parts:
                part = texts[start : start + TEXTS_AT_ONCE]
                numbers += [np.array(each.ids, dtype=np.int32) for each in self._encodings(part)]
                bar.update(len(part))
        return numbers

    def _encodings(self, texts: list[str]) -> list[Any]:
        whole = [without_surrogates(text) for text in texts]
        return self.tokenizer.encode_batch(whole, add_special_tokens=False)

    def decode(self, ids: Iterable[int]) -> str:
        """The text that numbers stand for; special tokens are left out.

        Parameters
        ----------
        ids : iterable of int

        Returns
        -------
        str
            U+FFFD in place of bytes that are no character.

        Raises
        ------
        ValueError
            If a number is out of range.
        """
        numbers = [int(number) for number in ids]
        for place, number in enumerate(numbers):
            if not 0 <= number < self._size:
                raise ValueError(
                    f"ids[{place}] is {number}; expected a number of 0 to {self._size - 1}"
                )
        return self.tokenizer.decode(numbers, skip_special_tokens=True)

    def state(self) -> dict[str, Any]:
        """The codec as values that JSON can hold."""
        specials = {"eos": self.EOS, "bos": self.BOS, "unk": self.UNK, "pad": self.PAD}
        return {"tokenizer": self.tokenizer.to_str(), "specials": specials, "size": self._size}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TokenizerCodec:
        """The codec that `state` was taken from.

        Raises
        ------
        ValueError
            If it is the state of no such codec.
        """
        if not isinstance(state, dict) or set(state) != _STATE:
            raise ValueError("the state of a TokenizerCodec is its tokenizer, specials and size")
        specials = state["specials"]
        if not isinstance(state["tokenizer"], str) or not isinstance(specials, dict):
            raise ValueError("the state of a TokenizerCodec is JSON, and a number of each special")
        codec = object.__new__(cls)
        codec._take(state["tokenizer"], "the state of a TokenizerCodec")
        codec._size = codec._checked_size(state["size"])
        _check_specials(specials, codec._size)
        codec._set_specials(specials)
        return codec

    # A pickled Tokenizer forgets some of its settings.

    def __getstate__(self) -> dict[str, Any]:
        return self.state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(vars(type(self).from_state(state)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} numbers)"


def codec_from_state(state: Any) -> Any:
    """The codec, of either kind, that a state was taken from.

    Parameters
    ----------
    state : dict
        Of a `TextCodec` or a `TokenizerCodec`.

    Returns
    -------
    TextCodec or TokenizerCodec

    Raises
    ------
    ValueError
        If it is the state of neither.
    """
    if isinstance(state, dict) and set(state) == _STATE:
        return TokenizerCodec.from_state(state)
    return TextCodec.from_state(state)


def _check_specials(specials: dict[str, Any], size: int) -> None:
    known = set(specials) == set(SPECIALS) and specials["eos"] is not None
    numbers = [number for number in specials.values() if number is not None]
    if not known or not all(is_integer(n) and 0 <= n < size for n in numbers):
        raise ValueError(f"the specials of a TokenizerCodec are numbers below {size}")


def _single(text: Any) -> str:
    if not isinstance(text, str):
        raise TextInputError(
            f"text must be a single str here, got {shown(text)}; encode_all takes several"
        )
    return text
