"""`TopicModel`: what it learns, when it stops, and what it says of its topics."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import LatentDirichletAllocation

import textrep
from textrep import TopicModel
from textrep.comparison import topics

N_TERMS = 20


def planted(n_documents: int, seed: int = 0) -> tuple[sp.csr_array, np.ndarray]:
    """Documents that use either the first or the second half of the terms."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(2, size=n_documents)
    counts = rng.poisson(1.0, size=(n_documents, N_TERMS))
    half = N_TERMS // 2
    counts[topic == 0, half:] = 0
    counts[topic == 1, :half] = 0
    return sp.csr_array(counts.astype(np.float64)), topic


@pytest.fixture
def batches(monkeypatch):
    """What scikit-learn is given to learn from, in the order it is given."""
    given = []
    learn = LatentDirichletAllocation.partial_fit
    monkeypatch.setattr(
        LatentDirichletAllocation,
        "partial_fit",
        lambda self, X, y=None: learn(self, given.append(X.toarray()) or X),
    )
    return given


def test_planted_topics_are_found():
    counts, topic = planted(300)
    filled = np.flatnonzero(counts.sum(axis=1))
    shares = TopicModel(n_topics=2, random_state=0).fit_transform(counts)
    found = shares.argmax(axis=1)[filled]
    agreement = (found == topic[filled]).mean()
    assert max(agreement, 1 - agreement) == 1.0
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_every_pass_gives_scikit_learn_all_documents_in_batches(batches, monkeypatch):
    counts, _ = planted(50)
    counts = counts[counts.sum(axis=1) > 0]
    model = TopicModel(n_topics=3, max_passes=1, batch_size=20, random_state=5).fit(counts)
    monkeypatch.undo()
    assert [len(batch) for batch in batches] == [20, 20, counts.shape[0] - 40]
    rows = np.concatenate(batches)
    np.testing.assert_array_equal(
        rows[np.lexsort(rows.T)], counts.toarray()[np.lexsort(counts.toarray().T)]
    )
    peer = clone(model.lda_)
    for batch in batches:
        peer.partial_fit(batch)
    # Sparse rows are summed in another order.
    np.testing.assert_allclose(model.components_, peer.components_, rtol=1e-6)


def test_perplexity_is_that_of_predicting_every_second_term_from_the_others():
    counts, _ = planted(40, seed=1)
    model = TopicModel(n_topics=2, random_state=0).fit(counts)
    words = model.components_ / model.components_.sum(axis=1, keepdims=True)
    log_likelihood, n_words = 0.0, 0.0
    for row in counts.toarray():
        terms = np.flatnonzero(row)
        observed = row.copy()
        observed[terms[0::2]] = 0.0
        shares = model.transform(observed[None, :])[0]
        for term in terms[0::2]:
            probability = sum(shares[k] * words[k, term] for k in range(2))
            log_likelihood += row[term] * math.log(probability)
            n_words += row[term]
    assert model.perplexity(counts) == pytest.approx(math.exp(-log_likelihood / n_words))


def test_perplexity_of_one_topic_is_that_of_the_word_frequencies():
    counts = sp.csr_array([[4.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    model = TopicModel(n_topics=1, topic_word_prior=0.5, random_state=0).fit(counts)
    p = model.components_[0] / model.components_[0].sum()
    assert model.perplexity(counts) == pytest.approx(p[0] ** (-4 / 6) * p[1] ** (-2 / 6))


def test_the_state_with_the_lowest_perplexity_is_kept(monkeypatch):
    counts, _ = planted(100)
    states, told = [], iter([5.0, 3.0, 4.0])

    def perplexity(model, documents):
        states.append(model.components_.copy())
        return next(told)

    monkeypatch.setattr(topics, "completion_perplexity", perplexity)
    model = TopicModel(n_topics=2, random_state=0).fit(counts)
    assert model.perplexities_ == [5.0, 3.0, 4.0]
    np.testing.assert_array_equal(model.components_, states[1])
    assert not model.stopped_early_


@pytest.mark.parametrize(("tol", "passes"), [(0.0, 4), (0.2, 3)])
def test_learning_ends_when_a_pass_gains_less_than_the_tolerance(monkeypatch, tol, passes):
    counts, _ = planted(60)
    told = iter([100.0, 70.0, 69.0, 69.5])
    monkeypatch.setattr(topics, "completion_perplexity", lambda model, documents: next(told))
    model = TopicModel(n_topics=2, tol=tol, random_state=0).fit(counts)
    assert len(model.perplexities_) == passes


def test_the_time_limit_is_looked_at_after_every_batch(monkeypatch):
    counts, _ = planted(200)
    clock = iter(range(1000))
    monkeypatch.setattr(topics, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    # Started at 0: the clock stands at 1, 2 and 3 after the first three batches.
    model = TopicModel(n_topics=2, batch_size=10, max_seconds=2.5, random_state=0).fit(counts)
    assert model.stopped_early_
    assert model.lda_.n_batch_iter_ == 1 + 3
    assert len(model.perplexities_) == 1


@pytest.mark.parametrize(("n_documents", "size"), [(50, 32), (10_000, 74), (40_000, 128)])
def test_batches_grow_with_the_number_of_documents(n_documents, size):
    counts = sp.csr_array(np.ones((n_documents, 1)))
    model = TopicModel(n_topics=1, max_seconds=0, random_state=0).fit(counts)
    assert model.lda_.batch_size == size  # of what is left when a few are held out


def test_no_time_at_all_still_gives_a_model():
    counts, _ = planted(50)
    model = TopicModel(n_topics=2, max_seconds=0, batch_size=5, random_state=0).fit(counts)
    assert model.stopped_early_
    assert model.transform(counts).shape == (50, 2)


def test_a_time_limit_that_is_not_reached_changes_nothing():
    counts, _ = planted(50)
    free = TopicModel(n_topics=2, random_state=0).fit(counts)
    limited = TopicModel(n_topics=2, max_seconds=1e6, random_state=0).fit(counts)
    np.testing.assert_array_equal(free.components_, limited.components_)
    assert not limited.stopped_early_


def test_the_documents_held_out_are_not_learnt_from(batches):
    counts, _ = planted(1000)
    counts = counts[counts.sum(axis=1) > 0]
    TopicModel(n_topics=2, max_passes=1, random_state=0).fit(counts)
    assert sum(map(len, batches)) == counts.shape[0] - int(0.05 * counts.shape[0])


def test_the_seed_decides():
    counts, _ = planted(80)
    first = TopicModel(n_topics=3, random_state=7).fit(counts).components_
    np.testing.assert_array_equal(
        first, TopicModel(n_topics=3, random_state=7).fit(counts).components_
    )
    assert not np.array_equal(first, TopicModel(n_topics=3, random_state=8).fit(counts).components_)


def test_topic_words_are_ranked_by_relevance():
    model = TopicModel(n_topics=2, random_state=0).fit([[1.0, 1.0, 1.0]])
    # "the" is frequent everywhere, "goal" and "song" in one topic each.
    model.lda_.components_ = np.array([[60.0, 40.0, 0.1], [60.0, 0.1, 40.0]])
    names = ["the", "goal", "song"]
    assert model.topic_words(names, n=1, relevance=1.0) == [["the"], ["the"]]
    assert model.topic_words(names, n=1, relevance=0.0) == [["goal"], ["song"]]
    p_inside, p_overall = 40 / 100.1, 40.1 / 200.2
    lam = 0.3
    goal = lam * math.log(p_inside) + (1 - lam) * math.log(p_inside / p_overall)
    the = lam * math.log(60 / 100.1) + (1 - lam) * math.log((60 / 100.1) / (120 / 200.2))
    expected = "goal" if goal > the else "the"
    assert model.topic_words(names, n=1, relevance=lam)[0] == [expected]


def test_topic_words_need_a_name_for_each_column():
    model = TopicModel(n_topics=2, random_state=0).fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"feature_names has 3 names, but there are 2 columns"):
        model.topic_words(["a", "b", "c"])


def test_documents_without_words_are_left_out_and_have_all_topics_alike():
    counts, _ = planted(50)
    empty = sp.csr_array((10, N_TERMS), dtype=np.float64)
    model = TopicModel(n_topics=4, random_state=0).fit(sp.vstack([empty, counts], format="csr"))
    assert model.lda_.total_samples == np.count_nonzero(counts.sum(axis=1))
    np.testing.assert_allclose(model.transform(empty), 0.25)


def test_only_empty_documents_are_refused():
    with pytest.raises(ValueError, match=r"all counts in X are 0; give it documents with words"):
        TopicModel().fit(sp.csr_array((3, 4), dtype=np.float64))
    model = TopicModel(n_topics=2).fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"nothing to predict"):
        model.perplexity([[0.0, 0.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_answer_has_the_float_type_of_the_counts(dtype):
    counts, _ = planted(20)
    counts = counts.astype(dtype)
    assert TopicModel(n_topics=2, random_state=0).fit_transform(counts).dtype == dtype


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_topics", 0), ("max_passes", 0), ("max_seconds", -1), ("tol", 1.0), ("batch_size", 0)],
)
def test_a_wrong_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of TopicModel"):
        TopicModel(**{name: value}).fit([[1.0]])


def test_a_file_whose_arrays_do_not_fit_is_refused(tmp_path):
    model = TopicModel(n_topics=2, random_state=0).fit([[1.0, 2.0]])
    model.lda_.exp_dirichlet_component_ = np.ones((2, 1))
    path = model.save(tmp_path / "model.textrep")
    with pytest.raises(textrep.PersistError, match="lda_ of TopicModel"):
        textrep.load(path)


def test_verbose_shows_the_documents_learnt_from(capsys):
    counts, _ = planted(30)
    TopicModel(n_topics=2, max_passes=1, random_state=0, verbose=1).fit(counts)
    assert "topics: 30/30 documents" in capsys.readouterr().err
