"""`tune`: search a rung's settings by cross-validation on training texts alone."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from textrep.comparison.errors import ComparisonError
from textrep.comparison.searching import Search, Settings
from textrep.comparison.split import fold_texts
from textrep.core.random import RandomState, streams


class Trial(NamedTuple):
    """One candidate, the share of held-out texts that it got right, and the seconds it took."""

    settings: Settings
    score: float
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    pipeline : Pipeline
        With the settings chosen, not fitted.
    settings : dict of str to value
        Those of the grid's parameters.
    score : float or None
        Accuracy of the choice in cross-validation; None when not even the default got through.
    tried : tuple of Trial
        Every candidate that got through, the cheapest first.
    seconds : float
        Wall-clock time of the search.
    complete : bool
        Whether there was time for every candidate.
    notes : tuple of str
        Candidates that failed, and why nothing was searched.
    """

    pipeline: Pipeline
    settings: Settings
    score: float | None
    tried: tuple[Trial, ...]
    seconds: float
    complete: bool
    notes: tuple[str, ...] = ()


def tune(
    pipeline: Pipeline,
    grid: Mapping[str, Sequence[Any]],
    texts: Sequence[str],
    labels: NDArray[Any],
    *,
    n_folds: int = 3,
    max_seconds: float | None = None,
    time_parameter: str | None = None,
    max_documents: int = 10_000,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> Tuned:
    """Choose settings by cross-validation.

    The cheapest candidate that is not clearly worse than the best is taken: its accuracy lies
    within one standard error of the difference, which is that of two models on the same texts.

    Parameters
    ----------
    pipeline : Pipeline
        From texts to labels, with its default settings. It is left as it is.
    grid : mapping of str to sequence
        Values to try, by the names of parameters; those of `Rung.grid`.
    texts : sequence of str, length n_samples
        To learn from; the search sees no others. Equal ones stay in one fold.
    labels : ndarray of shape (n_samples,)
        Their classes. One with fewer than `n_folds` different texts is left out of the search.
    n_folds : int, default=3
        Folds of the cross-validation, at least 2.
    max_seconds : float or None, default=None
        When to stop; what is tried by then counts. The default settings are tried first. Looked at
        between two fits, so the last one may overrun. None for no limit.
    time_parameter : str or None, default=None
        The pipeline's parameter that limits its training time, see `Rung.max_seconds`; it keeps
        single fits within `max_seconds`.
    max_documents : int, default=10,000
        With more texts, so many are drawn.
    random_state : None, int, Generator or RandomState, default=0
        Of the folds and the texts drawn.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    Tuned
        With the default settings where nothing got through.

    Raises
    ------
    ComparisonError
        When the pipeline has no parameter of a name in the grid.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen, C. Stone: Classification and regression trees, 1984, section
    3.4.3 (the rule of one standard error).

    Examples
    --------
    >>> from textrep.comparison import choose_rungs
    >>> (rung,) = choose_rungs(["bow-nb"])
    >>> texts = [f"{noun} {i}" for noun in ("apple", "pear") for i in "abcdefgh"]
    >>> labels = np.array(["A"] * 8 + ["P"] * 8)
    >>> found = tune(rung.factory(0), {"classifier__alpha": (1.0, 0.03)}, texts, labels)
    >>> found.settings, found.score
    ({'classifier__alpha': 1.0}, 1.0)
    """
    start = time.monotonic()
    default = _default(pipeline, grid)
    tried = candidates(grid, default)
    random = streams(random_state, ["draw", "folds"])
    drawn = _drawn(texts, labels, n_folds, max_documents, random["draw"])
    texts, labels = [texts[i] for i in drawn], labels[drawn]
    if len(np.unique(labels)) < 2:
        note = f"not tuned: fewer than two classes have {n_folds} different texts"
        return Tuned(clone(pipeline), default, None, (), time.monotonic() - start, True, (note,))
    folds = fold_texts(texts, labels, n_folds, random["folds"])
    deadline = np.inf if max_seconds is None else start + max_seconds
    search = Search(pipeline, texts, labels, folds, deadline, time_parameter)
    search.run(tried, tried.index(default), verbose)
    chosen = _cheapest_good(search.right) if search.right else tried.index(default)
    return Tuned(
        pipeline=clone(pipeline).set_params(**tried[chosen]),
        settings=tried[chosen],
        score=float(search.right[chosen].mean()) if search.right else None,
        tried=tuple(
            Trial(tried[i], float(right.mean()), search.seconds[i])
            for i, right in sorted(search.right.items())
        ),
        seconds=time.monotonic() - start,
        complete=not search.out_of_time,
        notes=tuple(search.notes),
    )


def candidates(grid: Mapping[str, Sequence[Any]], default: Settings) -> list[Settings]:
    """All combinations of the values of a grid, in their order, the last parameter the fastest.

    Parameters
    ----------
    grid : mapping of str to sequence
        As in `Rung.grid`.
    default : dict of str to value
        Settings that the list must have; before the others where the grid lacks them.

    Returns
    -------
    list of dict

    Examples
    --------
    >>> candidates({"C": (1, 2)}, {"C": 3})
    [{'C': 3}, {'C': 1}, {'C': 2}]
    """
    found = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return found if default in found else [default, *found]


def _default(pipeline: Pipeline, grid: Mapping[str, Sequence[Any]]) -> Settings:
    present = pipeline.get_params()
    for name in grid:
        if name not in present:
            raise ComparisonError(
                f"grid: the pipeline has no parameter {name!r}; its steps are "
                f"{', '.join(name for name, _ in pipeline.steps)}"
            )
    return {name: present[name] for name in grid}


def _drawn(
    texts: Sequence[str],
    labels: NDArray[Any],
    n_folds: int,
    max_documents: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Ascending positions of at most `max_documents` texts of classes that reach every fold."""
    drawn = np.sort(rng.permutation(len(texts))[:max_documents])
    values = labels.tolist()
    # As `fold_texts` counts: equal texts are one, of the class of the first.
    first = {texts[i]: values[i] for i in reversed(drawn.tolist())}
    different = Counter(first.values())
    return drawn[[different[values[i]] >= n_folds for i in drawn]]


def _cheapest_good(right: Mapping[int, NDArray[np.bool_]]) -> int:
    """The first candidate within a standard error of the best; `right` says which texts it got."""
    best = max(right.values(), key=lambda own: own.mean())
    for candidate, own in sorted(right.items()):
        lost = best.astype(float) - own
        if lost.mean() <= lost.std() / np.sqrt(len(lost)):
            return candidate
    raise AssertionError("the best is within any distance of itself")
