"""`WordVectors`: words with a vector each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textrep.core.messages import shown, type_name
from textrep.embeddings.checking import (
    check_word,
    checked_counts,
    checked_matrix,
    checked_scale,
    checked_words,
    refuse_str,
)
from textrep.embeddings.neighbours import best, blocks
from textrep.embeddings.parameters import check_count
from textrep.embeddings.unknown import UnknownWordError

if TYPE_CHECKING:
    from textrep.embeddings.evaluation import AnalogyScores, SimilarityScore


class WordVectors:
    """Words with a vector each: lookup, neighbours, analogies, tests.

    Parameters
    ----------
    words : list of str, n_words long
        Each word once; the most frequent first where frequencies are known, since
        ``restrict_vocab`` of several methods keeps the first ones.
    matrix : array (n_words, dim) of float32, or int8 together with `scale`
        A row for each word. It is not copied: an array in memory, one that is mapped from a file,
        or anything else with ``shape``, ``dtype`` and rows by slice or by int array. Other floating
        arrays are converted to float32.
    counts : int array (n_words,), default=None
        How often each word was met in the training text.
    scale : float32 array (n_words,), default=None
        What the rows of an int8 matrix are multiplied by, 0 or more.

    Attributes
    ----------
    words : list of str
    matrix : array (n_words, dim) of float32 or int8
    counts : int64 ndarray (n_words,) or None
    scale : float32 ndarray (n_words,) or None
    dim : int
        Values a vector has.

    Raises
    ------
    TypeError
        When `words` is a single str or holds anything but str, or the matrix is of another type.
    ValueError
        When shapes do not fit, a word occurs twice, or a scale is negative.

    See Also
    --------
    read_vectors : Vectors from a file of word2vec, GloVe or fastText.
    write_vectors : Vectors to such a file.

    Notes
    -----
    Norms are computed when first needed and kept; everything else reads the matrix in blocks of
    16 MB, so that one on disk or in int8 is never turned into floats as a whole.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.embeddings import WordVectors
    >>> words = ["king", "queen", "man", "woman"]
    >>> matrix = np.array([[2, 1], [2, -1], [0, 1], [0, -1]], dtype=np.float32)
    >>> vectors = WordVectors(words, matrix)
    >>> vectors
    <WordVectors: 4 words, 2 dimensions, float32>
    >>> vectors["queen"]
    array([ 2., -1.], dtype=float32)
    >>> round(vectors.similarity("king", "queen"), 2)
    0.6
    >>> [word for word, cosine in vectors.analogy("man", "woman", "king")]
    ['queen']
    """

    def __init__(
        self, words: Sequence[str], matrix: Any, *, counts: Any = None, scale: Any = None
    ) -> None:
        self.words = checked_words(words)
        self.matrix = checked_matrix(matrix, len(self.words), scale)
        self.scale = None if scale is None else checked_scale(scale, len(self.words))
        self.counts = None if counts is None else checked_counts(counts, len(self.words))
        self.dim = int(self.matrix.shape[1])
        self._norms: np.ndarray | None = None
        self._index = _indexed(self.words)

    def __repr__(self) -> str:
        name, kind = type(self).__name__, np.dtype(self.matrix.dtype).name
        return f"<{name}: {len(self):,} words, {self.dim:,} dimensions, {kind}>"

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self._index

    def __getitem__(self, word: str) -> np.ndarray:
        return self.vector(word)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_index": None}  # as large as the words, made again from them

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._index = _indexed(self.words)

    def __sklearn_clone__(self) -> WordVectors:
        return self  # only read, so that clones of an estimator may share them

    def index(self, word: str) -> int:
        """The row of a word.

        Parameters
        ----------
        word : str

        Returns
        -------
        int
            Also the word's rank by frequency where the words are sorted by it.

        Raises
        ------
        KeyError
            When the word is not in the vocabulary; the message names close ones.
        """
        check_word(word)
        try:
            return self._index[word]
        except KeyError:
            raise UnknownWordError(word, self.words) from None

    def rows(self, indices: Any) -> np.ndarray:
        """The vectors of some rows.

        Parameters
        ----------
        indices : int array-like (n,)

        Returns
        -------
        float32 ndarray (n, dim)
            A copy.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        return self._as_floats(self.matrix[chosen], chosen)

    def dense(self) -> np.ndarray:
        """All vectors as one array in memory.

        Returns
        -------
        float32 ndarray (n_words, dim)
            The matrix itself where it is a float32 array already: do not change it.
        """
        if isinstance(self.matrix, np.ndarray) and self.matrix.dtype == np.float32:
            return self.matrix
        return self._block(0, len(self))

    def vector(self, word: str) -> np.ndarray:
        """The vector of a word.

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
            When the word is not in the vocabulary; the message names close ones.
        """
        return self.rows([self.index(word)])[0]

    def vectors_of(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of many words, known or not.

        Parameters
        ----------
        words : sequence of str, n long

        Returns
        -------
        vectors : float32 ndarray (n, dim)
            Zeros where a word is unknown.
        known : bool ndarray (n,)
        """
        refuse_str(words, "words")
        found = np.fromiter((self._index.get(word, -1) for word in words), dtype=np.int64)
        known = found >= 0
        vectors = np.zeros((len(found), self.dim), dtype=np.float32)
        vectors[known] = self.rows(found[known])
        return vectors, known

    def similarity(self, a: str, b: str) -> float:
        """The cosine between the vectors of two words.

        Parameters
        ----------
        a, b : str

        Returns
        -------
        float
            -1 to 1; 0 where a vector is all zeros.

        Raises
        ------
        KeyError
            When a word is not in the vocabulary.
        """
        return float(_unit(self.vector(a)) @ _unit(self.vector(b)))

    def most_similar(
        self,
        positive: Any,
        negative: Any = (),
        *,
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> list[tuple[str, float]]:
        """The words closest to a sum of vectors, by cosine.

        Each vector is scaled to length 1, those of `positive` are added and those of `negative`
        subtracted (3CosAdd of Levy and Goldberg, 2014, eq. 3).

        Parameters
        ----------
        positive : str, array (dim,), or sequence of them
            Words, or vectors of your own.
        negative : str, array (dim,), or sequence of them, default=()
        topn : int, default=10
            How many words to give, 1 or more.
        restrict_vocab : int, default=None
            Look only among so many of the first words; None looks among all.

        Returns
        -------
        list of (str, float), at most topn long
            Words and cosines, from the best to the worst; of equal ones the first word of the
            vocabulary first. Words of the query are left out.

        Raises
        ------
        KeyError
            When a word is not in the vocabulary.
        ValueError
            When the query is empty or adds up to zero.

        References
        ----------
        O. Levy and Y. Goldberg (2014). Linguistic regularities in sparse and explicit word
        representations. CoNLL.

        Examples
        --------
        >>> import numpy as np
        >>> vectors = WordVectors(["a", "b", "c"], np.array([[1, 0], [1, 1], [0, 1]], dtype=float))
        >>> [word for word, cosine in vectors.most_similar("a")]
        ['b', 'c']
        """
        check_count("topn", topn, 1)
        query, excluded = self._query(_items(positive, "positive"), _items(negative, "negative"))
        rows, cosines = best(self._cosines(query, restrict_vocab), topn, excluded)
        return [(self.words[row], float(cosine)) for row, cosine in zip(rows, cosines, strict=True)]

    def analogy(self, a: str, b: str, c: str, *, topn: int = 1) -> list[tuple[str, float]]:
        """What is to `c` as `b` is to `a`: ``most_similar([b, c], [a])``.

        Parameters
        ----------
        a, b, c : str
            As in "man is to king as woman is to ?".
        topn : int, default=1

        Returns
        -------
        list of (str, float), at most topn long
            Words and cosines, from the best to the worst.

        Raises
        ------
        KeyError
            When a word is not in the vocabulary.
        """
        return self.most_similar([b, c], [a], topn=topn)

    def evaluate_analogies(
        self,
        questions: Path | Iterable[Any],
        *,
        restrict_vocab: int | None = 30_000,
        case_insensitive: bool = True,
    ) -> AnalogyScores:
        """Answer analogy questions: see `textrep.embeddings.evaluate_analogies`."""
        from textrep.embeddings.evaluation import evaluate_analogies

        return evaluate_analogies(
            self, questions, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive
        )

    def evaluate_similarity(
        self,
        pairs: Path | Iterable[Any],
        *,
        restrict_vocab: int | None = None,
        case_insensitive: bool = True,
    ) -> SimilarityScore:
        """Correlate with human judgements: see `textrep.embeddings.evaluate_similarity`."""
        from textrep.embeddings.evaluation import evaluate_similarity

        return evaluate_similarity(
            self, pairs, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive
        )

    def to_keyed_vectors(self) -> Any:
        """The same vectors as gensim's ``KeyedVectors``.

        Returns
        -------
        gensim.models.KeyedVectors
            With a copy of the vectors, and the counts as its attribute ``count`` where known.

        Examples
        --------
        >>> import numpy as np
        >>> vectors = WordVectors(["a", "b"], np.eye(2, dtype=np.float32), counts=[7, 3])
        >>> keyed = vectors.to_keyed_vectors()
        >>> keyed.index_to_key, keyed.get_vecattr("a", "count")
        (['a', 'b'], np.int64(7))
        """
        from gensim.models import KeyedVectors

        keyed = KeyedVectors(self.dim)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = dict(self._index)
        keyed.vectors = np.array(self.dense(), dtype=np.float32, order="C")
        keyed.next_index = len(self)
        if self.counts is not None:
            keyed.allocate_vecattrs(attrs=["count"], types=[np.int64])
            keyed.expandos["count"][:] = self.counts
        return keyed

    def unit_rows(self, first: int, last: int) -> np.ndarray:
        """The vectors of a range of rows, scaled to length 1.

        Parameters
        ----------
        first, last : int
            The rows are ``range(first, last)``.

        Returns
        -------
        float32 ndarray (last - first, dim)
            Zeros where a vector is all zeros.
        """
        return self._block(first, last) / self._divisors(first, last)[:, np.newaxis]

    def _block(self, first: int, last: int) -> np.ndarray:
        return self._as_floats(self.matrix[first:last], slice(first, last))

    def _as_floats(self, rows: Any, which: Any) -> np.ndarray:
        floats = np.asarray(rows, dtype=np.float32)
        return floats if self.scale is None else floats * self.scale[which, np.newaxis]

    def _all_norms(self) -> np.ndarray:
        """Lengths of all vectors, float32 (n_words,)."""
        if self._norms is None:
            norms = np.empty(len(self), dtype=np.float32)
            for first, last in blocks(len(self), self.dim):
                norms[first:last] = np.linalg.norm(self._block(first, last), axis=1)
            if not np.isfinite(norms).all():
                bad = self.words[int(np.flatnonzero(~np.isfinite(norms))[0])]
                raise ValueError(
                    f"the vector of {shown(bad)} has NaN, infinite or huge values; train again "
                    "with a lower learning rate, or leave the word out"
                )
            self._norms = norms
        return self._norms

    def _divisors(self, first: int, last: int) -> np.ndarray:
        norms = self._all_norms()[first:last]
        return np.where(norms > 0, norms, np.float32(1))

    def _query(self, positive: list[Any], negative: list[Any]) -> tuple[np.ndarray, list[int]]:
        """The query's direction, and the rows of its words."""
        if not positive and not negative:
            raise ValueError("the query is empty; give at least one word in positive")
        total = np.zeros(self.dim)
        excluded = []
        for sign, items in ((1, positive), (-1, negative)):
            for item in items:
                if isinstance(item, str):
                    total += sign * _unit(self.vector(item))
                    excluded += [self._index[item]] if item in self._index else []
                else:
                    total += sign * _unit(self._checked_vector(item))
        if not total.any():
            raise ValueError("the vectors of the query add up to zero, which has no neighbours")
        return _unit(total).astype(np.float32), excluded

    def _checked_vector(self, item: Any) -> np.ndarray:
        if not isinstance(item, np.ndarray):
            raise TypeError(
                f"a query is made of words and of arrays, got {shown(item)} of type "
                f"{type_name(item)}"
            )
        if item.shape != (self.dim,) or not np.isfinite(item).all():
            raise ValueError(
                f"a vector in a query must have shape ({self.dim},) and finite values, got "
                f"{shown(item)} of shape {item.shape}"
            )
        return item

    def _cosines(
        self, query: np.ndarray, restrict_vocab: int | None
    ) -> Iterator[tuple[int, np.ndarray]]:
        for first, last in blocks(self._searched(restrict_vocab), self.dim):
            yield first, (self._block(first, last) @ query) / self._divisors(first, last)

    def _searched(self, restrict_vocab: int | None) -> int:
        """How many of the first words are looked at."""
        if restrict_vocab is None:
            return len(self)
        check_count("restrict_vocab", restrict_vocab, 1)
        return min(restrict_vocab, len(self))


def _unit(vector: np.ndarray) -> np.ndarray:
    """The vector in float64 and of length 1, or of zeros."""
    exact = vector.astype(np.float64)
    return exact / (np.linalg.norm(exact) or 1.0)


def _indexed(words: list[str]) -> dict[str, int]:
    return {word: row for row, word in enumerate(words)}


def _items(query: Any, name: str) -> list[Any]:
    """A query's words and vectors as a list."""
    if isinstance(query, str) or (isinstance(query, np.ndarray) and query.ndim == 1):
        return [query]
    if isinstance(query, Iterable) and not isinstance(query, bytes):
        return list(query)
    raise TypeError(
        f"{name} must be a word, a vector or a sequence of them, got {shown(query)} of type "
        f"{type_name(query)}"
    )
