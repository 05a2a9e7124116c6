"""The documents that a report quotes."""

from __future__ import annotations

import numpy as np

from tests.comparison.report.results import answers, made_task
from textrep.comparison.report.mistakes import confident_mistakes, suspicions


def test_mistakes_are_wrong_answers_and_the_surest_come_first():
    task = made_task()
    predicted, probabilities = answers(task, 0.8)
    found = confident_mistakes(task, predicted, probabilities, n=1000)
    confidence = probabilities.max(axis=1)
    wrong = [i for i in range(len(predicted)) if predicted[i] != task.truth[i]]
    wrong.sort(key=lambda i: -confidence[i])
    assert [one.origin for one in found] == [task.origin(task.tested[i]) for i in wrong]
    assert [one.probability for one in found] == [confidence[i] for i in wrong]
    assert all(one.given != one.other for one in found)


def test_without_probabilities_mistakes_come_in_the_order_of_the_documents():
    task = made_task()
    predicted, _ = answers(task, 0.8)
    found = confident_mistakes(task, predicted, None)
    first = [i for i in range(len(predicted)) if predicted[i] != task.truth[i]][: len(found)]
    assert [one.origin for one in found] == [task.origin(task.tested[i]) for i in first]
    assert {one.probability for one in found} == {None}


def test_a_long_text_is_cut_in_its_middle():
    texts = ["start " + "word " * 200_000 + "end"] * 202
    task = made_task(texts=texts)
    predicted = np.where(task.truth == "ham", "spam", "ham")
    [first, *_] = confident_mistakes(task, predicted, None)
    assert first.text.startswith("start word")
    assert first.text.endswith("word end")
    assert len(first.text) <= 301


def test_suspicions_keep_the_order_given_and_stop_at_n():
    task = made_task()
    found = suspicions(task, [5, 3, 8], ["ham", "spam", "ham"], [0.99, 0.98, 0.97], n=2)
    assert [one.origin for one in found] == ["document 5", "document 3"]
    assert [one.probability for one in found] == [0.99, 0.98]
    assert [one.given for one in found] == [str(task.labels[5]), str(task.labels[3])]
