"""One thing about the data that a comparison's reader should know, and what it does to scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""

# Differences between methods are of this order, so that a flaw in so many can decide between them.
_DECIDES = 0.01
# The last digit of an accuracy that the leaderboard shows.
_SHOWS = 0.001


@dataclass(frozen=True)
class Finding:
    """Something found in the data.

    Parameters
    ----------
    kind : str
        Short name that stays the same from version to version, such as ``"empty-texts"``.
    severity : {"error", "warning", "note"}
        An error makes scores wrong, a warning may mislead about them, a note is good to know.
    message : str
        One sentence: what, how many, where.
    effect : str
        One sentence: what it does to the scores.
    action : str
        One sentence: what can be done about it.
    positions : tuple of int, default=()
        All documents concerned, by their positions in the task; empty where none stands out.
    fixed_by_dedupe : bool, default=False
        Whether `dedupe` mends it.

    Examples
    --------
    >>> print(Finding("few-tests", "warning", "There are 9 test texts.", "Luck decides.", "Add."))
    warning: There are 9 test texts. Luck decides. Add.
    """

    kind: str
    severity: Severity
    message: str
    effect: str
    action: str
    positions: tuple[int, ...] = field(default=(), repr=False)
    fixed_by_dedupe: bool = False

    def __str__(self) -> str:
        return f"{self.severity}: {self.message} {self.effect} {self.action}"

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON knows it.

        Returns
        -------
        dict of str to value
        """
        return {**vars(self), "positions": list(self.positions)}


def severity_of(share: float) -> Severity:
    """How bad it is that so many test texts are answered by heart.

    Parameters
    ----------
    share : float
        Of the test texts.

    Returns
    -------
    {"error", "warning", "note"}

    Examples
    --------
    >>> severity_of(0.05), severity_of(0.005), severity_of(0.0001)
    ('error', 'warning', 'note')
    """
    if share >= _DECIDES:
        return "error"
    return "warning" if share >= _SHOWS else "note"


def most_severe_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by severity; those of one severity keep their order.

    Parameters
    ----------
    findings : iterable of Finding
        In the order of the checks.

    Returns
    -------
    tuple of Finding

    Examples
    --------
    >>> note = Finding("order", "note", "", "", "")
    >>> error = Finding("leak", "error", "", "", "")
    >>> [finding.kind for finding in most_severe_first([note, error])]
    ['leak', 'order']
    """
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
