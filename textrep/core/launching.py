"""Whether a launcher such as torchrun started this process as one of several."""

from __future__ import annotations

import os


def is_launched() -> bool:
    """Whether this is one of several processes started together.

    Examples
    --------
    >>> is_launched()
    False
    """
    return int(os.environ.get("WORLD_SIZE") or 1) > 1


def is_main() -> bool:
    """Whether this process writes the files and prints: it is alone, or the first of several.

    Examples
    --------
    >>> is_main()
    True
    """
    return int(os.environ.get("RANK") or 0) == 0
