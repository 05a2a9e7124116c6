"""Pairs of passages of documents: does the second follow the first, are they in order?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.encoders.layouts import cut_longest_first
from textrep.contextual.masked_lm.masking import IGNORED
from textrep.embeddings.parameters import check_choice

KINDS = ("nsp", "sop")
"""Next sentence prediction (BERT), and sentence order prediction (ALBERT)."""

RIGHT, WRONG = 0, 1
"""What is said of a pair, numbered as in transformers: it follows, or is in order; or not."""

_SHORT = 0.1  # of the passages are shorter than there is room for, as in BERT's own code
_END = re.compile(r"(?<=[.!?…。！？])\s+|\n+")

Pieces = NDArray[np.int32]


class Pairs(NamedTuple):
    """Pairs of passages.

    Attributes
    ----------
    firsts : list of int32 array
    seconds : list of (int32 array or None)
        None where there was only one token.
    labels : int64 array (n,)
        0 where the second follows the first, or both are in order; 1 where not; -100 of no pair.
    """

    firsts: list[Pieces]
    seconds: list[Pieces | None]
    labels: NDArray[np.int64]


def sentences_of(text: str) -> list[str]:
    """The sentences of a text: parts that end with a line or behind a full stop and the like.

    >>> sentences_of("So much text. So little time!\\nAnd so on")
    ['So much text.', 'So little time!', 'And so on']
    """
    return [part for part in _END.split(text) if part.strip()]


def draw_pairs(
    documents: Sequence[Sequence[Pieces]],
    kind: str,
    *,
    room: int,
    random: np.random.Generator,
    word_starts: Callable[[Pieces], NDArray[np.bool_]] | None = None,
) -> Pairs:
    """Cut documents into pairs of passages, other ones each time.

    Each passage is as many sentences as there is room for, divided at a random one. Half of the
    pairs are wrong: of "nsp" the second passage is one of another document, of "sop" the two have
    changed places. A passage of a single sentence is divided between two words.

    Parameters
    ----------
    documents : sequence of sequences of int32 arrays
        The tokens of each sentence of each document, without special ones.
    kind : {"nsp", "sop"}
    room : int
        Tokens of both passages together, at least 2.
    random : numpy.random.Generator
    word_starts : callable, optional
        Says of tokens which of them begin a word; any may be where a sentence is divided where
        absent.

    Returns
    -------
    Pairs

    Raises
    ------
    ValueError
        If there are no two documents of which one could be taken for the other's continuation.

    References
    ----------
    J. Devlin et al.: BERT, NAACL 2019, appendix A.2. Z. Lan et al.: ALBERT: A lite BERT for
    self-supervised learning of language representations, ICLR 2020, section 3.1.

    Examples
    --------
    >>> documents = [[np.array([5, 6], np.int32), np.array([7], np.int32)],
    ...              [np.array([8], np.int32), np.array([9], np.int32)]]
    >>> pairs = draw_pairs(documents, "sop", room=4, random=np.random.default_rng(0))
    >>> [sorted([*a.tolist(), *b.tolist()]) for a, b in zip(pairs.firsts, pairs.seconds)]
    [[5, 6, 7], [8, 9]]
    """
    check_choice("kind", kind, KINDS)
    kept = [[s for s in sentences if len(s)] for sentences in documents]
    kept = [sentences for sentences in kept if sentences]
    others = _Others(kept) if kind == "nsp" else None
    found: list[tuple[Pieces, Pieces | None, int]] = []
    for number, sentences in enumerate(kept):
        found += _of_document(number, sentences, others, room, random, word_starts)
    firsts = [first for first, _, _ in found]
    seconds = [second for _, second, _ in found]
    return Pairs(firsts, seconds, np.array([label for *_, label in found], dtype=np.int64))


class _Others:
    """Passages of any document but one, and but those that say the same."""

    def __init__(self, documents: list[list[Pieces]]) -> None:
        numbers: dict[bytes, int] = {}
        self._of_document: list[int] = []
        self._documents: list[list[Pieces]] = []
        for sentences in documents:
            digest = hashlib.sha256(np.concatenate(sentences).tobytes()).digest()
            if digest not in numbers:
                numbers[digest] = len(self._documents)
                self._documents.append(sentences)
            self._of_document.append(numbers[digest])
        if len(self._documents) < 2:
            raise ValueError(
                "next sentence prediction needs texts of at least two different documents: each "
                "element of X is one"
            )

    def draw(self, number: int, least: int, random: np.random.Generator) -> Pieces:
        """A passage of at least so many tokens, where its document has them."""
        own = self._of_document[number]
        other = int(random.integers(len(self._documents) - 1))
        sentences = self._documents[other + (other >= own)]
        first = int(random.integers(len(sentences)))
        last, n_tokens = first, 0
        while last < len(sentences) and n_tokens < least:
            n_tokens += len(sentences[last])
            last += 1
        return np.concatenate(sentences[first:last])


def _of_document(
    number: int,
    sentences: list[Pieces],
    others: _Others | None,
    room: int,
    random: np.random.Generator,
    word_starts: Callable[[Pieces], NDArray[np.bool_]] | None,
) -> list[tuple[Pieces, Pieces | None, int]]:
    """All pairs of one document: first, second, label."""
    found: list[tuple[Pieces, Pieces | None, int]] = []
    at = 0
    while at < len(sentences):
        target = int(random.integers(2, room + 1)) if random.random() < _SHORT else room
        end, n_tokens = at, 0
        while end < len(sentences) and n_tokens < target:
            n_tokens += len(sentences[end])
            end += 1
        label = WRONG if random.random() < 0.5 else RIGHT
        if end - at > 1:
            middle = int(random.integers(at + 1, end))
            first = np.concatenate(sentences[at:middle])
            second: Pieces = np.concatenate(sentences[middle:end])
        else:
            middle = end
            if len(sentences[at]) < 2:
                found.append((sentences[at], None, IGNORED))
                at = end
                continue
            first, second = _divided(sentences[at], random, word_starts)
        if others is not None and label == WRONG:
            second = others.draw(number, max(1, target - len(first)), random)
            end = middle  # what stood there has not been used
        found.append((*_cut(first, second, room, swap=others is None and label == WRONG), label))
        at = end
    return found


def _divided(
    sentence: Pieces,
    random: np.random.Generator,
    word_starts: Callable[[Pieces], NDArray[np.bool_]] | None,
) -> tuple[Pieces, Pieces]:
    """A sentence of two tokens at least as two parts, between two words if it has them."""
    places = np.arange(1, len(sentence))
    if word_starts is not None and (starts := word_starts(sentence)[1:]).any():
        places = places[starts]
    place = int(random.choice(places))
    return sentence[:place], sentence[place:]


def _cut(first: Pieces, second: Pieces, room: int, *, swap: bool) -> tuple[Pieces, Pieces]:
    """Both cut where they are furthest from each other, so that what followed still follows."""
    n_first, n_second = cut_longest_first(len(first), len(second), room)
    first, second = first[len(first) - n_first :], second[:n_second]
    return (second, first) if swap else (first, second)
