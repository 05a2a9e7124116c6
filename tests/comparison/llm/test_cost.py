"""Money: what is counted, and the cap that holds whatever happens."""

from __future__ import annotations

import copy
import pickle

import pytest

from tests.comparison.llm.server import COMPLETION_TOKENS, PROMPT_TOKENS, Plan
from textrep.comparison.llm import CostCapReached
from textrep.comparison.llm.spending import CapHit, Prices, Spending
from textrep.comparison.llm.tokens import Tokens, at_most

MANY = [f"text number {i}" for i in range(40)]


def price_of(n_requests):
    """At 2 for a million tokens of prompts and 8 for a million of answers."""
    return n_requests * (PROMPT_TOKENS * 2.0 + COMPLETION_TOKENS * 8.0) / 1e6


def worst_case(classifier, text):
    contents = [message["content"] for message in classifier.messages(text)]
    return Prices(2.0, 8.0).of(at_most(contents, classifier.max_tokens))


def test_the_cost_is_tokens_times_prices_per_million(make):
    classifier = make(price_in=2.0, price_out=8.0)
    assert classifier.cost_ == 0.0
    classifier.predict(MANY[:3])
    classifier.predict(MANY[3:5])
    assert classifier.cost_ == pytest.approx(price_of(5))
    assert classifier.fit(["x", "y"], ["a", "b"]).cost_ == 0.0


def test_a_second_run_costs_nothing_and_shows_the_same_price(make, model):
    first, second = (make(price_in=2.0, price_out=8.0) for _ in range(2))
    expected = first.predict(MANY).tolist()
    model.requests.clear()
    assert second.predict(MANY).tolist() == expected
    assert model.requests == []
    assert second.cost_ == 0.0
    assert second.cost_uncached_ == pytest.approx(first.cost_) == pytest.approx(price_of(40))
    assert second.prompt_tokens_ == 0
    assert sorted(second.waits_) == sorted(first.waits_)


@pytest.mark.parametrize("n_jobs", [1, 8])
def test_the_cap_is_never_exceeded_and_used_as_far_as_is_safe(make, model, n_jobs):
    classifier = make(price_in=2.0, price_out=8.0, n_jobs=n_jobs)
    worst = worst_case(classifier, MANY[-1])
    cap = price_of(10) + worst
    with pytest.raises(CostCapReached) as caught:
        classifier.set_params(max_cost=cap).predict(MANY)
    paid = len(model.requests)
    assert classifier.cost_ == pytest.approx(price_of(paid))
    assert cap - worst < classifier.cost_ <= cap
    error = caught.value
    assert (error.n_answered, error.n_texts, error.cost) == (paid, 40, classifier.cost_)
    assert f"{paid} of 40 texts are answered. Raise max_cost and predict again" in str(error)


def test_after_the_cap_is_raised_only_the_rest_is_paid_for(make, model):
    classifier = make(price_in=2.0, price_out=8.0, max_cost=price_of(20))
    with pytest.raises(CostCapReached):
        classifier.predict(MANY)
    classifier.set_params(max_cost=1.0).predict(MANY)
    assert len(model.requests) == 40
    assert sorted(model.documents) == sorted(MANY)


def test_a_cap_of_nothing_sends_nothing_but_cached_answers_are_free(make, model):
    make(price_in=2.0).predict(MANY[:2])
    model.requests.clear()
    broke = make(price_in=2.0, max_cost=0.0)
    assert len(broke.predict(MANY[:2])) == 2
    with pytest.raises(CostCapReached):
        broke.predict(MANY[:3])
    assert model.requests == []


def test_answers_that_got_lost_use_the_cap_up(make, model):
    model.usual = Plan(body=b"garbage")
    classifier = make(price_in=2.0, price_out=8.0)
    cap = 2.5 * worst_case(classifier, "what?")
    with pytest.raises(CostCapReached):
        classifier.set_params(max_cost=cap).predict(["what?"])
    assert len(model.requests) == 2


def test_a_limit_among_the_options_counts_for_the_cap(make, model):
    options = {"max_completion_tokens": 1000}
    classifier = make(price_out=1e6, max_tokens=None, options=options, max_cost=999.0)
    with pytest.raises(CostCapReached):
        classifier.predict(["what?"])
    classifier.set_params(max_cost=1001.0).predict(["what?"])
    assert len(model.requests) == 1


def test_money_set_aside_by_others_is_waited_for():
    spending = Spending()
    spending.reserve(0.6, cap=1.0)
    spending.settle(0.6, cost=0.1, tokens=Tokens(1, 1))
    spending.reserve(0.6, cap=1.0)
    spending.settle(0.6, cost=0.6, tokens=Tokens(2, 0))
    assert spending.tokens == (3, 1)
    with pytest.raises(CapHit):
        spending.reserve(0.6, cap=1.0)


def test_a_copy_starts_from_nothing(make):
    classifier = make(price_in=2.0)
    classifier.predict(MANY[:2])
    for other in (copy.deepcopy(classifier), pickle.loads(pickle.dumps(classifier))):
        assert other.cost_ == 0.0
        assert other.waits_.shape == (0,)
    assert classifier.cost_ > 0


def test_the_error_survives_the_way_out_of_a_worker_process():
    error = CostCapReached("stopped", n_answered=3, n_texts=9, cost=0.5)
    other = pickle.loads(pickle.dumps(error))
    assert (str(other), other.n_answered, other.n_texts, other.cost) == ("stopped", 3, 9, 0.5)
