"""Sentences that are lists of tokens already, as parts of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from textrep.core.column import is_missing, plain_str
from textrep.core.messages import shown, type_name
from textrep.core.text import TextInputError
from textrep.embeddings.kernels.tokens import number_strings
from textrep.embeddings.numbering import Part
from textrep.sparse.documents import batches
from textrep.sparse.lexicon import Lexicon
from textrep.sparse.strings import locate

TOKENS_AT_ONCE = 1 << 17
"""Tokens in a part, about: enough to forget the calls."""


def token_parts(
    sentences: Iterable[Any],
    share: Callable[[int], float],
    amount: Callable[[int], float] = float,
) -> Iterator[Part]:
    """Runs of sentences, each a list of str.

    Parameters
    ----------
    sentences : iterable of list, tuple or ndarray
        Its items are checked here, their tokens when they are numbered.
    share : callable
        Given the sentences done, how much of the input that is.
    amount : callable
        Given the sentences of a part, what it adds to the progress bar.
    """
    tokens: list[Any] = []
    lengths: list[int] = []
    position = 0
    for sentence in sentences:
        before = len(tokens)
        tokens += _checked(sentence, position + len(lengths))
        lengths.append(len(tokens) - before)
        if len(tokens) + len(lengths) >= TOKENS_AT_ONCE:
            yield _part(tokens, lengths, position, share, amount)
            position += len(lengths)
            tokens, lengths = [], []
    if lengths:
        yield _part(tokens, lengths, position, share, amount)


def _part(
    tokens: list[Any],
    lengths: list[int],
    position: int,
    share: Callable[[int], float],
    amount: Callable[[int], float],
) -> Part:
    counts = np.array(lengths, dtype=np.int64)
    number = partial(_number, tokens, counts, position)
    return Part(number, share=share(position + len(lengths)), amount=amount(len(lengths)))


def _number(tokens: list[Any], lengths: np.ndarray, position: int, lexicon: Lexicon) -> np.ndarray:
    if locate(tokens) is None:
        _refuse_others(tokens, lengths, position)
        tokens = [plain_str(token) for token in tokens]
    none = np.zeros(0, dtype=np.int64)
    address, nbytes = none, none
    for batch in batches(tokens, "", str, is_content=True):  # one, or none for no tokens
        address, nbytes = batch.address, batch.nbytes
    ids, lexicon.table, lexicon.arena, lexicon.offsets, lexicon.size = number_strings(
        address, nbytes, lengths, lexicon.table, lexicon.arena, lexicon.offsets, lexicon.size
    )
    return ids


def _refuse_others(tokens: list[Any], lengths: np.ndarray, position: int) -> None:
    """Raise an error that names the first token that is no str, if there is one."""
    ends = np.cumsum(lengths)
    for i, token in enumerate(tokens):
        if not issubclass(type(token), str):
            sentence = int(np.searchsorted(ends, i, side="right"))
            place = i - int(ends[sentence] - lengths[sentence])
            raise TextInputError(
                f"X[{position + sentence}][{place}] is {shown(token)} ({type_name(token)}); "
                "expected a token, a str."
            )


def _checked(sentence: Any, position: int) -> Any:
    if issubclass(type(sentence), list | tuple):
        return sentence
    if isinstance(sentence, np.ndarray) and sentence.ndim == 1:
        return sentence.tolist()
    where = f"X[{position}] is"
    if issubclass(type(sentence), str):
        raise TextInputError(
            f"{where} a str, {shown(sentence)}, among lists of tokens; give texts or token lists, "
            "not both."
        )
    if is_missing(sentence):
        raise TextInputError(
            f"{where} {sentence!r}, a missing value; expected a list of str. Drop it or put [] in "
            "its place."
        )
    raise TextInputError(
        f"{where} {shown(sentence)} ({type_name(sentence)}); expected a list of str."
    )
