"""The comparison that people write by hand with scikit-learn: a peer of benchmarks/comparison.py.

    python benchmarks/by_hand.py DATA.json

The file holds ``train``, ``train_labels``, ``test`` and ``test_labels``. Printed are the seconds of
all of it, and the accuracy of each method, as JSON. Methods and settings are those of `textrep
compare` as far as scikit-learn has them.
"""

import json
import sys
import time
from pathlib import Path

from sklearn.decomposition import LatentDirichletAllocation, TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC


def logistic(C):
    solver = LogisticRegression(solver="liblinear", C=C, tol=1e-2, max_iter=20_000)
    return OneVsRestClassifier(solver)


def svm(C):
    return LinearSVC(C=C, max_iter=20_000, random_state=0)


METHODS = {
    "majority": DummyClassifier(),
    "bow-nb": make_pipeline(CountVectorizer(), MultinomialNB(alpha=0.03)),
    "hashing-svm": make_pipeline(
        HashingVectorizer(n_features=2**18, norm=None, alternate_sign=False),
        TfidfTransformer(sublinear_tf=True),
        svm(1.0),
    ),
    "bow-logreg": make_pipeline(CountVectorizer(), Normalizer(), logistic(300.0)),
    "ngrams-logreg": make_pipeline(
        CountVectorizer(ngram_range=(1, 2), min_df=2), Normalizer(), logistic(300.0)
    ),
    "tfidf-svm": make_pipeline(TfidfVectorizer(sublinear_tf=True), svm(1.0)),
    "tfidf-bigram-svm": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), svm(3.0)
    ),
    "char-tfidf-svm": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2),
        svm(1.0),
    ),
    "lsa-logreg": make_pipeline(
        TfidfVectorizer(sublinear_tf=True, max_features=50_000),
        TruncatedSVD(300, random_state=0),
        Normalizer(),
        LogisticRegression(C=30.0, max_iter=20_000),
    ),
    "lda-logreg": make_pipeline(
        CountVectorizer(max_df=0.5, max_features=10_000),
        LatentDirichletAllocation(50, learning_method="online", random_state=0),
        logistic(300.0),
    ),
}


def main():
    data = json.loads(Path(sys.argv[1]).read_text())
    begun = time.perf_counter()
    accuracies = {}
    for name, method in METHODS.items():
        start = time.perf_counter()
        method.fit(data["train"], data["train_labels"])
        accuracies[name] = accuracy_score(data["test_labels"], method.predict(data["test"]))
        seconds = time.perf_counter() - start
        print(f"{name:<18} {accuracies[name]:.3f} {seconds:6.1f} s", file=sys.stderr)
    print(json.dumps({"seconds": time.perf_counter() - begun, "accuracies": accuracies}))


if __name__ == "__main__":
    main()
