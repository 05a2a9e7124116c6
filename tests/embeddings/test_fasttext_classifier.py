"""FastTextClassifier against plain numpy, finite differences, brute force and fasttext itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

import textrep
from tests.estimators import LABELS, TEXTS
from textrep.core.persist import PersistError
from textrep.embeddings import FastTextClassifier, VectorFileError
from textrep.embeddings.formats import FastTextFile, read_fasttext, write_fasttext
from textrep.embeddings.kernels import supervised as kernels
from textrep.embeddings.label_tree import LOSSES, Labels
from textrep.embeddings.supervised import SupervisedModel, learn_features
from textrep.embeddings.supervised_file import model_from_state, model_to_state
from textrep.embeddings.word_ngrams import read_documents
from textrep.sparse.lexicon import Lexicon, pack_strings

DIM, STRIDE, N_CLASSES = 5, 16, 4


def topics(n=120, n_classes=3, seed=0):
    """Texts of random words, some of them of their class's own."""
    random = np.random.default_rng(seed)
    labels = random.integers(n_classes, size=n)
    texts = [
        " ".join(
            f"{label}w{random.integers(20)}" if random.random() < 0.4 else f"w{random.integers(90)}"
            for _ in range(random.integers(3, 15))
        )
        for label in labels
    ]
    return texts, np.array(["red", "green", "blue", "grey", "black"])[labels]


def small(**parameters):
    given = {"vector_size": 8, "epochs": 8, "n_jobs": 1, "random_state": 0, "bucket": 5000}
    return FastTextClassifier(**(given | parameters))


# Rows and n-grams


def signed_hash(word):
    """FNV-1a with 32 bits over signed bytes, as a signed number."""
    h = 2166136261
    for byte in word.encode():
        h = ((h ^ (byte - 256 if byte > 127 else byte) % 2**32) * 16777619) % 2**32
    return h - 2**32 if h >= 2**31 else h


def plain_buckets(words, longest, bucket):
    """``Dictionary::addWordNgrams`` line by line."""
    found = []
    for i in range(len(words)):
        h = signed_hash(words[i]) % 2**64
        for j in range(i + 1, min(len(words), i + longest)):
            h = (h * 116049371 + signed_hash(words[j])) % 2**64
            found.append(h % bucket)
    return found


@pytest.mark.parametrize("longest", [2, 3, 20])
def test_word_ngrams_fall_in_the_buckets_of_fasttext(longest):
    texts = ["the naïve the 文字", "", "a", "so much text, so little time"]
    documents = read_documents(texts)
    expected = [
        plain_buckets([*re.findall(r"\w+", text), "</s>"], longest, 10_007) for text in texts
    ]
    sizes = [len(one) for one in expected]
    buckets = np.empty(sum(sizes), dtype=np.int32)
    call = (documents.tokens, documents.bounds, documents.hashes, longest, 10_007)
    kernels.bucket_ngrams(*call, 0, 2, 0, buckets)
    kernels.bucket_ngrams(*call, 2, 4, sum(sizes[:2]), buckets)
    assert buckets.tolist() == [bucket for one in expected for bucket in one]
    no_rows = np.zeros(documents.lexicon.size + 1, dtype=np.int64)
    inside, between = kernels.count_inputs(documents.tokens, documents.bounds, no_rows, longest)
    assert between.tolist() == sizes
    assert not inside.any()


def test_texts_and_their_tokens_are_read_alike():
    lists = [re.findall(r"\w+", text.lower()) for text in TEXTS]
    texts, tokens = read_documents(TEXTS), read_documents(iter(lists))
    assert texts.words() == tokens.words()
    np.testing.assert_array_equal(texts.tokens, tokens.tokens)
    np.testing.assert_array_equal(texts.bounds, tokens.bounds)
    by_hand = read_documents(TEXTS, tokenizer=re.compile(r"\w+").findall, token_pattern=None)
    assert by_hand.words() == texts.words()


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_threads_number_tokens_alike(n_jobs):
    texts = [f"word{i} {'common words of all texts ' * 40}" for i in range(900)]
    found, alone = read_documents(texts, n_jobs=n_jobs), read_documents(texts, n_jobs=1)
    assert found.words()[: found.end] == alone.words()[: alone.end]
    np.testing.assert_array_equal(found.tokens, alone.tokens)
    np.testing.assert_array_equal(found.bounds, alone.bounds)


def test_tokens_are_found_in_a_lexicon_or_not():
    lexicon = Lexicon()
    lexicon.insert(*pack_strings(["a", "longer than eight", "文字", ""]))
    ids = kernels.find_tokens(
        *pack_strings(["文字", "b", "longer than eighty", "longer than eight", "", "a"]),
        lexicon.table, lexicon.arena, lexicon.offsets,
    )  # fmt: skip
    assert ids.tolist() == [2, -1, -1, 1, 3, 0]


def features_of(texts, **changed):
    given = {
        "min_count": 1, "min_ngram_count": 1, "word_ngrams": 2, "bucket": 5000, "min_n": 0,
        "max_n": 0, "n_jobs": 1,
    }  # fmt: skip
    return learn_features(read_documents(texts), **(given | changed))


def test_rare_words_and_ngrams_have_no_row_but_count_as_inputs():
    features, rows = features_of(["a b a b", "a c"], min_count=2, min_ngram_count=2)
    assert features.words == ["a", "b", "</s>"]
    assert features.counts.tolist() == [3, 2, 2]
    assert features.buckets.tolist() == plain_buckets(["a", "b"], 2, 5000)
    # a b a b </s> and 4 pairs; a </s> and 2 pairs
    assert rows.n_inputs.tolist() == [9, 4]
    assert rows.ngrams.tolist() == [3, 3]
    assert rows.ngram_bounds.tolist() == [0, 2, 2]


def test_character_ngrams_are_rows_of_their_word():
    features, rows = features_of(["abc", "abd"], word_ngrams=1, min_n=3, max_n=3)
    # <ab abc bc> and <ab abd bd>; of five buckets the first is shared
    assert len(features.buckets) == 5
    sizes = np.diff(rows.row_bounds).tolist()
    assert sizes == [4, 4, 1]
    assert rows.n_inputs.tolist() == [5, 5]
    unseen = read_documents(["abx"])
    bounds, listed = features.rows_of(unseen)
    assert np.diff(bounds).tolist() == [3, 1]
    assert sorted(listed[:3].tolist())[:2] == [-1, -1]  # two of three were never met


# Gradients


def example(loss, seed=0):
    """Arrays of two documents for `kernels.train`, and a function that gives a plain loss."""
    random = np.random.default_rng(seed)
    inputs = np.zeros((9, STRIDE), dtype=np.float32)
    outputs = np.zeros((N_CLASSES, STRIDE), dtype=np.float32)
    inputs[:, :DIM] = random.normal(size=(9, DIM))
    outputs[:, :DIM] = random.normal(size=(N_CLASSES, DIM))
    rows = [[0, 3, 3, 7], [1, 2, 8]]
    labels = Labels.of(loss, np.array([3, 9, 1, 4]))
    return inputs, outputs, rows, labels


def run_kernel(inputs, outputs, rows, labels, target, rate, weight=1.0, extra=0):
    """One step on the document of ``rows``, half of them words, half n-grams."""
    half = len(rows) // 2
    tokens = np.arange(half, dtype=np.int32)
    row_bounds = np.arange(half + 1)
    n_inputs = np.array([len(rows) + extra])
    weights = np.full(N_CLASSES, weight)
    paths = labels.paths
    return kernels.train(
        inputs.ravel(), outputs.ravel(), STRIDE, tokens, np.array([0, half]), row_bounds,
        np.array(rows[:half], dtype=np.int32), np.array(rows[half:], dtype=np.int32),
        np.array([0, len(rows) - half]), n_inputs, len(rows), np.zeros(1, np.int32), 0, 1,
        np.array([target]), weights, paths.rows, paths.is_one, paths.begins, paths.ends,
        LOSSES.index(labels.loss), rate, 0.0,
    )  # fmt: skip


def plain_loss(inputs, outputs, rows, labels, target, extra=0):
    hidden = inputs[rows].astype(np.float64).sum(axis=0) / (len(rows) + extra)
    scores = outputs.astype(np.float64) @ hidden
    if labels.loss == "softmax":
        return -np.log(softmax(scores)[target])
    if labels.loss == "ova":
        signs = np.where(np.arange(N_CLASSES) == target, 1, -1)
        return -np.log(expit(signs * scores)).sum()
    paths = labels.paths
    on_path = slice(paths.begins[target], paths.ends[target])
    signs = np.where(paths.is_one[on_path], 1, -1)
    return -np.log(expit(signs * scores[paths.rows[on_path]])).sum()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("target", range(N_CLASSES))
def test_a_step_goes_down_the_gradient_by_finite_differences(loss, target):
    inputs, outputs, documents, labels = example(loss)
    rows, extra, rate, weight = documents[0], 2, 1e-3, 2.0
    moved, moved_outputs = inputs.copy(), outputs.copy()
    value, n_terms = run_kernel(
        moved, moved_outputs, rows, labels, target, rate, weight=weight, extra=extra
    )
    assert n_terms == 1
    plain = plain_loss(inputs, outputs, rows, labels, target, extra)
    assert value == pytest.approx(weight * plain, rel=1e-5)
    step = 1e-5
    for before, after in ((inputs, moved), (outputs, moved_outputs)):
        numeric = np.zeros(before.shape)
        for place in np.ndindex(len(before), DIM):
            values = []
            for sign in (1, -1):
                wide = [inputs.astype(np.float64), outputs.astype(np.float64)]
                wide[0 if before is inputs else 1][place] += sign * step
                values.append(plain_loss(*wide, rows, labels, target, extra))
            numeric[place] = (values[0] - values[1]) / (2 * step)
        # A row that is among the inputs twice moves twice: that is its derivative too.
        gradient = -(after.astype(np.float64) - before) / (rate * weight)
        np.testing.assert_allclose(gradient, numeric, atol=2e-3)


def test_one_step_is_that_of_plain_numpy():
    inputs, outputs, documents, labels = example("softmax")
    rows, rate = documents[1], 0.7
    hidden = inputs[rows].mean(axis=0)
    error = np.eye(N_CLASSES)[2] - softmax(outputs @ hidden)
    expected_inputs = inputs.copy()
    expected_inputs[rows] += (rate * error @ outputs / len(rows)).astype(np.float32)
    expected_outputs = outputs + rate * np.outer(error, hidden)
    run_kernel(inputs, outputs, rows, labels, 2, rate)
    np.testing.assert_allclose(inputs, expected_inputs, atol=1e-6)
    np.testing.assert_allclose(outputs, expected_outputs, atol=1e-6)


def test_a_document_without_rows_changes_nothing():
    inputs, outputs, _, labels = example("softmax")
    before = inputs.copy()
    assert run_kernel(inputs, outputs, [], labels, 1, 0.5, extra=3) == (0.0, 0)
    np.testing.assert_array_equal(inputs, before)


def plain_training(texts, group, model, labels, alpha, epochs, orders):
    """The whole of training in numpy, float64."""
    features, rows = features_of(texts)
    inputs, outputs = model[0].astype(np.float64), model[1].astype(np.float64)
    for epoch in range(epochs):
        for i, d in enumerate(orders[epoch]):
            rate = alpha * (1 - (epoch * len(texts) + i) / (epochs * len(texts)))
            words = rows.tokens[rows.bounds[d] : rows.bounds[d + 1]]
            listed = [features.words.index(read_documents(texts).words()[w]) for w in words]
            listed += rows.ngrams[rows.ngram_bounds[d] : rows.ngram_bounds[d + 1]].tolist()
            hidden = inputs[listed].mean(axis=0)
            error = np.eye(len(outputs))[group[d]] - softmax(outputs @ hidden)
            change = rate * error @ outputs / len(listed)
            outputs += rate * np.outer(error, hidden)
            np.add.at(inputs, listed, change)
    return inputs, outputs


def test_training_is_that_of_plain_numpy(monkeypatch):
    from textrep.embeddings import fasttext_classifier

    monkeypatch.setattr(fasttext_classifier, "CHUNK_DOCUMENTS", 4)
    texts, labels = topics(11)
    begun, orders = [], {}
    train, initial = kernels.train, fasttext_classifier.initial_matrix

    def watch_matrix(*arguments):
        matrix = initial(*arguments)
        begun.append(matrix.copy())
        return matrix

    def watch_train(*arguments):
        orders[len(orders) // 3, len(orders) % 3] = arguments[11]
        return train(*arguments)

    monkeypatch.setattr(fasttext_classifier, "initial_matrix", watch_matrix)
    monkeypatch.setattr(kernels, "train", watch_train)
    classifier = small(epochs=2, alpha=0.8).fit(texts, labels)
    classes, group = np.unique(labels, return_inverse=True)
    order = [orders[epoch, 0] for epoch in range(2)]
    assert sorted(order[0]) == sorted(order[1]) == list(range(11))
    assert list(order[0]) != list(order[1])
    zeros = np.zeros((len(classes), begun[0].shape[1]))
    inputs, outputs = plain_training(texts, group, (begun[0], zeros), classes, 0.8, 2, order)
    np.testing.assert_allclose(classifier._model.inputs, inputs, atol=1e-5)
    np.testing.assert_allclose(classifier._model.outputs, outputs, atol=1e-5)


# The tree of labels


@pytest.mark.parametrize("counts", [[1, 1], [5, 1, 1], [3, 9, 1, 4, 4], [1] * 7, [8, 4, 2, 1, 1]])
def test_the_label_tree_is_as_short_as_huffmans_and_free_of_prefixes(counts):
    import heapq

    paths = Labels.of("hs", np.array(counts)).paths
    lengths = paths.ends - paths.begins
    heap, shortest = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        shortest += joined
        heapq.heappush(heap, joined)
    assert (lengths * counts).sum() == shortest
    codes = [
        "".join(map(str, paths.is_one[begin:end][::-1]))
        for begin, end in zip(paths.begins, paths.ends, strict=True)
    ]
    for one in codes:
        assert sum(other.startswith(one) for other in codes) == 1
    assert set(paths.rows.tolist()) == set(range(len(counts) - 1))


@pytest.mark.parametrize("loss", LOSSES)
def test_probabilities_sum_to_one_and_agree_with_the_decision(loss):
    texts, labels = topics(n_classes=5)
    classifier = small(loss=loss).fit(texts, labels)
    probabilities = classifier.predict_proba(texts[:20])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(
        softmax(classifier.decision_function(texts[:20]), axis=1), probabilities, atol=1e-12
    )
    best = classifier.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(best, classifier.predict(texts[:20]))
    if loss == "hs":  # the leaves of a tree have all of it already
        odds = classifier.decision_function(texts[:20])
        np.testing.assert_allclose(np.exp(odds).sum(axis=1), 1.0)


def test_two_classes_have_one_decision():
    texts, labels = topics(n_classes=2)
    classifier = small().fit(texts, labels)
    decision = classifier.decision_function(texts)
    assert decision.shape == (len(texts),)
    np.testing.assert_allclose(expit(decision), classifier.predict_proba(texts)[:, 1])


# The classifier


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("changed", [{}, {"min_n": 2, "max_n": 3}, {"word_ngrams": 1}])
def test_it_learns_what_can_be_learnt(loss, changed):
    texts, labels = topics(400)
    new, truth = topics(100, seed=1)
    classifier = small(loss=loss, epochs=30, alpha=1.0, **changed).fit(texts, labels)
    assert classifier.score(new, truth) > 0.8
    assert classifier.loss_history_[-1] < 0.5 * classifier.loss_history_[0]


def test_one_thread_gives_the_same_model_twice_and_other_seeds_others():
    texts, labels = topics(1200)
    models = [small(epochs=2, random_state=seed).fit(texts, labels)._model for seed in (3, 3, 4)]
    np.testing.assert_array_equal(models[0].inputs, models[1].inputs)
    np.testing.assert_array_equal(models[0].outputs, models[1].outputs)
    assert (models[0].outputs != models[2].outputs).any()


def test_two_threads_learn_as_well():
    texts, labels = topics(2000)
    new, truth = topics(200, seed=1)
    assert small(n_jobs=2, epochs=10, alpha=1.0).fit(texts, labels).score(new, truth) > 0.8


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_are_products_of_the_mean_row(n_jobs):
    texts, labels = topics(300)
    classifier = small().fit(texts, labels)
    model, features = classifier._model, classifier._model.features
    new = [*topics(7, seed=2)[0], "never met words", ""]
    for text, odds in zip(new, classifier.set_params(n_jobs=n_jobs)._log_odds(new), strict=True):
        words = [*text.split(), "</s>"]
        buckets = plain_buckets(words, 2, 5000)
        rows = [features.words.index(word) for word in words if word in features.words]
        n_inputs = len(rows) + len(buckets)
        known = {int(b): len(features.words) + i for i, b in enumerate(features.buckets)}
        rows += [known[bucket] for bucket in buckets if bucket in known]
        hidden = model.inputs[rows].sum(axis=0) / n_inputs
        np.testing.assert_allclose(odds, model.outputs @ hidden, atol=1e-5)


def test_labels_of_any_type_come_back():
    texts, labels = topics()
    for of in (np.array([False, True]), np.array([7, 3]), np.array(["ja", "nein"], dtype=object)):
        y = of[(labels == "red").astype(int)]
        predicted = small().fit(texts, y).predict(texts)
        assert predicted.dtype == y.dtype
        assert set(predicted.tolist()) <= set(of.tolist())


def test_class_weights_multiply_gradients():
    texts, labels = topics(200, n_classes=2)
    heavy = small(alpha=0.5, class_weight={"red": 2.0, "green": 2.0}).fit(texts, labels)
    fast = small(alpha=1.0).fit(texts, labels)
    np.testing.assert_allclose(heavy._model.outputs, fast._model.outputs, atol=1e-6)
    np.testing.assert_allclose(heavy.loss_history_, 2 * np.array(fast.loss_history_), rtol=1e-6)
    rare = [*np.flatnonzero(labels == "red")[:5], *np.flatnonzero(labels == "green")]
    few, of_few = [texts[i] for i in rare], labels[rare]
    plain = small(alpha=0.5).fit(few, of_few)
    balanced = small(alpha=0.5, class_weight="balanced").fit(few, of_few)
    red = plain.classes_.tolist().index("red")
    assert (balanced.predict_proba(few) > plain.predict_proba(few))[:, red].all()


def test_training_stops_when_it_should():
    texts, labels = topics(1200)
    stopped = small(epochs=500, max_seconds=0.02).fit(texts, labels)
    assert stopped.stopped_early_
    assert stopped.n_epochs_ == len(stopped.loss_history_) < 500
    steady = small(epochs=40, tol=0.9).fit(texts, labels)
    assert steady.stopped_early_
    assert steady.n_epochs_ < 40
    assert not small(epochs=2).fit(texts, labels).stopped_early_


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vector_size": 0}, "vector_size"),
        ({"word_ngrams": 0}, "word_ngrams"),
        ({"alpha": 0.0}, "alpha"),
        ({"loss": "ns"}, "loss"),
        ({"bucket": 2**31}, "bucket"),
        ({"epochs": 1.5}, "epochs"),
        ({"min_n": 4, "max_n": 3}, "min_n=4 is above max_n=3"),
        ({"token_pattern": 3}, "token_pattern"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_a_parameter_out_of_range_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        small(**changed).fit(TEXTS, LABELS)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match=r"only 1 class, 'a'; give samples of two"):
        small().fit(["x", "y"], ["a", "a"])


def test_labels_that_are_too_few_are_refused():
    with pytest.raises(textrep.LabelError, match="y has 1 items, but there are 2 texts"):
        small().fit(["x", "y"], ["a"])


def test_training_that_diverges_says_so():
    texts, labels = topics()
    with pytest.raises(FloatingPointError, match="alpha"), np.errstate(all="ignore"):
        small(alpha=1e30, epochs=5).fit(texts, labels)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([["a"], "b c"], r"X\[1\] is 'b c' \(str\)"),
        ([["a"], ["b", 3]], r"X\[1\]\[1\] is 3 \(int\)"),
        ([["a"], None], r"X\[1\] is None"),
        ([["a", ["b"]], ["c"]], r"X\[0\]\[1\]"),
    ],
)
def test_what_is_neither_texts_nor_tokens_is_named(documents, message):
    with pytest.raises(textrep.TextInputError, match=message):
        small().fit(documents, ["a", "b"])


def test_texts_without_a_token_are_classified():
    texts, labels = topics()
    classifier = small().fit([*texts, "", "!"], [*labels, "red", "blue"])
    assert classifier.predict(["", "?!", "red"]).shape == (3,)


# Files


@pytest.mark.parametrize("loss", LOSSES)
def test_a_saved_model_is_small_and_answers_alike(loss, tmp_path):
    texts, labels = topics(300)
    classifier = small(loss=loss, vector_size=5, min_n=2, max_n=3, bucket=200_000)
    classifier.fit(texts, labels)
    path = classifier.save(tmp_path / "model.textrep")
    loaded = textrep.load(path)
    np.testing.assert_array_equal(
        loaded.decision_function(texts), classifier.decision_function(texts)
    )
    assert loaded.loss_history_ == classifier.loss_history_
    n_rows = len(classifier._model.inputs)
    assert path.stat().st_size < n_rows * (4 * 5 + 40) + 20_000
    assert all(not info.filename.endswith(".pkl") for info in zipfile.ZipFile(path).infolist())


def test_parameters_changed_after_fitting_do_not_change_the_model():
    texts, labels = topics()
    classifier = small(loss="hs").fit(texts, labels)
    expected = classifier.decision_function(texts)
    classifier.set_params(loss="softmax", bucket=7, word_ngrams=5, vector_size=3)
    np.testing.assert_array_equal(classifier.decision_function(texts), expected)


STATES = {
    "words": [3, None, ["a", "a"], [1]],
    "counts": [np.zeros(3), np.zeros(3, np.int64)],
    "buckets": [np.array([-1], np.int32), np.array([1, 1], np.int32), np.array([1.0])],
    "ngrams": [[0, 2, 0, 0], [5000, 0, 0, 0], [5000, 2], [5000, 2.0, 0, 0], "text"],
    "loss": ["ns", 3],
    "class_order": [np.array([0, 0, 1]), np.array([0, 1, 5])],
    "class_counts": [np.array([1, 2, -3])],
    "inputs": [np.zeros((2, 8), np.float32), np.full((1, 8), np.nan, np.float32)],
    "outputs": [np.zeros((3, 9), np.float32), np.full((3, 8), np.inf, np.float32)],
}


@pytest.mark.parametrize(
    ("name", "wrong"), [(name, wrong) for name, values in STATES.items() for wrong in values]
)
def test_a_damaged_state_is_refused(name, wrong):
    texts, labels = topics()
    classifier = small().fit(texts, labels)
    state = model_to_state(classifier._model)
    assert isinstance(model_from_state(state, classifier.classes_), SupervisedModel)
    with pytest.raises(PersistError, match="FastTextClassifier"):
        model_from_state(state | {name: wrong}, classifier.classes_)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("changed", [{}, {"min_n": 2, "max_n": 4}, {"word_ngrams": 1}])
def test_a_file_of_fasttext_brings_back_the_model(loss, changed, tmp_path):
    texts, labels = topics(200, n_classes=5)
    classifier = small(loss=loss, min_count=2, **changed).fit(texts, labels)
    path = tmp_path / "model.bin"
    classifier.save_fasttext(path)
    loaded = FastTextClassifier.load_fasttext(path)
    assert loaded.classes_.tolist() == classifier.classes_.tolist()
    np.testing.assert_allclose(
        loaded.decision_function(texts), classifier.decision_function(texts), atol=1e-6
    )
    assert len(loaded._model.inputs) == len(classifier._model.inputs)
    assert loaded.get_params()["lowercase"] is False


def test_words_and_labels_that_fasttext_would_mistake_are_refused(tmp_path):
    path = tmp_path / "model.bin"
    with pytest.raises(VectorFileError, match="'__label__x' looks like a label"):
        small().fit(["__label__x", "y"], ["a", "b"]).save_fasttext(path)
    with pytest.raises(VectorFileError, match="white"):
        small().fit(["x", "y"], ["a b", "c"]).save_fasttext(path)
    with pytest.raises(VectorFileError, match="white"):
        small().fit([["x y"], ["z"]], ["a", "b"]).save_fasttext(path)
    assert not path.exists()
    small().fit(["__label__x", "y"], ["a", "b"]).save_fasttext(path, label_prefix="##")
    assert FastTextClassifier.load_fasttext(path, label_prefix="##").classes_.tolist() == ["a", "b"]


def test_a_model_without_labels_is_no_classifier(tmp_path):
    path = tmp_path / "model.bin"
    matrix = np.ones((3, 2), dtype=np.float32)
    parts = {"dim": 2, "words": ["a"], "counts": np.array([1]), "input": matrix, "bucket": 2}
    write_fasttext(path, FastTextFile(**parts, output=matrix[:1], n_tokens=1))
    with pytest.raises(VectorFileError, match="skipgram model, which knows no labels"):
        FastTextClassifier.load_fasttext(path)
    supervised = {"model": "supervised", "loss": "softmax", "n_tokens": 1}
    one = {"labels": ["__label__a"], "label_counts": np.array([1]), "output": matrix[:1]}
    write_fasttext(path, FastTextFile(**parts, **one, **supervised))
    with pytest.raises(VectorFileError, match="two labels or more"):
        FastTextClassifier.load_fasttext(path)


def fasttext_answer(model, text, prefix="__label__"):
    """Probability of each label, by fasttext; its own predict breaks with numpy 2."""
    pairs = model.f.predict(text + "\n", -1, 0.0, "strict")
    return {label.removeprefix(prefix): value for value, label in pairs}


def our_answer(classifier, text):
    odds = classifier._log_odds([text])[0]
    if classifier.loss == "softmax":
        odds = np.log(softmax(odds))
    return dict(zip(classifier.classes_.tolist(), np.exp(odds), strict=True))


# fasttext looks sigma of "ova" up in a table of 512 places from -8 to 8, and adds 1e-5 to what it
# takes logarithms of.
CLOSE = {"softmax": 1e-4, "hs": 1e-4, "ova": 1e-2}

NEW_TEXTS = ["0w1 w5 0w3", "unknown words 2w7 1w1", "", "w1", "naïve 2w3 文字 2w3"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("changed", [{}, {"min_n": 2, "max_n": 4}, {"word_ngrams": 1}])
def test_fasttext_answers_alike_from_our_file(loss, changed, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    texts, labels = topics(300, n_classes=5)
    classifier = small(loss=loss, min_count=2, alpha=1.0, **changed).fit(texts, labels)
    path = tmp_path / "model.bin"
    classifier.save_fasttext(path)
    model = fasttext.load_model(str(path))
    for text in [*texts[:20], *NEW_TEXTS]:
        theirs, ours = fasttext_answer(model, text), our_answer(classifier, text)
        # With "hs" fasttext leaves out what is next to impossible.
        assert all(ours[label] < 1e-4 for label in set(ours) - set(theirs))
        for label, value in theirs.items():
            assert ours[label] == pytest.approx(value, abs=CLOSE[loss])


@pytest.mark.parametrize("loss", [*LOSSES, "ns"])
@pytest.mark.parametrize("changed", [{}, {"minn": 2, "maxn": 4}, {"wordNgrams": 3, "minCount": 3}])
def test_we_answer_alike_from_fasttexts_file(loss, changed, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    texts, labels = topics(300, n_classes=5)
    lines = [f"__label__{label} {text}\n" for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "train.txt").write_text("".join(lines))
    given = {"dim": 10, "bucket": 3000, "thread": 1, "verbose": 0, "epoch": 10, "lr": 0.5}
    model = fasttext.train_supervised(str(tmp_path / "train.txt"), loss=loss, **given, **changed)
    path = tmp_path / "model.bin"
    model.save_model(str(path))
    classifier = FastTextClassifier.load_fasttext(path)
    assert classifier.classes_.tolist() == sorted(set(labels))
    for text in [*texts[:20], *NEW_TEXTS]:
        theirs, ours = fasttext_answer(model, text), our_answer(classifier, text)
        for label, value in theirs.items():
            assert ours[label] == pytest.approx(value, abs=CLOSE.get(loss, 1e-2))
    # And once more through our own writer.
    again = tmp_path / "again.bin"
    classifier.save_fasttext(again)
    np.testing.assert_array_equal(read_fasttext(again).input, read_fasttext(path).input)


# The kernels as plain Python

SCRIPT = """
import sys
import numpy as np
from tests.embeddings.test_fasttext_classifier import small, topics
texts, labels = topics(12)
for loss in ("softmax", "ova", "hs"):
    classifier = small(loss=loss, epochs=2, min_n=2, max_n=3, bucket=101).fit(texts, labels)
    np.save(f"{sys.argv[1]}/{loss}.npy", classifier.decision_function(texts))
"""


def test_kernels_give_the_same_answers_as_plain_python(tmp_path):
    for off in ("0", "1"):
        folder = tmp_path / off
        folder.mkdir()
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder)],
            env=os.environ | {"NUMBA_DISABLE_JIT": off, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
    for loss in LOSSES:
        compiled, plain = (np.load(tmp_path / off / f"{loss}.npy") for off in ("0", "1"))
        np.testing.assert_allclose(compiled, plain, rtol=1e-4, atol=1e-6)
