"""The whole page: valid, complete, and harmless whatever the data hold."""

from __future__ import annotations

import ast
import dataclasses
import html
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from tests.comparison.report.pages import Page
from tests.comparison.report.results import RUNGS, Shelf, made_result, made_task, outcome
from textrep.comparison.outcome import Outcome
from textrep.comparison.report import render, write_report
from textrep.comparison.split import Split
from textrep.sparse import TfidfVectorizer

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE--",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "</style></title><h1>",
    "שלום\u202e ‮ عربي",
    "nul\x00 bell\x07 escape\x1b[31m",
    "half \ud83d of a pair",
    "<!-- <![CDATA[",
    "x" * 5000,
    "",
)


def page_of(result) -> Page:
    source = render(result)
    source.encode("utf-8")
    return Page(source)


@pytest.fixture(scope="module")
def source():
    return render(made_result())


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


def test_tags_are_balanced_and_identifiers_unique(page):
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))


def test_references_within_the_page_lead_somewhere(page):
    identifiers = set(page.values("id"))
    links = {link[1:] for link in page.values("href") if link.startswith("#")}
    described = {name for value in page.values("aria-labelledby") for name in value.split()}
    assert links | described <= identifiers
    assert {"leaderboard", "rerun", "health"} <= links


def test_headings_are_in_order_and_tables_have_captions(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert page.count("table") == page.count("caption")


def test_nothing_is_asked_of_the_network(page, source):
    [policy] = [a["content"] for tag, a in page.elements if a.get("http-equiv")]
    assert policy.startswith("default-src 'none'")
    for attribute in ("src", "srcset", "data", "action", "poster"):
        assert not page.values(attribute)
    assert all(link.startswith(("#", "data:,")) for link in page.values("href"))
    assert not re.findall(r"@import|url\(|https?://", source)


def test_there_is_one_script_and_it_is_the_one_that_the_policy_allows(page):
    assert page.count("script") == 1
    assert not [name for _, a in page.elements for name in a if name.startswith("on")]


def test_figures_are_those_of_the_result(page):
    result = made_result()
    text = page.text.replace("\u00a0", " ")
    assert result.recommendation.sentence in text
    for found in result.outcomes:
        low, high = found.accuracy_interval
        assert f"{100 * found.accuracy:.1f} % {100 * low:.1f}–{100 * high:.1f}" in text
        low, high = found.macro_f1_interval
        assert f"{found.macro_f1:.3f} {low:.3f}–{high:.3f}" in text
    assert "0.430 0.800" in text  # p-value and seconds of word-svm
    assert "1.20" in text  # milliseconds of the median
    assert "1.23 MB" in text
    assert "97.5 %" in text  # English


def test_the_values_that_columns_are_sorted_by_are_those_of_the_result(page):
    values = {float(v) for v in page.values("data-value") if re.fullmatch(r"[-+\d.e]+", v)}
    for found in made_result().outcomes:
        assert {found.accuracy, found.macro_f1, found.fit_seconds} <= values
        assert {found.documents_per_second, found.model_bytes} <= values


def test_every_part_of_a_full_result_is_there(page):
    assert not [word for word in page.words if word.strip().startswith("Not ")]
    assert page.text.count("Below the axis: majority") == 3
    assert "Labels that may be wrong" in page.text
    assert "suspicions" in page.text


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"health": None}, "The data were not examined."),
        ({"probabilities_": {}}, "there are no probabilities"),
        ({"predictions_": {}}, "the predictions are not part of this result"),
        ({"label_errors": None}, "Not looked for."),
        ({"recommendation": None}, "Best of those tried: char-svm"),
        ({"interrupted": True}, "was stopped before the last method"),
        ({"task": None}, "the predictions are not part of this result"),
        ({"notes": ("Folds were made 3.",)}, "Folds were made 3."),
        ({"settings": {}, "versions": {}}, "How to run it again"),
    ],
)
def test_what_is_missing_is_said_and_the_rest_is_there(missing, said):
    found = page_of(dataclasses.replace(made_result(), **missing))
    assert said in found.text
    assert "char-svm" in found.text


def test_without_learning_curves_the_page_says_how_to_get_them():
    result = made_result(outcomes=tuple(outcome(*rung) for rung in RUNGS))
    assert "--learning-curve" in page_of(result).text


def test_rungs_without_figures_are_listed_with_their_messages():
    others = (
        Outcome("llm", "", "skipped", message="needs a server <http>"),
        Outcome("bert", "", "overran", message=""),
    )
    result = made_result()
    text = page_of(made_result(outcomes=result.outcomes + others)).text
    assert "llm skipped needs a server <http>" in text
    assert "bert overran" in text


def test_a_comparison_that_no_rung_survived_has_a_page():
    failed = (Outcome("nb", "", "failed", message="killed by signal 9"),)
    result = made_result(
        outcomes=failed, recommendation=None, predictions_={}, probabilities_={}, label_errors=None
    )
    found = page_of(result)
    assert "No method got through" in found.text
    assert "killed by signal 9" in found.text


def test_a_cross_validation_has_a_page():
    task = made_task()
    parts = np.array_split(np.arange(len(task.texts)), 3)
    splits = tuple(Split(np.setdiff1d(np.arange(len(task.texts)), part), part) for part in parts)
    found = page_of(made_result(task=dataclasses.replace(task, splits=splits)))
    assert "3 folds; every text is tested once" in found.text
    assert "Confusion matrix" in found.text


def test_one_rung_alone_has_a_page():
    result = made_result(rungs=RUNGS[-1:], recommendation=None)
    assert "fewer than two methods" in page_of(result).text


def test_perfect_answers_have_a_page():
    perfect = made_result(
        rungs=(("nb", 1.0, 0.1, 1e4), ("svm", 1.0, 0.2, 1e4)), recommendation=None
    )
    assert "nb made no mistake." in page_of(perfect).text


@pytest.mark.parametrize("classes", [HOSTILE[:2], HOSTILE])
def test_labels_and_texts_are_shown_and_never_obeyed(classes):
    task = made_task(labels=classes, texts=None)
    texts = [f"{classes[i % len(classes)]} {i}" for i in range(len(task.texts))]
    task = made_task(labels=classes, texts=texts)
    found = page_of(made_result(task=task, name=classes[0], health=None))
    assert found.count("script") == 1
    assert found.count("img") == 0
    assert found.count("h1") == 1
    assert "<script>" in found.text
    assert "49" not in found.words


def test_hostile_names_and_messages_are_shown_and_never_obeyed():
    outcomes = [
        outcome(f"r{i}", 0.9 - i / 100, notes=(text,), settings={text: text})
        for i, text in enumerate(HOSTILE)
    ]
    outcomes += [Outcome(text or "empty", text, "failed", message=text) for text in HOSTILE]
    result = made_result(
        outcomes=tuple(outcomes),
        recommendation=None,
        settings={text: text for text in HOSTILE},
        versions={text: text for text in HOSTILE},
        notes=HOSTILE,
    )
    found = page_of(result)
    assert found.count("script") == 1
    assert found.count("img") == 0


@settings(max_examples=20)
@given(st.text(st.characters(exclude_categories=[]), max_size=30))
def test_a_page_is_valid_whatever_a_text_holds(text):
    task = made_task(texts=[text] * 202)
    found = page_of(made_result(task=task, name=text, label_errors=None, health=None))
    assert found.count("script") == 1


def test_a_hundred_classes_are_cut_to_those_that_matter():
    task = made_task(labels=tuple(f"class {k}" for k in range(100)), n=1500)
    found = page_of(made_result(task=task))
    assert "20 of 100 classes" in found.text
    assert sum("class" in attrs and "matrix" in str(attrs["class"]) for _, attrs in found.elements)


@pytest.mark.parametrize("labels", [(0, 1), (True, False), (3.0, 4.0)])
def test_labels_that_are_no_text_have_a_page(labels):
    assert "Confusion matrix" in page_of(made_result(task=made_task(labels=labels))).text


def test_texts_of_a_million_characters_leave_the_page_small():
    task = made_task(texts=["long " * 200_000] * 202)
    assert len(render(made_result(task=task))) < 200_000


def test_the_call_that_is_shown_is_one_and_has_the_settings():
    settings = {"methods": ["nb", 'a"b'], "test_size": 0.25, "folds": None, "numeric": []}
    source = render(made_result(settings={**settings, "command": "textrep compare <x>"}))
    shown = re.findall("<pre[^>]*><code>(.*?)</code></pre>", source, re.DOTALL)
    command, call = (html.unescape(code) for code in shown)
    assert command == "textrep compare <x>"
    [expression] = ast.parse(call).body
    arguments = {k.arg: ast.literal_eval(k.value) for k in expression.value.keywords}
    assert arguments == {"methods": ["nb", 'a"b'], "test_size": 0.25}


def test_terms_come_from_the_rung_itself_where_it_is_linear():
    task = made_task()
    texts, labels = task.inputs(task.learnt), task.labels[task.learnt]
    model = make_pipeline(TfidfVectorizer(), LinearSVC()).fit(texts, labels)
    own = page_of(made_result(task=task, models=Shelf({"word-svm": model})))
    assert "by the weights of word-svm" in own.text
    other = page_of(made_result(task=task, models=Shelf({"nb": model})))
    assert "by the weights of nb (no model of 'word-svm' is kept)" in other.text
    assert "by word counts" in page_of(made_result(task=task)).text


def test_a_report_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    assert write_report(made_result(), path) == path
    before = path.read_bytes()
    assert before.decode("utf-8").startswith("<!DOCTYPE html>")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_report(made_result(interrupted=True), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_points_of_the_page_are_those_of_the_figures(page):
    circles = [attrs for tag, attrs in page.elements if tag == "circle"]
    assert all(np.isfinite([float(c["cx"]), float(c["cy"])]).all() for c in circles)
    assert len(circles) >= 2 * (len(RUNGS) - 1)
