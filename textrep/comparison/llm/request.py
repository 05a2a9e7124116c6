"""The body of a request: model, messages, and how to answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from textrep.core.messages import shown

_OWN = ("messages", "model", "n", "stream")
_LIMITS = ("max_tokens", "max_completion_tokens")


def build_request(
    model: str, messages: Sequence[Mapping[str, str]], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of a chat completion.

    Parameters
    ----------
    model : str
    messages : sequence of mappings with ``role`` and ``content``
    settings : mapping
        Further fields; those that are None are left out.

    Returns
    -------
    dict

    Examples
    --------
    >>> sorted(build_request("m", [], {"temperature": 0.0, "max_tokens": None}))
    ['messages', 'model', 'temperature']
    """
    given = {name: value for name, value in settings.items() if value is not None}
    return {**given, "model": model, "messages": list(messages)}


def check_options(options: Mapping[str, Any] | None) -> None:
    """Refuse further fields that JSON cannot hold, or that would change what an answer is.

    Parameters
    ----------
    options : mapping or None

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_options({"n": 3})
    Traceback (most recent call last):
    ...
    ValueError: options holds 'n', which is set elsewhere; leave it out
    """
    for name in options or {}:
        if name in _OWN:
            raise ValueError(f"options holds {name!r}, which is set elsewhere; leave it out")
    try:
        json.dumps(options, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"options={shown(options)} cannot be JSON: {error}") from None


def answer_limit(settings: Mapping[str, Any]) -> int | None:
    """Tokens to which a request limits the answer.

    Parameters
    ----------
    settings : mapping
        Fields of the request.

    Returns
    -------
    int or None
        None without a limit.

    Examples
    --------
    >>> answer_limit({"max_tokens": 64}), answer_limit({})
    (64, None)
    """
    limits = [settings[name] for name in _LIMITS if type(settings.get(name)) is int]
    return max(limits, default=None)
