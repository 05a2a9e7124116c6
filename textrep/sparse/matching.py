"""Counting documents against a vocabulary that is already known."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from textrep.sparse.analysis import Plan
from textrep.sparse.counting import (
    count_rows,
    count_word_rows,
    document_symbols,
    tokenize_part,
)
from textrep.sparse.documents import LEXICON_BYTES, PART_BYTES, Batch
from textrep.sparse.kernels import children as child_kernels
from textrep.sparse.kernels import rows as row_kernels
from textrep.sparse.kernels import symbols as symbol_kernels
from textrep.sparse.lexicon import Lexicon
from textrep.sparse.rewriting import KnownTokens, renumber_tokens
from textrep.sparse.rows import Rows
from textrep.sparse.trie import Trie


class Matcher:
    """A trie made ready for look-ups. It is only read afterwards, so any number of threads may
    share it.

    Parameters
    ----------
    plan : how documents are analysed
    trie : the vocabulary
    """

    def __init__(self, plan: Plan, trie: Trie) -> None:
        self.plan = plan.without_reader()
        self.n_columns = len(trie)
        # a dict edited in place may name columns that the matrix does not have
        largest = max((int(level.column.max(initial=-1)) for level in trie.levels), default=-1)
        self.n_terms = max(self.n_columns, largest + 1)
        levels = trie.levels[: plan.largest]
        columns = [level.column for level in levels]
        self.term_of = (
            np.concatenate(columns).astype(np.int32) if columns else np.zeros(0, np.int32)
        )
        self.offset = np.cumsum([0, *map(len, columns)])[:-1]
        self.children = [
            child_kernels.hash_children(level.parent, level.symbol, len(below))
            for below, level in itertools.pairwise(levels)
        ]
        n_symbols = len(trie.offsets) - 1
        # symbol number -> n-gram of order 1, -1 where the vocabulary has it only inside longer
        # n-grams
        self.unigram = np.full(n_symbols, -1, dtype=np.int32)
        if levels:
            self.unigram[levels[0].symbol] = np.arange(len(levels[0]), dtype=np.int32)
        self.known: KnownTokens | None = None
        if plan.rewriting is not None:
            self.known = KnownTokens(plan.rewriting, trie.symbol_strings())
        elif plan.words:
            self.lexicon = Lexicon(
                plan.stop_words, capacity=max(1 << 10, _power_of_two(4 * n_symbols))
            )
            ids = self.lexicon.insert(trie.arena, trie.offsets) - self.lexicon.n_stop
            self.symbol_of = np.full(self.lexicon.size - self.lexicon.n_stop, -1, dtype=np.int32)
            kept = ids >= 0  # a vocabulary may hold stop words, which no document then yields
            self.symbol_of[ids[kept]] = np.flatnonzero(kept).astype(np.int32)
        else:
            self.number = _number_by_code(trie)

    def count(self, batches: Iterable[Batch], n_jobs: int | None) -> Iterator[tuple[Rows, float]]:
        """Rows whose terms are columns, in rising order, as `Gathered` takes them."""
        size = LEXICON_BYTES if self.plan.analyzer == "char_wb" else PART_BYTES
        for batch in batches:
            self.plan.kernel_tables(batch)
            yield from batch.work(self._count_part, n_jobs, size)
            del batch

    def _count_part(self, batch: Batch, first: int, last: int) -> Rows:
        plan = self.plan
        if plan.analyzer == "char":
            symbols, bounds = document_symbols(plan, batch, first, last)
            symbol_kernels.renumber(symbols, self.number, symbols)
            return self._count_symbols(symbols, bounds)
        if plan.analyzer == "char_wb":
            words = tokenize_part(plan, batch, first, last, Lexicon(), learn=True)
            symbols, bounds = symbol_kernels.word_symbols(*words.lexicon.packed())
            symbol_kernels.renumber(symbols, self.number, symbols)
            term_bounds, term_list = row_kernels.list_terms(
                self._find(symbols), plan.smallest - 1, self.term_of, self.offset, bounds
            )
            return count_word_rows(
                words.tokens, words.bounds, term_bounds, term_list, self.n_terms, 0, last - first
            )
        if self.known is not None:
            part = tokenize_part(plan, batch, first, last, Lexicon(), learn=True)
            numbers = self.known.numbers(part.lexicon)
            return self._count_symbols(*renumber_tokens(part.tokens, part.bounds, numbers))
        part = tokenize_part(plan, batch, first, last, self.lexicon, learn=False)
        symbol_kernels.renumber(part.tokens, self.symbol_of, part.tokens)
        return self._count_symbols(part.tokens, part.bounds)

    def _count_symbols(self, symbols: np.ndarray, bounds: np.ndarray) -> Rows:
        ranks = self._find(symbols)
        if len(ranks) < self.plan.smallest:  # the vocabulary has no n-gram of an order that counts
            none = np.empty(0, dtype=np.int32)
            return Rows(none, none, np.zeros(len(bounds), dtype=np.int64))
        return count_rows(
            ranks,
            self.plan.smallest - 1,
            self.term_of,
            self.offset,
            bounds,
            self.n_terms,
            0,
            len(bounds) - 1,
        )

    def _find(self, symbols: np.ndarray) -> np.ndarray:
        """Numbers of the known n-grams at every position, a row for each order."""
        ranks = np.empty((len(self.children) + 1, len(symbols)), dtype=np.int32)
        symbol_kernels.renumber(symbols, self.unigram, ranks[0])
        for order, (start, slots) in enumerate(self.children, 2):
            child_kernels.find_children(
                ranks[order - 2], symbols, order, start, slots, ranks[order - 1]
            )
        return ranks


def _power_of_two(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


def _number_by_code(trie: Trie) -> np.ndarray:
    """Symbol number of each code point up to the largest in the vocabulary, -1 for none."""
    codes = [ord(symbol) for symbol in trie.symbol_strings()]
    number = np.full(max(codes, default=0) + 1, -1, dtype=np.int32)
    number[codes] = np.arange(len(codes), dtype=np.int32)
    return number
