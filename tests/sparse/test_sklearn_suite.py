"""scikit-learn's own tests of its text vectorisers, run against ours.

The module ships inside scikit-learn. Its names are bound at import, so the four classes are
replaced before it is imported and put back afterwards. Nothing is skipped.
"""

from __future__ import annotations

import importlib
import sys

import pytest
from sklearn.feature_extraction import text as sklearn_text

from textrep import sparse
from textrep.sparse import short

SUITE = "sklearn.feature_extraction.tests.test_text"
NAMES = ("CountVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer")

pytest.importorskip(SUITE.rpartition(".")[0], reason="scikit-learn was installed without its tests")


def load_suite():
    """scikit-learn's test module with our classes in place of its own."""
    theirs = {name: getattr(sklearn_text, name) for name in NAMES}
    sys.modules.pop(SUITE, None)
    try:
        for name in NAMES:
            setattr(sklearn_text, name, getattr(sparse, name))
        return importlib.import_module(SUITE)
    finally:
        for name, estimator in theirs.items():
            setattr(sklearn_text, name, estimator)


@pytest.fixture(autouse=True, params=[0, short.TINY_CHARACTERS], ids=["kernels", "as shipped"])
def tiny_characters(request, monkeypatch):
    """Run every test with the kernels counting everything, and as a user gets it."""
    monkeypatch.setattr(short, "TINY_CHARACTERS", request.param)


suite = load_suite()
globals().update({name: test for name, test in vars(suite).items() if name.startswith("test_")})


def test_suite_is_whole_and_holds_our_classes():
    assert suite.CountVectorizer is sparse.CountVectorizer
    assert suite.TfidfVectorizer is sparse.TfidfVectorizer
    assert suite.HashingVectorizer is sparse.HashingVectorizer
    assert suite.TfidfTransformer is sparse.TfidfTransformer
    assert sum(name.startswith("test_") for name in vars(suite)) >= 60  # 71 in scikit-learn 1.9.1
