"""A hosted language model as a rung of a comparison."""

from __future__ import annotations

import cloudpickle
import pytest

from tests.comparison.llm.server import PROMPT_TOKENS, Plan
from textrep.comparison.errors import ComparisonError
from textrep.comparison.llm import CostCapReached, LLMError, llm_rung
from textrep.comparison.rungs import RUNGS

MANY = [f"text number {i}" for i in range(40)]
PRICE = PROMPT_TOKENS * 2.0 / 1e6  # of one answer, at 2 for a million tokens of prompts


@pytest.fixture
def rung_of(model, tmp_path):
    def make(**settings):
        return llm_rung(model.url, "tiny", price_in=2.0, cache=str(tmp_path), **settings)

    return make


def predict(rung, texts, seed=0):
    pipeline = rung.factory(seed).fit(["x", "y"], ["a", "b"])
    pipeline.predict(texts)
    return pipeline


def test_it_is_in_no_comparison_that_does_not_ask_for_it():
    assert all("llm" not in rung.name and rung.cost is None for rung in RUNGS)


def test_it_is_not_warmed_up_at_the_users_expense(rung_of):
    assert rung_of().warm_up is False


def test_its_pipelines_share_its_cap(rung_of, model):
    rung = rung_of(max_cost=20 * PRICE)
    for part in (MANY[:20], MANY[20:30], MANY[30:]):
        with pytest.raises(CostCapReached):
            predict(rung, part)
    assert 0 < PRICE * len(model.requests) <= 20 * PRICE


def test_its_cost_is_that_of_all_its_pipelines_with_or_without_a_cache(rung_of, model):
    for _ in range(2):
        rung = rung_of()
        predict(rung, MANY[:10])
        last = predict(rung, MANY[10:15])
        assert rung.cost(last) == pytest.approx(15 * PRICE)
    assert len(model.requests) == 15


def test_its_cost_is_known_in_the_process_of_a_worker(rung_of):
    there = cloudpickle.loads(cloudpickle.dumps(rung_of()))
    last = predict(there, MANY[:3])
    assert there.cost(last) == pytest.approx(3 * PRICE)
    assert "0 of" not in " ".join(there.notes(last))


def test_its_notes_tell_what_the_figures_do_not(rung_of, model):
    predict(rung_of(), MANY[:2])
    model.usual = Plan("no idea", usage=None)
    rung = rung_of()
    with pytest.warns(UserWarning, match="2 of 4 texts"):
        last = predict(rung, MANY[:4])
    first, *others = rung.notes(last)
    assert first.startswith("an answer took ")
    assert others == [
        "2 of 4 answers came from the cache, at once",
        "2 of 4 answers named no label",
        "the cost is an estimate: the endpoint does not count tokens",
    ]


def test_it_draws_its_examples_with_the_seed_of_the_comparison(rung_of):
    rung = rung_of(examples_per_class=2)
    labels = ["a", "b"] * 20
    drawn = [rung.factory(seed).fit(MANY, labels)[-1].example_texts_ for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_it_is_refused_before_the_comparison_begins(monkeypatch):
    with pytest.raises(ComparisonError, match="rung 'llm': base_url"):
        llm_rung("nowhere", "tiny")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(LLMError, match="OPENAI_API_KEY, which api_key_variable names, is not set"):
        llm_rung("https://api.example.org/v1", "tiny")
    with pytest.raises(TypeError, match="price"):
        llm_rung("http://localhost/v1", "tiny", price=3)
