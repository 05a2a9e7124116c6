"""Music that needs no files: traditional tunes, and pieces composed by rules.

The melodies of `TRADITIONAL` are folk songs, carols and hymns, or by composers who died before
1900; all are in the public domain and were written out here, one of several ways in which each is
sung. Everything else is composed by `textrep.music.composing`: no one wrote it, and it is only as
good as its rules.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from textrep.music.abc import from_abc
from textrep.music.composing import Voices, compose_chorales, compose_melodies
from textrep.music.score import Score

N_MELODIES, N_CHORALES = 62, 60
SEED = 1685

TRADITIONAL = r"""
X:1
T:Ah! vous dirai-je, maman
M:4/4
L:1/4
K:C
"C"CCGG|"F"AA"C"G2|"F"FF"C"EE|"G7"DD"C"C2|"C"GG"F"FF|"C"EE"G7"D2|"C"GG"F"FF|"C"EE"G7"D2|
"C"CCGG|"F"AA"C"G2|"F"FF"C"EE|"G7"DD"C"C2|]

X:2
T:Frère Jacques
M:4/4
L:1/4
K:C
"C"CDEC|CDEC|EFG2|EFG2|G/A/G/F/EC|G/A/G/F/EC|C"G7"G,"C"C2|C"G7"G,"C"C2|]

X:3
T:Ode to Joy
C:Beethoven
M:4/4
L:1/4
K:C
"C"EEFG|"G7"GFED|"C"CCDE|E>D"G7"D2|"C"EEFG|"G7"GFED|"C"CCDE|"G7"D>C"C"C2|
"G7"DD"C"EC|"G7"DE/F/"C"EC|"G7"DE/F/"E7"ED|"Am"C"D7"D"G"G,2|"C"EEFG|"G7"GFED|"C"CCDE|"G7"D>C"C"C2|]

X:4
T:London Bridge
M:4/4
L:1/8
K:C
"C"G3AG2F2|E2F2G4|"G7"D2E2F4|"C"E2F2G4|G3AG2F2|E2F2G4|"G7"D4G4|"C"E2C6|]

X:5
T:Mary Had a Little Lamb
M:4/4
L:1/4
K:C
"C"EDCD|EEE2|"G7"DDD2|"C"EGG2|EDCD|EEEE|"G7"DDED|"C"C4|]

X:6
T:Au clair de la lune
M:4/4
L:1/4
K:C
"C"CCCD|E2"G7"D2|"C"CE"G7"DD|"C"C4|CCCD|E2"G7"D2|"C"CE"G7"DD|"C"C4|
"G"DDDD|"Am"A,2A,2|"D7"DCB,A,|"G"G,4|"C"CCCD|E2"G7"D2|"C"CE"G7"DD|"C"C4|]

X:7
T:Row, Row, Row Your Boat
M:6/8
L:1/8
K:C
"C"C3C3|C2DE3|E2DE2F|G6|cccGGG|EEECCC|"G7"G2FE2D|"C"C6|]

X:8
T:Amazing Grace
M:3/4
L:1/4
K:G
D|"G"G2B/G/|B2A|"C"G2E|"G"D2D|G2B/G/|B2A|"D7"d3-|d2B|"G"d2B/G/|B2A|"C"G2E|"G"D2D|
G2B/G/|"D7"B2A|"G"G3-|G2|]

X:9
T:Auld Lang Syne
M:4/4
L:1/4
K:G
D|"G"G>GGB|"D7"A>GAB|"G"G>GBd|"C"e3e|"G"d>BBG|"D7"A>GAB|"C"G>E"D7"ED|"G"G3e|
"G"d>BBG|"D7"A>GAe|"G"d>BBd|"C"e3g|"G"d>BBG|"D7"A>GAB|"C"G>E"D7"ED|"G"G3|]

X:10
T:Yankee Doodle
M:4/4
L:1/4
K:G
"G"GGAB|GB"D7"AD|"G"GGAB|G2"D7"F2|"G"GGAB|"C"cBAG|"D7"FDEF|"G"G2G2|
"C"E>FED|EFG2|"G"D>EDC|B,2D2|"C"E>FED|EFGE|"D7"DGFA|"G"G2G2|]

X:11
T:Greensleeves
M:6/8
L:1/8
K:Am
A|"Am"c2de>fe|"G"d2BG>AB|"Am"c2AA>^GA|"E"B2^GE2A|"Am"c2de>fe|"G"d2BG>AB|"Am"c>BA"E"^G>^F^G|"Am"A3A3|
"C"g3g>fe|"G"d2BG>AB|"Am"c2AA>^GA|"E"B2^GE3|"C"g3g>fe|"G"d2BG>AB|"Am"c>BA"E"^G>^F^G|"Am"A3A2|]

X:12
T:Drunken Sailor
M:4/4
L:1/8
K:Ddor
"Dm"A2AAA2AA|A2D2F2A2|"C"G2GGG2GG|G2C2E2G2|"Dm"A2AAA2AA|A2B2c2d2|"C"c2A2G2E2|"Dm"D4D4|]

X:13
T:Good King Wenceslas
M:4/4
L:1/4
K:G
"G"GGGA|GG"D"D2|"C"ED"D7"EF|"G"G2G2|GGGA|GG"D"D2|"C"ED"D7"EF|"G"G2G2|
"G"dcBA|"G"BAG2|"C"ED"D7"EF|"G"G2G2|"D"DDEF|"G"GG"D"A2|"G"dc"D7"BA|"G"G2"C"c2|"G"G4|]

X:14
T:Jingle Bells
C:Pierpont
M:4/4
L:1/4
K:G
"G"BBB2|BBB2|BdG>A|B4|"C"ccc>c|"G"cBBB/B/|"A7"BAAB|"D7"A2d2|
"G"BBB2|BBB2|BdG>A|B4|"C"cccc|"G"cBBB/B/|"D7"ddcA|"G"G4|]

X:15
T:Silent Night
C:Gruber
M:6/8
L:1/8
K:C
"C"G>AGE3|G>AGE3|"G7"d2dB3|"C"c2cG3|"F"A2Ac>BA|"C"G>AGE3|"F"A2Ac>BA|"C"G>AGE3|
"G7"d2df>dB|"C"c3e3|c>GE"G7"G>FD|"C"C3C3|]

X:16
T:Hot Cross Buns
M:4/4
L:1/4
K:C
"C"E2"G7"D2|"C"C4|E2"G7"D2|"C"C4|CCCC|"G7"DDDD|"C"E2"G7"D2|"C"C4|]

X:17
T:Oh! Susanna
C:Foster
M:4/4
L:1/4
K:C
C/D/|"C"EGG>A|GEC>D|EEDC|"G7"D3C/D/|"C"EGG>A|GEC>D|EE"G7"DD|"C"C4|
"F"F2F2|AA2A|"C"GGEC|"G7"D3C/D/|"C"EGG>A|GEC>D|EE"G7"DD|"C"C3|]

X:18
T:Pop Goes the Weasel
M:6/8
L:1/8
K:G
D|"G"G2G"D7"A2A|"G"BdBG2D|G2G"D7"A2A|"G"B3G2D|G2G"D7"A2A|"G"BdBG3|"C"e3"D7"A2c|"G"B3G2|]
"""


class Tune(NamedTuple):
    """A score and whether it is ``"traditional"`` or ``"composed"``."""

    score: Score
    kind: str


@lru_cache(maxsize=1)
def tunes() -> tuple[Tune, ...]:
    """The traditional tunes, with chords, and melodies composed by rule.

    Returns
    -------
    tuple of Tune
        80: 18 traditional, 62 composed.

    Examples
    --------
    >>> tunes()[0].score.name, len(tunes())
    ('Ah! vous dirai-je, maman', 80)
    """
    written = [Tune(score, "traditional") for score in from_abc(TRADITIONAL)]
    composed = [Tune(score, "composed") for score in compose_melodies(N_MELODIES, seed=SEED)]
    return (*written, *composed)


@lru_cache(maxsize=1)
def chorales() -> tuple[Voices, ...]:
    """Pieces for four voices composed by rule, four steps to a quarter note.

    Returns
    -------
    tuple of int16 ndarray (128, 4)
        60, which must not be written to.

    Examples
    --------
    >>> len(chorales()), chorales()[0].shape
    (60, (128, 4))
    """
    pieces = tuple(compose_chorales(N_CHORALES, seed=SEED))
    for piece in pieces:
        piece.flags.writeable = False
    return pieces
