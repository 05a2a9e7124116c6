"""What a distillation came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass
class DistillationReport:
    """Sizes of teacher and student, and how far they agree.

    Attributes
    ----------
    recipe : {"better", "published"}
    teacher_parameters, student_parameters : int
        Of the encoders, without heads.
    teacher_layers, student_layers : int
    copied_layers : list of int
        The teacher's layers that the student's started from; empty where they were random.
    agreement : float or None
        Share of the training texts of which both say the same; None without classes.
    history : list of dict
        Entries of both stages, each with its ``stage``; see `textrep.engine.Outcome`.

    Examples
    --------
    >>> report = DistillationReport("better", 100, 60, 4, 2, [0, 3], 0.98)
    >>> print(report)
    60 of 100 parameters (60 %), 2 of 4 layers, 98.0 % agreement
    """

    recipe: str
    teacher_parameters: int
    student_parameters: int
    teacher_layers: int
    student_layers: int
    copied_layers: list[int] = field(default_factory=list)
    agreement: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Parameters of the student divided by those of the teacher."""
        return self.student_parameters / self.teacher_parameters

    def state(self) -> dict[str, Any]:
        """The report as values that a file can hold."""
        return asdict(self)

    @classmethod
    def of(cls, student: Any) -> DistillationReport:
        """The report of what `distill` gave.

        Parameters
        ----------
        student : estimator
            Also one that was saved and loaded again.

        Raises
        ------
        ValueError
            If it is no student.
        """
        state = getattr(student, "distillation_", None)
        if not isinstance(state, dict):
            raise ValueError("this is not what textrep.distill gave: it has no distillation_")
        return cls(**state)

    def __str__(self) -> str:
        text = (
            f"{self.student_parameters:,} of {self.teacher_parameters:,} parameters "
            f"({100 * self.ratio:.0f} %), {self.student_layers} of {self.teacher_layers} layers"
        )
        return text if self.agreement is None else f"{text}, {100 * self.agreement:.1f} % agreement"


def agreement(teacher: Any, student: Any, texts: Any) -> float:
    """Share of the answers of two estimators that are the same.

    Parameters
    ----------
    teacher, student : fitted classifiers
    texts : what both predict, n_samples of it
        Of several labels a text, all must agree.
    """
    same = np.asarray(teacher.predict(texts)) == np.asarray(student.predict(texts))
    return float(same.reshape(len(same), -1).all(axis=1).mean())
