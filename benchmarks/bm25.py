"""BM25 beside bm25s, in one run: index time, queries a second, memory, and the physical limit.

    python benchmarks/bm25.py --data DIR [--quick] [--json FILE]

Both get the same texts and make the same tokens of them (words of two or more characters in lower
case; no stop words left out, no stemming). Every corpus first checks that all scores of some
queries are equal for all five variants (relative difference below 1e-6) and that the best ten have
equal scores, and only then times both in turns (medians) with the variant "lucene", bm25s with its
numba backend, warmed up.

"index, from texts" holds everything. "index, tokenised" begins with what each one's tokeniser
leaves: bm25s's with a list of numbers of tokens, ours, which counts while it tokenises, with a
matrix of counts. Likewise "queries, tokenised": lists of numbers, and a matrix of counts. The limit
is a pass over the postings of all terms of the queries that adds up the weights and picks nothing;
ours can be faster, because it keeps frequent terms as dense rows.

Documents are the training part, queries the first sentences of the test reviews of IMDb and the
subject lines of the test part of 20 Newsgroups.

What was tried and lost (one thread, IMDb): frequent terms as postings like the others (four times
as slow); looking up the frequent terms of just those documents that may get among the best, one by
one (eight times as slow: in long queries many may); blocks of documents small enough for the
first-level cache (half as slow again, as each term's postings are taken up anew in each). With
1,000 documents a query instead of 10, most of the time goes into keeping them in order, and ours is
but a sixth faster.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import bm25s
import numba
import numpy as np
from harness import (
    Row,
    ask_child,
    begin_memory,
    machine_name,
    parse_options,
    report,
    resident,
    take_turns,
)
from sparse import load_texts

from textrep import load_corpus
from textrep.sparse import BM25Index, BM25Transformer, CountVectorizer
from textrep.sparse.bm25 import VARIANTS
from textrep.sparse.searching import InvertedIndex
from textrep.sparse.threads import available_cores

PEER = f"bm25s {bm25s.__version__}"
K = 10
SENTENCE = re.compile(r"(?<=[.!?])\s")
SUBJECT = re.compile(r"^Subject: *(?:Re: *)*(.*)$", re.MULTILINE)
CHECKED = 100  # queries whose scores are compared
ALONE = 200  # queries asked one by one


def load_queries(name: str, n: int) -> list[str]:
    """Queries from the test part of a named corpus, spread over it."""
    texts = list(load_corpus(name).part("test").texts)
    texts = texts[:: max(1, len(texts) // n)][:n]
    if name == "imdb":
        return [SENTENCE.split(text, maxsplit=1)[0] for text in texts]
    found = [SUBJECT.search(text) for text in texts]
    return [match.group(1) for match in found if match and len(match.group(1)) > 1]


def their_tokens(texts: list[str], ids: bool) -> Any:
    """Tokens by bm25s."""
    return bm25s.tokenize(texts, stopwords=None, return_ids=ids, show_progress=False)


def their_index(tokens: Any, variant: str = "lucene", dtype: str = "float32") -> Any:
    """bm25s's index of tokens that `their_tokens` has made."""
    index = bm25s.BM25(method=variant, backend="numba", dtype=dtype)
    index.index(tokens, show_progress=False)
    return index


def their_search(index: Any, queries: list[Any], threads: int) -> Any:
    """The best documents by bm25s."""
    return index.retrieve(queries, k=K, n_threads=threads, show_progress=False)


def check_same(corpus: str, texts: list[str], queries: list[str]) -> None:
    """Stop the benchmark where scores differ."""
    tokens = their_tokens(texts, True)
    asked = [q for q in queries if their_tokens([q], False)[0]][:CHECKED]
    for variant in VARIANTS:
        peer = their_index(tokens, variant, "float64")
        mine = BM25Index(variant=variant, dtype=np.float64).fit(texts)
        split = their_tokens(asked, False)
        wanted = np.stack([peer.get_scores(query) for query in split])
        found = mine.get_scores(asked)
        best = their_search(peer, split, 1).scores
        if not (
            np.allclose(found, wanted, rtol=1e-6, atol=1e-9)
            and np.allclose(mine.search(asked, K).scores, best, rtol=1e-6, atol=1e-9)
        ):
            sys.exit(f"{corpus}, {variant}: the scores are not those of bm25s")


def index_counts(X: Any, n_jobs: int | None) -> Any:
    """Our index of counted documents."""
    weights = BM25Transformer(n_jobs=n_jobs).fit(X).transform(X)
    return InvertedIndex.from_matrix(weights, n_jobs)


@numba.njit(nogil=True, error_model="numpy")
def add_postings(  # type: ignore[no-untyped-def]
    bounds, columns, times, indptr, documents, weights, n_documents
):
    """The scores of all documents for one query after another, and no more."""
    scores = np.empty(n_documents, np.float32)
    for q in range(bounds.size - 1):
        scores[:] = 0
        for e in range(bounds[q], bounds[q + 1]):
            for p in range(indptr[columns[e]], indptr[columns[e] + 1]):
                scores[np.uint32(documents[p])] += times[e] * weights[p]
    return scores


def measure(corpus: str, texts: list[str], queries: list[str], quick: bool) -> list[Row]:
    """All rows of one corpus."""
    check_same(corpus, texts, queries)
    rows = []
    tokens = their_tokens(texts, True)
    peer = their_index(tokens)
    split = their_tokens(queries, False)
    vocabulary = peer.vocab_dict
    numbers = [[vocabulary[t] for t in query if t in vocabulary] for query in split]
    counts = CountVectorizer(dtype=np.float32).fit_transform(texts)
    repeats = {"ours": 3 if quick else 7, "theirs": 1 if quick else 3}
    often = {"ours": 5 if quick else 9, "theirs": 5 if quick else 9}

    def add(verb: str, threads: int, n: int, times: dict[str, float], name: str = PEER) -> None:
        unit = "documents/s" if verb.startswith("index") else "queries/s"
        rows.append(
            Row(
                corpus, verb, n / times["ours"], name, n / times["theirs"],
                times["theirs"] / times["ours"], unit, threads, machine_name(),
            )
        )  # fmt: skip

    for threads in (available_cores(), 1):
        print(f"{corpus}, {threads} threads ...", file=sys.stderr, flush=True)
        index = BM25Index(n_jobs=threads).fit(texts)
        asked = index._count(queries)
        assert (index.search(queries, K).scores >= 0).all()  # compiled, as is theirs
        for warm in (split, split[:1], numbers):
            their_search(peer, warm, threads)
        index_counts(counts, threads)
        times = take_turns(
            {
                "ours": lambda t=threads: BM25Index(n_jobs=t).fit(texts),
                "theirs": lambda: their_index(their_tokens(texts, True)),
            },
            repeats,
        )
        add("index, from texts", threads, len(texts), times)
        times = take_turns(
            {
                "ours": lambda t=threads: index_counts(counts, t),
                "theirs": lambda: their_index(tokens),
            },
            repeats,
        )
        add("index, tokenised", threads, len(texts), times)
        times = take_turns(
            {
                "ours": lambda i=index: i.search(queries, K),
                "theirs": lambda t=threads: their_search(peer, their_tokens(queries, False), t),
            },
            often,
        )
        add("queries, from texts", threads, len(queries), times)
        times = take_turns(
            {
                "ours": lambda i=index, t=threads, a=asked: i._index.search(a, K, t),
                "theirs": lambda t=threads: their_search(peer, numbers, t),
            },
            often,
        )
        add("queries, tokenised", threads, len(queries), times)

    columns = index._weigh(counts.copy()).tocsc()
    limit = (columns.indptr, columns.indices, columns.data, len(texts))
    add_postings(asked.indptr, asked.indices, asked.data, *limit)
    times = take_turns(
        {
            "ours": lambda: index._index.search(asked, K, 1),
            "theirs": lambda: add_postings(asked.indptr, asked.indices, asked.data, *limit),
        },
        often,
    )
    add("queries, tokenised", 1, len(queries), times, "bare pass over postings")

    some = [query for query, split in zip(queries, split, strict=True) if split][:ALONE]
    times = take_turns(
        {
            "ours": lambda: [index.search([query], K) for query in some],
            "theirs": lambda: [their_search(peer, their_tokens([q], False), 1) for q in some],
        },
        often,
    )
    add("queries one by one, from texts", 1, len(some), times)
    return rows


def peak_memory(library: str, corpus: str, quick: bool) -> dict[str, float]:
    """MB that indexing adds at most, and in the end, to a process that holds the texts."""
    return dict(ask_child(__file__, library, corpus, str(int(quick))))


def print_peak(library: str, corpus: str, quick: str) -> None:
    """The measuring process of `peak_memory`."""
    texts = load_texts(corpus, quick == "1")

    def build(documents: list[str]) -> Any:
        if library == "ours":
            return BM25Index().fit(documents)
        return their_index(their_tokens(documents, True))

    build(["warm up é", "warm down"] * 40)  # what is loaded once is no memory of the index
    before = begin_memory()
    index = build(texts)
    after = {"peak": resident("VmHWM") - before, "index": resident("VmRSS") - before}
    assert index is not None
    print(json.dumps({name: kilobytes / 1e3 for name, kilobytes in after.items()}))


def memory_rows(corpus: str, quick: bool) -> list[Row]:
    """Memory while indexing, and of the index."""
    mine, peer = peak_memory("ours", corpus, quick), peak_memory("theirs", corpus, quick)
    return [
        Row(
            corpus, metric, mine[key], PEER, peer[key],
            peer[key] / mine[key], "MB", available_cores(), machine_name(),
        )
        for key, metric in (("peak", "peak memory, indexing"), ("index", "memory, indexed"))
    ]  # fmt: skip


def main() -> None:
    """Run everything and report."""
    if len(sys.argv) > 1 and sys.argv[1] == "--peak":
        print_peak(*sys.argv[2:])
        return
    options = parse_options(__doc__ or "")
    rows: list[Row] = []
    for corpus in ("imdb", "20newsgroups"):
        texts = load_texts(corpus, options.quick)
        queries = load_queries(corpus, 1000 if options.quick else 5000)
        rows += measure(corpus, texts, queries, options.quick)
        rows += memory_rows(corpus, options.quick)
    title = f"textrep beside bm25s {bm25s.__version__}, the best {K} documents a query"
    report(title, rows, options.json, digits=0)


if __name__ == "__main__":
    main()
