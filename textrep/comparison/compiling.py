"""Kernels compiled, or loaded, before they are needed."""

from __future__ import annotations

import numpy as np

from textrep.comparison.health import examine
from textrep.comparison.rungs import RUNGS
from textrep.comparison.split import Split
from textrep.comparison.task import Task
from textrep.embeddings.fasttext_classifier import FastTextClassifier
from textrep.sparse import NBSVM, CountVectorizer

# Text for two threads, so that the vectorisers take all their kernels, those for letters beyond
# ASCII among them; some words repeat.
_WORDS_A_TEXT = 500
_TEXTS = [
    " ".join(f"Wört{number % 997} {number}x" for number in range(start, start + _WORDS_A_TEXT))
    for start in range(0, 30_000, _WORDS_A_TEXT)
]


def load_kernels() -> None:
    """Use the vectorisers of all rungs once, and the classifiers that have kernels.

    Numba compiles their kernels for this machine when they are used for the first time, and loads
    them once a process.

    Examples
    --------
    >>> load_kernels()
    """
    for rung in RUNGS:
        if rung.requires:  # a package that may be missing, and without kernels of ours
            continue
        vectorizer = rung.factory(0)[0]
        if hasattr(vectorizer, "transform"):
            if "epochs" in vectorizer.get_params():
                vectorizer.set_params(epochs=1)
            vectorizer.fit_transform(_TEXTS)
            vectorizer.transform(_TEXTS[:1])
    counts = CountVectorizer().fit_transform(_TEXTS[:2])
    NBSVM().fit(counts, [False, True]).predict(counts)
    classifier = FastTextClassifier(loss="ova", epochs=1).fit(_TEXTS[:2], [False, True])
    classifier.predict_proba(_TEXTS[:2])


def compile_kernels() -> None:
    """Compile what a comparison uses, for instance when an image of a system is built.

    Examples
    --------
    >>> compile_kernels()
    """
    load_kernels()
    half = len(_TEXTS) // 2
    # The health check has kernels of its own, for near duplicates.
    texts = [*_TEXTS, *(f"{text} more" for text in _TEXTS)]
    positions = np.arange(len(texts))
    labels = np.where(positions % 2 == 0, "even", "odd")
    examine(Task("kernels", texts, labels, (Split(positions[half:], positions[:half]),)))
