"""What the examples share: their options, and the embedded corpus that most of them read."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import textrep


def options(
    docstring: str, arguments: Sequence[str] | None, parser: argparse.ArgumentParser | None = None
) -> argparse.Namespace:
    """The command line of an example, which explains itself by its docstring.

    Parameters
    ----------
    docstring : str
        Of the example.
    arguments : sequence of str or None
        None takes those of the program.
    parser : ArgumentParser or None, default=None
        With further options of the example.

    Returns
    -------
    Namespace
        ``quick`` : bool, and ``out`` : Path of a folder that exists.
    """
    parser = argparse.ArgumentParser(
        parents=[parser] if parser else [],
        description=docstring,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, help="folder for what is written (a new one)")
    parser.add_argument("--quick", action="store_true", help="less of everything, in seconds")
    chosen = parser.parse_args(arguments)
    chosen.out = chosen.out or Path(tempfile.mkdtemp(prefix="textrep-example-"))
    chosen.out.mkdir(parents=True, exist_ok=True)
    return chosen


def docstrings(n_classes: int, n_each: int) -> tuple[list[str], list[str]]:
    """Texts of the embedded corpus: docstrings of installed packages, labelled by subsystem.

    Parameters
    ----------
    n_classes : int
        The largest of its 33 classes.
    n_each : int
        Texts of a class at most, drawn at random, the same each time.

    Returns
    -------
    texts, labels : list of str
        In an order that is drawn, too.
    """
    corpus = textrep.load_corpus("docstrings")
    labels = np.array(corpus.labels)
    names, counts = np.unique(labels, return_counts=True)
    largest = names[np.argsort(-counts, kind="stable")[:n_classes]]
    draw = np.random.default_rng(0)
    members = [draw.permutation(np.flatnonzero(labels == name))[:n_each] for name in largest]
    chosen = draw.permutation(np.concatenate(members))
    return [corpus.texts[i] for i in chosen], labels[chosen].tolist()
