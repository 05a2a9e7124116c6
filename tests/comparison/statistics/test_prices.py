"""What a rung costs, and which of some is the cheapest."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrep.comparison import Outcome
from textrep.comparison.statistics.prices import Price, cheapest, price

prices = st.builds(Price, st.floats(0, 5), st.floats(0, 100), st.floats(1, 1e9))


def test_the_price_is_money_and_the_seconds_to_fit_and_to_predict():
    outcome = Outcome(
        "a", "", "ok", 0.9, 0.9, 2.0, 100.0, cost=1.5, model_bytes=7, tune_seconds=900.0
    )
    assert price(outcome, 300) == Price(money=1.5, seconds=5.0, model_bytes=7)


def test_what_is_not_known_is_free_and_large():
    outcome = Outcome("a", "", "ok", 0.9, 0.9, 2.0)
    assert price(outcome, 300) == Price(money=0.0, seconds=2.0, model_bytes=float("inf"))


@pytest.mark.parametrize(
    ("cheap", "dear"),
    [
        (Price(0, 1000, 900), Price(0.01, 1, 1)),  # money before time
        (Price(0, 10, 900), Price(0, 13, 1)),  # time before size
        (Price(0, 11, 1), Price(0, 10, 900)),  # times within a fifth: size
        (Price(0, 0.09, 1), Price(0, 0.01, 900)),  # times that nobody notices: size
        (Price(1.1, 1, 900), Price(1.0, 10, 1)),  # money within a fifth: time
    ],
)
def test_the_cheaper_of_two_is_found_whichever_comes_first(cheap, dear):
    assert cheapest([cheap, dear]) == [0]
    assert cheapest([dear, cheap]) == [1]


def test_what_costs_the_same_is_named_together():
    assert cheapest([Price(0, 1, 5), Price(0, 1.1, 9), Price(0, 1, 11)]) == [0, 1]


@given(st.lists(prices, min_size=1, max_size=5, unique=True))
def test_the_order_does_not_matter(listed):
    found = {
        frozenset(order[at] for at in cheapest(order))
        for order in map(list, itertools.permutations(listed))
    }
    assert len(found) == 1


@given(st.lists(prices, min_size=2, max_size=5), st.floats(0.95, 1.05))
def test_noise_in_the_time_of_the_cheapest_does_not_matter_where_others_take_much_more(
    listed, noise
):
    first, *others = listed
    fast = Price(0, 1.0, first.model_bytes)
    slow = [Price(0, 2.0 + other.seconds, other.model_bytes) for other in others]
    assert cheapest([fast._replace(seconds=noise), *slow]) == cheapest([fast, *slow]) == [0]
