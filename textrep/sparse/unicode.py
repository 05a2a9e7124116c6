"""Tables that give the kernels Python's own idea of case, accents, words and white space.

They are made from the running interpreter's str methods and re module, so that a later Unicode
version changes both sides alike. A table is made when the first non-ASCII document asks for it
(about 0.1 s) and kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

N_CODES = 0x110000

SPECIAL_LOWER = "\u0130\u03a3"
"""Whose lower case has several letters, or depends on the neighbours (Unicode's
SpecialCasing.txt).
"""
WORD, SPACE = 1, 2


@dataclass(frozen=True)
class FoldTables:
    """What becomes of each code point before it is tokenised.

    Attributes
    ----------
    fold : int32 (0x110000,), the code point it becomes, or ``-1 - k``: ``sequences[k]`` of them
        follow at ``sequences[k + 1]``
    sequences : int32
    growth : how many times longer the folded UTF-8 may be, rounded up
    special : characters whose lower case depends on their neighbours or has several letters:
        Python lowers such a text first
    """

    fold: np.ndarray
    sequences: np.ndarray
    growth: int
    special: str


def _all_characters() -> str:
    return np.arange(N_CODES, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int32)


@lru_cache(maxsize=1)
def character_classes() -> np.ndarray:
    """uint8 (0x110000,): bit 0 for re's ``\\w``, bit 1 for white space (``str.isspace``, re's
    ``\\s``).
    """
    classes = np.zeros(N_CODES, dtype=np.uint8)
    text = _all_characters()
    for pattern, bit in ((r"\w+", WORD), (r"\s+", SPACE)):
        for match in re.finditer(pattern, text):
            classes[match.start() : match.end()] |= bit
    return classes


@lru_cache(maxsize=1)
def _lower_case() -> tuple[np.ndarray, str]:
    """The one-to-one part of ``str.lower`` and the characters outside it."""
    text = _all_characters()
    # of all characters only the final sigma looks at its neighbours (Unicode's SpecialCasing.txt)
    special = "\u03a3" + "".join(c for c in text[0x80:] if len(c.lower()) != 1)
    ordinary = text.translate({ord(c): c.lower()[0] for c in special})
    return _code_points(ordinary.lower()), special


@lru_cache(maxsize=6)
def fold_tables(lower: bool, strip_accents: str | None) -> FoldTables:
    """Tables for a lower-casing switch and ``strip_accents`` None, "ascii" or "unicode" (NFKD
    without marks).
    """
    fold = np.arange(N_CODES, dtype=np.int32)
    special = ""
    if lower:
        lowered, special = _lower_case()
        fold = lowered.copy()
    sequences = [0]  # the empty sequence, for all that is dropped
    growth = 2  # lower() turns two bytes into three at most (U+023A)
    if strip_accents is not None:
        of = np.arange(N_CODES, dtype=np.int32)
        if strip_accents == "ascii":
            of[0x80:] = -1
        for code in _decomposable():
            kept = _strip(chr(code), strip_accents)
            if len(kept) == 1:
                of[code] = ord(kept)
            elif not kept:
                of[code] = -1
            else:
                of[code] = -1 - len(sequences)
                sequences += [len(kept), *map(ord, kept)]
                growth = max(growth, -(-len(kept.encode()) // len(chr(code).encode())))
        fold = of[fold]
    return FoldTables(fold, np.array(sequences, dtype=np.int32), growth, special)


@lru_cache(maxsize=1)
def _decomposable() -> list[int]:
    """Non-ASCII code points that NFKD changes or that are combining marks."""
    return [
        code
        for code, character in enumerate(_all_characters())
        if code >= 0x80
        and (unicodedata.combining(character) or not unicodedata.is_normalized("NFKD", character))
    ]


def _strip(character: str, strip_accents: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    if strip_accents == "ascii":
        return decomposed.encode("ascii", "ignore").decode("ascii")
    return "".join(c for c in decomposed if not unicodedata.combining(c))
