"""Documents -> scores of a linear model, part by part, without a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from textrep.sparse.analysis import Plan
from textrep.sparse.compiling import announce_compilation
from textrep.sparse.counting import document_symbols, tokenize_part
from textrep.sparse.documents import LEXICON_BYTES, PART_BYTES, Batch, refuse_str
from textrep.sparse.folding import FusionError, Weighing
from textrep.sparse.hashing import hash_part
from textrep.sparse.kernels import fused
from textrep.sparse.kernels import symbols as symbol_kernels
from textrep.sparse.matching import Matcher
from textrep.sparse.originals import ORIGINALS
from textrep.sparse.rows import Rows
from textrep.sparse.threads import BYTES_PER_THREAD
from textrep.sparse.trie import Trie

DENSE_NUMBERS = 1 << 17
"""N-grams, at most, that are counted in a dense array: it then fits into the second-level cache."""

CLEARING = 8
"""A dense array of so many numbers for each symbol of the documents costs more to make than it
saves.
"""


class Scorer:
    """Scores of documents. Only read once made, so any number of threads may share it.

    Parameters
    ----------
    vectorizer : a fitted vectoriser, textrep's or scikit-learn's
    plan : its plan
    weighing : how its counts are weighed
    coefficients : float64 (n_scores, n_columns that are kept)

    Raises
    ------
    FusionError
        When the vocabulary names other columns than those of the matrix.
    """

    def __init__(
        self, vectorizer: Any, plan: Plan, weighing: Weighing, coefficients: np.ndarray
    ) -> None:
        self._kind, self._norm = weighing.kind, weighing.norm
        self._vectorizer = vectorizer
        self._n_scores = len(coefficients)
        table = weighing.table(coefficients)
        self._score: Callable[[Batch, int, int], np.ndarray]
        if isinstance(vectorizer, ORIGINALS["HashingVectorizer"]):
            self._plan = plan.without_reader()
            self._table = table
            self._score = self._score_hashed
            self._part_bytes = PART_BYTES if plan.analyzer == "char" else LEXICON_BYTES
            return
        self._matcher = matcher = _matcher_of(vectorizer, plan)
        if matcher.n_terms != len(table):  # the kernels follow the columns unchecked
            raise FusionError(
                "cannot fuse a vectoriser whose vocabulary_ was edited in place; assign a new dict"
            )
        self._plan = matcher.plan
        self._part_bytes = LEXICON_BYTES if plan.analyzer == "char_wb" else PART_BYTES
        if plan.analyzer == "char_wb" or matcher.known is not None:
            self._table = table
            self._score = self._score_counted
            return
        # the numbers of n-grams take the place of columns: one look-up less
        self._table = _spread(table, matcher.term_of)
        self._score = self._score_ngrams
        self._single = plan.words and plan.largest == 1
        if self._single:  # and the numbers of tokens that of n-grams
            number = np.where(matcher.symbol_of < 0, -1, matcher.unigram[matcher.symbol_of])
            self._table = _spread(self._table, number)

    def scores(self, raw_documents: Iterable[Any], plan: Plan, n_jobs: int | None) -> np.ndarray:
        """Scores of all documents.

        Parameters
        ----------
        raw_documents : as the vectoriser takes them
        plan : the vectoriser's plan, with its reader
        n_jobs : threads allowed, see `wanted_threads`

        Returns
        -------
        scores : float64 (n_documents, n_scores), before an intercept is added
        """
        refuse_str(raw_documents)
        announce_compilation(plan.analyzer)
        parts = [np.empty((0, self._n_scores))]
        for batch in plan.batches(raw_documents):
            self._plan.kernel_tables(batch)
            if int(batch.nbytes.sum()) < BYTES_PER_THREAD:  # cutting takes as long as a short text
                parts.append(self._score(batch, 0, len(batch)))
            else:
                parts += [s for s, _ in batch.work(self._score, n_jobs, self._part_bytes)]
            del batch
        return parts[1] if len(parts) == 2 else np.concatenate(parts)

    def _score_hashed(self, batch: Batch, first: int, last: int) -> np.ndarray:
        signed = bool(self._vectorizer.alternate_sign)
        rows = hash_part(self._plan, batch, first, last, len(self._table), signed)
        return self._score_rows(rows)

    def _score_counted(self, batch: Batch, first: int, last: int) -> np.ndarray:
        return self._score_rows(self._matcher._count_part(batch, first, last))

    def _score_rows(self, rows: Rows) -> np.ndarray:
        return fused.score_rows(
            rows.terms, rows.values, rows.indptr, self._table, self._kind, self._norm
        )

    def _score_ngrams(self, batch: Batch, first: int, last: int) -> np.ndarray:
        matcher, plan = self._matcher, self._plan
        if plan.words:
            part = tokenize_part(plan, batch, first, last, matcher.lexicon, learn=False)
            symbols, bounds = part.tokens, part.bounds
            numbering = matcher.symbol_of
        else:
            symbols, bounds = document_symbols(plan, batch, first, last)
            numbering = matcher.number
        if self._single:
            ranks = symbols[None, :]
        else:
            symbol_kernels.renumber(symbols, numbering, symbols)
            ranks = matcher._find(symbols)
            if len(ranks) < plan.smallest:  # the vocabulary has no n-gram of an order that counts
                return np.zeros((last - first, self._n_scores))
        size = len(self._table)
        dense = size <= min(DENSE_NUMBERS, CLEARING * len(symbols))
        return fused.score_ngrams(
            ranks, plan.smallest - 1, matcher.offset, bounds, self._table, self._kind, self._norm,
            size if dense else 0,
        )  # fmt: skip


def _matcher_of(vectorizer: Any, plan: Plan) -> Matcher:
    """The look-up structures of a vectoriser: its own if it has some, else such as fit it."""
    if hasattr(vectorizer, "_matcher_for"):
        return vectorizer._matcher_for(plan)
    return Matcher(plan, Trie.from_terms(vectorizer.vocabulary_, plan.words))


def _spread(table: np.ndarray, row_of: np.ndarray) -> np.ndarray:
    """Rows of ``table`` in another order; zeros where ``row_of`` is -1."""
    spread = np.zeros((len(row_of), table.shape[1]))
    known = row_of >= 0
    spread[known] = table[row_of[known]]
    return spread
