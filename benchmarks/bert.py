"""BERT, its kin and its students, each figure beside its peer or a published one.

    python benchmarks/bert.py --data DIR [--quick] [--json FILE] [--device cuda]
                              [--only SECTION,...]

    pretraining   a small BERT of Wikipedia against the same from scratch, with 500 labels
    full          the same encoder with all labels: sst2, mr, r8, sms_spam, imdb, mrpc, rte
    distillation  students by DistilBERT's recipe and by the better one; what each part is worth
    shapes        parameters and speed of BERT-base and DistilBERT
    static        word vectors taught by an encoder: speed, and 100 labels
    throughput    fine-tuning beside Hugging Face's Trainer
    encoding      vectors of texts beside sentence-transformers
    compare       the encoders' rungs of `textrep compare sst2`; only when it is named, since
                  that command itself shows the whole ladder

Each section prints its table and writes the rows so far to the JSON file as it ends; one that fails
says why, the others go on, and the exit code is 1. What a section measures, and against what, is
told at the top of the file that it is in.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Row, machine_name, parse_options, run_sections

ASKED_FOR = ("compare",)
"""Sections that run only when --only names them."""

RUNGS = ("bert", "frozen-encoder", "static-student", "distilbert")


class Bench:
    """A run: the data, the sizes and the sections, each of which yields its rows.

    What a section needs is imported by it: one that cannot be imported costs no other.
    """

    def __init__(self, data: Path, quick: bool, device: str) -> None:
        self.data = data
        self.how = {"quick": quick, "device": device, "machine": machine_name()}

    def pretraining(self) -> Iterator[Row]:
        import bert_pretraining

        yield from bert_pretraining.few_labels(data=self.data, **self.how)

    def full(self) -> Iterator[Row]:
        import bert_pretraining

        yield from bert_pretraining.all_labels(data=self.data, **self.how)

    def distillation(self) -> Iterator[Row]:
        import distillation

        yield from distillation.distillation(data=self.data, **self.how)

    def shapes(self) -> Iterator[Row]:
        import distillation

        yield from distillation.real_shapes(**self.how)

    def static(self) -> Iterator[Row]:
        import static_students

        yield from static_students.static_students(data=self.data, **self.how)

    def throughput(self) -> Iterator[Row]:
        import bert_throughput

        yield from bert_throughput.fine_tuning(**self.how)

    def encoding(self) -> Iterator[Row]:
        import bert_throughput

        yield from bert_throughput.encoding(**self.how)

    def compare(self) -> Iterator[Row]:
        from harness import compare_rungs

        yield from compare_rungs(RUNGS, **self.how)

    def sections(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """What can be run, by name, in the order in which it is."""
        return {
            "pretraining": self.pretraining,
            "full": self.full,
            "distillation": self.distillation,
            "shapes": self.shapes,
            "static": self.static,
            "throughput": self.throughput,
            "encoding": self.encoding,
            "compare": self.compare,
        }


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--only", help="sections, with commas between (all but compare)")
    extra.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    options = parse_options(__doc__ or "", [extra])
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / "enwiki").is_dir():
        sys.exit("bert.py needs the data sets in the folder of --data or TEXTREP_DATA")
    sections = Bench(data, options.quick, options.device).sections()
    usual = [name for name in sections if name not in ASKED_FOR]
    chosen = options.only.split(",") if options.only else usual
    if unknown := sorted(set(chosen) - set(sections)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(sections)}")
    picked = {name: sections[name] for name in chosen}
    if failed := run_sections("bert", picked, options.json):
        sys.exit(f"bert: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
