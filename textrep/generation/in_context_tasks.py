"""Tasks that a language model is asked to do after a few solved examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from textrep.generation.cloze_passages import PASSAGES
from textrep.generation.squad_scores import exact_match, normalised, word_f1

TASKS = ("cloze", "arithmetic", "question-answering")
OPERATIONS = ("addition", "subtraction", "multiplication")

_FEWEST_WORDS = 5  # of a passage whose last word is asked for
_CUE = re.compile(r"\n|\b(?:Passage|Question)\s*:", re.IGNORECASE)
_NUMBER = re.compile(r"\s*(-?)\s*(\d[\d,]*)")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")

_NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Iris", "Jack")
_PLACES = (
    "kitchen",
    "garden",
    "library",
    "station",
    "market",
    "school",
    "park",
    "office",
    "cellar",
)
_THINGS = ("book", "lamp", "ball", "cup", "hat", "key", "map", "clock", "coat", "ring")
_COLOURS = ("red", "blue", "green", "black", "white", "yellow", "brown", "grey")
_FACTS = 3  # people that a passage is about


class Item(NamedTuple):
    """One question.

    Attributes
    ----------
    prompt : str
        Up to where the answer follows.
    answer : str
    guess : float
        Chance of an exact answer without understanding, see `Task`.
    """

    prompt: str
    answer: str
    guess: float = 0.0

    @property
    def solved(self) -> str:
        """The question with its answer."""
        return f"{self.prompt} {self.answer}"


@dataclass(frozen=True)
class Task:
    """Questions of one kind.

    Attributes
    ----------
    name : str
    kind : str
        What within it, such as "addition"; may be empty.
    items : list of Item
        To be answered.
    examples : list of Item
        Shown before each; none of them is among `items`.
    separator : str
        Between them.
    read : callable
        Takes what a model wrote, and gives its answer.
    metrics : dict of str to callable
        Name -> what an answer scores, given the right one; the first is that whose chance is known.
    chance : float
        What the first metric is without understanding, between 0 and 1: that of the commonest
        answer; of questions about a passage, that of a word of it.
    """

    name: str
    kind: str
    items: list[Item]
    examples: list[Item]
    separator: str
    read: Callable[[str], str]
    metrics: dict[str, Callable[[str, str], float]]
    chance: float


def arithmetic(operation: str, n_items: int, n_examples: int, random: np.random.Generator) -> Task:
    """Sums, differences of two numbers below 100, or products of two below 10.

    Different ones, as far as there are so many.

    Parameters
    ----------
    operation : {"addition", "subtraction", "multiplication"}
    n_items, n_examples : int
    random : numpy.random.Generator

    Returns
    -------
    Task

    Raises
    ------
    ValueError
        If there are not more different ones than examples.

    Examples
    --------
    >>> arithmetic("addition", 2, 0, np.random.default_rng(0)).items[0].solved
    '35 + 77 = 112'
    """
    below = 10 if operation == "multiplication" else 100
    if n_examples >= below * below:
        raise ValueError(
            f"n_examples must be below {below * below}, as many as there are questions of "
            f"{operation}, got {n_examples}"
        )
    sign = {"addition": "+", "subtraction": "-", "multiplication": "*"}[operation]
    drawn = random.permutation(below * below)[: n_items + n_examples].tolist()
    items = []
    for number in drawn:
        first, second = divmod(number, below)
        result = {"+": first + second, "-": first - second, "*": first * second}[sign]
        items.append(Item(f"{first} {sign} {second} =", str(result)))
    examples, asked = items[:n_examples], items[n_examples:]
    return Task(
        "arithmetic", operation, asked, examples, "\n", read_number, {"accuracy": _equal},
        _commonest(asked),
    )  # fmt: skip


def cloze(
    passages: Sequence[str] | None, n_items: int, n_examples: int, random: np.random.Generator
) -> Task:
    """The last word of passages.

    Parameters
    ----------
    passages : sequence of str, or None
        None for 26 that come with textrep. Those of less than five words are not used.
    n_items, n_examples : int
        Of these first, and of what is left of the passages.
    random : numpy.random.Generator

    Returns
    -------
    Task

    Raises
    ------
    ValueError
        If there are not more passages than examples.
    """
    found = [item for item in map(_cloze_item, PASSAGES if passages is None else passages) if item]
    if len(found) <= n_examples:
        raise ValueError(
            f"passages must be more than n_examples={n_examples}, got {len(found)} of at least "
            f"{_FEWEST_WORDS} words with a word at their end"
        )
    items = [found[i] for i in random.permutation(len(found)).tolist()]
    examples, asked = items[:n_examples], items[n_examples : n_examples + n_items]
    return Task(
        "cloze", "", asked, examples, "\n\n", read_word, {"accuracy": _equal}, _commonest(asked)
    )


def _cloze_item(passage: str) -> Item | None:
    words = passage.split()
    last = (
        _WORD.fullmatch(words[-1].strip(".,;:!?\"'()\u201c\u201d\u2018\u2019")) if words else None
    )
    if last is None or len(words) < _FEWEST_WORDS:
        return None
    return Item(" ".join(words[:-1]), last.group())


def question_answering(n_items: int, n_examples: int, random: np.random.Generator) -> Task:
    """Questions about passages of three sentences, which are made by rule.

    Parameters
    ----------
    n_items, n_examples : int
    random : numpy.random.Generator

    Returns
    -------
    Task

    Examples
    --------
    >>> item = question_answering(1, 0, np.random.default_rng(3)).items[0]
    >>> print(item.prompt)  # doctest: +ELLIPSIS
    Passage: Anna is in the park and has a white map. ...
    Question: Who is in the cellar?
    Answer:
    """
    items = [_passage_item(random) for _ in range(n_items + n_examples)]
    examples, asked = items[:n_examples], items[n_examples:]
    metrics: dict[str, Callable[[str, str], float]]
    metrics = {"exact match": exact_match, "F1": word_f1}
    chance = float(np.mean([item.guess for item in asked])) if asked else 0.0
    return Task("question-answering", "", asked, examples, "\n\n", read_line, metrics, chance)


def _passage_item(random: np.random.Generator) -> Item:
    lists = (_NAMES, _PLACES, _COLOURS, _THINGS)
    drawn = [random.choice(words, _FACTS, replace=False).tolist() for words in lists]
    facts = list(zip(*drawn, strict=True))
    passage = " ".join(
        f"{name} is in the {place} and has a {colour} {thing}."
        for name, place, colour, thing in facts
    )
    name, place, colour, thing = facts[int(random.integers(_FACTS))]
    question, answer = [
        (f"Where is {name}?", place),
        (f"Who is in the {place}?", name),
        (f"What does {name} have?", f"{colour} {thing}"),
        (f"What colour is the {thing}?", colour),
    ][int(random.integers(4))]
    words = normalised(passage).split()
    guess = words.count(normalised(answer)) / len(words)
    return Item(f"Passage: {passage}\nQuestion: {question}\nAnswer:", answer, guess)


def read_number(text: str) -> str:
    """The whole number that a text begins with; empty where there is none.

    >>> read_number(" -1,024.5 and"), read_number("none of 5")
    ('-1024', '')
    """
    found = _NUMBER.match(text)
    return found.group(1) + found.group(2).replace(",", "") if found else ""


def read_word(text: str) -> str:
    """The first word of a text.

    >>> read_word(' "keys. She')
    'keys'
    """
    found = _WORD.search(text)
    return found.group() if found else ""


def read_line(text: str) -> str:
    """What stands before the end of the line, or before the next passage or question.

    >>> read_line(" a red ball passage : Anna is")
    'a red ball'
    """
    return _CUE.split(text, maxsplit=1)[0].strip() if text.strip() else ""


def _equal(given: str, right: str) -> float:
    return float(given.casefold() == right.casefold())


def _commonest(items: Sequence[Item]) -> float:
    counts = Counter(item.answer.casefold() for item in items)
    return max(counts.values(), default=0) / max(1, len(items))
