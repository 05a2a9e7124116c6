"""Word2Vec as its users meet it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import textrep
from textrep import Word2Vec
from textrep.embeddings import training
from textrep.embeddings.corpus import read_corpus

PAIRS = {
    "cat kitten": "milk fur",
    "king emperor": "crown throne",
    "ship boat": "sea sail",
    "bread cake": "oven flour",
    "tree bush": "leaf root",
    "judge lawyer": "court law",
}


def pair_texts(n: int = 300, seed: int = 0) -> list[str]:
    """Each text holds one word of a pair among the words that both stand with."""
    rng = np.random.default_rng(seed)
    pairs = list(PAIRS.items())
    texts = []
    for i in rng.integers(len(pairs), size=n):
        pair, around = pairs[i]
        words = [rng.choice(pair.split()), *around.split(), rng.choice(["the", "a", "of"])]
        texts.append(" ".join(rng.permutation(words)))
    return texts


SMALL = {
    "vector_size": 16,
    "window": 3,
    "min_count": 1,
    "sample": 1e-2,
    "epochs": 20,
    "n_jobs": 1,
    "random_state": 0,
}
KINDS = {
    "skipgram": {"algorithm": "skipgram", "alpha": 0.05},
    "cbow": {"algorithm": "cbow", "alpha": 0.3},
    "historical cbow": {"algorithm": "cbow", "cbow_gradient": "historical", "alpha": 0.1},
    "hierarchical skipgram": {"algorithm": "skipgram", "loss": "hs", "alpha": 0.1},
    "hierarchical cbow": {"algorithm": "cbow", "loss": "hs", "alpha": 0.3},
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_words_that_stand_together_are_close(kind):
    model = Word2Vec(**SMALL, **KINDS[kind]).fit(pair_texts())
    content = [word for pair in PAIRS for word in pair.split()]
    right = 0
    for pair in PAIRS:
        for one, other in (pair.split(), pair.split()[::-1]):
            others = [word for word in content if word != one]
            right += max(others, key=lambda word: model.similarity(one, word)) == other
    assert right >= 10  # of 12; by chance 1


def test_the_loss_falls():
    losses = Word2Vec(**SMALL, alpha=0.05).fit(pair_texts()).loss_history_
    assert len(losses) == 20
    # Untrained, each of the pair and its up to five negatives costs log 2.
    assert 5 * np.log(2) - 0.5 < losses[0] < 6 * np.log(2)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_thread_gives_the_same_bits_twice(kind):
    first, second = (Word2Vec(**SMALL, **KINDS[kind]).fit(pair_texts(100)) for _ in range(2))
    np.testing.assert_array_equal(first.vectors_.dense(), second.vectors_.dense())
    assert first.loss_history_ == second.loss_history_


def test_another_seed_gives_other_vectors():
    one = Word2Vec(**SMALL).fit(pair_texts(100))
    other = Word2Vec(**{**SMALL, "random_state": 1}).fit(pair_texts(100))
    assert (one.vectors_.dense() != other.vectors_.dense()).any()


def test_all_forms_of_a_corpus_give_the_same_vectors(tmp_path):
    texts = pair_texts(100)
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(texts) + "\n")
    expected = Word2Vec(**SMALL).fit(texts).vectors_
    for form in (path, [text.split() for text in texts], (text for text in texts), np.array(texts)):
        vectors = Word2Vec(**SMALL).fit(form).vectors_
        assert vectors.words == expected.words
        np.testing.assert_array_equal(vectors.dense(), expected.dense())


def test_a_sentence_of_any_length_is_read_to_its_end():
    words = [f"w{i}" for i in range(2000)]
    text = " ".join(words[i % 2000] for i in range(600_000))
    model = Word2Vec(vector_size=4, epochs=1, sample=0, n_jobs=1, random_state=0).fit([text])
    assert model.n_words_trained_ == 600_000
    assert model.vectors_.counts.tolist() == [300] * 2000
    with read_corpus([text]) as corpus:
        assert {chunk.n_tokens for chunk in corpus.chunks[:-1]} == {-(-600_001 // 64)}


def test_interrupted_training_gives_the_same_bits(tmp_path, monkeypatch):
    texts = pair_texts(200)
    whole = Word2Vec(**SMALL).fit(texts)
    path = tmp_path / "checkpoint"
    original = training._Run._take_chunks

    def stop_in_epoch_7(self):
        if self.place.epoch == 7:
            self._failure = KeyboardInterrupt()
            self._hold = True
        else:
            original(self)

    monkeypatch.setattr(training._Run, "_take_chunks", stop_in_epoch_7)
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(**SMALL, checkpoint=path).fit(texts)
    monkeypatch.setattr(training._Run, "_take_chunks", original)
    assert path.exists()
    resumed = Word2Vec(**SMALL, checkpoint=path).fit(texts)
    np.testing.assert_array_equal(resumed.vectors_.dense(), whole.vectors_.dense())
    assert resumed.loss_history_ == whole.loss_history_
    assert not path.exists()


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path, monkeypatch):
    texts = pair_texts(100)
    path = tmp_path / "checkpoint"
    with monkeypatch.context() as patch:
        patch.setattr(training.Checkpoint, "remove", lambda self: None)
        Word2Vec(**{**SMALL, "epochs": 2}, checkpoint=path).fit(texts)
    with pytest.raises(textrep.PersistError, match="of another training"):
        Word2Vec(**{**SMALL, "epochs": 2, "window": 2}, checkpoint=path).fit(texts)


def test_a_time_limit_leaves_a_usable_model():
    model = Word2Vec(**SMALL, max_seconds=0).fit(pair_texts(50))
    assert model.stopped_early_
    assert np.isfinite(model.transform(["cat kitten"])).all()


def test_early_stop_is_only_if_asked_for():
    texts = pair_texts(100)
    patient = Word2Vec(**SMALL).fit(texts)
    hasty = Word2Vec(**SMALL, tol=0.5).fit(texts)
    assert (patient.n_epochs_, patient.stopped_early_) == (20, False)
    assert (hasty.n_epochs_, hasty.stopped_early_) == (2, True)


def test_a_short_text_is_read_more_often_if_asked_for():
    model = Word2Vec(**{**SMALL, "vector_size": 4, "epochs": "auto"}).fit(pair_texts(100))
    assert model.n_epochs_ == 30
    with pytest.raises(ValueError, match="epochs must be an integer of at least 1 or 'auto'"):
        Word2Vec(epochs="car").fit(pair_texts(100))


def test_texts_of_one_word_are_warned_about():
    with pytest.warns(UserWarning, match="no word in X has another word beside it"):
        model = Word2Vec(**SMALL).fit(["one", "two", "three"])
    assert model.loss_history_ == []


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("algorithm", "glove", "algorithm must be 'skipgram' or 'cbow', got 'glove'"),
        ("loss", "softmax", "loss must be 'ns' or 'hs'"),
        ("cbow_gradient", True, "cbow_gradient must be 'corrected' or 'historical'"),
        ("vector_size", 0, "vector_size must be an integer of at least 1"),
        ("window", 2.5, "window must be an integer"),
        ("window", 10**30, "window must be at most 2,147,483,647"),
        ("negative", 0, "negative must be an integer of at least 1"),
        ("epochs", None, "epochs must be an integer"),
        ("alpha", 0, "alpha must be a finite number above 0"),
        ("alpha", float("nan"), "alpha must be a finite number above 0"),
        ("sample", 2, "sample must be a finite number of at least 0 and at most 1"),
        ("min_alpha", -1, "min_alpha must be"),
        ("tol", "a", "tol must be"),
        ("max_seconds", -1, "max_seconds must be"),
        ("pooling", "sum", "pooling"),
        ("n_jobs", 0, "n_jobs must be"),
        ("min_count", -1, "min_count must be"),
        ("max_vocabulary", 0, "max_vocabulary must be"),
    ],
)
def test_a_parameter_out_of_range_is_named(parameter, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Word2Vec(**{parameter: value}).fit(pair_texts(20))


def test_a_saved_model_answers_alike(tmp_path):
    model = Word2Vec(**SMALL, pooling="sif").fit(pair_texts(100))
    loaded = textrep.load(model.save(tmp_path / "model"))
    texts = ["cat and kitten", "", "nothing known"]
    np.testing.assert_array_equal(loaded.transform(texts), model.transform(texts))
    assert loaded.most_similar("cat") == model.most_similar("cat")


@pytest.mark.slow
def test_it_learns_what_gensim_learns():
    gensim = pytest.importorskip("gensim.models")
    texts = pair_texts(2000)
    tokens = [text.split() for text in texts]
    peer = gensim.Word2Vec(
        tokens, vector_size=16, window=3, min_count=1, sample=1e-2, epochs=20, sg=1, alpha=0.05,
        workers=1, seed=1,
    )  # fmt: skip
    model = Word2Vec(**SMALL, alpha=0.05).fit(tokens)
    words = [word for pair in PAIRS for word in pair.split()]
    ours = np.array([[model.similarity(a, b) for b in words] for a in words])
    theirs = np.array([[peer.wv.similarity(a, b) for b in words] for a in words])
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("alpha", [1e5, 1e30, 1e300])
def test_vectors_that_are_not_finite_are_never_the_result(kind, alpha):
    settings = {**SMALL, **KINDS[kind], "alpha": alpha, "sample": 0, "epochs": 2}
    with pytest.raises(FloatingPointError, match="the learning rate alpha is too high"):
        Word2Vec(**settings).fit(pair_texts(100))


def test_a_failed_fit_leaves_the_model_that_was_there():
    model = Word2Vec(**SMALL).fit(pair_texts(100))
    before = model.transform(["cat"])
    with pytest.raises(FloatingPointError):
        model.set_params(alpha=1e30).fit(pair_texts(50, seed=1))
    np.testing.assert_array_equal(model.transform(["cat"]), before)


def test_training_goes_on_where_the_checkpoint_cannot_be_written(tmp_path, monkeypatch):
    def full(path, contents):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("textrep.core.container.write", full)
    with pytest.warns(UserWarning, match=r"checkpoint .* cannot be written: .*No space left"):
        model = Word2Vec(**SMALL, checkpoint=tmp_path / "training").fit(pair_texts(50))
    assert model.n_epochs_ == 20


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (".", IsADirectoryError, r"checkpoint='.' is a folder; name a file in it"),
        ("", IsADirectoryError, "is a folder"),
        ("no/such/file", FileNotFoundError, r"there is no folder 'no/such'; make it first"),
        (3, TypeError, "checkpoint must be the path of a file, or None, got 3 of type int"),
    ],
)
def test_a_checkpoint_that_cannot_be_is_refused_before_the_corpus_is_read(path, error, message):
    def texts():
        raise AssertionError("read")
        yield ""

    with pytest.raises(error, match=message):
        Word2Vec(checkpoint=path).fit(texts())


@pytest.mark.parametrize("make", [lambda: None, lambda: 5, lambda: np.random.default_rng(5)])
def test_a_checkpoint_is_taken_up_whatever_the_random_state_is(tmp_path, monkeypatch, make):
    path = tmp_path / "checkpoint"
    settings = {**SMALL, "epochs": 2, "checkpoint": path}
    with monkeypatch.context() as patch:
        patch.setattr(training.Checkpoint, "remove", lambda self: None)
        Word2Vec(**{**settings, "random_state": make()}).fit(pair_texts(50))
    assert Word2Vec(**{**settings, "random_state": make()}).fit(pair_texts(50)).n_epochs_ == 2


def test_threads_share_a_small_corpus_in_chunks_that_do_not_depend_on_them():
    texts = pair_texts(5000)
    chunks = []
    for threads in (1, 3):
        with read_corpus(texts, min_count=1, n_jobs=threads) as corpus:
            chunks.append(corpus.chunks)
    assert chunks[0] == chunks[1]
    assert len(chunks[0]) == 4  # of up to 8,192 of 25,000 words and 5,000 ends
