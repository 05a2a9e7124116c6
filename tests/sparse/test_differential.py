"""Hypothesis against scikit-learn: random Unicode, random parameters, the same answer.

The nightly-size run of the same comparison is `make fuzz` (one million cases).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textrep.sparse import short, threads

_SPEC = importlib.util.spec_from_file_location(
    "differential", Path(__file__).with_name("differential.py")
)
differential = importlib.util.module_from_spec(_SPEC)
sys.modules["differential"] = differential
_SPEC.loader.exec_module(differential)

TEXT = st.one_of(
    st.text(alphabet=st.characters(), max_size=30),  # any code point but surrogates
    st.text(
        alphabet=st.sampled_from("aAbB_1 \n\t.é É\u0130\u03a3σς\u0301ﬁ½中\x00\x1c\u00a0"),
        max_size=40,
    ),
    st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010), max_size=10),
)
DOCUMENTS = st.lists(TEXT, min_size=1, max_size=6)
COMMON = {
    "analyzer": st.sampled_from(["word", "char", "char_wb"]),
    "lowercase": st.booleans(),
    "strip_accents": st.sampled_from([None, "ascii", "unicode"]),
    "ngram_range": st.tuples(st.integers(1, 4), st.integers(0, 2)).map(lambda t: (t[0], sum(t))),
    "binary": st.booleans(),
    "stop_words": st.sampled_from([None, "english", ["the", "a", "ab"]]),
    "token_pattern": st.sampled_from([r"(?u)\b\w\w+\b", r"\w+", r"\S+", r"(?u)\b[^\W\d]+\b"]),
}
CHOSEN = {
    "min_df": st.sampled_from([1, 2, 0.3]),
    "max_df": st.sampled_from([1.0, 0.7, 3]),
    "max_features": st.sampled_from([None, 1, 5]),
}
WEIGHTED = {
    "norm": st.sampled_from([None, "l1", "l2"]),
    "use_idf": st.booleans(),
    "smooth_idf": st.booleans(),
    "sublinear_tf": st.booleans(),
}
HASHED = {
    "n_features": st.sampled_from([1, 5, 2**18]),
    "alternate_sign": st.booleans(),
    "norm": WEIGHTED["norm"],
}
PARAMETERS = {
    "CountVectorizer": COMMON | CHOSEN,
    "TfidfVectorizer": COMMON | CHOSEN | WEIGHTED,
    "HashingVectorizer": COMMON | HASHED,
}


@pytest.fixture(autouse=True)
def kernels_for_everything(monkeypatch):
    monkeypatch.setattr(short, "TINY_CHARACTERS", 0)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
@pytest.mark.parametrize("bytes_per_thread", [1 << 18, 8])
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_answers_as_scikit_learn_does(name, bytes_per_thread, monkeypatch, data):
    monkeypatch.setattr(threads, "BYTES_PER_THREAD", bytes_per_thread)
    parameters = data.draw(st.fixed_dictionaries(PARAMETERS[name]))
    documents, others = data.draw(DOCUMENTS), data.draw(DOCUMENTS)
    assert differential.compare(name, parameters, documents, others) is None


@pytest.mark.parametrize("first", range(0, 2000, 500))
def test_random_cases_of_the_nightly_run(first):
    for seed in range(first, first + 500):
        assert differential.check_seed(seed) is None


def test_the_comparison_notices_a_difference():
    documents = ["a b c aa bb", "aa cc"]
    wanted = differential.run(differential.theirs.CountVectorizer(), documents, documents)
    got = differential.run(
        differential.theirs.CountVectorizer(binary=True, min_df=2), documents, []
    )
    assert differential.same_matrix(got["fitted"], wanted["fitted"]) is not None
    assert differential.same_matrix(wanted["fitted"], wanted["fitted"]) is None
    changed = wanted["fitted"].copy()
    changed.data[0] += 1
    assert differential.same_matrix(changed, wanted["fitted"]).startswith("data")
