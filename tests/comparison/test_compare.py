"""`compare`, its registry and its result."""

from __future__ import annotations

import json
import pickle
import sys
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

import textrep
from textrep.comparison import RUNGS, ComparisonError, Rung, choose_rungs, compare
from textrep.comparison.workers.pool import Worker
from textrep.core.labels import LabelError
from textrep.core.text import TextInputError
from textrep.data import Corpus

FRUIT = ["apple pie", "apple juice", "green apple", "apple tree", "sour apple", "apple cake"]
STONE = ["grey stone", "stone wall", "stone age", "rolling stone", "hot stone", "stone path"]
TEXTS = [f"{text} {extra}" for extra in ("one", "two", "three") for text in FRUIT + STONE]
LABELS = (["fruit"] * 6 + ["stone"] * 6) * 3


class Stubborn(ClassifierMixin, BaseEstimator):
    """Raises in `fit`, whatever it is told to."""

    def __init__(self, error):
        self.error = error

    def fit(self, X, y):
        raise self.error


def stubborn(error: BaseException) -> Rung:
    return Rung("stubborn", "raises", lambda seed: Pipeline([("classifier", Stubborn(error))]))


def run(*methods, texts=TEXTS, labels=LABELS, **options):
    return compare(texts, labels, methods=methods or None, verbose=0, **options)


@pytest.fixture(scope="module")
def everything():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compare(TEXTS, LABELS, verbose=0, name="fruit")


def test_all_rungs_run_and_the_best_comes_first(everything):
    assert {outcome.name for outcome in everything.outcomes} == {rung.name for rung in RUNGS}
    assert [outcome for outcome in everything.outcomes if outcome.status != "ok"] == []
    accuracies = [outcome.accuracy for outcome in everything.outcomes]
    assert accuracies == sorted(accuracies, reverse=True)
    assert everything.outcomes[-1].name == "majority"
    assert everything.best_ is everything.outcomes[0]
    assert everything.best_.accuracy == 1.0


def test_the_best_pipeline_is_fitted(everything):
    assert everything.best_pipeline_.predict(["stone cold", "apple"]).tolist() == ["stone", "fruit"]


def test_the_figures_are_those_of_scikit_learn_on_the_same_split():
    result = run(
        "majority", texts=TEXTS[:9], labels=LABELS[:9], test_texts=TEXTS, test_labels=LABELS
    )
    # fruit is the majority of the nine: right for half of the test texts, F1 2/3 and 0
    assert result.best_.accuracy == 0.5
    assert result.best_.macro_f1 == pytest.approx(1 / 3)
    assert (result.n_train, result.n_test) == (9, 36)


def test_the_result_is_a_frame_records_and_json(everything):
    frame = everything.frame
    assert frame["name"].tolist() == [outcome.name for outcome in everything.outcomes]
    document = json.loads(everything.to_json())
    assert document["rungs"] == json.loads(json.dumps(everything.records))
    assert document["recommendation"]["name"] == everything.recommended_.name
    assert document["classes"] == ["fruit", "stone"]
    assert document["n_train"] + document["n_test"] == len(TEXTS)


def test_without_pandas_the_frame_points_to_the_records(everything, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install pandas.*records holds the same"):
        _ = everything.frame


def test_printing_a_result_shows_every_rung(everything):
    text = str(everything)
    assert text.startswith("fruit: ")
    assert all(rung.name in text for rung in RUNGS)


def test_a_failing_rung_is_shown_and_the_rest_go_on():
    result = run("majority", stubborn(RuntimeError("out of\nluck")), "bow-nb")
    assert [outcome.name for outcome in result.outcomes] == ["bow-nb", "majority", "stubborn"]
    failed = result.outcomes[-1]
    assert (failed.status, failed.message) == ("failed", "RuntimeError: out of")
    assert failed.accuracy is None
    assert "failed: RuntimeError: out of" in str(result)


def test_a_factory_that_raises_is_a_failing_rung_too():
    def broken(seed):
        raise MemoryError

    outcome = run(Rung("broken", "", broken), "majority").outcomes[-1]
    assert (outcome.status, outcome.message) == ("failed", "MemoryError")


def test_a_rung_that_lacks_a_package_says_what_to_install():
    rung = Rung("far", "", lambda seed: Pipeline([]), ("numpy", "no_such_pkg"), "textrep[neural]")
    outcome = run(rung, "majority").outcomes[-1]
    assert outcome.status == "skipped"
    assert outcome.message == "needs no_such_pkg: pip install textrep[neural]"
    assert Rung("far", "", rung.factory, ("no_such_pkg",)).advice().endswith("install no_such_pkg")


class Vandal(DummyClassifier):
    """Spoils whatever it is handed."""

    def fit(self, X, y):
        X.clear()
        y[:] = y[0]
        return super().fit([""], ["fruit"])

    def predict(self, X):
        count = len(X)
        X.clear()
        return np.array(["fruit"] * count)


def test_what_a_rung_does_to_its_texts_does_not_reach_the_next():
    vandal = Rung("vandal", "", lambda seed: Pipeline([("classifier", Vandal())]))
    among = run(vandal, "bow-nb")
    assert [outcome.status for outcome in among.outcomes] == ["ok", "ok"]
    assert among.outcomes[0].name == "bow-nb"
    assert among.outcomes[0].accuracy == run("bow-nb").outcomes[0].accuracy
    assert (among.n_train, among.n_test) == (run("bow-nb").n_train, run("bow-nb").n_test)


def test_a_rung_that_cannot_be_handed_to_a_process_is_a_failing_rung_too():
    lock = threading.Lock()
    held = Rung("held", "", lambda seed: Pipeline([("classifier", DummyClassifier(strategy=lock))]))
    outcome = run(held, "majority").outcomes[-1]
    assert outcome.status == "failed"
    assert "cannot be handed to a process of its own: TypeError: cannot pickle" in outcome.message


class Unsure(DummyClassifier):
    """Has no number to say how sure it is."""

    def predict_log_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


def test_a_rung_whose_scores_are_no_numbers_is_a_failing_rung_too():
    unsure = Rung("unsure", "", lambda seed: Pipeline([("classifier", Unsure())]))
    outcome = run(unsure, "majority").outcomes[-1]
    assert (outcome.name, outcome.status) == ("unsure", "failed")
    assert "score of nan" in outcome.message


def test_further_columns_come_as_a_data_frame_of_any_library():
    import pandas as pd
    import polars as pl

    accuracies = set()
    for table in (pd.DataFrame, pl.DataFrame, dict):
        result = run(
            "bow-nb",
            numeric=table({"length": [len(text) for text in TEXTS]}),
            categorical=table({"first": [text[0] for text in TEXTS]}),
        )
        accuracies.add(result.outcomes[0].accuracy)
    assert len(accuracies) == 1


def test_a_copy_of_a_result_says_that_the_models_went_with_the_original():
    result = run("bow-nb")
    copy = pickle.loads(pickle.dumps(result))
    assert copy.model("bow-nb").predict(["apple"]).item() == "fruit"
    late = pickle.loads(pickle.dumps(result))
    del result
    with pytest.raises(ComparisonError, match="'bow-nb' went with the result"):
        late.model("bow-nb")


def test_a_cache_without_room_is_done_without(monkeypatch):
    made = []
    real = Worker.__init__

    def first_is_full(self, task, folder):
        made.append(folder)
        if len(made) == 1:
            raise OSError(28, "No space left on device")
        real(self, task, folder)

    monkeypatch.setattr(Worker, "__init__", first_is_full)
    assert run("bow-nb").outcomes[0].status == "ok"
    assert not made[0].exists()


def test_no_room_anywhere_is_one_error_that_says_where(monkeypatch):
    def full(self, task, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Worker, "__init__", full)
    with pytest.raises(ComparisonError, match=r"textrep-.*: No space left on device; make room"):
        run("bow-nb")


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (Mute(), "Mute"),
        (RecursionError("a"), "RecursionError: a"),
    ],
)
def test_however_a_rung_ends_the_rest_go_on(error, message):
    result = run(stubborn(error), "majority")
    assert [outcome.status for outcome in result.outcomes] == ["ok", "failed"]
    assert result.outcomes[1].message == message


def test_a_part_of_a_package_that_is_missing_is_missing_too():
    rung = Rung("far", "", lambda seed: Pipeline([]), ("no_such_pkg.part",))
    assert run(rung, "majority").outcomes[-1].message.startswith("needs no_such_pkg.part")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, "", len), "a rung's name is 3; expected a printable str"),
        (("", "", len), "a rung's name is ''"),
        (("a\ud800", "", len), "a rung's name is "),
        (("a", "", None), "factory of rung 'a' is None; expected a function"),
        (("a", "", len, "numpy"), "requires of rung 'a' is a single str"),
    ],
)
def test_what_is_no_rung_is_refused_when_it_is_made(arguments, message):
    with pytest.raises(ComparisonError, match=message):
        Rung(*arguments)


def test_an_interrupt_keeps_what_is_done(monkeypatch):
    once = Worker.run

    def second_is_interrupted(self, folder, seconds=None, tick=None):
        if folder.name.startswith("measure-bow-logreg"):
            raise KeyboardInterrupt
        return once(self, folder, seconds)

    monkeypatch.setattr(Worker, "run", second_is_interrupted)
    result = run("bow-nb", "bow-logreg", "tfidf-svm")
    assert result.interrupted
    assert [(outcome.name, outcome.status) for outcome in result.outcomes] == [
        ("bow-nb", "ok"),
        ("bow-logreg", "interrupted"),
        ("tfidf-svm", "skipped"),
    ]
    assert result.best_pipeline_.predict(["apple"]).tolist() == ["fruit"]


def test_no_rung_that_gets_through_leaves_no_best():
    result = run(stubborn(ValueError("no")))
    assert result.best_ is None
    assert result.best_pipeline_ is None


def test_the_split_of_a_corpus_is_used():
    split = ["train"] * 20 + ["test"] * 10 + ["validation"] * 6
    result = compare(Corpus("fruit", TEXTS, LABELS, split=split), methods=["bow-nb"], verbose=0)
    assert (result.name, result.n_train, result.n_test) == ("fruit", 20, 10)


def test_a_corpus_without_a_test_part_is_split():
    corpus = Corpus("fruit", TEXTS, LABELS, split=["train"] * len(TEXTS))
    assert compare(corpus, methods=["majority"], test_size=0.5, verbose=0).n_test == 18


def test_the_seed_decides_and_other_methods_do_not_matter():
    alone = run("tfidf-svm", texts=TEXTS, random_state=1).outcomes[0]
    among = next(
        o for o in run("majority", "tfidf-svm", random_state=1).outcomes if o.name == alone.name
    )
    assert (alone.accuracy, alone.macro_f1) == (among.accuracy, among.macro_f1)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(LABELS) == "fruit",
        [LABELS.index(label) for label in LABELS],
        np.array(LABELS, dtype=object),
        np.array([LABELS.index(label) for label in LABELS], dtype=object),
        [float(LABELS.index(label)) for label in LABELS],
        [label * 1000 for label in LABELS],
    ],
    ids=["bool", "int", "object", "objects of int", "whole floats", "long"],
)
def test_labels_of_other_types_come_back_as_they_are(labels):
    result = run("majority", "bow-nb", "bow-logreg", "tfidf-svm", labels=labels)
    assert {outcome.status for outcome in result.outcomes} == {"ok"}
    answer = result.best_pipeline_.predict(["apple"])[0]
    assert answer == labels[0]
    assert isinstance(np.array(answer).item(), type(np.array(labels[0]).item()))
    json.loads(result.to_json())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": ["a"] * len(TEXTS)}, ComparisonError, "one class only, 'a'"),
        ({"labels": LABELS[:-1]}, LabelError, "35 items, but there are 36 texts"),
        ({"labels": [*LABELS[:-1], None]}, LabelError, r"labels\[35\] is None"),
        ({"labels": [*LABELS[:-1], "rare"]}, ComparisonError, "class 'rare' has 1 different text"),
        ({"labels": None}, ComparisonError, "labels is None; give one for each text"),
        ({"texts": "one text"}, TextInputError, "single str"),
        ({"texts": []}, TextInputError, "empty"),
        ({"test_size": 2}, ComparisonError, "test_size=2"),
        ({"test_texts": TEXTS}, ComparisonError, "go together"),
        (
            {"test_texts": ["x"], "test_labels": [0]},
            ComparisonError,
            "no class in common: test_labels holds 0, labels holds 'fruit', 'stone'",
        ),
        (
            {"labels": ["x" * 9999, *LABELS[1:]]},
            ComparisonError,
            "class 'xxxxxxxxxxxx...xxxxxxxxxxxxx' has 1 different text of its own",
        ),
        (
            {"labels": np.array(LABELS) == "fruit", "test_texts": ["x"], "test_labels": [1]},
            ComparisonError,
            "labels holds bool and test_labels int64; convert them to one type",
        ),
        ({"labels": [0.5, *range(1, len(TEXTS))]}, LabelError, r"labels\[0\] is 0.5"),
        ({"labels": [(label,) for label in LABELS]}, LabelError, r"labels\[0\] is \('fruit',\)"),
        ({"labels": [label.encode() for label in LABELS]}, LabelError, "bytes.*Decode it"),
        ({"labels": np.array(LABELS)[:, None]}, LabelError, "of shape"),
        ({"methods": []}, ComparisonError, "methods is empty; choose from majority"),
        ({"methods": "bow-nb"}, ComparisonError, "a list of names, got the str 'bow-nb'"),
        ({"methods": ["bow"]}, ComparisonError, "no method 'bow'; there are majority, bow-nb"),
        ({"methods": ["bow-nb", "bow-nb"]}, ComparisonError, "'bow-nb' is named twice"),
        ({"methods": 5}, ComparisonError, "methods is 5; expected a list of names"),
        ({"methods": [["bow-nb"]]}, ComparisonError, r"methods: no method \['bow-nb'\]; there are"),
        ({"test_size": "0.2"}, ComparisonError, "test_size='0.2': the share"),
        ({"test_size": None}, ComparisonError, "test_size=None: the share"),
        ({"name": 3}, ComparisonError, "name is 3; expected a str"),
        ({"random_state": -1}, ValueError, "random_state"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(options, error, message):
    arguments = {"texts": TEXTS, "labels": LABELS, "methods": ["majority"], "verbose": 0} | options
    with pytest.raises(error, match=message):
        compare(**arguments)


def test_a_corpus_brings_its_own_labels():
    with pytest.raises(ComparisonError, match="the corpus has labels of its own"):
        compare(Corpus("fruit", TEXTS, LABELS), LABELS)


def test_a_corpus_without_labels_is_one_error_that_says_why():
    corpus = Corpus("fruit", TEXTS, split=["train", "test"] * 18, notes=["each line is a text"])
    with pytest.raises(
        ComparisonError, match=r"corpus 'fruit' has no labels, .*to learn; each line is a text$"
    ):
        compare(corpus)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_every_rung_makes_pipelines_that_can_be_cloned_and_has_a_description(rung):
    pipeline = rung.factory(0)
    assert isinstance(pipeline, Pipeline)
    fitted = clone(pipeline).fit(TEXTS, LABELS)
    assert set(fitted.predict(TEXTS)) <= {"fruit", "stone"}
    assert rung.description
    assert rung.missing() == ()


def test_names_in_the_registry_are_unique_and_majority_comes_first():
    names = [rung.name for rung in choose_rungs()]
    assert len(set(names)) == len(names)
    assert isinstance(RUNGS[0].factory(0)[-1], DummyClassifier)


@pytest.mark.slow
def test_the_embedded_corpus_is_a_task_on_which_representations_differ():
    methods = ("majority", "bow-nb", "tfidf-svm")
    corpus = textrep.load_corpus("docstrings")
    result = textrep.compare(corpus, methods=methods, label_errors=False, verbose=0)
    accuracy = {outcome.name: outcome.accuracy for outcome in result.outcomes}
    assert accuracy["majority"] < 0.15
    assert 0.6 < accuracy["bow-nb"] < accuracy["tfidf-svm"]
    assert 0.75 < result.best_.accuracy < 0.95
