"""What is measured of a rung in its process; here in this one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

import textrep
from textrep.comparison import Rung
from textrep.comparison.calibration import find_temperature
from textrep.comparison.rungs import choose_rungs
from textrep.comparison.split import Split, fold_texts
from textrep.comparison.task import Task
from textrep.comparison.workers import measuring
from textrep.comparison.workers.deadline import Deadline
from textrep.comparison.workers.jobs import MODEL, PICKLED_MODEL, Request, read_answer
from textrep.sparse import CountVectorizer, LogCountRatio

FRUIT = ["apple pie", "apple juice", "green apple", "apple tree", "sour apple", "apple cake"]
STONE = ["grey stone", "stone wall", "stone age", "rolling stone", "hot stone", "stone path"]
TEXTS = [f"{text} {extra}" for extra in ("one", "two", "three", "four") for text in FRUIT + STONE]
LABELS = np.array((["fruit"] * 6 + ["stone"] * 6) * 4)
HOLDOUT = Task("fruit", TEXTS, LABELS, (Split(np.arange(36), np.arange(36, 48)),))
FOLDS = Task("fruit", TEXTS, LABELS, fold_texts(TEXTS, LABELS, 3, np.random.default_rng(0)))
(NAIVE_BAYES,) = choose_rungs(["bow-nb"])


def measured(folder, task=HOLDOUT, rung=NAIVE_BAYES, **options):
    measuring.measure(Request("measure", rung, 0, **options), task, folder)
    return read_answer(folder)


class Counting(DummyClassifier):
    """Notes what it is asked."""

    asked: list[int] = []  # noqa: RUF012 clones share it

    def __init__(self, max_seconds=None):
        super().__init__()
        self.max_seconds = max_seconds

    def fit(self, X, y):
        self.stopped_early_ = self.max_seconds is not None
        return super().fit(X, y)

    def predict(self, X):
        Counting.asked.append(len(X))
        return super().predict(X)

    def predict_proba(self, X):
        Counting.asked.append(len(X))
        return super().predict_proba(X)


def counting(**fields) -> Rung:
    return Rung("counting", "", lambda seed: Pipeline([("c", Counting())]), **fields)


def test_a_holdout_is_predicted_as_by_the_pipeline_alone(tmp_path):
    answer = measured(tmp_path)
    pipeline = NAIVE_BAYES.factory(0).fit(TEXTS[:36], LABELS[:36])
    expected = pipeline.predict(TEXTS[36:])
    assert np.array(["fruit", "stone"])[answer.codes].tolist() == expected.tolist()
    assert answer.probabilities.shape == (12, 2)
    assert answer.probabilities.sum(axis=1) == pytest.approx(np.ones(12))
    assert answer.figures.missing == []


def test_folds_are_predicted_as_by_scikit_learns_cross_validation(tmp_path):
    answer = measured(tmp_path, FOLDS)
    splits = [(split.train, split.test) for split in FOLDS.splits]
    expected = cross_val_predict(NAIVE_BAYES.factory(0), TEXTS, LABELS, cv=splits)
    assert np.array(["fruit", "stone"])[answer.codes].tolist() == expected.tolist()


def test_a_class_that_a_fold_lacks_has_no_probability_there(tmp_path):
    texts = [*TEXTS, "odd one", "odd two"]
    labels = np.array([*LABELS, "odd", "odd"])
    # Both of the rare class are tested in the first fold, so that its model has not seen it.
    first = np.array([0, 6, 48, 49])
    rest = np.setdiff1d(np.arange(50), first)
    task = Task("fruit", texts, labels, (Split(rest, first), Split(first, rest)))
    answer = measured(tmp_path, task)
    assert answer.probabilities[first, 1].tolist() == [0, 0, 0, 0]
    assert answer.probabilities[rest, 1].min() > 0


def test_the_saved_model_answers_as_the_measured_one(tmp_path):
    answer = measured(tmp_path)
    model = textrep.load(tmp_path / MODEL)
    assert model.predict_proba(TEXTS[36:]) == pytest.approx(answer.probabilities, abs=1e-6)
    assert answer.figures.model_bytes == (tmp_path / MODEL).stat().st_size


def supervised(seed):
    """Naive Bayes weights, which are learnt from labels, before an SVM."""
    steps = [("counts", CountVectorizer()), ("ratio", LogCountRatio())]
    return Pipeline([*steps, ("svm", LinearSVC(random_state=seed))])


@pytest.mark.parametrize(
    ("rung", "n_kept"),
    [(*choose_rungs(["tfidf-svm"]), 1), (Rung("supervised", "", supervised), 0)],
    ids=["learns without labels", "learns from labels"],
)
def test_to_calibrate_what_has_seen_labels_is_fitted_anew(tmp_path, rung, n_kept):
    texts = [f"{text} {extra}" for extra in "abcdefgh" for text in FRUIT + STONE]
    # Some labels are wrong, so that there is a temperature to find.
    labels = np.where(np.arange(96) % 7 == 0, "stone", np.tile(LABELS[:12], 8))
    split = Split(np.arange(84), np.arange(84, 96))
    answer = measured(tmp_path, Task("fruit", texts, labels, (split,)), rung)
    pipeline = rung.factory(0).fit(texts[:84], labels[:84])
    learnt = pipeline[:n_kept].transform(texts[:84]) if n_kept else texts[:84]
    expected = find_temperature(
        clone(pipeline[n_kept:]), learnt, labels[:84], groups=texts[:84], random_state=0
    )
    assert expected.note == ""
    assert answer.figures.temperature == pytest.approx(expected.value)


def test_a_model_of_the_users_own_is_kept_for_the_program_that_made_it(tmp_path):
    import cloudpickle

    measured(tmp_path, rung=counting())
    model = cloudpickle.loads((tmp_path / PICKLED_MODEL).read_bytes())
    assert model.predict(["x"]).tolist() == ["fruit"]


def test_a_disk_that_is_full_costs_the_model_and_no_figure(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(measuring, "save", full)
    figures = measured(tmp_path).figures
    assert figures.notes[-1] == "the model is not kept: No space left on device"
    assert figures.missing == ["the fitted model"]
    assert figures.latencies


def test_what_costs_money_is_asked_once(tmp_path):
    Counting.asked.clear()
    answer = measured(tmp_path, rung=counting(warm_up=False, cost=lambda pipeline: 0.25))
    assert Counting.asked == [12]
    assert answer.figures.cost == 0.25
    assert answer.probabilities is None
    assert answer.figures.latencies == []


def test_the_learning_curve_ends_at_the_accuracy_on_all_texts(tmp_path):
    answer = measured(tmp_path, learning_curve=True)
    right = np.mean(np.array(["fruit", "stone"])[answer.codes] == LABELS[36:])
    # A sixteenth, an eighth and a quarter of 36 are too few to learn from.
    assert [size for size, _ in answer.figures.learning_curve] == [18, 36]
    assert answer.figures.learning_curve[-1][1] == right


def test_a_share_that_is_over_leaves_out_what_matters_least(tmp_path, monkeypatch):
    monkeypatch.setattr(Deadline, "allows", lambda self, seconds: False)
    answer = measured(tmp_path, seconds=100.0, learning_curve=True)
    assert answer.figures.fit_seconds > 0
    assert answer.figures.missing == [
        "probabilities",
        "the time of single documents",
        "the learning curve",
    ]


def test_a_rung_that_can_stop_early_is_told_its_time(tmp_path):
    answer = measured(tmp_path, rung=counting(max_seconds="c__max_seconds"), seconds=100.0)
    assert answer.figures.stopped_early
    assert not measured(tmp_path, rung=counting(max_seconds="c__max_seconds")).figures.stopped_early


def test_patience_is_no_shortage_of_time(tmp_path, monkeypatch):
    monkeypatch.setattr(Counting, "out_of_time_", False, raising=False)
    answer = measured(tmp_path, rung=counting(max_seconds="c__max_seconds"), seconds=100.0)
    assert not answer.figures.stopped_early


def test_answers_that_are_no_class_are_an_error(tmp_path):
    class Odd(DummyClassifier):
        def predict(self, X):
            return np.array(["other"] * len(X))

    rung = Rung("odd", "", lambda seed: Pipeline([("c", Odd())]))
    with pytest.raises(textrep.comparison.ComparisonError, match="'other', which is none of"):
        measured(tmp_path, rung=rung)


def test_settings_are_searched_on_the_training_part_only(tmp_path):
    seen: set[str] = set()

    class Spying(MultinomialNB):
        pass

    class Reading(textrep.CountVectorizer):
        def fit_transform(self, raw_documents, y=None):
            seen.update(raw_documents)
            return super().fit_transform(raw_documents, y)

        def transform(self, raw_documents):
            self.looked_at = list(raw_documents)
            return super().transform(raw_documents)

    rung = Rung(
        "spying",
        "",
        lambda seed: Pipeline([("counts", Reading()), ("classifier", Spying())]),
        grid={"classifier__alpha": [0.1, 1.0]},
        warm_up=False,
    )
    answer = measured(tmp_path, rung=rung, tune=True)
    assert answer.figures.settings["classifier__alpha"] in (0.1, 1.0)
    assert answer.figures.tune_seconds > 0
    assert seen <= set(TEXTS[:36])


def test_further_columns_are_learnt_from(tmp_path):
    texts = ["nothing to go by"] * 48
    size = np.where(LABELS == "fruit", 1.0, 5.0)
    task = Task("fruit", texts, LABELS, HOLDOUT.splits, {"size": size})
    (rung,) = choose_rungs(["tfidf-svm"])
    answer = measured(tmp_path, task, rung)
    assert np.array(["fruit", "stone"])[answer.codes].tolist() == LABELS[36:].tolist()


def test_topics_are_named_beside_further_columns_too(tmp_path):
    size = np.where(LABELS == "fruit", 1.0, 5.0)
    task = Task("fruit", TEXTS, LABELS, HOLDOUT.splits, {"size": size})
    (rung,) = choose_rungs(["lda-logreg"])
    answer = measured(tmp_path, task, rung)
    assert any(note.startswith("topic 1: ") for note in answer.figures.notes)


def test_refitting_learns_from_all_documents_of_a_cross_validation(tmp_path):
    measuring.refit(Request("refit", NAIVE_BAYES, 0), FOLDS, tmp_path)
    model = textrep.load(tmp_path / MODEL)
    expected = NAIVE_BAYES.factory(0).fit(TEXTS, LABELS)
    words = model.estimator_["counts"].get_feature_names_out()
    assert words.tolist() == expected["counts"].get_feature_names_out().tolist()


def test_the_peak_of_memory_is_seen_after_it_is_over(checkout):
    # Of an old process the system may take back pages meanwhile, which hides as much of a rise.
    program = (
        "import numpy as np; from textrep.comparison.workers.memory import PeakMemory; "
        "peak = PeakMemory(); held = np.ones(20_000_000); del held; print(peak.rise())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=True
    )
    rise = run.stdout.strip()
    assert rise == "None" or int(rise) > 150_000_000
