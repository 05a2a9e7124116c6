"""Word vectors beside gensim and fasttext, in one run: speed, quality, memory, and what they give.

    python benchmarks/embeddings.py --data DIR [--quick] [--json FILE] [--only SECTION,...]

All get the same file of tokens (the English Wikipedia part), 100 dimensions, window 5, 5 negatives,
words of at least 5 occurrences, and the same epochs and sub-sampling (1e-3; 1e-4 for fastText).
Learning rates were chosen for each library by the same search (section "search", on the first
3 million words) on MTurk-771 and RG-65, which nothing else is measured on. Vocabulary building is
not timed: what is timed of textrep and gensim is training alone, of FastText and fasttext the
difference between three epochs and one.

    search      learning rates of Word2Vec and gensim on the development sets
    speed       words a second of skip-gram and CBOW, one thread and two, beside gensim's iterator
                and its corpus_file mode
    quality     analogies (30,000 most frequent words), WS-353 and SimLex-999, mean of three seeds
    fasttext    the same for FastText beside fasttext
    classifier  FastTextClassifier beside fasttext on imdb, r8 and 20 Newsgroups; TF-IDF and a
                linear SVM on the same split
    glove       GloVe beside Word2Vec, the same text and the same time
    memory      peak of resident memory while a file of 1 GB is trained on
    static      the packaged static model with 100 labels beside TF-IDF and logistic regression
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fasttext_peer
import few_labels
import glove_time
import word_vectors as wv
from harness import (
    Row,
    ask_child,
    machine_name,
    parse_options,
    print_table,
    report,
    resident,
)

from textrep import Word2Vec
from textrep.sparse.threads import available_cores

GENSIM, FASTTEXT = f"gensim {version('gensim')}", "fasttext 0.9.2"
ALGORITHMS = ("skipgram", "cbow")
ALPHAS = {"skipgram": (0.0125, 0.025, 0.05), "cbow": (0.025, 0.05, 0.1, 0.2, 0.3)}
SEARCH_SEED = 100  # not among the seeds of the figures
GIGABYTE = 10**9


class Bench:
    """A run: the text, the sizes and the sections."""

    def __init__(self, data: Path, folder: Path, quick: bool, n_words: int | None) -> None:
        self.data = data
        self.quick = quick
        self.epochs = 2 if quick else 5
        self.seeds = range(1, 2 if quick else 4)
        self.turns = 1 if quick else 3
        self.machine = machine_name()
        self.text = folder / "text.txt"
        self.part = folder / "part.txt"
        self.large = folder / "large.txt"
        self.small = folder / "small.txt"
        wv.write_text(data, self.text, 1_500_000 if quick else n_words)
        self.part_words = wv.write_text(data, self.part, 500_000 if quick else 3_000_000)
        self.small_words = wv.write_text(data, self.small, 300_000 if quick else 1_000_000)

    def row(
        self, name: str, metric: str, ours: float, peer: str, theirs: float, unit: str,
        ratio: float, threads: int | None = None,
    ) -> Row:  # fmt: skip
        cores = available_cores()
        return Row(name, metric, ours, peer, theirs, ratio, unit, threads or cores, self.machine)

    def search(self) -> Iterator[Row]:
        """Learning rates, on the development sets; prints only."""
        lines = []
        for algorithm in ALGORITHMS:
            for alpha in ALPHAS[algorithm]:
                line = [algorithm, f"{alpha:g}"]
                for train in (wv.textrep_word2vec, wv.gensim_word2vec):
                    found = train(
                        self.part, algorithm, epochs=self.epochs, threads=available_cores(),
                        seed=SEARCH_SEED, alpha=alpha,
                    )  # fmt: skip
                    line.append(f"{wv.development_score(found.vectors, self.data):.4f}")
                lines.append(line)
        columns = ["algorithm", "alpha", "textrep", GENSIM]
        print_table("Mean of MTurk-771 and RG-65 by learning rate", columns, lines)
        yield from ()

    def speed(self) -> Iterator[Row]:
        for algorithm in ALGORITHMS:
            for threads in (1, 2):
                options: dict[str, Any] = {"epochs": 1, "threads": threads, "seed": 1}
                theirs = partial(wv.gensim_word2vec, self.part, algorithm, **options)
                kinds: dict[str, Callable[[], wv.Trained]] = {
                    "textrep": partial(wv.textrep_word2vec, self.part, algorithm, **options),
                    "iterator": partial(theirs, from_file=False),
                    "corpus_file": theirs,
                }
                spent: dict[str, list[float]] = {name: [] for name in kinds}
                for _ in range(self.turns):
                    for name, train in kinds.items():
                        spent[name].append(train().seconds)
                rate = {
                    name: self.part_words / statistics.median(times) / 1000
                    for name, times in spent.items()
                }
                for mode in ("iterator", "corpus_file"):
                    yield self.row(
                        f"Word2Vec, {algorithm}", "training", rate["textrep"],
                        f"{GENSIM}, {mode}", rate[mode], "1,000 words/s",
                        rate["textrep"] / rate[mode], threads,
                    )  # fmt: skip

    def quality(self) -> Iterator[Row]:
        for algorithm in ALGORITHMS:
            yield from self._compare_quality(
                f"Word2Vec, {algorithm}", GENSIM, self.text,
                lambda seed, a=algorithm: wv.textrep_word2vec(
                    self.text, a, epochs=self.epochs, threads=available_cores(), seed=seed
                ),
                lambda seed, a=algorithm: wv.gensim_word2vec(
                    self.text, a, epochs=self.epochs, threads=available_cores(), seed=seed
                ),
            )  # fmt: skip

    def _compare_quality(
        self, name: str, peer: str, text: Path,
        ours: Callable[[int], wv.Trained], theirs: Callable[[int], wv.Trained],
    ) -> Iterator[Row]:  # fmt: skip
        each = [wv.mean_scores(train, self.seeds, self.data) for train in (ours, theirs)]
        lines = [
            [library, score, *(f"{value:.3f}" for value in values)]
            for library, found in zip(("textrep", peer), each, strict=True)
            for score, values in found.items()
        ]
        seeds = [f"seed {seed}" for seed in self.seeds]
        print_table(
            f"{name}, {text.stat().st_size / 1e6:.0f} MB", ["library", "score", *seeds], lines
        )
        for score in each[0]:
            mean = [statistics.mean(found[score]) for found in each]
            unit = "per cent" if score == "analogies" else "Spearman"
            yield self.row(name, score, mean[0], peer, mean[1], unit, mean[0] / mean[1])

    def fasttext(self) -> Iterator[Row]:
        for algorithm in ALGORITHMS:
            # The first call loads the kernels.
            wv.textrep_fasttext(self.small, algorithm, epochs=1, threads=1, seed=1)
            for threads in (1, 2):
                rates = []
                for train in (wv.textrep_fasttext, wv.fasttext_fasttext):
                    times = {
                        epochs: statistics.median(
                            train(
                                self.small, algorithm, epochs=epochs, threads=threads, seed=1
                            ).seconds
                            for _ in range(1 if self.quick else 2)
                        )
                        for epochs in (1, 3)
                    }
                    rates.append(2 * self.small_words / (times[3] - times[1]) / 1000)
                yield self.row(
                    f"FastText, {algorithm}", "training", rates[0], FASTTEXT, rates[1],
                    "1,000 words/s", rates[0] / rates[1], threads,
                )  # fmt: skip
            yield from self._compare_quality(
                f"FastText, {algorithm}", FASTTEXT, self.part,
                lambda seed, a=algorithm: wv.textrep_fasttext(
                    self.part, a, epochs=self.epochs, threads=available_cores(), seed=seed
                ),
                lambda seed, a=algorithm: wv.fasttext_fasttext(
                    self.part, a, epochs=self.epochs, threads=available_cores(), seed=seed
                ),
            )  # fmt: skip

    def classifier(self) -> Iterator[Row]:
        for corpus in fasttext_peer.CORPORA[1:2] if self.quick else fasttext_peer.CORPORA:
            yield from fasttext_peer.measure(corpus, seeds=tuple(self.seeds))
            yield fasttext_peer.beside_svm(corpus)

    def glove(self) -> Iterator[Row]:
        yield from glove_time.measure(self)

    def memory(self) -> Iterator[Row]:
        size = GIGABYTE // 20 if self.quick else GIGABYTE
        content = self.text.read_bytes()
        with self.large.open("wb") as out:
            while out.tell() < size:
                out.write(content[: size - out.tell()])
        del content
        peak = float(ask_child(__file__, str(self.large)))
        self.large.unlink()
        limit = 1.5e3
        yield self.row(
            f"Word2Vec, file of {size / 1e9:g} GB", "peak of resident memory", peak,
            "what the file would take", size / 1e6, "MB", size / 1e6 / peak,
        )  # fmt: skip
        if peak > limit:
            print(f"memory: {peak:.0f} MB is more than the {limit:.0f} MB that it is to keep to")

    def static(self) -> Iterator[Row]:
        yield from few_labels.measure(self.machine, n_draws=3 if self.quick else 10)


SECTIONS = ("search", "speed", "quality", "fasttext", "classifier", "glove", "memory", "static")


def peak_of(path: str) -> None:
    """Print the peak of resident memory, in MB, of training on a file; in a process of its own."""
    Word2Vec(vector_size=wv.DIM, epochs=1, random_state=0).fit(Path(path))
    print(json.dumps(resident("VmHWM") / 1000))


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument(
        "--only", help=f"sections, with commas between; of {', '.join(SECTIONS)} (all but search)"
    )
    extra.add_argument(
        "--words", type=int, help="train on the first so many words only (quality, glove, memory)"
    )
    options = parse_options(__doc__, [extra])
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / wv.TEXT).is_file():
        sys.exit(f"embeddings.py needs {wv.TEXT} in the folder of --data or TEXTREP_DATA")
    chosen = options.only.split(",") if options.only else SECTIONS[1:]
    if unknown := set(chosen) - set(SECTIONS):
        sys.exit(f"--only: no section {sorted(unknown)[0]!r}; there are {', '.join(SECTIONS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(data, Path(folder), options.quick, options.words)
        for section in chosen:
            found = list(getattr(bench, section)())
            rows += found
            report(f"embeddings: {section}", found, None, 3)
    report("embeddings", rows, options.json, 3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        peak_of(sys.argv[2])
    else:
        main()
