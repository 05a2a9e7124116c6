"""Choose the settings of the rungs of `textrep compare` without looking at test texts.

    python benchmarks/rungs.py [--data DIR] [--quick] [--json FILE]

For each rung, the same number of candidates is tried by stratified cross-validation on the training
parts of docstrings, sms_spam and 20newsgroups. The candidate to take is the cheapest one whose
accuracy, averaged over the three, is within `CLOSE` of the best. Scikit-learn's default settings of
the same model stand beside it, on the same folds. What is chosen here is written into
`textrep/comparison/rungs.py` by hand; the script says where the two differ.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from harness import Row, machine_name, parse_options, print_table, write_rows
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid, StratifiedGroupKFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

from textrep import load_corpus
from textrep.comparison import RUNGS, split_texts
from textrep.core.random import streams
from textrep.data import DataError

CORPORA = ("docstrings", "sms_spam", "20newsgroups")
SEED = 0
# About the standard error of a difference of two accuracies on the texts of a quick run: nearer
# ones are not told apart, and the cheaper is as good.
CLOSE = 0.003

Settings = Mapping[str, Any]
Grid = list[dict[str, Sequence[Any]]]

# Values stand in the order of cost, the cheapest first: fewer terms, weaker weighting, smaller C.
# Half a decade lies between two strengths; rows of raw counts are so much longer than rows of unit
# length that their C is a hundred times smaller.
_MIN_DF = (2, 1)
_NAIVE_BAYES: Grid = [
    {
        "counts__min_df": _MIN_DF,
        "counts__binary": (False, True),
        "classifier__alpha": (1.0, 0.3, 0.1, 0.03, 0.01),
    }
]
_LOGISTIC: Grid = [
    {
        "counts__min_df": _MIN_DF,
        "length": ("passthrough",),
        "classifier__estimator__C": (0.1, 0.3, 1.0, 3.0, 10.0),
    },
    {
        "counts__min_df": _MIN_DF,
        "length": (Normalizer(),),
        "classifier__estimator__C": (10.0, 30.0, 100.0, 300.0, 1000.0),
    },
]
_SVM: Grid = [
    {
        "tfidf__min_df": _MIN_DF,
        "tfidf__sublinear_tf": (False, True),
        "classifier__C": (0.1, 0.3, 1.0, 3.0, 10.0),
    }
]
GRIDS: dict[str, Grid] = {
    "bow-nb": _NAIVE_BAYES,
    "bow-logreg": _LOGISTIC,
    "ngrams-logreg": _LOGISTIC,
    "tfidf-svm": _SVM,
    "tfidf-bigram-svm": _SVM,
    "char-tfidf-svm": _SVM,
}
PEERS = {
    "bow-nb": make_pipeline(CountVectorizer(), MultinomialNB()),
    "bow-logreg": make_pipeline(CountVectorizer(), LogisticRegression()),
    "ngrams-logreg": make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression()),
    "tfidf-svm": make_pipeline(TfidfVectorizer(), LinearSVC()),
    "tfidf-bigram-svm": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC()),
    "char-tfidf-svm": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)), LinearSVC()
    ),
}


class Fold(NamedTuple):
    """Texts and labels to fit on and to score on, both from the training part of a corpus."""

    fit: list[str]
    fit_labels: NDArray[Any]
    held_out: list[str]
    held_out_labels: NDArray[Any]


def training_part(name: str) -> tuple[list[str], NDArray[Any]]:
    """Texts and labels that `textrep compare` with its default seed would learn from."""
    corpus = load_corpus(name)
    if "train" in corpus.parts:
        corpus = corpus.part("train")
        return list(corpus.texts), np.array(corpus.labels)
    labels = np.array(corpus.labels)
    random = streams(SEED, ["split"])["split"]
    train = split_texts(corpus.texts, labels, 0.2, random).train
    return [corpus.texts[i] for i in train], labels[train]


def folds_of(name: str, n_folds: int, max_texts: int) -> list[Fold]:
    """Stratified folds of at most `max_texts` training texts; equal texts share a fold."""
    texts, labels = training_part(name)
    order = streams(SEED, ["subsample"])["subsample"].permutation(len(texts))[:max_texts]
    texts, labels = [texts[i] for i in order], labels[order]
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED)
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(text, len(numbers)) for text in texts]
    return [
        Fold([texts[i] for i in fit], labels[fit], [texts[i] for i in held_out], labels[held_out])
        for fit, held_out in folds.split(texts, labels, groups)
    ]


def candidates(rung: str) -> list[Settings]:
    """Settings to try for a rung, the cheapest first."""
    # ParameterGrid would sort the names; the order given here is that of cost.
    found: list[Settings] = []
    for grid in GRIDS[rung]:
        front = {name: values for name, values in grid.items() if "classifier" not in name}
        back = {name: values for name, values in grid.items() if "classifier" in name}
        for first in ParameterGrid(front):
            found += [{**first, **second} for second in ParameterGrid(back)]
    return found


def accuracies(pipeline: Pipeline, tried: Sequence[Settings], fold: Fold) -> list[float]:
    """Accuracy of each candidate on the held-out texts; equal features are made only once."""
    features: dict[str, tuple[Any, Any]] = {}
    scores = []
    for settings in tried:
        model = clone(pipeline).set_params(**settings)
        front, classifier = model[:-1], model[-1]
        key = repr({name: v for name, v in settings.items() if "classifier" not in name})
        if key not in features:
            features[key] = front.fit_transform(fold.fit), front.transform(fold.held_out)
        fit, held_out = features[key]
        classifier.fit(fit, fold.fit_labels)
        scores.append(float(classifier.score(held_out, fold.held_out_labels)))
    return scores


def search(
    pipeline: Pipeline, tried: Sequence[Settings], folds: Mapping[str, Sequence[Fold]]
) -> NDArray[np.float64]:
    """Cross-validated accuracy.

    Returns
    -------
    ndarray of shape (n_candidates, n_corpora)
    """
    columns = []
    for name in CORPORA:
        columns.append(np.mean([accuracies(pipeline, tried, fold) for fold in folds[name]], axis=0))
    return np.stack(columns, axis=1)


def first_close(means: NDArray[np.float64]) -> int:
    """Position of the first candidate within `CLOSE` of the best."""
    return int(np.flatnonzero(means >= means.max() - CLOSE)[0])


def brief(settings: Settings) -> str:
    """Settings as short text, such as ``min_df=2 C=10.0``."""
    return " ".join(f"{name.rpartition('__')[2]}={value}" for name, value in settings.items())


def line(label: str, scores: NDArray[np.float64], mark: str = "") -> list[str]:
    """Cells of the table: accuracy on each corpus, their mean, and a mark."""
    return [label, *(f"{score:.4f}" for score in (*scores, scores.mean())), mark]


def differences(rung: str, settings: Settings) -> Iterator[str]:
    """Where the registry has other settings than were chosen."""
    present = _registered(rung).get_params()
    for name, value in settings.items():
        if repr(present[name]) != repr(value):
            yield f"{rung}: {name} is {present[name]}, chosen was {value}"


def _registered(rung: str) -> Pipeline:
    return next(entry for entry in RUNGS if entry.name == rung).factory(SEED)


def rows(rung: str, ours: NDArray[np.float64], peer: NDArray[np.float64]) -> list[Row]:
    """The chosen candidate of one rung beside its peer, one row a corpus."""
    return [
        Row(
            name=f"{rung} on {corpus}",
            metric="cross-validated accuracy on training texts",
            ours=own,
            peer_name="scikit-learn, default settings",
            peer=other,
            ratio=own / other,
            unit="share of texts",
            threads=1,
            machine=machine_name(),
        )
        for corpus, own, other in zip(CORPORA, ours.tolist(), peer.tolist(), strict=True)
    ]


def run(n_folds: int, max_texts: int) -> list[Row]:
    """Search every rung and print the tables; the rows hold the chosen candidates."""
    folds = {name: folds_of(name, n_folds, max_texts) for name in CORPORA}
    sizes = ", ".join(f"{name} {sum(len(f.held_out) for f in folds[name])}" for name in CORPORA)
    print(f"{n_folds} folds of training texts only: {sizes}")
    found: list[Row] = []
    stale: list[str] = []
    for rung in GRIDS:
        tried = candidates(rung)
        scores = search(_registered(rung), tried, folds)
        chosen = first_close(scores.mean(axis=1))
        with warnings.catch_warnings():
            # A hundred iterations, the default of the logistic regression, are not enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer = search(PEERS[rung], [{}], folds)[0]
        lines = [
            line(brief(settings), row, "chosen" if i == chosen else "")
            for i, (settings, row) in enumerate(zip(tried, scores, strict=True))
        ]
        lines.append(line("scikit-learn, default settings", peer, "peer"))
        print_table(f"{rung}: accuracy", ["candidate", *CORPORA, "mean", ""], lines)
        found += rows(rung, scores[chosen], peer)
        stale += differences(rung, tried[chosen])
    print("\n".join(stale) or "textrep/comparison/rungs.py has the settings chosen here")
    return found


def main() -> None:
    """Read the command line, run the search and write its rows."""
    options = parse_options(__doc__ or "")
    try:
        found = run(n_folds=3, max_texts=1200) if options.quick else run(n_folds=3, max_texts=2500)
    except DataError as error:
        sys.exit(f"rungs.py: {error}")
    write_rows(found, options.json)


if __name__ == "__main__":
    main()
