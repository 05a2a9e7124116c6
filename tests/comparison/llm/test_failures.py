"""Servers that are busy, broken or hostile."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.comparison.llm.conftest import TEXTS
from tests.comparison.llm.server import PROMPT_TOKENS, Plan, serving
from textrep.comparison.llm import LLMError, asking, endpoint
from textrep.comparison.llm.endpoint import retry_after

# Each costs one attempt and is followed by an answer.
PASSING = {
    "busy": Plan(status=429, headers={"Retry-After": "0.01"}),
    "internal error": Plan(status=500, body=b"<html>oops"),
    "overloaded": Plan(status=529),
    "no JSON": Plan(body=b"{not json"),
    "deep JSON": Plan(body=b"[" * 100_000),
    "empty": Plan(body=b""),
    "other JSON": Plan(body=b"[1, 2]"),
    "no choices": Plan(body=b'{"choices": []}'),
    "null choices": Plan(body=b'{"choices": null}'),
    "no message": Plan(body=b'{"choices": [{"text": "a"}]}'),
    "null content": Plan(None),
    "number for content": Plan(3),
    "reset": Plan(cut=20),
    "announced too long": Plan(longer=10),
    "announced too short": Plan(longer=-10),
    "announced as nonsense": Plan(headers={"Content-Length": "many"}, cut=3),
}


@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again(make, model, plan):
    model.plans = [plan, plan]
    assert make().predict(TEXTS[:1]).tolist() == ["a"]
    assert len(model.requests) == 3


@pytest.mark.parametrize("plan", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_is_an_error_after_the_last_retry(make, model, plan):
    model.usual = plan
    with pytest.raises(LLMError, match=r"\(3 attempts\); try again later"):
        make(max_retries=2).predict(TEXTS[:1])
    assert len(model.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_cannot_pass_is_tried_once(make, model, status):
    body = json.dumps({"error": {"message": "because\nof this", "code": 1}}).encode()
    model.usual = Plan(status=status, body=body)
    with pytest.raises(LLMError, match=rf"answered {status} [\w ]+: because") as caught:
        make(n_jobs=1).predict(TEXTS)
    assert len(model.requests) == 1
    assert "\n" not in str(caught.value)


def test_a_server_that_asks_for_time_gets_it(make, model):
    model.plans = [Plan(status=429, headers={"Retry-After": "0.03"})]
    start = time.perf_counter()
    make().predict(TEXTS[:1])
    assert time.perf_counter() - start >= 0.03


def test_a_server_that_asks_for_years_gets_its_longest_wait(make, model):
    assert asking.MAX_WAIT < 1  # as set for the tests
    model.plans = [Plan(status=503, headers={"Retry-After": "99999999"})]
    assert make().predict(TEXTS[:1]).tolist() == ["a"]


def test_retry_after_may_be_a_date():
    later = datetime.now(UTC) + timedelta(seconds=100)
    assert retry_after(format_datetime(later, usegmt=True)) == pytest.approx(100, abs=2)
    assert retry_after("-5") is None
    assert retry_after("nan") is None


@pytest.mark.parametrize("plan", [Plan(stall=30), Plan(drip=0.01)], ids=["hangs", "drips"])
def test_a_request_ends_at_its_time_limit(make, model, plan):
    model.usual = plan
    with pytest.raises(LLMError, match=r"no whole answer came within 0\.1 seconds \(2 attempts\)"):
        make(timeout=0.1, max_retries=1).predict(TEXTS[:1])


def test_an_answer_of_any_length_is_not_read_to_its_end(make, model, monkeypatch):
    monkeypatch.setattr(endpoint, "MAX_BODY", 1000)
    model.usual = Plan("a" * 2000)
    with pytest.raises(LLMError, match="longer than 1,000 bytes"):
        make(max_retries=0).predict(TEXTS[:1])


def test_a_redirection_is_not_followed(make, model, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving() as other:
        for status in (301, 302, 303, 307, 308):
            model.plans = [Plan(status=status, headers={"Location": f"{other.url}/elsewhere"})]
            with pytest.raises(LLMError, match=r"redirects to http://127.*name the right server"):
                make().predict(TEXTS[:1])
        assert other.headers == []


def test_nobody_there_is_an_error(make):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(LLMError, match=r"connection failed: .*refused \(2 attempts\)"):
        make(base_url=f"http://127.0.0.1:{port}/v1", max_retries=1).predict(TEXTS)


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": "7", "completion_tokens": 1}, {"prompt_tokens": -7}, [1, 2]],
)
def test_without_a_count_of_tokens_the_cost_is_an_estimate(make, model, usage):
    model.usual = Plan(usage=usage)
    classifier = make(price_in=1e6)
    classifier.predict(TEXTS[:1])
    sent = sum(len(message["content"]) for message in model.requests[0]["messages"])
    assert classifier.cost_ == pytest.approx(sent / 4, abs=1)
    assert classifier.cost_is_estimated_


def test_an_attempt_whose_answer_got_lost_counts_with_the_most_it_can_cost(make, model):
    model.plans = [Plan(cut=20)]
    classifier = make(price_in=1e6, price_out=1e6, max_tokens=50)
    classifier.predict(TEXTS[:1])
    sent = sum(len(message["content"]) for message in model.requests[0]["messages"])
    answered = PROMPT_TOKENS + 2
    assert classifier.cost_uncached_ == answered
    assert sent + 50 + answered <= classifier.cost_ <= sent + 50 + answered + 100


def test_an_attempt_that_the_server_turned_down_costs_nothing(make, model):
    model.plans = [Plan(status=429), Plan(status=500, longer=7)]
    classifier = make(price_in=1e6)
    classifier.predict(TEXTS[:1])
    assert classifier.cost_ == classifier.cost_uncached_ == PROMPT_TOKENS
