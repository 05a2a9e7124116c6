"""Fit the weights of the spelling corrector: what stands in textrep/preprocess/edits.py.

    python benchmarks/spelling_weights.py --data DIR [--quick]

The weights are those of a conditional logit model: of the words near a misspelt one, the one that
was meant is chosen with a probability that grows with the exponential of its score. They are fitted
to the Birkbeck corpus of misspellings (missp.dat), with words and counts from big.txt. Every pair
of which a word stands in either of Norvig's test sets is left out first, since his sets were drawn
from the same corpus. What is left is put in a fixed random order: the weights are fitted to the
first 9,000 pairs, and the accuracies beside the plain rule (least distance, then largest count) are
of the 3,000 that follow. The tests are read for nothing else.
"""

from __future__ import annotations

import gzip
import os
import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from harness import parse_options
from numpy.typing import NDArray
from scipy.optimize import minimize
from symspellpy import SymSpell, Verbosity

from textrep.preprocess import SpellingCorrector
from textrep.preprocess.dictionary import DISTANT_CANDIDATES, near_words
from textrep.preprocess.edits import WEIGHTS, slips

KINDS = list(WEIGHTS)
FITTED, HELD_OUT, QUICK = 9000, 3000, 1500
RIDGE = 1e-3  # only differences of weights are determined; this settles the rest

Choice = tuple[NDArray[np.float64], int]
"""A row of features for each candidate, and which of them was meant."""


def pairs_of(folder: Path) -> list[tuple[str, str]]:
    """Right word and misspelt one, of the Birkbeck corpus without the words of the tests."""
    tested: set[str] = set()
    for name in ("spell-testset1.txt", "spell-testset2.txt"):
        tested.update((folder / name).read_text("utf-8").lower().replace(":", " ").split())
    pairs = set()
    right = ""
    for line in (folder / "missp.dat").read_text("latin-1").lower().split("\n"):
        word = line.strip()
        if word.startswith("$"):
            right = word[1:]
        elif word.isalpha() and right.isalpha() and word != right and not tested & {word, right}:
            pairs.add((right, word))
    shuffled = sorted(pairs)
    random.Random(0).shuffle(shuffled)
    return shuffled


def choices(pairs: list[tuple[str, str]], index: SymSpell) -> list[Choice]:
    """The choices that the pairs pose: the meant word is among several candidates."""
    posed = []
    for right, written in pairs:
        if written in index.words:
            continue
        candidates = near_words(index, written, 2)
        meant = [place for place, item in enumerate(candidates) if item.term == right]
        if meant:
            posed.append((features(written, candidates), meant[0]))
    return posed


def features(written: str, candidates: list) -> NDArray[np.float64]:
    """A row for each candidate, a column for each weight."""
    rows = np.zeros((len(candidates), len(KINDS)))
    for row, item in zip(rows, candidates, strict=True):
        row[KINDS.index("log count")] = np.log(item.count)
        for kind, count in slips(written, item.term).items():
            row[KINDS.index(kind)] = count
    return rows


def fit(posed: list[Choice]) -> NDArray[np.float64]:
    """The weights of greatest likelihood."""

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = 0.0, np.zeros_like(weights)
        for rows, meant in posed:
            scores = rows @ weights
            scores -= scores.max()
            chances = np.exp(scores) / np.exp(scores).sum()
            total -= np.log(chances[meant])
            gradient -= rows[meant] - chances @ rows
        n = len(posed)
        return total / n + RIDGE * weights @ weights, gradient / n + 2 * RIDGE * weights

    return minimize(loss, np.zeros(len(KINDS)), jac=True, method="L-BFGS-B").x


def accuracy(posed: list[Choice], weights: NDArray[np.float64]) -> float:
    """Part of the choices in which the meant word scores highest."""
    return float(np.mean([int(np.argmax(rows @ weights)) == meant for rows, meant in posed]))


def kept(pairs: list[tuple[str, str]], index: SymSpell) -> float:
    """Part of the reachable words that are among the candidates which are scored."""
    reachable = scored = 0
    for right, written in pairs:
        if written not in index.words:
            found = index.lookup(written, Verbosity.ALL, 2)
            if any(item.term == right for item in found):
                reachable += 1
                scored += any(item.term == right for item in near_words(index, written, 2))
    return scored / reachable


def main() -> None:
    """Fit, and print the weights and what they are worth."""
    options = parse_options(__doc__ or "")
    if "TEXTREP_DATA" not in os.environ:
        sys.exit("say where the data is: --data DIR or the variable TEXTREP_DATA")
    folder = Path(os.environ["TEXTREP_DATA"], "spelling")
    with gzip.open(folder / "big.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        text = file.read()
    words: Counter[str] = Counter(SpellingCorrector().fit([text]).words_)
    index = SymSpell(2)
    for word, count in words.items():
        index.create_dictionary_entry(word, count)
    pairs = pairs_of(folder)
    fitted = QUICK if options.quick else FITTED
    weights = fit(choices(pairs[:fitted], index))
    held_out = pairs[fitted : fitted + (QUICK if options.quick else HELD_OUT)]
    posed = choices(held_out, index)
    plain = np.array([{"log count": 1.0, "further": -1000.0}.get(kind, 0.0) for kind in KINDS])
    known = np.array(list(WEIGHTS.values()))
    for kind, weight in zip(KINDS, weights, strict=True):
        print(f"{kind:16} {weight:6.2f}   in use {WEIGHTS[kind]:6.2f}")
    print(f"held out: {len(posed)} choices")
    for name, used in (("plain rule", plain), ("fitted now", weights), ("in use", known)):
        print(f"  {name:12} {accuracy(posed, used):.1%} right")
    print(
        f"  {kept(held_out, index):.1%} of the meant words are among the candidates when only the "
        f"{DISTANT_CANDIDATES} most frequent of the distant ones are scored"
    )
    for least in (1, 2, 3, 5):
        corrector = SpellingCorrector(min_count=least).fit_counts(words)
        answers = corrector.correct_words([written for _, written in held_out])
        right = np.mean([a == b for a, (b, _) in zip(answers, held_out, strict=True)])
        print(f"  min_count={least}: {right:.1%} of all {len(held_out)} pairs right")


if __name__ == "__main__":
    main()
