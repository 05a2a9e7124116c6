"""ListOps: the generator against a brute force, and against the published set."""

from __future__ import annotations

import importlib
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def listops(monkeypatch):
    # Behind the packages: benchmarks/transformers.py has the name of one.
    monkeypatch.setattr("sys.path", [*sys.path, str(BENCHMARKS)])
    return importlib.import_module("listops")


def by_python(expression):
    """The value of an expression as Python itself finds it."""
    names = {"[MAX": "max((", "[MIN": "min((", "[MED": "median((", "[SM": "sum_mod(("}
    code = "".join(names.get(t, "))," if t == "]" else f"{t},") for t in expression.split())
    functions = {
        "median": lambda values: int(np.median(values)),
        "sum_mod": lambda values: sum(values) % 10,
    }
    return eval(code.rstrip(","), functions)  # made a line above


def depth_of(expression):
    depths = np.cumsum([(t[0] == "[") - (t == "]") for t in expression.split()])
    return int(depths.max())


def test_values_are_those_that_python_finds(listops):
    grammar = listops.Grammar(5, 80, 5, 5)
    texts, values = listops.generate(300, grammar, random=np.random.default_rng(0))
    assert [by_python(text) for text in texts] == values.tolist()


def test_expressions_keep_to_the_grammar_and_differ(listops):
    grammar = listops.Grammar(20, 60, 3, 4)
    texts, _ = listops.generate(200, grammar, random=np.random.default_rng(1))
    assert len(set(texts)) == 200
    assert all(20 <= len(text.split()) <= 60 for text in texts)
    assert max(map(depth_of, texts)) == 3


def test_the_arenas_expressions_have_five_hundred_to_two_thousand_tokens(listops):
    texts, _ = listops.generate(3, random=np.random.default_rng(0))
    assert all(500 <= len(text.split()) <= 2000 for text in texts)
    assert max(map(depth_of, texts)) <= 9  # and digits inside: ten


def test_a_seed_gives_the_same_expressions(listops):
    grammar = listops.Grammar(5, 40, 5, 5)
    one, other = (listops.generate(20, grammar, random=np.random.default_rng(4)) for _ in "ab")
    assert one[0] == other[0]


def test_what_is_no_expression_is_refused(listops):
    for wrong in ("", "1 2", "[MAX 1 2"):
        with pytest.raises(ValueError, match="is no expression"):
            listops.evaluate(wrong)


def published():
    path = Path(os.environ.get("TEXTREP_DATA", "")) / "listops" / "test_d20s.tsv"
    if "TEXTREP_DATA" not in os.environ or not path.exists():
        pytest.skip("TEXTREP_DATA names no folder with the published ListOps")
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_every_label_of_the_published_set_is_the_value_of_its_expression(listops):
    lines = published()
    assert len(lines) == 10_000
    assert all(listops.evaluate(text) == int(label) for label, text in lines)


def arguments_of(texts):
    """Numbers of arguments of all operators, and the share of operators among arguments."""
    numbers: Counter[int] = Counter()
    for text in texts:
        stack = [0]
        for token in text.replace("(", "").replace(")", "").split():
            if token == "]":
                numbers[stack.pop()] += 1
            else:
                stack[-1] += 1
                if token[0] == "[":
                    stack.append(0)
    n_operators = sum(numbers.values())
    arguments = sum(number * n for number, n in numbers.items())
    return numbers, (n_operators - len(texts)) / arguments


def test_the_grammar_is_that_of_the_published_set(listops):
    """Up to five arguments, equally likely but for what the limit of the length takes away."""
    theirs, their_share = arguments_of([text for _, text in published()])
    grammar = listops.Grammar(1, 1000, 20, 5)
    ours, our_share = arguments_of(
        listops.generate(3000, grammar, random=np.random.default_rng(0))[0]
    )
    assert sorted(ours) == sorted(theirs) == [2, 3, 4, 5]
    for number in ours:
        share = ours[number] / ours.total(), theirs[number] / theirs.total()
        assert share[0] == pytest.approx(share[1], abs=0.03)
    assert our_share == pytest.approx(their_share, abs=0.02)
