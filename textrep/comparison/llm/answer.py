"""Which of the labels an answer names."""

from __future__ import annotations

import contextlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from textrep.core.messages import shown

# No label stands behind so much prose, and a search through megabytes would take minutes.
_MAX_ANSWER = 20_000
# Models that reason aloud close their thoughts with this.
_END_OF_THOUGHTS = re.compile(r"</think(?:ing)?>")
_FENCED = re.compile(r"```(?:json)?(.*?)```", re.DOTALL)
# Quotes, emphasis, and the punctuation that ends a sentence; never a sign or a bracket inside.
_AROUND = " \t\r\n\"'`*_.,:;!?()[]{}<>“”‘’„«»…。、「」"


class LabelReader:
    """Finds labels in answers.

    Parameters
    ----------
    classes : sequence
        Labels of one type: str, bool, int or whole float.

    Raises
    ------
    ValueError
        When no answer could tell a label from another, or name it at all.

    Attributes
    ----------
    names : tuple of str
        What each label is called in prompts.

    Examples
    --------
    >>> reader = LabelReader(["ham", "spam"])
    >>> reader.read("Spam."), reader.read('{"label": "ham"}'), reader.read("ham or spam")
    (1, 0, None)
    """

    def __init__(self, classes: Sequence[Any]) -> None:
        self.names = tuple(_name(label) for label in classes)
        self._exact = _positions(
            (form, position)
            for position, (label, name) in enumerate(zip(classes, self.names, strict=True))
            for form in {name.strip(), str(label).strip()}
        )
        for label in classes:
            if self._exact.get(str(label).strip()) is None:
                raise ValueError(
                    f"the label {shown(label)} is empty or differs from another one by nothing but "
                    "space around it, which a model cannot tell; rename it"
                )
        self._loose = _positions((_loosened(form), at) for form, at in self._exact.items())
        self._mention = _mention(self._loose)

    def read(self, answer: str | None) -> int | None:
        """Position of the label that an answer names.

        In this order: the answer is the label, with or without quotes and in any case; it is an
        object of JSON with the label under ``"label"``; it mentions this label and no other.

        Parameters
        ----------
        answer : str or None

        Returns
        -------
        int or None
            None where no label is named, or several are.
        """
        if answer is None:
            return None
        whole = answer.strip()
        if (found := self._match(whole)) is not None:
            return found
        said = _END_OF_THOUGHTS.split(whole[-_MAX_ANSWER:])[-1].strip()
        if (found := self._match(said)) is not None:
            return found
        if (label := _labelled(said)) is not None:
            return self._match(label)
        mentioned = {self._loose[match] for match in self._mention.findall(_folded(said))}
        return mentioned.pop() if len(mentioned) == 1 else None

    def _match(self, text: str) -> int | None:
        found = self._exact.get(text)
        return self._loose.get(_loosened(text)) if found is None else found


def _name(label: Any) -> str:
    return str(int(label)) if isinstance(label, float) else str(label)


def _positions(forms: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Forms that stand for one label only."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for form, position in forms:
        found[form].add(position)
    return {form: min(at) for form, at in found.items() if len(at) == 1 and form}


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _loosened(text: str) -> str:
    folded = _folded(text)
    # A label of nothing but punctuation is left as it is.
    return folded.strip(_AROUND) or folded


def _mention(forms: Iterable[str]) -> re.Pattern[str]:
    """Any form as a word of its own; of those that begin alike the longest."""
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    either = "|".join(map(re.escape, longest_first)) or r"(?!)"
    return re.compile(rf"(?<![\w\-])(?<!\d\.)(?:{either})(?![\w\-])(?!\.\d)")


def _labelled(text: str) -> str | None:
    """The label in an object of JSON, in a fence or not."""
    fenced = _FENCED.search(text)
    document: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(fenced[1] if fenced else text)
    if isinstance(document, dict) and isinstance(document.get("label"), str | int | float):
        return str(document["label"])
    return None
