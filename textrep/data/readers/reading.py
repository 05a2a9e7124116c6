"""What every reader of one file answers: its documents, one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.columns import Columns
from textrep.data.readers.lines import MAX_LINE

# Text, label or None, and a value for each further column.
Document: TypeAlias = tuple[str, str | None, tuple[Any, ...]]


class Reading(NamedTuple):
    """One file that is being read.

    The label of each document is None where `labelled` is False. `notes` say what was decided on
    the way; `columns` are the names of the further columns, and `keys` those of the texts in JSON
    Lines.
    """

    documents: Iterator[Document]
    labelled: bool
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def column_note(columns: Columns) -> str:
    """What was decided about the columns of a table, in words.

    Parameters
    ----------
    columns : Columns
        Of the table.

    Returns
    -------
    str

    Examples
    --------
    >>> column_note(Columns(1, 0, None))
    'text is column 2, label is column 1, without a header'
    """
    texts = " and ".join(repr(columns.name(at)) for at in (columns.text, *columns.more))
    label = "no labels"
    if columns.label is not None:
        label = f"label is column {columns.name(columns.label)!r}"
    return f"text is column {texts}, {label}, {'with' if columns.header else 'without'} a header"


def text_of(value: Any, path: Path, **place: Any) -> str:
    """Check a text that a file with typed values holds.

    Parameters
    ----------
    value : object
        What stands in the column of texts.
    path : Path
        For the message.
    **place
        ``line`` or ``row``, and ``column``, for the message.

    Returns
    -------
    str

    Raises
    ------
    DataError
        When it is null, no string, more than 128 Mi characters, or holds half a surrogate pair.
    """
    if type(value) is not str:
        what = "null" if value is None else shown(value)
        raise DataError(
            f"the text is {what}, not a string; fill it in or take it out", path=path, **place
        )
    _check_characters(value, path, **place)
    return value


def _check_characters(value: str, path: Path, **place: Any) -> None:
    if len(value) > MAX_LINE:
        raise DataError(f"a text of more than {MAX_LINE:,} characters", path=path, **place)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"character {error.start + 1} of the text is half a surrogate pair, "
                f"{value[error.start]!a}; write the whole pair or take it out",
                path=path,
                **place,
            ) from None


def value_of(
    value: Any, path: Path, named: bool = True, **place: Any
) -> str | int | float | bool | None:
    """Check a value of a further column of a file with typed values.

    Parameters
    ----------
    value : object
        What stands there. Decimal numbers become floats, dates and times their ISO 8601 form.
    path : Path
        For the message.
    named : bool, default=True
        Whether the column is asked for by name. Where all are read, nobody may need this one: what
        cannot be kept as it stands is kept as its repr.
    **place
        ``line`` or ``row``, and ``column``, for the message.

    Returns
    -------
    str, int, float, bool or None

    Raises
    ------
    DataError
        When it is a list, an object or another thing of parts, or a string that `text_of` refuses,
        in a column that is asked for by name.
    """
    if type(value) is str:
        if not named and not value.isascii():
            return value.encode("utf-8", "backslashreplace").decode()
        _check_characters(value, path, **place)
        return value
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if not named:
        return ascii(value)
    raise DataError(
        f"the value is {shown(value)}; expected a string, a number or nothing: leave the column "
        "out, or put what is in it into columns of their own",
        path=path,
        **place,
    )


def label_of(value: Any, path: Path, **place: Any) -> str:
    """Make a label of a value of a file with typed values.

    Parameters
    ----------
    value : object
        A string, which loses the white space around it, a number or a truth value.
    path : Path
        For the message.
    **place
        ``line`` or ``row``, and ``column``, for the message.

    Returns
    -------
    str

    Raises
    ------
    DataError
        When it is missing (null, blank, not a number) or of another type.
    """
    if type(value) is str:
        label = text_of(value, path, **place).strip()
        if not label:
            raise missing_label(path, **place)
        return label
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise missing_label(path, **place)
    if not isinstance(value, bool | int | float):
        raise DataError(
            f"the label is {shown(value)}; expected a string or a number", path=path, **place
        )
    return str(value)


def missing_label(path: Path, **place: Any) -> DataError:
    """The error of a row that has no label.

    Parameters
    ----------
    path : Path
        For the message.
    **place
        ``line`` or ``row``, and ``column``, for the message.

    Returns
    -------
    DataError
    """
    return DataError("the label is missing; fill it in or take the row out", path=path, **place)
