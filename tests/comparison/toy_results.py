"""Results of comparisons made by hand, to save, load and predict with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

import textrep
from textrep.comparison import Outcome, TemperatureScaledClassifier
from textrep.comparison.features import with_columns
from textrep.comparison.result import ComparisonResult
from textrep.comparison.split import Split
from textrep.comparison.task import Task

TEXTS = [
    *("free win call now", "win a free prize", "call to win", "free free prize now"),
    *("see you at home", "home for lunch mum", "see mum at lunch", "you at home"),
] * 3
LABELS = (["spam"] * 4 + ["ham"] * 4) * 3
PRICES = np.array(([9.0] * 4 + [1.0] * 4) * 3)
KINDS = np.array((["ad"] * 4 + ["chat"] * 4) * 3, dtype=object)


@dataclass
class Kept:
    """Fitted models by name, in place of those on the disk."""

    fitted: dict[str, Any]

    def load(self, name: str) -> Any:
        return self.fitted[name]


def make_result(
    labels: Any = LABELS, *, pipeline: Pipeline | None = None, columns: bool = False, **more: Any
) -> ComparisonResult:
    """The result of one rung, learnt from the first 16 texts and tested on the last 8."""
    further: dict[str, Any] = {}
    if columns:
        further = {"numeric": {"price": PRICES}, "categorical": {"kind": KINDS}}
    split = Split(np.arange(16), np.arange(16, 24))
    task = Task("messages", TEXTS, np.array(labels), (split,), **further)
    if pipeline is None:
        steps = [("counts", textrep.CountVectorizer()), ("classifier", LogisticRegression())]
        pipeline = Pipeline(steps)
    if columns:
        pipeline = with_columns(pipeline, 1, 1)
    model = TemperatureScaledClassifier(estimator=pipeline, random_state=0)
    model.fit(task.inputs(task.learnt), task.labels[task.learnt])
    tested = task.inputs(task.tested)
    predicted = model.predict(tested)
    outcome = Outcome(
        name="bow-logreg",
        description="word counts, logistic regression",
        status="ok",
        accuracy=float((predicted == task.truth).mean()),
        macro_f1=1.0,
        fit_seconds=0.25,
        documents_per_second=1234.0,
        accuracy_interval=(0.6756, 1.0),
        calibration_error=0.0625,
        settings={"classifier__C": 3.0},
    )
    values: dict[str, Any] = {
        "name": "messages",
        "outcomes": (outcome, Outcome("bow-nb", "word counts, naive Bayes", "failed")),
        "classes": task.classes,
        "n_train": 16,
        "n_test": 8,
        "task": task,
        "predictions_": {"bow-logreg": predicted},
        "probabilities_": {"bow-logreg": model.predict_proba(tested)},
        "settings": {"random_state": 0, "methods": ("bow-logreg", "bow-nb")},
        "versions": {"numpy": np.__version__},
        "models": Kept({"bow-logreg": model}),
    }
    return ComparisonResult(**(values | more))
