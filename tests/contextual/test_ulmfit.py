"""`UlmfitClassifier` as a whole: what its stages are good for, and that it keeps its promises."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import textrep
from textrep.contextual import UlmfitClassifier
from textrep.contextual.ulmfit import CLASSIFIER_DROPOUTS, MOST_DROPOUT
from textrep.contextual.ulmfit_learner import LM_DROPOUTS, LanguageModelLearner, times
from textrep.contextual.ulmfit_stages import PRETRAINING
from textrep.contextual.ulmfit_tasks import UlmfitTask
from textrep.generation.rnn_language_model import RNNLanguageModel

TEXTS = ["a good film", "so good it was", "a bad film", "so bad it was"] * 3
LABELS = ["pos", "pos", "neg", "neg"] * 3
UNLABELLED = ["the plot was thin", "it was a long plot", "good plot , good film"] * 4

TINY = {
    "embedding_size": 6,
    "hidden_size": 5,
    "vector_epochs": 1,
    "lm_epochs": 1,
    "finetune_epochs": 1,
    "epochs": 3,
    "window": 8,
    "n_streams": 2,
    "min_count": 1,
    "device": "cpu",
    "random_state": 0,
}


def tiny(**changes):
    return UlmfitClassifier(**{**TINY, **changes})


@pytest.fixture(scope="module")
def fitted():
    return tiny(unlabelled=UNLABELLED).fit(TEXTS, LABELS)


# ---- what it is good for


def two_topics(seed, n_texts, words):
    """Texts of one of two topics; each has words of its own, which never meet in one text."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n_texts)
    texts = [
        " ".join(f"{'ab'[label]}{number}" for number in rng.choice(words, size=12))
        for label in labels
    ]
    return texts, labels


def test_unlabelled_texts_tell_what_words_without_labels_mean():
    unlabelled, _ = two_topics(0, 300, np.arange(30))
    # Labelled texts have a third of the words only, and new texts the other two thirds.
    texts, labels = two_topics(1, 16, np.arange(10))
    new, truth = two_topics(2, 100, np.arange(10, 30))
    settings = {
        "embedding_size": 16, "hidden_size": 16, "lm_epochs": 3, "epochs": 8, "n_streams": 8,
        "window": 24, "vector_epochs": 2, "lm_learning_rate": 0.01, "learning_rate": 0.02,
        "batch_size": 8, "dropout": 0.3, "random_state": 0, "device": "cpu", "min_count": 1,
    }  # fmt: skip
    pretrained = UlmfitClassifier(unlabelled=unlabelled, **settings).fit(texts, labels)
    settings.update(lm_epochs=0, finetune_epochs=0, vector_epochs=0)
    scratch = UlmfitClassifier(unlabelled=unlabelled, **settings).fit(texts, labels)
    assert pretrained.score(new, truth) > 0.9
    assert pretrained.score(new, truth) > scratch.score(new, truth) + 0.2


# ---- answers


def test_a_text_has_the_same_answer_alone_and_among_others(fitted):
    texts = ["good", "a bad film " * 30, "", "nothing known here", *TEXTS]
    together = fitted.predict_proba(texts)
    alone = np.concatenate([fitted.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together[::-1], fitted.predict_proba(texts[::-1]), atol=1e-5)
    np.testing.assert_allclose(together.sum(axis=1), 1.0, atol=1e-12)


def test_nothing_is_dropped_in_prediction(fitted):
    assert not any(module.training for module in fitted.module_.modules())
    np.testing.assert_array_equal(fitted.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


@pytest.mark.parametrize(("truncation", "same"), [("tail", True), ("head", False)])
def test_the_tail_or_the_head_of_a_long_text_is_read(truncation, same):
    model = tiny(max_length=3, truncation=truncation).fit(TEXTS, LABELS)
    short, with_start = model.predict_proba(["a good film", "so bad it was a good film"])
    assert np.allclose(short, with_start) == same


def test_the_same_seed_gives_the_same_model_and_torch_keeps_its_random_numbers(fitted):
    state = torch.get_rng_state()
    again = tiny(unlabelled=UNLABELLED).fit(TEXTS, LABELS)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    other = tiny(unlabelled=UNLABELLED, random_state=1).fit(TEXTS, LABELS)
    assert not np.allclose(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


# ---- stages


def test_the_history_tells_the_stages_apart(fitted):
    stages = [entry["stage"] for entry in fitted.history_]
    assert stages == ["pre-training", "fine-tuning", "classifier", "classifier", "classifier"]
    assert fitted.n_epochs_ == 3


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"lm_epochs": 0}, ["fine-tuning", "classifier"]),
        ({"lm_epochs": 0, "finetune_epochs": 0, "vector_epochs": 0}, ["classifier"]),
    ],
)
def test_stages_can_be_left_out(changes, stages):
    model = tiny(**changes).fit(TEXTS, LABELS)
    assert list(dict.fromkeys(entry["stage"] for entry in model.history_)) == stages


def test_a_given_language_model_is_used_and_not_changed():
    given = tiny(unlabelled=UNLABELLED).pretrain()
    before = {name: weight.clone() for name, weight in given.module_.state_dict().items()}
    n_words = len(given.codec_)
    model = tiny(language_model=given).fit(TEXTS, LABELS)
    assert [entry["stage"] for entry in model.history_][:2] == ["fine-tuning", "classifier"]
    assert len(given.codec_) == n_words < len(model.language_model_.codec_)
    for name, weight in given.module_.state_dict().items():
        assert torch.equal(weight, before[name])


def test_any_fitted_language_model_will_do(tmp_path):
    given = RNNLanguageModel(
        level="character", embedding_size=6, hidden_size=7, tie_weights=False, cell="gru",
        epochs=1, window=8, batch_size=2, device="cpu", random_state=0,
    ).fit(TEXTS)  # fmt: skip
    by_object = tiny(language_model=given).fit(TEXTS, LABELS)
    by_path = tiny(language_model=given.save(tmp_path / "lm.textrep")).fit(TEXTS, LABELS)
    np.testing.assert_allclose(by_object.predict_proba(TEXTS), by_path.predict_proba(TEXTS))


def test_unlabelled_texts_may_lie_in_a_file(tmp_path, fitted):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(UNLABELLED) + "\n", encoding="utf-8")
    from_file = tiny(unlabelled=path).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(from_file.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_the_time_limit_ends_all_stages():
    endless = {"lm_epochs": 10**6, "finetune_epochs": 10**6, "epochs": 10**6}
    model = tiny(max_seconds=0.5, **endless).fit(TEXTS, LABELS)
    assert model.stopped_early_
    assert {entry["stage"] for entry in model.history_} == {
        "pre-training", "fine-tuning", "classifier",
    }  # fmt: skip


@pytest.mark.parametrize("max_seconds", [None, 100])
def test_an_interrupted_fit_does_not_pretrain_again(tmp_path, monkeypatch, fitted, max_seconds):
    checkpoint = tmp_path / "training"
    model = tiny(unlabelled=UNLABELLED, checkpoint=checkpoint, max_seconds=max_seconds)
    with monkeypatch.context() as patch:
        patch.setattr(LanguageModelLearner, "fine_tune", interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.fit(TEXTS, LABELS)
    stages = []
    train = LanguageModelLearner._train
    monkeypatch.setattr(
        LanguageModelLearner, "_train", lambda *args: stages.append(args[5]) or train(*args)
    )
    model.fit(TEXTS, LABELS)
    assert PRETRAINING not in stages
    assert [e["stage"] for e in model.history_] == [e["stage"] for e in fitted.history_]
    if max_seconds is None:  # else the rates follow the clock
        np.testing.assert_array_equal(model.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert list(tmp_path.iterdir()) == []


def test_a_fit_that_is_interrupted_in_its_last_stage_goes_on_within_its_time(tmp_path, monkeypatch):
    model = tiny(checkpoint=tmp_path / "training", max_seconds=100)
    loss = UlmfitTask.loss
    calls = []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return loss(*args)

    with monkeypatch.context() as patch:
        patch.setattr(UlmfitTask, "loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(TEXTS, LABELS)
    model.fit(TEXTS, LABELS)
    assert [e["epoch"] for e in model.history_ if e["stage"] == "classifier"] == [1, 2, 3]
    assert list(tmp_path.iterdir()) == []


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


# ---- clones and files


def test_unlabelled_texts_and_language_models_are_in_no_saved_file(tmp_path, fitted):
    path = fitted.save(tmp_path / "model.textrep")
    with zipfile.ZipFile(path) as archive:
        tree = archive.read("model.json").decode()
    assert UNLABELLED[0] not in tree
    loaded = textrep.load(path)
    assert loaded.unlabelled is None
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert loaded.language_model_.perplexity(TEXTS) == fitted.language_model_.perplexity(TEXTS)


def test_a_pickle_gives_the_same_answers(fitted):
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_clones_share_the_language_model_so_that_searches_work():
    given = tiny(unlabelled=UNLABELLED).pretrain()
    assert clone(tiny(language_model=given)).language_model is given
    search = GridSearchCV(
        tiny(language_model=given, epochs=1), {"learning_rate": [1e-3, 1e-2]}, cv=2,
        error_score="raise",
    )  # fmt: skip
    search.fit(TEXTS, LABELS)
    assert hasattr(search.best_estimator_, "language_model_")


# ---- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unlabelled": "one text"}, "unlabelled is a single str"),
        ({"unlabelled": ["a text", None]}, r"unlabelled\[1\] is None"),
        ({"language_model": 3}, "language_model must be a fitted RNNLanguageModel"),
        ({"language_model": RNNLanguageModel()}, "language_model is not fitted"),
        ({"lr_decay": 0.5}, "lr_decay must be"),
        ({"truncation": "middle"}, "truncation must be 'tail' or 'head'"),
        ({"pooled_layers": 2}, "pooled_layers must be 'last' or 'all'"),
        ({"pooling": "max"}, "pooling must be 'concat' or 'mean'"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"lm_epochs": -1}, "lm_epochs must be an integer of at least 0"),
        ({"dropout": 3}, "dropout must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"max_seconds": 0}, "max_seconds must be"),
        ({"cell": "lstn"}, "cell must be"),
        ({"patience": 0, "lm_epochs": 10**9}, "patience must be"),
        ({"device": "abacus", "lm_epochs": 10**9}, "device"),
        ({"weight_decay": -1}, "weight_decay must be"),
        ({"lowercase": "yes"}, "lowercase='yes'"),
        ({"gradual_unfreezing": 2}, "gradual_unfreezing=2"),
        ({"max_vocabulary": 0}, "max_vocabulary must be"),
    ],
)
def test_wrong_parameters_are_named(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tiny(**changes).fit(TEXTS, LABELS)


def test_texts_without_words_and_single_classes_are_refused():
    with pytest.raises(ValueError, match="no word"):
        tiny().fit(["", " "], ["a", "b"])
    with pytest.raises(ValueError, match="class"):
        tiny().fit(TEXTS, ["a"] * len(TEXTS))
    with pytest.raises(ValueError, match="nothing to learn from"):
        tiny().pretrain()


def test_dropouts_leave_something_at_the_highest_factor():
    for dropouts in (LM_DROPOUTS, CLASSIFIER_DROPOUTS):
        assert max(vars(times(dropouts, MOST_DROPOUT)).values()) < 1


def test_half_of_a_surrogate_pair_is_a_character_like_others():
    texts = ["good \ud800 film", *TEXTS[1:]]
    assert set(tiny().fit(texts, LABELS).predict(texts)) <= set(LABELS)


def test_the_default_has_at_most_three_million_parameters_beside_word_vectors():
    learner = UlmfitClassifier()._learner([])
    language_model = learner.new_model(15_000)
    language_model.codec_ = [None] * 15_000
    module = language_model._build()
    n_parameters = sum(parameter.numel() for parameter in module.parameters())
    assert n_parameters - module.embedding.weight.numel() < 3e6
