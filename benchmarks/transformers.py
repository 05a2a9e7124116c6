"""The Transformer and its generators, each figure beside its peer or a published one.

    python benchmarks/transformers.py --data DIR [--quick] [--json FILE] [--device cuda]
                                      [--only SECTION,...] [--nanogpt DIR]

    multi30k     German to English by the Transformer: sacreBLEU of test_2016_flickr
    shakespeare  tinyshakespeare by characters at nanoGPT's settings, beside nanoGPT
    speed        its steps a second in short turns
    cache        512 tokens with keys and values remembered, and without
    experts      Switch against dense at equal computation on Wikipedia; tweets in four languages
    lengths      time and memory of each attention from 2,048 to 16,384 tokens
    code         code completion beside a Kneser-Ney model with a cache of the file
    arena        ListOps and reviews as bytes, by each attention
    claims       Transformer against LSTM: tokens a second by length, copies over a distance
    in-context   few-shot classification, and what a language model does with examples
    compare      `textrep compare sst2` with the new rungs

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


class Bench:
    """A run: the data, the sizes and the sections, each of which yields its rows.

    What a section needs is imported by it: one that cannot be imported costs no other.
    """

    def __init__(self, data: Path, quick: bool, device: str, nanogpt: Path | None) -> None:
        self.data = data
        self.nanogpt = nanogpt
        self.how = {"quick": quick, "device": device, "machine": machine_name()}

    def multi30k(self) -> Iterator[Row]:
        import translation

        yield from translation.multi30k_transformer(**self.how)

    def shakespeare(self) -> Iterator[Row]:
        import gpt_models

        yield from gpt_models.shakespeare(data=self.data, nanogpt=self.nanogpt, **self.how)

    def speed(self) -> Iterator[Row]:
        import gpt_models

        yield from gpt_models.speed(data=self.data, nanogpt=self.nanogpt, **self.how)

    def cache(self) -> Iterator[Row]:
        import gpt_models

        yield from gpt_models.cache(**self.how)

    def experts(self) -> Iterator[Row]:
        import sparse_experts

        yield from sparse_experts.run(data=self.data, **self.how)

    def lengths(self) -> Iterator[Row]:
        import attention_lengths

        yield from attention_lengths.run(**self.how)

    def code(self) -> Iterator[Row]:
        import code_completion

        yield from code_completion.code_completion(**self.how)

    def arena(self) -> Iterator[Row]:
        import long_range

        yield from long_range.run(**self.how)

    def claims(self) -> Iterator[Row]:
        import sequence_claims

        yield from sequence_claims.run(**self.how)

    def in_context(self) -> Iterator[Row]:
        import in_context

        yield from in_context.run(**self.how)

    def compare(self) -> Iterator[Row]:
        from harness import compare_rungs

        yield from compare_rungs(("transformer", "few-shot-lm"), **self.how)

    def sections(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """What can be run, by name, in the order in which it is."""
        return {
            "multi30k": self.multi30k,
            "shakespeare": self.shakespeare,
            "speed": self.speed,
            "cache": self.cache,
            "experts": self.experts,
            "lengths": self.lengths,
            "code": self.code,
            "arena": self.arena,
            "claims": self.claims,
            "in-context": self.in_context,
            "compare": self.compare,
        }


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--only", help="sections, with commas between (all)")
    extra.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    extra.add_argument("--nanogpt", type=Path, help="a checkout of nanoGPT, to measure beside")
    options = parse_options(__doc__ or "", [extra])
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / "tinyshakespeare").is_dir():
        sys.exit("transformers.py needs the data sets in the folder of --data or TEXTREP_DATA")
    if options.nanogpt is not None and not (options.nanogpt / "model.py").is_file():
        sys.exit(f"--nanogpt: there is no model.py in {options.nanogpt}")
    sections = Bench(data, options.quick, options.device, options.nanogpt).sections()
    chosen = options.only.split(",") if options.only else list(sections)
    if unknown := sorted(set(chosen) - set(sections)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(sections)}")
    picked = {name: sections[name] for name in chosen}
    if failed := run_sections("transformers", picked, options.json):
        sys.exit(f"transformers: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
