"""How good word vectors are: analogy questions and human judgements of similarity."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textrep.embeddings.neighbours import blocks
from textrep.embeddings.parameters import check_count
from textrep.embeddings.questions import read_pairs, read_questions
from textrep.embeddings.scores import AnalogyScores, AnalogySection, SimilarityScore

if TYPE_CHECKING:
    from textrep.embeddings.vectors import WordVectors

_BATCH = 512
"""Questions answered by one matrix product: the cosines with 30,000 words take 60 MB."""

_COSINE_DIGITS = 12
"""Decimals of a cosine that rounding errors of float64 do not reach."""


def evaluate_analogies(
    vectors: WordVectors,
    questions: Path | Iterable[Any],
    *,
    restrict_vocab: int | None = 30_000,
    case_insensitive: bool = True,
) -> AnalogyScores:
    """Answer questions such as "Athens is to Greece as Baghdad is to ?".

    The answer is the word whose vector has the highest cosine with the sum of the unit vectors of
    `b` and `c` less that of `a` (3CosAdd). Words of the question are no answers. Questions with a
    word outside the vocabulary are counted and left out, as by ``evaluate_word_analogies`` of
    gensim and ``compute-accuracy`` of word2vec.

    Parameters
    ----------
    vectors : WordVectors
        The most frequent word first.
    questions : Path, iterable of str, or iterable of (section, a, b, c, d)
        A file as the questions-words.txt of word2vec, or the lines of one: ``: section``, then
        questions of four words; or tuples of a section's name and the four words.
    restrict_vocab : int, default=30_000
        Words of the vocabulary, from the first, that questions and answers are made of; None for
        all. Figures for different values cannot be compared.
    case_insensitive : bool, default=True
        Compare words without regard to case; of words that differ only by case the first one, which
        is the most frequent, stands for all.

    Returns
    -------
    AnalogyScores

    Raises
    ------
    ValueError
        When a line is not a section or four words; the message has its number.
    TypeError
        When `questions` is a str: wrap it in Path.

    References
    ----------
    T. Mikolov, K. Chen, G. Corrado and J. Dean (2013). Efficient estimation of word representations
    in vector space. arXiv:1301.3781, section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.embeddings import WordVectors
    >>> matrix = np.array([[2, 1], [2, -1], [0, 1], [0, -1]], dtype=np.float32)
    >>> vectors = WordVectors(["king", "queen", "man", "woman"], matrix)
    >>> evaluate_analogies(vectors, [": family", "man woman king queen", "man woman boy girl"])
    <AnalogyScores: 100.0 % of 1 questions, 1 with unknown words left out
      family  100.0 %  1 of 1, 1 unknown>
    """
    known = _Vocabulary(vectors, restrict_vocab, case_insensitive)
    names: list[str] = []
    asked: list[tuple[int, ...]] = []  # section, a, b, c, d
    n_unknown: list[int] = []
    numbers: dict[str, int] = {}
    for name, words in read_questions(questions):
        section = numbers.setdefault(name, len(names))
        if section == len(names):
            names.append(name)
            n_unknown.append(0)
        rows = [known.row(word) for word in words]
        if None in rows:
            n_unknown[section] += 1
        else:
            asked.append((section, *(row for row in rows if row is not None)))
    table = np.array(asked, dtype=np.int64).reshape(-1, 5)
    right = _answers(vectors, table[:, 1:4], known) == table[:, 4]
    n_correct = np.bincount(table[right, 0], minlength=len(names)).tolist()
    n_questions = np.bincount(table[:, 0], minlength=len(names)).tolist()
    columns = zip(names, n_correct, n_questions, n_unknown, strict=True)
    return AnalogyScores(tuple(AnalogySection(*column) for column in columns))


def evaluate_similarity(
    vectors: WordVectors,
    pairs: Path | Iterable[Any],
    *,
    restrict_vocab: int | None = None,
    case_insensitive: bool = True,
) -> SimilarityScore:
    """Correlate cosines with human judgements of similarity.

    Pairs with a word outside the vocabulary are counted and left out, as by
    ``evaluate_word_pairs`` of gensim.

    Parameters
    ----------
    vectors : WordVectors
        The most frequent word first.
    pairs : Path, iterable of str, or iterable of (a, b, score)
        A file of lines, or the lines of one: two words and a number with tabs, commas, semicolons
        or spaces between; lines that begin with ``#``, and a first line of headings, are passed
        over.
    restrict_vocab : int, default=None
        Words of the vocabulary, from the first, that are known; None for all.
    case_insensitive : bool, default=True
        Compare words without regard to case; of words that differ only by case the first one, which
        is the most frequent, stands for all.

    Returns
    -------
    SimilarityScore

    Raises
    ------
    ValueError
        When a line is not two words and a number; the message has its number.
    TypeError
        When `pairs` is a str: wrap it in Path.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.embeddings import WordVectors
    >>> matrix = np.array([[2, 1], [2, -1], [0, 1]], dtype=np.float32)
    >>> vectors = WordVectors(["king", "queen", "man"], matrix)
    >>> evaluate_similarity(vectors, ["king queen 8.6", "king man 6.1", "queen man 1", "a man 2"])
    <SimilarityScore: Spearman 1.000 on 3 pairs, 1 with unknown words left out>
    """
    known = _Vocabulary(vectors, restrict_vocab, case_insensitive)
    rows, judged = [], []
    n_unknown = 0
    for a, b, score in read_pairs(pairs):
        first, second = known.row(a), known.row(b)
        if first is None or second is None:
            n_unknown += 1
        else:
            rows.append((first, second))
            judged.append(score)
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    left, right = (_unit_rows(vectors.rows(table[:, side])) for side in (0, 1))
    # Rounded so that pairs of a word with itself are equal in rank.
    cosines = np.einsum("ij,ij->i", left, right).round(_COSINE_DIGITS)
    return SimilarityScore(
        spearman=_correlation(_ranks(np.array(judged)), _ranks(cosines)),
        pearson=_correlation(np.array(judged), cosines),
        n_pairs=len(judged),
        n_unknown=n_unknown,
    )


class _Vocabulary:
    """The words that a test is about, and which row stands for each."""

    def __init__(self, vectors: WordVectors, restrict_vocab: int | None, fold: bool) -> None:
        if restrict_vocab is not None:
            check_count("restrict_vocab", restrict_vocab, 1)
        words = vectors.words[:restrict_vocab]
        self.size = len(words)
        self._fold = fold
        self._rows: dict[str, int] = {}
        self.variants: dict[int, list[int]] = {}
        for row, word in enumerate(words):
            first = self._rows.setdefault(self._key(word), row)
            if first != row:
                self.variants.setdefault(first, []).append(row)

    def row(self, word: str) -> int | None:
        """The row that stands for a word, None where it is unknown."""
        return self._rows.get(self._key(word))

    def stands_for(self) -> np.ndarray:
        """For each row the one that stands for it, int64 (size,)."""
        rows = np.arange(self.size)
        for first, others in self.variants.items():
            rows[others] = first
        return rows

    def _key(self, word: str) -> str:
        return word.upper() if self._fold else word


def _answers(vectors: WordVectors, questions: np.ndarray, known: _Vocabulary) -> np.ndarray:
    """The rows of the best answers, int64 (n,), to questions of three rows, int64 (n, 3)."""
    a, b, c = (_unit_rows(vectors.rows(questions[:, part])) for part in range(3))
    directions = (b + c - a).astype(np.float32)  # (n, dim)
    winners = np.full(len(questions), -1, dtype=np.int64)
    scores = np.full(len(questions), -np.inf, dtype=np.float32)
    for first, last in blocks(known.size, vectors.dim):
        units = vectors.unit_rows(first, last)
        for start in range(0, len(questions), _BATCH):
            batch = slice(start, start + _BATCH)
            cosines = directions[batch] @ units.T  # (batch, last - first)
            _mask(cosines, questions[batch], first, known.variants)
            found = cosines.argmax(axis=1)
            values = cosines[np.arange(len(found)), found]
            better = values > scores[batch]
            scores[batch][better] = values[better]
            winners[batch][better] = found[better] + first
    return known.stands_for()[winners] if known.size else winners


def _mask(
    cosines: np.ndarray, questions: np.ndarray, first: int, variants: dict[int, list[int]]
) -> None:
    """Take the words of each question, however capitalised, out of its answers."""
    size = cosines.shape[1]
    for part in range(3):
        columns = questions[:, part] - first
        inside = np.flatnonzero((columns >= 0) & (columns < size))
        cosines[inside, columns[inside]] = -np.inf
    if not variants:
        return
    for number, rows in enumerate(questions.tolist()):
        for other in {other for row in rows for other in variants.get(row, ())}:
            if first <= other < first + size:
                cosines[number, other - first] = -np.inf


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows in float64 and of length 1, or of zeros."""
    exact = rows.astype(np.float64)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    return exact / np.where(norms > 0, norms, 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(values)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's coefficient, NaN where it is not defined."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
