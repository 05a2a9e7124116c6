"""Sentences as lists of words, and a tag for each word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textrep.core.column import read_column
from textrep.core.messages import shown, type_name
from textrep.core.text import TextInputError, check_texts
from textrep.embeddings.documents import document_batches, is_tokens

Sentences = list[list[str]]


def read_sentences(X: Any, name: str = "X") -> Sentences:
    """The words of sentences.

    Parameters
    ----------
    X : iterable of lists of str, or of str, of length n_sentences
        The words of each, or texts, whose words stand between white space.
    name : str, default="X"
        What messages call it.

    Returns
    -------
    list of lists of str

    Raises
    ------
    TextInputError
        If it holds something else, or nothing.

    Examples
    --------
    >>> read_sentences([("so", "much"), ()]), read_sentences(["so much  text"])
    ([['so', 'much'], []], [['so', 'much', 'text']])
    """
    sentences: Sentences = []
    for batch in document_batches(X, name=name):
        if is_tokens(batch):
            sentences.extend(batch)  # type: ignore[arg-type]  # lists of tokens
        else:
            sentences.extend(str(text).split() for text in batch)
    if not sentences:
        raise TextInputError(f"{name} is empty; expected at least one sentence.")
    return sentences


def read_tags(y: Any, name: str = "y") -> list[list[str]]:
    """The tags of sentences, checked.

    Parameters
    ----------
    y : iterable of lists of str
    name : str, default="y"
        What messages call it.

    Returns
    -------
    list of lists of str

    Raises
    ------
    ValueError
        If it holds something else, or an empty tag.
    """
    if y is None:
        raise ValueError(f"{name} is None; expected a list of tags for each sentence")
    tags = []
    for place, row in enumerate(read_column(y, name, "lists of tags", TextInputError)):
        where = f"{name}[{place}]"
        if not isinstance(row, list | tuple | np.ndarray):
            raise ValueError(
                f"{where} is {shown(row)} ({type_name(row)}); expected a list of tags, one for "
                "each word of the sentence"
            )
        checked = check_texts(row, name=where, allow_empty=True)
        if "" in checked:
            raise ValueError(f"{where}[{checked.index('')}] is an empty tag")
        tags.append(checked)
    return tags


def check_same_words(
    first: Sequence[Sequence[str]], second: Sequence[Sequence[str]], names: tuple[str, str]
) -> None:
    """Refuse sentences and tags, or tags and tags, that do not belong together.

    Parameters
    ----------
    first, second : sequence of sequences of str
    names : (str, str)
        What messages call them.

    Raises
    ------
    ValueError
        If there are more of one than of the other; the message says in which sentence.
    """
    one, other = names
    if len(first) != len(second):
        raise ValueError(f"{one} has {len(first):,} sentences, but {other} has {len(second):,}")
    for place, (a, b) in enumerate(zip(first, second, strict=True)):
        if len(a) != len(b):
            raise ValueError(
                f"sentence {place} has {len(a):,} words in {one}, but {len(b):,} in {other}; give "
                "one tag for each word"
            )
