"""Replace the tokens of texts and leave all that stands between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

TOKEN_PATTERN = r"(?u)\b\w\w+\b"
"""The vectorisers' default: runs of two or more word characters."""

_CHUNK_CHARACTERS = 2**20  # texts taken at once: bounds the memory that their tokens need
_LEADING_FLAGS = re.compile(r"(?:\(\?[aiLmsux]+\))+")


def compile_pattern(pattern: object, name: str = "token_pattern") -> re.Pattern[str]:
    """A token pattern, checked.

    Parameters
    ----------
    pattern : str
        A regular expression without capturing groups.
    name : str, default="token_pattern"
        What messages call it.

    Returns
    -------
    re.Pattern

    Raises
    ------
    ValueError
        If it is no such expression.

    Examples
    --------
    >>> compile_pattern(TOKEN_PATTERN).findall("so much text!")
    ['so', 'much', 'text']
    """
    if not isinstance(pattern, str):
        raise ValueError(f"{name}={pattern!r} is not a str; expected a regular expression.")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{name}={pattern!r} is not a regular expression: {error}.") from None
    if compiled.groups:
        raise ValueError(f"{name}={pattern!r} captures a group; write (?:...) in place of (...).")
    return compiled


def replace_tokens(
    texts: list[str], pattern: re.Pattern[str], replace: Callable[[list[str]], list[str]]
) -> list[str]:
    """Texts with every token replaced.

    Parameters
    ----------
    texts : list of str
    pattern : re.Pattern
        Of a token; without groups.
    replace : callable
        A list of distinct tokens -> a list of as many str.

    Returns
    -------
    list of str

    Examples
    --------
    >>> upper = lambda tokens: [token.upper() for token in tokens]
    >>> replace_tokens(["so much, so little"], re.compile("so"), upper)
    ['SO much, SO little']
    """
    # A captured separator stays in what split returns: texts and tokens take turns. Flags are
    # allowed at the very start only; the line end closes a comment of a verbose pattern.
    flags = _LEADING_FLAGS.match(pattern.pattern)
    bare = pattern.pattern[flags.end() if flags else 0 :]
    closing = "\n)" if pattern.flags & re.VERBOSE else ")"
    splitting = re.compile(f"({bare}{closing}", pattern.flags)
    replaced: list[str] = []
    for chunk in chunks(texts):
        pieces = [splitting.split(text) for text in chunk]
        distinct = list(dict.fromkeys(token for parts in pieces for token in parts[1::2]))
        answers = dict(zip(distinct, replace(distinct), strict=True))
        for parts in pieces:
            parts[1::2] = map(answers.__getitem__, parts[1::2])
            replaced.append("".join(parts))
    return replaced


def chunks(texts: list[str]) -> Iterator[list[str]]:
    """Cut texts into lists of about a million characters, or of one text.

    Parameters
    ----------
    texts : list of str

    Yields
    ------
    list of str

    Examples
    --------
    >>> [len(chunk) for chunk in chunks(["much"] * 10 + ["text" * 1_000_000, "so"])]
    [11, 1]
    """
    start = 0
    while start < len(texts):
        stop, characters = start, 0
        while stop < len(texts) and characters < _CHUNK_CHARACTERS:
            characters += len(texts[stop])
            stop += 1
        yield texts[start:stop]
        start = stop
