"""What tests of word vectors give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SYNTACTIC = "gram"
"""How the names of the syntactic sections of questions-words.txt begin."""


@dataclass(frozen=True)
class AnalogySection:
    """How one section of analogy questions was answered.

    Parameters
    ----------
    name : str
    n_correct : int
    n_questions : int
        Questions asked: those with an unknown word are not.
    n_unknown : int
        Questions left out because a word is not in the vocabulary.

    Examples
    --------
    >>> AnalogySection("capitals", n_correct=3, n_questions=4, n_unknown=1).accuracy
    0.75
    """

    name: str
    n_correct: int
    n_questions: int
    n_unknown: int

    @property
    def accuracy(self) -> float:
        """Share of the questions asked that were answered right, 0 to 1; NaN where none was."""
        return self.n_correct / self.n_questions if self.n_questions else float("nan")


@dataclass(frozen=True, repr=False)
class AnalogyScores:
    """How analogy questions were answered.

    Parameters
    ----------
    sections : tuple of AnalogySection
        In the order of the questions.

    Examples
    --------
    >>> AnalogyScores((AnalogySection("capitals", 3, 4, 1), AnalogySection("gram1", 1, 6, 0)))
    <AnalogyScores: 40.0 % of 10 questions, 1 with unknown words left out
      capitals   75.0 %  3 of 4, 1 unknown
      gram1      16.7 %  1 of 6>
    """

    sections: tuple[AnalogySection, ...]

    @property
    def total(self) -> AnalogySection:
        """All sections together."""
        return _sum("total", self.sections)

    @property
    def semantic(self) -> AnalogySection:
        """The sections about meaning: those whose names do not begin with "gram"."""
        return _sum("semantic", [s for s in self.sections if not s.name.startswith(_SYNTACTIC)])

    @property
    def syntactic(self) -> AnalogySection:
        """The sections about grammar: those whose names begin with "gram"."""
        return _sum("syntactic", [s for s in self.sections if s.name.startswith(_SYNTACTIC)])

    @property
    def accuracy(self) -> float:
        """Share of all questions asked that were answered right, 0 to 1; NaN where none was."""
        return self.total.accuracy

    def __repr__(self) -> str:
        total = self.total
        head = f"{100 * total.accuracy:.1f} % of {total.n_questions:,} questions"
        if total.n_unknown:
            head += f", {total.n_unknown:,} with unknown words left out"
        width = max((len(section.name) for section in self.sections), default=0)
        lines = [f"<AnalogyScores: {head}"]
        for section in self.sections:
            unknown = f", {section.n_unknown:,} unknown" if section.n_unknown else ""
            lines.append(
                f"  {section.name:{width}} {100 * section.accuracy:6.1f} %  "
                f"{section.n_correct:,} of {section.n_questions:,}{unknown}"
            )
        return "\n".join(lines) + ">"


@dataclass(frozen=True, repr=False)
class SimilarityScore:
    """How cosines agree with human judgements.

    Parameters
    ----------
    spearman : float
        Rank correlation, -1 to 1; NaN where fewer than two pairs were used or all are alike.
    pearson : float
        Linear correlation, likewise.
    n_pairs : int
        Pairs used.
    n_unknown : int
        Pairs left out because a word is not in the vocabulary.

    Examples
    --------
    >>> SimilarityScore(spearman=0.6931, pearson=0.61, n_pairs=351, n_unknown=2)
    <SimilarityScore: Spearman 0.693 on 351 pairs, 2 with unknown words left out>
    """

    spearman: float
    pearson: float
    n_pairs: int
    n_unknown: int

    def __repr__(self) -> str:
        unknown = f", {self.n_unknown:,} with unknown words left out" if self.n_unknown else ""
        return f"<SimilarityScore: Spearman {self.spearman:.3f} on {self.n_pairs:,} pairs{unknown}>"


def _sum(name: str, sections: Iterable[AnalogySection]) -> AnalogySection:
    kept = list(sections)
    return AnalogySection(
        name,
        n_correct=sum(section.n_correct for section in kept),
        n_questions=sum(section.n_questions for section in kept),
        n_unknown=sum(section.n_unknown for section in kept),
    )
