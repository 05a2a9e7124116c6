"""Search by words (BM25) and by meaning (vectors), side by side.

    python examples/search.py
    python examples/search.py --query "read a file line by line"

The texts are the docstrings of the embedded corpus. BM25 finds what has the words of the query,
vectors also what says it in others. Which is better is counted: how many of the five best texts
are of the subsystem that the query is taken from.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from gallery import docstrings, options

from textrep import BM25Index, SemanticSearch, StaticEmbedder

QUERIES = (
    "solve a system of linear equations",
    "how similar are two sets of clusters",
    "send an e-mail with an attachment",
)
TOP = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Index, ask, and count how often the answers fit."""
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--query", action="append", help="may be given several times")
    chosen = options(__doc__ or "", arguments, own)
    texts, labels = docstrings(33, 20) if chosen.quick else docstrings(33, 200)
    engines = {
        "BM25": BM25Index(stemmer="english", stop_words="english").fit(texts),
        "vectors": SemanticSearch(embedder=StaticEmbedder(pooling="sif")).fit(texts),
    }

    for query in chosen.query or QUERIES:
        print(query)
        for name, engine in engines.items():
            documents, scores = engine.search([query], k=3)
            print(f"  {name}")
            for document, score in zip(documents[0], scores[0], strict=True):
                print(f"    {score:6.2f}  {texts[document][:80]}")

    # The first sentence of a text is asked for; that text itself, the first to be found, is left
    # out of the count.
    classes = np.array(labels)
    asked = range(0, len(texts), 5)
    sentences = [texts[i].split(". ")[0] for i in asked]
    chance = np.mean([np.mean(classes == classes[i]) for i in asked])
    print(f"of the {TOP} best texts, of the same one of {len(set(labels))} subsystems:")
    print(f"  {'by chance':<10}{chance:6.1%}")
    for name, engine in engines.items():
        found, _ = engine.search(sentences, k=TOP + 1)
        others = [row[row != i][:TOP] for row, i in zip(found, asked, strict=True)]
        right = np.mean([classes[o] == classes[i] for o, i in zip(others, asked, strict=True)])
        print(f"  {name:<10}{right:6.1%}")


if __name__ == "__main__":
    main()
