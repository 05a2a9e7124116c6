"""How fast a classifier of long texts trains, for `recurrent.py`: buckets by length or shuffled.

The same LSTM (`RNNClassifierModule`) learns imdb's reviews twice, in batches of 32 reviews, with
the same first weights, optimiser, rate and number of steps. Ours is the engine's loop over
`LengthBatches`, which puts reviews of similar length together; the peer is a plain torch loop over
shuffled reviews, each batch padded to its longest. Reviews are cut at 400 words, where the accuracy
on test reviews is compared too, and then not cut at all, where only the time is taken, of some
hundred batches. The two take turns; figures are reviews learnt in a second.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from harness import Row, seconds

from textrep import load_corpus
from textrep.comparison import RUNGS
from textrep.contextual.classification import ClassificationTask, labelled_batches
from textrep.contextual.rnn_module import RNNClassifierModule
from textrep.core.random import stream
from textrep.engine import Share, TrainingSettings, choose_device, evaluate, torch_seed, train
from textrep.engine.device import to_device
from textrep.preprocess.codec import TextCodec

CAP = 400  # words of a review
MAX_ROWS = 32
MAX_VOCABULARY = 20_000
LEARNING_RATE = 2e-3
MAX_GRAD_NORM = 1.0
PEER = "same LSTM, plain torch loop, shuffled"
LINEAR = "tfidf-svm"


class Sizes(NamedTuple):
    """How much is trained."""

    n_texts: int
    n_tested: int
    epochs: int
    n_uncapped: int
    turns: int


FULL = Sizes(n_texts=5_000, n_tested=4_000, epochs=2, n_uncapped=3_200, turns=2)
QUICK = Sizes(n_texts=960, n_tested=500, epochs=1, n_uncapped=320, turns=1)


class Reviews(NamedTuple):
    """Ids of the words of each review, the number of its class, and the texts."""

    rows: list[np.ndarray]
    group: np.ndarray
    n_words: int
    texts: list[str]

    def cut(self, length: int) -> Reviews:
        return self._replace(rows=[row[:length] for row in self.rows])

    def some(self, n: int) -> Reviews:
        return self._replace(rows=self.rows[:n], group=self.group[:n], texts=self.texts[:n])


def measure(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of the section: throughput and accuracy of cut reviews, throughput of whole ones."""
    sizes = QUICK if quick else FULL
    train_part, test_part = read_reviews(sizes)
    capped, tested = train_part.cut(CAP), test_part.cut(CAP)
    spent, right = compare(capped, tested, sizes.epochs, sizes.turns, device)
    rates = {name: sizes.epochs * len(capped.rows) / time for name, time in spent.items()}
    yield row_of(f"imdb, first {CAP} words", "training", rates, "reviews/s", machine)
    shares = {name: 100 * share for name, share in right.items()}
    yield row_of(f"imdb, first {CAP} words", "accuracy", shares, "per cent", machine)
    yield linear_row(shares["textrep"], train_part.some(sizes.n_texts), test_part, machine)
    whole = train_part.some(sizes.n_uncapped)
    spent, _ = compare(whole, None, 1, sizes.turns, device)
    rates = {name: len(whole.rows) / time for name, time in spent.items()}
    yield row_of("imdb, whole reviews", "training", rates, "reviews/s", machine)


def row_of(name: str, metric: str, found: dict[str, float], unit: str, machine: str) -> Row:
    """A row of the table."""
    ours, peer = found["textrep"], found["plain"]
    return Row(
        name, metric, ours, PEER, peer, ours / peer, unit, torch.get_num_threads(), machine
    )  # fmt: skip


def linear_row(ours: float, learnt: Reviews, tested: Reviews, machine: str) -> Row:
    """Accuracy beside that of TF-IDF and a linear SVM on the same reviews, which are not cut."""
    rung = next(rung for rung in RUNGS if rung.name == LINEAR)
    peer = 100 * float(
        rung.factory(0).fit(learnt.texts, learnt.group).score(tested.texts, tested.group)
    )
    return Row(
        f"imdb, first {CAP} words", "accuracy", ours, "TF-IDF + linear SVM", peer, ours / peer,
        "per cent", torch.get_num_threads(), machine,
    )  # fmt: skip


def read_reviews(sizes: Sizes) -> tuple[Reviews, Reviews]:
    """Reviews to learn from and to be tried on, drawn at random."""
    corpus = load_corpus("imdb")
    codec = None
    found = []
    for part, n in (("train", max(sizes.n_texts, sizes.n_uncapped)), ("test", sizes.n_tested)):
        loaded = corpus.part(part)
        chosen = stream(0, part).choice(len(loaded.texts), n, replace=False).tolist()
        texts = [loaded.texts[i] for i in chosen]
        if codec is None:
            codec = TextCodec(level="word", lowercase=True, max_vocabulary=MAX_VOCABULARY)
            codec.fit(texts)
        group = np.unique(np.array(loaded.labels), return_inverse=True)[1][chosen]
        rows = [row if len(row) else np.array([codec.UNK]) for row in codec.encode_all(texts)]
        found.append(Reviews(rows, group.astype(np.int64), len(codec), texts))
    return found[0], found[1]


def compare(
    reviews: Reviews, tested: Reviews | None, epochs: int, turns: int, device: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of both loops, taking turns, and their mean share of right answers."""
    loops: dict[str, Callable[[ClassificationTask, Reviews, int, int, str], None]] = {
        "textrep": learn_in_buckets,
        "plain": learn_shuffled,
    }
    spent: dict[str, list[float]] = {name: [] for name in loops}
    right: dict[str, list[float]] = {name: [] for name in loops}
    for seed in range(turns):
        for name, learn in loops.items():
            task = new_task(reviews.n_words, seed)
            spent[name].append(seconds(lambda: learn(task, reviews, epochs, seed, device)))  # noqa: B023
            if tested is not None:
                right[name].append(accuracy(task, tested, device))
    medians = {name: statistics.median(times) for name, times in spent.items()}
    return medians, {name: statistics.fmean(shares) for name, shares in right.items() if shares}


def new_task(n_words: int, seed: int) -> ClassificationTask:
    """The LSTM with its first weights."""
    with torch_seed(seed):
        module = RNNClassifierModule(
            n_words=n_words, n_classes=2, embedding_size=100, frozen=False, cell="lstm",
            hidden_size=128, num_layers=1, bidirectional=False, pooling="max", dropout=0.2,
            word_dropout=0.0,
        )  # fmt: skip
    return ClassificationTask(module, np.ones(2))


def batches_of(reviews: Reviews, seed: int = 0) -> Any:
    """Batches of reviews of similar length."""
    chosen = np.arange(len(reviews.rows))
    return labelled_batches(reviews.rows, reviews.group, chosen, max_rows=MAX_ROWS, seed=seed)


def accuracy(task: ClassificationTask, tested: Reviews, device: str) -> float:
    """Share of reviews that are classified rightly."""
    return evaluate(task, batches_of(tested), device=device, precision="fp32")["correct"]


def learn_in_buckets(
    task: ClassificationTask, reviews: Reviews, epochs: int, seed: int, device: str
) -> None:
    """Ours."""
    settings = TrainingSettings(
        epochs=epochs, learning_rate=LEARNING_RATE, max_grad_norm=MAX_GRAD_NORM
    )
    batches = batches_of(reviews, seed)
    train(task, batches, settings, device=device, precision="fp32", seed=seed)


def learn_shuffled(
    task: ClassificationTask, reviews: Reviews, epochs: int, seed: int, device: str
) -> None:
    """The peer: shuffle, pad to the longest, step."""
    place = choose_device(device)
    task.to(place).train()
    fused = place.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(task.parameters(), LEARNING_RATE, weight_decay=0.0, fused=fused)
    batches = batches_of(reviews)
    rng = np.random.default_rng(seed)
    with torch_seed(seed, place):
        for _ in range(epochs):
            order = rng.permutation(len(reviews.rows))
            for begin in range(0, len(order), MAX_ROWS):
                rows = order[begin : begin + MAX_ROWS]
                batch = to_device(batches.read(rows, Share()), place)
                optimizer.zero_grad(set_to_none=True)
                found = task.loss("train", batch)
                (found.total / found.count).backward()
                torch.nn.utils.clip_grad_norm_(task.parameters(), MAX_GRAD_NORM)
                optimizer.step()
    task.to("cpu")  # waits for the device
