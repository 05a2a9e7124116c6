"""Words numbered in the order in which they are met, while a corpus is read once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from textrep.embeddings.kernels.corpus import count_words
from textrep.embeddings.spool import Spool
from textrep.sparse.kernels.symbols import renumber
from textrep.sparse.lexicon import SLACK, Lexicon

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2
"""Parts a thread that are worked on, or done, before they are asked for."""


@dataclass
class Numbered:
    """A corpus as numbers of words, and what they stand for.

    Attributes
    ----------
    spool : the numbers, -1 behind each sentence
    lexicon : the words in the order met
    counts : int64, at least so many as words, how often each was met
    n_words : words in all sentences
    n_sentences : int
    """

    spool: Spool
    lexicon: Lexicon
    counts: np.ndarray
    n_words: int = 0
    n_sentences: int = 0

    def add(self, ids: np.ndarray, share: float) -> None:
        """Count and keep the words of some more text, int32; see `Spool.append`."""
        if self.lexicon.size > len(self.counts):
            grown = np.zeros(2 * self.lexicon.size, dtype=np.int64)
            grown[: len(self.counts)] = self.counts
            self.counts = grown
        n_words, n_ends = count_words(ids, self.counts)
        self.n_words += n_words
        self.n_sentences += n_ends
        self.spool.append(ids, share)


@dataclass(frozen=True)
class Part:
    """Some sentences of a corpus.

    Attributes
    ----------
    number : function of a lexicon, in any thread: adds the words that are new to it, and gives all
        words by their numbers in it, int32, -1 behind each sentence
    open_ended : bool, the last sentence goes on in the next part
    share : how much of the input is read when it is; 0 where that is not known
    amount : what it adds to the progress bar
    """

    number: Callable[[Lexicon], np.ndarray]
    open_ended: bool = False
    share: float = 0.0
    amount: float = 0.0


class Own:
    """A thread's lexicon, and what its numbers are in the corpus.

    Attributes
    ----------
    lexicon : used by that thread only
    number : int32, at least so many as `known`; used by the thread that puts parts in order
    known : words whose number is known
    """

    def __init__(self) -> None:
        self.lexicon = Lexicon()
        self.number = np.empty(1 << 10, dtype=np.int32)
        self.known = 0

    def learn(self, numbers: np.ndarray) -> None:
        """Add the numbers of the next words of the lexicon."""
        known = self.known + len(numbers)
        if known > len(self.number):
            self.number = np.concatenate([self.number, np.empty(known, dtype=np.int32)])
        self.number[self.known : known] = numbers
        self.known = known


@dataclass
class Worked:
    """A part whose words are numbered by a thread's own lexicon.

    Attributes
    ----------
    ids : int32, -1 behind each sentence
    own : the lexicon
    arena, offsets : the words that are new to it, packed
    """

    part: Part
    ids: np.ndarray
    own: Own
    arena: np.ndarray
    offsets: np.ndarray


def number_parts(parts: Iterable[Part], numbered: Numbered, threads: int) -> Iterator[float]:
    """Work on parts of a corpus in threads, and number their words in the order in which the corpus
    has them, however many threads there are; gives each part's amount when it is done.

    Each thread has a lexicon of its own for all its parts. It takes them in order, so a word
    that a part is the first to have is new to the lexicon of its thread too: only words new there
    are looked up in the common lexicon.
    """
    local = threading.local()

    def work(part: Part) -> Worked:
        if not hasattr(local, "own"):
            local.own = Own()
        lexicon = local.own.lexicon
        known = lexicon.size
        ids = part.number(lexicon)
        return Worked(part, ids, local.own, *copied_words(*lexicon.packed(known)))

    for done in in_order(work, parts, threads):
        done.own.learn(numbered.lexicon.insert(done.arena, done.offsets))
        ids = done.ids[:-1] if done.part.open_ended else done.ids
        renumber(ids, done.own.number, ids)
        numbered.add(ids, done.part.share)
        yield done.part.amount


def copied_words(arena: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Packed words in arrays of their own, as of a lexicon that is about to grow."""
    begin, end = int(offsets[0]), int(offsets[-1])
    copy = np.zeros(end - begin + SLACK, dtype=np.uint8)
    copy[: end - begin] = arena[begin:end]
    return copy, offsets - begin


def in_order(
    task: Callable[[Task], Result], arguments: Iterable[Task], threads: int
) -> Iterator[Result]:
    """``task(a) for a in arguments``, in threads; arguments are asked for when there is a thread
    for them, so there may be any number of them.
    """
    if threads <= 1:
        yield from map(task, arguments)
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for argument in arguments:
            waiting.append(pool.submit(task, argument))
            if len(waiting) > AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
