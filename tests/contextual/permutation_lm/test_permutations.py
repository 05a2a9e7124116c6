"""What is predicted of a row, in which order, and what is hidden from what."""

from __future__ import annotations

import numpy as np
import pytest

from textrep.contextual.permutation_lm.permutations import Permutation, draw_permutation


def drawn(n_tokens, seed=0, **settings):
    random = np.random.default_rng(seed)
    may = settings.pop("may_predict", np.ones(n_tokens, dtype=bool))
    return draw_permutation(may, random=random, **settings)


@pytest.mark.parametrize("kind", ["span", "last"])
@pytest.mark.parametrize("n_tokens", [2, 3, 7, 12, 33, 64])
def test_a_token_sees_what_is_not_predicted_and_what_is_predicted_before_it(kind, n_tokens):
    for seed in range(20):
        permutation = drawn(n_tokens, seed, kind=kind, every=3)
        blocked = permutation.blocked()
        order = permutation.places.tolist()
        for i in range(n_tokens):
            for j in range(n_tokens):
                hidden = j in order and (i not in order or order.index(i) <= order.index(j))
                assert blocked[i, j] == hidden


def test_context_and_special_tokens_see_no_target():
    # transformers' collator once used & where | was meant, and let special tokens see targets.
    may = np.array([True] * 9 + [False, False])
    permutation = drawn(11, may_predict=may, every=2)
    others = np.setdiff1d(np.arange(11), permutation.places)
    blocked = permutation.blocked()
    assert blocked[np.ix_(others, permutation.places)].all()
    assert not blocked[:, others].any()
    assert set(permutation.places.tolist()) <= set(range(9))


def test_no_token_sees_itself_where_it_is_predicted():
    permutation = drawn(30)
    assert blocked_diagonal(permutation)[permutation.places].all()


def blocked_diagonal(permutation: Permutation):
    return permutation.blocked().diagonal()


@pytest.mark.parametrize("every", [2, 6])
@pytest.mark.parametrize("kind", ["span", "last"])
def test_about_one_token_of_so_many_is_predicted(kind, every):
    counts = [len(drawn(120, seed, kind=kind, every=every).places) for seed in range(300)]
    assert np.mean(counts) == pytest.approx(120 / every, rel=0.05)


def test_each_place_is_predicted_about_as_often():
    counts = np.zeros(60)
    for seed in range(3000):
        counts[drawn(60, seed).places] += 1
    assert counts[5:-5].std() < 0.25 * counts.mean()


def test_spans_are_runs_of_one_to_five():
    lengths = set()
    for seed in range(200):
        places = np.sort(drawn(300, seed, every=10).places)
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        lengths.update(len(run) for run in runs)
    assert lengths >= {1, 2, 3, 4, 5}
    assert max(lengths) <= 10  # two of them may touch


@pytest.mark.parametrize("n_tokens", [2, 3, 5])
@pytest.mark.parametrize("kind", ["span", "last"])
def test_short_rows_have_a_target_and_something_to_see(kind, n_tokens):
    for seed in range(50):
        permutation = drawn(n_tokens, seed, kind=kind, every=1)
        assert 1 <= len(permutation.places) < n_tokens
        assert not permutation.blocked().all(axis=1).any()


def test_rows_without_anything_to_predict_have_no_target():
    assert len(drawn(1).places) == 0
    assert len(drawn(4, may_predict=np.zeros(4, dtype=bool)).places) == 0


def test_words_are_predicted_as_a_whole():
    starts = np.array([True, False, False, True, False, True, True, False] * 4)
    word = np.cumsum(starts)
    for seed in range(50):
        places = drawn(32, seed, starts=starts, every=3).places
        for number in set(word[places]):
            assert set(np.flatnonzero(word == number)) <= set(places.tolist())


def test_the_order_is_random_within_a_span():
    first = {tuple(np.argsort(drawn(4, seed, every=1, kind="last").places)) for seed in range(200)}
    assert len(first) == 6  # all orders of three


def test_the_same_stream_draws_the_same():
    assert drawn(40, 3).places.tolist() == drawn(40, 3).places.tolist()


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="every must be an integer of at least 1"):
        drawn(4, every=0)
    with pytest.raises(ValueError, match="kind must be 'span' or 'last'"):
        drawn(4, kind="all")
