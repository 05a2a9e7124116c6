"""The torch layer and recurrent models, each figure beside its peer or a published one.

    python benchmarks/recurrent.py --data DIR [--quick] [--json FILE] [--device cuda]
                                   [--only SECTION,...]

    ptb          Penn Treebank by words: LSTMs of Zaremba's small size, plain and with the
                 regularisation of AWD-LSTM
    shakespeare  tinyshakespeare by characters: loss and speed beside a plain loop of torch
    multi30k     German to English: sacreBLEU of test_2016_flickr
    imdb         training throughput with buckets by length beside shuffled batches
    ulmfit       500 labelled reviews: ULMFiT beside the same network from scratch and TF-IDF
    elmo         ELMo's features beside the mean of word2vec's vectors, on sst2 and mr
    lecture      question generation and summarisation by encoder-decoders
    frozen       frozen against tuned word vectors under an LSTM, on sst2
    compare      `textrep compare sst2` with all rungs

Each section prints its table and writes the rows so far to the JSON file as it ends; one that fails
says why, the others go on, and the exit code is 1. What a section measures, and against what, is
told at the top of the file that it is in. All of it takes some 70 minutes on two cores, with
--quick, which shows that everything works and no more, some nine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from harness import Row, compare_rungs, machine_name, parse_options, run_sections

NEURAL_RUNGS = ("lstm", "bilstm-word2vec", "elmo-logreg", "ulmfit")


class Bench:
    """A run: the data, the sizes and the sections, each of which yields its rows.

    What a section needs is imported by it: one that cannot be imported costs no other.
    """

    def __init__(self, data: Path, quick: bool, device: str) -> None:
        self.data = data
        self.quick = quick
        self.device = device
        self.machine = machine_name()

    def ptb(self) -> Iterator[Row]:
        import language_models

        yield from language_models.ptb(quick=self.quick, device=self.device, machine=self.machine)

    def shakespeare(self) -> Iterator[Row]:
        import language_models

        yield from language_models.shakespeare(
            data=self.data, quick=self.quick, device=self.device, machine=self.machine
        )

    def multi30k(self) -> Iterator[Row]:
        import translation

        yield from translation.multi30k(quick=self.quick, device=self.device, machine=self.machine)

    def imdb(self) -> Iterator[Row]:
        import training_throughput

        yield from training_throughput.measure(
            quick=self.quick, device=self.device, machine=self.machine
        )

    def ulmfit(self) -> Iterator[Row]:
        import ulmfit_few_labels

        yield from ulmfit_few_labels.measure(self.machine, torch.get_num_threads(), self.quick)

    def elmo(self) -> Iterator[Row]:
        import elmo_features

        peers = {
            "word2vec": "mean of word2vec, same text",
            "untrained_elmo": "the same network, not trained",
            "tfidf_svm": "TF-IDF + linear SVM",
        }
        for corpus in elmo_features.CORPORA:
            found = elmo_features.elmo_features(corpus, quick=self.quick)
            ours = 100 * found["elmo"]
            for key, peer in peers.items():
                theirs = 100 * found[key]
                yield Row(
                    f"ELMo features, {corpus}", "accuracy", ours, peer, theirs, ours / theirs,
                    "per cent", torch.get_num_threads(), self.machine,
                )  # fmt: skip

    def lecture(self) -> Iterator[Row]:
        import lecture_tasks
        import translation

        for name, (train, test) in lecture_tasks.tasks(quick=self.quick).items():
            yield from translation.task(
                name, train, test, quick=self.quick, device=self.device, machine=self.machine
            )

    def frozen(self) -> Iterator[Row]:
        import frozen_vectors

        yield from frozen_vectors.measure(
            quick=self.quick, device=self.device, machine=self.machine
        )

    def compare(self) -> Iterator[Row]:
        yield from compare_rungs(
            NEURAL_RUNGS, quick=self.quick, device=self.device, machine=self.machine
        )


SECTIONS = (
    "ptb", "shakespeare", "multi30k", "imdb", "ulmfit", "elmo", "lecture", "frozen", "compare",
)  # fmt: skip


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument(
        "--only", help=f"sections, with commas between; of {', '.join(SECTIONS)} (all)"
    )
    extra.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    options = parse_options(__doc__ or "", [extra])
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / "ptb").is_dir():
        sys.exit("recurrent.py needs the data sets in the folder of --data or TEXTREP_DATA")
    chosen = options.only.split(",") if options.only else SECTIONS
    if unknown := sorted(set(chosen) - set(SECTIONS)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    bench = Bench(data, options.quick, options.device)
    picked = {name: getattr(bench, name) for name in chosen}
    failed = run_sections("recurrent", picked, options.json)
    if failed:
        sys.exit(f"recurrent: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
