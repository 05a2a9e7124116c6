"""Small tasks for the health checks: clean texts, in which defects are planted."""

from __future__ import annotations

import numpy as np

from textrep.comparison.split import Split
from textrep.comparison.task import Task

COMMON = "the of and to in is that for it as was with be by on not he his but at are this".split()
TOPICS = {
    "sport": "match goal team player season coach league score ball win".split(),
    "law": "court judge trial appeal verdict lawyer statute jury claim case".split(),
}


def sentence(rng, label, n_words=24):
    """Words of a topic among common ones, and some that no other text has."""
    topical = rng.choice(TOPICS[label], 6)
    common = rng.choice(COMMON, n_words - 10)
    own = [f"w{number}" for number in rng.integers(10**6, size=4)]
    words = np.concatenate([topical, common, own])
    return " ".join(rng.permutation(words).tolist())


def clean_texts(n=600, seed=0):
    """Texts of two topics in equal parts, shuffled, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.array(["law", "sport"] * (n // 2)))
    return [sentence(rng, label) for label in labels.tolist()], labels


def task_of(texts, labels, n_test=200, **further):
    """A task whose last documents are the test part."""
    n = len(texts)
    split = Split(np.arange(n - n_test), np.arange(n - n_test, n))
    return Task("planted", list(texts), np.asarray(labels), (split,), **further)


def folded(texts, labels, n_folds=4):
    """A task of a cross-validation, whose folds go round."""
    at = np.arange(len(texts))
    splits = tuple(
        Split(at[at % n_folds != fold], at[at % n_folds == fold]) for fold in range(n_folds)
    )
    return Task("planted", list(texts), np.asarray(labels), splits)
