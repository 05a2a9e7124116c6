"""Every planted defect is found and named, and clean data are left in peace."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.comparison.health.tasks import clean_texts, folded, sentence, task_of
from textrep.comparison.health import examine


def findings_of(task):
    return {finding.kind: finding for finding in examine(task).findings}


def test_clean_data_have_neither_error_nor_warning_nor_note():
    health = examine(task_of(*clean_texts()))
    assert health.findings == ()
    assert health.clean
    assert str(health) == "health: nothing to remark"


def test_clean_folds_have_no_finding_either():
    assert examine(folded(*clean_texts())).findings == ()


def test_duplicates_across_the_split_are_counted_and_placed():
    texts, labels = clean_texts()
    texts[400:412] = texts[:12]
    labels[400:412] = labels[:12]
    texts[412], labels[412] = texts[12].upper() + " ", labels[12]
    found = findings_of(task_of(texts, labels))["duplicates-across-split"]
    assert found.severity == "error"
    assert found.positions == tuple(range(400, 413))
    assert found.message == (
        "13 of the 200 test texts (6.5 %) are also among the training texts, 12 letter for letter "
        "and 1 but for case, white space or Unicode form: document 400, document 401, document 402 "
        "and 10 more."
    )
    assert "up to 6.5 % of the test texts are answered by heart" in found.effect
    assert found.fixed_by_dedupe


def test_a_single_duplicate_among_many_is_no_more_than_a_note():
    texts, labels = clean_texts(6000)
    texts[-1], labels[-1] = texts[0], labels[0]
    found = findings_of(task_of(texts, labels, n_test=2000))
    assert found["duplicates-across-split"].severity == "note"


def test_folds_count_copies_in_other_folds():
    texts, labels = clean_texts()
    texts[1], labels[1] = texts[0], labels[0]
    texts[6], labels[6] = texts[2], labels[2]  # in the same fold
    found = findings_of(folded(texts, labels))
    assert found["duplicates-across-split"].positions == (0, 1)
    assert found["duplicates-in-all"].positions == (1, 6)


def test_near_duplicates_across_the_split_are_found_long_and_short():
    texts, labels = clean_texts()
    long = " ".join(f"word{i}" for i in range(100))
    texts[0], texts[500] = long, long.replace("word50", "other")
    texts[1], texts[501] = (
        "please call our main office today",
        "please call our main office today!!",
    )
    labels[[500, 501]] = labels[[0, 1]]
    found = findings_of(task_of(texts, labels))["near-duplicates-across-split"]
    assert found.positions == (500, 501)
    assert "document 500, document 501; the first is close to document 0" in found.message


def test_an_empty_class_of_the_training_part_is_named_with_what_it_costs():
    texts, labels = clean_texts()
    labels = labels.astype(object)
    labels[590:] = "tax"
    found = findings_of(task_of(texts, labels.astype(str)))["class-without-training-texts"]
    assert found.severity == "error"
    assert "no text of class 'tax', the test part 10 texts: document 590" in found.message
    assert "accuracy ends at 95 % and macro-F1 at 66.7 %" in found.effect


def test_an_empty_class_of_the_test_part_is_named():
    texts, labels = clean_texts()
    labels = labels.astype(object)
    labels[:12] = "tax"
    found = findings_of(task_of(texts, labels.astype(str)))["class-without-test-texts"]
    assert found.positions == tuple(range(12))
    assert "no text of class 'tax'" in found.message


def test_a_tiny_class_is_named_with_its_number():
    texts, labels = clean_texts()
    labels = labels.astype(object)
    labels[[0, 1, 2, 599]] = "tax"
    found = findings_of(task_of(texts, labels.astype(str)))["tiny-classes"]
    assert "1 class has fewer than 10 training texts: 'tax'; 'tax' has 3." in found.message


def test_labels_that_differ_in_case_only_are_taken_for_one_mistyped():
    texts, labels = clean_texts()
    labels[::2] = np.char.upper(labels[::2])
    assert findings_of(task_of(texts, labels))["classes-spelt-alike"].severity == "error"


def test_a_dominating_class_is_compared_with_answering_it_always():
    rng = np.random.default_rng(0)
    labels = np.array(["law"] * 9 + ["sport"])[np.arange(600) % 10]
    found = findings_of(task_of([sentence(rng, label) for label in labels], labels))
    assert "Answering 'law' always is 90 % accurate" in found["imbalanced-classes"].effect


def test_conflicting_labels_put_a_ceiling_on_accuracy():
    texts, labels = clean_texts()
    texts[400:404] = ["the same words"] * 4
    labels[400:404] = "law", "law", "law", "sport"
    found = findings_of(task_of(texts, labels))["conflicting-labels"]
    assert found.positions == (400, 401, 402, 403)
    assert "the first is given as 'law', 'sport'" in found.message
    assert "above 99.5 %" in found.effect  # 199 of 200


def test_empty_texts_are_found_and_those_tested_counted():
    texts, labels = clean_texts()
    texts[0], texts[400], texts[401] = "", " \n\t", " "
    found = findings_of(task_of(texts, labels))
    assert found["empty-texts"].positions == (0, 400, 401)
    assert "1 % of the test texts are guessed" in found["empty-texts"].effect
    assert not {"duplicates-across-split", "conflicting-labels"} & set(found)


def test_a_leaking_category_is_an_error_if_used_and_a_note_if_not():
    texts, labels = clean_texts()
    desk = np.where(labels == "law", "desk 7", "desk 9").astype(object)
    used = findings_of(task_of(texts, labels, categorical={"desk": desk}))["leaking-column"]
    assert used.severity == "error"
    assert "'desk' alone gives the class of 100 % of the documents" in used.message
    unused = findings_of(task_of(texts, labels, unused={"desk": desk}))
    assert unused["leaking-unused-column"].severity == "note"


def test_an_identifier_that_rises_with_the_class_leaks():
    texts, labels = clean_texts()
    number = np.where(labels == "law", 1_000.0, 9_000.0) + np.arange(600)
    found = findings_of(task_of(texts, labels, numeric={"id": number}))
    assert "'id'" in found["leaking-column"].message


@pytest.mark.parametrize("seed", range(3))
def test_columns_that_know_something_or_nothing_do_not_leak(seed):
    texts, labels = clean_texts(seed=seed)
    rng = np.random.default_rng(seed)
    helpful = (labels == "law") + rng.normal(0, 0.5, 600)
    chance = rng.integers(600, size=600).astype(str).astype(object)
    unused = {
        name: np.fromiter(values, dtype=object, count=600)
        for name, values in {
            "each": (f"row {i}" for i in range(600)),
            "none": [None] * 600,
            "mixed": [[], {}, 1] * 200,
        }.items()
    }
    used = {"numeric": {"helpful": helpful}, "categorical": {"chance": chance}}
    assert not findings_of(task_of(texts, labels, **used, unused=unused))


def test_a_word_that_gives_a_class_away_is_named():
    texts, labels = clean_texts()
    marked = [
        f"__label__{label} {text}" if label == "law" else text
        for text, label in zip(texts, labels, strict=True)
    ]
    found = findings_of(task_of(marked, labels))["leaking-word"]
    assert "class 'law' away: '__label__law'; the first is in 100 %" in found.message


def test_the_name_of_a_class_gives_it_away_from_half_of_its_texts_on():
    texts, labels = clean_texts()
    named = [
        f"{text} sport" if label == "sport" and i % 3 else text
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    assert "'sport'" in findings_of(task_of(named, labels))["leaking-word"].message


def test_mixed_scripts_are_named_with_their_shares():
    texts, labels = clean_texts()
    texts[::4] = [f"суд и матч номер {i}" for i in range(150)]
    found = findings_of(task_of(texts, labels))["mixed-scripts"]
    assert "2 scripts: Latin (75 %), Cyrillic (25 %)" in found.message


def test_a_script_without_spaces_is_named():
    texts, labels = clean_texts()
    rng = np.random.default_rng(0)
    texts = ["".join(chr(0x4E00 + c) for c in rng.integers(2000, size=30)) for _ in texts]
    assert "mostly Han" in findings_of(task_of(texts, labels))["unspaced-script"].message


def test_a_script_of_the_test_part_alone_is_drift():
    texts, labels = clean_texts()
    texts[400:440] = [f"δίκη και αγώνας {i}" for i in range(40)]
    found = findings_of(task_of(texts, labels))["script-drift"]
    assert "20 % of the test texts are in Greek script, but 0 %" in found.message


def test_two_languages_are_told_by_their_stop_words(monkeypatch):
    from textrep.comparison.health import languages
    from textrep.preprocess import stop_words

    german = stop_words("der die und das nicht".split())
    lists = {"english": stop_words("english"), "german": german}
    monkeypatch.setattr(languages, "_available", lambda: lists)
    texts, labels = clean_texts()
    texts[::3] = [f"der Richter und die Klage {i} das ist nicht gut" for i in range(200)]
    found = findings_of(task_of(texts, labels))["mixed-languages"]
    assert "probably in 2 languages: English (66.7 %), German (33.3 %)" in found.message


def test_texts_cut_at_a_limit_are_found():
    texts, labels = clean_texts()
    cut = [text[:112] for text in texts]
    n_cut = sum(len(text) == 112 for text in cut)
    found = findings_of(task_of(cut, labels))["truncated-texts"]
    assert found.message.startswith(f"{n_cut} of the 600 texts")
    assert "exactly 112 characters, and none has more" in found.message


def test_longer_test_texts_are_drift():
    texts, labels = clean_texts()
    texts[400:] = [f"{text} {other}" for text, other in zip(texts[400:], texts[200:], strict=False)]
    assert "length-drift" in findings_of(task_of(texts, labels))


def test_other_shares_of_the_classes_in_the_test_part_are_drift():
    rng = np.random.default_rng(0)
    labels = np.array(["law", "sport"] * 200 + ["law"] * 150 + ["sport"] * 50)
    found = findings_of(task_of([sentence(rng, label) for label in labels], labels))
    assert (
        "'law' has 75 % of its texts and 50 % of the training texts" in found["class-drift"].message
    )


def test_few_test_texts_are_said_to_tell_little():
    texts, labels = clean_texts(120)
    found = findings_of(task_of(texts, labels, n_test=40))["few-test-texts"]
    assert "uncertain by 11 points" in found.effect  # 1.96 * sqrt(0.85 * 0.15 / 40)


def test_documents_sorted_by_class_are_a_note():
    texts, labels = clean_texts()
    order = np.argsort(labels[:400], kind="stable")
    texts[:400] = [texts[i] for i in order]
    labels[:400] = labels[:400][order]
    assert findings_of(task_of(texts, labels))["sorted-by-class"].severity == "note"


def test_findings_come_the_most_severe_first():
    texts, labels = clean_texts(120)
    texts[80:100] = texts[:20]
    texts[101] = texts[102] = ""
    severities = [finding.severity for finding in examine(task_of(texts, labels, 40)).findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert len(set(severities)) > 1


def test_health_can_be_written_as_json():
    texts, labels = clean_texts()
    texts[0], texts[400] = "", texts[1]
    health = examine(task_of(texts, (labels == "law").astype(np.int64)))
    document = json.loads(json.dumps(health.to_dict()))
    assert document["class_counts"]["train"].keys() == {"0", "1"}
    assert document["findings"][0]["positions"] == [400]


def test_figures_are_those_counted_by_hand():
    texts = ["a b c", "", "A  b c", "d e", "f"] + [f"text {i} of many" for i in range(5)]
    labels = ["x", "y", "y", "x", "y", "x", "y", "x", "y", "x"]
    health = examine(task_of(texts, labels, n_test=5))
    assert (health.n_documents, health.n_empty, health.n_duplicates) == (10, 1, 1)
    assert (health.n_conflicting, health.n_near_duplicates) == (2, 0)
    assert health.class_counts == {"train": {"x": 2, "y": 3}, "test": {"x": 3, "y": 2}}
    assert health.lengths["words"]["train"]["median"] == 2
    assert health.lengths["characters"]["test"]["longest"] == len("text 0 of many")


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=4, max_size=12))
def test_no_text_of_any_characters_stops_the_examination(texts):
    labels = np.arange(len(texts)) % 2
    health = examine(task_of(texts, labels, n_test=2))
    assert health.n_documents == len(texts)
    for finding in health.findings:
        json.dumps(finding.to_dict()).encode("utf-8")
        str(finding).encode("utf-8")
