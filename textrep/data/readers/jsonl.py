"""JSON Lines: an object on each line, with a text and a label under keys of their own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from textrep.core.messages import shown
from textrep.data.errors import DataError
from textrep.data.readers.columns import (
    SAMPLE_ROWS,
    LabelColumn,
    TextColumn,
    choose_columns,
)
from textrep.data.readers.further import FurtherColumns, choose_further
from textrep.data.readers.lines import read_lines, without_end
from textrep.data.readers.reading import (
    Document,
    Reading,
    column_note,
    label_of,
    text_of,
    value_of,
)
from textrep.data.readers.source import Source
from textrep.data.readers.table import Row


class _Record(NamedTuple):
    """An object and the line of the file on which it stands, counted from 1."""

    line: int
    values: dict[str, Any]


class _Values(NamedTuple):
    """Further keys, and whether they are asked for by name."""

    keys: list[str]
    named: bool


def open_jsonl(
    source: Source,
    *,
    encoding: str = "utf-8",
    text: TextColumn = None,
    label: LabelColumn = None,
    columns: FurtherColumns = None,
) -> Reading:
    """Read a JSON Lines file.

    Parameters
    ----------
    source : Source
        A JSON object on each line; blank lines are passed over.
    encoding : str, default="utf-8"
        See `read_lines`.
    text, label
        Keys; see `choose_columns`. Labels may be numbers, which become strings.
    columns : True, list of (str or int), or None, default=None
        Further keys of the first 1,000 objects; see `choose_further`. The value of an object that
        lacks one is None.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        Now, or when a later line is reached: a line that is no JSON object, that lacks a key, whose
        text is no string or whose label is missing, that has a list or an object under a key that
        is named in `columns`, and whatever `read_lines` refuses.
    """
    records = _records(source, encoding)
    sample = list(itertools.islice(records, SAMPLE_ROWS))
    if not sample:
        raise DataError("the file holds no objects, only blank lines", path=source.where)
    keys = list(dict.fromkeys(key for record in sample for key in record.values))
    if not keys:
        raise DataError("the object has no keys", path=source.where, line=sample[0].line)
    if len(keys) == 1 and text is None:
        text = 0
    rows = [Row(line, [_cell(values.get(key)) for key in keys]) for line, values in sample]
    chosen = choose_columns(
        [Row(sample[0].line, keys), *rows], source.where, text=text, label=label, header=True
    )
    further = choose_further(columns, len(keys), chosen, source.where, None)
    texts = [keys[at] for at in (chosen.text, *chosen.more)]
    kind = None if chosen.label is None else keys[chosen.label]
    values = _Values([keys[at] for at in further.at], columns is not True)
    documents = _documents(itertools.chain(sample, records), texts, kind, values, source.where)
    note = column_note(chosen).removesuffix(", with a header")
    return Reading(documents, kind is not None, (note,), further.names, tuple(texts))


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else str(value)[:100]


def _documents(
    records: Iterator[_Record], texts: list[str], label: str | None, further: _Values, path: Path
) -> Iterator[Document]:
    for line, values in records:
        words = [
            text_of(_value(values, key, path, line), path, line=line, column=key) for key in texts
        ]
        text = words[0] if len(words) == 1 else "\n".join(words)
        rest = tuple(
            [
                value_of(values.get(key), path, further.named, line=line, column=key)
                for key in further.keys
            ]
        )
        if label is None:
            yield text, None, rest
        else:
            value = _value(values, label, path, line)
            yield text, label_of(value, path, line=line, column=label), rest


def _value(values: dict[str, Any], key: str, path: Path, line: int) -> Any:
    try:
        return values[key]
    except KeyError:
        raise DataError(
            f"the object has no such key; its keys are {shown(list(values))}",
            path=path,
            line=line,
            column=key,
        ) from None


def _records(source: Source, encoding: str) -> Iterator[_Record]:
    for number, line in enumerate(read_lines(source, encoding), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(without_end(line))
        except json.JSONDecodeError as error:
            raise DataError(
                f"not valid JSON: {error.msg}; expected an object on each line",
                path=source.where,
                line=number,
                column=error.colno,
            ) from None
        # Nested too deep, or an integer of more digits than Python converts.
        except (RecursionError, ValueError) as error:
            raise DataError(f"not valid JSON: {error}", path=source.where, line=number) from None
        if not isinstance(values, dict):
            raise DataError(
                f'expected a JSON object, such as {{"text": ..., "label": ...}}, found '
                f"{shown(values)}",
                path=source.where,
                line=number,
            )
        yield _Record(number, values)
