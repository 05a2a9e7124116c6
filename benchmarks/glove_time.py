"""GloVe beside Word2Vec, from the same text in the same time, for `embeddings.py`.

Skip-gram is trained first, and its whole time, reading of the file included, is what GloVe gets:
reading, counting, and as many epochs as are over by then. Settings of GloVe that differ from its
defaults were chosen on MTurk-771 and RG-65.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import word_vectors as wv
from harness import Row, print_table

from textrep import GloVe, Word2Vec

if TYPE_CHECKING:
    from embeddings import Bench

WINDOW = 10  # of GloVe, whose pairs at distance d count 1 / d


def measure(bench: Bench) -> Iterator[Row]:
    """A row for each score."""
    lines: list[list[str]] = []
    found: dict[str, list[dict[str, float]]] = {"GloVe": [], "Word2Vec": []}
    for seed in bench.seeds:
        begun = time.perf_counter()
        word2vec = Word2Vec(
            vector_size=wv.DIM, window=wv.WINDOW, epochs=bench.epochs, random_state=seed
        ).fit(bench.text)
        allowed = time.perf_counter() - begun
        begun = time.perf_counter()
        glove = timed_glove(bench, seed, allowed)
        spent = time.perf_counter() - begun
        for name, model, seconds in (("Word2Vec", word2vec, allowed), ("GloVe", glove, spent)):
            scores = wv.scores_of(model.vectors_, bench.data)
            found[name].append(scores)
            values = [f"{value:.3f}" for value in scores.values()]
            lines.append([name, str(seed), f"{seconds:.0f}", str(model.n_epochs_), *values])
    columns = ["model", "seed", "seconds", "epochs", *found["GloVe"][0]]
    print_table("GloVe and skip-gram in the same time", columns, lines)
    for score in found["GloVe"][0]:
        glove_mean, word2vec_mean = (
            statistics.mean(scores[score] for scores in found[name])
            for name in ("GloVe", "Word2Vec")
        )
        unit = "per cent" if score == "analogies" else "Spearman"
        yield bench.row(
            "GloVe, same time", score, glove_mean, "Word2Vec, skip-gram", word2vec_mean, unit,
            glove_mean / word2vec_mean,
        )  # fmt: skip


def timed_glove(bench: Bench, seed: int, allowed: float) -> GloVe:
    """GloVe fitted within about so many seconds: the time before training is measured first."""
    begun = time.perf_counter()
    settings = {"vector_size": wv.DIM, "window": WINDOW, "random_state": seed}
    GloVe(**settings, max_seconds=0).fit(bench.text)
    before = time.perf_counter() - begun
    return GloVe(**settings, max_seconds=max(1.0, allowed - before)).fit(bench.text)
