"""Word2Vec trained on parts of a text beside training on one machine: does quality hold?

    python benchmarks/sharded_vectors.py [--data DIR] [--quick] [--words N] [--json FILE]
                                         [--shards 2,4] [--rounds 10] [--seeds 3] [--algorithms ...]

All see the same tokens of the English Wikipedia part with the settings of `embeddings.py` (100
dimensions, window 5, 5 negatives, 5 epochs): `Word2Vec.fit` with one thread, and
`Word2Vec.fit_shards` with the text cut into parts, every part trained by one thread and their steps
combined so many times an epoch. Scored by analogies among the 30,000 most frequent words, WS-353
and SimLex-999, and by classifying sst2 with the mean of a text's word vectors and logistic
regression. Tables show every seed; a row is the mean of all seeds beside that of one machine.

At the end each way is said to hold or not to: it holds when no score's mean is more than a point
(of 100) below that of one machine. Three seeds tell that of skip-gram. CBOW's scores differ by two
to four points from seed to seed: of it three seeds said -1.1 and -1.3 with two and four parts, ten
say -0.4 and -0.7 (`--algorithms cbow --seeds 10`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dask.bag
import numpy as np
import word_vectors as wv
from harness import Row, machine_name, parse_options, print_table, run_sections
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from textrep import Word2Vec, load_corpus
from textrep.embeddings import StaticEmbedder, WordVectors

ALGORITHMS = ("skipgram", "cbow")
CORPUS = "sst2"
EPOCHS, QUICK_EPOCHS = 5, 1
QUICK_WORDS = 200_000
POINT = 1.0
"""What a score may lose, of 100."""

Scores = dict[str, float]


@dataclass(frozen=True)
class Way:
    """How a text is trained on; no shards for one machine."""

    n_shards: int = 0
    rounds: int = 0

    def __str__(self) -> str:
        if not self.n_shards:
            return "one machine"
        return f"{self.n_shards} shards, {self.rounds} rounds"


class Bench:
    """A run over one text.

    Parameters
    ----------
    data : Path
    text : Path
        A sentence on each line, tokens with spaces between.
    options : argparse.Namespace
    """

    def __init__(self, data: Path, text: Path, options: argparse.Namespace) -> None:
        self.data = data
        self.lines = text.read_text().splitlines()
        self.epochs = QUICK_EPOCHS if options.quick else EPOCHS
        self.seeds = range(1, 1 + (1 if options.quick else options.seeds))
        self.ways = [
            Way(n_shards, rounds) for n_shards in options.shards for rounds in options.rounds
        ]
        self.machine = machine_name()
        loaded = load_corpus(CORPUS)
        self.parts = [loaded.part(name) for name in ("train", "test")]

    def measure(self, algorithm: str) -> Iterator[Row]:
        """Rows of all ways beside one machine, the table of seeds, and the verdicts."""
        found = {
            way: [self._scores(algorithm, way, seed) for seed in self.seeds]
            for way in (Way(), *self.ways)
        }
        lines = [
            [str(way), score, *(f"{scores[score]:.2f}" for scores in each)]
            for way, each in found.items()
            for score in each[0]
        ]
        print_table(
            f"{algorithm}, {self.epochs} epochs", ["way", "score", *map(str, self.seeds)], lines
        )
        means = {way: _means(each) for way, each in found.items()}
        alone, each_alone = means.pop(Way()), found[Way()]
        for way, scores in means.items():
            lost = {name: alone[name] - value for name, value in scores.items()}
            worst = max(lost, key=lambda name: lost[name])
            verdict = "holds" if lost[worst] <= POINT else "does not hold"
            values = [each[worst] for each in each_alone]
            print(
                f"{algorithm}, {way}: {verdict}; at worst {-lost[worst]:+.2f} in {worst}, of which "
                f"the seeds of one machine give {min(values):.2f} to {max(values):.2f}"
            )
            for name, value in scores.items():
                ratio = value / alone[name] if alone[name] else 1.0
                yield Row(
                    f"{algorithm}, {way}", name, value, "one machine", alone[name], ratio,
                    "per cent", way.n_shards, self.machine,
                )  # fmt: skip

    def _scores(self, algorithm: str, way: Way, seed: int) -> Scores:
        model = Word2Vec(
            algorithm=algorithm, vector_size=wv.DIM, window=wv.WINDOW, negative=wv.NEGATIVE,
            sample=wv.SAMPLE, min_count=wv.MIN_COUNT, epochs=self.epochs,
            alpha=wv.ALPHAS["textrep", algorithm], n_jobs=1, random_state=seed,
        )  # fmt: skip
        if way.n_shards:
            bag = dask.bag.from_sequence(self.lines, npartitions=way.n_shards)
            model.fit_shards(bag, rounds=way.rounds)
        else:
            model.fit(self.lines)
        intrinsic = wv.scores_of(model.vectors_, self.data)
        # Correlations in hundredths too, so that a point is a point.
        scores = {n: v if n == "analogies" else 100 * v for n, v in intrinsic.items()}
        return {**scores, CORPUS: self._accuracy(model.vectors_)}

    def _accuracy(self, vectors: WordVectors) -> float:
        """Of logistic regression on mean vectors, per cent."""
        train, test = self.parts
        model = make_pipeline(
            StaticEmbedder(vectors=vectors), StandardScaler(), LogisticRegression(max_iter=1000)
        )
        model.fit(list(train.texts), np.array(train.labels))
        return 100 * float(model.score(list(test.texts), np.array(test.labels)))


def _means(each: list[Scores]) -> Scores:
    return {name: statistics.mean(scores[name] for scores in each) for name in each[0]}


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    """Train and score in all ways."""
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--words", type=int, help="train on the first so many words only")
    extra.add_argument("--shards", type=_numbers, default=[2, 4], help="parts (2,4)")
    extra.add_argument("--rounds", type=_numbers, default=[10], help="combinations an epoch (10)")
    extra.add_argument("--seeds", type=int, default=3, help="how many (3)")
    extra.add_argument("--algorithms", type=lambda t: t.split(","), default=list(ALGORITHMS))
    options = parse_options(__doc__ or "", [extra])
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / wv.TEXT).is_file():
        sys.exit(f"sharded_vectors.py needs {wv.TEXT} in the folder of --data or TEXTREP_DATA")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        wv.write_text(data, text, options.words or (QUICK_WORDS if options.quick else None))
        bench = Bench(data, text, options)
        sections = {name: lambda name=name: bench.measure(name) for name in options.algorithms}
        if failed := run_sections("sharded vectors", sections, options.json):
            sys.exit(f"sharded_vectors.py: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
