"""Words -> pieces of an encoder's vocabulary, in windows that it can read, and back to words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.encoders.tokens import EncoderRow, EncoderTokenizer

_OVERLAP = 0.25  # of a window, which the next one reads too


class Window(NamedTuple):
    """A part of a sentence that is read at once.

    Attributes
    ----------
    start, stop : int
        The words that are read.
    first, last : int
        ``range(first, last)`` are those that are tagged here; each word is in one window.
    """

    start: int
    stop: int
    first: int
    last: int


class TaggedRow(NamedTuple):
    """A window as the encoder reads it.

    Attributes
    ----------
    row : EncoderRow
    places : int64 array (n_words,)
        Where the first piece of each word stands that is tagged in this window.
    sentence : int
        Number of the sentence.
    window : Window
    """

    row: EncoderRow
    places: NDArray[np.int64]
    sentence: int
    window: Window


def word_pieces(
    tokenizer: EncoderTokenizer, sentences: Sequence[Sequence[str]]
) -> list[list[NDArray[np.int32]]]:
    """The pieces of each word of each sentence; at least one.

    Parameters
    ----------
    tokenizer : EncoderTokenizer
    sentences : sequence of sequences of str

    Returns
    -------
    list of lists of int32 arrays
        The unknown token of a word of which the tokenizer leaves nothing, such as a blank one.
    """
    # To byte-level BPE, a word behind another one is a word with a space before it.
    bare, spaced = tokenizer.pieces(["x", " x"])
    space = "" if np.array_equal(bare, spaced) else " "
    written = {
        (space if place else "") + word for row in sentences for place, word in enumerate(row)
    }
    distinct = sorted(written)
    unknown = tokenizer.unk_id if tokenizer.unk_id >= 0 else tokenizer.mask_id
    nothing = np.array([unknown], dtype=np.int32)
    found = {
        word: pieces if len(pieces) else nothing
        for word, pieces in zip(distinct, tokenizer.pieces(distinct), strict=True)
    }
    return [
        [found[(space if place else "") + word] for place, word in enumerate(row)]
        for row in sentences
    ]


def windows(n_pieces: Sequence[int], size: int) -> list[Window]:
    """Cut a sentence into windows of whole words that overlap.

    Parameters
    ----------
    n_pieces : sequence of int
        Pieces of each word, 1 to `size`.
    size : int
        Pieces of a window at most.

    Returns
    -------
    list of Window
        One, where all fit; none without words. Words that two windows read are tagged in the one
        that has more of their surroundings.

    Examples
    --------
    >>> windows([1] * 10, 8)
    [Window(start=0, stop=8, first=0, last=7), Window(start=6, stop=10, first=7, last=10)]
    """
    ends = np.concatenate([[0], np.cumsum(np.asarray(n_pieces, dtype=np.int64))])
    n_words = len(n_pieces)
    if not n_words:
        return []
    spans: list[tuple[int, int]] = []
    start = stop = 0
    while stop < n_words:
        if stop:
            start = int(np.searchsorted(ends, ends[stop] - int(_OVERLAP * size)))
            # The word behind must fit, too.
            start = max(start, int(np.searchsorted(ends, ends[stop + 1] - size)))
        stop = int(np.searchsorted(ends, ends[start] + size, side="right")) - 1
        spans.append((start, stop))
    cuts = [0]
    for (_, stop_before), (next_start, _) in itertools.pairwise(spans):
        middle = (ends[next_start] + ends[stop_before]) // 2
        cuts.append(int(np.searchsorted(ends, middle)))
    cuts.append(n_words)
    return [
        Window(start, stop, first, last)
        for (start, stop), first, last in zip(spans, cuts[:-1], cuts[1:], strict=True)
    ]


def tagged_rows(
    tokenizer: EncoderTokenizer,
    sentences: Sequence[Sequence[str]],
    *,
    max_length: int,
    cls_last: bool,
) -> list[TaggedRow]:
    """What an encoder reads of sentences; no word is lost.

    Parameters
    ----------
    tokenizer : EncoderTokenizer
    sentences : sequence of sequences of str
    max_length : int
        Tokens of a row at most, special ones included. Of a word with more pieces than fit, the
        first ones are read.
    cls_last : bool
        Whether pieces begin at the first place of a row.

    Returns
    -------
    list of TaggedRow
        Sentence by sentence, from left to right.
    """
    n_special = len(tokenizer.row(np.zeros(0, dtype=np.int32)).ids)
    size = max_length - n_special
    before = 0 if cls_last else 1
    rows = []
    for number, words in enumerate(word_pieces(tokenizer, sentences)):
        words = [pieces[:size] for pieces in words]
        for window in windows([len(pieces) for pieces in words], size):
            read = words[window.start : window.stop]
            begins = np.cumsum([before, *(len(pieces) for pieces in read)])
            own = slice(window.first - window.start, window.last - window.start)
            row = tokenizer.row(np.concatenate(read))
            rows.append(TaggedRow(row, begins[:-1][own].astype(np.int64), number, window))
    return rows


def of_sentences(rows: Sequence[TaggedRow], values: Sequence[Any], n: int) -> list[list[Any]]:
    """What windows say of their words, put together by sentence.

    Parameters
    ----------
    rows : sequence of TaggedRow
    values : sequence of sequences
        For each window, one for each of its ``places``.
    n : int
        Sentences.

    Returns
    -------
    list of lists
    """
    found: list[list[Any]] = [[] for _ in range(n)]
    for row, its in zip(rows, values, strict=True):
        found[row.sentence].extend(its)
    return found
