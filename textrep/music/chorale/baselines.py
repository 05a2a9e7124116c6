"""What rolls cost without a network: the scale on which figures of models are read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.music.chorale.frames import check_rolls

_SMOOTHING = 0.5  # added to the counts of both outcomes: Krichevsky and Trofimov's estimate


def pitch_marginal(train: Any, test: Any) -> float:
    """Nats of a frame if each pitch sounds as often as it did in training, whatever else does.

    Parameters
    ----------
    train, test : sequence of ndarray (steps, 88) or (steps, 128)
        Rolls.

    Returns
    -------
    float
        Over all frames of `test`.

    References
    ----------
    N. Boulanger-Lewandowski, Y. Bengio, P. Vincent: Modeling temporal dependencies in
    high-dimensional sequences, ICML 2012 ("Note 1-gram": 11.06 on JSB Chorales, 10.25 on
    Nottingham, 11.05 on Piano-midi.de).

    Examples
    --------
    >>> roll = np.zeros((1, 88), bool)
    >>> round(pitch_marginal([roll], [roll]) / 88, 4)  # minus the logarithm of 3/4
    0.2877
    """
    learnt, asked = _two(train, test)
    return _nats(_shares(np.concatenate(learnt)), np.concatenate(asked))


def pitch_markov(train: Any, test: Any, *, first_frames: bool = False) -> float:
    """Nats of a frame if each pitch depends on whether it sounded in the frame before.

    Parameters
    ----------
    train, test : sequence of ndarray (steps, 88) or (steps, 128)
        Rolls.
    first_frames : bool, default=False
        Whether the first frame of each piece counts, by the shares of `pitch_marginal`; otherwise
        those frames count that have one before them.

    Returns
    -------
    float
        Over all frames of `test` that count.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> roll = np.zeros((3, 88), bool)
    >>> round(pitch_markov([roll], [roll]) / 88, 4)  # minus the logarithm of 2.5/3
    0.1823
    """
    learnt, asked = _two(train, test)
    before, after = _pairs(learnt)
    held = _shares_where(after, before)
    begun = _shares_where(after, ~before)
    before, after = _pairs(asked)
    nats = _nats_of(np.where(before, held, begun), after)
    if first_frames:
        shares = _shares(np.concatenate(learnt))
        nats = np.append(nats, _nats_of(shares, np.stack([piece[0] for piece in asked])))
    if not len(nats):
        raise ValueError("no piece of test has a second frame")
    return float(nats.mean())


def _two(train: Any, test: Any) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    learnt, asked = check_rolls(train, "train"), check_rolls(test, "test")
    if learnt[0].shape[1] != asked[0].shape[1]:
        raise ValueError(
            f"test has rolls of {asked[0].shape[1]} pitches and train of {learnt[0].shape[1]}"
        )
    return learnt, asked


def _pairs(pieces: list[NDArray[np.bool_]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Frames that have one after them, and those after them."""
    return (
        np.concatenate([piece[:-1] for piece in pieces]),
        np.concatenate([piece[1:] for piece in pieces]),
    )


def _shares(frames: NDArray[np.bool_]) -> NDArray[np.float64]:
    return (frames.sum(axis=0) + _SMOOTHING) / (len(frames) + 2 * _SMOOTHING)


def _shares_where(frames: NDArray[np.bool_], condition: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the frames with a condition in which a pitch sounds, for each pitch."""
    both = (frames & condition).sum(axis=0)
    return (both + _SMOOTHING) / (condition.sum(axis=0) + 2 * _SMOOTHING)


def _nats_of(shares: NDArray[np.float64], frames: NDArray[np.bool_]) -> NDArray[np.float64]:
    return -np.where(frames, np.log(shares), np.log1p(-shares)).sum(axis=1)


def _nats(shares: NDArray[np.float64], frames: NDArray[np.bool_]) -> float:
    return float(_nats_of(shares, frames).mean())
