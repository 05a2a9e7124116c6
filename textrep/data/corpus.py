"""Texts, their labels where they have any, and where they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from textrep.core.messages import printable, shown
from textrep.data.errors import DataError


@dataclass(frozen=True)
class Corpus:
    """Texts in their order in the source, labelled or not.

    Parameters
    ----------
    name : str
        What the corpus is called in tables and messages.
    texts : sequence of str, length n_samples
        The documents; one may be empty.
    labels : sequence of str of length n_samples, or None, default=None
        The class of each document; None where the source names no classes.
    split : sequence of str of length n_samples, or None, default=None
        The part each document belongs to, such as ``"train"`` and ``"test"``; None where the source
        has no such parts.
    source : str, default=""
        File, folder or packages it was read from.
    versions : mapping of str to str, default={}
        Versions of what it was made from.
    notes : sequence of str, default=()
        What the reader decided or noticed, one sentence each.
    columns : mapping of str to sequence of length n_samples, default={}
        Further columns of the table that it was read from, by name; their values are str, int,
        float, bool or None, as the source holds them.

    Raises
    ------
    DataError
        When texts, labels, split and columns differ in length.

    Examples
    --------
    >>> corpus = Corpus("pets", ["meow", "woof"], ["cat", "dog"], split=["train", "test"])
    >>> corpus
    Corpus('pets', 2 texts, 2 classes, split: test 1, train 1)
    >>> corpus.part("test").texts
    ['woof']
    >>> Corpus("lines", ["To be,", "or not to be"])
    Corpus('lines', 2 texts, unlabelled)
    """

    name: str
    texts: Sequence[str] = field(repr=False)
    labels: Sequence[str] | None = field(default=None, repr=False)
    split: Sequence[str] | None = field(default=None, repr=False)
    source: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        beside = {"labels": self.labels, "split": self.split}
        beside |= {f"values of column {shown(name)}": self.columns[name] for name in self.columns}
        for name, values in beside.items():
            if values is not None and len(values) != len(self.texts):
                raise DataError(
                    f"corpus {self.name!r} has {len(self.texts)} texts but {len(values)} {name}; "
                    "there must be one for each text"
                )

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        kinds = "unlabelled" if self.labels is None else f"{len(self.classes)} classes"
        text = f"{len(self)} texts, {kinds}"
        if self.split is not None:
            parts = sorted(Counter(self.split).items())
            text += ", split: " + ", ".join(f"{part} {count}" for part, count in parts)
        if self.columns:
            text += ", columns: " + ", ".join(map(printable, self.columns))
        return f"Corpus({self.name!r}, {text})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The different labels, sorted; empty without labels."""
        return () if self.labels is None else tuple(sorted(set(self.labels)))

    @property
    def parts(self) -> tuple[str, ...]:
        """The different values of `split`, sorted; empty without a split."""
        return () if self.split is None else tuple(sorted(set(self.split)))

    def counts(self) -> dict[str, dict[str, int]] | dict[str, int]:
        """Documents per part and class.

        Returns
        -------
        dict of str to dict of str to int, or dict of str to int
            The second without labels: documents per part. The one part of a corpus without a split
            is called ``"all"``.

        Examples
        --------
        >>> Corpus("pets", ["meow", "woof", "mew"], ["cat", "dog", "cat"]).counts()
        {'all': {'cat': 2, 'dog': 1}}
        >>> Corpus("lines", ["To be,", "or not to be"]).counts()
        {'all': 2}
        """
        split = self.split if self.split is not None else ["all"] * len(self)
        if self.labels is None:
            return dict(sorted(Counter(split).items()))
        pairs = Counter(zip(split, self.labels, strict=True))
        table: dict[str, dict[str, int]] = {}
        for (part, label), count in sorted(pairs.items()):
            table.setdefault(part, {})[label] = count
        return table

    def part(self, name: str) -> Corpus:
        """One part of the split, as a corpus without a split.

        Parameters
        ----------
        name : str
            One of `parts`.

        Returns
        -------
        Corpus

        Raises
        ------
        DataError
            When the corpus has no such part.
        """
        if self.split is None or name not in self.parts:
            have = f"only {', '.join(self.parts)}" if self.parts else "no split"
            raise DataError(f"split={name!r}: corpus {self.name!r} has {have}; leave split out")
        chosen = [i for i, part in enumerate(self.split) if part == name]
        return replace(
            self,
            texts=[self.texts[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            split=None,
            columns={
                column: [values[i] for i in chosen] for column, values in self.columns.items()
            },
        )
