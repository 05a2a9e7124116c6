"""Models made by hand, to serve without fitting anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np

# More than the millisecond below which a model is asked on the event loop.
_SLOW_SECONDS = 0.002


class Lengths:
    """Tells short texts from long ones, of five characters and more; slow, so asked in a thread."""

    def __init__(self, classes: Sequence[object] = ("long", "short")) -> None:
        self.classes_ = np.array(classes)
        self.calls: list[list[str]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_begun = threading.Event()

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        self.calls.append(list(texts))
        if "poison" in texts:
            raise RuntimeError("secret of the model")
        self.has_begun.set()
        time.sleep(_SLOW_SECONDS)
        assert self.may_go_on.wait(60)
        long = np.array([0.9 if len(text) >= 5 else 0.2 for text in texts])
        return np.column_stack([long, 1 - long])
