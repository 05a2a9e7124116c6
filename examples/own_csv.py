"""From counts to BERT on a csv of your own: accuracy and time of five methods, then the advice.

    python examples/own_csv.py
    python examples/own_csv.py --csv reviews.csv --text review --label stars

Without --csv it writes one from the embedded corpus and reads that. The last lines hand the same
texts to `textrep.compare`, which says which method is worth its price.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gallery import docstrings, options
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

import textrep


def methods(quick: bool) -> dict[str, Any]:
    """What is tried, from the cheapest on."""
    encoder = textrep.EncoderClassifier(
        size={"num_layers": 1, "hidden_size": 32} if quick else "tiny",
        max_length=32 if quick else 64,
        pretrain_epochs=1 if quick else "auto",
        epochs=8 if quick else "auto",
        learning_rate=0.01 if quick else "auto",
        max_seconds=None if quick else 25,
        device="cpu",
        random_state=0,
    )
    linear = LogisticRegression(C=10, max_iter=1000)
    word2vec = textrep.Word2Vec(vector_size=50, pooling="idf", n_jobs=1, random_state=0)
    return {
        "majority": DummyClassifier(),
        "TF-IDF, linear SVM": make_pipeline(textrep.TfidfVectorizer(), LinearSVC()),
        "fastText": textrep.FastTextClassifier(epochs=25, n_jobs=1, random_state=0),
        "word2vec of these texts": make_pipeline(word2vec, Normalizer(), linear),
        "word vectors, ready": make_pipeline(textrep.StaticEmbedder(), Normalizer(), linear),
        "small BERT": encoder,
    }


def write_csv(path: Path, quick: bool) -> None:
    """A table of texts and labels, as a user may have one."""
    texts, labels = docstrings(n_classes=3, n_each=80) if quick else docstrings(8, 150)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, try each method, compare."""
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--csv", type=Path)
    own.add_argument("--text", default="text", help="column of the texts")
    own.add_argument("--label", default="label", help="column of the labels")
    chosen = options(__doc__ or "", arguments, own)
    if chosen.csv is None:
        chosen.csv = chosen.out / "docstrings.csv"
        write_csv(chosen.csv, chosen.quick)
    corpus = textrep.load_corpus(chosen.csv, text=chosen.text, label=chosen.label)
    learnt, tested, known, asked = train_test_split(
        corpus.texts, corpus.labels, test_size=0.25, stratify=corpus.labels, random_state=0
    )

    print(f"{chosen.csv}: {len(learnt)} texts learnt from, {len(tested)} tested on")
    print(f"{'method':<26}{'accuracy':>9}{'fit, s':>9}")
    for name, model in methods(chosen.quick).items():
        begin = time.perf_counter()
        model.fit(learnt, known)
        seconds = time.perf_counter() - begin
        print(f"{name:<26}{model.score(tested, asked):>9.3f}{seconds:>9.2f}")

    tried = ["majority", "tfidf-svm"] if chosen.quick else ["majority", "tfidf-svm", "nb-svm"]
    result = textrep.compare(learnt, known, methods=tried, resume=False, verbose=0)
    print(result.recommendation.sentence)
    print("report:", result.report(chosen.out / "report.html"))


if __name__ == "__main__":
    main()
