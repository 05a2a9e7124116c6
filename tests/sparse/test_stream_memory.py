"""A stream that scikit-learn's own code counts takes no more memory the longer it is."""

from __future__ import annotations

import tracemalloc

import pytest

from textrep.sparse import CountVectorizer, growing

WORDS = [f"word{i}" for i in range(500)]


def peak_of_fit(n_documents, parameters):
    documents = (" ".join(WORDS[i % 400 : i % 400 + 100]) for i in range(n_documents))
    tracemalloc.start()
    try:
        CountVectorizer(**parameters).fit(documents)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "parameters",
    [{"tokenizer": str.split, "token_pattern": None}, {"vocabulary": WORDS, "binary": True}],
    ids=["tokenizer", "given vocabulary"],
)
def test_parts_are_merged_while_a_stream_is_read(parameters, monkeypatch):
    monkeypatch.setattr(growing, "DOCUMENTS_AT_ONCE", 50)
    peak_of_fit(200, parameters)  # whatever is made once
    assert peak_of_fit(4000, parameters) < 1.5 * peak_of_fit(200, parameters)
