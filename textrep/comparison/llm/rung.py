"""The rung of a hosted language model; it is in no comparison that does not ask for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from textrep.comparison.errors import ComparisonError
from textrep.comparison.llm.address import chat_address, read_key
from textrep.comparison.llm.classifier import LLMClassifier
from textrep.comparison.rungs import Rung
from textrep.core.messages import printable


def llm_rung(base_url: str, model: str, *, name: str = "llm", **settings: Any) -> Rung:
    """Make a rung of a hosted language model, for `textrep.compare(methods=[...])`.

    The test texts, and the examples among the training texts, are sent to the endpoint.

    Parameters
    ----------
    base_url : str
        Address of an OpenAI-compatible endpoint.
    model : str
        As the endpoint calls it.
    name : str, default="llm"
        Of the rung.
    **settings
        Further parameters of `LLMClassifier`, such as `price_in`, `price_out`, `max_cost` and
        `examples_per_class`. The cap `max_cost` holds for all pipelines that the rung makes in
        one process, such as those of several folds, together.

    Returns
    -------
    Rung

    Raises
    ------
    ComparisonError
        When a setting makes no sense.
    LLMError
        When the key is not in the environment.

    Examples
    --------
    >>> llm_rung("http://localhost:11434/v1", "llama3", price_in=0.5).description
    'llama3 at localhost'
    """
    classifier = LLMClassifier(base_url=base_url, model=model, **settings)
    try:
        classifier.check_parameters()
    except ValueError as error:
        raise ComparisonError(f"rung {name!r}: {error}") from None
    address = chat_address(base_url)
    read_key(address, classifier.api_key_variable)  # better missed now than after the other rungs
    pipelines = _Pipelines(classifier.get_params())
    return Rung(
        name,
        f"{printable(model)} at {address.host}",
        pipelines.make,
        notes=pipelines.notes,
        warm_up=False,
        cost=pipelines.cost,
    )


class _Pipelines:
    """Makes pipelines that share one cap, and tells what they cost together."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._made: list[LLMClassifier] = []

    def make(self, seed: int) -> Pipeline:
        settings = dict(self._settings)
        if settings["random_state"] is None:
            settings["random_state"] = seed
        if (cap := settings["max_cost"]) is not None:
            settings["max_cost"] = max(0.0, cap - sum(made.cost_ for made in self._used()))
        self._made.append(LLMClassifier(**settings))
        return Pipeline([("classifier", self._made[-1])])

    def cost(self, _: Pipeline) -> float:
        """What the predictions are worth: a second run, answered from the cache, costs as much."""
        return float(sum(made.cost_uncached_ for made in self._used()))

    def notes(self, _: Pipeline) -> tuple[str, ...]:
        used = self._used()
        waits = np.concatenate([made.waits_ for made in used]) if used else np.empty(0)
        if not waits.size:
            return ()
        said = [f"an answer took {np.median(waits):.2g} s (median)"]
        if cached := sum(made.n_cached_ for made in used):
            said.append(f"{cached} of {waits.size} answers came from the cache, at once")
        if unanswered := sum(made.n_unanswered_ for made in used):
            said.append(f"{unanswered} of {waits.size} answers named no label")
        if any(made.cost_is_estimated_ for made in used):
            said.append("the cost is an estimate: the endpoint does not count tokens")
        return tuple(said)

    def _used(self) -> list[LLMClassifier]:
        return [made for made in self._made if hasattr(made, "cost_")]
