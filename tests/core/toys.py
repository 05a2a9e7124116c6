"""A small estimator of textrep's own kind, for tests of saving."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

import textrep.core
from textrep.core.persist import Persistent


class Toy(Persistent, TransformerMixin, BaseEstimator):
    """Keeps whatever it is given."""

    # As if it were public in the room core; `publish` makes it so for a test.
    __module__ = "textrep.core.toys"

    def __init__(self, *, option: Any = None, inner: Any = None) -> None:
        self.option = option
        self.inner = inner

    def fit(self, X: Any, y: Any = None) -> Toy:
        self.fitted_ = X
        self._private_ = "is not saved"
        return self

    def transform(self, X: Any) -> Any:
        return X

    def get_feature_names_out(self, input_features: Any = None) -> list[str]:
        # With it, scikit-learn offers set_output.
        return ["same"]


def publish(monkeypatch: Any) -> type[Toy]:
    """Make `Toy` loadable until the test ends."""
    monkeypatch.setattr(textrep.core, "Toy", Toy, raising=False)
    return Toy
