"""The registry of rungs: each one works on little text, can be saved, and is the seed's alone."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

import textrep
from textrep.comparison import RUNGS, ComparisonError, Rung, choose_rungs
from textrep.comparison.checkpoint import check_checkpoint

FRUIT = [
    "green apple",
    "sour apple pie",
    "apple juice",
    "an apple a day",
    "apple tree",
    "ripe apple",
]
STONE = ["grey stone", "stone wall high", "stone age", "a rolling stone", "hot stone", "stone path"]
METAL = ["grey iron", "iron wall high", "iron age", "a rolling iron", "hot iron", "iron path"]
LEARNING = [rung for rung in RUNGS if rung.name != "majority"]

every = pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
every_learning = pytest.mark.parametrize("rung", LEARNING, ids=lambda rung: rung.name)


def fitted(rung: Rung, texts=FRUIT + STONE, labels=("fruit",) * 6 + ("stone",) * 6, seed=0):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Twelve short texts may teach nothing about words; untrained vectors tell them apart, too.
        warnings.filterwarnings("ignore", "no word in X has another word beside it")
        return rung.factory(seed).fit(list(texts), np.array(labels))


@every_learning
def test_twelve_short_texts_are_told_apart(rung):
    pipeline = fitted(rung)
    assert pipeline.predict(FRUIT + STONE).tolist() == ["fruit"] * 6 + ["stone"] * 6


@every_learning
def test_three_classes_are_told_apart(rung):
    pipeline = fitted(rung, FRUIT + STONE + METAL, [1] * 6 + [2] * 6 + [3] * 6)
    assert (pipeline.predict(FRUIT + STONE + METAL) == np.repeat([1, 2, 3], 6)).mean() > 0.8


# Of a dozen words in all, a deep network that is trained on them ten times learns too little.
SHALLOW = [rung for rung in LEARNING if rung.name != "ulmfit"]


@pytest.mark.parametrize("rung", SHALLOW, ids=lambda rung: rung.name)
def test_texts_of_one_word_are_enough(rung):
    pipeline = fitted(rung, ["apple", "stone"] * 6, ["fruit", "stone"] * 6)
    assert pipeline.predict(["stone", "apple"]).tolist() == ["stone", "fruit"]


@every
def test_texts_without_known_words_get_a_class_too(rung):
    assert set(fitted(rung).predict(["", "zzz", "\ud800"])) <= {"fruit", "stone"}


WITHOUT_VOCABULARY = {"hashing-svm", "static-logreg", "fasttext"}


@pytest.mark.parametrize(
    "rung",
    [rung for rung in LEARNING if rung.name not in WITHOUT_VOCABULARY],
    ids=lambda rung: rung.name,
)
def test_no_words_at_all_are_refused_with_the_reason(rung):
    with pytest.raises(ValueError, match=r"empty vocabulary|no terms remain|no (sub)?words?"):
        rung.factory(0).fit(["", " "] * 6, ["a", "b"] * 6)


@every
def test_a_saved_rung_answers_the_same(rung, tmp_path):
    pipeline = fitted(rung)
    loaded = textrep.load(textrep.save(pipeline, tmp_path / "model.textrep"))
    texts = [*FRUIT, *STONE, "apple stone", ""]
    np.testing.assert_array_equal(loaded.predict(texts), pipeline.predict(texts))
    verb = "predict_proba" if hasattr(pipeline, "predict_proba") else "decision_function"
    np.testing.assert_array_equal(getattr(loaded, verb)(texts), getattr(pipeline, verb)(texts))


@every
def test_the_seed_decides_all_that_is_random(rung):
    texts = [*FRUIT, *STONE, "apple stone", ""]
    first = fitted(rung, seed=3)
    again = clone(first).fit(FRUIT + STONE, ["fruit"] * 6 + ["stone"] * 6)
    verb = "predict_proba" if hasattr(first, "predict_proba") else "decision_function"
    np.testing.assert_array_equal(getattr(first, verb)(texts), getattr(again, verb)(texts))


@every
def test_the_parameters_that_a_rung_names_are_its_pipelines(rung):
    parameters = rung.factory(0).get_params()
    assert set(rung.grid) <= set(parameters)
    assert rung.max_seconds is None or rung.max_seconds in parameters


@every
def test_a_rung_can_be_sent_to_another_process(rung):
    assert pickle.loads(pickle.dumps(rung)) == rung


def test_stems_make_forms_of_a_word_one():
    (rung,) = choose_rungs(["stemmed-tfidf-svm"])
    vocabulary = fitted(rung, ["runs", "sleeping"] * 6, ["a", "b"] * 6)["tfidf"].vocabulary_
    assert set(vocabulary) == {"run", "sleep"}


def test_the_notes_of_topics_are_their_words():
    (rung,) = choose_rungs(["lda-logreg"])
    pipeline = rung.factory(0).set_params(topics__n_topics=2)
    pipeline.fit(FRUIT + STONE, ["fruit"] * 6 + ["stone"] * 6)
    notes = rung.notes(pipeline)
    assert [note.partition(":")[0] for note in notes] == ["topic 1", "topic 2"]
    words = set(" ".join(FRUIT + STONE).split())
    assert all(set(note.partition(": ")[2].split(", ")) <= words for note in notes)


def test_a_topic_rung_stops_at_its_share_of_the_time():
    (rung,) = choose_rungs(["lda-logreg"])
    pipeline = rung.factory(0).set_params(**{rung.max_seconds: 0.0})
    pipeline.fit(FRUIT + STONE, ["fruit"] * 6 + ["stone"] * 6)
    assert pipeline["topics"].stopped_early_
    assert set(pipeline.predict(FRUIT)) <= {"fruit", "stone"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": [("C", (1, 2))]}, "grid of rung 'mine' is .*expected a mapping"),
        ({"grid": {1: (1, 2)}}, "grid of rung 'mine' has the key 1"),
        ({"grid": {"C": ()}}, r"grid of rung 'mine': 'C' has \(\); expected a list"),
        ({"grid": {"C": "ab"}}, "grid of rung 'mine': 'C' has 'ab'"),
        ({"grid": {"C": 1.0}}, "grid of rung 'mine': 'C' has 1.0"),
        ({"max_seconds": 3.0}, "max_seconds of rung 'mine' is 3.0; expected the name"),
        ({"max_seconds": ""}, "max_seconds of rung 'mine' is ''"),
        ({"notes": ("a",)}, r"notes of rung 'mine' is \('a',\); expected a function"),
        ({"warm_up": None}, "warm_up of rung 'mine' is None; expected True or False"),
        ({"cost": 0.5}, "cost of rung 'mine' is 0.5; expected a function"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_an_option_of_another_kind_is_named(options, message):
    with pytest.raises(ComparisonError, match=message):
        Rung("mine", "", lambda seed: Pipeline([]), **options)


# Of topics there is no warning, and the others have no linear model at their end.
UNWARNED = {
    "lda-logreg", "few-shot-lm", "lstm", "bilstm-word2vec", "ulmfit", "transformer", "bert",
    "distilbert",
}  # fmt: skip
ENOUGH = 5.0  # seconds, to have some vectors


@pytest.mark.slow
@pytest.mark.parametrize(
    "rung", [rung for rung in LEARNING if rung.name not in UNWARNED], ids=lambda rung: rung.name
)
def test_classifiers_converge_on_real_texts(rung):
    corpus = textrep.load_corpus("docstrings")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        pipeline = rung.factory(0)
        if rung.max_seconds is not None:
            pipeline.set_params(**{rung.max_seconds: ENOUGH})
        pipeline.fit(corpus.texts[::6], np.array(corpus.labels[::6]))


ON_ENCODERS = ["frozen-encoder", "static-student", "bert", "distilbert"]


def test_a_checkpoint_reaches_the_rungs_that_start_from_one_and_is_named():
    rungs = choose_rungs(["tfidf-svm", *ON_ENCODERS], "some/encoder")
    assert rungs[0] == choose_rungs(["tfidf-svm"])[0]
    for rung in rungs[1:]:
        assert rung.description.endswith(", from some/encoder")
        assert "these texts" not in rung.description
        given = rung.factory(0).get_params()
        assert "some/encoder" in [v for k, v in given.items() if k.endswith("__checkpoint")]
        assert pickle.loads(pickle.dumps(rung)).factory(0).get_params().keys() == given.keys()


@pytest.mark.parametrize(
    ("methods", "checkpoint", "message"),
    [
        (["bow-nb"], "x", "checkpoint is 'x', but none of the methods starts from one; add one of"),
        (None, "", "checkpoint is ''; expected the folder"),
        (["bert"], 3, "checkpoint is 3; expected the folder"),
    ],
)
def test_a_checkpoint_that_nobody_takes_is_refused(methods, checkpoint, message):
    with pytest.raises(ComparisonError, match=message):
        choose_rungs(methods, checkpoint)


def test_a_folder_without_a_model_is_refused_before_the_work(tmp_path):
    with pytest.raises(ComparisonError, match=r"the folder has no config\.json"):
        check_checkpoint(str(tmp_path))
    with pytest.raises(ComparisonError, match="there is no such folder"):
        check_checkpoint(str(tmp_path / "none"))
    with pytest.raises(ComparisonError, match="there is no such folder"):
        check_checkpoint("./none")


@pytest.mark.parametrize("name", ON_ENCODERS)
def test_a_rung_starts_from_an_encoder_in_a_folder(name, tmp_path):
    encoder = textrep.MaskedLanguageModel(
        size={"num_layers": 2, "hidden_size": 16}, vocab_size=60, max_length=16, max_steps=1,
        device="cpu", random_state=0,
    ).fit(FRUIT + STONE)  # fmt: skip
    encoder.save_pretrained(tmp_path / "bert")
    (rung,) = choose_rungs([name], str(tmp_path / "bert"))
    step = fitted(rung).steps[0][1]
    if name == "static-student":
        assert step.vectors_.dim == 16
    else:
        assert step.encoder_.hidden_size == 16
        assert step.encoder_.tokenizer.tokens == encoder.encoder_.tokenizer.tokens
