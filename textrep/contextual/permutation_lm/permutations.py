"""Which tokens of a row are predicted, in which order, and what each may see."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.embeddings.parameters import check_choice, check_count

TARGETS = ("span", "last")
"""What is predicted: runs of tokens, or tokens from anywhere, the last ones of a random order."""

LONGEST_SPAN = 5
"""Words of a span at most, as in XLNet's own code."""


class Permutation(NamedTuple):
    """What is predicted of a row, and when.

    Attributes
    ----------
    places : int64 ndarray (n_targets,)
        Where the tokens stand that are predicted, in the order in which they are.
    n_tokens : int
        Of the row.
    """

    places: NDArray[np.int64]
    n_tokens: int

    def blocked(self) -> NDArray[np.bool_]:
        """Which tokens are hidden from which: ``blocked[i, j]``, i must not see j.

        All see what is not predicted, at whatever place; of what is predicted, only what comes
        later in the order sees it. So no token sees itself here: to a content stream, that is
        given back.

        Returns
        -------
        bool ndarray (n_tokens, n_tokens)
            The ``perm_mask`` of transformers.

        Examples
        --------
        >>> Permutation(np.array([2, 0]), 3).blocked().astype(int)
        array([[1, 0, 0],
               [1, 0, 1],
               [1, 0, 1]])
        """
        order = np.full(self.n_tokens, -1, dtype=np.int64)
        order[self.places] = np.arange(len(self.places))
        predicted = order >= 0
        return predicted[None, :] & (order[:, None] <= order[None, :])


def draw_permutation(
    may_predict: NDArray[np.bool_],
    *,
    kind: str = "span",
    every: int = 6,
    longest: int = LONGEST_SPAN,
    starts: NDArray[np.bool_] | None = None,
    random: np.random.Generator,
) -> Permutation:
    """Draw what is predicted of a row, about one token of so many, and in which order.

    Parameters
    ----------
    may_predict : bool ndarray (n_tokens,)
        Which tokens are part of a text; the others (such as ``<sep>``) are only seen.
    kind : {"span", "last"}, default="span"
        "span" draws a run of 1 to `longest` tokens out of each stretch of `every` times as many;
        "last" takes the last ones of a random order of all.
    every : int, default=6
        K of the paper: one of so many tokens is predicted. 1 predicts all, but for one if there is
        nothing else to see.
    longest : int, default=5
    starts : bool ndarray (n_tokens,), optional
        Where words begin: words are then drawn in place of tokens, and predicted as a whole.
    random : Generator

    Returns
    -------
    Permutation
        With one target at least, if the row has two tokens and one that may be predicted.

    Notes
    -----
    A token is always left to be seen, since attention that may see nothing at all would see
    everything a little.

    References
    ----------
    Z. Yang et al.: XLNet: Generalized autoregressive pretraining for language understanding,
    NeurIPS 2019, sections 2.2-2.3 and appendix A.

    Examples
    --------
    >>> permutation = draw_permutation(np.ones(12, bool), random=np.random.default_rng(0))
    >>> len(permutation.places) > 0, permutation.n_tokens
    (True, 12)
    """
    check_choice("kind", kind, TARGETS)
    check_count("every", every, 1)
    check_count("longest", longest, 1)
    n_tokens = len(may_predict)
    units = _units(may_predict, starts)
    if n_tokens < 2 or not len(units):
        return Permutation(np.zeros(0, dtype=np.int64), n_tokens)
    n_units = int(units[:, 1].max()) + 1
    drawn = _spans(n_units, every, longest, random) if kind == "span" else None
    if drawn is None or not drawn.any():
        n_drawn = max(1, round(n_units / every)) if kind == "last" else 1
        drawn = np.zeros(n_units, dtype=bool)
        drawn[random.permutation(n_units)[:n_drawn]] = True
    places = random.permutation(units[drawn[units[:, 1]], 0])
    # The first of the order is left out where it would have nothing to see.
    return Permutation(places[1:] if len(places) == n_tokens else places, n_tokens)


_FOLD_SEED = 20190619  # any; the day on which XLNet came out


def draw_folds(may_predict: NDArray[np.bool_], every: int) -> list[Permutation]:
    """Permutations that together predict each token of a row once.

    They are the same for all rows of a length in which the same places may be predicted.

    Parameters
    ----------
    may_predict : bool ndarray (n_tokens,)
    every : int
        How many there are, where the row has as many tokens; about one token of so many is
        predicted in each.

    Returns
    -------
    list of Permutation
        Each leaves a token to be seen; so a row of a single token has none.

    Examples
    --------
    >>> folds = draw_folds(np.array([True] * 7 + [False]), 3)
    >>> sorted(int(place) for fold in folds for place in fold.places)
    [0, 1, 2, 3, 4, 5, 6]
    """
    check_count("every", every, 1)
    n_tokens, places = len(may_predict), np.flatnonzero(may_predict)
    if n_tokens < 2 or not len(places):
        return []
    n_folds = min(every, len(places))
    if len(places) == n_tokens:
        n_folds = max(n_folds, 2)
    order = np.random.default_rng((_FOLD_SEED, n_tokens)).permutation(places)
    return [Permutation(order[fold::n_folds], n_tokens) for fold in range(n_folds)]


def _units(may_predict: NDArray[np.bool_], starts: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Places of the tokens that may be predicted, and the numbers of their words, (n, 2)."""
    places = np.flatnonzero(may_predict)
    if starts is None:
        return np.stack([places, np.arange(len(places))], axis=1)
    begins = starts[places]
    if len(places):
        begins[0] = True
    return np.stack([places, np.cumsum(begins) - 1], axis=1)


def _spans(
    n_units: int, every: int, longest: int, random: np.random.Generator
) -> NDArray[np.bool_]:
    """One span out of each stretch; a stretch that the row cuts off may go without."""
    drawn = np.zeros(n_units, dtype=bool)
    first = 0
    while first < n_units:
        length = int(random.integers(1, longest + 1))
        begin = first + int(random.integers(0, length * (every - 1) + 1))
        drawn[begin : begin + length] = True
        first += length * every
    return drawn
