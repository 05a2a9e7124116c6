"""Documents -> how often each word of a vocabulary stands in each of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

from textrep.embeddings.documents import Documents, is_tokens
from textrep.embeddings.reading import Analysis
from textrep.sparse import CountVectorizer
from textrep.sparse.analysis import Plan
from textrep.sparse.compiling import announce_compilation
from textrep.sparse.counting import try_to_learn_counts

SHORT_CHARACTERS = 4096
"""Texts with fewer altogether are cut into words in Python, words beyond the vocabulary included:
starting the kernels takes longer.
"""


@dataclass
class Counted:
    """Documents as counts of words.

    Attributes
    ----------
    indptr : int64 (n_documents + 1,)
        Where the entries of each document begin.
    terms : int32 (nnz,)
        Number of the word of each entry, in rising order in each document; from the size of the
        vocabulary up, that of a word of `unseen`.
    counts : float32 (nnz,)
        How often the word stands in the document.
    unseen : list of str
        Words that are not in the vocabulary, sorted; empty where they are not asked for.
    """

    indptr: np.ndarray
    terms: np.ndarray
    counts: np.ndarray
    unseen: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def only(self, kept: np.ndarray) -> Counted:
        """Without the entries of some words: bool (n_words + n_unseen,) says which are kept."""
        stays = kept[self.terms]
        before = np.concatenate([[0], np.cumsum(stays)])
        return Counted(before[self.indptr], self.terms[stays], self.counts[stays], self.unseen)


class WordCounter:
    """Counts the words of a vocabulary in texts or token lists. Threads may share one.

    Parameters
    ----------
    words : list of str
        The vocabulary.
    lowercase, token_pattern, tokenizer :
        How texts are cut into words, see `textrep.embeddings.read_corpus`.
    n_jobs : int or None
        Threads; None for all cores.
    unseen : bool
        Whether words beyond the vocabulary are counted, too.

    Raises
    ------
    ValueError
        When the texts cannot be cut so.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        lowercase: bool,
        token_pattern: str,
        tokenizer: Any,
        n_jobs: int | None,
        unseen: bool,
    ) -> None:
        self._analysis = Analysis(lowercase, token_pattern, tokenizer)
        self._unseen = unseen
        self._n_jobs = n_jobs
        self._n_words = len(words)
        self._number_of = dict(zip(words, itertools.count(), strict=False))
        self._vectorizer = CountVectorizer(
            lowercase=lowercase,
            token_pattern=None if tokenizer is not None else token_pattern,
            tokenizer=tokenizer,
            vocabulary=self._number_of,
            n_jobs=n_jobs,
            dtype=np.float32,
        )

    def count(self, documents: Documents) -> Counted:
        """Count one batch.

        Parameters
        ----------
        documents : list of str or list of list of str

        Returns
        -------
        Counted
        """
        if is_tokens(documents):
            return self._count_tokens(documents)
        if not self._unseen:
            return _from_csr(self._vectorizer.transform(documents))
        if self._analysis.plan is None or sum(map(len, documents)) < SHORT_CHARACTERS:
            tokens_of: Any = self._analysis.tokens_of
            return self._count_tokens(map(tokens_of, documents))
        return self._count_all(self._analysis.plan, documents)

    def _count_tokens(self, documents: Iterable[Sequence[str]]) -> Counted:
        counted = [Counter(document) for document in documents]
        number_of, unseen = self._numbers({word for words in counted for word in words})
        terms: list[int] = []
        counts: list[int] = []
        bounds = [0]
        for words in counted:
            entries = sorted((number_of[w], n) for w, n in words.items() if w in number_of)
            terms += [term for term, _ in entries]
            counts += [n for _, n in entries]
            bounds.append(len(terms))
        return Counted(
            np.array(bounds, dtype=np.int64),
            np.array(terms, dtype=np.int32),
            np.array(counts, dtype=np.float32),
            unseen,
        )

    def _numbers(self, words: Iterable[str]) -> tuple[dict[str, int], list[str]]:
        """The numbers of those distinct words that count, and the unseen ones among them."""
        find = self._number_of.get
        known = {word: number for word in words if (number := find(word)) is not None}
        unseen = sorted(word for word in words if word not in known) if self._unseen else []
        return known | dict(zip(unseen, itertools.count(self._n_words), strict=False)), unseen

    def _count_all(self, plan: Plan, texts: Any) -> Counted:
        announce_compilation(plan.analyzer)
        learnt = try_to_learn_counts(plan, texts, self._n_jobs, np.float32)
        if learnt is None:
            none = np.zeros(0, dtype=np.int32)
            return Counted(np.zeros(len(texts) + 1, np.int64), none, none.astype(np.float32))
        spelt = learnt.trie.terms(n_jobs=self._n_jobs)
        number_of, unseen = self._numbers(spelt)
        numbers = np.array([number_of[word] for word in spelt], dtype=np.int32)
        rows = learnt.rows
        terms = numbers[learnt.column_of[rows.terms]]
        shape = len(rows), self._n_words + len(unseen)
        # In rising order, so that sums do not depend on what else is in the batch.
        counted = _from_csr(scipy.sparse.csr_matrix((rows.values, terms, rows.indptr), shape=shape))
        counted.unseen = unseen
        return counted


def _from_csr(matrix: Any) -> Counted:
    matrix.sort_indices()
    return Counted(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
    )
