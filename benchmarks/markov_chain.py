"""The peer of `music.py`'s models of sequences: Markov chains of notes or tokens."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)  # of shorter contexts, chosen on the validation part
_ORDERS = (0, 1, 2, 3, 4)
_START = object()


class MarkovChain:
    """What comes next by the symbols before it, with the shares of shorter contexts mixed in.

    A context of k symbols that was followed by w in n(w) of n cases says
    (n(w) + s p(w)) / (n + s), where p is what the context without its first symbol says; the
    shortest one says (n(w) + 1) / (n + V + 1), which leaves a share to what was never seen.

    Parameters
    ----------
    pieces : iterable of sequences of symbols
        Each with its own end mark.
    order : int
        Symbols of a context.
    strength : float
        s.
    """

    def __init__(self, pieces: Iterable[Sequence[Hashable]], order: int, strength: float) -> None:
        self.order, self.strength = order, strength
        self.pairs: Counter[tuple[Hashable, ...]] = Counter()  # context and what follows it
        self.contexts: Counter[tuple[Hashable, ...]] = Counter()
        for context, symbol in self._places(pieces):
            for cut in range(order + 1):
                self.pairs[(*context[cut:], symbol)] += 1
                self.contexts[context[cut:]] += 1
        self.n_kinds = sum(len(pair) == 1 for pair in self.pairs)

    def nats(self, pieces: Iterable[Sequence[Hashable]]) -> float:
        """Of a symbol, on average over all."""
        found = [-math.log(self._share(*place)) for place in self._places(pieces)]
        return math.fsum(found) / len(found)

    def _share(self, context: tuple[Hashable, ...], symbol: Hashable) -> float:
        share = (self.pairs[(symbol,)] + 1) / (self.contexts[()] + self.n_kinds + 1)
        for cut in reversed(range(self.order)):
            seen = self.contexts[context[cut:]]
            counted = self.pairs[(*context[cut:], symbol)]
            share = (counted + self.strength * share) / (seen + self.strength)
        return share

    def _places(self, pieces: Iterable[Sequence[Hashable]]) -> Iterator[tuple[Any, Hashable]]:
        for piece in pieces:
            padded = [_START] * self.order + list(piece)
            for at in range(self.order, len(padded)):
                yield tuple(padded[at - self.order : at]), padded[at]


class MarkovNats(NamedTuple):
    """Nats of a symbol of the test part."""

    first: float  # each by the one before it
    best: float  # by as many as the validation part likes best
    order: int


def markov_nats(train: Any, valid: Any, test: Any) -> MarkovNats:
    """The chain of each order whose strength suits the validation part, and the best of them."""
    found = {}
    for order in _ORDERS:
        chains = [
            MarkovChain(train, order, strength)
            for strength in (_STRENGTHS if order else _STRENGTHS[:1])
        ]
        chain = min(chains, key=lambda each: each.nats(valid))
        found[order] = (chain.nats(valid), chain.nats(test))
    best = min(found, key=lambda order: found[order][0])
    return MarkovNats(found[1][1], found[best][1], best)
