"""Words in texts, and the tokens that they are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.core.messages import shown

Span = tuple[int, int]


class SpannedRow(NamedTuple):
    """A row of tokens, and those of a span in it.

    Attributes
    ----------
    row : EncoderRow
    places : int64 array (n_pieces,)
    """

    row: EncoderRow
    places: NDArray[np.int64]


def word_spans(text: str, word: str, *, match_case: bool = False) -> list[Span]:
    """Where a word stands in a text, by characters.

    Parameters
    ----------
    text : str
    word : str
        Or several; they stand between what is no letter, digit or underscore.
    match_case : bool, default=False

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> word_spans("Bank or banker, bank", "bank")
    [(0, 4), (16, 20)]
    """
    pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
    found = re.finditer(pattern, text, 0 if match_case else re.IGNORECASE)
    return [match.span() for match in found]


def spanned_rows(
    encoder: Encoder, texts: Sequence[str], spans: Sequence[Any], *, max_length: int
) -> list[SpannedRow]:
    """Rows of texts with the tokens of one span of each.

    Parameters
    ----------
    encoder : Encoder
    texts : sequence of str, n of them
    spans : sequence of (int, int), n of them
        First character and the one behind the last.
    max_length : int
        Tokens of a row at most. Of a longer text, those around the span are read.

    Returns
    -------
    list of SpannedRow

    Raises
    ------
    ValueError
        If there is not one span for each text, one lies outside its text, or has no token.
    """
    if len(spans) != len(texts):
        raise ValueError(f"there are {len(texts):,} texts, but {len(spans):,} spans")
    n_special = len(encoder.tokenizer.row(np.zeros(0, dtype=np.int32)).ids)
    room = max_length - n_special
    rows = []
    encodings = encoder.tokenizer.encodings(texts)
    for number, (text, span, encoding) in enumerate(zip(texts, spans, encodings, strict=True)):
        start, stop = _checked(span, text, number)
        inside = np.flatnonzero([a < stop and b > start for a, b in encoding.offsets])
        if not len(inside):
            raise ValueError(
                f"spans[{number}] has no token: {shown(text[start:stop])} in texts[{number}]"
            )
        inside = inside[:room]
        ids = np.array(encoding.ids, dtype=np.int32)
        spare = room - (inside[-1] + 1 - inside[0])
        first = max(0, min(inside[0] - spare // 2, len(ids) - room))
        before = 0 if encoder.cls_last else 1
        row = encoder.tokenizer.row(ids[first : first + room])
        rows.append(SpannedRow(row, (inside - first + before).astype(np.int64)))
    return rows


def _checked(span: Any, text: str, number: int) -> Span:
    try:
        start, stop = (int(place) for place in span)
    except (TypeError, ValueError):
        raise ValueError(
            f"spans[{number}] must be two numbers of characters, (start, stop), got {shown(span)}"
        ) from None
    if not 0 <= start < stop <= len(text):
        raise ValueError(
            f"spans[{number}] is {shown(span)}; expected 0 <= start < stop <= {len(text)}, the "
            f"characters of texts[{number}]"
        )
    return start, stop
