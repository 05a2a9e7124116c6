"""How texts and their labels are written for a language model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.core.messages import shown

TEXT, LABEL = "{text}", "{label}"


@dataclass(frozen=True)
class Template:
    """A text and its label in a frame of words.

    Attributes
    ----------
    before, between, after : str
        Around the text and the label.

    Examples
    --------
    >>> template = Template.read("Review: {text}\\nIt was {label}.")
    >>> template.example("So much fun", "great")
    'Review: So much fun\\nIt was great.'
    >>> template.question("So much fun"), template.answer("great")
    ('Review: So much fun\\nIt was', ' great')
    """

    before: str
    between: str
    after: str

    @classmethod
    def read(cls, template: Any) -> Template:
        """The template that a str with ``{text}`` and ``{label}`` stands for.

        Raises
        ------
        ValueError
            If one of the two is missing or repeated, or the label comes first.
        """
        if not isinstance(template, str):
            raise ValueError(f"template must be a str with {TEXT} and {LABEL}, got {template!r}")
        for part in (TEXT, LABEL):
            if (count := template.count(part)) != 1:
                raise ValueError(
                    f"template must have {part} once, got {shown(template)} with {count} of them"
                )
        before, _, rest = template.partition(TEXT)
        if LABEL in before:
            raise ValueError(
                f"template must have {TEXT} before {LABEL}, got {shown(template)}: the label is "
                "what follows the text"
            )
        between, _, after = rest.partition(LABEL)
        return cls(before, between, after)

    def example(self, text: str, label: str) -> str:
        """A text with its label."""
        return f"{self.before}{text}{self.between}{label}{self.after}"

    def question(self, text: str) -> str:
        """A text up to where its label begins; a space there belongs to the label."""
        return f"{self.before}{text}{self.cue}"

    @property
    def cue(self) -> str:
        """What stands between text and label, up to where the label begins."""
        return self.between.rstrip(" ")

    def answer(self, label: str) -> str:
        """A label as it follows `question`."""
        return self.between[len(self.cue) :] + label


def one_line(text: str, max_characters: int | None) -> str:
    """The first characters of a text, its lines made one: they would be taken for the frame.

    >>> one_line("so much\\n\\ntext", 9)
    'so much t'
    """
    # Cut first, too: a text may be a book, and a few letters of it wanted.
    limit = None if max_characters is None else 4 * max_characters
    return " ".join(text[:limit].split())[:max_characters]


def words_of_labels(classes: np.ndarray, label_words: Any) -> list[str]:
    """What each class is called.

    Parameters
    ----------
    classes : ndarray (n_classes,)
    label_words : mapping of labels to str, or None
        None calls labels what Python prints them as.

    Returns
    -------
    list of str, length n_classes

    Raises
    ------
    ValueError
        If a class has no word, or two have the same.

    Examples
    --------
    >>> words_of_labels(np.array([0, 1]), {0: "bad", 1: "good"})
    ['bad', 'good']
    """
    labels = classes.tolist()
    if label_words is None:
        words = [str(label) for label in labels]
    else:
        if not isinstance(label_words, Mapping):
            raise ValueError(
                f"label_words must be a dict of labels and words, or None, got {shown(label_words)}"
            )
        missing = [label for label in labels if label not in label_words]
        if missing:
            raise ValueError(
                f"label_words must have a word for each class, got none for {missing[0]!r}"
            )
        words = [label_words[label] for label in labels]
    for label, word in zip(labels, words, strict=True):
        if not isinstance(word, str) or not word.strip():
            raise ValueError(f"label_words must be words, got {shown(word)} for {label!r}")
        if words.count(word) > 1:
            raise ValueError(f"label_words must differ, got {shown(word)} for several classes")
    return words
