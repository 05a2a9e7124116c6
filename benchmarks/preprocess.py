"""What preprocessing gets right, and how fast: beside NLTK, Norvig, symspellpy, tokenizers, pandas.

    python benchmarks/preprocess.py --data DIR [--quick] [--json FILE]

Stems: the part of the vocabularies of the Snowball project (its version 3) that has the same stem,
ours and NLTK's. Spelling: Norvig's two test sets, ours with the words of big.txt and with the
library's own dictionary, beside the figures that he published for his corrector and beside
symspellpy's own choice; the weights of ours come from other data, see spelling_weights.py. Speed:
IMDb's training reviews through a cleaner and through the same steps as a chain of pandas' string
methods (the texts that come out are compared first); stemming each occurrence and each distinct
word; cutting into subwords. Peers take turns with ours (medians), everything in one thread but
subwords, where the tokenizers library uses all cores for both.
"""

from __future__ import annotations

import gzip
import os
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from harness import Row, machine_name, parse_options, report, take_turns
from nltk.stem.snowball import SnowballStemmer
from symspellpy import SymSpell, Verbosity
from tokenizers import Tokenizer

from textrep import load_corpus
from textrep.preprocess import (
    SpellingCorrector,
    Stemmer,
    SubwordTokenizer,
    TextCleaner,
    stop_words,
)
from textrep.preprocess.dictionary import english_words
from textrep.preprocess.stemming import words_stemmer
from textrep.preprocess.subword_training import MODELS
from textrep.preprocess.tokens import TOKEN_PATTERN

LANGUAGES = ("english", "french", "german", "russian", "spanish")
NORVIG = {"spell-testset1": 75.0, "spell-testset2": 68.0}
"""Percent of each test set that he reports, at https://norvig.com/spell-correct.html."""

DOCUMENTS, QUICK_DOCUMENTS = 25_000, 2000
STEMMED_DOCUMENTS = 2000
REPEATS, QUICK_REPEATS = 5, 3


def row(name: str, metric: str, ours: float, peer_name: str, peer: float, unit: str) -> Row:
    """A row in which more is better; one thread."""
    return Row(name, metric, ours, peer_name, peer, ours / peer, unit, 1, machine_name())


def stems(folder: Path) -> list[Row]:
    """Agreement with Snowball's vocabularies."""
    rows = []
    for language in LANGUAGES:
        words, expected = (
            (folder / language / name).read_text("utf-8").split("\n")[:-1]
            for name in ("voc.txt", "output.txt")
        )
        theirs = SnowballStemmer(language).stem
        ours = percent(Stemmer(language=language).stem_words(words), expected)
        peer = percent([theirs(word) for word in words], expected)
        rows.append(row(f"stems, {language}", "same as Snowball 3", ours, "NLTK", peer, "%"))
    return rows


def percent(answers: list[str], expected: list[str]) -> float:
    """How many of the answers are as expected."""
    same = sum(a == b for a, b in zip(answers, expected, strict=True))
    return 100 * same / len(expected)


def spelling(folder: Path) -> list[Row]:
    """Accuracy on Norvig's test sets, and speed on the words in them."""
    with gzip.open(folder / "big.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        learnt = SpellingCorrector().fit([file.read()])
    correctors = {
        "big.txt": (learnt, index_of(learnt.words_)),
        "own dictionary": (SpellingCorrector(dictionary="english"), index_of(english_words())),
    }
    rows = []
    for name, published in NORVIG.items():
        right, wrong = [], []
        for line in (folder / f"{name}.txt").read_text("utf-8").splitlines():
            word, _, misspelt = line.partition(":")
            wrong += misspelt.split()
            right += [word.strip()] * len(misspelt.split())
        for words, (corrector, index) in correctors.items():
            what = f"{name} ({len(right)}), {words}"
            ours = percent(corrector.correct_words(wrong), right)
            top = percent([top_of(index, word) for word in wrong], right)
            if words == "big.txt":
                rows.append(row(what, "right", ours, "Norvig, published", published, "%"))
            rows.append(row(what, "right", ours, "symspellpy", top, "%"))
    return rows


def index_of(words: Any) -> SymSpell:
    """symspellpy's own index of words."""
    index = SymSpell(2)
    for word, count in words.items():
        index.create_dictionary_entry(word, count)
    return index


def top_of(index: SymSpell, word: str) -> str:
    """What symspellpy suggests first."""
    found = index.lookup(word, Verbosity.TOP, 2)
    return found[0].term if found else word


def pandas_chain(texts: list[str], stops: frozenset[str] | None) -> list[str]:
    """The usual steps, as a chain of a data frame's string methods."""
    series = (
        pd.Series(texts)
        .str.replace(r"<[^>]*>", " ", regex=True)
        .str.lower()
        .str.replace(rf"[{re.escape(string.punctuation)}]+", " ", regex=True)
        .str.replace(r"\d+", "0", regex=True)
    )
    if stops is None:
        return series.str.replace(r"\s+", " ", regex=True).str.strip().tolist()
    return [" ".join(w for w in text.split() if w not in stops) for text in series]


def cleaning(texts: list[str], repeats: int) -> list[Row]:
    """Megabytes a second through the cleaner, beside the chain with the same answers."""
    size = megabytes(texts)
    common = {"html": True, "punctuation": " ", "symbols": " ", "digits": "0"}
    cases: dict[str, tuple[dict[str, Any], frozenset[str] | None]] = {
        "HTML, case, punctuation, digits, space": (common, None),
        "the same and stop words": ({**common, "stop_words": "english"}, stop_words("english")),
    }
    rows = []
    for what, (parameters, stops) in cases.items():
        cleaner = TextCleaner(**parameters)
        ascii_texts = [text for text in texts if text.isascii()]
        same = percent(cleaner.transform(ascii_texts), pandas_chain(ascii_texts, stops))
        if same < 99.5:  # the chain leaves entities, and takes "<=8.<br />" for one tag
            sys.exit(f"{what}: only {same:.2f} % of the texts come out alike")
        times = take_turns(
            {
                "ours": lambda c=cleaner: c.transform(texts),
                "theirs": lambda s=stops: pandas_chain(texts, s),
            },
            dict.fromkeys(("ours", "theirs"), repeats),
        )
        ours, theirs = size / times["ours"], size / times["theirs"]
        rows.append(row(f"cleaning: {what}", "transform", ours, "pandas chain", theirs, "MB/s"))
    return rows


def stemming(texts: list[str], repeats: int) -> list[Row]:
    """Words a second: the occurrences of texts, and their distinct words."""
    pattern = re.compile(TOKEN_PATTERN)
    occurrences = [word for text in texts for word in pattern.findall(text)]
    distinct = list(dict.fromkeys(occurrences))
    theirs = SnowballStemmer("english").stem
    by_nltk = [pattern.sub(lambda token: theirs(token[0]), text) for text in texts[:50]]
    if Stemmer().transform(texts[:50]) != by_nltk:
        sys.exit("the stemmed texts are not NLTK's")
    tasks: dict[str, tuple[int, Callable[[], Any], Callable[[], Any]]] = {
        "every occurrence": (
            len(occurrences),
            cold(lambda: Stemmer().transform(texts)),
            lambda: [pattern.sub(lambda token: theirs(token[0]), text) for text in texts],
        ),
        "distinct words": (
            len(distinct),
            cold(lambda: Stemmer().stem_words(distinct)),
            lambda: [theirs(word) for word in distinct],
        ),
    }
    rows = []
    for what, (count, ours, peer) in tasks.items():
        times = take_turns({"ours": ours, "theirs": peer}, {"ours": repeats, "theirs": repeats})
        rates = [count / times[who] / 1000 for who in ("ours", "theirs")]
        rows.append(row(f"stemming, {what}", "stem", rates[0], "NLTK", rates[1], "k words/s"))
    return rows


def cold(task: Callable[[], Any]) -> Callable[[], Any]:
    """The task after all remembered stems are forgotten."""

    def run() -> Any:
        words_stemmer.cache_clear()
        return task()

    return run


def subwords(texts: list[str], repeats: int) -> list[Row]:
    """Megabytes a second into tokens, beside the library used directly."""
    size = megabytes(texts)
    rows = []
    for model in MODELS:
        ours = SubwordTokenizer(model=model, vocab_size=8000).fit(texts[: len(texts) // 4])
        direct = Tokenizer.from_str(ours.tokenizer_.to_str())

        def by_library(direct: Tokenizer = direct) -> list[list[str]]:
            return [encoding.tokens for encoding in direct.encode_batch(texts)]

        if ours.tokenize_texts(texts) != by_library():
            sys.exit(f"{model}: the tokens are not the library's")
        times = take_turns(
            {"ours": lambda o=ours: o.tokenize_texts(texts), "theirs": by_library},
            {"ours": repeats, "theirs": repeats},
        )
        rates = [size / times[who] for who in ("ours", "theirs")]
        rows.append(row(f"subwords, {model}", "tokenize", rates[0], "tokenizers", rates[1], "MB/s"))
    return rows


def megabytes(texts: list[str]) -> float:
    """Size of texts in UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


def main() -> None:
    """All rows, as a table and as JSON."""
    options = parse_options(__doc__ or "")
    if "TEXTREP_DATA" not in os.environ:
        sys.exit("say where the data is: --data DIR or the variable TEXTREP_DATA")
    root = Path(os.environ["TEXTREP_DATA"])
    reviews = list(load_corpus("imdb").part("train").texts)
    reviews = reviews[:: len(reviews) // (QUICK_DOCUMENTS if options.quick else DOCUMENTS)]
    repeats = QUICK_REPEATS if options.quick else REPEATS
    # Few in full runs too: NLTK and the library's trainers are slow.
    few = reviews[:: max(1, len(reviews) // STEMMED_DOCUMENTS)]
    parts: dict[str, Callable[[], list[Row]]] = {
        "stems": lambda: stems(root / "snowball"),
        "spelling": lambda: spelling(root / "spelling"),
        "cleaning": lambda: cleaning(reviews, repeats),
        "stemming": lambda: stemming(few, QUICK_REPEATS),
        "subwords": lambda: subwords(few, repeats),
    }
    rows = []
    for what, part in parts.items():
        print(f"{what} ...", file=sys.stderr, flush=True)
        rows += part()
    report("Preprocessing", rows, options.json)


if __name__ == "__main__":
    main()
