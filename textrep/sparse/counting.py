"""Counting documents: learning a vocabulary, or counting what a given one knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.sparse.analysis import Plan
from textrep.sparse.documents import Batch
from textrep.sparse.kernels import lexicon as lexicon_kernels
from textrep.sparse.kernels import rows as row_kernels
from textrep.sparse.kernels import symbols as symbol_kernels
from textrep.sparse.kernels import tokenize as token_kernels
from textrep.sparse.lexicon import Lexicon, pack_strings, sort_packed
from textrep.sparse.numbering import Level, number_ngrams
from textrep.sparse.rewriting import Rewriting, renumber_tokens, rewrite_lexicon
from textrep.sparse.rows import PIECE, Gathered, Rows
from textrep.sparse.threads import run_parallel, split_evenly, stream_parallel, wanted_threads
from textrep.sparse.trie import Trie

LEAST_SYMBOLS = 1 << 15
"""Symbols below which a further thread costs more (about 0.1 ms to start) than it saves."""


EMPTY_VOCABULARY = "empty vocabulary; perhaps the documents only contain stop words"
"""scikit-learn's message."""


@dataclass
class Counts:
    """Counted documents with the vocabulary learnt from them.

    Attributes
    ----------
    rows : of all documents; their terms are numbered in the order in which they were met
    column_of : int64 (n_terms,), column of each term in the sorted vocabulary
    trie : the vocabulary
    """

    rows: Gathered
    column_of: np.ndarray
    trie: Trie

    @property
    def n_documents(self) -> int:
        return len(self.rows)

    def documents(self) -> np.ndarray:
        """In how many documents the term of each column stands, int64 (n_terms,)."""
        met = np.zeros(len(self.column_of), dtype=np.int64)
        row_kernels.add_document_frequencies(self.rows.terms, met)
        return self._by_column(met)

    def occurrences(self) -> np.ndarray:
        """How often the term of each column stands in all of them, int64 (n_terms,)."""
        met = np.zeros(len(self.column_of), dtype=np.int64)
        row_kernels.add_term_frequencies(self.rows.terms, self.rows.values, met)
        return self._by_column(met)

    def _by_column(self, met: np.ndarray) -> np.ndarray:
        by_column = np.empty_like(met)
        by_column[self.column_of] = met
        return by_column


@dataclass
class Tokens:
    """Tokens of some documents, numbered by a lexicon of their own; -1 behind each document."""

    tokens: np.ndarray
    bounds: np.ndarray
    lexicon: Lexicon


def tokenize_part(
    plan: Plan, batch: Batch, first: int, last: int, lexicon: Lexicon, learn: bool
) -> Tokens:
    fold, sequences, classes, growth = plan.kernel_tables(batch)
    tokens, bounds, table, arena, offsets, size = token_kernels.tokenize(
        batch.address, batch.nbytes, batch.plain, first, last, not plan.words, plan.lower,
        plan.min_chars, learn, lexicon.n_stop, fold, sequences, classes, growth,
        lexicon.table, lexicon.arena, lexicon.offsets, lexicon.size,
    )  # fmt: skip
    if learn:
        lexicon.table, lexicon.arena, lexicon.offsets, lexicon.size = table, arena, offsets, size
    return Tokens(tokens, bounds, lexicon)


def learn_tokens(plan: Plan, documents: Iterable[Any] | Batch, n_jobs: int | None) -> list[Tokens]:
    """Tokenise documents in as many parts as there are threads, each part with a lexicon of its
    own.
    """
    parts: list[Tokens] = []
    for batch in plan.batches(documents):
        ranges, _ = batch.cut(n_jobs)
        plan.kernel_tables(batch)
        parts += run_parallel(
            tokenize_part,
            [(plan, batch, *r, Lexicon(plan.stop_words), True) for r in ranges],
            len(ranges),
        )
    return parts


def merge_lexicons(parts: list[Tokens]) -> tuple[Lexicon, list[np.ndarray]]:
    """One lexicon for all parts, in the order the documents meet the tokens, and each part's
    numbers in it.
    """
    merged = parts[0].lexicon
    n_stop = merged.n_stop
    numbers = [np.arange(merged.size - n_stop, dtype=np.int32)]
    numbers += [merged.insert(*part.lexicon.packed(n_stop)) - n_stop for part in parts[1:]]
    return merged, [n.astype(np.int32, copy=False) for n in numbers]


def rewrite_parts(rewriting: Rewriting, parts: list[Tokens], threads: int) -> list[Tokens]:
    """The parts with their tokens rewritten, all numbered by one lexicon."""
    if not parts:
        return parts
    merged, numbers = merge_lexicons(parts)
    lexicon, rewritten = rewrite_lexicon(rewriting, merged)
    done = run_parallel(
        renumber_tokens,
        [
            (part.tokens, part.bounds, rewritten[number])
            for part, number in zip(parts, numbers, strict=True)
        ],
        threads,
    )
    return [Tokens(tokens, bounds, lexicon) for tokens, bounds in done]


def learn_counts(
    plan: Plan, documents: Iterable[Any] | Batch, n_jobs: int | None, dtype: Any
) -> Counts:
    """Count documents and learn the vocabulary; the counts are of ``dtype``.

    Raises
    ------
    ValueError
        When no document has a term (scikit-learn's message).
    """
    counts = try_to_learn_counts(plan, documents, n_jobs, dtype)
    if counts is None:
        raise ValueError(EMPTY_VOCABULARY)
    return counts


def try_to_learn_counts(
    plan: Plan, documents: Iterable[Any] | Batch, n_jobs: int | None, dtype: Any
) -> Counts | None:
    """`learn_counts`, None when no document has a term."""
    threads = wanted_threads(n_jobs)
    if plan.analyzer == "char":
        counts = _learn_characters(plan, character_texts(plan, documents, n_jobs), threads, dtype)
    else:
        parts = learn_tokens(plan, documents, n_jobs)
        if plan.rewriting is not None:
            parts = rewrite_parts(plan.rewriting, parts, threads)
        if not parts or (parts[0].lexicon.size == parts[0].lexicon.n_stop and len(parts) == 1):
            counts = None
        elif plan.analyzer == "char_wb":
            counts = _learn_word_characters(plan, parts, threads, dtype)
        elif plan.largest == 1:
            counts = _learn_words(parts, threads, dtype)
        else:
            counts = _learn_word_ngrams(plan, parts, threads, dtype)
    return None if counts is None or not len(counts.trie) else counts


def _learn_words(parts: list[Tokens], threads: int, dtype: Any) -> Counts:
    lexicon, numbers = merge_lexicons(parts)
    arena, offsets = lexicon.packed(lexicon.n_stop)
    order = sort_packed(arena, offsets)
    column_of = np.empty(len(order), dtype=np.int64)
    column_of[order] = np.arange(len(order))
    offset = np.zeros(1, np.int64)
    calls = [
        (part.tokens[None, :], 0, number, offset, part.bounds, len(order))
        for part, number in zip(parts, numbers, strict=True)
    ]
    bounds = [part.bounds for part in parts]
    rows = gather(count_rows, calls, bounds, PIECE, threads, dtype)
    level = Level(
        np.empty(0, np.int32), np.arange(len(order), dtype=np.int32), np.arange(len(order))
    )
    packed = _reorder(arena, offsets, order)
    return Counts(rows, column_of, Trie(*packed, [level], column_of, words=True))


def count_rows(
    ranks: np.ndarray,
    smallest: int,
    term_of: np.ndarray,
    offset: np.ndarray,
    bounds: np.ndarray,
    n_terms: int,
    first: int,
    last: int,
) -> Rows:
    """Rows of documents ``first`` to ``last`` whose n-grams are numbered in ``ranks``, see the
    kernel.
    """
    return Rows(
        *row_kernels.count_rows(ranks, smallest, term_of, offset, bounds, first, last, n_terms)
    )


def _reorder(
    arena: np.ndarray, offsets: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Packed strings in another order."""
    return lexicon_kernels.reorder_packed(arena, offsets, order)


def _join(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Bounds of the documents of all parts (rows of symbols and bounds) in the joined rows, int64
    (n_documents + 1,).
    """
    begins = np.cumsum([0, *(len(symbols) for symbols, _ in parts)])
    joined = [bounds[:-1] + begin for (_, bounds), begin in zip(parts, begins, strict=False)]
    return np.concatenate([*joined, begins[-1:]])


def _learn_word_ngrams(plan: Plan, parts: list[Tokens], threads: int, dtype: Any) -> Counts | None:
    lexicon, numbers = merge_lexicons(parts)
    arena, offsets = lexicon.packed(lexicon.n_stop)
    order = sort_packed(arena, offsets)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    bounds = _join([(part.tokens, part.bounds) for part in parts])
    ranks = np.empty((_orders(plan, bounds), bounds[-1]), dtype=np.int32)
    begins = np.cumsum([0, *(len(part.tokens) for part in parts)])
    run_parallel(
        symbol_kernels.renumber,
        [
            (part.tokens, rank[number], ranks[0, a:b])
            for part, number, a, b in zip(parts, numbers, begins[:-1], begins[1:], strict=True)
        ],
        threads,
    )
    parts.clear()  # their tokens are as large as a row of ranks
    threads = min(threads, max(1, len(begins) - 1))
    packed = _reorder(arena, offsets, order)
    return _number_and_count(plan, ranks, bounds, *packed, threads, dtype)


def _orders(plan: Plan, bounds: np.ndarray) -> int:
    """Orders worth numbering: no text has longer n-grams."""
    longest = int(np.diff(bounds).max(initial=1)) - 1
    return max(1, min(plan.largest, longest))


def _first_positions(symbols: np.ndarray, n_symbols: int) -> np.ndarray:
    position = np.full(n_symbols, -1, dtype=np.int64)
    symbol_kernels.first_positions(symbols, position)
    return position


def _number_and_count(
    plan: Plan,
    ranks: np.ndarray,
    bounds: np.ndarray,
    arena: np.ndarray,
    offsets: np.ndarray,
    threads: int,
    dtype: Any,
) -> Counts | None:
    """Number the n-grams of documents whose symbols fill row 0 of ``ranks``, and count them."""
    if len(ranks) < plan.smallest:
        return None
    n_symbols = len(offsets) - 1
    first = _first_positions(ranks[0], n_symbols)
    numbering = number_ngrams(ranks, bounds, n_symbols, plan.smallest, first, threads)
    met = np.empty(numbering.n_terms, dtype=np.int64)
    columns = np.concatenate([level.column for level in numbering.levels])
    here = columns >= 0
    met[numbering.term_of[here]] = columns[here]
    call = (
        numbering.ranks, plan.smallest - 1, numbering.term_of, numbering.offset, bounds,
        numbering.n_terms,
    )  # fmt: skip
    size = PIECE // (len(numbering.ranks) - plan.smallest + 1)
    rows = gather(count_rows, [call], [bounds], size, threads, dtype)
    return Counts(rows, met, Trie(arena, offsets, numbering.levels, met, plan.words))


def number_code_points(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct code points packed in order, as arena and offsets, and the symbols renumbered
    to them in place.
    """
    seen = np.zeros(int(symbols.max(initial=0)) + 1, dtype=np.uint8)
    symbol_kernels.mark_symbols(symbols, seen)
    codes = np.flatnonzero(seen)
    number = np.full(len(seen), -1, dtype=np.int32)
    number[codes] = np.arange(len(codes), dtype=np.int32)
    symbol_kernels.renumber(symbols, number, symbols)
    return *pack_strings([chr(code) for code in codes.tolist()]), symbols


def document_symbols(
    plan: Plan, batch: Batch, first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Code points of some documents, each followed by -1, and the bounds of each."""
    fold, sequences, classes, growth = plan.kernel_tables(batch)
    return symbol_kernels.document_symbols(
        batch.address, batch.nbytes, batch.plain, first, last, fold, sequences, classes, plan.lower,
        growth,
    )  # fmt: skip


def character_texts(
    plan: Plan, documents: Iterable[Any] | Batch, n_jobs: int | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """`document_symbols` of all documents, in as many parts as there are threads."""
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for batch in plan.batches(documents):
        ranges, _ = batch.cut(n_jobs)
        plan.kernel_tables(batch)
        parts += run_parallel(document_symbols, [(plan, batch, *r) for r in ranges], len(ranges))
    return parts


def _learn_characters(
    plan: Plan, parts: list[tuple[np.ndarray, np.ndarray]], threads: int, dtype: Any
) -> Counts | None:
    if not parts:
        return None
    threads = min(threads, len(parts))
    bounds = _join(parts)
    ranks = np.empty((_orders(plan, bounds), bounds[-1]), dtype=np.int32)
    np.concatenate([symbols for symbols, _ in parts], out=ranks[0])
    parts.clear()
    arena, offsets, _ = number_code_points(ranks[0])
    return _number_and_count(plan, ranks, bounds, arena, offsets, threads, dtype)


def _learn_word_characters(
    plan: Plan, parts: list[Tokens], threads: int, dtype: Any
) -> Counts | None:
    """Character n-grams inside words: numbered once a distinct word, not once an occurrence."""
    lexicon, numbers = merge_lexicons(parts)
    symbols, bounds = symbol_kernels.word_symbols(*lexicon.packed())
    if len(bounds) == 1:
        return None
    ranks = np.empty((_orders(plan, bounds), len(symbols)), dtype=np.int32)
    arena, offsets, ranks[0] = number_code_points(symbols)
    n_symbols = len(offsets) - 1
    first = _first_positions(ranks[0], n_symbols)
    numbering = number_ngrams(
        ranks,
        bounds,
        n_symbols,
        plan.smallest,
        first,
        min(threads, len(parts)),
        whole_if_short=True,
    )
    columns = np.concatenate([level.column for level in numbering.levels])
    here = columns >= 0
    met = np.empty(numbering.n_terms, dtype=np.int64)
    met[numbering.term_of[here]] = columns[here]
    term_bounds, term_list = row_kernels.list_terms(
        numbering.ranks, plan.smallest - 1, numbering.term_of, numbering.offset, bounds
    )
    run_parallel(
        symbol_kernels.renumber,
        [(part.tokens, of, part.tokens) for part, of in zip(parts, numbers, strict=True)],
        threads,
    )
    rows = gather(
        count_word_rows,
        [(part.tokens, part.bounds, term_bounds, term_list, numbering.n_terms) for part in parts],
        [part.bounds for part in parts],
        words_at_a_time(term_bounds, numbering.n_terms),
        threads,
        dtype,
    )
    return Counts(rows, met, Trie(arena, offsets, numbering.levels, met, words=False))


def words_at_a_time(term_bounds: np.ndarray, n_terms: int) -> int:
    """Words whose terms are counted together: enough for a dense array of all terms to be worth
    its clearing.
    """
    a_word = max(1, term_bounds[-1] // (len(term_bounds) - 1))
    return int(max(PIECE, 4 * n_terms) // a_word) + 1


def count_word_rows(
    words: np.ndarray,
    bounds: np.ndarray,
    term_bounds: np.ndarray,
    term_list: np.ndarray,
    n_terms: int,
    first: int,
    last: int,
) -> Rows:
    """Rows of documents ``first`` to ``last`` given as words, see the kernel."""
    return Rows(
        *row_kernels.count_word_rows(words, bounds, term_bounds, term_list, first, last, n_terms)
    )


def gather(
    count: Callable[..., Rows],
    calls: Sequence[tuple[Any, ...]],
    bounds: Sequence[np.ndarray],
    size: int,
    threads: int,
    dtype: Any,
) -> Gathered:
    """The rows of all documents, counted in pieces.

    Parameters
    ----------
    count : ``count(*call, first, last)`` gives the rows of some documents
    calls : one for each part of the documents
    bounds : int64 (n_documents + 1,) for each call, where its documents begin among its symbols
    size : most symbols to a piece, about
    threads : threads to count in
    dtype : of the values
    """
    total = sum(int(part[-1] - part[0]) for part in bounds)
    size = min(size, max(LEAST_SYMBOLS, -(-total // threads)))
    pieces = []
    done = []
    before = 0
    for call, part in zip(calls, bounds, strict=True):
        n_symbols = int(part[-1] - part[0])
        for first, last in split_evenly(part, -(-n_symbols // size)):
            pieces.append((*call, first, last))
            done.append(before + int(part[last] - part[0]))
        before += n_symbols
    shares = [symbols / max(1, total) for symbols in done]
    return Gathered(dtype, zip(stream_parallel(count, pieces, threads), shares, strict=True))
