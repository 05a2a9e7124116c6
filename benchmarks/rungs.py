"""Choose the settings of the rungs of `textrep compare` without looking at test texts.

    python benchmarks/rungs.py [--data DIR] [--quick] [--json FILE]

For each rung, the candidates of its ``--tune`` grid are tried by cross-validation on the training
parts of docstrings, sms_spam and 20newsgroups. The candidate to take is the cheapest one whose
accuracy, averaged over the three, is within `CLOSE` of the best. Scikit-learn's default settings of
the same model stand beside it, on the same folds. What is chosen here is written into
`textrep/comparison/ladder.py` by hand; the script says where the two differ.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from harness import Row, machine_name, parse_options, print_table, write_rows
from numpy.typing import NDArray
from sklearn.decomposition import LatentDirichletAllocation, TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from textrep import load_corpus
from textrep.comparison import RUNGS, Rung, split_texts
from textrep.comparison.tuning import Trial, tune
from textrep.core.random import streams
from textrep.data import DataError

CORPORA = ("docstrings", "sms_spam", "20newsgroups")
SEED = 0
N_FOLDS = 3
# About the standard error of a difference of two accuracies on the texts of a quick run: nearer
# ones are not told apart, and the cheaper is as good.
CLOSE = 0.003

# Rung -> what stands beside it; scikit-learn has no BM25, stemmer or NB-SVM.
PEERS = {
    "bow-nb": make_pipeline(CountVectorizer(), MultinomialNB()),
    "hashing-svm": make_pipeline(HashingVectorizer(), LinearSVC()),
    "bow-logreg": make_pipeline(CountVectorizer(), LogisticRegression()),
    "ngrams-logreg": make_pipeline(CountVectorizer(ngram_range=(1, 2)), LogisticRegression()),
    "tfidf-svm": make_pipeline(TfidfVectorizer(), LinearSVC()),
    "stemmed-tfidf-svm": make_pipeline(TfidfVectorizer(), LinearSVC()),
    "bm25-svm": make_pipeline(TfidfVectorizer(), LinearSVC()),
    "nb-svm": make_pipeline(CountVectorizer(ngram_range=(1, 2)), MultinomialNB()),
    "tfidf-bigram-svm": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC()),
    "char-tfidf-svm": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)), LinearSVC()
    ),
    "lsa-logreg": make_pipeline(
        TfidfVectorizer(), TruncatedSVD(100, random_state=SEED), LogisticRegression()
    ),
    "lda-logreg": make_pipeline(
        CountVectorizer(),
        LatentDirichletAllocation(50, random_state=SEED),
        LogisticRegression(),
    ),
}


class Texts(NamedTuple):
    """What `textrep compare` with its default seed would learn from."""

    texts: list[str]
    labels: NDArray[Any]


def training_part(name: str) -> Texts:
    """Training texts of a corpus."""
    corpus = load_corpus(name)
    if "train" in corpus.parts:
        corpus = corpus.part("train")
        return Texts(list(corpus.texts), np.array(corpus.labels))
    labels = np.array(corpus.labels)
    random = streams(SEED, ["split"])["split"]
    train = split_texts(corpus.texts, labels, 0.2, random).train
    return Texts([corpus.texts[i] for i in train], labels[train])


def search(
    pipeline: Pipeline, grid: Mapping[str, Any], corpora: Mapping[str, Texts], max_texts: int
) -> tuple[list[Trial], NDArray[np.float64]]:
    """Cross-validated accuracy of every candidate.

    Returns
    -------
    candidates : list of Trial, length n_candidates
        As tried on the last of the corpora.
    accuracies : ndarray of shape (n_candidates, n_corpora)
    """
    columns = []
    for data in corpora.values():
        found = tune(
            pipeline, grid, *data, n_folds=N_FOLDS, max_documents=max_texts, random_state=SEED
        )
        if found.notes:
            sys.exit(f"rungs.py: {'; '.join(found.notes)}")
        columns.append([trial.score for trial in found.tried])
    return list(found.tried), np.array(columns).T


def first_close(means: NDArray[np.float64]) -> int:
    """Position of the first candidate within `CLOSE` of the best."""
    return int(np.flatnonzero(means >= means.max() - CLOSE)[0])


def brief(settings: Mapping[str, Any]) -> str:
    """Settings as short text, such as ``min_df=2 C=10.0``."""
    return " ".join(f"{name.rpartition('__')[2]}={value}" for name, value in settings.items())


def line(label: str, scores: NDArray[np.float64], mark: str = "") -> list[str]:
    """Cells of the table: accuracy on each corpus, their mean, and a mark."""
    return [label, *(f"{score:.4f}" for score in (*scores, scores.mean())), mark]


def differences(rung: Rung, settings: Mapping[str, Any]) -> Iterator[str]:
    """Where the registry has other settings than were chosen."""
    present = rung.factory(SEED).get_params()
    for name, value in settings.items():
        if repr(present[name]) != repr(value):
            yield f"{rung.name}: {name} is {present[name]}, chosen was {value}"


def rows(rung: Rung, ours: NDArray[np.float64], peer: NDArray[np.float64]) -> list[Row]:
    """The chosen candidate of one rung beside its peer, one row a corpus."""
    return [
        Row(
            name=f"{rung.name} on {corpus}",
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


def run(max_texts: int) -> list[Row]:
    """Search every rung and print the tables; the rows hold the chosen candidates."""
    corpora = {name: training_part(name) for name in CORPORA}
    sizes = ", ".join(f"{name} {min(len(own.texts), max_texts)}" for name, own in corpora.items())
    print(f"{N_FOLDS} folds of training texts only: {sizes}")
    found: list[Row] = []
    stale: list[str] = []
    for rung in RUNGS:
        if not rung.grid:
            continue
        tried, scores = search(rung.factory(SEED), rung.grid, corpora, max_texts)
        chosen = first_close(scores.mean(axis=1))
        with warnings.catch_warnings():
            # A hundred iterations, the default of the logistic regression, are not enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer = search(PEERS[rung.name], {}, corpora, max_texts)[1][0]
        lines = [
            line(brief(trial.settings), row, "chosen" if i == chosen else "")
            for i, (trial, row) in enumerate(zip(tried, scores, strict=True))
        ]
        lines.append(line("scikit-learn, default settings", peer, "peer"))
        print_table(f"{rung.name}: accuracy", ["candidate", *CORPORA, "mean", ""], lines)
        found += rows(rung, scores[chosen], peer)
        stale += differences(rung, tried[chosen].settings)
    print("\n".join(stale) or "textrep/comparison/ladder.py has the settings chosen here")
    return found


def main() -> None:
    """Read the command line, run the search and write its rows."""
    options = parse_options(__doc__ or "")
    try:
        found = run(max_texts=1200) if options.quick else run(max_texts=2500)
    except DataError as error:
        sys.exit(f"rungs.py: {error}")
    write_rows(found, options.json)


if __name__ == "__main__":
    main()
