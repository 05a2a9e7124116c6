"""`ContextIndex`: what followed a context, of any length, in a long stream of tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_count

Tokens = Sequence[int] | NDArray[np.integer]
"""Numbers of tokens, one after the other."""

MOST_TOKENS = 2**16 - 2
"""Different tokens at most; one number more stands for what is before the first token."""


class ContextIndex:
    """The places of a stream, sorted by the tokens before them, the last one first.

    Places with the same n tokens before them lie side by side, and those with n + 1 the same are
    some of these: a search goes from range to range. It is made in seconds from millions of tokens.

    Parameters
    ----------
    ids : integer array (n_places,)
    n_tokens : int
        Different tokens that there can be.
    longest : int
        Tokens of a context at most.

    Attributes
    ----------
    ids : uint16 array (n_places,)
    n_tokens, longest : int
    places : int32 array (n_places,)
        Sorted.

    Examples
    --------
    >>> index = ContextIndex([1, 2, 3, 1, 2, 4], n_tokens=5, longest=2)
    >>> index.ranges([9, 1, 2]), index.ids[index.places[2:4]]
    ([(0, 6), (2, 4), (2, 4)], array([3, 4], dtype=uint16))
    """

    def __init__(self, ids: Tokens, n_tokens: int, longest: int) -> None:
        check_count("n_tokens", n_tokens, 1, MOST_TOKENS)
        check_count("longest", longest, 1)
        self.ids = np.asarray(ids, dtype=np.uint16)
        self.n_tokens = n_tokens
        self.longest = longest
        n = len(self.ids)
        padded = np.concatenate([np.full(longest, n_tokens, dtype=np.uint16), self.ids])
        # Of place i in the list's first array ids[i - 1], in the second ids[i - 2], ...
        self._before = [padded[longest - k : longest - k + n] for k in range(1, longest + 1)]
        self.places = np.lexsort(self._before[::-1]).astype(np.int32)
        self._starts = np.searchsorted(self._before[0][self.places], np.arange(n_tokens + 2))

    def ranges(self, context: Tokens) -> list[tuple[int, int]]:
        """Where the places after a context lie in `places`.

        Parameters
        ----------
        context : sequence of int
            Its last `longest` tokens count.

        Returns
        -------
        list of (int, int)
            Beginning and end: of all places, of those after the last token, after the last two
            tokens and so on, as long as there are any.
        """
        found = [(0, len(self.places))]
        for depth, token in enumerate(reversed(context[-self.longest :])):
            begin, end = found[-1]
            if depth == 0:
                begin, end = int(self._starts[token]), int(self._starts[token + 1])
            else:
                column, places = self._before[depth], self.places
                begin = bisect_left(places, token, begin, end, key=column.__getitem__)
                end = bisect_right(places, token, begin, end, key=column.__getitem__)
            if begin == end:
                break
            found.append((begin, end))
        return found

    def after(self, begin: int, end: int) -> NDArray[np.uint16]:
        """The tokens at some places."""
        return self.ids[self.places[begin:end]]

    def before(self, depth: int, begin: int, end: int) -> NDArray[np.uint16]:
        """The tokens that stand `depth` + 1 before some places; `n_tokens` for none."""
        return self._before[depth][self.places[begin:end]]

    def shared(self) -> NDArray[np.int64]:
        """How many tokens before it each place has in common with the one before it in order.

        Returns
        -------
        int64 array (n_places,)
            At most `longest`; 0 of the first place.
        """
        common = np.zeros(len(self.places), dtype=np.int64)
        equal = np.ones(len(self.places) - 1, dtype=bool)
        for column in self._before:
            values = column[self.places]
            equal &= values[1:] == values[:-1]
            common[1:] += equal
        return common
