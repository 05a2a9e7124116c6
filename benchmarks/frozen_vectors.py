"""Frozen against tuned word vectors under a recurrent classifier, for `recurrent.py`.

The same LSTM on sst2 begins with vectors of the packaged static model, with vectors that word2vec
has learnt from the training texts, or with random ones. The first two are kept as they are or
learn along. Nothing is chosen by test texts: the settings are the classifier's own. TF-IDF and a
linear SVM, as the rung of that name, stands beside each.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from harness import Row, print_table

from textrep import RNNClassifier, Word2Vec, load_corpus
from textrep.comparison import RUNGS

CORPUS = "sst2"
PEER = "tfidf-svm"
SECONDS, QUICK_SECONDS = 40.0, 3.0  # for each network, at most
N_SEEDS, QUICK_SEEDS = 3, 1


def parts_of(corpus: str) -> dict[str, tuple[list[str], np.ndarray]]:
    """Texts and labels to learn from and to be tried on."""
    loaded = load_corpus(corpus)
    parts = {name: loaded.part(name) for name in ("train", "test")}
    return {name: (list(part.texts), np.array(part.labels)) for name, part in parts.items()}


def peer_accuracy(parts: dict[str, tuple[list[str], np.ndarray]]) -> float:
    """Of TF-IDF and a linear SVM on the same split, per cent."""
    rung = next(rung for rung in RUNGS if rung.name == PEER)
    return 100 * float(rung.factory(0).fit(*parts["train"]).score(*parts["test"]))


def sides(texts: list[str]) -> dict[str, dict[str, Any]]:
    """Name -> what is asked of the classifier."""
    learnt = Word2Vec(vector_size=100, min_count=1, epochs=20, random_state=0).fit(texts)
    return {
        "static, frozen": {"embeddings": "textrep-static-en", "freeze_embeddings": True},
        "static, tuned": {"embeddings": "textrep-static-en"},
        "word2vec, frozen": {"embeddings": learnt, "freeze_embeddings": True},
        "word2vec, tuned": {"embeddings": learnt},
        "random, tuned": {},
    }


def measure(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """A row for each side, and a table of the seeds."""
    parts = parts_of(CORPUS)
    linear = peer_accuracy(parts)
    seconds = QUICK_SECONDS if quick else SECONDS
    lines = []
    for name, vectors in sides(parts["train"][0]).items():
        found = []
        for seed in range(QUICK_SEEDS if quick else N_SEEDS):
            model = RNNClassifier(**vectors, max_seconds=seconds, device=device, random_state=seed)
            found.append(100 * model.fit(*parts["train"]).score(*parts["test"]))
        mean = statistics.mean(found)
        lines.append([name, f"{mean:.2f}", ", ".join(f"{value:.2f}" for value in found)])
        yield Row(
            f"LSTM, {CORPUS}, vectors {name}", "accuracy", mean, "TF-IDF + linear SVM", linear,
            mean / linear, "per cent", torch.get_num_threads(), machine,
        )  # fmt: skip
    lines.append(["TF-IDF + linear SVM", f"{linear:.2f}", ""])
    print_table(f"{CORPUS}: word vectors under an LSTM", ["vectors", "mean", "seeds"], lines)
