"""The peer of code completion: it is to be beaten, so it must be right."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

# By its path: the folder has files with the names of packages, and must not be searched for them.
_PATH = Path(__file__).parents[2] / "benchmarks" / "kneser_ney.py"
_SPEC = importlib.util.spec_from_file_location("kneser_ney", _PATH)
kneser_ney = importlib.util.module_from_spec(_SPEC)
sys.modules["kneser_ney"] = kneser_ney
_SPEC.loader.exec_module(kneser_ney)

DEDENT = kneser_ney.DEDENT
INDENT = kneser_ney.INDENT
NEWLINE = kneser_ney.NEWLINE
NL = kneser_ney.NL
START = kneser_ney.START
CachedKneserNey = kneser_ney.CachedKneserNey
FileCache = kneser_ney.FileCache
KneserNey5 = kneser_ney.KneserNey5
discounts_of = kneser_ney.discounts_of
expectation_maximisation = kneser_ney.expectation_maximisation
tokens_of = kneser_ney.tokens_of

TEXT = "def f(a,\n      b):\n    # why\n\n    return a\n\nx = '''y\nz'''\n"


def test_tokens_are_those_of_python():
    found = tokens_of(TEXT)
    assert [token.text for token in found] == [
        "def", "f", "(", "a", ",", NL, "b", ")", ":", NEWLINE, INDENT, "return", "a", NEWLINE,
        DEDENT, "x", "=", "'''y\nz'''", NEWLINE,
    ]  # fmt: skip
    for token in found:
        if token.text not in (NL, NEWLINE, INDENT, DEDENT):
            assert TEXT[token.begin : token.end] == token.text
    assert tokens_of("(") is None


def brute_force(files, model, context, word):
    """Kneser-Ney with counts of plain tuples."""
    order = model.order
    grams: list[Counter] = [Counter() for _ in range(order + 1)]
    for words in files:
        padded = [START] * (order - 1) + list(words)
        for i in range(order - 1, len(padded)):
            for n in range(1, order + 1):
                grams[n][tuple(padded[i - n + 1 : i + 1])] += 1
    context = ([START] * order + list(context))[-(order - 1) :]
    p = 1.0 / model.n_words
    for depth in range(order):
        tail = tuple(context[len(context) - depth :])
        counts: Counter = Counter()
        if depth == order - 1:
            for gram, count in grams[order].items():
                if gram[:-1] == tail:
                    counts[gram[-1]] += count
        else:
            for gram in grams[depth + 2]:
                if gram[1:-1] == tail:
                    counts[gram[-1]] += 1
        if not counts:
            break
        taken = {w: model.discounts[depth][min(c, 3)] for w, c in counts.items()}
        total = sum(counts.values())
        p = p * sum(taken.values()) / total
        p += (counts[word] - taken.get(word, 0.0)) / total
    return p


def test_probabilities_are_those_of_the_formula_and_sum_to_one():
    rng = np.random.default_rng(0)
    files = [list(rng.choice(list("abcd"), size=n, p=[0.5, 0.3, 0.1, 0.1])) for n in (60, 40, 5)]
    model = KneserNey5(files, order=3)
    for context in ([], ["a"], ["b", "a"], ["d", "d"], ["z", "a"], ["a", "b", "c"], ["z"]):
        p = model.distribution(context)
        assert p.sum() == pytest.approx(1.0)
        for word in "abcd":
            assert p[model.numbers[word]] == pytest.approx(brute_force(files, model, context, word))


def test_discounts_are_those_of_chen_and_goodman():
    counts = np.repeat([1, 2, 3, 4, 7], [10, 5, 3, 2, 1])
    y = 10 / 20
    expected = [0.0, 1 - 2 * y * 5 / 10, 2 - 3 * y * 3 / 5, 3 - 4 * y * 2 / 3]
    np.testing.assert_allclose(discounts_of(counts), expected)


def test_the_mixture_is_a_distribution_and_top_gives_its_best():
    files = [list("abcabcabd"), list("abdcba")]
    peer = CachedKneserNey(KneserNey5(files, order=3))
    peer.tune([list("abcabzabz"), list("dadadad")])
    cache = FileCache(list("abzabz"))
    np.testing.assert_allclose(peer.weights.sum(axis=1), 1.0)
    found = peer.top(list("zab"), cache, 6)
    assert found[0][0] == "z"  # only the cache knows it
    seen = cache.followers(list("zab"))
    p = peer.weights[len(seen), 0] * peer.model.distribution(list("zab"))
    for word, log_p in found:
        expected = p[peer.model.numbers[word]] if word in peer.model.numbers else 0.0
        shares = zip(peer.weights[len(seen), 1:], seen, strict=False)
        expected += sum(weight * counts[word] / counts.total() for weight, counts in shares)
        assert np.exp(log_p) == pytest.approx(expected)


def test_weights_are_those_that_make_what_came_likeliest():
    rng = np.random.default_rng(0)
    parts = rng.random((200, 2))
    weights = expectation_maximisation(parts)
    grid = np.linspace(0, 1, 201)
    best = grid[np.argmax([np.log(parts @ [w, 1 - w]).sum() for w in grid])]
    assert weights[0] == pytest.approx(best, abs=0.05)


def test_lines_are_completed_without_being_empty():
    line = ["x", "=", "1", NEWLINE]
    peer = CachedKneserNey(KneserNey5([line * 5, line * 3]))
    peer.tune([line * 4])
    for width in (1, 4):
        assert peer.complete_line(line, width) == ["x", "=", "1"]
