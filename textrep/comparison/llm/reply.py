"""What came back: the model's answer and what it was charged for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from textrep.comparison.llm.endpoint import AnswerLost
from textrep.comparison.llm.tokens import Tokens


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes
    ----------
    content : str or None
        What the model said; None where it declined to say anything.
    tokens : Tokens or None
        As the server counted them; None where it did not say.
    seconds : float
        That the answer took, retries not counted.
    """

    content: str | None
    tokens: Tokens | None
    seconds: float = 0.0


def read_reply(body: bytes) -> Reply:
    """Read the body of a chat completion.

    Parameters
    ----------
    body : bytes
        JSON, as the server sent it.

    Returns
    -------
    Reply

    Raises
    ------
    AnswerLost
        When it holds no answer.

    Examples
    --------
    >>> read_reply(b'{"choices": [{"message": {"content": "spam"}}]}').content
    'spam'
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerLost("the answer is not JSON") from None
    choices = document.get("choices") if isinstance(document, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise AnswerLost("the answer holds no choices[0].message")
    content = _content(message.get("content"))
    if content is None and not _declined(choice, message):
        raise AnswerLost("the answer's choices[0].message.content is no text")
    return Reply(content, _usage(document.get("usage")))


def _content(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    # Some servers send the text in parts.
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if texts else None
    return None


def _declined(choice: dict[str, Any], message: dict[str, Any]) -> bool:
    return choice.get("finish_reason") == "content_filter" or bool(message.get("refusal"))


def _usage(usage: Any) -> Tokens | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int or min(prompt, completion) < 0:
        return None
    return Tokens(prompt, completion)
