"""Asks fitted models here, in a fork and in processes of multiprocessing, and prints the answers.

In a process of its own, in which torch computes with two threads: a fork would wait for them for
ever if nothing were done about it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from typing import Any

import numpy as np
import torch

import textrep

TEXTS = ["so much text and so little time", "the best of times", "the worst of times"] * 40
LABELS = ["a", "b", "b"] * 40
# So many pixels that torch shares them among its threads.
PICTURES = np.random.default_rng(0).random((400, 1, 16, 16), dtype=np.float32)

STUCK = "hung or crashed"
PATIENCE_SECONDS = 200


def fitted() -> list[Any]:
    """Models of kernels and of torch, each in two threads."""
    on_cpu: dict[str, Any] = {"epochs": 1, "device": "cpu", "random_state": 0}
    return [
        textrep.TfidfVectorizer(n_jobs=2).fit(TEXTS),
        textrep.FastTextClassifier(vector_size=8, epochs=1, n_jobs=2).fit(TEXTS, LABELS),
        textrep.RNNClassifier(hidden_size=8, embedding_size=8, **on_cpu).fit(TEXTS, LABELS),
        textrep.Autoencoder(code_size=4, hidden=(64,), **on_cpu).fit(PICTURES),
    ]


def answers(models: list[Any]) -> list[Any]:
    """What they say."""
    signal.alarm(PATIENCE_SECONDS)  # what waits for ever is killed
    counts, words, network, pictures = models
    found = [
        counts.transform(TEXTS).toarray().sum(axis=0),
        words.predict_proba(TEXTS[:3]),
        network.predict_proba(TEXTS[:3]),
        pictures.encode(PICTURES).sum(axis=0),
    ]
    signal.alarm(0)
    return [np.asarray(each).tolist() for each in found]


def forked(models: list[Any]) -> Any:
    """What they say in a fork."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(write, "w") as file:
            json.dump(answers(models), file)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        found = file.read()
    return STUCK if os.waitpid(child, 0)[1] else json.loads(found)


def pooled(models: list[Any], method: str) -> Any:
    """What they say in a process to which they are sent."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply_async(answers, (models,)).get(timeout=PATIENCE_SECONDS)


def main() -> None:
    torch.set_num_threads(2)
    models = fitted()
    found = {"here": answers(models), "a fork": forked(models)}
    for method in sys.argv[1:]:
        found[method] = pooled(models, method)
    found["here again"] = answers(models)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
