"""The rung of a hosted language model; it is in no comparison that does not ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sklearn.pipeline import Pipeline

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
    ValueError
        When a setting makes no sense.
    LLMError
        When the key is not in the environment.

    Examples
    --------
    >>> llm_rung("http://localhost:11434/v1", "llama3", price_in=0.5).description
    'llama3 at localhost'
    """
    classifier = LLMClassifier(base_url=base_url, model=model, **settings)
    classifier.check_parameters()
    address = chat_address(base_url)
    read_key(address, classifier.api_key_variable)  # better missed now than after the other rungs
    description = f"{printable(model)} at {address.host}"
    return Rung(name, description, _Factory(classifier.get_params()))


@dataclass
class _Factory:
    """Makes pipelines that share one cap."""

    settings: dict[str, Any]
    made: list[LLMClassifier] = field(default_factory=list)

    def __call__(self, seed: int) -> Pipeline:
        settings = {"random_state": seed, **self.settings}
        if settings["random_state"] is None:
            settings["random_state"] = seed
        if (cap := settings["max_cost"]) is not None:
            spent = sum(getattr(classifier, "cost_", 0.0) for classifier in self.made)
            settings["max_cost"] = max(0.0, cap - spent)
        classifier = LLMClassifier(**settings)
        self.made.append(classifier)
        return Pipeline([("classifier", classifier)])
