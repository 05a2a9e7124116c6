"""What is wrong with the data is named, on the screen and in the report."""

from __future__ import annotations

import csv
import html
import json
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

import textrep
from tests.comparison.health.tasks import clean_texts
from textrep.cli.app import app

METHODS = ("majority", "tfidf-svm")


class Answer(NamedTuple):
    """What `textrep compare` says."""

    printed: str
    document: dict[str, Any]
    report: str

    def finding(self, kind: str) -> dict[str, Any]:
        """The finding of a kind; its message stands in all three places."""
        (found,) = [one for one in self.document["health"]["findings"] if one["kind"] == kind]
        assert squeezed(found["message"]) in self.printed
        assert squeezed(found["message"]) in self.report
        return found


def squeezed(text: str) -> str:
    """Text whose lines may have been broken anywhere between words."""
    return " ".join(text.split())


def write(path, texts, labels, **columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", *columns])
        writer.writerows(zip(texts, labels, *columns.values(), strict=True))
    return path


@pytest.fixture
def compared(tmp_path):
    """Texts, labels and columns of one table, or of two, as the command line compares them."""

    def run(learnt, tested=None, *options: str, columns=None) -> Answer:
        data = write(tmp_path / "data.csv", *learnt, **(columns or {}))
        arguments = [str(data), "--methods", ",".join(METHODS), "--quiet", *options]
        if tested is not None:
            arguments += ["--test", str(write(tmp_path / "test.csv", *tested))]
        report, document = tmp_path / "report.html", tmp_path / "result.json"
        arguments += ["--report", str(report), "--json", str(document)]
        answer = CliRunner().invoke(app, ["compare", *arguments])
        assert answer.exit_code == 0, answer.output
        page = html.unescape(re.sub("<[^>]*>", "", report.read_text(encoding="utf-8")))
        return Answer(squeezed(answer.stdout), json.loads(document.read_text()), squeezed(page))

    return run


def test_clean_data_are_not_remarked_upon(compared):
    answer = compared(clean_texts(1000))
    assert answer.document["health"]["findings"] == []
    assert answer.document["label_errors"]["estimated_count"] == 0
    assert "warning:" not in answer.printed
    assert "error:" not in answer.printed


def test_test_texts_that_are_learnt_from_are_counted(compared):
    (texts, labels), (more, others) = clean_texts(600), clean_texts(400, seed=1)
    copied = [*texts[:30], *more[30:]], [*labels[:30], *others[30:]]
    found = compared((texts, labels), copied).finding("duplicates-across-split")
    assert found["severity"] == "error"
    assert found["message"].startswith("30 of the 400 test texts (7.5 %) are also among")


def test_a_column_that_gives_the_label_away_is_an_error_where_it_is_used(compared):
    texts, labels = clean_texts(600)
    desk = [f"{label}-desk" for label in labels]
    answer = compared((texts, labels), None, "--categorical", "desk", columns={"desk": desk})
    found = answer.finding("leaking-column")
    assert found["severity"] == "error"
    assert found["message"].startswith("The column 'desk' alone gives the class of 100 %")


@pytest.mark.parametrize("own_test_table", [False, True], ids=["one table", "two tables"])
def test_a_column_that_gives_the_label_away_is_warned_of_before_it_is_used(
    compared, own_test_table
):
    texts, labels = clean_texts(600)
    desk = [f"{label}-desk" for label in labels]
    tested = clean_texts(400, seed=1) if own_test_table else None
    found = compared((texts, labels), tested, columns={"desk": desk})
    assert "'desk'" in found.finding("leaking-unused-column")["message"]


def test_a_class_that_is_tested_but_not_learnt_is_named(compared):
    more, others = clean_texts(400, seed=1)
    others[:20] = "music"
    found = compared(clean_texts(600), (more, others)).finding("class-without-training-texts")
    assert found["severity"] == "error"
    assert found["message"].startswith("The training part has no text of class 'music'")


def test_a_class_that_is_learnt_but_not_tested_is_named(compared):
    texts, labels = clean_texts(600)
    labels[:20] = "music"
    answer = compared((texts, labels), clean_texts(400, seed=1))
    found = answer.finding("class-without-test-texts")
    assert found["message"].startswith("The test part has no text of class 'music'")


def test_one_percent_of_shuffled_labels_is_estimated_and_the_documents_named(compared):
    texts, labels = clean_texts(2000)
    shuffled = np.random.default_rng(0).choice(len(texts), 20, replace=False)
    labels[shuffled] = np.where(labels[shuffled] == "law", "sport", "law")
    answer = compared((texts, labels))
    doubted = answer.document["label_errors"]
    assert abs(doubted["estimated_count"] - 20) <= 4
    assert len(set(doubted["positions"]) & set(shuffled.tolist())) >= 18
    assert len(set(doubted["positions"]) - set(shuffled.tolist())) <= 2
    assert squeezed(doubted["message"]) in answer.printed
    assert squeezed(doubted["message"]) in answer.report
    assert " ".join(texts[doubted["positions"][0]].split()[:5]) in answer.report


def test_a_comparison_in_python_says_the_same():
    (texts, labels), (more, others) = clean_texts(600), clean_texts(400, seed=1)
    result = textrep.compare(
        texts,
        labels,
        test_texts=[*texts[:30], *more[30:]],
        test_labels=[*labels[:30], *others[30:]],
        methods=METHODS,
        verbose=0,
    )
    (found,) = result.health.findings
    assert found.kind == "duplicates-across-split"
    assert found.message in str(result)
