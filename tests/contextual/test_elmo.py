"""`ElmoEmbedder`: contextual vectors of words and texts."""

from __future__ import annotations

import math
import zipfile

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import textrep
from textrep import TextInputError, Word2Vec
from textrep.contextual import ElmoEmbedder
from textrep.contextual import elmo as elmo_module

TINY = {
    "hidden_size": 6,
    "character_size": 4,
    "filters": ((1, 4), (2, 4)),
    "max_word_length": 8,
    "epochs": 2,
    "device": "cpu",
    "random_state": 0,
}
TEXTS = [
    "the bank of the river is green",
    "the bank lends money",
    "a river of money",
    "",
    "green money",
    "of the river",
]


@pytest.fixture(scope="module")
def elmo():
    return ElmoEmbedder(**TINY).fit(TEXTS)


@pytest.mark.parametrize(
    ("mix", "pooling", "dim"),
    [
        ("mean", "mean", 12),
        ("last", "max", 12),
        ([1.0, 0.0, 2.0], "mean", 12),
        ("concat", "mean", 30),
        ("concat", "mean_max", 60),
    ],
)
def test_dimensions_and_their_names(elmo, mix, pooling, dim):
    changed = ElmoEmbedder(**TINY).set_params(mix=mix, pooling=pooling)
    vars(changed).update({name: value for name, value in vars(elmo).items() if name.endswith("_")})
    vectors = changed.transform(TEXTS)
    assert vectors.shape == (len(TEXTS), dim)
    assert vectors.dtype == np.float32
    names = changed.get_feature_names_out()
    assert (len(names), names[0]) == (dim, "elmoembedder0")
    table = changed.set_output(transform="pandas").transform(TEXTS)
    assert table.columns.tolist() == names.tolist()


def test_a_text_is_the_mean_of_its_words_and_a_word_that_of_its_layers(elmo):
    words, layers, texts = elmo.transform_tokens(TEXTS), elmo.layers(TEXTS), elmo.transform(TEXTS)
    for word, layer, text in zip(words, layers, texts, strict=True):
        np.testing.assert_allclose(layer.mean(axis=1), word, atol=1e-6)
        expected = word.mean(axis=0) if len(word) else np.zeros(12)
        np.testing.assert_allclose(text, expected, atol=1e-6)


def test_a_text_without_words_is_zeros(elmo):
    assert not elmo.transform(["", " \t"]).any()
    assert [words.shape for words in elmo.transform_tokens([""])] == [(0, 12)]
    assert [layers.shape for layers in elmo.layers([""])] == [(0, 3, 12)]
    assert elmo.transform([]).shape == (0, 12)


def test_company_and_order_change_nothing(elmo):
    together = elmo.transform(TEXTS)
    alone = np.concatenate([elmo.transform([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(elmo.transform(TEXTS[::-1])[::-1], together, atol=1e-5)


def test_one_word_has_other_vectors_elsewhere_but_one_without_context(elmo):
    river, money = elmo.transform_tokens(TEXTS[:2])
    assert not np.allclose(river[1], money[1], atol=1e-3)
    river, money = elmo.layers(TEXTS[:2])
    np.testing.assert_allclose(river[1, 0], money[1, 0], atol=1e-6)


def test_unseen_words_differ_by_their_characters(elmo):
    vectors = np.stack([words[0] for words in elmo.transform_tokens(["greener", "rivers", "文字"])])
    assert len(np.unique(vectors.round(4), axis=0)) == 3


def test_of_a_very_long_word_the_beginning_is_read(elmo):
    long = "x" * 10_000
    np.testing.assert_allclose(elmo.transform([long]), elmo.transform(["x" * 8]), atol=1e-6)


def test_lone_surrogates_are_characters_like_others(elmo, tmp_path):
    texts = ["a \ud800 a", "\ud800 \udfff"]
    own = ElmoEmbedder(**TINY, min_count=1).fit(texts)
    assert np.isfinite(elmo.transform(texts)).all()
    loaded = textrep.load(own.save(tmp_path / "elmo.textrep"))
    assert loaded.vocabulary_ == own.vocabulary_


def test_token_lists_are_taken_as_they_are(elmo):
    tokens = [text.split() for text in TEXTS]
    np.testing.assert_allclose(elmo.transform(tokens), elmo.transform(TEXTS), atol=1e-6)


def test_a_long_text_is_read_in_pieces(elmo):
    words = "the bank of the river is green".split()
    elmo = ElmoEmbedder(**TINY, max_length=3).fit(TEXTS)
    (whole,) = elmo.transform_tokens([words])
    pieces = elmo.transform_tokens([words[:3], words[3:6], words[6:]])
    np.testing.assert_allclose(whole, np.concatenate(pieces), atol=1e-5)
    np.testing.assert_allclose(elmo.transform([words])[0], whole.mean(axis=0), atol=1e-5)


def test_lower_case(elmo):
    folding = ElmoEmbedder(**TINY, lowercase=True).fit(TEXTS)
    np.testing.assert_array_equal(folding.transform(["The BANK"]), folding.transform(["the bank"]))
    assert not np.allclose(elmo.transform(["The BANK"]), elmo.transform(["the bank"]))


def test_the_score_is_the_mean_log_likelihood_of_what_both_directions_predict(elmo):
    texts = ["the bank", "money of unseen"]
    sentences = elmo._read(texts)
    collate = elmo._collate(sentences)
    with torch.no_grad():
        costs = torch.cat([torch.cat(elmo.module_.nll(collate(np.array([i])))) for i in range(2)])
    assert len(costs) == 2 * (3 + 4)
    assert elmo.score(texts) == pytest.approx(-float(costs.mean()), rel=1e-5)
    assert elmo.perplexity(texts) == pytest.approx(math.exp(float(costs.mean())), rel=1e-5)
    with pytest.raises(ValueError, match="no words"):
        elmo.score([""])


def test_both_directions_learn_what_can_be_known():
    # a, b, c come in turn: the word before tells the next one, and the other way around.
    texts = [" ".join(("abc" * 4)[i : i + 8]) for i in (0, 1, 2)] * 20
    elmo = ElmoEmbedder(**{**TINY, "epochs": 40, "learning_rate": 0.02, "batch_tokens": 200})
    elmo.fit(texts)
    with torch.no_grad():
        ahead, back = elmo.module_.nll(elmo._collate(elmo._read(texts[:1]))(np.array([0])))
    # The first word of each direction and the end cannot be known alone.
    assert elmo.perplexity(texts) < 1.5
    assert float(ahead[1:-1].mean()) < 0.2
    assert float(back[1:-1].mean()) < 0.2


def test_a_word_of_two_meanings_has_vectors_that_tell_them_apart():
    rng = np.random.default_rng(0)
    of_water, of_money = ["river", "mud", "fish", "boat"], ["loan", "cash", "credit", "coin"]

    def sentence(words):
        a, b, c = rng.choice(words, 3)
        return [a, "and", "bank", "of", b, c]

    senses = rng.integers(0, 2, size=300)
    texts = [sentence(of_money if sense else of_water) for sense in senses]
    elmo = ElmoEmbedder(**{**TINY, "epochs": 12, "learning_rate": 0.01, "mix": "last"}).fit(texts)
    banks = np.stack([layers[2] for layers in elmo.layers(texts)])  # (300, layer, dim)

    def nearest_neighbour_accuracy(vectors):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = unit @ unit.T - 2 * np.eye(len(unit))
        return (senses[cosines.argmax(axis=1)] == senses).mean()

    assert nearest_neighbour_accuracy(banks[:, 2]) > 0.95
    np.testing.assert_allclose(
        banks[:, 0], np.broadcast_to(banks[0, 0], banks[:, 0].shape), atol=1e-5
    )


def test_the_mixture_can_be_learnt_from_labels():
    labels = ["a", "b", "a", "b", "b", "a"]
    elmo = ElmoEmbedder(**TINY, mix="learned").fit(TEXTS, labels)
    assert elmo.mix_weights_.shape == (3,)
    assert (elmo.mix_weights_ > 0).all()
    layers, words = elmo.layers(TEXTS)[0], elmo.transform_tokens(TEXTS)[0]
    expected = np.einsum("tld,l->td", layers, elmo.mix_weights_)
    np.testing.assert_allclose(words, expected, rtol=1e-4, atol=1e-5)
    same = ElmoEmbedder(**TINY).fit(TEXTS, labels)  # labels are read for nothing else
    assert same.mix_weights_ is None
    np.testing.assert_array_equal(same.layers(TEXTS)[0], layers)


@pytest.mark.parametrize(
    ("labels", "message"),
    [(None, "needs labels"), (["a"] * 6, "needs two classes"), (["a"], "1 items")],
)
def test_a_learnt_mixture_needs_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        ElmoEmbedder(**TINY, mix="learned").fit(TEXTS, labels)


def test_the_same_seed_gives_the_same_model_and_another_one_another():
    first, again = (ElmoEmbedder(**TINY).fit(TEXTS).transform(TEXTS) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = ElmoEmbedder(**{**TINY, "random_state": 1}).fit(TEXTS).transform(TEXTS)
    assert not np.allclose(first, other)


def test_the_global_random_state_stays_as_it_is():
    before = torch.get_rng_state()
    ElmoEmbedder(**TINY).fit(TEXTS)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_best_state_by_texts_held_out_is_kept():
    elmo = ElmoEmbedder(**TINY, validation_fraction=0.4).fit(TEXTS)
    assert [entry["epoch"] for entry in elmo.history_] == [1, 2]
    assert all(math.isfinite(entry["validation_loss"]) for entry in elmo.history_)
    none = ElmoEmbedder(**TINY, validation_fraction=0.0).fit(TEXTS)
    assert "validation_loss" not in none.history_[0]


def test_a_saved_model_answers_the_same(elmo, tmp_path):
    loaded = textrep.load(elmo.save(tmp_path / "elmo.textrep"))
    np.testing.assert_array_equal(loaded.transform(TEXTS), elmo.transform(TEXTS))
    assert loaded.score(TEXTS) == elmo.score(TEXTS)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_size": 0}, "hidden_size must be an integer of at least 1, got 0"),
        ({"num_layers": True}, "num_layers"),
        ({"filters": ()}, "filters must hold pairs"),
        ({"filters": ((11, 4),)}, "width of filters must be at most 10"),
        ({"filters": (3,)}, "filters must hold pairs"),
        ({"cutoffs": (5, 2)}, "cutoffs must rise"),
        ({"cutoffs": 5}, "cutoffs must be a tuple"),
        ({"dropout": 1.0}, "dropout"),
        ({"mix": "sum"}, "mix must be"),
        ({"mix": (1.0, 2.0)}, "mix has 2 weights"),
        ({"pooling": "sum"}, "pooling must be"),
        ({"token_pattern": "("}, "no regular expression"),
        ({"lowercase": "yes"}, "lowercase must be"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
        ({"epochs": 0}, "epochs"),
        ({"device": "tpu"}, "device"),
        ({"embeddings": 3}, "embeddings must be"),
    ],
)
def test_parameters_out_of_range_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        ElmoEmbedder(**{**TINY, **params}).fit(TEXTS)


def test_texts_without_any_word_are_refused():
    with pytest.raises(ValueError, match="no words: none of its 2 texts"):
        ElmoEmbedder(**TINY).fit(["", " "])
    with pytest.raises(TextInputError, match="empty"):
        ElmoEmbedder(**TINY).fit([])


# ---- vectors known beforehand

VECTORS = Word2Vec(vector_size=5, min_count=1, sample=0, epochs=2, n_jobs=1, random_state=0)


def test_vectors_are_learnt_from_the_same_words_first():
    elmo = ElmoEmbedder(**TINY, embeddings=VECTORS).fit(TEXTS)
    expected = Word2Vec(**VECTORS.get_params()).fit([text.split() for text in TEXTS if text])
    for word in ("river", "money"):
        np.testing.assert_array_equal(
            elmo.embeddings_.vectors_.vector(word), expected.vectors_.vector(word)
        )
    assert not hasattr(VECTORS, "vectors_")


def test_fitted_vectors_are_taken_as_they_are_and_saved(tmp_path):
    fitted = Word2Vec(**VECTORS.get_params()).fit(TEXTS)
    before = fitted.vectors_.dense().copy()
    elmo = ElmoEmbedder(**TINY, embeddings=fitted).fit(TEXTS)
    assert elmo.embeddings_ is fitted
    np.testing.assert_array_equal(fitted.vectors_.dense(), before)
    path = elmo.save(tmp_path / "elmo.textrep")
    loaded = textrep.load(path)
    np.testing.assert_array_equal(loaded.transform(TEXTS), elmo.transform(TEXTS))
    assert loaded.embeddings_ is loaded.embeddings  # in the file once
    with zipfile.ZipFile(path) as archive:
        assert archive.read("model.json").count(b"Word2Vec") == 1


def test_vectors_that_are_learnt_first_get_a_third_of_the_time():
    elmo = ElmoEmbedder(**TINY, embeddings=VECTORS, max_seconds=300).fit(TEXTS)
    assert elmo.embeddings_.max_seconds == pytest.approx(100)


def test_vectors_are_added_to_what_the_characters_say():
    fitted = Word2Vec(**VECTORS.get_params()).fit(TEXTS)
    elmo = ElmoEmbedder(**TINY, embeddings=fitted).fit(TEXTS)
    (layers,) = elmo.layers([["river", "unseen"]])
    module = elmo.module_
    batch = elmo._collate(elmo._read([["river", "unseen"]]))(np.array([0]))
    with torch.no_grad():
        by_characters = module.character_weight * module.characters(batch.characters)
        known = torch.from_numpy(fitted.vectors_.vector("river")) @ module.known.weight.T
    np.testing.assert_allclose(layers[0, 0, :6], by_characters[1] + known, atol=1e-5)
    np.testing.assert_allclose(layers[1, 0, :6], by_characters[2], atol=1e-5)


def test_clones_keep_fitted_vectors_in_a_grid_search_too():
    fitted = Word2Vec(**VECTORS.get_params()).fit(TEXTS)
    elmo = ElmoEmbedder(**TINY, embeddings=fitted)
    assert clone(elmo).embeddings is fitted
    search = GridSearchCV(elmo, {"min_count": [1, 2]}, cv=2).fit(TEXTS)
    assert search.best_estimator_.embeddings_ is fitted


def test_a_file_of_vectors_is_saved_by_its_name(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("2 2\nbank 1 2\nriver 3 4\n")
    elmo = ElmoEmbedder(**TINY, embeddings=path).fit(TEXTS)
    loaded = textrep.load(elmo.save(tmp_path / "elmo.textrep"))
    assert loaded.embeddings == str(path)
    np.testing.assert_array_equal(loaded.transform(TEXTS), elmo.transform(TEXTS))


def test_a_mixture_is_learnt_on_the_device_of_the_network(monkeypatch):
    devices = []
    learn = elmo_module.learn_weights
    monkeypatch.setattr(
        elmo_module,
        "learn_weights",
        lambda *args, **how: devices.append(how["device"]) or learn(*args, **how),
    )
    ElmoEmbedder(**TINY, mix="learned").fit(["so much", "so little"] * 4, [0, 1] * 4)
    assert devices == ["cpu"]
