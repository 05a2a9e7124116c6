"""How good the linear baselines are on the official splits of three data sets.

    python benchmarks/baselines.py [--data DIR] [--quick] [--json FILE]

NB-SVM on IMDb, TF-IDF with a linear SVM on 20 Newsgroups (headers kept) and on Reuters R8. The full
run searches the settings by cross-validation on the training part; test texts have no say. What it
chooses is written into `CHOSEN` by hand, the script says where the two differ, and --quick goes by
`CHOSEN`. Beside each figure stands a published one, and TF-IDF + linear SVM on the same split.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from harness import Row, machine_name, parse_options, print_table, write_rows
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from textrep import CountVectorizer, LogCountRatio, TfidfVectorizer, load_corpus
from textrep.data import DataError
from textrep.sparse.threads import available_cores

SEED = 0
FOLDS = 3
MAX_ITER = 20_000

Settings = Mapping[str, Any]

TWO_CHARACTERS = r"(?u)\b\w\w+\b"
ONE_CHARACTER = r"(?u)\b\w+\b"  # "i" and "a" count too


def nb_svm() -> Pipeline:
    """Wang and Manning (2012): log-count ratios of binary words and pairs, linear SVM."""
    counts = CountVectorizer(ngram_range=(1, 2), binary=True, dtype=np.float64)
    svm = LinearSVC(dual=True, max_iter=MAX_ITER, random_state=SEED)
    return Pipeline([("counts", counts), ("ratio", LogCountRatio()), ("svm", svm)])


def tfidf_svm() -> Pipeline:
    """TF-IDF and a linear SVM."""
    svm = LinearSVC(dual=True, max_iter=MAX_ITER, random_state=SEED)
    return Pipeline([("tfidf", TfidfVectorizer()), ("svm", svm)])


TFIDF_GRID: dict[str, list[Any]] = {
    "tfidf__ngram_range": [(1, 1), (1, 2)],
    "tfidf__min_df": [1, 2],
    "tfidf__sublinear_tf": [True, False],
}
# Around the best of a first look at training texts; a larger C takes minutes a fold.
NEWSGROUPS_GRID = {**TFIDF_GRID, "svm__C": [0.3, 1.0, 3.0]}
REUTERS_GRID = {**TFIDF_GRID, "svm__C": [1.0, 3.0, 10.0, 30.0]}
NB_GRID = {
    "counts__token_pattern": [TWO_CHARACTERS, ONE_CHARACTER],
    "counts__min_df": [1, 2],
    "ratio__alpha": [0.3, 1.0],
    "svm__C": [0.001, 0.003, 0.01, 0.03],
}


class Task(NamedTuple):
    """A data set with an official split, a method, and what others have reported."""

    corpus: str
    method: str
    pipeline: Callable[[], Pipeline]
    grid: dict[str, list[Any]]
    published: float
    source: str


TASKS = [
    Task("imdb", "NB-SVM (1,2)", nb_svm, NB_GRID, 0.9122, "NBSVM-bi, Wang and Manning 2012"),
    Task("20newsgroups", "TF-IDF + SVM", tfidf_svm, NEWSGROUPS_GRID, 0.8634, "TextGCN, Yao 2019"),
    Task("reuters_r8", "TF-IDF + SVM", tfidf_svm, REUTERS_GRID, 0.9707, "TextGCN, Yao 2019"),
]

# What the full run chooses on training texts.
CHOSEN: dict[str, Settings] = {
    "imdb": {
        "counts__token_pattern": ONE_CHARACTER,
        "counts__min_df": 2,
        "ratio__alpha": 1.0,
        "svm__C": 0.01,
    },
    "20newsgroups": {
        "tfidf__ngram_range": (1, 2),
        "tfidf__min_df": 1,
        "tfidf__sublinear_tf": True,
        "svm__C": 3.0,
    },
    "reuters_r8": {
        "tfidf__ngram_range": (1, 1),
        "tfidf__min_df": 1,
        "tfidf__sublinear_tf": False,
        "svm__C": 3.0,
    },
}


def part(corpus: str, split: str) -> tuple[list[str], np.ndarray]:
    """Texts and labels of a part."""
    found = load_corpus(corpus, split=split)
    return list(found.texts), np.array(found.labels)


def choose(task: Task, texts: list[str], labels: np.ndarray) -> tuple[Settings, float]:
    """The settings with the best accuracy in cross-validation, and that accuracy."""
    back = {name: values for name, values in task.grid.items() if name.startswith("svm")}
    front = {name: values for name, values in task.grid.items() if name not in back}
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(texts, labels))
    scores: dict[int, list[float]] = {}
    tried: list[Settings] = []
    for settings in ParameterGrid(front):
        begin = len(tried)
        tried += [{**settings, **more} for more in ParameterGrid(back)]
        for fit, held_out in folds:
            features = task.pipeline().set_params(**settings)[:-1]
            X = features.fit_transform([texts[i] for i in fit], labels[fit])
            Z = features.transform([texts[i] for i in held_out])
            for number in range(begin, len(tried)):
                svm = clone(task.pipeline()[-1]).set_params(C=tried[number]["svm__C"])
                svm.fit(X, labels[fit])
                scores.setdefault(number, []).append(svm.score(Z, labels[held_out]))
    means = [float(np.mean(scores[number])) for number in range(len(tried))]
    best = int(np.argmax(means))
    lines = [
        [brief(settings), f"{mean:.4f}", "chosen" if number == best else ""]
        for number, (settings, mean) in enumerate(zip(tried, means, strict=True))
    ]
    print_table(
        f"{task.method} on {task.corpus}: {FOLDS}-fold accuracy on training texts",
        ["settings", "accuracy", ""],
        lines,
    )
    return tried[best], means[best]


def brief(settings: Settings) -> str:
    """Settings as short text."""
    return " ".join(f"{name.rpartition('__')[2]}={value}" for name, value in settings.items())


class Scored(NamedTuple):
    """What a fitted pipeline reaches on test texts."""

    accuracy: float
    fit_seconds: float
    predict_seconds: float


def score(pipeline: Pipeline, corpus: str) -> Scored:
    """Fit on the training part, score on the test part."""
    texts, labels = part(corpus, "train")
    begun = time.perf_counter()
    pipeline.fit(texts, labels)
    fitted = time.perf_counter()
    held_out, truth = part(corpus, "test")
    ready = time.perf_counter()
    right = pipeline.predict(held_out) == truth
    return Scored(float(np.mean(right)), fitted - begun, time.perf_counter() - ready)


def run(quick: bool) -> list[Row]:
    """All tasks; prints the tables."""
    rows: list[Row] = []
    lines: list[list[str]] = []
    for task in TASKS:
        settings = CHOSEN[task.corpus]
        if not quick:
            found, _ = choose(task, *part(task.corpus, "train"))
            if found != settings:
                print(f"CHOSEN[{task.corpus!r}] should be {found}")
            settings = found
        ours = score(task.pipeline().set_params(**settings), task.corpus)
        plain = ours
        if task.method != "TF-IDF + SVM":
            plain = score(tfidf_svm().set_params(tfidf__sublinear_tf=True), task.corpus)
        lines.append(
            [
                f"{task.corpus}: {task.method}, {brief(settings)}",
                f"{ours.accuracy:.4f}",
                f"{task.published:.4f} ({task.source})",
                f"{plain.accuracy:.4f}",
                f"{ours.fit_seconds:.1f}",
                f"{ours.predict_seconds:.1f}",
            ]
        )
        peers = [(task.source, task.published)]
        if plain is not ours:
            peers.append(("TF-IDF + linear SVM, same split", plain.accuracy))
        rows += itertools.starmap(lambda name, peer: _row(task, ours, name, peer), peers)  # noqa: B023
    print_table(
        "Accuracy on the official test parts",
        ["data and method", "accuracy", "published", "TF-IDF + SVM", "fit s", "predict s"],
        lines,
    )
    return rows


def _row(task: Task, ours: Scored, name: str, peer: float) -> Row:
    return Row(
        name=f"{task.method} on {task.corpus}",
        metric="accuracy on the test part",
        ours=ours.accuracy,
        peer_name=name,
        peer=peer,
        ratio=ours.accuracy / peer,
        unit="share of texts",
        threads=available_cores(),
        machine=machine_name(),
    )


def main() -> None:
    """Read the command line, run, write the rows."""
    options = parse_options(__doc__ or "")
    try:
        rows = run(options.quick)
    except DataError as error:
        sys.exit(f"baselines.py: {error}")
    write_rows(rows, options.json)


if __name__ == "__main__":
    main()
