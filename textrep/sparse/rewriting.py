"""What happens to tokens once a distinct token: spelling, then stop words, then stems."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from textrep.sparse.kernels import symbols as symbol_kernels
from textrep.sparse.lexicon import Lexicon, pack_strings, unpack_strings

MOST_KNOWN = 1 << 20
"""Tokens whose rewritten form is remembered; beyond it the memory begins anew."""

UNKNOWN, DROPPED = -1, -2

Rewrite = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Rewriting:
    """Spelling and stems, with the stop words between them.

    Attributes
    ----------
    spelling, stemmer : what the vectoriser was given, see its parameters; None for neither
    stop_words : left out after spelling, before the stems
    """

    spelling: Any
    stemmer: Any
    stop_words: frozenset[str]

    def __call__(self, tokens: list[str]) -> list[str | None]:
        """The tokens rewritten, None for one that is a stop word or of which nothing is left.

        Raises
        ------
        ValueError
            When a word comes out as several (a space stands between two tokens of an n-gram), or as
            something other than a str.
        """
        correct, stem = _resolved(self.spelling, self.stemmer)
        words = _applied("spelling", correct, tokens)
        kept = [word not in self.stop_words for word in words]
        rest = [word for word, keep in zip(words, kept, strict=True) if keep]
        stems = iter(_applied("stemmer", stem, rest))
        return [(next(stems) or None) if keep else None for keep in kept]

    def sequence(self, tokens: list[str]) -> list[str]:
        """The tokens of one text rewritten, without those that are dropped."""
        return [word for word in self(tokens) if word is not None]


def _resolved(spelling: Any, stemmer: Any) -> tuple[Rewrite | None, Rewrite | None]:
    # Imported here: most vectorisers rewrite nothing.
    from textrep.preprocess import resolve_spelling, resolve_stemmer

    return _kept(resolve_spelling, spelling), _kept(resolve_stemmer, stemmer)


def _kept(resolve: Callable[[Any], Rewrite | None], value: Any) -> Rewrite | None:
    """A named language's function, which is kept with the dictionary that it may have read."""
    return _resolve_name(resolve, value) if type(value) is str else resolve(value)


@lru_cache(maxsize=8)
def _resolve_name(resolve: Callable[[Any], Rewrite | None], name: str) -> Rewrite | None:
    return resolve(name)


def _applied(name: str, rewrite: Rewrite | None, words: list[str]) -> list[str]:
    if rewrite is None or not words:
        return words
    written = rewrite(words)
    for word, new in zip(words, written, strict=True):
        if " " in new or "\n" in new:
            raise ValueError(
                f"{name} made {new!r} of {word!r}; a token holds no space and no line break"
            )
    return written


class RewritesTokens:
    """Mixin for vectorisers with the parameters ``stemmer`` and ``spelling``: what scikit-learn's
    own code then does with tokens.
    """

    def _word_ngrams(self, tokens: list[str], stop_words: Any = None) -> list[str]:
        rewriting = rewriting_of(self)
        if rewriting is not None:
            tokens, stop_words = rewriting.sequence(tokens), None
        return super()._word_ngrams(tokens, stop_words)  # type: ignore[misc]

    def _warn_for_unused_params(self) -> None:
        super()._warn_for_unused_params()  # type: ignore[misc]
        for name in ("spelling", "stemmer"):
            if getattr(self, name, None) is not None and self.analyzer != "word":  # type: ignore[attr-defined]
                warnings.warn(
                    f"The parameter {name!r} will not be used since 'analyzer' != 'word'",
                    stacklevel=2,
                )


def rewriting_of(vectorizer: Any) -> Rewriting | None:
    """What a vectoriser's ``stemmer`` and ``spelling`` ask for; None for nothing.

    Raises
    ------
    ValueError
        When one of them is nothing that rewrites words.
    """
    stemmer = getattr(vectorizer, "stemmer", None)
    spelling = getattr(vectorizer, "spelling", None)
    if (stemmer is None and spelling is None) or vectorizer.analyzer != "word":
        return None
    _resolved(spelling, stemmer)
    return Rewriting(spelling, stemmer, frozenset(vectorizer.get_stop_words() or ()))


def rewrite_lexicon(rewriting: Rewriting, lexicon: Lexicon) -> tuple[Lexicon, np.ndarray]:
    """A lexicon of the rewritten tokens in the order in which they are first met, and the number
    in it of each token of ``lexicon`` that is no stop word there; `DROPPED` for those that go.
    """
    written = rewriting(unpack_strings(*lexicon.packed(lexicon.n_stop)))
    stays = [word for word in written if word is not None]
    rewritten = Lexicon()
    numbers = np.full(len(written), DROPPED, dtype=np.int32)
    if stays:
        numbers[[word is not None for word in written]] = rewritten.insert(*pack_strings(stays))
    return rewritten, numbers


def renumber_tokens(
    tokens: np.ndarray, bounds: np.ndarray, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens by their new numbers, those that are `DROPPED` left out; and the new bounds."""
    size, new_bounds = symbol_kernels.rewrite_tokens(tokens, bounds, numbers)
    return tokens[:size], new_bounds


class KnownTokens:
    """Symbol numbers of tokens as they stand in the documents, each rewritten when it is first
    met. Any number of threads may ask.

    Parameters
    ----------
    rewriting : how tokens are rewritten
    symbols : the vocabulary's symbols, in the order of their numbers
    """

    def __init__(self, rewriting: Rewriting, symbols: Sequence[str]) -> None:
        self._rewriting = rewriting
        self._number_of = {symbol: number for number, symbol in enumerate(symbols)}
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._lexicon = Lexicon()
        self._numbers = np.empty(1 << 10, dtype=np.int32)

    def numbers(self, lexicon: Lexicon) -> np.ndarray:
        """int32, for each token of ``lexicon`` that is no stop word: the number of its symbol,
        `UNKNOWN` or `DROPPED`.
        """
        with self._lock:
            if self._lexicon.size > MOST_KNOWN:
                self._forget()
            known = self._lexicon.size
            ids = self._lexicon.insert(*lexicon.packed(lexicon.n_stop))
            try:
                self._learn(known)
            except BaseException:
                self._forget()
                raise
            return self._numbers[ids]

    def _learn(self, known: int) -> None:
        """Find the numbers of the tokens from number ``known`` on."""
        size = self._lexicon.size
        if size == known:
            return
        if size > len(self._numbers):
            room = np.empty(2 * size, dtype=np.int32)
            room[:known] = self._numbers[:known]
            self._numbers = room
        words = self._rewriting(unpack_strings(*self._lexicon.packed(known)))
        find = self._number_of.get
        self._numbers[known:size] = [
            DROPPED if word is None else find(word, UNKNOWN) for word in words
        ]
