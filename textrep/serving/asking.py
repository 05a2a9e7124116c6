"""What a request asks for: JSON in, checked texts and columns out, or one sentence about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from textrep.core.messages import shown
from textrep.serving.errors import ServingError

BAD_JSON, TOO_LARGE, BAD_CONTENT = 400, 413, 422
"""Statuses of HTTP: no JSON at all, more than is taken, JSON that asks for nothing possible."""

_EXAMPLE = '{"texts": ["so much text"]}'
# Half a surrogate pair is no character: JSON can spell it, no encoding can send it on.
_SURROGATE = re.compile("[\ud800-\udfff]")
_SCALARS = (str, bool, int, float, type(None))


class RequestError(Exception):
    """A request that is refused.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
        One sentence: what is wrong, where, and how to put it right.

    Examples
    --------
    >>> error = RequestError(422, "texts is empty; send at least one text")
    >>> error.status, str(error)
    (422, 'texts is empty; send at least one text')
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Limits:
    """How much one request may ask for.

    Parameters
    ----------
    max_texts : int, default=1000
    max_characters : int, default=1_000_000
        Of one text.
    max_bytes : int, default=16_777_216
        Of the body, which is held in memory; JSON spells a character with up to 12 bytes.

    Raises
    ------
    ServingError
        When one of them is not an int of at least 1.

    Examples
    --------
    >>> Limits(max_texts=10).max_characters
    1000000
    """

    max_texts: int = 1000
    max_characters: int = 1_000_000
    max_bytes: int = 1 << 24

    def __post_init__(self) -> None:
        for each in fields(self):
            check_positive(each.name, getattr(self, each.name))


def check_positive(name: str, value: object) -> None:
    """Refuse a setting that is not an int of at least 1.

    Parameters
    ----------
    name : str
        Of the setting, for the message.
    value : object

    Raises
    ------
    ServingError
    """
    if type(value) is not int or value < 1:
        raise ServingError(f"{name} is {shown(value)}; expected an int of at least 1")


class Asked(NamedTuple):
    """A checked request.

    Attributes
    ----------
    texts : list of str
        At least one.
    columns : dict of str to list
        A value for each text, by the names of the columns.
    numbers : dict of str to int
        Of the further fields that were given.
    """

    texts: list[str]
    columns: dict[str, list[Any]]
    numbers: dict[str, int]


def read_request(
    body: bytes,
    limits: Limits,
    *,
    columns: tuple[str, ...] = (),
    numbers: Mapping[str, float] = MappingProxyType({}),
) -> Asked:
    """Read the body of a request.

    Parameters
    ----------
    body : bytes
        JSON: an object with ``texts``, a list of strings, or ``text``, a single one.
    limits : Limits
    columns : tuple of str, default=()
        Names of the columns that the model needs; the field ``columns`` holds a list of values for
        each, or of a single text the value itself.
    numbers : mapping of str to float, default={}
        The largest value of each field that holds an int of at least 1; all may be left out.

    Returns
    -------
    Asked

    Raises
    ------
    RequestError
        Of status 400 for what is no JSON, 413 for what is over a limit, 422 for all else.

    Examples
    --------
    >>> read_request(b'{"text": "so much text", "top": 2}', Limits(), numbers={"top": 5})
    Asked(texts=['so much text'], columns={}, numbers={'top': 2})
    """
    asked = _parsed(body)
    if not isinstance(asked, dict):
        _refuse(f"the body is {_kind(asked)}; expected an object such as {_EXAMPLE}")
    known = ("text", "texts", *(["columns"] if columns else []), *numbers)
    for name in asked:
        if name not in known:
            _refuse(f"there is no field {shown(name)}; there are {', '.join(known)}")
    if ("text" in asked) == ("texts" in asked):
        found = "both" if "text" in asked else "neither"
        _refuse(f"the body has {found} of text and texts; send one of them, such as {_EXAMPLE}")
    alone = "text" in asked
    texts = _texts([asked["text"]] if alone else asked["texts"], alone, limits)
    return Asked(
        texts,
        _columns(asked.get("columns", {}), columns, len(texts), alone) if columns else {},
        {name: _number(name, asked[name], numbers[name]) for name in numbers if name in asked},
    )


def _refuse(message: str, status: int = BAD_CONTENT) -> NoReturn:
    raise RequestError(status, message)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


# Made once: json.loads with an option makes one on every call.
_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _parsed(body: bytes) -> Any:
    if not body.strip():
        _refuse(f"the body is empty; send JSON such as {_EXAMPLE}", BAD_JSON)
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        fault = f"byte {body[error.start]:#04x} at position {error.start} is not valid"
        _refuse(f"the body is not UTF-8: {fault}", BAD_JSON)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        _refuse(f"the body is not JSON: {error.msg} ({where}); send {_EXAMPLE}", BAD_JSON)
    except RecursionError:
        _refuse("the body is not JSON that can be read: it is nested too deeply", BAD_JSON)
    except ValueError as error:
        _refuse(f"the body is not JSON: {error}", BAD_JSON)


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    for kind, name in (
        (bool, "true or false"),
        (str, "a string"),
        (list, "a list"),
        (dict, "an object"),
        (type(None), "null"),
    ):
        if isinstance(value, kind):
            return name
    return "a number"


def _texts(texts: Any, alone: bool, limits: Limits) -> list[str]:
    if not isinstance(texts, list):
        _refuse(f"texts is {_kind(texts)}; expected a list of strings (text takes a single one)")
    if not texts:
        _refuse("texts is empty; send at least one text")
    if len(texts) > limits.max_texts:
        fault = f"texts holds {len(texts):,} texts; the limit is {limits.max_texts:,} a request"
        _refuse(fault, TOO_LARGE)
    for position, text in enumerate(texts):
        if type(text) is not str:
            fault = f"{_place(alone, position)} is {_kind(text)}; expected a string"
            _refuse(fault + (' (send "" for a missing text)' if text is None else ""))
        if len(text) > limits.max_characters:
            fault = f"{_place(alone, position)} has {len(text):,} characters"
            _refuse(f"{fault}; the limit is {limits.max_characters:,}", TOO_LARGE)
        if not text.isascii() and (half := _SURROGATE.search(text)):
            _refuse(
                f"{_place(alone, position)} holds half a surrogate pair at character "
                f"{half.start()}; send whole characters"
            )
    return texts


def _place(alone: bool, position: int) -> str:
    return "text" if alone else f"texts[{position}]"


def _columns(given: Any, names: tuple[str, ...], n_texts: int, alone: bool) -> dict[str, list[Any]]:
    if not isinstance(given, dict):
        _refuse(f"columns is {_kind(given)}; expected an object of names and values")
    _check_names(given, names)
    columns = {}
    for name in names:
        values = given[name]
        if alone and not isinstance(values, list):
            values = [values]
        if not isinstance(values, list):
            _refuse(f"column {name!r} is {_kind(values)}; expected a list, a value for each text")
        if len(values) != n_texts:
            _refuse(f"column {name!r} has {len(values):,} values for {n_texts:,} texts")
        for position, value in enumerate(values):
            if not isinstance(value, _SCALARS):
                kind = _kind(value)
                _refuse(f"column {name!r}: value {position} is {kind}; expected a single value")
        columns[name] = values
    return columns


def _check_names(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    have = ", ".join(map(repr, names))
    for name in names:
        if name not in given:
            _refuse(f"column {name!r} is missing: the model was learnt from {have} too")
    for name in given:
        if name not in names:
            _refuse(f"the model knows no column {shown(name)}; it knows {have}")


def _number(name: str, value: Any, largest: float) -> int:
    if type(value) is not int or value < 1:
        found = shown(value) if type(value) in (int, float) else _kind(value)
        _refuse(f"{name} is {found}; expected a whole number of at least 1")
    if value > largest:
        _refuse(f"{name} is {shown(value)}; the limit is {largest:g}")
    return int(value)
