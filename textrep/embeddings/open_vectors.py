"""What word vectors share that have an answer for words beyond their list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from textrep.embeddings.checking import check_word
from textrep.embeddings.unknown import UnknownWordError
from textrep.embeddings.vectors import WordVectors


class OpenVectors(WordVectors, ABC):
    """Word vectors that make those of unseen words of parts of theirs; a subclass says how."""

    @abstractmethod
    def _of_unseen(self, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, dim) of words that are not in the list, and whether each has one, (n,)."""

    def vector(self, word: str) -> np.ndarray:
        """The vector of a word, seen or not.

        Parameters
        ----------
        word : str

        Returns
        -------
        float32 ndarray (dim,)
            A copy.

        Raises
        ------
        KeyError
            When the word is not in the vocabulary, and none of its parts is known.
        """
        check_word(word)
        if word in self._index:
            return super().vector(word)
        vectors, known = self._of_unseen([word])
        if not known[0]:
            raise UnknownWordError(word, self.words)
        return vectors[0]

    def vectors_of(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of many words, seen or not.

        Parameters
        ----------
        words : sequence of str, n long

        Returns
        -------
        vectors : float32 ndarray (n, dim)
            Zeros where a word is unknown.
        known : bool ndarray (n,)
            False for words that are not in the vocabulary and have no known part.
        """
        vectors, known = super().vectors_of(words)
        if len(unseen := np.flatnonzero(~known)):
            found = self._of_unseen([words[i] for i in unseen.tolist()])
            vectors[unseen], known[unseen] = found
        return vectors, known
