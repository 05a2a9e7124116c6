"""`FastText` and `SubwordVectors`: unseen words, files of fastText and gensim, resumption."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import textrep
from textrep.core.persist import PersistError
from textrep.embeddings import NgramTable, SubwordVectors, UnknownWordError, VectorFileError
from textrep.embeddings.fasttext_file import own_rows
from textrep.embeddings.fasttext_training import FastTextTraining
from textrep.embeddings.formats import read_fasttext
from textrep.embeddings.subword_vectors import mean_rows
from textrep.embeddings.subwords import subwords_of

SUBJECTS = ["king", "queen", "kings", "queens", "farmer", "farmers", "naïveté", "文字列"]
TEXTS = [f"the {who} {what} the land" for who in SUBJECTS for what in ("rules", "leaves")] * 20
FAST = {
    "vector_size": 12,
    "min_count": 1,
    "sample": 0,
    "bucket": 5000,
    "epochs": 3,
    "n_jobs": 1,
    "random_state": 0,
}
UNSEEN = ["kingly", "farming", "naïve", "文字", "queenly"]


@pytest.fixture(scope="module")
def model():
    return textrep.FastText(**FAST).fit(TEXTS)


@pytest.mark.parametrize("algorithm", ["skipgram", "cbow"])
def test_words_lie_where_their_contexts_and_their_ngrams_put_them(algorithm):
    topics = [
        ("king queen kings queens", "rules reigns", "palace throne"),
        ("farmer farmers peasant peasants", "ploughs sows", "field barn"),
    ]
    texts = [
        f"{who} {does} {where}"
        for subjects, verbs, places in topics
        for who in subjects.split()
        for does in verbs.split()
        for where in places.split()
    ]
    params = FAST | {"algorithm": algorithm, "epochs": 10}
    vectors = textrep.FastText(**params).fit(texts * 20).vectors_
    for near, word, far in [
        ("queen", "king", "peasant"),
        ("king", "kingly", "farmer"),  # "kingly" and "farming" are not in the texts
        ("farmer", "farming", "queen"),
    ]:
        assert vectors.similarity(near, word) > vectors.similarity(word, far) + 0.2


@pytest.mark.parametrize("algorithm", ["skipgram", "cbow"])
def test_the_loss_falls(algorithm):
    trained = textrep.FastText(**FAST | {"epochs": 8, "algorithm": algorithm}).fit(TEXTS)
    assert len(trained.loss_history_) == trained.n_epochs_ == 8
    assert trained.loss_history_[-1] < 0.9 * trained.loss_history_[0]


def test_a_words_vector_is_the_mean_of_its_own_row_and_its_ngrams(model):
    vectors = model.vectors_
    table = vectors.ngrams
    row_of = {bucket: row for row, bucket in enumerate(table.buckets.tolist())}
    own = own_rows(vectors, 0, len(vectors))
    for i, word in enumerate(vectors.words):
        found = subwords_of([word], min_n=3, max_n=6, bucket=5000).buckets.tolist()
        parts = [own[i], *(table.matrix[row_of[bucket]] for bucket in found)]
        np.testing.assert_allclose(vectors[word], np.mean(parts, axis=0), atol=1e-6)
    # Words begin at random within 1 / vector_size: training has moved them, and not far.
    assert 0.01 < np.abs(own).mean() < 10


@pytest.mark.parametrize("algorithm", ["skipgram", "cbow"])
def test_one_thread_gives_the_same_bits_twice(algorithm):
    params = FAST | {"algorithm": algorithm, "sample": 1e-2}
    first, second = (textrep.FastText(**params).fit(TEXTS) for _ in range(2))
    other = textrep.FastText(**params | {"random_state": 1}).fit(TEXTS)
    np.testing.assert_array_equal(first.vectors_.matrix, second.vectors_.matrix)
    np.testing.assert_array_equal(first.vectors_.ngrams.matrix, second.vectors_.ngrams.matrix)
    assert first.loss_history_ == second.loss_history_
    assert not np.array_equal(first.vectors_.matrix, other.vectors_.matrix)


def test_texts_token_lists_generators_and_files_give_the_same(model, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", "utf-8")
    for source in ([text.split() for text in TEXTS], (text for text in TEXTS), path):
        other = textrep.FastText(**FAST).fit(source)
        np.testing.assert_array_equal(other.vectors_.matrix, model.vectors_.matrix)
        np.testing.assert_array_equal(other.sif_direction_, model.sif_direction_)


def test_two_threads_learn_as_well(model, monkeypatch):
    monkeypatch.setattr("textrep.embeddings.corpus.CHUNK_TOKENS", 64)
    apart = textrep.FastText(**FAST | {"n_jobs": 2}).fit(TEXTS)
    assert apart.loss_history_[-1] == pytest.approx(model.loss_history_[-1], rel=0.05)


def test_interrupted_training_is_taken_up_to_the_same_result(tmp_path, monkeypatch):
    monkeypatch.setattr("textrep.embeddings.corpus.CHUNK_TOKENS", 64)
    params = FAST | {"epochs": 4, "checkpoint": tmp_path / "training.textrep"}
    through = textrep.FastText(**params).fit(TEXTS)

    train_chunk = FastTextTraining._train_chunk

    def broken(self, epoch, i):
        if (epoch, i) == (2, 1):
            raise OSError("the disk went away")
        return train_chunk(self, epoch, i)

    monkeypatch.setattr(FastTextTraining, "_train_chunk", broken)
    with pytest.raises(OSError, match="went away"):
        textrep.FastText(**params).fit(TEXTS)
    assert params["checkpoint"].exists()

    seen = []

    def counting(self, epoch, i):
        seen.append(epoch)
        return train_chunk(self, epoch, i)

    monkeypatch.setattr(FastTextTraining, "_train_chunk", counting)
    resumed = textrep.FastText(**params).fit(TEXTS)
    assert min(seen) == 2
    assert not params["checkpoint"].exists()
    np.testing.assert_array_equal(resumed.vectors_.matrix, through.vectors_.matrix)
    assert resumed.loss_history_ == through.loss_history_


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path, monkeypatch):
    def broken(self, epoch, i):
        if epoch == 1:
            raise OSError("the disk went away")
        return 1.0, 1

    monkeypatch.setattr(FastTextTraining, "_train_chunk", broken)
    params = FAST | {"checkpoint": tmp_path / "training.textrep"}
    with pytest.raises(OSError, match="went away"):
        textrep.FastText(**params).fit(TEXTS)
    with pytest.raises(PersistError, match="another training"):
        textrep.FastText(**params | {"min_n": 2}).fit(TEXTS)


def test_time_that_is_up_ends_training_with_what_there_is():
    hurried = textrep.FastText(**FAST | {"epochs": 10**6, "max_seconds": 0.05}).fit(TEXTS)
    assert hurried.stopped_early_
    assert hurried.transform(["the king"]).any()


def test_without_ngrams_unseen_words_have_no_vectors():
    whole = textrep.FastText(**FAST | {"max_n": 0}).fit(TEXTS)
    assert not whole.transform(["kingly"]).any()
    assert whole.transform(["king"]).any()
    assert len(whole.vectors_.ngrams.matrix) == 0


def test_a_document_of_an_unseen_word_has_its_vector(model):
    np.testing.assert_allclose(
        model.transform(["kingly"])[0], model.vectors_.vector("kingly"), rtol=1e-6
    )


def test_a_word_without_a_known_ngram_is_unknown(model):
    vectors, known = model.vectors_.vectors_of(["xyzzy", "king", "kingly"])
    assert known.tolist() == [False, True, True]
    assert not vectors[0].any()
    assert not model.transform(["xyzzy"]).any()
    with pytest.raises(UnknownWordError, match="'xyzzy' is not in the vocabulary"):
        model.vectors_["xyzzy"]
    with pytest.raises(TypeError):
        model.vectors_[3]


def test_neighbours_of_an_unseen_word_are_among_the_words(model):
    found = model.most_similar("kingly", topn=3)
    assert len(found) == 3
    assert {word for word, _ in found} <= set(model.vectors_.words)
    assert "kingly" not in model.vectors_


@given(
    st.lists(st.lists(st.integers(-1, 9), max_size=6), max_size=8), st.sampled_from([1, 4, 65536])
)
def test_means_are_those_of_a_loop(parts, at_once):
    matrix = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    bounds = np.cumsum([0, *map(len, parts)]).astype(np.int64)
    rows = np.array([row for some in parts for row in some], np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textrep.embeddings.subword_vectors._ROWS_AT_ONCE", at_once)
        means, known = mean_rows(matrix, rows, bounds)
    whole = np.vstack([matrix, np.zeros((1, 3))])
    for i, some in enumerate(parts):
        expected = whole[some].mean(axis=0) if some else np.zeros(3)
        np.testing.assert_allclose(means[i], expected, atol=1e-6)
        assert known[i] == any(row >= 0 for row in some)


def test_ngrams_of_another_size_are_refused():
    table = NgramTable(3, 3, 10, np.array([1], np.int32), np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError, match="4 dimensions, but the words 2"):
        SubwordVectors(["a"], np.ones((1, 2), np.float32), ngrams=table)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"algorithm": "glove"}, "algorithm must be 'skipgram' or 'cbow', got 'glove'"),
        ({"min_n": 0}, "min_n must be an integer of at least 1, got 0"),
        ({"min_n": 4, "max_n": 3}, "max_n must be 0 for no n-grams, or at least min_n=4, got 3"),
        ({"bucket": 0}, "bucket must be an integer of at least 1"),
        ({"bucket": 2**31}, "bucket must be at most"),
        ({"negative": 0}, "negative must be an integer of at least 1"),
        ({"alpha": 0}, "alpha must be a finite number above 0"),
        ({"pooling": "sum"}, "pooling must be one of"),
    ],
)
def test_parameters_out_of_range_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        textrep.FastText(**FAST | params).fit(TEXTS)


def test_saved_and_loaded_it_knows_unseen_words(model, tmp_path):
    loaded = textrep.load(model.save(tmp_path / "model.textrep"))
    assert isinstance(loaded.vectors_, SubwordVectors)
    for word in [*UNSEEN, *model.vectors_.words]:
        np.testing.assert_array_equal(loaded.vectors_[word], model.vectors_[word])
    np.testing.assert_array_equal(loaded.transform(UNSEEN), model.transform(UNSEEN))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("min_n", "3", "min_n"),
        ("bucket", 2**31, "bucket is out of"),
        ("bucket", 10, "buckets holds"),
        ("buckets", np.array([-1], np.int32), "buckets holds"),
        ("buckets", np.array([1.5]), "buckets is not"),
        ("buckets", None, "ngrams is not"),
        ("ngrams", np.zeros((1, 12), np.float32), "ngrams is not"),
        ("ngrams", np.zeros((1, 12), np.int8), "ngrams is not"),
    ],
)
def test_a_damaged_state_is_refused(model, name, value, message):
    state = model._get_state()
    state["vectors"] = state["vectors"] | {name: value}
    with pytest.raises(ValueError, match=message):
        textrep.FastText()._set_state(state)


def test_a_state_without_ngrams_is_refused(model):
    state = model._get_state()
    state["vectors"] = {k: v for k, v in state["vectors"].items() if k != "ngrams"}
    with pytest.raises(ValueError, match="no n-grams"):
        textrep.FastText()._set_state(state)


@pytest.fixture(scope="module", params=["skipgram", "cbow", "no n-grams"])
def written(request, tmp_path_factory):
    """A model, and the file it has written."""
    kind = request.param
    own = {"max_n": 0} if kind == "no n-grams" else {"algorithm": kind, "min_n": 2, "max_n": 4}
    fitted = textrep.FastText(**FAST | own).fit(TEXTS)
    path = tmp_path_factory.mktemp("fasttext") / "model.bin"
    fitted.save_fasttext(path)
    return fitted, path


def words_to_ask(fitted):
    return fitted.vectors_.words + (UNSEEN if fitted.max_n else [])


def test_gensim_loads_the_file(written):
    facebook = pytest.importorskip("gensim.models.fasttext")
    fitted, path = written
    keyed = facebook.load_facebook_vectors(str(path))
    assert keyed.index_to_key == fitted.vectors_.words
    for word in words_to_ask(fitted):
        np.testing.assert_allclose(keyed[word], fitted.vectors_[word], atol=1e-5)
    whole = facebook.load_facebook_model(str(path))
    assert (whole.window, whole.negative, whole.sg) == (5, 5, int(fitted.algorithm == "skipgram"))
    assert whole.wv.get_vecattr("the", "count") == fitted.vectors_.counts[0]


def test_fasttext_loads_the_file(written):
    fasttext = pytest.importorskip("fasttext")
    fitted, path = written
    theirs = fasttext.FastText._FastText(str(path))
    for word in words_to_ask(fitted):
        np.testing.assert_allclose(theirs.get_word_vector(word), fitted.vectors_[word], atol=1e-5)


@pytest.mark.parametrize("lazy", [True, False])
def test_a_file_is_loaded_again(written, lazy):
    fitted, path = written
    loaded = textrep.FastText.load_fasttext(path, lazy=lazy)
    assert loaded.max_n == fitted.max_n
    assert loaded.algorithm == fitted.algorithm
    asked = words_to_ask(fitted)
    for word in asked:
        np.testing.assert_allclose(loaded.vectors_[word], fitted.vectors_[word], atol=1e-5)
    np.testing.assert_allclose(loaded.transform(asked), fitted.transform(asked), atol=1e-5)


def test_a_loaded_file_can_be_saved_and_written_again(written, tmp_path):
    path = written[1]
    loaded = textrep.FastText.load_fasttext(path)
    again = textrep.load(loaded.save(tmp_path / "model.textrep"))
    again.save_fasttext(tmp_path / "again.bin")
    first, second = read_fasttext(path), read_fasttext(tmp_path / "again.bin")
    assert first.words == second.words
    np.testing.assert_allclose(first.input, second.input, atol=1e-5)


def test_gensims_file_is_loaded(tmp_path):
    facebook = pytest.importorskip("gensim.models.fasttext")
    theirs = facebook.FastText(
        [text.split() for text in TEXTS], vector_size=12, min_count=1, bucket=5000, epochs=1,
        workers=1, seed=1,
    )  # fmt: skip
    facebook.save_facebook_model(theirs, str(tmp_path / "gensim.bin"))
    loaded = textrep.FastText.load_fasttext(tmp_path / "gensim.bin")
    assert (loaded.algorithm, loaded.bucket, loaded.vector_size) == ("cbow", 5000, 12)
    for word in [*theirs.wv.index_to_key, *UNSEEN]:
        np.testing.assert_allclose(loaded.vectors_[word], theirs.wv[word], atol=1e-5)


def test_fasttexts_own_file_is_loaded(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n", "utf-8")
    theirs = fasttext.train_unsupervised(
        str(tmp_path / "texts.txt"), dim=12, minCount=1, bucket=5000, epoch=1, thread=1, verbose=0
    )
    theirs.save_model(str(tmp_path / "own.bin"))
    loaded = textrep.FastText.load_fasttext(tmp_path / "own.bin")
    for word in [*loaded.vectors_.words, *UNSEEN, "</s>"]:
        np.testing.assert_allclose(loaded.vectors_[word], theirs.get_word_vector(word), atol=1e-5)


def test_a_classifiers_file_is_refused(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    (tmp_path / "texts.txt").write_text("__label__a so much\n__label__b so little\n" * 5)
    theirs = fasttext.train_supervised(str(tmp_path / "texts.txt"), dim=4, verbose=0)
    theirs.save_model(str(tmp_path / "classes.bin"))
    with pytest.raises(VectorFileError, match="classifier"):
        textrep.FastText.load_fasttext(tmp_path / "classes.bin")


@pytest.mark.parametrize("algorithm", ["skipgram", "cbow"])
@pytest.mark.parametrize("alpha", [1e5, 1e30, 1e300])
def test_a_learning_rate_too_high_is_named(algorithm, alpha):
    with pytest.raises(FloatingPointError, match="the learning rate alpha is too high"):
        textrep.FastText(**FAST | {"algorithm": algorithm, "alpha": alpha}).fit(TEXTS)
