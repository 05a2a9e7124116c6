"""`EncoderTokenizer`: texts -> numbered tokens, with the special tokens that an encoder wants."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.encoders.layouts import (
    LAYOUTS,
    SPECIALS,
    cut_longest_first,
    laid_out,
    layout_of,
    n_special,
    template,
)
from textrep.core.messages import shown
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice, check_count
from textrep.preprocess.codec_units import TEXTS_AT_ONCE
from textrep.preprocess.subwords import SubwordTokenizer, read_tokenizer
from textrep.preprocess.surrogates import without_surrogates
from textrep.preprocess.tokenizer_files import read_source

if TYPE_CHECKING:
    from tokenizers import AddedToken, Encoding, Tokenizer

_STATE = {"tokenizer", "specials", "layout"}
_CHARACTERS = 12  # of a text for each token that is wanted; English has four or five
_SPACE_MARKS = {"ByteLevel": "Ġ", "Metaspace": "▁"}  # what stands for the space before a word

TRAINED = {
    "bert": ("wordpiece", "bert"),
    "distilbert": ("wordpiece", "bert"),
    "electra": ("wordpiece", "bert"),
    "modernbert": ("wordpiece", "bert"),
    "albert": ("unigram", "bert"),
    "roberta": ("bpe", "roberta"),
    "xlnet": ("unigram", "xlnet"),
}
"""Architecture -> kind of subwords, and layout, that its tokenizers are trained with."""

_NAMES = {  # by kind of subwords; the unknown token is the library's own
    "bert": {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"},
    "roberta": {"pad": "<pad>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"},
    "xlnet": {"pad": "<pad>", "cls": "<cls>", "sep": "<sep>", "mask": "<mask>"},
}


class EncoderRow(NamedTuple):
    """What an encoder reads of a text, or of a pair.

    Attributes
    ----------
    ids : int32 array (n,)
    types : int8 array (n,)
        0 for the first text, 1 for the second; 2 for the last token of XLNet.
    """

    ids: NDArray[np.int32]
    types: NDArray[np.int8]


class EncoderTokenizer:
    """How an encoder reads texts.

    A text that spells a special token out is cut like any other, but for the mask token where
    `masked` is asked for.

    Parameters
    ----------
    tokenizer : object or path
        A fast tokenizer of transformers, a ``tokenizers.Tokenizer``, a fitted `SubwordTokenizer`,
        or a file or folder with a ``tokenizer.json``. It is copied.
    layout : {"bert", "roberta", "xlnet"} or None, default=None
        Where special tokens stand; None finds it out.

    Attributes
    ----------
    pad_id, cls_id, sep_id, mask_id, unk_id : int
        `unk_id` is -1 of a tokenizer that knows every byte.
    special_ids : int64 array
        All special tokens, ascending.
    ordinary_ids : int64 array
        All others, ascending.
    size : int
        Numbers there are.
    tokens : list of str
        Number -> token, "" for a number without one.
    starts : bool array (size,)
        Which tokens begin a word wherever they stand, special ones among them.
    layout : str
    tokenizer : tokenizers.Tokenizer

    Raises
    ------
    ValueError
        If it is no tokenizer, or lacks a special token that encoders need.

    Examples
    --------
    >>> texts = ["so much text, so little time"] * 3
    >>> tokenizer = EncoderTokenizer.train(texts, vocab_size=60)
    >>> row = tokenizer.rows(["So much"], ["text"], max_length=8)[0]
    >>> [tokenizer.tokens[i] for i in row.ids], row.types.tolist()
    (['[CLS]', 'so', 'much', '[SEP]', 'text', '[SEP]'], [0, 0, 0, 0, 1, 1])
    """

    def __init__(self, tokenizer: Any, *, layout: str | None = None) -> None:
        if layout is not None:
            check_choice("layout", layout, LAYOUTS)
        source = read_source(tokenizer)
        told = {name: getattr(tokenizer, f"{name}_token", None) for name in SPECIALS}
        if told["cls"] is not None and callable(tokenizer):
            layout = layout or layout_of(tokenizer, source.name)
        named = {name: source.specials.get(name) for name in SPECIALS}
        specials = {name: told[name] or named[name] for name in SPECIALS}
        self._take(source.json, specials, layout, source.name)

    def _take(
        self, text: str, specials: dict[str, str | None], layout: str | None, name: str
    ) -> None:
        try:
            self.tokenizer: Tokenizer = read_tokenizer(text)
        except ValueError as error:
            raise ValueError(f"{name} is no tokenizer: {error}") from None
        self._specials: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        for special, usual in SPECIALS.items():
            told = specials.get(special)
            for token in [told] if told else usual:
                number = self.tokenizer.token_to_id(token)
                if number is not None:
                    self._specials[special], self._numbers[special] = token, number
                    break
            else:
                if special != "unk":
                    raise ValueError(
                        f"{name} has no {special} token, such as {usual[0]!r}, without which no "
                        "encoder reads; EncoderTokenizer.train makes a tokenizer that has all"
                    )
        usual_layout = {"<cls>": "xlnet", "<s>": "roberta"}.get(self._specials["cls"], "bert")
        self.layout = layout or usual_layout
        self.size = max(self.tokenizer.get_vocab().values()) + 1

    @classmethod
    def train(
        cls,
        texts: Any,
        *,
        architecture: str = "bert",
        vocab_size: int = 8000,
        lowercase: bool = True,
    ) -> EncoderTokenizer:
        """Learn a vocabulary of subwords from texts.

        Parameters
        ----------
        texts : iterable of str
        architecture : str, default="bert"
            Which encoder it is for: "bert", "distilbert", "electra" and "modernbert" have
            WordPiece, "albert" and "xlnet" a unigram model, "roberta" byte-level BPE.
        vocab_size : int, default=8000
            Tokens at most, special ones included.
        lowercase : bool, default=True

        Returns
        -------
        EncoderTokenizer

        Raises
        ------
        ValueError
            If a parameter is out of range, or the texts hold nothing but white space.
        """
        check_choice("architecture", architecture, tuple(TRAINED))
        kind, layout = TRAINED[architecture]
        names = _NAMES[layout]
        subwords = SubwordTokenizer(
            model=kind,
            vocab_size=vocab_size,
            lowercase=lowercase,
            special_tokens=tuple(names.values()),
        )
        subwords.fit([without_surrogates(text) for text in check_texts(texts)])
        return cls(subwords, layout=layout)

    # ---- numbers

    @property
    def pad_id(self) -> int:
        return self._numbers["pad"]

    @property
    def cls_id(self) -> int:
        return self._numbers["cls"]

    @property
    def sep_id(self) -> int:
        return self._numbers["sep"]

    @property
    def mask_id(self) -> int:
        return self._numbers["mask"]

    @property
    def unk_id(self) -> int:
        return self._numbers.get("unk", -1)

    @property
    def mask_token(self) -> str:
        """The mask token as texts spell it."""
        return self._specials["mask"]

    @functools.cached_property
    def tokens(self) -> list[str]:
        words = [""] * self.size
        for word, number in self.tokenizer.get_vocab().items():
            words[number] = word
        return words

    @functools.cached_property
    def special_ids(self) -> NDArray[np.int64]:
        added = self.tokenizer.get_added_tokens_decoder()
        numbers = {number for number, token in added.items() if token.special}
        return np.array(sorted(numbers | set(self._numbers.values())), dtype=np.int64)

    @functools.cached_property
    def ordinary_ids(self) -> NDArray[np.int64]:
        there = np.array([number for number, word in enumerate(self.tokens) if word], np.int64)
        return np.setdiff1d(there, self.special_ids)

    @functools.cached_property
    def starts(self) -> NDArray[np.bool_]:
        tree = json.loads(self.tokenizer.to_str())
        prefix = tree["model"].get("continuing_subword_prefix")
        if tree["model"].get("type") == "WordPiece" and prefix:
            starts = [not (t.startswith(prefix) and len(t) > len(prefix)) for t in self.tokens]
        else:
            parts = json.dumps([tree.get("pre_tokenizer"), tree.get("decoder")])
            marks = [mark for kind, mark in _SPACE_MARKS.items() if f'"{kind}"' in parts]
            starts = [t.startswith(tuple(marks)) for t in self.tokens]
        table = np.array(starts, dtype=bool)
        table[self.special_ids] = True
        return table

    def word_starts(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Where words begin.

        Parameters
        ----------
        ids : int array (..., n)
            Along the last axis; special tokens are words of their own.

        Returns
        -------
        bool array of the same shape
            False for what goes on with a word: ``##`` of WordPiece, no ``▁`` or ``Ġ`` of the
            others, whose punctuation belongs to the word before it.
        """
        ids = np.asarray(ids)
        starts = self.starts[ids]
        special = np.isin(ids, self.special_ids)
        starts[..., 1:] |= special[..., :-1]
        starts[..., :1] = True
        return starts

    # ---- texts

    def encodings(self, texts: Sequence[str]) -> list[Encoding]:
        """The tokens of each text as the tokenizers library gives them, with offsets.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        list of tokenizers.Encoding
            Without special tokens and uncut. Offsets count the characters of a text in which
            each half of a surrogate pair is U+FFFD.
        """
        whole = [without_surrogates(text) for text in texts]
        return self.tokenizer.encode_batch(whole, add_special_tokens=False)

    def pieces(self, texts: Any, *, masked: bool = False) -> list[NDArray[np.int32]]:
        """The tokens of each text, without special tokens and uncut.

        Parameters
        ----------
        texts : iterable of str
            Half of a surrogate pair is read as U+FFFD.
        masked : bool, default=False
            Whether a text that spells the mask token means it.

        Returns
        -------
        list of int32 array (n_tokens,)
        """
        texts = check_texts(texts, allow_empty=True)
        tokenizer = self._masking if masked else self.tokenizer
        found: list[NDArray[np.int32]] = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = [without_surrogates(text) for text in texts[start : start + TEXTS_AT_ONCE]]
            encodings = tokenizer.encode_batch_fast(part, add_special_tokens=False)
            found += [np.array(each.ids, dtype=np.int32) for each in encodings]
        return found

    @functools.cached_property
    def _masking(self) -> Tokenizer:
        """A copy that knows the mask token, and no other special one, by its spelling."""
        from tokenizers import Tokenizer

        tree = json.loads(self.tokenizer.to_str())
        # The mask token stays, whose number may be known from there alone.
        tree["added_tokens"] = [
            token
            for token in tree["added_tokens"]
            if not token["special"] or token["content"] == self.mask_token
        ]
        copy = Tokenizer.from_str(json.dumps(tree))
        copy.add_special_tokens([self._open_mask()])
        copy.encode_special_tokens = False
        return copy

    def _open_mask(self) -> AddedToken:
        """The mask token, which takes in the space before it where that is a part of tokens.

        What is hidden in training is such a token, with its space.
        """
        from tokenizers import AddedToken
        from tokenizers.models import WordPiece

        marked = not isinstance(self.tokenizer.model, WordPiece)
        return AddedToken(self.mask_token, lstrip=marked, normalized=False, special=True)

    def row(
        self,
        first: NDArray[np.int32],
        second: NDArray[np.int32] | None = None,
        *,
        max_length: int | None = None,
    ) -> EncoderRow:
        """A row of tokens that are there already.

        Parameters
        ----------
        first : int32 array
            As `pieces` gives them.
        second : int32 array, optional
            Of the second text of a pair.
        max_length : int, optional
            Tokens at most, special ones included; of a pair the longer one is cut first.

        Returns
        -------
        EncoderRow
        """
        if max_length is not None:
            room = max_length - n_special(self.layout, second is not None)
            if second is None:
                first = first[:room]
            else:
                n_first, n_second = cut_longest_first(len(first), len(second), room)
                first, second = first[:n_first], second[:n_second]
        return EncoderRow(*laid_out(self.layout, self._numbers, first, second))

    def rows(
        self, texts: Any, pairs: Any = None, *, max_length: int, masked: bool = False
    ) -> list[EncoderRow]:
        """What an encoder reads of texts.

        Parameters
        ----------
        texts : iterable of str
        pairs : iterable of str, optional
            The second text of each pair.
        max_length : int
            Tokens at most, special ones included; at least one of each text must fit.
        masked : bool, default=False
            Whether a text that spells the mask token means it.

        Returns
        -------
        list of EncoderRow

        Raises
        ------
        ValueError
            If `max_length` is too small, or there are not as many pairs as texts.
        """
        self.check_length(max_length, pair=pairs is not None)
        firsts = self._first_pieces(texts, max_length, masked)
        if pairs is None:
            return [self.row(first, max_length=max_length) for first in firsts]
        seconds = self._first_pieces(pairs, max_length, masked)
        if len(seconds) != len(firsts):
            raise ValueError(f"there are {len(firsts)} texts and {len(seconds)} second texts")
        return [
            self.row(first, second, max_length=max_length)
            for first, second in zip(firsts, seconds, strict=True)
        ]

    def _first_pieces(self, texts: Any, n: int, masked: bool) -> list[NDArray[np.int32]]:
        """At least the first tokens of each text, so many of them; all where it has fewer.

        What stands behind a space has no part in the tokens before it, so that of a long text the
        beginning is enough.
        """
        texts = check_texts(texts, allow_empty=True)
        heads = [_head(text, n * _CHARACTERS) for text in texts]
        found = self.pieces(heads, masked=masked)
        short = [
            i
            for i, (text, head) in enumerate(zip(texts, heads, strict=True))
            if len(head) < len(text) and len(found[i]) < n
        ]
        whole = self.pieces([texts[i] for i in short], masked=masked)
        for i, pieces in zip(short, whole, strict=True):
            found[i] = pieces
        return found

    def check_length(self, max_length: Any, *, pair: bool = False) -> None:
        """Refuse a length with no room for special tokens and one of each text."""
        check_count("max_length", max_length, n_special(self.layout, pair) + 1 + pair)

    def decode(self, ids: Any) -> str:
        """The text that numbers stand for; special tokens are left out."""
        return self.tokenizer.decode([int(number) for number in ids], skip_special_tokens=True)

    # ---- files

    def save(self, folder: str | os.PathLike[str], *, max_length: int | None = None) -> None:
        """Write the files that transformers' ``AutoTokenizer`` reads.

        Parameters
        ----------
        folder : path
            That exists.
        max_length : int, optional
            What the files say to cut texts to.
        """
        from transformers import PreTrainedTokenizerFast

        given: dict[str, Any] = {f"{name}_token": t for name, t in self._specials.items()}
        if max_length is not None:
            given["model_max_length"] = max_length
        if self.layout == "xlnet":  # its class is read at the end of a row
            given["padding_side"] = "left"
        if self.layout != "roberta":
            given["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
        PreTrainedTokenizerFast(tokenizer_object=self._with_template(), **given).save_pretrained(
            os.fspath(folder)
        )

    def _with_template(self) -> Tokenizer:
        """A copy that puts special tokens around texts itself."""
        from tokenizers import Tokenizer, processors

        copy = Tokenizer.from_str(self.tokenizer.to_str())
        copy.add_special_tokens([self._open_mask()])
        parts = [
            " ".join(
                f"{ {'a': '$A', 'b': '$B'}.get(name) or self._specials[name] }:{kind}"
                for name, kind in template(self.layout, pair)
            )
            for pair in (False, True)
        ]
        specials = [(self._specials[name], self._numbers[name]) for name in ("cls", "sep")]
        copy.post_processor = processors.TemplateProcessing(
            single=parts[0], pair=parts[1], special_tokens=specials
        )
        return copy

    # ---- state; a pickled Tokenizer forgets some of its settings

    def state(self) -> dict[str, Any]:
        """The tokenizer as values that JSON can hold."""
        return {
            "tokenizer": self.tokenizer.to_str(),
            "specials": dict(self._specials),
            "layout": self.layout,
        }

    @classmethod
    def from_state(cls, state: Any) -> EncoderTokenizer:
        """The tokenizer that `state` was taken from.

        Raises
        ------
        ValueError
            If it is the state of none.
        """
        if not isinstance(state, dict) or set(state) != _STATE:
            raise ValueError("the state of an EncoderTokenizer is tokenizer, specials and layout")
        text, specials, layout = state["tokenizer"], state["specials"], state["layout"]
        known = isinstance(specials, dict) and set(specials) <= set(SPECIALS)
        if not known or not all(isinstance(value, str) for value in [text, *specials.values()]):
            raise ValueError(f"specials of an EncoderTokenizer are tokens, got {shown(specials)}")
        check_choice("layout", layout, LAYOUTS)
        made = object.__new__(cls)
        made._take(text, specials, layout, "the state of an EncoderTokenizer")
        return made

    def __getstate__(self) -> dict[str, Any]:
        return self.state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(vars(type(self).from_state(state)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size:,} tokens, layout={self.layout!r})"


def _head(text: str, n_characters: int) -> str:
    """The words of a text that end within so many characters; all of it where there is no space."""
    if len(text) <= n_characters:
        return text
    end = text.rfind(" ", 0, n_characters)
    return text[:end].rstrip() or text if end > 0 else text
