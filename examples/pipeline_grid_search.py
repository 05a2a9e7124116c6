"""textrep inside scikit-learn: texts beside numbers in one pipeline, and its settings searched.

    python examples/pipeline_grid_search.py

Each docstring comes in a table with two numbers that a real table may hold as well, its length
and its share of digits. A ColumnTransformer gives the texts to a TfidfVectorizer and the numbers
to a scaler, a grid search chooses stemming, pairs of words and the classifier's strength by
cross-validation, and texts that had no part in it have the last word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gallery import docstrings, options
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from textrep import TfidfVectorizer

TEXT, NUMBERS = 0, [1, 2]  # columns of the table


def table(texts: list[str]) -> np.ndarray:
    """Text, logarithm of its length, share of digits: objects (n, 3)."""
    digits = [sum(map(str.isdigit, text)) / max(len(text), 1) for text in texts]
    rows = zip(texts, np.log1p([len(text) for text in texts]), digits, strict=True)
    return np.array(list(rows), dtype=object)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the pipeline, search, test."""
    chosen = options(__doc__ or "", arguments)
    texts, labels = docstrings(4, 60) if chosen.quick else docstrings(12, 250)
    learnt, tested, known, asked = train_test_split(
        table(texts), labels, test_size=0.25, stratify=labels, random_state=0
    )
    columns = ColumnTransformer(
        [("words", TfidfVectorizer(n_jobs=1), TEXT), ("numbers", StandardScaler(), NUMBERS)]
    )
    pipeline = Pipeline([("columns", columns), ("classifier", LinearSVC())])
    grid = {
        "columns__words__stemmer": [None, "english"],
        "columns__words__ngram_range": [(1, 1)] if chosen.quick else [(1, 1), (1, 2)],
        "classifier__C": [0.1, 1],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(learnt, known)

    print(f"{len(search.cv_results_['params'])} settings, 3 folds of {len(learnt)} texts")
    tried = zip(search.cv_results_["mean_test_score"], search.cv_results_["params"], strict=True)
    for accuracy, settings in sorted(tried, key=lambda pair: -pair[0])[:4]:
        print(f"  {accuracy:.3f}  {settings}")
    majority = DummyClassifier().fit(learnt, known).score(tested, asked)
    print(f"on {len(tested)} texts left out: {search.score(tested, asked):.3f}")
    print(f"always the commonest class: {majority:.3f}")


if __name__ == "__main__":
    main()
