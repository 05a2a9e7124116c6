"""Random differential test of the vectorisers against scikit-learn's, as a script and as a source
of cases for tests.

    python tests/sparse/differential.py --cases 1000000 --seed 0 --jobs 2

A case is one class with random parameters, fitted on random Unicode documents and applied to
others; matrices (values, index order, dtypes), vocabularies (content and order), warnings and
errors must be scikit-learn's. The first difference is printed with what makes it again, and the
exit code is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
import warnings
from typing import Any

import numpy as np
from sklearn import set_config
from sklearn.feature_extraction import text as theirs

from textrep import sparse as ours
from textrep.sparse import short, threads

SHIPPED_TINY = short.TINY_CHARACTERS

WORDS = (
    "a I the The of and times Best worst foolishness incredulity Über naïve café Straße ΣΑΣ "
    "σίσυφος İstanbul ısı "
    "ǅungla ﬁnal ½ ①② 123 4_5 __ snake_case don't e-mail x.y "
    "http://www.example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab "
    "exactly8 ninechars sixteencharslong seventeencharslon 中文 字符 ภาษาไทย हिन्दी العربية ٣٤ 😀😀 "
    "e\u0301te\u0301 \u0301 "
    "Ω Å ﷺ ẞ ß ŉ ǰ ΐ \ud800 \udfff x\ud83dy a\x00b \x00 nul\x00\x00end ſ K ª"
).split(" ")
SPACES = (
    " ",
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\t \t",
    "\r\n",
    "\u00a0",
    "\u2003",
    "\x85",
    "\x1c",
    "\u2028",
    ", ",
    ". ",
    "—",
    "",
    "-",
    "...",
    "\ufeff",
)
ALPHABETS = (
    "ab ",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789_-.,;'\"!?\n\t",
    "aàáâäãåæçéèêëíñóöøúüßÿ AÀÄÉÑÖÜ ",
    "αβγσςΣΑάΩ İıIi ǅǆ ŉ ﬁ½²①ªK",
    "中文字符 ภาษาไทย हिन्दी العربية ٣٤\u0301\u0300\u200d😀",
)


def random_document(rng: random.Random) -> str:
    """Words, letters of one script, or any code points at all."""
    kind = rng.random()
    if kind < 0.55:
        return "".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randrange(0, 14)))
    if kind < 0.9:
        alphabet = rng.choice(ALPHABETS)
        return "".join(rng.choices(alphabet, k=rng.randrange(0, 60)))
    top = rng.choice((0x80, 0x250, 0x3000, 0x110000))
    return "".join(chr(rng.randrange(top)) for _ in range(rng.randrange(0, 20)))


def random_parameters(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A class name and keyword arguments that both libraries take."""
    name = rng.choice(
        ("CountVectorizer", "CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
    )
    p: dict[str, Any] = {"analyzer": rng.choice(("word", "word", "char", "char_wb"))}
    smallest = rng.choice((1, 1, 1, 2, 3, 5))
    p["ngram_range"] = (smallest, smallest + rng.choice((0, 0, 1, 2)))
    if rng.random() < 0.3:
        p["lowercase"] = False
    if rng.random() < 0.35:
        p["strip_accents"] = rng.choice(("ascii", "unicode"))
    if p["analyzer"] == "word":
        if rng.random() < 0.3:
            p["stop_words"] = rng.choice(("english", ["the", "and", "of"], ["a", "über", "Best"]))
        if rng.random() < 0.35:
            p["token_pattern"] = rng.choice(
                (
                    r"(?u)\b\w+\b",
                    r"\w+",
                    r"\w\w+",
                    r"\b\w{2,}\b",
                    r"(?u)\b[a-z]+\b",
                    r"\S+",
                    r"(\w)\w+",
                )
            )
    if rng.random() < 0.2:
        p["binary"] = True
    if name == "HashingVectorizer":
        p["n_features"] = rng.choice((1, 7, 16, 2**10, 2**20, 2**31 - 2))
        p["norm"] = rng.choice(("l1", "l2", None))
        p["alternate_sign"] = rng.random() < 0.6
        if rng.random() < 0.2:
            p["dtype"] = rng.choice((np.float32, np.int64))
        return name, p
    roll = rng.random()
    if roll < 0.25:
        p["min_df"] = rng.choice((1, 2, 0.2, 0.5, 1.0))
        p["max_df"] = rng.choice((1.0, 0.7, 0.5, 2, 3))
    if rng.random() < 0.25:
        p["max_features"] = rng.choice((1, 3, 10, 40))
    if rng.random() < 0.15:
        terms = [*rng.sample(WORDS, 8), "the best", "a", "ab", " a ", "of the times", " ab", "b "]
        p["vocabulary"] = rng.choice(
            (terms, set(terms), {term: i for i, term in enumerate(reversed(terms))})
        )
    if name == "TfidfVectorizer":
        p["norm"] = rng.choice(("l1", "l2", None))
        p["use_idf"] = rng.random() < 0.8
        p["smooth_idf"] = rng.random() < 0.7
        p["sublinear_tf"] = rng.random() < 0.3
        if rng.random() < 0.2:
            p["dtype"] = np.float32
    elif rng.random() < 0.2:
        p["dtype"] = rng.choice((np.float64, np.float32, np.int32, np.uint8))
    return name, p


def same_matrix(a: Any, b: Any) -> str | None:
    """None when two CSR matrices agree in every stored bit but the last of a float, else what
    differs.
    """
    if type(a) is not type(b) or a.shape != b.shape or a.dtype != b.dtype:
        return (
            f"{type(a).__name__} {a.shape} {a.dtype} against {type(b).__name__} {b.shape} {b.dtype}"
        )
    for part in ("indptr", "indices"):
        x, y = getattr(a, part), getattr(b, part)
        if x.dtype != y.dtype or not np.array_equal(x, y):
            return f"{part}: {x} ({x.dtype}) against {y} ({y.dtype})"
    if np.array_equal(a.data, b.data):
        return None
    if a.dtype.kind == "f" and (np.abs(a.data - b.data) <= np.spacing(np.abs(b.data))).all():
        return None
    return f"data: {a.data} against {b.data}"


def run(
    vectorizer: Any, documents: list[Any], others: list[Any], short_way: bool = False
) -> dict[str, Any]:
    """What a user sees of a vectoriser: results, warnings and errors. ``short_way`` lets texts that
    are transformed take the way of short ones.
    """
    seen: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            seen["fitted"] = vectorizer.fit_transform(documents)
            if not isinstance(vectorizer, theirs.HashingVectorizer):
                seen["vocabulary"] = list(vectorizer.vocabulary_.items())
                seen["names"] = vectorizer.get_feature_names_out().tolist()
            if isinstance(vectorizer, theirs.TfidfVectorizer) and vectorizer.use_idf:
                seen["idf"] = vectorizer.idf_.tolist()
            short.TINY_CHARACTERS = SHIPPED_TINY if short_way else 0
            seen["transformed"] = vectorizer.transform(others)
        except Exception as error:
            seen["error"] = (type(error).__name__, str(error))
        finally:
            short.TINY_CHARACTERS = 0
    seen["warnings"] = sorted(str(w.message) for w in caught if w.category is not RuntimeWarning)
    return seen


def compare(
    name: str,
    parameters: dict[str, Any],
    documents: list[Any],
    others: list[Any],
    short_way: bool = False,
) -> str | None:
    """None when ours and scikit-learn's show the same, else the difference in words."""
    wanted = run(getattr(theirs, name)(**parameters), documents, others)
    got = run(getattr(ours, name)(**parameters), documents, others, short_way)
    if wanted.keys() != got.keys():
        return f"{ {k: got.get(k) for k in got} } against { {k: wanted.get(k) for k in wanted} }"
    for part, value in wanted.items():
        if part in ("fitted", "transformed"):
            difference = same_matrix(got[part], value)
        else:
            difference = None if got[part] == value else f"{got[part]} against {value}"
        if difference:
            return f"{part}: {difference}"
    return None


def random_case(seed: int) -> tuple[str, dict[str, Any], list[Any], list[Any]]:
    """Class, parameters, documents to fit and documents to transform, all from one seed."""
    rng = random.Random(seed)
    name, parameters = random_parameters(rng)
    documents: list[Any] = [random_document(rng) for _ in range(rng.randrange(1, 7))]
    others: list[Any] = [random_document(rng) for _ in range(rng.randrange(1, 4))] + documents[:1]
    if rng.random() < 0.1:
        parameters["encoding"] = encoding = rng.choice(("utf-8", "latin-1", "utf-16"))
        parameters["decode_error"] = rng.choice(("strict", "ignore", "replace"))
        documents = [d.encode(encoding, "ignore") for d in documents]
        others = [d.encode("utf-8", "ignore") for d in others]
    return name, parameters, documents, others


def check_seed(seed: int) -> str | None:
    """Compare one random case; every tenth is cut into parts for several threads, every fifth
    transforms its short texts by the dict.
    """
    name, parameters, documents, others = random_case(seed)
    short.TINY_CHARACTERS = 0  # else scikit-learn's own code would count these
    threads.BYTES_PER_THREAD = 8 if seed % 10 == 0 else 1 << 18
    difference = compare(name, parameters, documents, others, short_way=seed % 5 == 2)
    if difference is None:
        return None
    return (
        f"seed {seed}: {name}(**{parameters!r})\nfit on {documents!r}\n"
        f"applied to {others!r}\n{difference}"
    )


def _check_range(bounds: tuple[int, int]) -> tuple[int, str | None]:
    # every parameter drawn is valid, and checking them takes as long as the rest of a case
    set_config(skip_parameter_validation=True)
    for seed in range(*bounds):
        difference = check_seed(seed)
        if difference:
            return seed - bounds[0] + 1, difference
    return bounds[1] - bounds[0], None


def main() -> int:
    """Run the cases and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument(
        "--seed", type=int, default=0, help="the first case's seed; the others follow"
    )
    parser.add_argument("--jobs", type=int, default=threads.available_cores())
    options = parser.parse_args()
    step = 500
    end = options.seed + options.cases
    ranges = [(a, min(a + step, end)) for a in range(options.seed, end, step)]
    begun = time.perf_counter()
    done = 0
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for n, difference in pool.imap_unordered(_check_range, ranges):
            done += n
            if difference:
                print(f"\nDIFFERENCE after {done} cases\n{difference!a}")
                return 1
            rate = done / (time.perf_counter() - begun)
            print(f"\r{done} cases, {rate:.0f} a second", end="", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    seeds = f"seeds {options.seed} to {end - 1}"
    print(f"\n{done} cases ({seeds}) without a difference in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
