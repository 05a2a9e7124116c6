"""The packaged static model with few labels, for `embeddings.py`.

For each data set and draw, 100 texts of the training part are drawn, and both sides learn a
logistic regression from them and are tried on (up to 2,000 texts of) the test part. Each side
chooses among three representations of the texts and seven strengths of the regularisation by the
same fivefold cross-validation on the 100. The static model's representations are its three weighted
means, of unit length as TF-IDF's are, with standardised columns; those of TF-IDF are words, words
and pairs of words, both with sublinear counts, and words with plain counts.
"""

from __future__ import annotations

import itertools
import statistics
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from harness import Row, print_table
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from threadpoolctl import threadpool_limits

from textrep import StaticEmbedder, TfidfVectorizer, load_corpus
from textrep.comparison import split_texts
from textrep.core.random import stream

CORPORA = ("sst2", "mr", "imdb", "sms_spam", "reuters_r8", "20newsgroups")
N_LABELS = 100
MOST_TESTED = 2_000
TEST_SIZE = 0.2  # of corpora without a test part of their own
N_FOLDS = 5
POOLINGS = ("mean", "idf", "sif")
TFIDF: tuple[dict[str, Any], ...] = (
    {"sublinear_tf": True},
    {"sublinear_tf": True, "ngram_range": (1, 2)},
    {},
)
# From the weakest regularisation, beyond which nothing changes, to one that is too strong. The
# first of several that do equally well is taken: TF-IDF fares best so.
STRENGTHS = {
    "textrep": np.geomspace(10, 1e-2, 7),  # of standardised columns
    "tfidf": np.geomspace(1e4, 1, 7),
}
MAX_ITER = 2_000

Labels = NDArray[Any]
Matrix = NDArray[np.float64]


class Parts(NamedTuple):
    """Texts to learn from and texts to be tried on."""

    texts: list[str]
    labels: Labels
    new: list[str]
    truth: Labels


class Represented(NamedTuple):
    """Vectors of the labelled texts and of the new ones."""

    seen: Matrix
    new: Matrix


def parts_of(corpus: str, development: bool) -> Parts:
    """Training and test texts with their labels; for development, both of the training part."""
    loaded = load_corpus(corpus)
    train = loaded.part("train") if loaded.parts else loaded
    texts, labels = list(train.texts), np.array(train.labels)
    if loaded.parts and not development:
        test = loaded.part("test" if "test" in loaded.parts else "validation")
        return Parts(texts, labels, list(test.texts), np.array(test.labels))
    for _ in range(1 if loaded.parts else 1 + development):
        split = split_texts(texts, labels, TEST_SIZE, stream(0, "split"))
        held = [texts[i] for i in split.test.tolist()], labels[split.test]
        texts, labels = [texts[i] for i in split.train.tolist()], labels[split.train]
    return Parts(texts, labels, *held)


def draws(parts: Parts, n_draws: int) -> Iterator[Parts]:
    """Each time 100 labelled texts, of two classes at least, and the same new ones."""
    texts, labels, new, truth = parts
    if len(new) > MOST_TESTED:
        tested = np.sort(stream(0, "tested").choice(len(new), MOST_TESTED, replace=False))
        new, truth = [new[i] for i in tested.tolist()], truth[tested]
    for seed in range(n_draws):
        rng = stream(seed, "draw")
        while True:
            chosen = np.sort(rng.choice(len(labels), N_LABELS, replace=False))
            if len(np.unique(labels[chosen])) > 1:
                break
        yield Parts([texts[i] for i in chosen.tolist()], labels[chosen], new, truth)


def static_representations(vectors: Any, texts: list[str], new: list[str]) -> list[Represented]:
    """Ours: means of word vectors."""
    found = []
    for pooling in POOLINGS:
        embedder = StaticEmbedder(vectors=vectors, pooling=pooling)
        steps = make_pipeline(embedder, Normalizer(), StandardScaler())
        seen = steps.fit(texts).transform(texts).astype(np.float64)
        found.append(Represented(seen, steps.transform(new).astype(np.float64)))
    return found


def tfidf_representations(texts: list[str], new: list[str]) -> list[Represented]:
    """The peer: TF-IDF of the labelled texts."""
    found = []
    for settings in TFIDF:
        vectorizer = TfidfVectorizer(**settings)
        seen = scipy.sparse.csr_matrix(vectorizer.fit_transform(texts))
        found.append(turned(seen, scipy.sparse.csr_matrix(vectorizer.transform(new))))
    return found


def turned(seen: scipy.sparse.csr_matrix, new: scipy.sparse.csr_matrix) -> Represented:
    """The same vectors in axes of the space that the labelled ones span, which is where the
    coefficients of a linear model with an L2 penalty lie: 100 columns in place of thousands for the
    same predictions.
    """
    values, directions = np.linalg.eigh((seen @ seen.T).toarray())
    kept = values > 1e-9 * values[-1]
    lengths = np.sqrt(values[kept])
    axes = directions[:, kept] / lengths
    return Represented(directions[:, kept] * lengths, (new @ seen.T).toarray() @ axes)


def accuracy(
    represented: list[Represented], strengths: Matrix, labels: Labels, truth: Labels
) -> float:
    """Share of new texts that are classified right, settings chosen by cross-validation."""
    settings = list(itertools.product(represented, strengths))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # classes that a fold lacks
        cuts = list(folds.split(labels, labels))
        scores = [
            np.mean([right(c, each.seen[a], labels[a], each.seen[b], labels[b]) for a, b in cuts])
            for each, c in settings
        ]
        best, strength = settings[int(np.argmax(scores))]
        return right(strength, best.seen, labels, best.new, truth)


def right(strength: float, seen: Matrix, labels: Labels, new: Matrix, truth: Labels) -> float:
    """Share of new texts that a logistic regression of the labelled ones classifies right."""
    model = LogisticRegression(C=strength, max_iter=MAX_ITER).fit(seen, labels)
    return float(np.mean(model.predict(new) == truth))


def accuracies(side: str, parts: Parts, n_draws: int, vectors: Any = None) -> list[float]:
    """Accuracy of one side in each draw, per cent."""
    found = []
    for texts, labels, new, truth in draws(parts, n_draws):
        if side == "tfidf":
            represented = tfidf_representations(texts, new)
        else:
            represented = static_representations(vectors, texts, new)
        found.append(100 * accuracy(represented, STRENGTHS[side], labels, truth))
    return found


def compare(
    corpus: str, n_draws: int, vectors: Any = "textrep-static-en", development: bool = False
) -> dict[str, list[float]]:
    """Accuracy of each side in each draw, per cent."""
    parts = parts_of(corpus, development)
    return {side: accuracies(side, parts, n_draws, vectors) for side in STRENGTHS}


def measure(machine: str, n_draws: int, vectors: str | Path = "textrep-static-en") -> Iterator[Row]:
    """A row for each data set, and a table of the draws."""
    lines = []
    for corpus in CORPORA:
        found = compare(corpus, n_draws, vectors)
        won = sum(a > b for a, b in zip(found["textrep"], found["tfidf"], strict=True))
        spread = {side: np.std(values, ddof=1) for side, values in found.items()}
        mean = {side: statistics.mean(values) for side, values in found.items()}
        lines.append(
            [corpus, *(f"{mean[s]:.1f} ± {spread[s]:.1f}" for s in found), f"{won} of {n_draws}"]
        )
        yield Row(
            f"{N_LABELS} labels, {corpus}", "accuracy", mean["textrep"],
            "TF-IDF and logistic regression", mean["tfidf"], mean["textrep"] / mean["tfidf"],
            "per cent", 1, machine,
        )  # fmt: skip
    columns = ["data set", "static model", "TF-IDF", "draws won"]
    print_table(f"Accuracy with {N_LABELS} labels, mean and deviation of draws", columns, lines)
