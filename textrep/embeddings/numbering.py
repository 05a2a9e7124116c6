"""Words numbered in the order in which they are met, while a corpus is read once."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from textrep.core.column import is_missing, plain_str
from textrep.core.messages import shown, type_name
from textrep.core.text import TextInputError
from textrep.embeddings.kernels.corpus import END, count_words
from textrep.embeddings.spool import Spool
from textrep.sparse.analysis import Plan
from textrep.sparse.counting import tokenize_part
from textrep.sparse.documents import Batch
from textrep.sparse.kernels.symbols import renumber
from textrep.sparse.lexicon import SLACK, Lexicon, pack_strings

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2
"""Parts a thread that are worked on, or done, before they are asked for."""

IDS_AT_ONCE = 1 << 18
"""Words of token lists that are counted and written together."""


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
    """Documents ``first`` to ``last`` of a batch.

    Attributes
    ----------
    batch : Batch, or what makes one in the thread that tokenises it
    open_ended : bool, the last document goes on in the next part
    share : how much of the input is read when it is; 0 where that is not known
    amount : what it adds to the progress bar
    """

    batch: Batch | Callable[[], Batch]
    first: int = 0
    last: int | None = None
    open_ended: bool = False
    share: float = 0.0
    amount: float = 0.0


@dataclass
class Tokenised:
    """The words of a part, numbered by a lexicon that belongs to a thread.

    Attributes
    ----------
    tokens : int32, -1 behind each document
    owner : the lexicon
    arena, offsets : the words that this lexicon met here first, packed
    """

    part: Part
    tokens: np.ndarray
    owner: Lexicon
    arena: np.ndarray
    offsets: np.ndarray


def number_parts(
    plan: Plan, parts: Iterable[Part], numbered: Numbered, threads: int
) -> Iterator[float]:
    """Tokenise parts of a corpus in threads, and number their words in the order in which the
    corpus has them, however many threads there are; gives each part's amount when it is done.

    Each thread has a lexicon of its own for all its parts. It takes them in order, so a word
    that a part is the first to have is new to the lexicon of its thread too: only words new there
    are looked up in the common lexicon.
    """
    local = threading.local()

    def tokenise(part: Part) -> Tokenised:
        if not hasattr(local, "lexicon"):
            local.lexicon = Lexicon()
        lexicon = local.lexicon
        known = lexicon.size
        batch = part.batch if isinstance(part.batch, Batch) else part.batch()
        last = len(batch) if part.last is None else part.last
        tokens = tokenize_part(plan, batch, part.first, last, lexicon, learn=True).tokens
        return Tokenised(part, tokens, lexicon, *_copied(*lexicon.packed(known)))

    number_of: dict[int, np.ndarray] = {}  # by lexicon, which the entries of `owners` keep alive
    size_of: dict[int, int] = {}
    owners = []
    for done in in_order(tokenise, parts, threads):
        key = id(done.owner)
        if key not in number_of:
            owners.append(done.owner)
            number_of[key], size_of[key] = np.empty(1 << 10, dtype=np.int32), 0
        known, size = size_of[key], size_of[key] + len(done.offsets) - 1
        if size > len(number_of[key]):
            number_of[key] = np.concatenate([number_of[key], np.empty(size, dtype=np.int32)])
        number_of[key][known:size] = numbered.lexicon.insert(done.arena, done.offsets)
        size_of[key] = size
        ids = done.tokens[:-1] if done.part.open_ended else done.tokens
        renumber(ids, number_of[key], ids)
        numbered.add(ids, done.part.share)
        yield done.part.amount


def _copied(arena: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Packed words of a lexicon that is about to grow."""
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


class _Numbers(dict[str, int]):
    """Numbers of words; a new one gets the next."""

    def __missing__(self, word: Any) -> int:
        if not issubclass(type(word), str):
            raise TypeError
        number = len(self)
        self[plain_str(word)] = number
        return number


def number_token_lists(
    sentences: Iterable[Any], numbered: Numbered, share: Callable[[int], float]
) -> Iterator[float]:
    """Number the words of sentences that are lists of words; gives the sentences done since last.

    ``share`` says, given the sentences done, how much of the input that is.
    """
    numbers = _Numbers()
    known = done = 0
    ids = array("i")
    position = -1
    for position, sentence in enumerate(sentences):
        try:
            ids.extend(map(numbers.__getitem__, _token_list(sentence, position)))
        except TypeError:
            refuse_tokens(sentence, position)
            raise
        ids.append(END)
        if len(ids) >= IDS_AT_ONCE:
            known = _add_array(ids, numbers, known, numbered, share(position + 1))
            ids = array("i")
            yield position + 1 - done
            done = position + 1
    _add_array(ids, numbers, known, numbered, share(position + 1))
    yield position + 1 - done


def _add_array(
    ids: array[int], numbers: _Numbers, known: int, numbered: Numbered, share: float
) -> int:
    words = list(numbers)[known:] if len(numbers) > known else []
    if words:
        numbered.lexicon.insert(*pack_strings(words))
    numbered.add(np.frombuffer(ids, dtype=np.int32) if ids else np.empty(0, np.int32), share)
    return len(numbers)


def _token_list(sentence: Any, position: int) -> Any:
    if type(sentence) in (list, tuple):
        return sentence
    if isinstance(sentence, np.ndarray) and sentence.ndim == 1:
        return sentence.tolist()
    if issubclass(type(sentence), list | tuple):
        return sentence
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


def refuse_tokens(sentence: Any, position: int) -> None:
    """Raise an error that names the first token that is no str, if there is one."""
    for place, token in enumerate(sentence):
        if not issubclass(type(token), str):
            raise TextInputError(
                f"X[{position}][{place}] is {shown(token)} ({type_name(token)}); expected a token, "
                "a str."
            )
