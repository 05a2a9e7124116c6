"""Encodings by name: only those that a text file can be in."""

from __future__ import annotations

import codecs
import re
from typing import Any

from textrep.core.messages import shown
from textrep.data.errors import DataError

# Python's names consist of these; what else is looked up may raise anything.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,63}")
# Codecs from str to bytes, but of host names or of nothing at all.
_NOT_OF_FILES = frozenset({"idna", "punycode", "undefined"})


def find_codec(encoding: Any) -> codecs.CodecInfo:
    """Look an encoding up.

    Parameters
    ----------
    encoding : str
        A name that Python knows.

    Returns
    -------
    codecs.CodecInfo

    Raises
    ------
    DataError
        When it is not known, or does not stand for the encoding of a text: ``"hex"`` and
        ``"rot13"`` are codecs too.

    Examples
    --------
    >>> find_codec("UTF8").name
    'utf-8'
    """
    fix = "try 'utf-8' or 'latin-1'"
    if not isinstance(encoding, str) or not _NAME.fullmatch(encoding):
        raise DataError(f"encoding={shown(encoding)} is not the name of an encoding; {fix}")
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        raise DataError(f"encoding={shown(encoding)} is not known to Python; {fix}") from None
    # The attribute that bytes.decode itself goes by; a codec of the user's may lack it.
    if codec.name in _NOT_OF_FILES or not getattr(codec, "_is_text_encoding", True):
        raise DataError(f"encoding={shown(encoding)} is not an encoding of texts; {fix}")
    return codec


def find_line_codec(encoding: Any) -> codecs.CodecInfo:
    """Look up an encoding whose lines can be told apart before they are decoded.

    Parameters
    ----------
    encoding : str
        A name that Python knows.

    Returns
    -------
    codecs.CodecInfo

    Raises
    ------
    DataError
        As `find_codec`; and for UTF-16, UTF-32 and EBCDIC, in which a line feed is not the byte 10.

    Examples
    --------
    >>> find_line_codec("latin-1").name
    'iso8859-1'
    """
    codec = find_codec(encoding)
    try:
        line_feed, _ = codec.decode(b"\n", "strict")
    except UnicodeError:
        line_feed = ""
    if line_feed != "\n":
        raise DataError(f"encoding={encoding!r}: tables in it are not read; save the file as UTF-8")
    return codec
