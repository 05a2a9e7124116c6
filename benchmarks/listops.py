"""ListOps: nested expressions over digits, generated and evaluated.

An expression is a digit or an operator with arguments in brackets, ``[MAX 2 9 [MIN 4 7 ] 0 ]``; its
class is its value. The grammar is that of Nangia and Bowman (2018) and of the Long Range Arena (Tay
et al. 2021): operators MAX, MIN, MED (the median, rounded down) and SM (the sum modulo 10); an
argument is an operator with probability 1/4, as long as the depth allows, else a digit; operators,
digits and numbers of arguments are equally likely. The arena keeps expressions of 500 to 2,000
tokens, at most ten deep, digits included, and with at most ten arguments. No bracket groups an
operator's arguments one by one, as those of the set of 2018 do for trees.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import numpy as np

OPERATOR_SHARE = 0.25
END = "]"

OPERATORS: dict[str, Callable[[list[int]], int]] = {
    "[MAX": max,
    "[MIN": min,
    "[MED": lambda values: int(median(values)),
    "[SM": lambda values: sum(values) % 10,
}


class Grammar(NamedTuple):
    """Which expressions are made.

    Attributes
    ----------
    shortest, longest : int
        Tokens.
    max_depth : int
        Operators inside each other. The arena's depth of ten counts the digits inside them.
    max_arguments : int
        Of an operator; two at least.
    """

    shortest: int = 500
    longest: int = 2000
    max_depth: int = 9
    max_arguments: int = 10


ARENA = Grammar()


def evaluate(expression: str) -> int:
    """The value of an expression; round brackets, which group for trees, are of no effect.

    >>> evaluate("[MAX 2 9 [MIN 4 7 ] 0 ]"), evaluate("( ( ( [SM 6 ) 5 ) ] )"), evaluate("7")
    (9, 1, 7)
    """
    stack: list[tuple[str, list[int]]] = [("", [])]
    for token in expression.split():
        if token in "()":
            continue
        if token in OPERATORS:
            stack.append((token, []))
            continue
        if token == END:
            operator, values = stack.pop()
            token = str(OPERATORS[operator](values))
        stack[-1][1].append(int(token))
    if len(stack) != 1 or len(stack[0][1]) != 1:
        raise ValueError(f"{expression!r:.80} is no expression")
    return stack[0][1][0]


def generate(
    n: int, grammar: Grammar = ARENA, *, random: np.random.Generator
) -> tuple[list[str], np.ndarray]:
    """Expressions that differ from each other, and their values, int64 (n,).

    >>> texts, values = generate(2, Grammar(5, 12, 3, 3), random=np.random.default_rng(0))
    >>> all(evaluate(text) == value for text, value in zip(texts, values))
    True
    """
    made: dict[str, int] = {}
    while len(made) < n:
        tokens: list[str] = []
        if _grow(tokens, 1, grammar, random) and len(tokens) >= grammar.shortest:
            text = " ".join(tokens)
            made[text] = evaluate(text)
    return list(made), np.array(list(made.values()))


def _grow(tokens: list[str], depth: int, grammar: Grammar, random: np.random.Generator) -> bool:
    """Write an expression behind others; False where it becomes too long.

    The outermost one has an operator: of single digits there is nothing to learn.
    """
    if depth > 1 and (depth > grammar.max_depth or random.random() >= OPERATOR_SHARE):
        tokens.append(str(random.integers(10)))
        return True
    tokens.append(list(OPERATORS)[random.integers(len(OPERATORS))])
    for _ in range(random.integers(2, grammar.max_arguments + 1)):
        if len(tokens) >= grammar.longest or not _grow(tokens, depth + 1, grammar, random):
            return False
    tokens.append(END)
    return len(tokens) <= grammar.longest
