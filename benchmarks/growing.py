"""What goes beyond scikit-learn's vectorisers in learning: streams, parts, merged parts, stems.

    python benchmarks/growing.py [--data DIR] [--quick] [--json FILE]

- A stream of five times IMDb's training reviews: memory that `fit` of a generator adds, beside
  scikit-learn's on the same generator; and of ten times, beside ours of five. Measured in a process
  of its own, which makes the stream from the texts it holds.
- `partial_fit` in 25 parts and `merge` of two halves, until the idf is there, beside `fit` of the
  whole; the idf is checked equal.
- Stems through the vocabulary, each distinct word once, with a stemmer that remembers nothing yet,
  beside a stem for every occurrence: scikit-learn with the same NLTK stemmer in its tokenizer, as
  its documentation advises. The two matrices are checked equal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
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
from nltk.stem import SnowballStemmer
from sklearn.feature_extraction import text as theirs

import textrep as ours
from textrep.data import DataError
from textrep.preprocess.stemming import words_stemmer
from textrep.sparse.threads import available_cores

ROUNDS = 5
CASES = {"TF-IDF (1,1)": {}, "TF-IDF (1,2)": {"ngram_range": (1, 2)}}


def load_texts(quick: bool) -> list[str]:
    """IMDb's training reviews, mixed, a fifth of them for a quick run."""
    texts = list(ours.load_corpus("imdb", split="train").texts)
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts[i] for i in order[: 5000 if quick else None]]


def row(
    name: str, metric: str, mine: float, peer_name: str, peer: float, unit: str, *, more: bool
) -> Row:
    """A row whose ratio says how many times better ours is; ``more`` says whether more is."""
    ratio = mine / peer if more else peer / mine
    return Row(name, metric, mine, peer_name, peer, ratio, unit, available_cores(), machine_name())


# ---- streams


def stream(texts: list[str], rounds: int) -> Iterator[str]:
    """New strings, so that the stream is as dear to hold as one read from a file."""
    for _ in range(rounds):
        for text in texts:
            yield text + " "


def added_memory(library: str, case: str, rounds: int, quick: bool) -> float:
    """MB that `fit` of a stream adds to a process of its own."""
    return float(ask_child(__file__, library, case, str(rounds), str(int(quick))))


def print_peak(library: str, case: str, rounds: str, quick: str) -> None:
    """The measuring process of `added_memory`."""
    texts = load_texts(quick == "1")
    cls = (ours if library == "ours" else theirs).TfidfVectorizer
    cls(**CASES[case]).fit(iter(["warm up é", "warm down"] * 40))
    before = begin_memory()
    vectorizer = cls(**CASES[case]).fit(stream(texts, int(rounds)))
    assert vectorizer.idf_.size
    print(json.dumps((resident("VmHWM") - before) / 1e3))


def stream_rows(quick: bool) -> list[Row]:
    """Memory of streams."""
    rows = []
    for case in CASES:
        mine = added_memory("ours", case, ROUNDS, quick)
        peer = added_memory("theirs", case, ROUNDS, quick)
        longer = added_memory("ours", case, 2 * ROUNDS, quick)
        name = f"{case}, fit of a stream"
        rows += [
            row(
                f"{name} of {ROUNDS} x imdb", "memory", mine, "scikit-learn", peer, "MB",
                more=False,
            ),
            row(
                f"{name} of {2 * ROUNDS} x imdb", "memory", longer, f"ours, {ROUNDS} x imdb", mine,
                "MB", more=False,
            ),
        ]  # fmt: skip
    return rows


# ---- parts


def by_parts(texts: list[str], parameters: dict[str, Any]) -> Any:
    """`partial_fit` in 25 parts."""
    vectorizer = ours.TfidfVectorizer(**parameters)
    size = -(-len(texts) // 25)
    for begin in range(0, len(texts), size):
        vectorizer.partial_fit(texts[begin : begin + size])
    return vectorizer.idf_


def by_halves(texts: list[str], parameters: dict[str, Any]) -> Any:
    """Two vectorisers, merged."""
    middle = len(texts) // 2
    first = ours.TfidfVectorizer(**parameters).partial_fit(texts[:middle])
    second = ours.TfidfVectorizer(**parameters).partial_fit(texts[middle:])
    return first.merge(second).idf_


def part_rows(texts: list[str]) -> list[Row]:
    """Time of `partial_fit` and `merge` beside `fit`."""
    rows = []
    megabytes = sum(map(len, texts)) / 1e6
    for case, parameters in CASES.items():

        def fit(parameters: dict[str, Any] = parameters) -> Any:
            return ours.TfidfVectorizer(**parameters).fit(texts).idf_

        def peer(parameters: dict[str, Any] = parameters) -> Any:
            return theirs.TfidfVectorizer(**parameters).fit(texts).idf_

        wanted = fit()
        for way in (by_parts, by_halves):
            np.testing.assert_array_equal(way(texts, parameters), wanted)
        times = take_turns(
            {
                "fit": fit,
                "parts": lambda p=parameters: by_parts(texts, p),
                "halves": lambda p=parameters: by_halves(texts, p),
                "peer": peer,
            },
            {"fit": 5, "parts": 5, "halves": 5, "peer": 1},
        )
        speed = {name: megabytes / spent for name, spent in times.items()}
        for metric, way in (("partial_fit, 25 parts", "parts"), ("merge of 2 halves", "halves")):
            for peer_name, other in (("ours, fit", "fit"), ("scikit-learn, fit", "peer")):
                rows.append(
                    row(
                        f"{case}, imdb", metric, speed[way], peer_name, speed[other], "MB/s",
                        more=True,
                    )
                )  # fmt: skip
    return rows


# ---- stems


def every_occurrence(**parameters: Any) -> theirs.TfidfVectorizer:
    """scikit-learn's vectoriser with a stem for every occurrence of a word."""
    find, stem = re.compile(r"(?u)\b\w\w+\b").findall, SnowballStemmer("english").stem
    return theirs.TfidfVectorizer(
        tokenizer=lambda text: [stem(word) for word in find(text)], token_pattern=None, **parameters
    )


def stem_rows(texts: list[str]) -> list[Row]:
    """Time of a stemmed fit through the vocabulary and by occurrence."""
    rows = []
    for case, parameters in CASES.items():
        kept: dict[str, Any] = {}

        def mine(parameters: dict[str, Any] = parameters, kept: dict[str, Any] = kept) -> None:
            words_stemmer.cache_clear()  # a stemmer that remembers no word
            vectorizer = ours.TfidfVectorizer(stemmer=ours.Stemmer(), **parameters)
            kept["ours"] = vectorizer.fit_transform(texts)

        def peer(parameters: dict[str, Any] = parameters, kept: dict[str, Any] = kept) -> None:
            kept["theirs"] = every_occurrence(**parameters).fit_transform(texts)

        fast = sorted(seconds(mine) for _ in range(3))[1]
        slow = seconds(peer)
        assert kept["ours"].shape == kept["theirs"].shape
        assert abs(kept["ours"] - kept["theirs"]).max() < 1e-12
        rows.append(
            row(
                f"stemmed {case}, {len(texts):,} reviews", "fit_transform", fast,
                "scikit-learn, a stem an occurrence", slow, "s", more=False,
            )
        )  # fmt: skip
    return rows


def main() -> None:
    """Run everything and report."""
    if len(sys.argv) > 1 and sys.argv[1] == "--peak":
        print_peak(*sys.argv[2:])
        return
    options = parse_options(__doc__ or "")
    try:
        texts = load_texts(options.quick)
    except DataError as error:
        sys.exit(f"growing.py: {error}")
    rows = stem_rows(texts) + part_rows(texts) + stream_rows(options.quick)
    report("Learning beyond fit", rows, options.json)


if __name__ == "__main__":
    main()
