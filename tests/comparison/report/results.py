"""Results of comparisons that never took place, for the report to show."""

from __future__ import annotations

import numpy as np

from textrep.comparison.errors import ComparisonError
from textrep.comparison.health.finding import Finding
from textrep.comparison.health.label_errors import LabelErrors
from textrep.comparison.health.overview import Health
from textrep.comparison.outcome import Outcome
from textrep.comparison.result import ComparisonResult
from textrep.comparison.split import Split
from textrep.comparison.statistics.recommendation import Recommendation
from textrep.comparison.task import Task

RUNGS = (
    # name, accuracy, fit seconds, documents per second
    ("char-svm", 0.93, 9.4, 2_100.0),
    ("bigram-svm", 0.925, 2.5, 14_000.0),
    ("word-svm", 0.92, 0.8, 21_000.0),
    ("logreg", 0.915, 1.1, 22_000.0),
    ("nb", 0.88, 0.3, 25_000.0),
    ("majority", 0.2, 0.001, 900_000.0),
)


ADVICE = Recommendation(
    name="word-svm",
    best="char-svm",
    sentence="Take word-svm: it is right often enough.",
    p_value=0.43,
    p_values={"bigram-svm": 1.0, "word-svm": 0.43, "logreg": 0.01, "nb": 0.0, "majority": 0.0},
    tied=("bigram-svm", "word-svm"),
    n_documents=101,
    n_comparisons=15,
    detectable=0.08,
    level=0.05,
    uncertain=False,
)


HEALTH = Health(
    findings=(
        Finding(
            "duplicates-across-split",
            "warning",
            "12 test texts are in the training part too.",
            "The score counts memory as skill.",
            "Use --dedupe.",
        ),
    ),
    n_documents=202,
    class_counts={"train": {"ham": 50, "spam": 51}, "test": {"ham": 50, "spam": 51}},
    lengths={"words": {"train": {"shortest": 4.0, "median": 5.0, "longest": 1234.0}}},
    scripts={"Latin": 1.0},
    languages={"English": 0.975},
    n_empty=3,
    n_duplicates=12,
    n_conflicting=1,
    n_near_duplicates=4,
    seconds=0.1,
)


class Shelf:
    """Stands for the fitted models."""

    def __init__(self, models):
        self.models = models

    def load(self, name):
        if name not in self.models:
            raise ComparisonError(f"no model of {name!r} is kept")
        return self.models[name]


def outcome(name, accuracy, fit_seconds=1.0, speed=1000.0, **others) -> Outcome:
    macro_f1 = accuracy - 0.01
    figures = {
        "accuracy_interval": (max(0.0, accuracy - 0.02), min(1.0, accuracy + 0.02)),
        "macro_f1_interval": (max(0.0, macro_f1 - 0.03), min(1.0, macro_f1 + 0.03)),
        "latency_p50": 0.0012,
        "latency_p99": 0.0034,
        "model_bytes": 1_234_567,
        "peak_memory_bytes": 45_678_901,
        "calibration_error": 0.0213,
        **others,
    }
    description = f"what {name} does"
    return Outcome(
        name, description, "ok", accuracy, accuracy - 0.01, fit_seconds, speed, **figures
    )


def made_task(labels=("ham", "spam"), n=200, texts=None, seed=0) -> Task:
    """Documents of which the first half is learnt from; their texts name their labels."""
    rng = np.random.default_rng(seed)
    numbers = np.concatenate([np.arange(len(labels)), rng.integers(len(labels), size=n)])
    given = np.array(labels, dtype=object)[numbers]
    texts = texts or [f"text {i} about w{k} w{k}" for i, k in enumerate(numbers)]
    half = len(given) // 2
    split = Split(np.arange(half), np.arange(half, len(given)))
    return Task("mail", texts, given, (split,))


def answers(task, accuracy, seed=1):
    """Predictions that are right about so often, and probabilities that go with them."""
    rng = np.random.default_rng(seed)
    classes = np.array(task.classes, dtype=object)
    n = len(task.truth)
    wrong = rng.random(n) >= accuracy
    predicted = np.where(wrong, classes[rng.integers(len(classes), size=n)], task.truth)
    top = rng.uniform(0.6, 0.99, size=n)
    probabilities = np.repeat((1 - top)[:, None] / max(1, len(classes) - 1), len(classes), axis=1)
    for i, label in enumerate(predicted):
        probabilities[i, list(classes).index(label)] = top[i]
    return predicted, probabilities


def made_result(task=None, rungs=RUNGS, **others) -> ComparisonResult:
    """A result with everything in it, unless it is taken away."""
    task = task or made_task()
    curve = {"learning_curve": ((25, 0.7), (50, 0.8), (100, 0.9))}
    outcomes = tuple(outcome(*rung, **curve) for rung in rungs)
    predictions, probabilities = {}, {}
    for name, accuracy, *_ in rungs:
        predictions[name], probabilities[name] = answers(task, accuracy)
    suspicious = LabelErrors(
        estimated_count=2,
        share=0.01,
        positions=(0, 1),
        given=tuple(task.labels[:2]),
        suggested=(task.classes[0], task.classes[-1]),
        confidence=(0.98, 0.97),
        message="About 2 labels look wrong.",
    )
    parts = {
        "name": "mail",
        "outcomes": outcomes,
        "classes": task.classes,
        "n_train": len(task.learnt),
        "n_test": len(task.tested),
        "task": task,
        "predictions_": predictions,
        "probabilities_": probabilities,
        "health": HEALTH,
        "recommendation": ADVICE,
        "label_errors": suspicious,
        "settings": {"test_size": 0.2, "random_state": 0},
        "versions": {"textrep": "0.1", "python": "3.11"},
        "seconds": 12.3,
        **others,
    }
    return ComparisonResult(**parts)
