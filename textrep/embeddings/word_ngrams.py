"""Documents as numbers of their distinct tokens, and the hashes that word n-grams are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textrep.core.messages import shown, type_name
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.subwords import END_OF_SENTENCE
from textrep.sparse.analysis import plan_of
from textrep.sparse.count import CountVectorizer
from textrep.sparse.counting import Tokens, learn_tokens, merge_lexicons
from textrep.sparse.lexicon import Lexicon, pack_strings, unpack_strings
from textrep.sparse.threads import run_parallel, wanted_threads


@dataclass(frozen=True)
class Documents:
    """Tokenised documents.

    Attributes
    ----------
    tokens : ndarray of shape (n_tokens,), int32
        Numbers of the distinct tokens in the order in which they were met; each document ends with
        `end`.
    bounds : ndarray of shape (n_documents + 1,), int64
        Document ``i`` has ``tokens[bounds[i]:bounds[i + 1]]``.
    lexicon : Lexicon
        The distinct tokens, among them ``</s>``.
    end : int
        The number of ``</s>``, which fastText puts behind each document.
    """

    tokens: np.ndarray
    bounds: np.ndarray
    lexicon: Lexicon
    end: int

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def packed(self) -> tuple[np.ndarray, np.ndarray]:
        """UTF-8 of the distinct tokens and its bounds."""
        return self.lexicon.packed()

    @cached_property
    def hashes(self) -> np.ndarray:
        """fastText's hash of each distinct token, uint64 (n,), as `bucket_ngrams` takes it.

        fastText keeps it as a signed number of 32 bits, whose sign is carried on.
        """
        from textrep.embeddings.kernels.subwords import hash_words

        return hash_words(*self.packed).view(np.int32).astype(np.int64).view(np.uint64)

    def words(self) -> list[str]:
        """The distinct tokens as str."""
        return unpack_strings(*self.packed)


def read_documents(
    documents: Any,
    *,
    lowercase: bool = True,
    token_pattern: str | None = r"(?u)\b\w+\b",
    tokenizer: Callable[[str], Sequence[str]] | None = None,
    n_jobs: int | None = None,
    name: str = "X",
) -> Documents:
    """Tokenise documents.

    Parameters
    ----------
    documents : iterable of str, or of lists of str
        Texts, or texts that are tokenised already.
    lowercase, token_pattern, tokenizer
        As in `textrep.CountVectorizer`; they leave lists of tokens alone.
    n_jobs : int or None, default=None
        Threads: None or -1 for all cores.
    name : str, default="X"
        What messages call the documents.

    Returns
    -------
    Documents

    Raises
    ------
    TextInputError
        If an item is neither text nor a list of tokens, or they are mixed.

    Examples
    --------
    >>> found = read_documents(["to be or", "not to be"])
    >>> found.tokens, found.bounds
    (array([0, 1, 2, 4, 3, 0, 1, 4], dtype=int32), array([0, 4, 8]))
    >>> found.words()
    ['to', 'be', 'or', 'not', '</s>']
    """
    if isinstance(documents, Iterator):
        documents = list(documents)
    if isinstance(documents, list | tuple) and documents and _is_tokens(documents[0]):
        return _number_lists(documents, name)
    texts = check_texts(documents, name=name)
    vectorizer = CountVectorizer(
        lowercase=lowercase, token_pattern=token_pattern, tokenizer=tokenizer
    )
    plan = plan_of(vectorizer)
    if plan is None:
        analyze = vectorizer.build_analyzer()
        return _number_lists([analyze(text) for text in texts], name)
    return _join(learn_tokens(plan, texts, n_jobs), wanted_threads(n_jobs))


def _is_tokens(document: Any) -> bool:
    return isinstance(document, list | tuple)


def _join(parts: list[Tokens], threads: int) -> Documents:
    """One numbering for parts with numberings of their own."""
    lexicon, numbers = merge_lexicons(parts)
    end = int(lexicon.insert(*pack_strings([END_OF_SENTENCE]))[0])
    begins = np.cumsum([0, *(len(part.tokens) for part in parts)])
    tokens = np.empty(begins[-1], dtype=np.int32)

    def renumber(part: Tokens, number: np.ndarray, begin: int) -> None:
        # The -1 behind each document takes the last number.
        into = tokens[begin : begin + len(part.tokens)]
        np.take(np.append(number, np.int32(end)), part.tokens, out=into, mode="wrap")

    run_parallel(renumber, zip(parts, numbers, begins[:-1].tolist(), strict=True), threads)
    bounds = [part.bounds[:-1] + begin for part, begin in zip(parts, begins, strict=False)]
    return Documents(tokens, np.concatenate([*bounds, begins[-1:]]), lexicon, end)


def _number_lists(documents: Sequence[Any], name: str) -> Documents:
    number: dict[str, int] = {}
    tokens: list[int] = []
    bounds = np.zeros(len(documents) + 1, dtype=np.int64)
    ends: list[int] = []
    for i, document in enumerate(documents):
        _check_tokens(document, f"{name}[{i}]")
        tokens.extend(number.setdefault(token, len(number)) for token in document)
        tokens.append(-1)
        ends.append(len(tokens))
    bounds[1:] = ends
    lexicon = Lexicon()
    own = lexicon.insert(*pack_strings(list(number)))
    end = int(lexicon.insert(*pack_strings([END_OF_SENTENCE]))[0])
    numbers = np.append(own, np.int32(end)).astype(np.int32)
    return Documents(numbers[np.array(tokens, dtype=np.int64)], bounds, lexicon, end)


def _check_tokens(document: Any, where: str) -> None:
    if not _is_tokens(document):
        raise TextInputError(
            f"{where} is {shown(document)} ({type_name(document)}), but the documents before it "
            "are lists of tokens; give texts or lists of tokens, not both."
        )
    for position, token in enumerate(document):
        if not isinstance(token, str):
            raise TextInputError(
                f"{where}[{position}] is {shown(token)} ({type_name(token)}); expected a token, "
                "a str."
            )
