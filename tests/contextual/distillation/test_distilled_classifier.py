"""`DistilledClassifier`: teacher and student in one fit."""

from __future__ import annotations

import pytest

import textrep
from textrep import (
    BertClassifier,
    DistilledClassifier,
    EncoderClassifier,
    MaskedLanguageModel,
    distill,
)
from textrep.contextual.distillation import DistillationReport

TEXTS = ["a good film", "so good", "a bad film", "so bad"] * 8
LABELS = ["pos", "pos", "neg", "neg"] * 8
TEACHER = {
    "size": {"num_layers": 2, "hidden_size": 16}, "vocab_size": 40, "pretrain_epochs": 0,
    "epochs": 10, "learning_rate": 0.01, "max_length": 8,
}  # fmt: skip
STUDENT = {"transfer_epochs": 2, "epochs": 8, "learning_rate": 0.01, "device": "cpu",
           "random_state": 0}  # fmt: skip


@pytest.fixture(scope="module")
def student():
    return DistilledClassifier(teacher=BertClassifier(**TEACHER), **STUDENT).fit(TEXTS, LABELS)


def test_the_student_has_half_the_layers_and_learns_the_task(student):
    assert student.encoder_.architecture == "distilbert"
    assert student.encoder_.n_layers == 1
    assert student.score(TEXTS, LABELS) == 1.0
    report = DistillationReport.of(student)
    assert (report.teacher_layers, report.student_layers) == (2, 1)
    assert report.agreement == 1.0


def test_the_history_tells_the_teacher_from_the_student(student):
    stages = list(dict.fromkeys(entry["stage"] for entry in student.history_))
    assert stages == ["teacher", "transfer", "task"]


def test_the_given_teacher_stays_unfitted_and_its_shape_is_the_students_to_change():
    teacher = EncoderClassifier(**TEACHER)
    made = DistilledClassifier(
        teacher=teacher, student={"num_layers": 2, "hidden_size": 8}, **{**STUDENT, "epochs": 1}
    ).fit(TEXTS, LABELS)
    assert not hasattr(teacher, "module_")
    assert (made.encoder_.n_layers, made.encoder_.hidden_size) == (2, 8)


def test_pairs_that_come_one_by_one_are_read_by_both():
    pairs = [("a", "b"), ("b", "a")] * 8
    made = DistilledClassifier(teacher=EncoderClassifier(**TEACHER), **{**STUDENT, "epochs": 1})
    made.fit(iter(pairs), ["x", "y"] * 8)
    assert made.student_.pairs_
    assert made.predict_proba(pairs[:3]).shape == (3, 2)


def test_no_time_is_said_and_still_answers():
    made = DistilledClassifier(teacher=EncoderClassifier(**TEACHER), **STUDENT, max_seconds=0.05)
    made.fit(TEXTS, LABELS)
    assert made.stopped_early_
    assert made.out_of_time_
    assert set(made.predict(TEXTS)) <= {"neg", "pos"}


def test_a_teacher_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="teacher must be an EncoderClassifier"):
        DistilledClassifier(teacher=MaskedLanguageModel()).fit(TEXTS, LABELS)
    assert repr(DistilledClassifier(teacher="bert")._repr_html_())
    with pytest.raises(ValueError, match="max_seconds must be"):
        DistilledClassifier(max_seconds=-1).fit(TEXTS, LABELS)


def test_what_would_fail_after_the_teacher_fails_before_it(monkeypatch):
    monkeypatch.setattr(EncoderClassifier, "fit", lambda *args: pytest.fail("was trained"))
    for changes in ({"epochs": 0}, {"transfer_epochs": -1}, {"learning_rate": "high"}):
        with pytest.raises(ValueError, match=next(iter(changes))):
            DistilledClassifier(**changes).fit(TEXTS, LABELS)


def test_xlnet_is_taught_without_relations():
    made = DistilledClassifier(
        teacher=EncoderClassifier(**TEACHER, architecture="xlnet").set_params(epochs=1),
        **{**STUDENT, "epochs": 1},
    ).fit(TEXTS, iter(LABELS))
    assert made.encoder_.architecture == "xlnet"
    assert "relations" not in made.student_.history_[0]


def test_a_file_holds_the_student_but_not_what_the_teacher_was_made_of(student, tmp_path):
    given = {**TEACHER, "epochs": 1, "pretrain_on": TEXTS, "checkpoint": student.encoder_}
    made = DistilledClassifier(teacher=EncoderClassifier(**given), **{**STUDENT, "epochs": 1}).fit(
        TEXTS, LABELS
    )
    loaded = textrep.load(made.save(tmp_path / "student.textrep"))
    assert loaded.teacher.checkpoint is loaded.teacher.pretrain_on is None
    assert made.teacher.checkpoint is student.encoder_
    assert loaded.predict_proba(TEXTS).tolist() == made.predict_proba(TEXTS).tolist()


def test_its_student_teaches_another(student):
    again = distill(student, TEXTS, LABELS, student={"hidden_size": 8}, **STUDENT)
    assert isinstance(again, EncoderClassifier)
    assert again.encoder_.hidden_size == 8


def test_a_file_without_a_student_is_refused(student):
    with pytest.raises(textrep.PersistError, match="student_ is no fitted"):
        DistilledClassifier()._set_state({"student_": 3})
