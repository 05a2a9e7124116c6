"""Predictions as lines of JSON, of a table, or of labels alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

FORMATS = ("jsonl", "csv", "tsv", "labels")

# Digits of a probability; more are beyond what any test part can show.
_DIGITS = 6


class Answer(NamedTuple):
    """What a model says of one text.

    Attributes
    ----------
    prediction : label or None
        None where it is left blank.
    probability : float
        Of the most probable class.
    probabilities : sequence of float or None
        Of all classes, where they are wanted.
    words : list of (str, float) or None
        Words that decided and their effects, where they are wanted.
    """

    prediction: Any
    probability: float
    probabilities: Sequence[float] | None = None
    words: Sequence[tuple[str, float]] | None = None


class AnswerWriter:
    """Turns answers into bytes.

    Parameters
    ----------
    form : str
        One of `FORMATS`.
    classes : sequence of label
        In the order of the probabilities.
    probabilities, words : bool
        Whether answers have them.

    Raises
    ------
    ValueError
        When a class cannot be written in that format.

    Examples
    --------
    >>> writer = AnswerWriter("jsonl", ["ham", "spam"], False, False)
    >>> writer.header() + writer.lines([Answer("ham", 0.75), Answer(None, 0.5)])
    b'{"prediction": "ham", "probability": 0.75}\\n{"prediction": null, "probability": 0.5}\\n'
    """

    def __init__(self, form: str, classes: Sequence[Any], probabilities: bool, words: bool) -> None:
        names = list(map(str, classes))
        breaking = {"tsv": "\t\n\r", "labels": "\n\r"}.get(form, "")
        for name in names:
            if set(name) & set(breaking):
                raise ValueError(
                    f"--format {form}: class {name!r} holds a tab or a line end; use jsonl or csv"
                )
        row = {"csv": _csv_row, "tsv": _tsv_row}.get(form)
        self._header = ""
        self._line: Callable[[Answer], str]
        if row is not None:
            columns = [f"probability of {name}" for name in names] if probabilities else []
            self._header = row(["prediction", "probability", *columns, *(["words"] * words)])
            self._line = lambda answer: row(_cells(answer))
        elif form == "labels":
            self._line = lambda answer: _shown(answer.prediction) + "\n"
        else:
            self._line = lambda answer: _json(answer, names) + "\n"

    def header(self) -> bytes:
        """What stands above the answers: names of columns, or nothing."""
        return _encoded(self._header)

    def lines(self, answers: Iterable[Answer]) -> bytes:
        """Answers, one after the other.

        Parameters
        ----------
        answers : iterable of Answer

        Returns
        -------
        bytes
            UTF-8; half a surrogate pair, which it has no place for, becomes an escape.
        """
        return _encoded("".join(map(self._line, answers)))


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")


def _json(answer: Answer, names: Sequence[str]) -> str:
    values: dict[str, Any] = {
        "prediction": answer.prediction,
        "probability": round(answer.probability, _DIGITS),
    }
    if answer.probabilities is not None:
        rounded = (round(value, _DIGITS) for value in answer.probabilities)
        values["probabilities"] = dict(zip(names, rounded, strict=True))
    if answer.words is not None:
        values["words"] = [[word, round(effect, _DIGITS)] for word, effect in answer.words]
    return json.dumps(values, ensure_ascii=False)


def _cells(answer: Answer) -> list[str]:
    values = [answer.probability, *(answer.probabilities or ())]
    cells = [_shown(answer.prediction), *(str(round(value, _DIGITS)) for value in values)]
    if answer.words is not None:
        cells.append(" ".join(f"{word}:{effect:+.3g}" for word, effect in answer.words))
    return cells


def _shown(prediction: Any) -> str:
    return "" if prediction is None else str(prediction)


def _csv_row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _tsv_row(cells: Sequence[str]) -> str:
    return "\t".join(cells) + "\n"
