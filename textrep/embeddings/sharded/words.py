"""One vocabulary for all parts of a corpus, and each part by the numbers of its words there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.core.partitions import Sent, naming_part, part_texts
from textrep.embeddings.corpus import TokenCorpus, chunk_limit, kept_words, renumber_spool
from textrep.embeddings.kernels.corpus import DROPPED
from textrep.embeddings.numbering import Numbered, copied_words
from textrep.embeddings.reading import Analysis, read_numbers
from textrep.embeddings.spool import Spool
from textrep.sparse.kernels.lexicon import reorder_packed
from textrep.sparse.lexicon import Lexicon, unpack_strings


@dataclass
class Words:
    """The words of some sentences, before any is dropped.

    Attributes
    ----------
    lexicon : Lexicon
        In the order met.
    counts : int64 ndarray (n_words,)
        How often each is met.
    n_raw : int
        Words in all sentences.
    n_sentences : int
    """

    lexicon: Lexicon
    counts: np.ndarray
    n_raw: int
    n_sentences: int


@dataclass
class Vocabulary:
    """The words that are kept of a whole corpus, most frequent first.

    Attributes
    ----------
    words : list of str
    arena, offsets : ndarray
        The words packed, see `textrep.sparse.lexicon.pack_strings`.
    counts : int64 ndarray (n_words,)
    n_raw, n_sentences : int
        See `Words`.
    """

    words: list[str]
    arena: np.ndarray
    offsets: np.ndarray
    counts: np.ndarray
    n_raw: int
    n_sentences: int


def number_part(sent: Sent, part: Any, number: int) -> Numbered:
    """Number the words of a part in the order met, in one thread.

    Parameters
    ----------
    sent : Sent
        A `Word2Vec`, by whose parameters texts are cut into words.
    part : list, iterator, numpy array, or pandas Series or DataFrame of one column
        Texts or lists of tokens, maybe none.
    number : int
        Of the part, for messages.

    Returns
    -------
    Numbered

    Raises
    ------
    TextInputError
        When something is neither; the message says where.
    """
    settings, texts = sent.value, part_texts(part)
    analysis = Analysis(settings.lowercase, settings.token_pattern, settings.tokenizer)
    if not len(texts):
        return Numbered(Spool(), Lexicon(), np.zeros(0, dtype=np.int64))
    with naming_part(number, texts):
        return read_numbers(texts, analysis, Spool(), 1, 0)


def words_of(numbered: Numbered) -> Words:
    """The words of a part without its text."""
    lexicon = numbered.lexicon
    counts = numbered.counts[: lexicon.size].copy()
    return Words(lexicon, counts, numbered.n_words, numbered.n_sentences)


def merge_words(parts: list[Words]) -> Words:
    """The words of consecutive parts, in the order in which one reader would meet them."""
    lexicon = Lexicon()
    counts = np.zeros(sum(len(part.counts) for part in parts), dtype=np.int64)
    for part in parts:
        # Copied: what comes from another process may be read-only, which kernels do not take.
        numbers = lexicon.insert(*copied_words(*part.lexicon.packed()))
        counts[numbers] += part.counts
    n_raw, n_sentences = (sum(getattr(p, name) for p in parts) for name in ("n_raw", "n_sentences"))
    return Words(lexicon, counts[: lexicon.size].copy(), n_raw, n_sentences)


def settle_words(words: Words, min_count: int, max_vocabulary: int | None) -> Vocabulary:
    """Drop the rare words of a whole corpus, and number the others by frequency.

    Parameters
    ----------
    words : Words
    min_count, max_vocabulary : int, int or None
        See `textrep.embeddings.read_corpus`.

    Returns
    -------
    Vocabulary
        That which `read_corpus` gives the corpus.

    Raises
    ------
    ValueError
        When no word is left.
    """
    lexicon, counts = words.lexicon, words.counts
    order = kept_words(lexicon, counts, words.n_sentences, min_count, max_vocabulary)
    arena, offsets = reorder_packed(*copied_words(*lexicon.packed()), order)
    kept = unpack_strings(arena, offsets)
    return Vocabulary(kept, arena, offsets, counts[order], words.n_raw, words.n_sentences)


def corpus_of(numbered: Numbered, vocabulary: Vocabulary) -> TokenCorpus:
    """A part as a corpus of its own, with words and counts of the whole.

    Parameters
    ----------
    numbered : Numbered
        Left as it is: where the work is done again, it is still needed.
    vocabulary : Vocabulary

    Returns
    -------
    TokenCorpus
        Its sentences and chunks are those of the part.
    """
    n_words = len(vocabulary.words)
    lexicon = Lexicon()
    lexicon.insert(*copied_words(vocabulary.arena, vocabulary.offsets))
    found = lexicon.insert(*copied_words(*numbered.lexicon.packed()))
    number = np.where(found < n_words, found, np.int32(DROPPED)).astype(np.int32)
    n_kept = int(numbered.counts[: len(number)][number != DROPPED].sum())
    spool = Spool()
    chunks = renumber_spool(
        numbered.spool,
        number,
        chunk_limit(n_kept + numbered.n_sentences),
        lambda _, ids: spool.append(ids),
    )
    return TokenCorpus(
        vocabulary.words,
        vocabulary.counts,
        numbered.n_words,
        numbered.n_sentences,
        chunks,
        spool,
    )
