"""What a health check found out about the data of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textrep.comparison.health.finding import Finding


@dataclass(frozen=True)
class Health:
    """Findings about the data, and the plain figures that a report shows.

    Attributes
    ----------
    findings : tuple of Finding
        The most severe first.
    n_documents : int
        In the training and test part.
    class_counts : mapping of str to mapping of label to int
        Documents of each class by part: ``"train"`` and ``"test"``, or ``"all"`` with folds.
    lengths : mapping of str to mapping of str to mapping of str to float
        By unit (``"characters"``, ``"words"``), part and quantile (``"shortest"``, ``"5 %"``,
        ``"median"``, ``"95 %"``, ``"longest"``).
    scripts : mapping of str to float
        Share of the texts that are mainly in each script, the most frequent first.
    languages : mapping of str to float
        Share of the longer texts that are probably in each language.
    n_empty, n_duplicates, n_conflicting, n_near_duplicates : int
        Documents that are empty; repeat an earlier one but for case and white space; have a copy
        under another label; are nearly the same as another.
    seconds : float
        That the check took.

    Examples
    --------
    >>> Health((), 3, {}, {}, {}, {}, 0, 0, 0, 0, 0.1).clean
    True
    """

    findings: tuple[Finding, ...]
    n_documents: int
    class_counts: Mapping[str, Mapping[Any, int]] = field(repr=False)
    lengths: Mapping[str, Mapping[str, Mapping[str, float]]] = field(repr=False)
    scripts: Mapping[str, float]
    languages: Mapping[str, float]
    n_empty: int
    n_duplicates: int
    n_conflicting: int
    n_near_duplicates: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return all(finding.severity == "note" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON knows it.

        Returns
        -------
        dict of str to value
            Labels that are not str are written as text.
        """
        return {
            **{name: value for name, value in vars(self).items() if name != "class_counts"},
            "findings": [finding.to_dict() for finding in self.findings],
            "class_counts": {
                part: {str(label): number for label, number in counts.items()}
                for part, counts in self.class_counts.items()
            },
        }

    def __str__(self) -> str:
        if not self.findings:
            return "health: nothing to remark"
        return "\n".join(str(finding) for finding in self.findings)
