"""What a vectoriser's parameters ask of the kernels, or that they ask for more than these can
do.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer as ScikitLearnCount
from sklearn.feature_extraction.text import HashingVectorizer as ScikitLearnHashing
from sklearn.feature_extraction.text import _VectorizerMixin

from textrep.sparse.documents import Batch, batches
from textrep.sparse.fallback import Uncovered
from textrep.sparse.rewriting import RewritesTokens, Rewriting, rewriting_of
from textrep.sparse.unicode import SPECIAL_LOWER, FoldTables, character_classes, fold_tables

WORD_PATTERNS = {
    r"(?u)\b\w\w+\b": 2,
    r"\b\w\w+\b": 2,
    r"\w\w+": 2,
    r"(?u)\w\w+": 2,
    r"\b\w{2,}\b": 2,
    r"(?u)\b\w{2,}\b": 2,
    r"(?u)\b\w+\b": 1,
    r"\b\w+\b": 1,
    r"\w+": 1,
    r"(?u)\w+": 1,
}
"""The token patterns the kernels know, with the least characters of a token."""

STEPS = frozenset(
    "decode _word_ngrams _char_ngrams _char_wb_ngrams build_preprocessor build_tokenizer "
    "build_analyzer _count_vocab _sort_features _limit_features _get_hasher".split()
)
"""Methods of scikit-learn's classes that the kernels do the work of."""


LARGEST_DOCUMENT = np.iinfo(np.int32).max
"""Bytes of a document, folded, that the tokenizer's packed places can number."""


class DocumentTooLong(Uncovered, ValueError):
    """A document is longer than the kernels can number."""


@dataclass(frozen=True)
class Plan:
    """How to analyse documents.

    Attributes
    ----------
    analyzer : "word", "char" or "char_wb"
    lower : bool
    strip_accents : None, "ascii" or "unicode"
    min_chars : least characters of a word token
    smallest, largest : n-gram orders
    stop_words : the words left out when tokens are found
    rewriting : what is then done with the distinct tokens, if anything
    decode : scikit-learn's ``decode``
    is_content : bool, documents are texts, not files
    """

    analyzer: str
    lower: bool
    strip_accents: str | None
    min_chars: int
    smallest: int
    largest: int
    stop_words: tuple[str, ...]
    rewriting: Rewriting | None
    decode: Callable[[Any], Any] = field(compare=False)
    is_content: bool = field(compare=False)

    @property
    def words(self) -> bool:
        return self.analyzer == "word"

    @property
    def whole_if_short(self) -> bool:
        """A padded word shorter than the smallest n-gram counts as one (scikit-learn's char_wb
        rule).
        """
        return self.analyzer == "char_wb"

    @cached_property
    def tables(self) -> FoldTables:
        return fold_tables(self.lower, self.strip_accents)

    def batches(self, documents: Iterable[Any] | Batch) -> Iterator[Batch]:
        """Raw documents as buffers."""
        special = SPECIAL_LOWER if self.lower else ""
        for batch in batches(documents, special, self.decode, self.is_content):
            self._refuse_long(batch)
            yield batch
            del batch  # not held while the next one is read, nor is it by those who use it

    def _refuse_long(self, batch: Batch) -> None:
        growth = self.kernel_tables(batch)[-1]  # of what is not plain
        longest = int((batch.nbytes * np.where(batch.plain, 1, growth)).max(initial=0))
        if longest > LARGEST_DOCUMENT:
            raise DocumentTooLong(
                f"a document of {longest / 2**30:.1f} GiB is too long for the kernels; cut it into "
                "smaller ones, or give the documents in a list"
            )

    def without_reader(self) -> Plan:
        """The same plan without the vectoriser that its ``decode`` holds, for what that vectoriser
        keeps.
        """
        return replace(self, decode=str)

    def kernel_tables(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """fold, sequences, classes and growth as the kernels take them; empty ones when the batch
        is pure ASCII.
        """
        if batch.plain.all() and self.analyzer != "char":
            return _NO_FOLD, _NO_FOLD, _NO_CLASSES, 1
        tables = self.tables
        return tables.fold, tables.sequences, character_classes(), tables.growth


_NO_FOLD = np.zeros(1, dtype=np.int32)
_NO_CLASSES = np.zeros(1, dtype=np.uint8)


@lru_cache(maxsize=64)
def _analyzes_as_shipped(cls: Any) -> bool:
    """Whether no subclass changes how scikit-learn's vectorisers come from documents to counts."""
    ours = vars(RewritesTokens)
    return not any(
        inspect.getattr_static(cls, name) not in (method, ours.get(name))
        for shipped in (_VectorizerMixin, ScikitLearnCount, ScikitLearnHashing)
        if issubclass(cls, shipped)
        for name, method in vars(shipped).items()
        if name in STEPS
    )


@lru_cache(maxsize=8)
def _sorted(words: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(words))


def plan_of(vectorizer: Any) -> Plan | None:
    """The plan of a vectoriser whose parameters the kernels cover, else None: then scikit-learn's
    own code does the work.
    """
    v = vectorizer
    known = (
        sys.byteorder == "little"
        and not (STEPS & vars(v).keys())
        and _analyzes_as_shipped(v.__class__)
        and v.preprocessor is None
        and (v.tokenizer is None or v.analyzer in ("char", "char_wb"))
        and isinstance(v.analyzer, str)
        and v.analyzer in ("word", "char", "char_wb")
        and isinstance(v.lowercase, (bool, np.bool_))
        and (v.strip_accents is None or v.strip_accents in ("ascii", "unicode"))
        and v.input in ("content", "file", "filename")
        and isinstance(v.ngram_range, tuple)
        and len(v.ngram_range) == 2
        and all(isinstance(n, Integral) for n in v.ngram_range)
        and 1 <= v.ngram_range[0] <= v.ngram_range[1]
    )
    if not known:
        return None
    min_chars = 1
    stop_words: tuple[str, ...] = ()
    if v.analyzer == "word":
        if v.token_pattern not in WORD_PATTERNS:
            return None
        min_chars = WORD_PATTERNS[v.token_pattern]
        if (
            v.stop_words is not None
            and v.stop_words != "english"
            and type(v.stop_words) is not list
        ):
            return None
        chosen = v.get_stop_words()
        if chosen:
            if not all(type(word) is str for word in chosen):
                return None
            stop_words = _sorted(chosen)
    rewriting = rewriting_of(v)
    if rewriting is not None:
        stop_words = ()  # a word may turn out to be one when it is spelled right
    return Plan(
        analyzer=v.analyzer,
        lower=bool(v.lowercase),
        strip_accents=v.strip_accents,
        min_chars=min_chars,
        smallest=int(v.ngram_range[0]),
        largest=int(v.ngram_range[1]),
        stop_words=stop_words,
        rewriting=rewriting,
        decode=v.decode,
        is_content=v.input == "content",
    )
