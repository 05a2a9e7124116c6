"""`textrep.compare` beside what people do without it, on the same training and test parts.

    python benchmarks/comparison.py [--data DIR] [--quick] [--json FILE] [--autogluon PYTHON]
        [--reports DIR] [--only CORPUS ...]

For each data set: all methods of the registry with their default settings, the health check, the
search for label errors and the model included; then the peers, each in a process of its own:
benchmarks/by_hand.py, the same methods written down with scikit-learn (those that it has, without
health check, intervals, calibration, latency, memory and model), and where --autogluon names a
Python that has it, AutoGluon's TabularPredictor with as much time as the whole of `compare` took,
but at least a minute. Lines of code are those without blank lines, comments and docstring.

TF-IDF + linear SVM is a row of its own. Methods and settings were chosen on training texts
(benchmarks/rungs.py).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import Row, machine_name, parse_options, report

import textrep
from textrep.comparison import ComparisonResult
from textrep.sparse.threads import available_cores

CORPORA = ("imdb", "20newsgroups", "reuters_r8", "sms_spam", "mr", "sst2")
QUICK = ("sms_spam", "mr")
HERE = Path(__file__).parent
# Its sparse.py would be taken for the package of that name, which libraries look for.
sys.path = [folder for folder in sys.path if Path(folder).resolve() != HERE.resolve()]
MIN_AUTOGLUON_SECONDS = 60
# textrep compare DATA
OWN_LINES = 1


def lines_of(path: Path) -> int:
    """Lines of code of a script, without blank lines, comments and its docstring."""
    text = path.read_text()
    docstring = ast.parse(text).body[0]
    lines = text.splitlines()[docstring.end_lineno :]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def parts_of(result: ComparisonResult) -> dict[str, list[Any]]:
    """Training and test part of a comparison, as the peers read them."""
    task = result.task
    train, test = task.splits[0]
    return {
        "train": [task.texts[i] for i in train],
        "train_labels": task.labels[train].tolist(),
        "test": [task.texts[i] for i in test],
        "test_labels": task.labels[test].tolist(),
    }


def ask(python: str, script: str, *arguments: object) -> dict[str, Any]:
    """What a peer prints as JSON, in a process of its own."""
    command = [python, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared(name: str) -> tuple[ComparisonResult, float]:
    """A whole comparison of a corpus, and its seconds with reading the data."""
    begun = time.perf_counter()
    result = textrep.compare(textrep.load_corpus(name), resume=False)
    return result, time.perf_counter() - begun


def rows_of(name: str, autogluon: str | None, reports: Path | None) -> list[Row]:
    """All rows of one corpus."""
    result, seconds = compared(name)
    print(result, f"{seconds:.0f} s in all", sep="\n", flush=True)
    if reports is not None:
        result.report(reports / f"{name}.html")
    taken = result.recommended_
    assert taken is not None
    accuracies = {outcome.name: outcome.accuracy or 0.0 for outcome in result.outcomes}

    def row(metric: str, ours: float, peer_name: str, peer: float, unit: str) -> Row:
        # More is better for accuracies, less for the rest.
        ratio = ours / peer if unit == "share of texts" else peer / ours
        return Row(
            name, metric, ours, peer_name, peer, ratio, unit, available_cores(), machine_name()
        )

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "data.json")
        file.write_text(json.dumps(parts_of(result)))
        hand = ask(sys.executable, "by_hand.py", file)
        by_hand = "scikit-learn by hand"
        best = max(hand["accuracies"].values())
        accuracy = taken.accuracy or 0.0
        svm = accuracies["tfidf-svm"]
        rows = [
            row(
                "accuracy, recommended",
                accuracy,
                f"{by_hand}, best on test",
                best,
                "share of texts",
            ),
            row("accuracy, best", max(accuracies.values()), by_hand, best, "share of texts"),
            row("accuracy, recommended", accuracy, "TF-IDF + linear SVM", svm, "share of texts"),
            row("seconds, all of it", seconds, by_hand, hand["seconds"], "s"),
            row(
                "seconds, fit and predict only",
                _core_seconds(result, hand),
                by_hand,
                hand["seconds"],
                "s",
            ),
            row("lines of code", OWN_LINES, by_hand, lines_of(HERE / "by_hand.py"), "lines"),
        ]
        if autogluon is not None:
            limit = max(MIN_AUTOGLUON_SECONDS, round(seconds))
            gluon = ask(autogluon, "autogluon_peer.py", file, limit)
            peer = f"AutoGluon, {gluon['best']}"
            lines = lines_of(HERE / "autogluon_peer.py")
            rows += [
                row("accuracy, recommended", accuracy, peer, gluon["accuracy"], "share of texts"),
                row("seconds, all of it", seconds, peer, gluon["seconds"], "s"),
                row("lines of code", OWN_LINES, "AutoGluon", lines, "lines"),
            ]
    return rows


def _core_seconds(result: ComparisonResult, hand: dict[str, Any]) -> float:
    """Seconds of fitting and predicting with the methods that the script by hand has."""
    chosen = [outcome for outcome in result.outcomes if outcome.name in hand["accuracies"]]
    fitting = sum(outcome.fit_seconds or 0.0 for outcome in chosen)
    return fitting + sum(
        result.n_test / (outcome.documents_per_second or np.inf) for outcome in chosen
    )


def main() -> None:
    """Read the command line, run everything and write its rows."""
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--autogluon", help="Python with autogluon.tabular, to run it beside")
    extra.add_argument("--reports", type=Path, help="folder for the report of each data set")
    extra.add_argument("--only", nargs="*", choices=CORPORA, help="data sets to take")
    options = parse_options(__doc__ or "", parents=[extra])
    os.environ.setdefault("TEXTREP_CACHE", tempfile.mkdtemp())
    rows = []
    for name in options.only or (QUICK if options.quick else CORPORA):
        rows += rows_of(name, options.autogluon, options.reports)
    report("textrep.compare beside its peers", rows, options.json, digits=3)


if __name__ == "__main__":
    main()
