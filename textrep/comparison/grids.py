"""What ``--tune`` searches: at most twelve candidates around the default of each rung.

Values stand in the order of cost, the cheapest first: fewer terms, weaker weighting, smaller C. The
parameters of the features stand before those of the classifier, so that features are computed once
for all the classifiers that are tried on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Grid: TypeAlias = Mapping[str, Sequence[Any]]

_MIN_DF = (2, 1)
# Half a decade lies between two strengths, about the least that makes a difference.
_SVM_STRENGTHS = (0.3, 1.0, 3.0)

NAIVE_BAYES: Grid = {
    "counts__min_df": _MIN_DF,
    "counts__binary": (False, True),
    "classifier__alpha": (0.3, 0.1, 0.03),
}
LOGISTIC: Grid = {
    "counts__min_df": _MIN_DF,
    "classifier__estimator__C": (10.0, 30.0, 100.0, 300.0, 1000.0),
}
HASHED_SVM: Grid = {
    "tfidf__sublinear_tf": (False, True),
    "classifier__C": _SVM_STRENGTHS,
}
TFIDF_SVM: Grid = {
    "tfidf__min_df": _MIN_DF,
    "tfidf__sublinear_tf": (False, True),
    "classifier__C": _SVM_STRENGTHS,
}
BM25_SVM: Grid = {
    "bm25__min_df": _MIN_DF,
    "bm25__b": (0.4, 0.75),
    "classifier__C": _SVM_STRENGTHS,
}
# Without min_df: n-grams of one text are most of all, and a model of them takes several times the
# memory for two texts more in a thousand.
CHARACTER_SVM: Grid = {
    "tfidf__sublinear_tf": (False, True),
    "classifier__C": _SVM_STRENGTHS,
}
NB_SVM: Grid = {
    "tfidf__min_df": _MIN_DF,
    "classifier__alpha": (0.1, 0.03),
    "classifier__C": _SVM_STRENGTHS,
}
LSA: Grid = {
    "lsa__n_components": (100, 200, 300),
    "classifier__C": (3.0, 10.0, 30.0, 100.0),
}
# 100 topics get about one text in a hundred more right than 50, and take twice as long; 200 take
# longer than all other rungs together.
LDA: Grid = {
    "topics__n_topics": (25, 50, 100),
    "classifier__estimator__C": (10.0, 30.0, 100.0, 300.0),
}
_VECTOR_STRENGTHS = (0.03, 0.1, 0.3, 1.0)
STATIC: Grid = {
    "vectors__pooling": ("mean", "idf"),
    "classifier__C": _VECTOR_STRENGTHS,
}
# Of the vectors themselves only how long they are learnt: they are the costly part.
WORD2VEC: Grid = {
    "vectors__epochs": (5, "auto"),
    "classifier__C": _VECTOR_STRENGTHS,
}
WORD_VECTORS: Grid = {
    "vectors__epochs": (10, 25),
    "classifier__C": _VECTOR_STRENGTHS,
}
FASTTEXT: Grid = {
    "classifier__word_ngrams": (1, 2),
    "classifier__epochs": (10, 20, 40),
    "classifier__alpha": (0.5, 1.0),
}
# Each candidate is a training of a minute or more.
RECURRENT: Grid = {"classifier__dropout": (0.3, 0.5)}
TRANSFORMER: Grid = RECURRENT
# The vectors are the costly part, and the same for all.
CONTEXTUAL: Grid = {"classifier__C": _VECTOR_STRENGTHS}
