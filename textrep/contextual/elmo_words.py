"""Texts as the numbers of their distinct words, and words as the bytes that a network reads."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.embeddings.documents import document_batches

PADDING, WORD_BEGIN, WORD_END, MARK = range(4)
"""Characters that are no bytes: behind a word, at its ends, and the mark at both ends of a text."""

FIRST_BYTE = 4
N_CHARACTERS = FIRST_BYTE + 256

MARK_WORD = 0
"""Number of the mark among the words of a text."""

MARK_TARGET, UNKNOWN_TARGET, FIRST_TARGET = range(3)
"""What is predicted: the mark, a word that is none of the vocabulary, and from 2 on its words."""


def spell(words: Sequence[str], max_word_length: int) -> np.ndarray:
    """Write words as numbers of characters: of their bytes in UTF-8, between two marks.

    Parameters
    ----------
    words : sequence of str, length n_words
    max_word_length : int
        Bytes of a word that are read; what stands behind them is not.

    Returns
    -------
    int16 ndarray (n_words, max_word_length + 2)

    Examples
    --------
    >>> spell(["ab", "abcdef"], 3).tolist()
    [[1, 101, 102, 2, 0], [1, 101, 102, 103, 2]]
    """
    # A lone surrogate has bytes of its own this way, and is a character like others.
    encoded = [word.encode("utf-8", "surrogatepass")[:max_word_length] for word in words]
    lengths = np.array([len(word) for word in encoded], dtype=np.int64)
    place = np.arange(max_word_length)
    characters = np.zeros((len(words), max_word_length + 2), dtype=np.int16)
    characters[:, 0] = WORD_BEGIN
    flat = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    characters[:, 1:-1][place < lengths[:, None]] = flat.astype(np.int16) + FIRST_BYTE
    characters[np.arange(len(words)), lengths + 1] = WORD_END
    return characters


def spell_mark(max_word_length: int) -> np.ndarray:
    """The mark, written as a word of one character; int16 (1, max_word_length + 2).

    >>> spell_mark(3).tolist()
    [[1, 3, 2, 0, 0]]
    """
    characters = np.zeros((1, max_word_length + 2), dtype=np.int16)
    characters[0, :3] = WORD_BEGIN, MARK, WORD_END
    return characters


@dataclass(frozen=True)
class Sentences:
    """Texts, cut into pieces that are not too long, as the numbers of their words.

    Attributes
    ----------
    words : list of str, length n_words
        The distinct words, in the order met; the first of them has the number 1.
    characters : int16 (n_words + 1, max_word_length + 2)
        How each word is written; row 0 is the mark.
    ids : int32 (n_tokens,)
        Numbers of the words of all texts, one after the other.
    starts : int64 (n_pieces + 1,)
        Where each piece begins in `ids`. Texts without a word have no piece.
    text : int64 (n_pieces,)
        The text that each piece is of.
    n_texts : int
    """

    words: list[str]
    characters: np.ndarray
    ids: np.ndarray
    starts: np.ndarray
    text: np.ndarray
    n_texts: int

    @property
    def lengths(self) -> np.ndarray:
        """Words of each piece and the two marks around it, int64 (n_pieces,)."""
        return np.diff(self.starts) + 2

    @property
    def n_words_of_text(self) -> np.ndarray:
        """Words of each text, int64 (n_texts,)."""
        return np.bincount(self.text, np.diff(self.starts), self.n_texts).astype(np.int64)

    def token_lists(self) -> list[list[str]]:
        """The words of each piece."""
        words = [self.words[i - 1] for i in self.ids.tolist()]
        bounds = self.starts.tolist()
        return [words[a:b] for a, b in itertools.pairwise(bounds)]

    def digest(self) -> str:
        """What tells these texts from others, for checkpoints."""
        state = hashlib.blake2b(digest_size=16)
        for array in (self.ids, self.starts, self.text, self.characters):
            state.update(array.tobytes())
        return state.hexdigest()

    def piece(self, i: int) -> np.ndarray:
        """Numbers of the words of a piece, a mark in front and behind.

        >>> read_sentences([["so", "much", "so"]], list, 10, 8).piece(0).tolist()
        [0, 1, 2, 1, 0]
        """
        words = self.ids[self.starts[i] : self.starts[i + 1]]
        return np.concatenate([[MARK_WORD], words, [MARK_WORD]]).astype(np.int64)


def read_sentences(
    X: Any, tokens_of: Callable[[str], Iterable[str]], max_length: int, max_word_length: int
) -> Sentences:
    """Number the words of texts.

    Parameters
    ----------
    X : iterable of str or of lists of str, of length n_texts
    tokens_of : callable
        From a text to its words; token lists are taken as they are.
    max_length : int
        Words of a piece; longer texts become several pieces.
    max_word_length : int
        See `spell`.

    Returns
    -------
    Sentences

    Raises
    ------
    TextInputError
        If `X` holds something else.
    """
    number: dict[str, int] = {}
    rows: list[np.ndarray] = []
    for documents in document_batches(X):
        for document in documents:
            tokens = tokens_of(document) if isinstance(document, str) else document
            ids = [number.setdefault(token, len(number) + 1) for token in tokens]
            rows.append(np.array(ids, dtype=np.int32))
    starts, text = _cut(np.array([len(row) for row in rows], dtype=np.int64), max_length)
    words = list(number)
    return Sentences(
        words,
        np.concatenate([spell_mark(max_word_length), spell(words, max_word_length)]),
        np.concatenate([np.zeros(0, dtype=np.int32), *rows]),
        starts,
        text,
        len(rows),
    )


def _cut(lengths: np.ndarray, max_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the pieces of texts of so many words begin, and the text that each is of."""
    n_pieces = -(-lengths // max_length)
    text = np.repeat(np.arange(len(lengths)), n_pieces)
    first_piece = np.cumsum(n_pieces) - n_pieces
    within = (np.arange(len(text)) - first_piece[text]) * max_length
    begins = (np.cumsum(lengths) - lengths)[text] + within
    return np.append(begins, lengths.sum()).astype(np.int64), text


def frequent_words(sentences: Sentences, min_count: int, max_vocabulary: int) -> list[str]:
    """The words that are predicted: the most frequent, ties in the order met.

    Parameters
    ----------
    sentences : Sentences
    min_count : int
        Words that stand fewer times are left out.
    max_vocabulary : int
        So many words at most.

    Returns
    -------
    list of str

    Examples
    --------
    >>> frequent_words(read_sentences([["b", "a", "c", "a", "b"]], list, 9, 9), 1, 2)
    ['b', 'a']
    """
    counts = np.bincount(sentences.ids, minlength=len(sentences.words) + 1)[1:]
    order = np.argsort(-counts, kind="stable")[:max_vocabulary]
    return [sentences.words[i] for i in order[counts[order] >= min_count]]


def targets_of_words(sentences: Sentences, vocabulary: Sequence[str]) -> np.ndarray:
    """What is predicted where a word stands, int64 (n_words + 1,) by the number of the word."""
    target = {word: FIRST_TARGET + i for i, word in enumerate(vocabulary)}
    of_words = (target.get(word, UNKNOWN_TARGET) for word in sentences.words)
    return np.array([MARK_TARGET, *of_words], dtype=np.int64)
