"""Bars: where they begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.music.score import Score

COMMON_TIME = (4, 4)
"""The time signature of a score that names none, as MIDI has it."""


def bar_lines(score: Score) -> NDArray[np.int64]:
    """Where bars begin, up to the line at or behind the end of the last note.

    A time signature begins a bar, so that one that comes too early cuts the bar before it short.

    Parameters
    ----------
    score : Score

    Returns
    -------
    int64 ndarray (bars + 1,)
        Ticks.

    Examples
    --------
    >>> from textrep.music import Track
    >>> waltz = Score([Track([(0, 2000, 60, 90)])], time_signatures=[(0, 3, 4)])
    >>> bar_lines(waltz).tolist()
    [0, 1440, 2880]
    """
    changes: dict[int, tuple[int, int]] = {0: COMMON_TIME}
    for tick, numerator, denominator in sorted(score.time_signatures):
        if tick < max(score.end, 1):
            changes[tick] = numerator, denominator
    starts = sorted(changes)
    lines = []
    for start, behind in zip(starts, [*starts[1:], score.end], strict=True):
        numerator, denominator = changes[start]
        length = max(1, round(4 * score.ticks * numerator / denominator))
        lines.append(np.arange(start, behind, length, dtype=np.int64))
    joined = np.concatenate(lines)
    last = joined[-1] + length if len(joined) else 0
    return np.append(joined, last)
