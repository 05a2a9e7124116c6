"""What the tests of hosted language models share."""

from __future__ import annotations

import pytest

from tests.comparison.llm.server import serving
from textrep.comparison.llm import LLMClassifier, asking

TEXTS = ["a text of more than thirty characters", "a short text"]


@pytest.fixture
def model():
    """A model on the loopback interface."""
    with serving() as model:
        yield model


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(asking, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(asking, "MAX_WAIT", 0.05)


@pytest.fixture
def make(model, tmp_path):
    """Makes fitted classifiers that ask `model` and keep their answers in a folder of their own."""

    def fitted(texts=TEXTS, labels=("a", "b"), **settings):
        usual = {"base_url": model.url, "model": "tiny", "cache": str(tmp_path / "cache")}
        return LLMClassifier(**{**usual, **settings}).fit(texts, list(labels))

    return fitted
