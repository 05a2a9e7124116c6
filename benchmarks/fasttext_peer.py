"""`FastTextClassifier` beside fasttext itself, for `embeddings.py`.

Both read the same tokens: fasttext a file with spaces between them, ours the texts as they are, and
the time of ours includes the tokenising as that of fasttext includes the reading of its file. Both
are tuned by the same search on a held-out fifth of the training texts; test texts have no say.
"""

from __future__ import annotations

import itertools
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from baselines import CHOSEN, part, tfidf_svm
from harness import Row, machine_name, print_table
from numpy.typing import NDArray

from textrep import FastTextClassifier
from textrep.core.random import stream
from textrep.sparse.threads import available_cores

CORPORA = ("imdb", "reuters_r8", "20newsgroups")
# What fasttext reaches when its search is right; below it the comparison means nothing.
LEAST_OF_PEER = {"imdb": 0.88, "20newsgroups": 0.80}
HELD_OUT = 0.2
PREFIX = "__label__"
TOKENS = re.compile(r"\b\w+\b")  # of FastTextClassifier, lower-cased

Labels = NDArray[Any]


class Settings(NamedTuple):
    """One candidate of the search, for both sides."""

    loss: str
    word_ngrams: int
    alpha: float
    epochs: int
    vector_size: int

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self._asdict().items())


# One against the rest for both: fasttext stays below 80 % of 20 Newsgroups with its softmax.
GRID = [
    Settings("ova", word_ngrams, alpha, epochs, vector_size)
    for vector_size, word_ngrams, (alpha, epochs) in itertools.product(
        (16, 64), (1, 2), ((0.5, 5), (1.0, 20))
    )
]

Trainer = Callable[[Settings, int], "Classify"]
Classify = Callable[[Sequence[str]], Labels]


class Side(NamedTuple):
    """A classifier in the comparison.

    Attributes
    ----------
    name : of the side
    prepare : texts, labels and seed -> a context that gives a function of settings and threads,
        which trains and gives a function from texts to labels; what is prepared is not timed
    """

    name: str
    prepare: Callable[[Sequence[str], Labels, int], Any]


@contextmanager
def _ours(texts: Sequence[str], labels: Labels, seed: int) -> Iterator[Trainer]:
    def train(settings: Settings, threads: int) -> Classify:
        classifier = FastTextClassifier(**settings._asdict(), n_jobs=threads, random_state=seed)
        return classifier.fit(texts, labels).predict

    yield train


def _tokenised(text: str) -> str:
    return " ".join(TOKENS.findall(text.lower()))


@contextmanager
def _fasttext(texts: Sequence[str], labels: Labels, seed: int) -> Iterator[Trainer]:
    import fasttext

    classes, numbers = np.unique(labels, return_inverse=True)
    lines = [
        f"{PREFIX}{number} {_tokenised(text)}\n"
        for number, text in zip(numbers.tolist(), texts, strict=True)
    ]
    # It trains in the order of the file.
    order = stream(seed, "lines").permutation(len(lines))

    def train(settings: Settings, threads: int) -> Classify:
        model = fasttext.train_supervised(
            input=str(path),
            loss=settings.loss,
            wordNgrams=settings.word_ngrams,
            lr=settings.alpha,
            epoch=settings.epochs,
            dim=settings.vector_size,
            thread=threads,
            seed=seed,
            verbose=0,
        )
        return lambda new: classes[[_best(model, text) for text in new]]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(lines[i] for i in order.tolist()), encoding="utf-8")
        yield train


def _best(model: Any, text: str) -> int:
    # Its own predict breaks with numpy 2.
    found = model.f.predict(_tokenised(text) + "\n", 1, 0.0, "strict")
    return int(found[0][1].removeprefix(PREFIX)) if found else 0


OURS = Side("textrep", _ours)
FASTTEXT = Side("fasttext", _fasttext)


def accuracy(classify: Classify, texts: Sequence[str], labels: Labels) -> float:
    """Share of texts that are classified right."""
    return float((classify(texts) == labels).mean())


def search(
    side: Side,
    texts: Sequence[str],
    labels: Labels,
    seed: int,
    grid: Sequence[Settings] = tuple(GRID),
    threads: int | None = None,
) -> tuple[Settings, list[float]]:
    """The settings that do best on a held-out part of training texts, and the accuracy of each.

    Parameters
    ----------
    side : Side
    texts, labels : of the training part
    seed : int
        Of the split, the same for both sides, and of the training.
    grid : sequence of Settings
        The first of equally good ones is taken.
    threads : int or None
        None for all cores.
    """
    order = stream(seed, "held out").permutation(len(texts))
    n_held = round(HELD_OUT * len(texts))
    held, kept = order[:n_held], order[n_held:]
    held_texts = [texts[i] for i in held.tolist()]
    found = []
    with side.prepare([texts[i] for i in kept.tolist()], labels[kept], seed) as train:
        for settings in grid:
            classify = train(settings, threads or available_cores())
            found.append(accuracy(classify, held_texts, labels[held]))
    return grid[int(np.argmax(found))], found


def measure(
    corpus: str,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    threads: Sequence[int] = (1, 2),
    grid: Sequence[Settings] = tuple(GRID),
) -> list[Row]:
    """Accuracy on the test part and seconds of training, each side with the settings it chose: the
    mean and the median over the seeds with the most threads, of the first seed with fewer.

    Parameters
    ----------
    corpus : name of a corpus with a training and a test part
    seeds : seeds over which the accuracy is averaged; the first is that of the search
    threads : numbers of threads to measure with
    grid : what the search tries
    """
    texts, labels = part(corpus, "train")
    new, truth = part(corpus, "test")
    chosen, tried = {}, {}
    for side in (OURS, FASTTEXT):
        chosen[side.name], tried[side.name] = search(side, texts, labels, seeds[0], grid)
    _found[corpus] = chosen["textrep"]
    print_table(
        f"{corpus}: accuracy on held-out training texts",
        ["settings", *tried],
        [[str(one), *(f"{tried[name][i]:.4f}" for name in tried)] for i, one in enumerate(grid)],
    )
    print("; ".join(f"{name} takes {one}" for name, one in chosen.items()))
    rows = []
    for n in threads:
        some = seeds if n == max(threads) else seeds[:1]
        scores, seconds = _measured(chosen, texts, labels, new, truth, some, n)
        if scores["fasttext"] < LEAST_OF_PEER.get(corpus, 0.0):
            sys.exit(f"fasttext_peer.py: fasttext reaches {scores['fasttext']:.4f} on {corpus}")
        rows += [
            _row(corpus, "accuracy", "share of texts", n, scores, scores["textrep"], "fasttext"),
            _row(corpus, "training", "s", n, seconds, seconds["fasttext"], "textrep"),
        ]
    return rows


def beside_svm(corpus: str, *, seed: int = 0) -> Row:
    """Accuracy of ours beside TF-IDF and a linear SVM with the settings of `baselines.py`.

    Ours has the settings that `measure` found; it searches if that has not run.
    """
    texts, labels = part(corpus, "train")
    new, truth = part(corpus, "test")
    if corpus not in _found:
        _found[corpus], _ = search(OURS, texts, labels, seed)
    with OURS.prepare(texts, labels, seed) as train:
        ours = accuracy(train(_found[corpus], available_cores()), new, truth)
    svm = tfidf_svm()
    settings = CHOSEN[corpus]
    if not set(settings) <= set(svm.get_params()):  # they are another model's
        settings = {"tfidf__sublinear_tf": True}
    peer = accuracy(svm.set_params(**settings).fit(texts, labels).predict, new, truth)
    return Row(
        name=f"FastTextClassifier on {corpus}",
        metric="accuracy",
        ours=ours,
        peer_name="TF-IDF + linear SVM",
        peer=peer,
        ratio=ours / peer,
        unit="share of texts",
        threads=available_cores(),
        machine=machine_name(),
    )


_found: dict[str, Settings] = {}  # what the search of ours found, by corpus


def _measured(
    chosen: dict[str, Settings],
    texts: Sequence[str],
    labels: Labels,
    new: Sequence[str],
    truth: Labels,
    seeds: Sequence[int],
    threads: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Mean accuracy over the seeds and median seconds of each side, which take turns."""
    scores: dict[str, list[float]] = {name: [] for name in chosen}
    spent: dict[str, list[float]] = {name: [] for name in chosen}
    for seed in seeds:
        for side in (OURS, FASTTEXT):
            with side.prepare(texts, labels, seed) as train:
                begun = time.perf_counter()
                classify = train(chosen[side.name], threads)
                spent[side.name].append(time.perf_counter() - begun)
                scores[side.name].append(accuracy(classify, new, truth))
    return (
        {name: statistics.mean(values) for name, values in scores.items()},
        {name: statistics.median(values) for name, values in spent.items()},
    )


def _row(
    corpus: str,
    metric: str,
    unit: str,
    threads: int,
    values: dict[str, float],
    better: float,
    over: str,
) -> Row:
    return Row(
        name=f"FastTextClassifier on {corpus}",
        metric=metric,
        ours=values["textrep"],
        peer_name="fasttext 0.9.2",
        peer=values["fasttext"],
        ratio=better / values[over],
        unit=unit,
        threads=threads,
        machine=machine_name(),
    )
