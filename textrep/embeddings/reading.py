"""Whatever a corpus is given as -> the numbers of its words."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from textrep.core.column import read_column
from textrep.core.messages import shown
from textrep.core.progress import Progress, progress
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.files import MEGABYTE, TextFile
from textrep.embeddings.numbering import Numbered, Part, number_parts
from textrep.embeddings.parameters import check_pattern
from textrep.embeddings.spool import Spool
from textrep.embeddings.tokens import token_parts
from textrep.sparse.analysis import Plan, plan_of
from textrep.sparse.compiling import announce_compilation
from textrep.sparse.count import CountVectorizer
from textrep.sparse.counting import tokenize_part
from textrep.sparse.documents import PART_BYTES, Batch
from textrep.sparse.lexicon import Lexicon
from textrep.sparse.threads import wanted_threads

DESCRIPTION = "Reading the corpus"

TEXTS_AT_ONCE = 1 << 16
"""Texts of a stream that are tokenised together at most."""


class Analysis:
    """How texts become words: by the kernels, or by scikit-learn's code for what they do not know.

    Parameters
    ----------
    lowercase, token_pattern, tokenizer
        See `textrep.embeddings.corpus.read_corpus`.
    """

    def __init__(self, lowercase: Any, token_pattern: Any, tokenizer: Any) -> None:
        if not isinstance(lowercase, bool | np.bool_):
            raise ValueError(f"lowercase must be True or False, got {shown(lowercase)}")
        if tokenizer is not None and not callable(tokenizer):
            raise ValueError(
                f"tokenizer must be a function from a text to a list of tokens, or None, "
                f"got {shown(tokenizer)}"
            )
        if tokenizer is None:
            check_pattern(token_pattern)
        vectorizer = CountVectorizer(
            lowercase=bool(lowercase),
            token_pattern=None if tokenizer is not None else token_pattern,
            tokenizer=tokenizer,
        )
        plan = plan_of(vectorizer)
        self.plan: Plan | None = None if plan is None else plan.without_reader()
        self.tokens_of: Callable[[str], list[str]] = vectorizer.build_analyzer()


def read_numbers(
    X: Any, analysis: Analysis, spool: Spool, n_jobs: int | None, verbose: int
) -> Numbered:
    """Number the words of a corpus; see `textrep.embeddings.corpus.read_corpus` for what it may
    be.
    """
    threads = wanted_threads(n_jobs)
    announce_compilation("word")
    numbered = Numbered(spool, Lexicon(), np.zeros(1 << 10, dtype=np.int64))
    if isinstance(X, os.PathLike):
        return _read_file(TextFile(Path(X)), analysis, numbered, threads, verbose)
    items, total = _items(X)
    try:
        first = next(items)
    except StopIteration:
        raise TextInputError("X is empty; expected at least one text or list of tokens.") from None
    items = itertools.chain([first], items)
    bar: Progress[Any]
    with progress(total=total, description=DESCRIPTION, verbose=verbose, unit="texts") as bar:
        for amount in _number(items, first, total, analysis, numbered, threads):
            bar.update(amount)
    return numbered


def _read_file(
    file: TextFile, analysis: Analysis, numbered: Numbered, threads: int, verbose: int
) -> Numbered:
    def amounts() -> Iterator[float]:
        if analysis.plan is not None:
            return number_parts(file.parts(analysis.plan), numbered, threads)
        sentences = map(analysis.tokens_of, file.texts())
        parts = token_parts(sentences, lambda _: file.share(), lambda _: file.megabytes())
        return number_parts(parts, numbered, threads)

    total = file.size / MEGABYTE
    bar: Progress[Any]
    with progress(total=total, description=DESCRIPTION, verbose=verbose, unit="MB") as bar:
        for amount in amounts():
            bar.update(amount)
    return numbered


def _number(
    items: Iterator[Any],
    first: Any,
    total: int | None,
    analysis: Analysis,
    numbered: Numbered,
    threads: int,
) -> Iterator[float]:
    def share(done: int) -> float:
        return done / total if total else 0.0

    if isinstance(first, list | tuple | np.ndarray):
        parts = token_parts(items, share)
    elif analysis.plan is not None:
        parts = _text_parts(analysis.plan, items, share)
    else:
        texts = itertools.chain.from_iterable(_checked(items))
        parts = token_parts(map(analysis.tokens_of, texts), share)
    return number_parts(parts, numbered, threads)


def _items(X: Any) -> tuple[Iterator[Any], int | None]:
    """The texts or token lists one by one, and how many they are if that is known."""
    kind = type(X)
    if issubclass(kind, str | bytes | bytearray):
        raise TextInputError(
            f"X is a single {kind.__name__}, {shown(X)}; wrap a text in a list, [X], and the name "
            "of a file in pathlib.Path, Path(X)."
        )
    if _is_stream(X):
        return iter(X), None
    items = read_column(X, "X", "texts or lists of tokens", TextInputError)
    return iter(items), len(items)


def _is_stream(X: Any) -> bool:
    """Whether something is read bit by bit, as generators and iterables of unknown length are."""
    if isinstance(X, list | tuple | Mapping | set | frozenset) or X is None:
        return False
    if any(hasattr(type(X), name) for name in ("shape", "columns", "to_pylist", "to_list")):
        return False
    return hasattr(type(X), "__iter__")


def _checked(items: Iterator[Any]) -> Iterator[list[str]]:
    """Texts, some together, of about `PART_BYTES`."""
    position = 0
    texts: list[Any] = []
    size = 0
    for item in items:
        texts.append(item)
        size += len(item) if type(item) is str else PART_BYTES  # what is none is looked at at once
        if size >= PART_BYTES or len(texts) == TEXTS_AT_ONCE:
            yield _check(texts, position)
            position += len(texts)
            texts, size = [], 0
    if texts:
        yield _check(texts, position)


def _check(texts: list[Any], position: int) -> list[str]:
    try:
        return check_texts(texts, name="X")
    except TextInputError as error:
        # The one check of texts counts from the first of these.
        place = next(i for i, text in enumerate(texts) if not issubclass(type(text), str))
        if isinstance(texts[place], list | tuple | np.ndarray):
            message = (
                f"X[{position + place}] is a list of tokens, {shown(texts[place])}, among texts; "
                "give texts or token lists, not both."
            )
        else:
            message = str(error).replace(f"X[{place}]", f"X[{position + place}]", 1)
        raise TextInputError(message) from None


def _text_parts(plan: Plan, items: Iterator[Any], share: Callable[[int], float]) -> Iterator[Part]:
    done = 0
    for texts in _checked(items):
        done += len(texts)
        for batch in plan.batches(texts):
            number = partial(_tokenize, plan, batch)
            yield Part(number, share=share(done), amount=len(texts))


def _tokenize(plan: Plan, batch: Batch, lexicon: Lexicon) -> np.ndarray:
    return tokenize_part(plan, batch, 0, len(batch), lexicon, learn=True).tokens
