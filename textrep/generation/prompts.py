"""Prompts of solved examples and a question, as long as a language model can see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Prompts(NamedTuple):
    """Prompts that fit.

    Attributes
    ----------
    texts : list of str
    n_shortened : int
        Prompts that examples were left out of.
    """

    texts: list[str]
    n_shortened: int


def window_of(model: Any) -> int | None:
    """Tokens that a language model sees at once; None where there is no such limit.

    Parameters
    ----------
    model : LanguageModel
        Fitted.

    Returns
    -------
    int or None
    """
    module = getattr(model, "module_", None)
    config = getattr(module, "config", None)
    found = getattr(module, "max_length", getattr(config, "max_position_embeddings", None))
    return int(found) if isinstance(found, int) and found > 0 else None


def write_prompts(
    model: Any,
    examples: Sequence[Sequence[str]],
    questions: Sequence[str],
    *,
    separator: str,
    reserved: int,
) -> Prompts:
    """Examples before questions, as many as there is room for.

    Where a prompt is too long, examples are left out, the first ones first; the question never is.

    Parameters
    ----------
    model : LanguageModel
        Fitted.
    examples : sequence of sequences of str
        Of each question.
    questions : sequence of str
    separator : str
        Between examples, and before the question.
    reserved : int
        Tokens that are to have room after the prompt.

    Returns
    -------
    Prompts
    """
    shown = [list(each) for each in examples]
    texts = [separator.join([*each, question]) for each, question in _pairs(shown, questions)]
    window = window_of(model)
    waiting = [i for i, each in enumerate(shown) if each] if window is not None else []
    shortened: set[int] = set()
    while waiting and window is not None:
        # Whole prompts are counted: a cut may lie elsewhere in one than in its parts.
        rows = model.codec_.encode_all([texts[i] for i in waiting])
        waiting = [
            i for i, row in zip(waiting, rows, strict=True) if len(row) + 1 + reserved > window
        ]
        shortened.update(waiting)
        for i in waiting:
            shown[i] = shown[i][1:]
            texts[i] = separator.join([*shown[i], questions[i]])
        waiting = [i for i in waiting if shown[i]]
    return Prompts(texts, len(shortened))


def _pairs(
    examples: Sequence[Sequence[str]], questions: Sequence[str]
) -> list[tuple[Sequence[str], str]]:
    return list(zip(examples, questions, strict=True))
