"""Pictures: each figure beside its peer, a published one, or the floor of real pictures.

    python benchmarks/image.py --data DIR [--quick] [--json FILE] [--device cuda]
                               [--only SECTION,...] [--pictures DIR]

    reconstruction  squared error of MNIST from 30 numbers: components, deep autoencoder
    plane           the same from 2 numbers, and the map of codes
    denoising       30 % of the pixels masked; filters at 0 % and 30 %
    gradients       the gradient by layer in deep nets: what makes it vanish, and what cures that
    vae             likelihood of binarised MNIST by importance sampling, 2 to 20 numbers
    autoencoders    pictures a second in training beside a plain loop of torch
    gan             losses and architectures: distance, precision, recall, digits
    cyclegan        paintings and photographs
    style           a photograph in the manner of a painting
    classifiers     residual network and Transformer of patches
    diffusion       latent diffusion beside the others; classes that were asked for
    text            text to image

Each section prints its table and writes the rows so far to the JSON file as it ends; one that fails
says why, the others go on, and the exit code is 1. Pictures to look at go to the folder of
--pictures. What a section measures, and against what, is told at the top of the file that it is in.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import Row, machine_name, parse_options, run_sections

# Section -> file and generator in it.
SECTIONS = {
    "reconstruction": ("image_autoencoders", "reconstruction"),
    "plane": ("image_autoencoders", "plane"),
    "denoising": ("image_autoencoders", "denoising"),
    "gradients": ("image_autoencoders", "gradients"),
    "vae": ("image_likelihood", "vae"),
    "autoencoders": ("image_likelihood", "throughput"),
    "gan": ("image_adversarial", "gan"),
    "cyclegan": ("image_adversarial", "cyclegan"),
    "style": ("image_adversarial", "style"),
    "classifiers": ("image_diffusion", "classifiers"),
    "diffusion": ("image_diffusion", "diffusion"),
    "text": ("image_diffusion", "text"),
}


def run(section: str, data: Path, quick: bool, device: str) -> Iterator[Row]:
    """Rows of a section; its file is imported only now, so that a broken one costs no other."""
    module, name = SECTIONS[section]
    found = getattr(importlib.import_module(module), name)
    yield from found(data=data, quick=quick, device=device, machine=machine_name())


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--only", help="sections, with commas between (all)")
    extra.add_argument("--device", default="cpu", help="cpu (default), cuda or auto")
    extra.add_argument("--pictures", type=Path, help="folder for pictures to look at")
    options = parse_options(__doc__ or "", [extra])
    if options.pictures is not None:
        os.environ["TEXTREP_PICTURES"] = str(options.pictures.resolve())
    data = Path(os.environ.get("TEXTREP_DATA", ""))
    if not (data / "mnist").is_dir():
        sys.exit("image.py needs the data sets in the folder of --data or TEXTREP_DATA")
    chosen = options.only.split(",") if options.only else list(SECTIONS)
    if unknown := sorted(set(chosen) - set(SECTIONS)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    picked = {
        name: functools.partial(run, name, data, options.quick, options.device) for name in chosen
    }
    if failed := run_sections("image", picked, options.json):
        sys.exit(f"image: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
