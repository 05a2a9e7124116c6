"""`tune`: what it sees, what it takes, and what it does when time or texts are short."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline

from textrep.comparison import RUNGS, ComparisonError, searching, tuning
from textrep.comparison.split import fold_texts
from textrep.comparison.tuning import candidates, tune
from textrep.core.random import streams
from textrep.sparse import CountVectorizer

WORDS = "apple pear plum fig date lime".split()
TEXTS = [f"{word} {i}{word[0]} {'sweet' if i % 3 else 'sour'}" for i in range(8) for word in WORDS]
LABELS = np.array(["round" if i % 3 else "sour" for i in range(8) for _ in WORDS])


def bow() -> Pipeline:
    return Pipeline([("counts", CountVectorizer()), ("classifier", MultinomialNB())])


class Oracle(ClassifierMixin, BaseEstimator):
    """Right on all texts, which are numbers, but those from `wrong[0]` to before `wrong[1]`."""

    def __init__(self, wrong=(0, 0), fails=False):
        self.wrong = wrong
        self.fails = fails

    def fit(self, X, y):
        if self.fails:
            raise RuntimeError("no\nluck")
        return self

    def predict(self, X):
        first, end = self.wrong
        return np.array([(int(text) % 2 == 0) != (first <= int(text) < end) for text in X])


NUMBERS = [str(i) for i in range(200)]
EVEN = np.array([i % 2 == 0 for i in range(200)])


def oracle(**parameters) -> Pipeline:
    return Pipeline([("classifier", Oracle(**parameters))])


class Spy(TransformerMixin, BaseEstimator):
    """Passes texts on and remembers, for the whole class, what it was given."""

    learnt: ClassVar[list] = []
    seen: ClassVar[list] = []

    def __init__(self, setting=0):
        self.setting = setting

    def fit(self, X, y=None):
        Spy.learnt.append((self.setting, tuple(X)))
        return self

    def transform(self, X):
        Spy.seen.append((self.setting, tuple(X)))
        return X


@pytest.fixture
def spy():
    Spy.learnt, Spy.seen = [], []
    return Spy


def test_scores_are_those_of_cross_validation_on_the_same_folds():
    grid = {"counts__binary": (False, True), "classifier__alpha": (0.1, 10.0)}
    found = tune(bow(), grid, TEXTS, LABELS, random_state=3)
    folds = fold_texts(TEXTS, LABELS, 3, streams(3, ["folds"])["folds"])
    for trial in found.tried:
        pipeline = bow().set_params(**trial.settings)
        right = cross_val_score(pipeline, TEXTS, LABELS, cv=list(folds)) @ [
            len(fold.test) for fold in folds
        ]
        assert trial.score == pytest.approx(right / len(TEXTS))
    assert len(found.tried) == 5  # alpha=1, the default, is not in the grid
    assert found.complete


def test_each_fold_is_held_out_from_what_is_learnt_and_features_are_made_once(spy):
    pipeline = Pipeline([("spy", Spy()), *bow().steps])
    texts = TEXTS + TEXTS[:10]  # equal texts
    labels = np.concatenate([LABELS, LABELS[:10]])
    grid = {"spy__setting": (0, 1), "classifier__alpha": (0.1, 1.0, 10.0)}
    tune(pipeline, grid, texts, labels, n_folds=3)
    assert len(spy.learnt) == 2 * 3  # settings of the front, folds; three classifiers share them
    held_out = [part for setting, part in spy.seen if setting == 0][1::2]
    assert sorted(text for part in held_out for text in part) == sorted(texts)
    for (_, learnt), part in zip(spy.learnt[:3], held_out, strict=True):
        assert not set(learnt) & set(part)


def test_no_text_but_the_training_texts_is_seen(spy):
    pipeline = Pipeline([("spy", Spy()), *bow().steps])
    tune(pipeline, {"classifier__alpha": (0.1, 1.0)}, TEXTS[:30], LABELS[:30])
    seen = {text for _, part in spy.learnt + spy.seen for text in part}
    assert seen == set(TEXTS[:30])


@pytest.mark.parametrize(("end", "taken"), [(22, (10, 22)), (26, (0, 10))])
def test_the_cheapest_within_a_standard_error_of_the_best_is_taken(end, taken):
    # The best is right where the other is wrong, on 10 texts against 12 or 16: 2 texts of
    # difference have the standard error sqrt(22) = 4.7, and 6 that of sqrt(26) = 5.1.
    grid = {"classifier__wrong": ((0, 100), (10, end), (0, 10))}
    found = tune(oracle(wrong=(0, 10)), grid, NUMBERS, EVEN)
    assert found.settings == {"classifier__wrong": taken}


def test_the_default_is_tried_though_the_grid_lacks_it():
    grid = {"classifier__wrong": ((0, 100), (0, 90))}
    found = tune(oracle(), grid, NUMBERS, EVEN)
    assert found.settings == {"classifier__wrong": (0, 0)}
    assert found.score == 1.0


def test_a_candidate_that_fails_is_passed_over_with_a_note():
    grid = {"classifier__fails": (True, False), "classifier__wrong": ((0, 100), (0, 0))}
    found = tune(oracle(), grid, NUMBERS, EVEN)
    assert found.settings == {"classifier__fails": False, "classifier__wrong": (0, 0)}
    assert "fails=True wrong=(0, 100) failed: RuntimeError: no" in found.notes
    assert len(found.tried) == 2


def test_when_all_fail_the_default_is_left():
    grid = {"classifier__wrong": ((0, 100), (0, 0))}
    found = tune(oracle(fails=True), grid, NUMBERS, EVEN)
    assert (found.settings, found.score, found.tried) == ({"classifier__wrong": (0, 0)}, None, ())
    assert len(found.notes) == 2


class Slow(Oracle):
    """A second passes on its clock whenever it learns."""

    seconds: ClassVar[int] = 0

    def fit(self, X, y):
        Slow.seconds += 1
        return super().fit(X, y)


def test_what_is_tried_when_time_is_up_counts_and_the_default_comes_first(monkeypatch):
    Slow.seconds = 0
    for module in (tuning, searching):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: Slow.seconds))
    grid = {"classifier__wrong": ((0, 150), (0, 140), (0, 100), (0, 0))}
    pipeline = Pipeline([("classifier", Slow(wrong=(0, 100)))])
    # Three folds for the default, three for the first, and one more that is not enough.
    found = tune(pipeline, grid, NUMBERS, EVEN, max_seconds=6.5)
    assert [trial.settings["classifier__wrong"] for trial in found.tried] == [(0, 150), (0, 100)]
    assert found.settings == {"classifier__wrong": (0, 100)}
    assert not found.complete
    assert found.seconds == 7


def test_without_any_time_the_default_is_left():
    found = tune(bow(), {"classifier__alpha": (0.1, 1.0)}, TEXTS, LABELS, max_seconds=0)
    assert (found.settings, found.score, found.complete) == (
        {"classifier__alpha": 1.0},
        None,
        False,
    )


class Timed(Oracle):
    """Remembers how long it was told that it may learn."""

    told: ClassVar[list] = []

    def __init__(self, wrong=(0, 0), fails=False, max_seconds=None):
        super().__init__(wrong, fails)
        self.max_seconds = max_seconds

    def fit(self, X, y):
        Timed.told.append(self.max_seconds)
        return super().fit(X, y)


def test_a_model_that_can_stop_early_is_told_what_is_left():
    Timed.told = []
    pipeline = Pipeline([("classifier", Timed())])
    found = tune(
        pipeline,
        {"classifier__wrong": ((0, 100), (0, 0))},
        NUMBERS,
        EVEN,
        max_seconds=1000.0,
        time_parameter="classifier__max_seconds",
    )
    assert len(Timed.told) == 2 * 3
    assert all(0 < seconds < 1000 for seconds in Timed.told)
    assert Timed.told == sorted(Timed.told, reverse=True)
    assert found.pipeline["classifier"].max_seconds is None


def test_classes_too_small_for_the_folds_are_left_out_of_the_search(spy):
    texts = [*TEXTS, "rare one", "rare two", "rare two"]
    labels = np.array([*LABELS, "rare", "rare", "rare"])
    pipeline = Pipeline([("spy", Spy()), *bow().steps])
    assert tune(pipeline, {"classifier__alpha": (0.1, 1.0)}, texts, labels).score is not None
    assert not any("rare" in text for _, part in spy.learnt for text in part)


def test_too_few_texts_leave_the_default_and_say_so():
    labels = np.array(["a", "a", "b", "b", "b"])
    found = tune(bow(), {"classifier__alpha": (0.1, 1.0)}, ["x", "x", "y", "z", "w"], labels)
    assert found.settings == {"classifier__alpha": 1.0}
    assert found.notes == ("not tuned: fewer than two classes have 3 different texts",)


def test_of_many_texts_some_are_drawn(spy):
    pipeline = Pipeline([("spy", Spy()), *bow().steps])
    tune(pipeline, {"classifier__alpha": (0.1, 1.0)}, TEXTS, LABELS, max_documents=30)
    assert len({text for _, part in spy.learnt for text in part}) == 30


def test_the_pipeline_given_is_left_as_it_is():
    pipeline = bow()
    before = repr(pipeline["classifier"])
    found = tune(pipeline, {"classifier__alpha": (5.0, 7.0)}, TEXTS, LABELS)
    assert repr(pipeline["classifier"]) == before
    assert not hasattr(pipeline["counts"], "vocabulary_")
    assert not hasattr(found.pipeline["counts"], "vocabulary_")
    assert found.pipeline["classifier"].alpha == found.settings["classifier__alpha"]


def test_the_same_seed_gives_the_same_search():
    grid = {"counts__binary": (False, True), "classifier__alpha": (0.01, 1.0)}
    first, again = (tune(bow(), grid, TEXTS, LABELS, random_state=5) for _ in range(2))
    assert [trial[:2] for trial in first.tried] == [trial[:2] for trial in again.tried]


def test_an_unknown_parameter_is_named():
    with pytest.raises(
        ComparisonError, match=r"no parameter 'tfidf__min_df'; its steps are counts"
    ):
        tune(bow(), {"tfidf__min_df": (1, 2)}, TEXTS, LABELS)


def test_candidates_vary_the_last_parameter_the_fastest():
    found = candidates({"a": (1, 2), "b": ("x", "y")}, {"a": 2, "b": "x"})
    assert found == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


TUNABLE = [rung for rung in RUNGS if rung.grid]


@pytest.mark.parametrize("rung", TUNABLE, ids=lambda rung: rung.name)
def test_every_grid_is_small_holds_the_default_and_can_be_written_as_json(rung):
    parameters = rung.factory(0).get_params()
    default = {name: parameters[name] for name in rung.grid}
    found = candidates(rung.grid, default)
    assert len(found) == np.prod([len(values) for values in rung.grid.values()]) <= 12
    assert json.loads(json.dumps(found)) == found


@pytest.mark.slow
@pytest.mark.parametrize("rung", TUNABLE, ids=lambda rung: rung.name)
def test_every_rung_can_be_tuned(rung):
    found = tune(rung.factory(0), rung.grid, TEXTS, LABELS, time_parameter=rung.max_seconds)
    assert found.notes == ()
    assert found.complete
    assert found.pipeline.fit(TEXTS, LABELS).predict(TEXTS).shape == LABELS.shape
