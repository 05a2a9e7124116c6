"""Fused pipelines beside scikit-learn's `pipeline.predict`, in one run: documents a second.

    python benchmarks/fused.py --data DIR [--quick] [--json FILE]

A row is a fitted pipeline of a TF-IDF vectoriser and a linear model that labels the test part of a
corpus. The model is fitted once, on the training part, and stands behind scikit-learn's vectoriser,
behind ours, and in ours fused. Every row first checks that labels are equal and scores agree to
1e-10, and only then times them in turns (medians). Beside scikit-learn stand two limits: our own
pipeline, which builds the matrix, and the bare tokenising pass, which finds, lower-cases and looks
up the words of the same documents and does nothing with them. The last rows are one short text and
one review, asked for alone.

Data: IMDb (25,000 reviews to label, two classes) and 20 Newsgroups (20 classes).

What was tried and lost is said in `textrep/sparse/kernels/fused.py`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from harness import Row, machine_name, parse_options, report, take_turns
from sklearn.feature_extraction import text as theirs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from textrep import load_corpus
from textrep import sparse as ours
from textrep.sparse.analysis import plan_of
from textrep.sparse.counting import tokenize_part
from textrep.sparse.documents import PART_BYTES, Batch
from textrep.sparse.fusing import fuse
from textrep.sparse.threads import available_cores

CASES: list[tuple[str, tuple[int, int], list[Any]]] = [
    ("imdb", (1, 1), [LinearSVC(random_state=0), LogisticRegression(max_iter=300)]),
    ("imdb", (1, 2), [LinearSVC(random_state=0), LogisticRegression(max_iter=300)]),
    ("20newsgroups", (1, 1), [LinearSVC(random_state=0)]),
]
QUICK_DOCUMENTS = 5000
TOLERANCE = 1e-10
CALLS = 300
SHORT = "a quick and funny film about a fox and a lazy dog"


def load_part(corpus: str, part: str, quick: bool) -> tuple[list[str], list[Any]]:
    """Texts and labels of a part of a corpus."""
    loaded = load_corpus(corpus).part(part)
    step = max(1, len(loaded.texts) // QUICK_DOCUMENTS) if quick else 1
    return list(loaded.texts)[::step], list(loaded.labels)[::step]


def check_same(mine: Any, peer: Any, texts: list[str], what: str) -> None:
    """Stop the benchmark where two models answer differently."""
    same = np.array_equal(mine.predict(texts), peer.predict(texts))
    scores = mine.decision_function(texts), peer.decision_function(texts)
    if not same or not np.allclose(*scores, rtol=TOLERANCE, atol=TOLERANCE):
        sys.exit(f"{what}: the answers are not scikit-learn's")


def tokenizing(pipeline: Pipeline, texts: list[str], threads: int) -> Callable[[], Any]:
    """The bare pass: every word of the texts found, lower-cased and looked up."""
    plan = plan_of(pipeline[0])
    assert plan is not None
    matcher = pipeline[0]._matcher_for(plan)

    def count(batch: Batch, first: int, last: int) -> int:
        return len(tokenize_part(matcher.plan, batch, first, last, matcher.lexicon, False).tokens)

    def task() -> int:
        return sum(
            n for batch in plan.batches(texts) for n, _ in batch.work(count, threads, PART_BYTES)
        )

    return task


def measure(corpus: str, ngrams: tuple[int, int], models: list[Any], quick: bool) -> list[Row]:
    """All rows of one vectoriser on one corpus."""
    rows: list[Row] = []
    machine = machine_name()
    training, labels = load_part(corpus, "train", quick)
    texts, truth = load_part(corpus, "test", quick)
    vectorizer = ours.TfidfVectorizer(ngram_range=ngrams)
    peer_vectorizer = theirs.TfidfVectorizer(ngram_range=ngrams).fit(training)
    X = vectorizer.fit_transform(training)
    repeats = {"fused": 5, "unfused": 3, "tokens": 5, "theirs": 1 if quick else 2}
    for model in models:
        what = f"{type(model).__name__} {ngrams}, {corpus}".replace(" (1, ", " (1,")
        print(f"{what} ...", file=sys.stderr, flush=True)
        model.fit(X, labels)
        peer = make_pipeline(peer_vectorizer, model)
        pipeline = make_pipeline(vectorizer, model)
        fused = fuse(pipeline)
        check_same(fused, peer, texts, what)
        check_same(fused, pipeline, texts, what)
        print(f"  accuracy {np.mean(fused.predict(texts) == np.array(truth)):.4f}", file=sys.stderr)
        for threads in sorted({1, available_cores()}):
            vectorizer.set_params(n_jobs=threads)
            times = take_turns(
                {
                    "fused": lambda m=fused: m.predict(texts),
                    "unfused": lambda m=pipeline: m.predict(texts),
                    "tokens": tokenizing(pipeline, texts, threads),
                    "theirs": lambda m=peer: m.predict(texts),
                },
                repeats,
            )
            for key, name in (
                ("theirs", "scikit-learn's pipeline"),
                ("unfused", "textrep, not fused"),
                ("tokens", "bare tokenising pass"),
            ):
                rows.append(
                    Row(
                        what, "predict", len(texts) / times["fused"], name,
                        len(texts) / times[key], times[key] / times["fused"], "documents/s",
                        threads, machine,
                    )
                )  # fmt: skip
        vectorizer.set_params(n_jobs=None)
        if corpus == "imdb":
            rows += alone(what, {"ours": fused, "theirs": peer}, texts[0])
    return rows


def median_call(model: Any, text: str) -> float:
    """Median microseconds of one text alone, warm."""
    spent = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        model.predict([text])
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1e6


def alone(what: str, models: dict[str, Any], review: str) -> list[Row]:
    """What a server of single texts waits for."""
    rows = []
    for label, text in (("a short text", SHORT), (f"a review of {len(review)} letters", review)):
        spent = {name: median_call(model, text) for name, model in models.items()}
        rows.append(
            Row(
                f"{what}: {label}", "predict one", spent["ours"], "scikit-learn's pipeline",
                spent["theirs"], spent["theirs"] / spent["ours"], "us", 1, machine_name(),
            )
        )  # fmt: skip
    return rows


def main() -> None:
    """Run everything and report."""
    options = parse_options(__doc__ or "")
    rows: list[Row] = []
    for corpus, ngrams, models in CASES:
        rows += measure(corpus, ngrams, models, options.quick)
    title = f"fused pipelines beside scikit-learn {sklearn.__version__}"
    report(title, rows, options.json, digits=0)


if __name__ == "__main__":
    main()
