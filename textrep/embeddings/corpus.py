"""A corpus as the numbers of its words, in chunks that training reads as often as it likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.kernels.corpus import (
    DROPPED,
    FIRST,
    SENTENCE,
    STATE,
    WORDS,
    cut_chunks,
    renumber_kept,
)
from textrep.embeddings.numbering import Numbered
from textrep.embeddings.parameters import check_count
from textrep.embeddings.reading import Analysis, read_numbers
from textrep.embeddings.spool import Spool
from textrep.sparse.kernels.lexicon import reorder_packed
from textrep.sparse.lexicon import Lexicon, unpack_strings

CHUNK_TOKENS = 1 << 18
"""Words and ends of sentences in a chunk at most: 1 MB, which a thread's cache holds."""

LEAST_CHUNK_TOKENS = 1 << 13
"""In a chunk of a small corpus; training on as many takes some milliseconds."""

CHUNKS = 64
"""So many, or more, has a corpus that is large enough: threads that share them end together."""

RENUMBERED_AT_ONCE = 1 << 20


class Chunk(NamedTuple):
    """A piece of a corpus.

    Attributes
    ----------
    first, last : positions of its ids in the corpus, ends of sentences counted too
    n_tokens : words in it
    first_sentence : the number of the sentence that it begins in
    """

    first: int
    last: int
    n_tokens: int
    first_sentence: int


class TokenCorpus:
    """A corpus as the numbers of its words; made by `read_corpus`.

    It holds up to 64 MB of numbers in memory and more in a temporary file, which is removed by
    `close`, at the end of a ``with`` block, and when the corpus is forgotten.

    Attributes
    ----------
    words : list of str, length n_words
        The vocabulary, most frequent first, ties in the order met.
    counts : ndarray of int64, shape (n_words,)
        How often each word stands in the corpus.
    n_tokens : int
        Words in all sentences, of the vocabulary only.
    n_raw : int
        Words in all sentences before rare ones were dropped.
    n_sentences : int
        Sentences (documents), empty ones too.
    chunks : list of Chunk
        Where each chunk lies. A chunk holds up to a 64th of the corpus, but up to 8,192 words and
        ends of sentences in any case and 262,144 at most. It ends at the end of a sentence, except
        within a sentence that is longer than a chunk.
    """

    def __init__(
        self,
        words: list[str],
        counts: np.ndarray,
        n_raw: int,
        n_sentences: int,
        chunks: list[Chunk],
        spool: Spool,
    ) -> None:
        self.words = words
        self.counts = counts
        self.n_tokens = int(counts.sum())
        self.n_raw = n_raw
        self.n_sentences = n_sentences
        self.chunks = chunks
        self._spool = spool

    def __enter__(self) -> TokenCorpus:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<TokenCorpus of {self.n_tokens:,} tokens of {len(self.words):,} words in "
            f"{self.n_sentences:,} sentences>"
        )

    def read(self, i: int) -> np.ndarray:
        """The words of a chunk.

        Parameters
        ----------
        i : int
            Number of the chunk. Several threads may read at the same time.

        Returns
        -------
        ndarray of int32, shape (last - first,)
            Indices into `words`, -1 behind each sentence; of the caller's own.

        Raises
        ------
        ValueError
            When the corpus is closed.
        """
        chunk = self.chunks[i]
        return self._spool.read(chunk.first, chunk.last)

    def close(self) -> None:
        """Remove the temporary file, if there is one. May be called again."""
        self._spool.close()


def read_corpus(
    X: Any,
    *,
    lowercase: bool = True,
    token_pattern: str = r"(?u)\b\w+\b",
    tokenizer: Callable[[str], list[str]] | None = None,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> TokenCorpus:
    r"""Read a corpus once: find its words, number them, and drop the rare ones.

    Parameters
    ----------
    X : iterable of str, iterable of lists of str, or pathlib.Path
        Texts, each of which is one sentence; sentences that are lists of tokens, which are taken
        as they are; a generator of either, of which some megabytes at a time are held; or a text
        file in UTF-8, plain or compressed (.gz, .bz2, .xz), with a sentence on each line. Lines
        may be of any length. Only ``\n`` and ``\r\n`` end a line.
    lowercase : bool, default=True
        Whether texts are lower-cased.
    token_pattern : str, default=r"(?u)\b\w+\b"
        Regular expression of a token. The usual ones are found by kernels in several threads.
    tokenizer : callable, optional
        From a text to its tokens, in place of `token_pattern`; runs in one thread.
    min_count : int, default=5
        Words that stand fewer times in the corpus are dropped.
    max_vocabulary : int, optional
        So many words, the most frequent, are kept at most.
    n_jobs : int, optional
        Threads; None for all cores.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    TokenCorpus
        The same for any number of threads.

    Raises
    ------
    TextInputError
        When X is a single str, or an item of it is neither text nor list of tokens; the message
        gives its position.
    DataError
        When a file cannot be read or is not UTF-8; the message gives the line.
    ValueError
        When no word is left, or a parameter is out of its range.
    OSError
        When the folder of temporary files is full.

    Examples
    --------
    >>> with read_corpus(["so much text", "so little"], min_count=1) as corpus:
    ...     corpus.words, corpus.read(0).tolist()
    (['so', 'much', 'text', 'little'], [0, 1, 2, -1, 0, 3, -1])
    """
    check_count("min_count", min_count, 0)
    if max_vocabulary is not None:
        check_count("max_vocabulary", max_vocabulary, 1)
    analysis = Analysis(lowercase, token_pattern, tokenizer)
    spool = Spool()
    try:
        return _settle(read_numbers(X, analysis, spool, n_jobs, verbose), min_count, max_vocabulary)
    except BaseException:
        spool.close()
        raise


def _settle(numbered: Numbered, min_count: int, max_vocabulary: int | None) -> TokenCorpus:
    """Number the words by frequency and cut the corpus into chunks."""
    lexicon, spool = numbered.lexicon, numbered.spool
    counts = numbered.counts[: lexicon.size]
    order = kept_words(lexicon, counts, numbered.n_sentences, min_count, max_vocabulary)
    number = np.full(lexicon.size, DROPPED, dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    n_ids = int(counts[order].sum()) + numbered.n_sentences
    chunks = renumber_spool(spool, number, chunk_limit(n_ids), spool.overwrite)
    spool.truncate(chunks[-1].last if chunks else 0)
    words = unpack_strings(*reorder_packed(*lexicon.packed(), order))
    return TokenCorpus(words, counts[order], numbered.n_words, numbered.n_sentences, chunks, spool)


def kept_words(
    lexicon: Lexicon,
    counts: np.ndarray,
    n_sentences: int,
    min_count: int,
    max_vocabulary: int | None,
) -> np.ndarray:
    """The words that a corpus keeps, most frequent first, ties in the order met.

    Parameters
    ----------
    lexicon : Lexicon
        All words in the order met.
    counts : int64 ndarray (n_words,)
    n_sentences : int
        For the message of an error.
    min_count, max_vocabulary : int, int or None
        See `read_corpus`.

    Returns
    -------
    int64 ndarray (n_kept,)
        Numbers of words in the lexicon.

    Raises
    ------
    ValueError
        When none is left.
    """
    order = np.argsort(-counts, kind="stable")[:max_vocabulary]
    order = order[counts[order] >= min_count]
    if not len(order):
        raise ValueError(_nothing_left(lexicon, counts, n_sentences, min_count))
    return order


def _nothing_left(lexicon: Lexicon, counts: np.ndarray, n_sentences: int, min_count: int) -> str:
    if not len(counts):
        return f"X has no words: none of its {n_sentences:,} sentences has a token"
    best = int(np.argmax(counts))
    (word,) = unpack_strings(lexicon.arena, lexicon.offsets[best : best + 2])
    return (
        f"no word is left: of {len(counts):,} different words the most frequent, {shown(word)}, "
        f"stands {counts[best]:,} times in X, which min_count={min_count} drops; lower min_count"
    )


def chunk_limit(n_ids: int) -> int:
    """Words and ends of sentences in a chunk at most, given those of the corpus.

    It depends on nothing else, so that one thread learns the same on every machine.

    >>> [chunk_limit(n) for n in (1000, 10**6, 10**9)]
    [8192, 15625, 262144]
    """
    return min(CHUNK_TOKENS, max(LEAST_CHUNK_TOKENS, -(-n_ids // CHUNKS)))


def renumber_spool(
    spool: Spool, number: np.ndarray, limit: int, put: Callable[[int, np.ndarray], None]
) -> list[Chunk]:
    """Give the words of a spool their new numbers, and cut the text into chunks.

    Parameters
    ----------
    spool : Spool
        The words by their old numbers, -1 behind each sentence.
    number : int32 ndarray
        The new number of each old one, `DROPPED` for a word that is left out.
    limit : int
        Ids in a chunk at most.
    put : callable
        Takes a position and the ids that stand there in the renumbered text, piece after piece. The
        positions are behind none that has not been read, so it may write to the spool itself.

    Returns
    -------
    list of Chunk
    """
    chunks: list[Chunk] = []
    state = np.zeros(STATE, dtype=np.int64)
    cuts = np.empty((2 * RENUMBERED_AT_ONCE // limit + 3, 4), dtype=np.int64)
    at = 0
    for first in range(0, len(spool), RENUMBERED_AT_ONCE):
        ids = spool.read(first, min(first + RENUMBERED_AT_ONCE, len(spool)))
        ids = ids[: renumber_kept(ids, number, ids)]
        n_cuts = cut_chunks(ids, at, limit, state, cuts)
        chunks += [Chunk(*cut) for cut in cuts[:n_cuts].tolist()]
        put(at, ids)
        at += len(ids)
    if at > state[FIRST]:
        chunks.append(Chunk(int(state[FIRST]), at, int(state[WORDS]), int(state[SENTENCE])))
    return chunks
