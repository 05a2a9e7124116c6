"""How many tokens a request has, where only the server knows for sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# OpenAI's rule of thumb: a token is about four characters of English.
# https://help.openai.com/en/articles/4936856
_BYTES_PER_TOKEN = 4
# OpenAI's cookbook counts 3 around a message and 3 to open the answer; other chat templates have
# a few more. https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
_AROUND_MESSAGE = 16


class Tokens(NamedTuple):
    """Tokens that are paid for."""

    prompt: int
    completion: int


def at_most(contents: Sequence[str], max_tokens: int) -> Tokens:
    """Bound on the tokens of a request and its answer.

    No token of a subword model is shorter than a byte.

    Parameters
    ----------
    contents : sequence of str
        Of the messages.
    max_tokens : int
        To which the request limits the answer.

    Returns
    -------
    Tokens

    Examples
    --------
    >>> at_most(["naïve"], max_tokens=8)
    Tokens(prompt=38, completion=8)
    """
    prompt = sum(_size(content) + _AROUND_MESSAGE for content in contents) + _AROUND_MESSAGE
    return Tokens(prompt, max_tokens)


def estimated(contents: Sequence[str], answer: str | None) -> Tokens:
    """Likely number of tokens, for a server that does not count them.

    Parameters
    ----------
    contents : sequence of str
        Of the messages.
    answer : str or None
        What the model said.

    Returns
    -------
    Tokens

    Examples
    --------
    >>> estimated(["so much text"], "spam")
    Tokens(prompt=3, completion=1)
    """
    prompt = sum(_size(content) for content in contents)
    return Tokens(-(-prompt // _BYTES_PER_TOKEN), -(-_size(answer or "") // _BYTES_PER_TOKEN))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
