"""Halves of surrogate pairs, which a str can hold and no encoding can write."""

from __future__ import annotations

import re

from textrep.core.text import TextInputError

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"  # what Unicode shows in place of what is no character


def refuse_surrogates(texts: list[str], name: str = "texts") -> None:
    """Raise an error if a text cannot be encoded as UTF-8.

    Parameters
    ----------
    texts : list of str
    name : str, default="texts"
        What messages call the argument.

    Raises
    ------
    TextInputError
        If a text holds half of a surrogate pair; the message says where.

    Examples
    --------
    >>> refuse_surrogates(["much", "te\\ud800xt"])
    Traceback (most recent call last):
    ...
    textrep.core.text.TextInputError: texts[1] holds half of a surrogate pair at character 2, \
which is no character. Remove it, for example with \
.encode('utf-8', 'ignore').decode().
    """
    for position, text in enumerate(texts):
        if not text.isascii() and (found := _SURROGATE.search(text)):
            raise TextInputError(
                f"{name}[{position}] holds half of a surrogate pair at character "
                f"{found.start()}, which is no character. Remove it, for example with "
                ".encode('utf-8', 'ignore').decode()."
            )


def without_surrogates(text: str) -> str:
    """A text with U+FFFD in place of each half of a surrogate pair.

    >>> without_surrogates("te\\ud800xt") == "te\\ufffdxt"
    True
    """
    return text if text.isascii() else _SURROGATE.sub(_REPLACEMENT, text)
