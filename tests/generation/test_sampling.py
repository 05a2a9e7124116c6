"""`Sampler`: what it draws, against the distribution that it should draw from."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from scipy import stats

from textrep.generation import Sampler
from textrep.generation.sampling import row_generators

LOGITS = torch.tensor([2.0, -1.0, 0.5, 0.5, -3.0, 1.0])
N_DRAWS = 20_000


def draws(sampler, logits=LOGITS, n=N_DRAWS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return sampler(logits.expand(n, -1), None, generator).numpy()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_are_those_of_the_softmax(temperature):
    counts = np.bincount(draws(Sampler(temperature)), minlength=len(LOGITS))
    expected = torch.softmax(LOGITS.double() / temperature, dim=0).numpy() * N_DRAWS
    assert stats.chisquare(counts, expected).pvalue > 0.01


def test_frequencies_under_top_k_and_top_p_are_those_of_what_is_left():
    sampler = Sampler(top_k=4, top_p=0.8)
    # By hand: the four best are tokens 0, 5, 2, 3 with e^2, e^1, e^.5, e^.5 of 13.405;
    # 0 and 5 have 0.754 of it, so token 2 is needed for 0.8, and 3 is not.
    weights = np.exp([2.0, 1.0, 0.5])
    counts = np.bincount(draws(sampler), minlength=len(LOGITS))
    assert set(np.flatnonzero(counts)) == {0, 2, 5}
    assert stats.chisquare(counts[[0, 5, 2]], weights / weights.sum() * N_DRAWS).pvalue > 0.01


@pytest.mark.parametrize("sampler", [Sampler(0.7), Sampler(top_k=3), Sampler(top_p=0.6)])
def test_frequencies_are_the_probabilities_that_it_states(sampler):
    expected = sampler.probabilities(LOGITS[None])[0].numpy()
    counts = np.bincount(draws(sampler, seed=1), minlength=len(LOGITS))
    there = expected > 0
    assert counts[~there].sum() == 0
    assert stats.chisquare(counts[there], expected[there] * N_DRAWS).pvalue > 0.01


def test_one_candidate_is_the_same_as_no_temperature():
    logits = torch.randint(-2, 3, (200, 5), generator=torch.Generator().manual_seed(0)).float()
    generator = torch.Generator().manual_seed(0)
    greedy = Sampler(temperature=0)(logits)
    np.testing.assert_array_equal(greedy, logits.numpy().argmax(axis=1))  # of equals the first
    np.testing.assert_array_equal(Sampler(top_k=1)(logits, None, generator), greedy)
    np.testing.assert_array_equal(Sampler(0.0001, top_k=1)(logits, None, generator), greedy)


def test_of_equals_at_the_limit_only_as_many_as_asked_for_are_kept():
    probabilities = Sampler(top_k=2).probabilities(torch.zeros(1, 4))
    assert probabilities.tolist() == [[0.5, 0.5, 0.0, 0.0]]
    assert set(draws(Sampler(top_k=2), torch.zeros(4), 100)) == {0, 1}
    assert Sampler(top_k=9).probabilities(torch.zeros(1, 4)).tolist() == [[0.25] * 4]


def test_the_likeliest_token_can_be_drawn_however_small_top_p():
    assert set(draws(Sampler(top_p=1e-9), n=100)) == {0}
    assert set(draws(Sampler(top_p=1.0), n=N_DRAWS)) == set(range(len(LOGITS)))


def test_repeats_are_penalised_as_in_ctrl():
    logits = torch.tensor([[3.0, 2.0, -1.0, -1.5], [3.0, 2.0, -1.0, -1.5]])
    greedy = Sampler(temperature=0, repetition_penalty=2.0)
    assert greedy(logits, [[], [0]]).tolist() == [0, 1]  # 3 / 2 < 2
    assert greedy(logits, [[0, 0, 0], [2]]).tolist() == [1, 0]  # once, however often it stood
    # Negative ones are multiplied: -1 * 2 < -1.5.
    assert greedy(logits[:, 2:], [[0], []]).tolist() == [1, 0]
    assert logits[0].tolist() == [3.0, 2.0, -1.0, -1.5]


def test_rows_with_generators_of_their_own_draw_the_same_in_any_batch():
    logits = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    sampler = Sampler(top_p=0.9)
    together = [sampler(logits, None, g).tolist() for g in [row_generators(5, 6)] for _ in range(3)]
    alone = row_generators(5, 9)  # those of the first rows are the same, however many there are
    for _, row in enumerate(together):
        assert row == [int(sampler(logits[[i]], None, [alone[i]])) for i in range(6)]
    assert len({generator.initial_seed() for generator in alone}) == 9


def test_banned_tokens_are_never_chosen():
    assert Sampler(temperature=0, banned=(0,))(LOGITS[None]).tolist() == [5]
    assert 0 not in draws(Sampler(5.0, banned=(0, 1)), n=500)


def test_extreme_logits_are_drawn_from():
    extreme = torch.tensor([1e30, -1e30, 1e30])
    assert set(draws(Sampler(), extreme, 100)) == {0, 2}
    assert set(draws(Sampler(1e-3), torch.tensor([1.0, 0.0]), 100)) == {0}


def test_global_random_numbers_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    draws(Sampler(), n=3)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"temperature": -1}, "temperature must be a finite number of at least 0, got -1"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k must be an integer of at least 1, got 0"),
        ({"top_p": 0}, "top_p must be a finite number above 0 and at most 1, got 0"),
        ({"top_p": 1.5}, "top_p"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
    ],
)
def test_a_parameter_out_of_range_is_named(params, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        Sampler(**params)


def test_what_is_missing_is_named():
    logits = LOGITS[None]
    with pytest.raises(ValueError, match="generator"):
        Sampler()(logits)
    with pytest.raises(ValueError, match="2 generators for 1 rows"):
        Sampler()(logits, None, row_generators(0, 2))
    with pytest.raises(ValueError, match="previous"):
        Sampler(repetition_penalty=2.0)(logits)
    with pytest.raises(ValueError, match="NaN"):
        Sampler(temperature=0)(torch.tensor([[float("nan"), 1.0]]))
    with pytest.raises(ValueError, match="nothing to choose"):
        Sampler(banned=range(6))(logits)
