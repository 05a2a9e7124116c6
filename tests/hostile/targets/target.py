"""One reader of files, as the campaign sees it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.mutations import mutated


@dataclass(frozen=True)
class Target:
    """A reader with a sound file.

    Attributes
    ----------
    name : str
        Of the target.
    file : str
        Name of the file.
    sound : callable
        Makes the folder ready and gives the bytes of a file that can be read in it.
    read : callable
        Reads the file, and uses what was read far enough that all of it is looked at.
    mutate : callable
        Gives other bytes.
    named : bool
        Whether errors must name the file.
    leaves : bool
        Whether reading may make or move files in the folder.
    """

    name: str
    file: str
    sound: Callable[[Path], bytes]
    read: Callable[[Path], object]
    mutate: Callable[[bytes, random.Random], bytes] = mutated
    named: bool = True
    leaves: bool = False
