"""What counts say comes next: modified Kneser-Ney of training files, and a cache of a file."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_count, check_number
from textrep.generation.code.context_index import ContextIndex, Tokens

_LARGE = 1000  # places after a context, from which on the count of what follows is kept
_KEPT = 4096
_FALLBACK = (0.5, 1.0, 1.5)  # discounts where there are too few counts to tell them


class Prediction(NamedTuple):
    """What counts say comes next.

    Attributes
    ----------
    probabilities : float64 array (n_tokens,)
    depth : int
        Tokens of the longest context that has been seen.
    total : int
        How often it was.
    n_different : int
        Different tokens that followed it.
    """

    probabilities: NDArray[np.float64]
    depth: int
    total: int
    n_different: int


class KneserNey:
    r"""Interpolated modified Kneser-Ney smoothing over a stream of tokens.

    With :math:`h` a context and :math:`h'` the same without its first token,

    .. math::
        p(w \mid h) = \frac{c(h w) - D(c(h w))}{c(h)} + \gamma(h)\, p(w \mid h')

    where :math:`c` counts occurrences for the longest contexts and different tokens before
    :math:`h w` for shorter ones, :math:`D` is one of three discounts for counts of 1, 2 and more,
    estimated for each length, and all tokens are equally likely behind the empty context.

    Parameters
    ----------
    ids : integer array (n_places,)
    n_tokens : int
    order : int
        Tokens of the longest n-grams; at least 2.

    References
    ----------
    S. F. Chen, J. Goodman: An empirical study of smoothing techniques for language modeling,
    Computer Speech and Language 13 (1999), section 3.

    Examples
    --------
    >>> model = KneserNey([1, 2, 3, 1, 2, 4, 1, 2, 3], n_tokens=5, order=3)
    >>> found = model.predict([1, 2])
    >>> int(found.probabilities.argmax()), found.depth, round(float(found.probabilities.sum()), 9)
    (3, 2, 1.0)
    """

    def __init__(self, ids: Tokens, n_tokens: int, order: int) -> None:
        check_count("order", order, 2)
        self.order = order
        self._index = ContextIndex(ids, n_tokens, order)
        self.discounts = _discounts(self._index, order)
        self._kept: OrderedDict[tuple[int, ...], tuple[NDArray, NDArray]] = OrderedDict()

    @property
    def ids(self) -> NDArray[np.uint16]:
        """The stream."""
        return self._index.ids

    def predict(self, context: Tokens) -> Prediction:
        """What comes after a context.

        Parameters
        ----------
        context : sequence of int

        Returns
        -------
        Prediction
        """
        index = self._index
        last = [int(token) for token in context[-(self.order - 1) :]]
        ranges = index.ranges(last)
        probabilities = np.full(index.n_tokens, 1.0 / index.n_tokens)
        tokens = counts = np.zeros(0, dtype=np.int64)
        for depth, (begin, end) in enumerate(ranges):
            tokens, counts = self._followers(last, depth, begin, end)
            discount = self.discounts[depth][np.minimum(counts, 3)]
            total = counts.sum()
            probabilities *= discount.sum() / total
            probabilities[tokens] += (counts - discount) / total
        return Prediction(probabilities, len(ranges) - 1, int(counts.sum()), len(tokens))

    def _followers(
        self, context: list[int], depth: int, begin: int, end: int
    ) -> tuple[NDArray, NDArray]:
        """Different tokens at some places, and their counts."""
        if end - begin < _LARGE:
            return self._count(depth, begin, end)
        key = tuple(context[len(context) - depth :])
        found = self._kept.pop(key, None) or self._count(depth, begin, end)
        self._kept[key] = found
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def _count(self, depth: int, begin: int, end: int) -> tuple[NDArray, NDArray]:
        index = self._index
        after = index.after(begin, end).astype(np.int64)
        if depth == self.order - 1:
            return np.unique(after, return_counts=True)
        pairs = np.unique(index.before(depth, begin, end) + after * (index.n_tokens + 1))
        return np.unique(pairs // (index.n_tokens + 1), return_counts=True)


def _discounts(index: ContextIndex, order: int) -> list[NDArray[np.float64]]:
    """Of each length of contexts, what is taken from counts of 0, 1, 2, and 3 or more.

    An n-gram is a context of n tokens, of what comes next to it, so that the n-grams that are the
    same lie side by side, too, and so do the longer ones that end with them.
    """
    # The last token comes before nothing, so there is one more; nothing comes before the first
    # one, which is the last in the order.
    ids = np.append(index.ids, np.uint16(0))
    shared = ContextIndex(ids, index.n_tokens, index.longest).shared()[:-1]
    found = []
    for depth in range(order):
        first = np.flatnonzero(shared < depth + 1)
        if depth == order - 1:
            counts = np.diff(first, append=len(shared))
        else:
            counts = np.add.reduceat((shared < depth + 2).astype(np.int64), first)
        n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
        values = np.array([0.0, *_FALLBACK])
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            values[1:] = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        found.append(np.clip(values, [0.0, 0.05, 0.05, 0.05], [0.0, 0.95, 1.9, 2.85]))
    return found


class FileCache:
    r"""What stood earlier in a file, by contexts as long as there are: absolute discounting.

    .. math::
        p(w \mid h) = \frac{\max(c(h w) - D, 0)}{c(h)} + \frac{D\,n(h)}{c(h)}\, p(w \mid h')

    where :math:`n(h)` counts the different tokens after :math:`h`.

    Parameters
    ----------
    ids : integer array (n_places,)
    n_tokens : int
    longest : int, default=12
        Tokens of a context at most.
    discount : float, default=0.5
        Above 0, at most 1.

    Examples
    --------
    >>> cache = FileCache([1, 2, 3, 1, 2, 3, 1, 2], n_tokens=5)
    >>> found = cache.predict([1, 2])
    >>> int(found.probabilities.argmax()), found.depth
    (3, 2)
    >>> cache.predict([1, 2], end=2).depth  # only the first two tokens are known
    0
    """

    def __init__(
        self,
        ids: Tokens,
        n_tokens: int,
        *,
        longest: int = 12,
        discount: float = 0.5,
    ) -> None:
        check_number("discount", discount, above=0, most=1)
        self._index = ContextIndex(ids, n_tokens, longest)
        self._discount = discount

    def predict(self, context: Tokens, end: int | None = None) -> Prediction:
        """What comes after a context.

        Parameters
        ----------
        context : sequence of int
        end : int, optional
            Only the tokens before this place are known.

        Returns
        -------
        Prediction
        """
        index, discount = self._index, self._discount
        last = [int(token) for token in context[-index.longest :]]
        probabilities = np.full(index.n_tokens, 1.0 / index.n_tokens)
        depth, total, n_different = -1, 0, 0
        for begin, stop in index.ranges(last):
            places = index.places[begin:stop]
            known = index.ids[places] if end is None else index.ids[places[places < end]]
            if not len(known):
                break
            tokens, counts = np.unique(known, return_counts=True)
            depth, total, n_different = depth + 1, len(known), len(tokens)
            probabilities *= discount * n_different / total
            probabilities[tokens] += (counts - discount) / total
        return Prediction(probabilities, max(depth, 0), total, n_different)
