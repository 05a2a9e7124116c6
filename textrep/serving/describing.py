"""What /docs says of requests and answers."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """\
Send `{"text": "..."}` or `{"texts": ["...", ...]}`. Whatever cannot be answered is answered with
`{"detail": "..."}`: 400 for a body that is no JSON, 413 for more than is taken, 422 for JSON that
cannot be answered, 501 for what the model cannot do, 503 when the server has too much to do.
"""

_NUMBERS = {
    "predict": {"top": "Give only so many of the most probable classes, the best first."},
    "explain": {"words": "Give at most so many words of each text (5)."},
    "transform": {},
}
_ANSWERS: dict[str, dict[str, Any]] = {
    "predict": {"labels": ["ham"], "probabilities": [{"ham": 0.75, "spam": 0.25}]},
    "explain": {"labels": ["ham"], "words": [[["home", 1.25], ["free", -0.5]]]},
    "transform": {"vectors": [[0.25, -0.5]]},
}
_REFUSALS = {
    400: "The body is no JSON.",
    413: "More than is taken in one request.",
    422: "Nothing that can be answered.",
    501: "The model cannot do that.",
    503: "Too much to do; try again later.",
}
_JSON = "application/json"


def request_of(name: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """The part of the OpenAPI description about a request.

    Parameters
    ----------
    name : {"predict", "explain", "transform"}
    columns : tuple of str
        That the model needs beside texts.

    Returns
    -------
    dict
    """
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "text": {**text, "description": "A single text, in place of texts."},
        "texts": {"type": "array", "items": text, "minItems": 1},
    }
    for number, meaning in _NUMBERS[name].items():
        properties[number] = {"type": "integer", "minimum": 1, "description": meaning}
    example: dict[str, Any] = {"texts": ["so much text"]}
    if columns:
        properties["columns"] = {
            "type": "object",
            "description": "A value for each text, by the names of the columns.",
            "properties": {column: {"type": "array"} for column in columns},
            "required": list(columns),
        }
        example["columns"] = {column: [None] for column in columns}
    schema = {"type": "object", "properties": properties, "example": example}
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema}}}}


def responses_of(name: str) -> dict[int | str, dict[str, Any]]:
    """The part of the OpenAPI description about the answers.

    Parameters
    ----------
    name : {"predict", "explain", "transform"}

    Returns
    -------
    dict
    """
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "One for each text.", "content": {_JSON: {"example": _ANSWERS[name]}}}
    }
    for status, meaning in _REFUSALS.items():
        content = {_JSON: {"example": {"detail": "what is wrong and how to put it right"}}}
        answers[status] = {"description": meaning, "content": content}
    return answers
