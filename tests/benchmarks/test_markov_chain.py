"""The peer of models of melodies: it is to be beaten, so it must be right."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import pytest

# By its path: the folder has files with the names of packages, and must not be searched for them.
_PATH = Path(__file__).parents[2] / "benchmarks" / "markov_chain.py"
_SPEC = importlib.util.spec_from_file_location("markov_chain", _PATH)
markov_chain = importlib.util.module_from_spec(_SPEC)
sys.modules["markov_chain"] = markov_chain
_SPEC.loader.exec_module(markov_chain)

MarkovChain = markov_chain.MarkovChain
markov_nats = markov_chain.markov_nats

PIECES = ["abab.", "aab."]
UNSEEN = "?"


def test_shares_of_no_context_are_counts_and_one_for_what_was_never_seen():
    chain = MarkovChain(PIECES, 0, 1.0)
    # 4 a, 3 b, 2 ends of 9 symbols, 3 kinds.
    expected = -(math.log(5 / 13) + math.log(4 / 13) + math.log(1 / 13)) / 3
    assert chain.nats(["ab" + UNSEEN]) == pytest.approx(expected)


def test_a_context_is_mixed_with_the_shorter_one():
    chain = MarkovChain(PIECES, 1, 2.0)
    # After a: a once, b three times; after nothing, b has 4/13.
    after_a = (3 + 2 * 4 / 13) / (4 + 2)
    at_start = (2 + 2 * 5 / 13) / (2 + 2)
    expected = -(math.log(at_start) + math.log(after_a)) / 2
    assert chain.nats(["ab"]) == pytest.approx(expected)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_shares_of_all_that_can_follow_sum_to_one(order):
    chain = MarkovChain(PIECES, order, 0.7)
    for before in ("", "a", "ab", "?b"):
        nats = [
            chain.nats([before + symbol]) * (len(before) + 1)
            - (chain.nats([before]) * len(before) if before else 0)
            for symbol in "ab." + UNSEEN
        ]
        assert sum(math.exp(-value) for value in nats) == pytest.approx(1)


def test_the_order_that_suits_the_validation_part_is_taken():
    text = ["aabb" * 20 + "."]
    found = markov_nats(text, text, text)
    assert found.order >= 2
    assert found.best < found.first
