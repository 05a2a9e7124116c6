"""The service that `textrep serve` is measured against: FastAPI, scikit-learn, and nothing else.

    python benchmarks/serving_peer.py PIPELINE PORT [--on-the-loop]

It is what one writes by hand: a pipeline from joblib, a model of the request and of the answer, an
endpoint of a few lines. ``def`` lets FastAPI call it in a thread, as its documentation advises for
work that takes time; with --on-the-loop it is ``async def``, which is quicker for short texts, and
answers nothing else while it works.
"""

from __future__ import annotations

import sys

import joblib
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Texts(BaseModel):
    """A request."""

    texts: list[str]


class Labels(BaseModel):
    """An answer."""

    labels: list[str]
    probabilities: list[dict[str, float]]


def make_app(path: str, on_the_loop: bool) -> FastAPI:
    """The service of a pipeline of two classes with a decision function."""
    pipeline = joblib.load(path)
    classes = pipeline.classes_.tolist()
    app = FastAPI()

    def answer(asked: Texts) -> Labels:
        right = 1 / (1 + np.exp(-pipeline.decision_function(asked.texts)))
        table = np.column_stack([1 - right, right])
        return Labels(
            labels=[classes[best] for best in table.argmax(axis=1)],
            probabilities=[dict(zip(classes, row, strict=True)) for row in table.tolist()],
        )

    if on_the_loop:

        @app.post("/predict")
        async def predict_on_the_loop(asked: Texts) -> Labels:
            return answer(asked)

    else:

        @app.post("/predict")
        def predict(asked: Texts) -> Labels:
            return answer(asked)

    return app


if __name__ == "__main__":
    app = make_app(sys.argv[1], "--on-the-loop" in sys.argv)
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
