"""`distill`: students of classifiers, of masked language models and of encoders."""

import numpy as np
import pytest
import torch

import textrep
from textrep.contextual import DistillationReport, EncoderClassifier, MaskedLanguageModel, distill
from textrep.contextual.distillation.recipe import Recipe
from textrep.contextual.distillation.student_encoder import student_shape
from textrep.contextual.distillation.task_distillation import TaskDistillationTask
from textrep.contextual.encoders import Encoder

TEXTS = ["a good film", "so good", "a bad film", "so bad", "not a good sea", "the deep bad sea"] * 4
LABELS = ["pos", "pos", "neg", "neg", "pos", "neg"] * 4
SIZE = {"num_layers": 4, "hidden_size": 16, "num_heads": 2, "inner_size": 32}
COMMON = {"device": "cpu", "random_state": 0}
QUICK = {**COMMON, "transfer_epochs": 1, "epochs": 8, "learning_rate": 5e-3}


def classifier(X=TEXTS, y=LABELS, **changes):
    given = {
        "architecture": "bert", "size": SIZE, "vocab_size": 60, "pretrain_epochs": 0, "epochs": 12,
        "max_length": 12, "learning_rate": 5e-3, **COMMON, **changes,
    }  # fmt: skip
    return EncoderClassifier(**given).fit(X, y)


@pytest.fixture(scope="module")
def teacher():
    return classifier()


@pytest.fixture(scope="module")
def language_model():
    model = MaskedLanguageModel(
        architecture="bert",
        size=SIZE,
        vocab_size=60,
        max_length=12,
        epochs=1,
        batch_size=8,
        **COMMON,
    )
    return model.fit(TEXTS)


def weights(estimator):
    return {name: value.clone() for name, value in estimator.module_.state_dict().items()}


# ---- of a classifier


@pytest.fixture(scope="module")
def student(teacher):
    return distill(teacher, TEXTS, LABELS, **QUICK)


def test_the_student_is_smaller_and_says_what_its_teacher_says(teacher, student):
    report = DistillationReport.of(student)
    assert isinstance(student, EncoderClassifier)
    assert student.encoder_.architecture == "distilbert"
    assert (report.teacher_layers, report.student_layers) == (4, 2)
    assert report.copied_layers == [0, 3]
    sizes = [sum(p.numel() for p in e.encoder_.module.parameters()) for e in (teacher, student)]
    assert [report.teacher_parameters, report.student_parameters] == sizes
    assert report.ratio < 1
    assert report.agreement == np.mean(teacher.predict(TEXTS) == student.predict(TEXTS))
    assert report.agreement > 0.9
    assert [entry["stage"] for entry in student.history_] == ["transfer"] + ["task"] * 8
    np.testing.assert_array_equal(student.classes_, teacher.classes_)


def test_the_teacher_is_untouched():
    teacher = classifier(epochs=1)
    teacher.module_.train()
    before = weights(teacher)
    distill(teacher, TEXTS, LABELS, **QUICK)
    assert teacher.module_.training
    assert all(part.training for part in teacher.module_.modules())
    assert all(torch.equal(value, before[name]) for name, value in weights(teacher).items())
    assert all(p.grad is None and p.requires_grad for p in teacher.module_.parameters())


def test_one_seed_gives_one_student_and_its_file_the_same_answers(teacher, student, tmp_path):
    again = distill(teacher, TEXTS, LABELS, **QUICK)
    expected = student.predict_proba(TEXTS)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), expected)
    loaded = textrep.load(student.save(tmp_path / "student.textrep"))
    np.testing.assert_allclose(loaded.predict_proba(TEXTS), expected, atol=1e-6)
    assert DistillationReport.of(loaded) == DistillationReport.of(student)


def test_a_teacher_is_read_from_its_file(teacher, student, tmp_path):
    path = teacher.save(tmp_path / "teacher.textrep")
    again = distill(path, TEXTS, LABELS, **QUICK)
    np.testing.assert_allclose(again.predict_proba(TEXTS), student.predict_proba(TEXTS), atol=1e-5)


def test_without_labels_the_teachers_answers_are_learnt(teacher):
    more = ["the good deep sea", "so deep"]
    student = distill(teacher, TEXTS, unlabelled=more, **QUICK)
    assert student.score(TEXTS, teacher.predict(TEXTS)) > 0.9
    with pytest.raises(ValueError, match="nothing to learn"):
        distill(teacher, TEXTS, soft_labels=False, **QUICK)


def test_what_comes_one_by_one_is_read_once(teacher, student, language_model):
    given = ((text for text in TEXTS), iter(LABELS))
    again = distill(teacher, *given, unlabelled=iter([]), **QUICK)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), student.predict_proba(TEXTS))
    alike = [DistillationReport.of(one).agreement for one in (again, student)]
    assert alike[0] == alike[1]
    embedder = distill(language_model.encoder_, iter(TEXTS), **QUICK)
    assert embedder.transform(TEXTS[:2]).shape == (2, 16)


def test_a_narrower_student_of_the_same_kind_learns_too(teacher):
    shape = {"architecture": "bert", "num_layers": 1, "hidden_size": 8, "num_heads": 2}
    student = distill(teacher, TEXTS, LABELS, student=shape, **QUICK)
    report = DistillationReport.of(student)
    assert report.copied_layers == []
    assert student.encoder_.hidden_size == 8
    assert student.architecture == "bert"
    assert student.size == {"num_layers": 1, "hidden_size": 8, "num_heads": 2, "inner_size": 32}


def test_the_temperature_is_the_teachers_where_its_answers_are_learnt():
    given = {**QUICK, "epochs": 1, "transfer_epochs": 0}
    teacher = classifier(TEXTS * 2, LABELS * 2, validation_fraction=0.5, epochs=2)
    assert teacher.temperature_ != 1.0
    assert distill(teacher, TEXTS, LABELS, **given).temperature_ == teacher.temperature_
    assert distill(teacher, TEXTS, LABELS, soft_labels=False, **given).temperature_ == 1.0


def test_ingredients_are_switched_off_one_by_one(teacher):
    plain = distill(
        teacher, TEXTS, LABELS, initialise=False, relations=False, hidden_states=False,
        soft_labels=False, **QUICK,
    )  # fmt: skip
    assert {entry["stage"] for entry in plain.history_} == {"task"}
    assert DistillationReport.of(plain).copied_layers == []
    assert "alike" not in plain.history_[0]
    only = distill(teacher, TEXTS, LABELS, relations=False, **QUICK)
    assert "relations" not in only.history_[0]
    assert "hidden" in only.history_[0]


def test_batches_are_smaller_where_relations_would_not_fit(teacher, monkeypatch):
    from textrep.contextual.distillation import classifier_student

    sizes = []
    found = classifier_student.encoder_batches

    def spied(*args, **given):
        sizes.append((given["max_rows"], given["max_tokens"]))
        return found(*args, **given)

    monkeypatch.setattr(classifier_student, "encoder_batches", spied)
    monkeypatch.setattr(classifier_student, "_RELATIONS", 100)
    distill(teacher, TEXTS, LABELS, **{**QUICK, "epochs": 1})
    [(max_rows, max_tokens)] = sizes
    assert max_rows == 32
    assert max_tokens <= 100 // 6


@pytest.mark.parametrize("architecture", ["albert", "modernbert", "distilbert"])
def test_other_architectures_teach_their_own(architecture):
    teacher = classifier(architecture=architecture, epochs=1)
    student = distill(teacher, TEXTS, LABELS, **{**QUICK, "epochs": 1})
    assert student.encoder_.architecture == architecture
    assert DistillationReport.of(student).copied_layers == [0, 3]


def test_xlnet_teaches_without_relations():
    teacher = classifier(architecture="xlnet", epochs=1)
    with pytest.raises(ValueError, match="relations=False"):
        distill(teacher, TEXTS, LABELS, **QUICK)
    student = distill(teacher, TEXTS, LABELS, relations=False, **{**QUICK, "epochs": 1})
    assert student.encoder_.architecture == "xlnet"


def test_a_student_that_has_its_teachers_head_begins_with_its_answers():
    numbers = [500.0 + 100 * ("good" in text) for text in TEXTS]
    teacher = classifier(y=numbers, problem="regression", epochs=20, architecture="modernbert")
    given = {**QUICK, "student": {"num_layers": 4}, "transfer_epochs": 0, "epochs": 1}
    student = distill(teacher, TEXTS, numbers, **{**given, "learning_rate": 1e-12})
    assert student.encoder_.architecture == "modernbert"
    np.testing.assert_allclose(student.predict(TEXTS), teacher.predict(TEXTS), rtol=1e-4)
    half = distill(teacher, TEXTS, numbers, **{**QUICK, "epochs": 20})
    assert half.score(TEXTS, numbers) > 0.5


def test_several_labels_and_pairs_and_quantities_are_distilled():
    lists = [["good"] if "good" in text else ["bad", "other"] for text in TEXTS]
    several = classifier(y=lists)
    found = distill(several, TEXTS, lists, **QUICK)
    assert found.predict(TEXTS[:2]) == several.predict(TEXTS[:2])
    pairs = [(text, "the sea") for text in TEXTS]
    of_pairs = classifier(pairs, epochs=1)
    assert distill(of_pairs, pairs, LABELS, **QUICK).predict(pairs).shape == (len(pairs),)
    with pytest.raises(ValueError, match="pairs of texts"):
        distill(of_pairs, TEXTS, LABELS, **QUICK)
    numbers = [500.0 + 100 * ("good" in text) for text in TEXTS]
    quantity = classifier(y=numbers, problem="regression", epochs=20)
    student = distill(quantity, TEXTS, numbers, **{**QUICK, "epochs": 20})
    assert student.score(TEXTS, numbers) > 0.5
    assert DistillationReport.of(student).agreement is None
    alone = distill(quantity, TEXTS, **{**QUICK, "epochs": 20})
    assert abs(alone.predict(TEXTS).mean() - quantity.predict(TEXTS).mean()) < 50


def test_long_texts_in_windows_are_distilled():
    long = [" ".join([text] * 6) for text in TEXTS]
    teacher = classifier(long, long_texts="windows", window_overlap=2, epochs=2)
    student = distill(teacher, long, LABELS, **{**QUICK, "epochs": 2})
    assert student.long_texts == "windows"
    assert student.predict(long).shape == (len(long),)


def test_labels_that_the_teacher_does_not_know_are_refused(teacher):
    other = ["pos", "other", *LABELS[2:]]
    with pytest.raises(ValueError, match="'other', which is none of the teacher's classes"):
        distill(teacher, TEXTS, other, **QUICK)


def test_labels_in_another_form_than_the_teachers_are_refused():
    lists = [["good"] if "good" in text else ["bad", "other"] for text in TEXTS]
    table = np.array([[int("good" in text), 1, 0] for text in TEXTS])
    by_lists, by_table = classifier(y=lists, epochs=1), classifier(y=table, epochs=1)
    with pytest.raises(ValueError, match="fitted on lists of labels, but labels is a table"):
        distill(by_lists, TEXTS, table, **QUICK)
    with pytest.raises(ValueError, match="fitted on a table, but labels is lists of labels"):
        distill(by_table, TEXTS, lists, **QUICK)
    with pytest.raises(ValueError, match="labels has 2 columns, but the teacher was fitted on 3"):
        distill(by_table, TEXTS, table[:, :2], **QUICK)


def test_further_texts_are_named_where_they_are_none(teacher):
    with pytest.raises(ValueError, match=r"unlabelled\[1\] is None"):
        distill(teacher, TEXTS, LABELS, unlabelled=["a film", None], **QUICK)
    with pytest.raises(ValueError, match="texts is a single str"):
        distill(teacher, "a film", LABELS, **QUICK)


def test_labels_are_numbered_as_the_teachers_classes(teacher):
    """Of three classes two are in the labels."""
    three = classifier(y=["a", "b", "c", "a", "b", "c"] * 4, epochs=1)
    texts = TEXTS[1:3] * 8
    student = distill(three, texts, ["b", "c"] * 8, soft_labels=False, **{**QUICK, "epochs": 30})
    assert student.predict(texts[:2]).tolist() == ["b", "c"]
    assert student.classes_.tolist() == ["a", "b", "c"]


def test_loss_of_the_task_is_soft_and_hard_by_their_shares():
    outputs, wanted = torch.randn(2, 3), torch.randn(2, 3)
    targets = torch.tensor([2, -1])

    class Says(torch.nn.Module):
        def __init__(self, values):
            super().__init__()
            self.values = torch.nn.Parameter(values)

        def forward(self, texts):
            return self.values

    from textrep.contextual.encoder_classifier.task import TargetBatch

    task = TaskDistillationTask(
        Says(outputs), Says(wanted), "single-label", temperature=3.0, hard_share=0.25
    )
    loss = task.loss("train", TargetBatch(None, targets))
    own, soft = (torch.log_softmax(x / 3, dim=1) for x in (outputs, wanted))
    each = 9 * (soft.exp() * (soft - own)).sum(dim=1)
    hard = -torch.log_softmax(outputs, dim=1)[0, 2]
    expected = 0.75 * each[0] + 0.25 * hard + each[1]
    torch.testing.assert_close(loss.total.detach(), expected)
    assert loss.count == 2


# ---- of a masked language model, by the published recipe


def test_the_published_recipe_has_distilberts_settings():
    settings = Recipe(recipe="published", device="cpu").words_settings(10**6, None)
    found = (
        settings.learning_rate, settings.betas, settings.epsilon, settings.weight_decay,
        settings.schedule, settings.warmup, settings.max_grad_norm, settings.optimizer,
    )  # fmt: skip
    assert found == (5e-4, (0.9, 0.98), 1e-6, 0.0, "linear", 0.05, 5.0, "adamw")
    recipe = Recipe(recipe="published", device="cpu")
    assert (recipe.folds, recipe.softens, recipe.transfers) == (False, False, False)
    recipe = Recipe(device="cpu")
    assert (recipe.folds, recipe.softens, recipe.transfers) == (True, True, True)


def task_of(language_model, seed=0):
    from textrep.contextual.distillation.published import WordDistillationTask, student_module
    from textrep.contextual.distillation.student_encoder import new_student

    made = new_student(
        language_model.encoder_, None, initialise=True, fold_token_types=False, seed=seed
    )
    module = student_module(language_model.module_, made.encoder)
    size = language_model.encoder_.tokenizer.size
    task = WordDistillationTask(module, language_model.module_, np.ones(size))
    return task.eval()


def test_the_three_losses_are_those_of_transformers_models(language_model):
    """Against DistilBERT's own code, on transformers' models and torch's losses."""
    from torch.nn import functional

    task = task_of(language_model)
    encoder = language_model.encoder_
    batch = encoder.collate(encoder.rows(TEXTS[:5]))
    mask = (torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]).long()
    chosen = torch.zeros_like(batch.ids, dtype=torch.bool)
    chosen[:, 1] = True
    seen = batch.ids.masked_fill(chosen, encoder.tokenizer.mask_id)
    with torch.no_grad():
        loss = task.loss_of(batch, seen, chosen)
        student, teacher = (
            model(input_ids=seen, attention_mask=mask, output_hidden_states=True)
            for model in (task.module.model, language_model.module_.model)
        )
    keep = mask.bool()
    s, t = student.logits[keep], teacher.logits[keep]
    n = len(s)
    soft = (
        torch.nn.KLDivLoss(reduction="batchmean")(
            functional.log_softmax(s / 2, dim=-1), functional.softmax(t / 2, dim=-1)
        )
        * 2**2
    )
    labels = batch.ids.masked_fill(~chosen, -100)
    words = functional.cross_entropy(student.logits.flatten(0, 1), labels.flatten())
    cosine = torch.nn.CosineEmbeddingLoss()(
        student.hidden_states[-1][keep], teacher.hidden_states[-1][keep], torch.ones(n)
    )
    for name, peer in (("soft", soft), ("words", words), ("cosine", cosine)):
        torch.testing.assert_close(loss.measures[name] / n, peer, atol=1e-5, rtol=1e-4)
    expected = 5 * soft + 2 * words + 1 * cosine
    torch.testing.assert_close(loss.total / loss.count, expected, atol=1e-4, rtol=1e-4)


def test_padding_does_not_change_the_losses_of_words(language_model):
    task, encoder = task_of(language_model), language_model.encoder_
    texts = ["so good", "a very deep and bad sea film"]

    def loss_of(texts, soft_only=True):
        batch = encoder.collate(encoder.rows(texts))
        chosen = torch.zeros_like(batch.ids, dtype=torch.bool)
        chosen[:, 1] = True
        with torch.no_grad():
            return task.loss_of(batch, batch.ids, chosen)

    together, apart = loss_of(texts), [loss_of([text]) for text in texts]
    for name in ("soft", "cosine"):
        total = sum(float(loss.measures[name]) for loss in apart)
        assert float(together.measures[name]) == pytest.approx(total, rel=1e-4)


def test_the_student_starts_from_the_teachers_layers_and_head(language_model):
    task = task_of(language_model)
    teacher, student = language_model.module_.model, task.module.model
    for own, source in ((0, 0), (1, 3)):
        torch.testing.assert_close(
            student.distilbert.transformer.layer[own].ffn.lin1.weight,
            teacher.bert.encoder.layer[source].intermediate.dense.weight,
        )
    vectors = torch.randn(3, 16)
    torch.testing.assert_close(task.module.scores(vectors), language_model.module_.scores(vectors))
    tied = student.vocab_projector.weight.data_ptr()
    assert tied == student.distilbert.embeddings.word_embeddings.weight.data_ptr()


@pytest.mark.parametrize("recipe", ["published", "better"])
def test_a_masked_language_model_teaches_another(language_model, recipe, tmp_path):
    before = weights(language_model)
    student = distill(language_model, TEXTS, recipe=recipe, **QUICK)
    assert isinstance(student, MaskedLanguageModel)
    assert all(torch.equal(value, before[name]) for name, value in weights(language_model).items())
    stages = {entry["stage"] for entry in student.history_}
    assert stages == {"words"} | ({"transfer"} if recipe == "better" else set())
    [[candidates]] = student.fill_mask(["so [MASK]"], k=2)
    assert len(candidates) == 2
    loaded = textrep.load(student.save(tmp_path / "student.textrep"))
    assert loaded.score(TEXTS[:2]) == pytest.approx(student.score(TEXTS[:2]), abs=1e-5)
    fine_tuned = EncoderClassifier(
        checkpoint=student, epochs=1, max_length=12, pretrain_epochs=0, **COMMON
    ).fit(TEXTS, LABELS)
    assert fine_tuned.encoder_.architecture == "distilbert"


def test_a_classifier_is_distilled_by_the_published_recipe(language_model):
    teacher = EncoderClassifier(
        checkpoint=language_model, epochs=2, max_length=12, pretrain_epochs=0, **COMMON
    ).fit(TEXTS, LABELS)
    student = distill(
        teacher, TEXTS, LABELS, recipe="published", language_model=language_model, **QUICK
    )
    assert {entry["stage"] for entry in student.history_} == {"words", "task"}
    with pytest.raises(ValueError, match="language_model, the MaskedLanguageModel"):
        distill(teacher, TEXTS, LABELS, recipe="published", **QUICK)
    with pytest.raises(ValueError, match="hidden size is 8 and the teacher's 16"):
        distill(
            language_model, TEXTS, recipe="published",
            student={"hidden_size": 8, "num_heads": 2}, **QUICK,
        )  # fmt: skip


def test_an_encoder_alone_teaches_an_embedder(language_model, tmp_path):
    encoder = language_model.encoder_
    student = distill(encoder, TEXTS, **QUICK)
    assert student.transform(TEXTS[:3]).shape == (3, 16)
    assert DistillationReport.of(student).student_layers == 2
    loaded = textrep.load(student.save(tmp_path / "student.textrep"))
    np.testing.assert_allclose(loaded.transform(TEXTS), student.transform(TEXTS), atol=1e-6)
    assert DistillationReport.of(loaded) == DistillationReport.of(student)
    with pytest.raises(ValueError, match="needs a teacher that scores words"):
        distill(encoder, TEXTS, recipe="published", **QUICK)
    with pytest.raises(ValueError, match="labels are for a classifier"):
        distill(encoder, TEXTS, LABELS, **QUICK)


# ---- shapes and parameters


def test_a_student_has_half_the_layers_and_all_else_of_its_teacher(language_model):
    encoder = language_model.encoder_
    assert student_shape(encoder, None) == ("distilbert", {**SIZE, "num_layers": 2})
    assert student_shape(encoder, "bert") == ("bert", {**SIZE, "num_layers": 2})
    narrow = student_shape(encoder, {"hidden_size": 128, "num_layers": 3}).size
    expected = {"num_layers": 3, "hidden_size": 128, "num_heads": 2, "inner_size": 512}
    assert narrow == expected
    assert isinstance(encoder, Encoder)
    assert student_shape(encoder, EncoderClassifier(architecture="bert", size=SIZE)).size == SIZE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "best"}, "recipe must be 'better' or 'published', got 'best'"),
        ({"temperature": 0}, "temperature must be a finite number above 0"),
        ({"hard_share": 1.5}, "hard_share must be"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"transfer_epochs": -1}, "transfer_epochs must be an integer"),
        ({"student": {"layers": 2}}, "student has the key 'layers'"),
        ({"student": {"num_layers": 5}, "initialise": True}, None),
        ({"student": 3}, "student must be None, an architecture"),
        ({"student": "gpt2"}, "architecture"),
        ({"relation_heads": 3}, "relation_heads must divide the hidden sizes 16 and 16"),
        ({"teacher_layer": 4}, "below the 4 layers"),
        ({"learning_rate": "low"}, "learning_rate"),
    ],
)
def test_parameters_out_of_range_are_named(teacher, changes, message):
    given = {**QUICK, "epochs": 1, **changes}
    if message is None:  # a deeper student is allowed; it starts from random weights
        assert DistillationReport.of(distill(teacher, TEXTS, LABELS, **given)).copied_layers == []
        return
    with pytest.raises(ValueError, match=message):
        distill(teacher, TEXTS, LABELS, **given)


def test_what_is_no_teacher_is_refused():
    with pytest.raises(TypeError, match="teacher must be a fitted"):
        distill(object(), TEXTS)
    with pytest.raises(ValueError, match="is not fitted"):
        distill(EncoderClassifier(), TEXTS)
    with pytest.raises(ValueError, match="distillation_"):
        DistillationReport.of(EncoderClassifier())
