"""Ten thousand fits and predictions in one process: memory, open files and threads must not grow.

    python benchmarks/soak.py [--rounds 10000] [--only SECTION,...] [--quick] [--json FILE]

A round fits an estimator to a few texts and asks it once; of networks, which learn slowly, a
section says what share of the rounds it fits in. All sections run one after another in the same
process. Texts differ from round to round but are drawn from one set of words, so that what textrep
remembers of words has its full size when the rounds that warm up are over.

A section's rows are the slope of a line through the resident memory after garbage collection (kB a
thousand rounds), and how many files and threads the process has gained. The section fails where
they are more than is allowed.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness import Row, begin_memory, machine_name, parse_options, run_sections
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import textrep

ROUNDS, QUICK_ROUNDS = 10_000, 100
SAMPLES = 40
WARM = 0.2  # share of the samples that are left out
ALLOWED_KB = 100  # a thousand rounds: a megabyte in ten thousand
N_WORDS, N_TEXTS, TEXT_WORDS = 5000, 16, 20
LABELS = ["a", "b"] * (N_TEXTS // 2)
SMALL = {"device": "cpu", "random_state": 0, "epochs": 1}

Texts = list[str]


class Section(NamedTuple):
    """What a section does in a round.

    Attributes
    ----------
    begin : callable
        Gives what is called with the number of the round and its texts.
    share : float
        Of the rounds that are asked for, how many it runs.
    """

    begin: Callable[[], Callable[[int, Texts], Any]]
    share: float = 1.0


def texts_of(number: int) -> Texts:
    """The texts of a round."""
    words = np.random.default_rng(number).integers(N_WORDS, size=(N_TEXTS, TEXT_WORDS))
    return [" ".join(f"word{word}" for word in row) for row in words.tolist()]


def anew(make: Callable[[], Any], verb: str) -> Section:
    """Fit a new estimator in each round, and ask it."""

    def work(number: int, texts: Texts) -> Any:
        return getattr(make().fit(texts, LABELS), verb)(texts)

    return Section(lambda: work)


def network(make: Callable[[], Any], verb: str, every: int) -> Section:
    """Ask in each round, and fit anew in every so many."""

    def begin() -> Callable[[int, Texts], Any]:
        model: list[Any] = []

        def work(number: int, texts: Texts) -> Any:
            if number % every == 0:
                model[:] = [make().fit(texts, LABELS)]
            return getattr(model[0], verb)(texts)

        return work

    return Section(begin)


def growing() -> Callable[[int, Texts], Any]:
    """One vectoriser that learns on and on from the same words."""
    vectorizer = textrep.TfidfVectorizer()
    return lambda number, texts: vectorizer.partial_fit(texts).transform(texts)


def saved() -> Callable[[int, Texts], Any]:
    """Fit, save, load, ask."""
    folder = tempfile.TemporaryDirectory()

    def work(number: int, texts: Texts) -> Any:
        path = Path(folder.name) / "model.textrep"
        make_linear().fit(texts, LABELS)[0].save(path)
        return textrep.load(path).transform(texts)

    return work


def make_linear() -> Any:
    return make_pipeline(textrep.TfidfVectorizer(stemmer="english"), LogisticRegression())


def make_word2vec() -> Any:
    return textrep.Word2Vec(vector_size=8, min_count=1, epochs=1, random_state=0)


def make_fasttext() -> Any:
    return textrep.FastTextClassifier(vector_size=8, epochs=1, bucket=1000, random_state=0)


def make_rnn() -> Any:
    return textrep.RNNClassifier(hidden_size=8, embedding_size=8, **SMALL)


def make_encoder() -> Any:
    size = {"hidden_size": 8, "num_layers": 1}
    return textrep.EncoderClassifier(
        size=size, vocab_size=300, max_length=32, pretrain_epochs=0, **SMALL
    )


def make_gpt() -> Any:
    return textrep.GPT(
        level="word", num_layers=1, num_heads=1, hidden_size=8, max_length=16, **SMALL
    )


SECTIONS = {
    "counts": anew(textrep.CountVectorizer, "transform"),
    "tf-idf": anew(lambda: textrep.TfidfVectorizer(ngram_range=(1, 2)), "transform"),
    "linear": anew(make_linear, "predict"),
    "growing": Section(growing),
    "saved": Section(saved, 0.2),
    "word2vec": anew(make_word2vec, "transform"),
    "fasttext": anew(make_fasttext, "predict"),
    "rnn": network(make_rnn, "predict", every=20),
    "encoder": network(make_encoder, "predict", every=20),
    "gpt": network(make_gpt, "log_likelihoods", every=20),
}


class Sample(NamedTuple):
    """What the process has after so many rounds."""

    rounds: int
    resident: int  # kB
    files: int
    threads: int


def sample(rounds: int) -> Sample:
    """What it has now, after garbage collection."""
    resident = begin_memory()
    files, threads = (len([*Path("/proc/self", kind).iterdir()]) for kind in ("fd", "task"))
    return Sample(rounds, resident, files, threads)


def soak(section: Section, n_rounds: int) -> list[Sample]:
    """Run the rounds; samples at equal distances, without the first ones."""
    work = section.begin()
    every = max(1, n_rounds // SAMPLES)
    samples = []
    for number in range(n_rounds):
        work(number, texts_of(number))
        if (number + 1) % every == 0:
            samples.append(sample(number + 1))
    return samples[int(WARM * len(samples)) :]


def slope(samples: list[Sample]) -> float:
    """Resident memory gained in a thousand rounds, kB, by least squares."""
    rounds, resident = np.array([s[:2] for s in samples], dtype=float).T
    return float(1000 * np.polyfit(rounds, resident, 1)[0])


def measure(name: str, rounds: int, strict: bool, machine: str) -> Iterator[Row]:
    """The rows of a section."""
    section = SECTIONS[name]
    n_rounds = int(rounds * section.share)
    samples = soak(section, n_rounds)
    first, last = samples[0], samples[-1]
    case = f"{name}, {n_rounds:,} rounds"
    grown = slope(samples)
    yield Row(
        case, "resident memory, of 1000 rounds", grown, "allowed", ALLOWED_KB,
        ALLOWED_KB / max(grown, 1.0), "kB", 1, machine,
    )  # fmt: skip
    gained = {"files": last.files - first.files, "threads": last.threads - first.threads}
    for what, number in gained.items():
        yield Row(case, f"{what} gained", number, "allowed", 0, float(number <= 0), "", 1, machine)
    if strict and (grown > ALLOWED_KB or max(gained.values()) > 0):
        raise AssertionError(f"{name} grows by {grown:.0f} kB in 1000 rounds, and by {gained}")


def main() -> None:
    """Run the sections that the command line asks for."""
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--rounds", type=int, help=f"of a section ({ROUNDS:,})")
    extra.add_argument("--only", help="sections, with commas between (all)")
    options = parse_options(__doc__ or "", [extra])
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    chosen = options.only.split(",") if options.only else list(SECTIONS)
    if unknown := sorted({*chosen} - {*SECTIONS}):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    # A few rounds are all warming up: their slope says nothing.
    strict = rounds >= ROUNDS
    machine = machine_name()
    picked = {name: functools.partial(measure, name, rounds, strict, machine) for name in chosen}
    if failed := run_sections("Soak", picked, options.json):
        sys.exit(f"soak: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
