"""The static student: its word vectors are the encoder's, and texts are their means."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

import textrep
from textrep.contextual import MaskedLanguageModel
from textrep.contextual.distillation.static_student import StaticStudent, principal_axes
from textrep.contextual.distillation.word_contexts import cut_texts
from textrep.contextual.encoders import Encoder, EncoderTokenizer

TEXTS = [
    "the sea is cold and the sea is deep",
    "a deep, cold sea!",
    "the film is good",
    "a good good film is unfathomable",
] * 2


@pytest.fixture(scope="module", params=["bert", "xlnet"])
def encoder(request):
    tokenizer = EncoderTokenizer.train(TEXTS, architecture=request.param, vocab_size=60)
    size = {"num_layers": 2, "hidden_size": 8, "num_heads": 2, "inner_size": 16}
    return Encoder.new(request.param, size, tokenizer, max_length=32, seed=0)


@pytest.fixture(scope="module")
def bert():
    tokenizer = EncoderTokenizer.train(TEXTS, vocab_size=60)
    size = {"num_layers": 2, "hidden_size": 8, "num_heads": 2, "inner_size": 16}
    return Encoder.new("bert", size, tokenizer, max_length=32, seed=0)


def vectors_by_hand(encoder, text, layers):
    """Each word's vectors where it stands in a text that is cut as a whole: word -> list."""
    row = encoder.tokenizer.rows([text], max_length=32)[0]
    with torch.no_grad():
        states = encoder.hidden(encoder.collate([row]), layers="all")
    hidden = torch.stack(states[1:]).mean(0)[0] if layers == "all" else states[layers][0]
    starts = np.flatnonzero(encoder.tokenizer.word_starts(row.ids))
    found = {}
    for start, end in zip(starts, [*starts[1:], len(row.ids)], strict=True):
        word = encoder.tokenizer.decode(row.ids[start:end]).strip()
        found.setdefault(word, []).append(hidden[start:end].mean(0).numpy().astype(np.float64))
    return found


def in_all_components(student, words):
    return np.stack([student.vectors_[word] for word in words])


def distances(vectors):
    return np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)


@pytest.mark.parametrize("layers", ["all", 1, -1])
def test_contexts_are_means_over_the_places_of_a_word(bert, layers):
    """Held against one text after the other, each cut as a whole."""
    student = StaticStudent(
        checkpoint=bert, layers=layers, n_components=None, min_count=1, device="cpu"
    ).fit(TEXTS)
    places, alone = {}, {}
    for text in TEXTS:
        for word, vectors in vectors_by_hand(bert, text, layers).items():
            places.setdefault(word, []).extend(vectors)
    words = [w for w, n in zip(student.vectors_.words, student.vectors_.counts, strict=True) if n]
    for word in words:
        own = vectors_by_hand(bert, word, layers)
        alone[word] = np.mean([v for key, found in own.items() if key for v in found], axis=0)
    shift = np.mean([np.mean(places[word], axis=0) - alone[word] for word in words], axis=0)
    expected = [
        (np.sum(places[word], axis=0) + 2 * (alone[word] + shift)) / (len(places[word]) + 2)
        for word in words
    ]
    np.testing.assert_allclose(
        distances(in_all_components(student, words)), distances(np.array(expected)), atol=1e-4
    )


def test_words_alone_keep_their_distances_in_all_components(encoder):
    student = StaticStudent(
        checkpoint=encoder, method="words", n_components=None, min_count=1, device="cpu"
    ).fit(TEXTS)
    words = ["sea", "good", "film"]
    expected = []
    for word in words:
        row = encoder.tokenizer.rows([word], max_length=32)[0]
        with torch.no_grad():
            states = encoder.hidden(encoder.collate([row]), layers="all")
        hidden = torch.stack(states[1:]).mean(0)[0]
        inside = ~np.isin(row.ids, encoder.tokenizer.special_ids)
        expected.append(hidden[torch.from_numpy(inside)].mean(0).numpy())
    found = distances(in_all_components(student, words))
    np.testing.assert_allclose(found, distances(np.array(expected)), atol=1e-4)


def test_unseen_words_are_means_of_their_pieces(bert):
    student = StaticStudent(checkpoint=bert, n_components=4, device="cpu").fit(TEXTS)
    vectors = student.vectors_
    word = "seafilm"
    assert word not in vectors
    [pieces] = bert.tokenizer.pieces([word])
    np.testing.assert_allclose(vectors[word], vectors.pieces[pieces].mean(0), atol=1e-6)
    with pytest.raises(KeyError, match="文"):
        vectors["文"]
    assert not student.set_params(pooling="mean").transform(["文"]).any()


def test_texts_are_means_of_words_of_length_one(bert):
    student = StaticStudent(checkpoint=bert, pooling="mean", n_components=4, device="cpu")
    student.fit(TEXTS)
    found = student.transform(["sea sea film", "", "seafilm sea"])
    assert found.dtype == np.float32
    mean = (2 * student.vectors_["sea"] + student.vectors_["film"]) / 3
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert not found[1].any()
    mean = student.vectors_["sea"] + student.vectors_["seafilm"]
    np.testing.assert_allclose(found[2], mean / np.linalg.norm(mean), atol=1e-6)


def test_a_row_is_the_same_alone_and_among_others(bert):
    student = StaticStudent(checkpoint=bert, device="cpu").fit(TEXTS)
    together = student.transform([*TEXTS, "seafilm at sea"])
    alone = np.concatenate([student.transform([text]) for text in [*TEXTS, "seafilm at sea"]])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_encoder_stays_as_it_is(bert):
    before = {name: value.clone() for name, value in bert.module.state_dict().items()}
    StaticStudent(checkpoint=bert, device="cpu").fit(TEXTS)
    for name, value in bert.module.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_text_longer_than_the_encoder_is_read_in_parts(bert):
    long = " ".join(["the deep cold sea"] * 30)
    student = StaticStudent(checkpoint=bert, min_count=1, device="cpu").fit([long])
    assert student.vectors_.counts[student.vectors_.index("sea")] == 30
    assert np.isfinite(student.transform([long])).all()


def test_fewer_texts_are_read_where_the_encoder_may_not_read_all(bert):
    some = StaticStudent(checkpoint=bert, context_tokens=10, device="cpu", random_state=0)
    every = StaticStudent(checkpoint=bert, device="cpu", random_state=0)
    first, second = (s.fit(TEXTS).transform(TEXTS) for s in (some, every))
    assert not np.allclose(first, second, atol=1e-3)
    np.testing.assert_array_equal(first, some.fit(TEXTS).transform(TEXTS))


def test_saved_and_loaded_it_answers_the_same(bert, tmp_path):
    student = StaticStudent(checkpoint=bert, device="cpu").fit(TEXTS)
    path = student.save(tmp_path / "student.textrep")
    texts = [*TEXTS, "seafilm at sea"]
    loaded = textrep.load(path)
    np.testing.assert_array_equal(loaded.transform(texts), student.transform(texts))
    assert loaded.most_similar("sea") == student.most_similar("sea")


def test_a_clone_has_the_same_teacher(bert):
    teacher = MaskedLanguageModel(checkpoint_from=bert, epochs=1, device="cpu", random_state=0)
    student = StaticStudent(checkpoint=teacher.fit(TEXTS), device="cpu")
    found = clone(student).fit(TEXTS).transform(TEXTS)
    np.testing.assert_array_equal(found, student.fit(TEXTS).transform(TEXTS))


def test_words_between_punctuation_are_cut_as_the_tokenizer_cuts_whole_texts(bert):
    texts = ["a deep, cold sea! (good-film)", "", "  ", "the sea?!the film"]
    cut = cut_texts(texts, bert.tokenizer, token_pattern=r"(?u)\b\w+\b", lowercase=True)
    for own, whole in zip(cut.pieces, bert.tokenizer.pieces(texts), strict=True):
        np.testing.assert_array_equal(own, whole)
    for words, shares in zip(cut.word_of, cut.shares, strict=True):
        assert len(words) == len(shares)
    # Each occurrence weighs one.
    totals = np.zeros(len(cut.words))
    for words, shares in zip(cut.word_of, cut.shares, strict=True):
        np.add.at(totals, words[words >= 0], shares[words >= 0])
    np.testing.assert_allclose(totals, cut.counts, atol=1e-6)


def test_principal_axes_are_those_of_sklearn():
    from sklearn.decomposition import PCA

    vectors = np.random.default_rng(0).normal(size=(40, 5)) * [5, 4, 3, 2, 1]
    centred = vectors - vectors.mean(0)
    axes, shares = principal_axes(centred)
    peer = PCA().fit(vectors)
    np.testing.assert_allclose(shares, peer.explained_variance_ratio_, atol=1e-10)
    np.testing.assert_allclose(np.abs(axes @ peer.components_.T), np.eye(5), atol=1e-8)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "context"}, "method must be 'contexts' or 'words'"),
        ({"layers": "last"}, "layers must be 'all' or the number of a layer"),
        ({"layers": 9}, "layers=9 is none of the 2 layers"),
        ({"n_components": 0}, "n_components"),
        ({"pooling": "median"}, "pooling"),
        ({"normalise": "yes"}, "normalise must be True or False"),
        ({"checkpoint": 3}, "checkpoint must be"),
        ({"max_seconds": 0}, "max_seconds must be"),
    ],
)
def test_parameters_out_of_range_are_named(bert, parameters, message):
    student = StaticStudent(**{"checkpoint": bert, "device": "cpu", **parameters})
    with pytest.raises(ValueError, match=message):
        student.fit(TEXTS)
