"""Document vectors from word vectors: mean, idf, SIF and maximum, and what they learn in fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.counted import Counted
from textrep.embeddings.kernels import pooling as kernels
from textrep.embeddings.vectors import WordVectors
from textrep.sparse.threads import run_parallel, split_evenly, wanted_threads

POOLINGS = ("mean", "idf", "sif", "max")

SIF_A = 1e-3
"""The a of Arora et al. (2017), who find 1e-3 to 1e-4 best."""

SAMPLED_DOCUMENTS = 20_000
"""Documents whose common direction is found: more do not move it."""

SAMPLED_ENTRIES = 1 << 22
"""Words of sampled documents that are kept at most, about: 32 MB."""

VALUES_PER_THREAD = 1 << 20
"""Multiplications below which a further thread costs more than it saves."""


@dataclass(frozen=True)
class PoolingStatistics:
    """What `fit` learns of the training documents, for all poolings at once.

    Attributes
    ----------
    n_documents : int
    idf : float32 (n_words,)
        ``log((1 + n_documents) / (1 + df)) + 1`` of each word, as in `textrep.TfidfVectorizer`.
    sif_weights : float32 (n_words,)
        ``a / (a + p)`` of each word.
    sif_direction : float32 (dim,)
        Unit vector that the documents have in common; zeros where they have none.
    """

    n_documents: int
    idf: np.ndarray
    sif_weights: np.ndarray
    sif_direction: np.ndarray

    def weights(self, pooling: str) -> tuple[np.ndarray | None, float]:
        """Weight of each word in a pooling, None for 1, and that of every unseen word."""
        if pooling == "idf":
            return self.idf, float(np.log(1 + self.n_documents) + 1)
        return (self.sif_weights if pooling == "sif" else None), 1.0


def check_pooling(pooling: Any) -> str:
    """The name of a pooling, refused where there is none of that name."""
    if pooling not in POOLINGS:
        known = ", ".join(map(repr, POOLINGS))
        raise ValueError(f"pooling must be one of {known}, got {shown(pooling)}")
    return pooling


def pool(
    counted: Counted,
    vectors: WordVectors,
    statistics: PoolingStatistics,
    pooling: str,
    n_jobs: int | None,
) -> np.ndarray:
    """Vectors of documents.

    Parameters
    ----------
    counted : Counted
        The documents.
    vectors : WordVectors
    statistics : PoolingStatistics
    pooling : {"mean", "idf", "sif", "max"}
    n_jobs : int or None

    Returns
    -------
    float32 (n_documents, dim)
        Zeros for a document without a word that has a vector.
    """
    pooled = _combine(counted, vectors, statistics.weights(pooling), pooling, n_jobs)
    if pooling == "sif":
        kernels.take_out(pooled, statistics.sif_direction)
    return pooled


def _combine(
    counted: Counted,
    vectors: WordVectors,
    weights: tuple[np.ndarray | None, float],
    pooling: str,
    n_jobs: int | None,
) -> np.ndarray:
    """Weighted means or maxima; the weights as `PoolingStatistics.weights` gives them."""
    unseen, known = vectors.vectors_of(counted.unseen)
    if not known.all():
        counted = counted.only(np.append(np.ones(len(vectors), dtype=bool), known))
    terms, places = distinct(counted.terms, len(vectors) + len(counted.unseen))
    n_seen = int(np.searchsorted(terms, len(vectors)))
    rows = vectors.rows(terms[:n_seen])
    if n_seen < len(terms):
        rows = np.concatenate([rows, unseen[terms[n_seen:] - len(vectors)]])
    out = np.zeros((len(counted), vectors.dim), dtype=np.float32)
    call: tuple[Any, ...]
    kernel: Callable[..., None]
    if pooling == "max":
        kernel, call = kernels.maxima, (counted.indptr, places, rows)
    else:
        each = np.full(len(terms), weights[1], dtype=np.float32)
        each[:n_seen] = 1 if weights[0] is None else weights[0][terms[:n_seen]]
        call = (counted.indptr, places, counted.counts, each, pooling == "idf", rows)
        kernel = kernels.weighted_means
    threads = min(wanted_threads(n_jobs), max(1, places.size * vectors.dim // VALUES_PER_THREAD))
    ranges = split_evenly(counted.indptr, threads)
    run_parallel(kernel, [(*call, *r, out) for r in ranges], threads)
    return out


def distinct(terms: np.ndarray, n_terms: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct numbers below `n_terms` in rising order, and the place of each item among
    them, int32.
    """
    if len(terms) < n_terms // 16:
        found, places = np.unique(terms, return_inverse=True)
        return found, places.astype(np.int32)
    seen = np.zeros(n_terms, dtype=bool)
    seen[terms] = True
    place_of = np.cumsum(seen, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(seen), place_of[terms]


class PoolingLearner:
    """Learns `PoolingStatistics` from documents that are seen once.

    Parameters
    ----------
    n_words : int
        Words of the vocabulary.
    before : int, default=0
        Documents that others see before these, which `merge` puts in front of them.

    Attributes
    ----------
    n_documents : int
        Documents seen.
    """

    def __init__(self, n_words: int, before: int = 0) -> None:
        self._frequencies = np.zeros(n_words, dtype=np.int64)
        self.n_documents = 0
        self._sample = DocumentSample(SAMPLED_DOCUMENTS, SAMPLED_ENTRIES, before)

    def add(self, counted: Counted) -> None:
        """See documents; words beyond the vocabulary do not count."""
        n_words = len(self._frequencies)
        if counted.unseen:
            seen = np.arange(n_words + len(counted.unseen)) < n_words
            counted = counted.only(seen)
        self.n_documents += len(counted)
        self._frequencies += np.bincount(counted.terms, minlength=n_words)
        self._sample.add(counted.indptr, counted.terms, counted.counts)

    def add_corpus(self, corpus: Any) -> None:
        """See the sentences of a `TokenCorpus`, whose words are those of the vectors.

        A sentence longer than a chunk of the corpus counts once in document frequencies, and
        each of its parts is a document of its own for the common direction.
        """
        latest = np.full(len(self._frequencies), -1, dtype=np.int64)
        document = self.n_documents
        for number in range(len(corpus.chunks)):
            ids = corpus.read(number)
            document = kernels.add_document_frequencies(ids, document, latest, self._frequencies)
            ends = np.flatnonzero(ids < 0)
            terms = ids[ids >= 0]
            # Without the -1 behind each, and empty ones.
            begins = np.unique(np.concatenate([[0], ends - np.arange(len(ends)), [len(terms)]]))
            self._sample.add(begins, terms, np.ones(len(terms), dtype=np.float32))
        self.n_documents += corpus.n_sentences

    def merge(self, later: PoolingLearner) -> PoolingLearner:
        """What one learner knows that sees the documents of both.

        Parameters
        ----------
        later : PoolingLearner
            Of the same words, and told how many documents are before its own. Both are left as
            they are.

        Returns
        -------
        PoolingLearner
        """
        merged = PoolingLearner(len(self._frequencies))
        merged._frequencies = self._frequencies + later._frequencies
        merged.n_documents = self.n_documents + later.n_documents
        merged._sample = self._sample.merge(later._sample)
        return merged

    def statistics(
        self, vectors: WordVectors, direction: Callable[[Counted, np.ndarray], np.ndarray]
    ) -> PoolingStatistics:
        """What was learnt.

        Parameters
        ----------
        vectors : WordVectors
            Of the words; see `sif_weights`.
        direction : callable
            Finds the common direction of documents, given them and the weights of the words; see
            `first_direction`.
        """
        weights = sif_weights(vectors)
        common = direction(self._sample.documents(), weights)
        inverse = np.log((1 + self.n_documents) / (1 + self._frequencies)) + 1
        return PoolingStatistics(self.n_documents, inverse.astype(np.float32), weights, common)


class DocumentSample:
    """Documents at even distances in a stream of unknown length.

    Every step-th document is kept, and the step is doubled whenever there are too many.

    Parameters
    ----------
    n_documents : int
        Documents kept at most.
    n_entries : int
        Entries they have at most, unless a single one has more.
    before : int, default=0
        Documents of the stream that another sample sees before these.
    """

    def __init__(self, n_documents: int, n_entries: int, before: int = 0) -> None:
        self._most = n_documents, n_entries
        self._step = 1
        self._seen = before
        self._kept: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._entries = 0

    def add(self, indptr: np.ndarray, terms: np.ndarray, counts: np.ndarray) -> None:
        """See documents, given as `Counted` has them; terms may repeat in a document."""
        first = self._seen
        self._seen += len(indptr) - 1
        number = -(-first // self._step) * self._step
        while number < self._seen:
            begin, end = indptr[number - first], indptr[number - first + 1]
            self._kept.append((number, terms[begin:end].copy(), counts[begin:end].copy()))
            self._entries += int(end - begin)
            while self._is_full():
                self._thin()
            number = (number // self._step + 1) * self._step

    def _is_full(self) -> bool:
        most_documents, most_entries = self._most
        n_kept = len(self._kept)
        return n_kept > most_documents or (n_kept > 1 and self._entries > most_entries)

    def _thin(self) -> None:
        self._step *= 2
        self._kept = [document for document in self._kept if document[0] % self._step == 0]
        self._entries = sum(len(terms) for _, terms, _ in self._kept)

    def merge(self, later: DocumentSample) -> DocumentSample:
        """A sample of the documents of both, the same as of one stream; both are left as they
        are.
        """
        merged = DocumentSample(*self._most, before=later._seen)
        merged._step = max(self._step, later._step)
        kept = self._kept + later._kept
        merged._kept = [document for document in kept if document[0] % merged._step == 0]
        merged._entries = sum(len(terms) for _, terms, _ in merged._kept)
        while merged._is_full():
            merged._thin()
        return merged

    def documents(self) -> Counted:
        """The documents that were kept."""
        terms = [np.zeros(0, dtype=np.int32), *(terms for _, terms, _ in self._kept)]
        counts = [np.zeros(0, dtype=np.float32), *(counts for _, _, counts in self._kept)]
        return Counted(np.cumsum([*map(len, terms)]), np.concatenate(terms), np.concatenate(counts))


def sif_weights(vectors: WordVectors) -> np.ndarray:
    """``a / (a + p)`` of each word with its share p of the text, float32 (n_words,).

    Where the vectors have no counts, word number r (from 0) is taken to make up a share of the text
    in proportion to ``1 / (r + 2)``, Zipf's law: files of vectors have the frequent words first.
    """
    if vectors.counts is not None and vectors.counts.any():
        shares = vectors.counts / vectors.counts.sum()
    else:
        shares = 1 / np.arange(2, len(vectors) + 2)
        shares /= shares.sum()
    return (SIF_A / (SIF_A + shares)).astype(np.float32)


def first_direction(
    documents: Counted, vectors: WordVectors, weights: np.ndarray, n_jobs: int | None
) -> np.ndarray:
    """First right singular vector of the documents' weighted means, float32 (dim,); zeros where
    all of them are zeros.

    It is found through the sum of their outer products, (dim, dim), and points to where its
    values add up to more than zero.
    """
    products = np.zeros((vectors.dim, vectors.dim))
    for part in _slices(documents):
        means = _combine(part, vectors, (weights, 1.0), "sif", n_jobs).astype(np.float64)
        products += means.T @ means
    return oriented(np.linalg.eigh(products)[1][:, -1] * bool(products.any()))


def oriented(direction: np.ndarray) -> np.ndarray:
    """A direction, whose sign means nothing, with one that is the same every time."""
    return (-direction if direction.sum() < 0 else direction).astype(np.float32)


def _slices(documents: Counted, size: int = 4096) -> Iterable[Counted]:
    for first in range(0, len(documents), size):
        bounds = documents.indptr[first : first + size + 1]
        inside = slice(int(bounds[0]), int(bounds[-1]))
        yield Counted(bounds - bounds[0], documents.terms[inside], documents.counts[inside])
