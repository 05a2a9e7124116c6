"""Print, as JSON, by how many MB the peak of resident memory grows when a stream is ten times as
long; run by `test_stream_memory.py` in a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from textrep import CountVectorizer, Word2Vec
from textrep.embeddings import corpus, pooling, reading
from textrep.embeddings.spool import Spool
from textrep.sparse import documents

SHORT_MB, LONG_MB = 4, 40


def stream(megabytes: int) -> Iterator[str]:
    """New strings of about 1 kB, from the same 5,000 words."""
    random = np.random.default_rng(0)
    texts = [" ".join(f"word{i}" for i in random.integers(5000, size=115)) for _ in range(1000)]
    for i in range(megabytes * 1000):
        yield f"{texts[i % 1000]} end"


def learn_words(megabytes: int) -> None:
    model = Word2Vec(vector_size=8, negative=1, epochs=1, n_jobs=1, random_state=0)
    model.fit(stream(megabytes))
    assert model.n_documents_ == megabytes * 1000


def count_words(megabytes: int) -> None:
    vectorizer = CountVectorizer(n_jobs=1).fit(stream(megabytes))
    assert len(vectorizer.vocabulary_) == 5001


def peak() -> float:
    """MB of resident memory at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1e3


def growth(learn: Callable[[int], None]) -> float:
    learn(SHORT_MB)
    before = peak()
    learn(LONG_MB)
    return peak() - before


if __name__ == "__main__":
    # What is held of a stream on purpose, made small beside the stream.
    Spool.__init__.__defaults__ = (1 << 20,)
    reading.PART_BYTES = 1 << 18
    corpus.RENUMBERED_AT_ONCE = 1 << 16
    pooling.SAMPLED_DOCUMENTS = 1000
    documents.BATCH_CHARACTERS = 1 << 20
    print(json.dumps({"Word2Vec": growth(learn_words), "CountVectorizer": growth(count_words)}))
