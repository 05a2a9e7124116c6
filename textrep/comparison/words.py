"""Where the words of a text are, in scripts with spaces and without."""

from __future__ import annotations

import re

# Scripts that put no spaces between words, as (first, last) of their blocks, and the length of a
# piece in characters: most Chinese and Japanese words have two, those of Thai, Lao, Burmese and
# Khmer about four.
_UNSPACED = {
    2: (
        ("\u3040", "\u30ff"),  # Hiragana, Katakana
        ("\u3400", "\u4dbf"),  # ideographs, extension A
        ("\u4e00", "\u9fff"),  # ideographs
        ("\uf900", "\ufaff"),  # compatibility ideographs
        ("\U00020000", "\U0003134f"),  # ideographs, extensions B to G
    ),
    4: (
        ("\u0e00", "\u0eff"),  # Thai, Lao
        ("\u1000", "\u109f"),  # Burmese
        ("\u1780", "\u17ff"),  # Khmer
    ),
}


def _pattern() -> re.Pattern[str]:
    classes = {
        length: "".join(f"{first}-{last}" for first, last in blocks)
        for length, blocks in _UNSPACED.items()
    }
    pieces = [f"[{blocks}]{{1,{length}}}" for length, blocks in classes.items()]
    # As the default of the vectorisers, except that a word of one character counts too: those of
    # characters see it.
    spaced = rf"[^\W{''.join(classes.values())}]+"
    return re.compile("|".join([*pieces, spaced]))


_WORD = _pattern()


def word_spans(text: str) -> dict[str, list[tuple[int, int]]]:
    """Find the different words of a text and where they stand.

    Parameters
    ----------
    text : str
        A document.

    Returns
    -------
    dict of str to list of (int, int)
        Word in small letters -> first character and the one after the last of each occurrence, in
        the order in which words first occur. A run of a script without spaces is cut into pieces
        of two characters (Chinese, Japanese) or four (Thai, Lao, Burmese, Khmer).

    Examples
    --------
    >>> word_spans("No means no.")
    {'no': [(0, 2), (9, 11)], 'means': [(3, 8)]}
    >>> list(word_spans("我喜欢电影"))
    ['我喜', '欢电', '影']
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for match in _WORD.finditer(text):
        spans.setdefault(match[0].lower(), []).append(match.span())
    return spans


def without(text: str, spans: list[tuple[int, int]]) -> str:
    """A text with a space in place of each of some spans.

    Parameters
    ----------
    text : str
        A document.
    spans : list of (int, int)
        First character and the one after the last, ascending.

    Returns
    -------
    str

    Examples
    --------
    >>> without("No means no.", [(0, 2), (9, 11)])
    '  means  .'
    """
    pieces = []
    at = 0
    for start, end in spans:
        pieces.append(text[at:start])
        at = end
    return " ".join([*pieces, text[at:]])
