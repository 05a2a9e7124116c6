"""The small language model that `FewShotClassifier` trains on labelled texts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textrep import GPT, FewShotClassifier
from textrep.contextual.few_shot_template import Template
from textrep.contextual.few_shot_training import EpisodeTask, LabelledTexts, episodes
from textrep.engine.streams import StreamBatch
from textrep.generation.gpt_module import GPTModule, GPTTask
from textrep.layers.transformer import BlockShape

FRUIT = ["green apple", "sour apple pie", "apple juice", "an apple a day", "apple tree"]
STONE = ["grey stone", "stone wall high", "stone age", "a rolling stone", "hot stone"]
TEXTS, LABELS = FRUIT + STONE, ["fruit"] * 5 + ["rock"] * 5


@pytest.fixture
def module():
    torch.manual_seed(0)
    return GPTModule(9, BlockShape(size=8, n_heads=2, inner_size=8, dropout=0), 1, 6).eval()


def batch_of(rows):
    ids = torch.tensor(rows)
    return StreamBatch(ids[:, :-1], ids[:, 1:], True)


def test_a_weight_of_one_is_plain_prediction(module):
    batch = batch_of([[3, 4, 5, 6, 7], [4, 5, 8, 4, 5]])
    plain = GPTTask(module).loss("train", batch)
    ours = EpisodeTask(module, [4, 5], 1.0).loss("train", batch)
    torch.testing.assert_close(ours.total, plain.total)
    assert ours.count == plain.count == 8


def test_the_token_after_the_cue_weighs_more(module):
    batch = batch_of([[3, 4, 5, 6, 7], [4, 5, 8, 4, 5]])
    found = EpisodeTask(module, [4, 5], 10.0).loss("train", batch)
    log_probs = module.scores(module.hidden(batch.inputs)).log_softmax(-1)
    nll = -log_probs.gather(2, batch.targets[..., None])[..., 0]
    weights = torch.ones(2, 4)
    weights[0, 2] = weights[1, 1] = 10.0  # before 6 and before 8
    torch.testing.assert_close(found.total, (nll * weights).sum())
    assert found.count == float(weights.sum())


def test_where_some_words_are_drawn_the_loss_is_the_same_in_the_mean(module):
    batch = batch_of([[3, 4, 5, 6, 7], [4, 5, 8, 4, 5]])
    task = EpisodeTask(module, [4, 5], 10.0, 0.25)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        drawn = [task.loss("train", batch) for _ in range(600)]
        whole = task.eval().loss("train", batch)
    assert whole.count == 2 * 10 + 6 * 0.25
    assert np.mean([loss.count for loss in drawn]) == pytest.approx(whole.count, rel=0.03)
    assert np.mean([float(loss.total) for loss in drawn]) == pytest.approx(
        float(whole.total), rel=0.03
    )


def test_a_target_that_there_is_none_of_counts_nothing(module):
    batch = batch_of([[3, 4, 5, 6, 7]])
    cut = StreamBatch(batch.inputs, torch.tensor([[4, 5, -1, -1]]), True)
    assert EpisodeTask(module, [4, 5], 10.0).loss("train", cut).count == 2


def test_documents_hold_each_text_with_its_own_label_once_a_pass():
    template = Template.read("{text} = {label}")
    data = LabelledTexts(template, "; ", list("abcde"), list("ABCDE"), 1)
    documents = episodes(data, 3, np.random.default_rng(0))
    assert [document.count("=") for document in documents] == [2, 2, 1] * 3
    pairs = [pair for document in documents for pair in document.split("; ")]
    assert sorted(pairs) == sorted([f"{a} = {a.upper()}" for a in "abcde"] * 3)
    assert documents[:3] != documents[3:6]


@pytest.fixture(scope="module")
def fitted():
    model = FewShotClassifier(
        n_examples=1, calibration="none", max_steps=60, device="cpu", random_state=0
    )
    return model.fit(TEXTS, LABELS)


def test_it_learns_what_labels_go_with_what_words(fitted):
    assert fitted.predict(TEXTS).tolist() == LABELS
    assert fitted.predict(["new apple", "some stone"]).tolist() == ["fruit", "rock"]
    assert type(fitted.language_model_) is GPT
    assert fitted.history_[-1]["loss"] < fitted.history_[0]["loss"]


def test_texts_alone_and_among_others_have_the_same_probabilities(fitted):
    texts = ["new apple", "", "zzz \ud800", "a rolling stone on a high wall of grey stone"]
    alone = np.concatenate([fitted.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(fitted.predict_proba(texts), alone, atol=1e-5)
    np.testing.assert_allclose(alone.sum(axis=1), 1)


def test_time_and_steps_can_be_limited():
    short = FewShotClassifier(max_steps=3, device="cpu", random_state=0).fit(TEXTS, LABELS)
    assert short.language_model_.max_steps == 3
    timed = FewShotClassifier(max_seconds=1e-6, device="cpu", random_state=0).fit(TEXTS, LABELS)
    assert timed.stopped_early_
    assert timed.out_of_time_
    assert set(timed.predict(TEXTS)) <= {"fruit", "rock"}


def test_names_that_differ_in_case_alone_are_told_apart():
    model = FewShotClassifier(max_steps=2, device="cpu", random_state=0)
    assert model.fit(TEXTS, ["A"] * 5 + ["a"] * 5).label_words_ == ["A", "a"]


def test_of_many_texts_some_tell_which_epoch_was_best():
    texts, labels = TEXTS * 25, LABELS * 25
    model = FewShotClassifier(n_examples=1, max_steps=8, device="cpu", random_state=0)
    assert "validation_loss" in model.fit(texts, labels).history_[-1]
