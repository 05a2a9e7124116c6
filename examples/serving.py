"""Fit a classifier, save it, serve it and ask it over HTTP, all in one process.

    python examples/serving.py

It listens on a free port of this machine for as long as the questions take. A service that stays
is `textrep serve MODEL --port 8000`, where MODEL is what this example saves.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from gallery import docstrings, options
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep
from textrep.serving import create_app

QUESTIONS = [
    "send a message over a socket and wait for the answer",
    "the standard deviation of a sample",
    "the parse tree of a sentence",
]


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an application that runs in a thread until the block is left."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """What the server answers, from JSON; with a body it is posted."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, save, serve, ask."""
    chosen = options(__doc__ or "", arguments)
    texts, labels = docstrings(6, 60 if chosen.quick else 400)
    pipeline = make_pipeline(textrep.TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    path = textrep.save(pipeline.fit(texts, labels), chosen.out / "subsystems.textrep")
    print(f"saved: {path}")

    with served(create_app(path)) as address:
        print("health:", ask(f"{address}/health"))
        answer = ask(f"{address}/predict", {"texts": QUESTIONS})
        for question, label, odds in zip(
            QUESTIONS, answer["labels"], answer["probabilities"], strict=True
        ):
            print(f"{question} -> {label} ({odds[label]:.0%})")
    print(f"to serve it on: textrep serve {path}")


if __name__ == "__main__":
    main()
