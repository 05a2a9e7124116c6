"""The lecture's tasks for encoder-decoders beside translation: questions, and headlines.

Questions (synthetic): plain English sentences of the Anki pairs, and the question that the rules of
`question_rules.py` make of each. The sentences are people's, the questions are not; a model that
has understood the rules answers all of them exactly.

Headlines (real, with a boundary found by rule): the Reuters texts of R8 begin with their headline,
in lower case and without anything between it and the story. A story mostly begins with the name
that its headline begins with, so that the headline ends where its first word comes for the second
time. Texts in which this finds no headline, or one with a word of reporting in it, are not used.

Peers that cost nothing: copying the source as a question, and a story's first words as a headline.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from question_rules import question_of

SEED = 1
N_TEST = 1000

FEWEST_HEADLINE, MOST_HEADLINE = 3, 12  # words
LEAD_WORDS = 30  # of a story: its first sentence, about
FEWEST_LEAD = 10
_REPORTING = frozenset(("said", "told", "reuter", "says", "vs"))

Pairs = tuple[list[str], list[str]]


def tasks(*, quick: bool = False) -> dict[str, tuple[Pairs, Pairs]]:
    """Name -> training and test pairs of each task, from the folder that TEXTREP_DATA names.

    Parameters
    ----------
    quick : bool
        Fewer training pairs.
    """
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    most = 3000 if quick else None
    questions, headlines = read_questions(data), read_headlines(data)
    return {
        "questions (synthetic)": (_first(questions[0], most), questions[1]),
        "headlines of Reuters R8": (_first(headlines[0], most), headlines[1]),
    }


def read_questions(data: Path) -> tuple[Pairs, Pairs]:
    """Training and test pairs of sentences and questions; no sentence is in both."""
    with zipfile.ZipFile(data / "anki_fra_eng" / "fra-eng.zip") as archive:
        lines = archive.read("fra.txt").decode("utf-8").splitlines()
    return split_pairs(question_pairs(line.split("\t")[0] for line in lines), N_TEST)


def read_headlines(data: Path) -> tuple[Pairs, Pairs]:
    """Training and test pairs of stories and headlines, as R8 is split."""
    parts = []
    for part in ("train", "test"):
        lines = (data / "reuters_r8" / f"{part}.txt").read_text("utf-8").splitlines()
        parts.append(headline_pairs(line.partition("\t")[2] for line in lines))
    return parts[0], parts[1]


def question_pairs(sentences: Iterable[str]) -> Pairs:
    """Distinct sentences that a question is known to, and the questions.

    >>> question_pairs(["I am here.", "Run!", "I am here."])
    (['I am here.'], ['Are you here?'])
    """
    found = {sentence: question_of(sentence) for sentence in dict.fromkeys(sentences)}
    known = [(sentence, question) for sentence, question in found.items() if question]
    return [sentence for sentence, _ in known], [question for _, question in known]


def headline_pairs(texts: Iterable[str]) -> Pairs:
    """First words of stories, and their headlines; distinct, in their order.

    >>> headline_pairs(["acme acm buys a mill acme inc said it bought a paper mill for mln dlrs"])
    (['acme inc said it bought a paper mill for mln dlrs'], ['acme acm buys a mill'])
    """
    found: dict[str, str] = {}
    for text in texts:
        words = text.split()
        places = range(FEWEST_HEADLINE, min(MOST_HEADLINE + 1, len(words)))
        end = next((place for place in places if words[place] == words[0]), None)
        if end is None or len(words) - end < FEWEST_LEAD or _REPORTING & set(words[:end]):
            continue
        found.setdefault(" ".join(words[end : end + LEAD_WORDS]), " ".join(words[:end]))
    return list(found), list(found.values())


def split_pairs(pairs: Pairs, n_test: int) -> tuple[Pairs, Pairs]:
    """Training and test pairs, the same each time."""
    order = np.random.default_rng(SEED).permutation(len(pairs[0])).tolist()

    def part(places: Sequence[int]) -> Pairs:
        return [pairs[0][place] for place in places], [pairs[1][place] for place in places]

    return part(order[n_test:]), part(order[:n_test])


def lead(story: str, n_words: int = 5) -> str:
    """The first words of a story, which a headline has to beat; of 5, 6 and 8, 5 score best."""
    return " ".join(story.split()[:n_words])


def rouge_l(written: Sequence[str], references: Sequence[str]) -> float:
    """Mean F1 of the longest common subsequence of words, per cent (Lin 2004, beta of 1).

    >>> rouge_l(["a b c"], ["a c d"]).__round__(1)
    66.7
    """
    total = 0.0
    for ours, theirs in zip(written, references, strict=True):
        first, second = ours.split(), theirs.split()
        common = _longest_common(first, second)
        total += 2 * common / max(1, len(first) + len(second))
    return 100 * total / max(1, len(references))


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    row = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for place, other in enumerate(second, start=1):
            kept = row[place]
            row[place] = before + 1 if word == other else max(row[place], row[place - 1])
            before = kept
    return row[-1]


def _first(pairs: Pairs, most: int | None) -> Pairs:
    return pairs[0][:most], pairs[1][:most]
