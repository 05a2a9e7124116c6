"""What a comparison found out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from textrep.comparison.errors import ComparisonError
from textrep.comparison.outcome import Outcome, figures
from textrep.core.messages import shown

if TYPE_CHECKING:
    import pandas as pd

    from textrep.comparison.calibration import TemperatureScaledClassifier
    from textrep.comparison.health import Health, LabelErrors
    from textrep.comparison.models import Models
    from textrep.comparison.statistics import Recommendation
    from textrep.comparison.task import Task


@dataclass(frozen=True, eq=False)
class ComparisonResult:
    """Leaderboard of a comparison, what it recommends, and what it is based on.

    Attributes
    ----------
    name : str
        Of the data set.
    outcomes : tuple of Outcome
        The best first: by the metric, then by the other figure of accuracy and macro-F1, then the
        shorter fit; after them what gave no figures, in the order it was tried.
    classes : tuple
        The labels of the training texts, sorted.
    n_train, n_test : int
        Number of texts learnt from (the mean over the folds) and tested on.
    interrupted : bool
        Whether it was stopped before the last rung.
    task : Task or None
        Documents, labels and splits.
    predictions_ : mapping of str to ndarray of shape (n_test,)
        Predicted label of each test document, in the order of ``task.tested``, by rung.
    probabilities_ : mapping of str to ndarray of shape (n_test, n_classes)
        Calibrated probabilities, columns as `classes`, by rung; a rung that has none is not there.
    health : Health or None
        What was found in the data before the first rung.
    recommendation : Recommendation or None
        The cheapest rung that is not significantly worse than the best; None when none got through.
    label_errors : LabelErrors or None
        Documents whose label looks wrong; None where that was not looked for.
    settings : mapping of str to value
        Arguments of the comparison.
    versions : mapping of str to str
        Of Python and the libraries.
    seconds : float
        Wall-clock time of all of it.
    notes : tuple of str
        What was decided on the way, one sentence each.
    models : Models or None
        The fitted models, which `model` gives out.

    Examples
    --------
    >>> found = Outcome("bow-nb", "word counts, naive Bayes", "ok", 0.9, 0.8, 0.25, 4000.0)
    >>> result = ComparisonResult("pets", (found,), ("cat", "dog"), n_train=80, n_test=20)
    >>> result.best_.name
    'bow-nb'
    >>> print(result)
    pets: 80 texts learnt from, 20 tested on
    method             accuracy  macro-F1    fit s     docs/s
    bow-nb                0.900     0.800     0.25      4,000
    """

    name: str
    outcomes: tuple[Outcome, ...]
    classes: tuple[Any, ...]
    n_train: int
    n_test: int
    interrupted: bool = False
    task: Task | None = field(default=None, repr=False)
    predictions_: Mapping[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    probabilities_: Mapping[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    health: Health | None = field(default=None, repr=False)
    recommendation: Recommendation | None = field(default=None, repr=False)
    label_errors: LabelErrors | None = field(default=None, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    versions: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=(), repr=False)
    models: Models | None = field(default=None, repr=False)

    @property
    def best_(self) -> Outcome | None:
        """The outcome at the top; None when no rung got through."""
        first = self.outcomes[0]
        return first if first.status == "ok" else None

    @property
    def recommended_(self) -> Outcome | None:
        """The outcome of the recommended rung; None when no rung got through."""
        if self.recommendation is None:
            return None
        return self.outcome(self.recommendation.name)

    @property
    def best_pipeline_(self) -> Pipeline | None:
        """Pipeline of the best rung, fitted on the training texts; None when none got through."""
        return self._pipeline(self.best_)

    @property
    def recommended_pipeline_(self) -> Pipeline | None:
        """Pipeline of the recommended rung, fitted like `best_pipeline_`."""
        return self._pipeline(self.recommended_)

    @property
    def records(self) -> list[dict[str, Any]]:
        """One dict a rung, the best first."""
        return [asdict(outcome) for outcome in self.outcomes]

    @property
    def frame(self) -> pd.DataFrame:
        """The leaderboard as a data frame with one row a rung.

        Raises
        ------
        ImportError
            When pandas is not installed; `records` holds the same.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(
                "frame needs pandas (pip install pandas); records holds the same as a list of dicts"
            ) from None
        return pd.DataFrame.from_records(self.records)

    def outcome(self, name: str) -> Outcome:
        """The outcome of a rung.

        Parameters
        ----------
        name : str
            Of the rung.

        Returns
        -------
        Outcome

        Raises
        ------
        ComparisonError
            When there is no such rung.
        """
        for outcome in self.outcomes:
            if outcome.name == name:
                return outcome
        have = ", ".join(outcome.name for outcome in self.outcomes)
        raise ComparisonError(f"no method {shown(name)} was compared; there are {have}")

    def model(self, name: str | None = None) -> TemperatureScaledClassifier:
        """A fitted model with calibrated probabilities.

        Parameters
        ----------
        name : str, optional
            Of the rung; None is the recommended one.

        Returns
        -------
        TemperatureScaledClassifier
            Fitted on the training texts; after a cross-validation on all texts. Its ``estimator_``
            is the pipeline.

        Raises
        ------
        ComparisonError
            When no rung got through or no model of this one is kept: after a cross-validation
            there are the best and the recommended one.
        """
        if name is None:
            if self.recommendation is None:
                raise ComparisonError("there is no model, since no method got through")
            name = self.recommendation.name
        self.outcome(name)
        if self.models is None:
            raise ComparisonError(f"no model of {shown(name)} is kept")
        return self.models.load(name)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write all of it as one HTML file that needs no network.

        Parameters
        ----------
        path : str or path-like
            The file to make or replace.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        OSError
            When it cannot be written; what was there before stays.
        """
        from textrep.comparison.report import write_report

        return write_report(self, path)

    def save(self, folder: str | os.PathLike[str], *, name: str | None = None) -> Path:
        """Save a model and its card to a folder; see `save_model`.

        Parameters
        ----------
        folder : str or path-like
            The folder to make, or to replace when it holds a saved model.
        name : str, optional
            Of the rung; None is the recommended one.

        Returns
        -------
        Path
            Where it is.
        """
        from textrep.comparison.saving import save_model

        return save_model(self, folder, name=name)

    def to_json(self) -> str:
        """The result as a JSON document, without documents, predictions and models.

        Returns
        -------
        str
            Object with ``name``, ``n_train``, ``n_test``, ``classes``, ``interrupted``, ``rungs``
            (the best first), ``recommendation``, ``health``, ``label_errors``, ``settings``,
            ``versions``, ``seconds`` and ``notes``.
        """
        document = {
            "name": self.name,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "classes": list(self.classes),
            "interrupted": self.interrupted,
            "rungs": self.records,
            "recommendation": None if self.recommendation is None else asdict(self.recommendation),
            "health": None if self.health is None else self.health.to_dict(),
            "label_errors": None if self.label_errors is None else self.label_errors.to_dict(),
            "settings": dict(self.settings),
            "versions": dict(self.versions),
            "seconds": self.seconds,
            "notes": list(self.notes),
        }
        # Labels may be of any type; what JSON has no notion of is written as text.
        return json.dumps(document, indent=2, ensure_ascii=False, default=str)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.n_train} texts learnt from, {self.n_test} tested on"]
        lines += [str(finding) for finding in self.health.findings] if self.health else []
        form = "{:<18}{:>9}{:>10}{:>9}{:>11}"
        lines.append(form.format("method", "accuracy", "macro-F1", "fit s", "docs/s"))
        for outcome in self.outcomes:
            cells = figures(outcome)
            if cells:
                accuracy, _, macro_f1, seconds, speed, *_ = cells
                lines.append(form.format(outcome.name, accuracy, macro_f1, seconds, speed))
            else:
                lines.append(f"{outcome.name:<18} {outcome.status}: {outcome.message}")
        if self.recommendation is not None:
            lines.append(self.recommendation.sentence)
        return "\n".join(lines)

    def _pipeline(self, outcome: Outcome | None) -> Pipeline | None:
        return None if outcome is None else self.model(outcome.name).estimator_
