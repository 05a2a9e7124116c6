"""The vectorisers beside scikit-learn's, in one run: time, memory, and the physical limit.

    python benchmarks/sparse.py --data DIR [--quick] [--json FILE]

Every row first checks that both give the same matrix (indices and counts identical, TF-IDF and
hashed values within one unit in the last place) and the same vocabulary in the same order, and only
then times them in turns (medians). Each row is timed on all cores and on one, without the
vocabulary and with `vocabulary_` read, which ours makes only when asked. The first transform after
a fit, which makes ready what later ones use, has a row of its own. The limit is a pass over the
same bytes that does nothing but find and lower-case the tokens, without looking them up. Data: the
25,000 labelled training reviews of IMDb and the training part of 20 Newsgroups.

What was tried and lost (one thread, IMDb): a dense array of counts over all terms instead of
sorting each row (unigrams 1.5 times, bigrams 3 times slower); looking tokens up while finding them
instead of in a second loop with the cache lines asked for (tokenising 1.5 times slower);
foreseeing whether a bit is set before setting it (char_wb counting 2.5 times slower); bisecting a
prefix's sorted continuations (transform of pairs 1.6 times slower than hashing them); letting
Python decode, and walk, documents that are not ASCII character by character (these twice as slow);
letting numpy allocate the kernels' large arrays, for the sake of huge pages (no difference);
spelling the terms of `vocabulary_` in a thread beside the one that makes strings of them (no
faster, as each waits for the other's GIL, and with one thread a third slower).
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from harness import (
    Row,
    ask_child,
    begin_memory,
    machine_name,
    parse_options,
    report,
    resident,
    seconds,
    take_turns,
)
from sklearn.feature_extraction import text as theirs

from textrep import load_corpus
from textrep import sparse as ours
from textrep.sparse.analysis import plan_of
from textrep.sparse.kernels.tokenize import scan_tokens
from textrep.sparse.threads import available_cores, run_parallel

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("counts (1,1)", "CountVectorizer", {}),
    ("TF-IDF (1,1)", "TfidfVectorizer", {}),
    ("TF-IDF (1,2)", "TfidfVectorizer", {"ngram_range": (1, 2)}),
    ("counts char_wb (3,5)", "CountVectorizer", {"analyzer": "char_wb", "ngram_range": (3, 5)}),
    ("hashing (1,1)", "HashingVectorizer", {}),
]
QUICK_DOCUMENTS = 5000
READ = "fit_transform + vocabulary_"
FIRST = "first transform"
MEMORY_CASE = ("TfidfVectorizer", {"ngram_range": (1, 2)})


def load_texts(name: str, quick: bool) -> list[str]:
    """Texts of the training part of a named corpus."""
    texts = list(load_corpus(name).part("train").texts)
    return texts[:: max(1, len(texts) // QUICK_DOCUMENTS)] if quick else texts


def check_same(a: Any, b: Any, what: str) -> None:
    """Stop the benchmark where two matrices differ."""
    same = (
        type(a) is type(b)
        and a.shape == b.shape
        and a.dtype == b.dtype
        and np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and a.indices.dtype == b.indices.dtype
    )
    if same and a.dtype.kind == "f":
        same = bool((np.abs(a.data - b.data) <= np.spacing(np.abs(b.data))).all())
    elif same:
        same = np.array_equal(a.data, b.data)
    if not same:
        sys.exit(f"{what}: the matrix is not scikit-learn's")


def check_vocabulary(a: Any, b: Any, what: str) -> None:
    """Stop the benchmark where two vocabularies differ in content or order."""
    if a.vocabulary_ != b.vocabulary_ or list(a.vocabulary_) != list(b.vocabulary_):
        sys.exit(f"{what}: the vocabulary is not scikit-learn's")


def reading_vocabulary(vectorizer: Any, texts: list[str]) -> Callable[[], Any]:
    """A task that fits and then reads the vocabulary."""

    def task() -> Any:
        X = vectorizer.fit_transform(texts)
        return X, vectorizer.vocabulary_

    return task


def first_transform(vectorizer: Any, texts: list[str], repeats: int) -> float:
    """Median seconds of a transform right after a fit, the fit not counted."""
    spent = []
    for _ in range(repeats):
        vectorizer.fit(texts)
        spent.append(seconds(lambda: vectorizer.transform(texts)))
    return statistics.median(spent)


def measure(corpus: str, texts: list[str], quick: bool) -> list[Row]:
    """All rows of one corpus."""
    rows = []
    machine = machine_name()
    cores = available_cores()
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    repeats = {"all": 3 if quick else 7, "one": 3 if quick else 5, "theirs": 1 if quick else 3}
    for label, class_name, parameters in CASES:
        what = f"{label}, {corpus}"
        print(f"{what} ...", file=sys.stderr, flush=True)
        peer = getattr(theirs, class_name)(**parameters)
        every = getattr(ours, class_name)(**parameters)
        single = getattr(ours, class_name)(**parameters, n_jobs=1)
        wanted = peer.fit_transform(texts)
        for vectorizer in (every, single):
            check_same(vectorizer.fit_transform(texts), wanted, what)
        verbs = {"fit_transform": lambda v: lambda: v.fit_transform(texts)}
        if class_name != "HashingVectorizer":
            check_vocabulary(every, peer, what)
            check_vocabulary(single, peer, what)
            wanted = peer.transform(texts)
            for vectorizer in (every, single):
                check_same(vectorizer.transform(texts), wanted, what)
            verbs[READ] = lambda v: reading_vocabulary(v, texts)
            verbs["transform"] = lambda v: lambda: v.transform(texts)
        del wanted
        peer_seconds = 0.0
        timings: list[tuple[str, dict[str, float], float]] = []
        for verb, task in verbs.items():
            tasks = {"all": task(every), "one": task(single), "theirs": task(peer)}
            if verb == READ:  # scikit-learn has made its dict by then: the time stands already
                del tasks["theirs"]
            times = take_turns(tasks, repeats)
            peer_seconds = times.get("theirs", peer_seconds)
            timings.append((verb, times, peer_seconds))
        if "transform" in verbs:  # to scikit-learn the first is like any other
            firsts = {
                key: first_transform(vectorizer, texts, 3)
                for key, vectorizer in (("all", every), ("one", single))
            }
            timings.append((FIRST, firsts, peer_seconds))
        for verb, times, peer_seconds in timings:
            for key, threads in (("all", cores), ("one", 1)):
                rows.append(
                    Row(
                        what,
                        verb,
                        megabytes / times[key],
                        "scikit-learn",
                        megabytes / peer_seconds,
                        peer_seconds / times[key],
                        "MB/s",
                        threads,
                        machine,
                    )
                )
    rows += limits(corpus, texts, megabytes)
    return rows


def limits(corpus: str, texts: list[str], megabytes: float) -> list[Row]:
    """The bare tokenising pass, beside the time of counting unigrams."""
    vectorizer = ours.CountVectorizer()
    plan = plan_of(vectorizer)
    assert plan is not None
    (batch,) = plan.batches(texts)
    rows = []
    for threads in (available_cores(), 1):
        parts = [(batch.address, batch.nbytes, *r, True) for r in batch.cut(threads)[0]]
        counting = ours.CountVectorizer(n_jobs=threads)
        times = take_turns(
            {
                "scan": lambda parts=parts: run_parallel(scan_tokens, parts, len(parts)),
                "count": lambda v=counting: v.fit_transform(texts),
            },
            {"scan": 7, "count": 7},
        )
        rows.append(
            Row(
                f"counts (1,1), {corpus}",
                "fit_transform",
                megabytes / times["count"],
                "bare tokenising pass",
                megabytes / times["scan"],
                times["scan"] / times["count"],
                "MB/s",
                threads,
                machine_name(),
            )
        )
    return rows


def peak_memory(library: str, corpus: str, quick: bool, read: bool) -> float:
    """MB that a fit of TF-IDF (1,2) adds to a process of its own that holds the texts."""
    return float(ask_child(__file__, library, corpus, str(int(quick)), str(int(read))))


def print_peak(library: str, corpus: str, quick: str, read: str) -> None:
    """The measuring process of `peak_memory`."""
    texts = load_texts(corpus, quick == "1")
    class_name, parameters = MEMORY_CASE
    module = ours if library == "ours" else theirs
    # what is loaded once (code, tables) is no memory of the fit
    getattr(module, class_name)(**parameters).fit_transform(["warm up é", "warm down"] * 40)
    before = begin_memory()
    vectorizer = getattr(module, class_name)(**parameters)
    X = vectorizer.fit_transform(texts)
    if read == "1":
        assert len(vectorizer.vocabulary_) == X.shape[1]
    print(json.dumps((resident("VmHWM") - before) / 1e3))


def memory_rows(corpus: str, quick: bool) -> list[Row]:
    """Peak memory of TF-IDF (1,2)."""
    rows = []
    for read, metric in ((False, "peak memory"), (True, "peak memory + vocabulary_")):
        mine = peak_memory("ours", corpus, quick, read)
        peer = peak_memory("theirs", corpus, quick, read)
        rows.append(
            Row(
                f"TF-IDF (1,2), {corpus}", metric, mine, "scikit-learn", peer, peer / mine, "MB",
                available_cores(), machine_name(),
            )
        )  # fmt: skip
    return rows


def tiny_rows(texts: list[str]) -> list[Row]:
    """One short document, warm: the price of a call. `transform` knows a corpus's vocabulary."""
    rows = []
    text = ["the quick brown fox jumps over the lazy dog"]
    for label, class_name, parameters in CASES:
        for verb in ("fit_transform", "transform"):
            mine = getattr(ours, class_name)(**parameters)
            peer = getattr(theirs, class_name)(**parameters)
            for vectorizer in (mine, peer):
                if verb == "transform":
                    vectorizer.fit(texts)

            def calls(vectorizer: Any, verb: str = verb) -> None:
                for _ in range(300):
                    getattr(vectorizer, verb)(text)

            calls(mine)
            calls(peer)
            times = take_turns(
                {"ours": lambda v=mine: calls(v), "theirs": lambda v=peer: calls(v)},
                {"ours": 7, "theirs": 7},
            )
            rows.append(
                Row(
                    f"{label}, one short text", verb, times["ours"] / 300 * 1e6, "scikit-learn",
                    times["theirs"] / 300 * 1e6, times["theirs"] / times["ours"], "us", 1,
                    machine_name(),
                )
            )  # fmt: skip
    return rows


def main() -> None:
    """Run everything and report."""
    if len(sys.argv) > 1 and sys.argv[1] == "--peak":
        print_peak(*sys.argv[2:])
        return
    options = parse_options(__doc__ or "")
    rows: list[Row] = []
    for corpus in ("imdb", "20newsgroups"):
        rows += measure(corpus, load_texts(corpus, options.quick), options.quick)
        rows += memory_rows(corpus, options.quick)
    rows += tiny_rows(load_texts("20newsgroups", True)[:1000])
    report(f"textrep beside scikit-learn {sklearn.__version__}", rows, options.json, digits=1)


if __name__ == "__main__":
    main()
