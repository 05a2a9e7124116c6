"""Text of any size whose vocabulary grows as that of real text does, for `out_of_core.py`.

Paragraphs of a corpus are drawn again and again. A text made so would soon have no new words, so
made-up ones are put in: as many as Heaps' law, fitted to the corpus itself, says that a text of
that length has. Each comes with three that came before, older ones more often, so that a good part
of them passes a threshold such as `min_count`.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from textrep import DataError, load_corpus, stream_corpus

CORPORA = ("enwiki", "imdb", "docstrings")  # the last is built from installed packages
TOKENS = re.compile(r"(?u)\b\w\w+\b").findall  # scikit-learn's words
LEAST_CHARACTERS = 80  # shorter paragraphs are headings
SMALLEST_ROUNDS = 10  # the text is at least so many times as large as what it is drawn from
REPEATED = 3
BATCH = 1000
PART_BYTES = 100_000_000
SAMPLED_WORDS = 100
SYLLABLES = [a + b for a in "bdfghjklmnprstvwxyz" for b in ("a", "e", "i", "o", "u")]


@dataclass(frozen=True)
class Growth:
    """Heaps' law: a text of n words has k * n ** beta different ones."""

    k: float
    beta: float

    def distinct(self, n_words: float) -> float:
        return self.k * n_words**self.beta


@dataclass(frozen=True)
class Source:
    """What the text is drawn from.

    Attributes
    ----------
    paragraphs : sequence of str
    n_words, n_bytes : in all of them
    growth : how the vocabulary grows
    counts : of all words
    """

    paragraphs: Sequence[str]
    n_words: int
    n_bytes: int
    growth: Growth
    counts: Counter[str]

    def made_up(self, n_words: float) -> int:
        """Made-up words that a text of so many words has: none until the source is used up."""
        known = self.growth.distinct(min(n_words, self.n_words))
        return int(self.growth.distinct(n_words) - known)


@dataclass
class Written:
    """What was written.

    Attributes
    ----------
    n_documents, n_words, n_bytes : documents, words of two characters or more, bytes of UTF-8
    occurrences, documents : of the sampled words, how often each stands there and in how many
        documents
    """

    n_documents: int = 0
    n_words: int = 0
    n_bytes: int = 0
    occurrences: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)

    def add(self, other: Written) -> None:
        self.n_documents += other.n_documents
        self.n_words += other.n_words
        self.n_bytes += other.n_bytes
        self.occurrences.update(other.occurrences)
        self.documents.update(other.documents)


def open_source(size: int) -> Source:
    """Paragraphs for a text of so many bytes, of the first corpus that is here."""
    for name in CORPORA:
        try:
            texts = load_corpus(name).texts
        except DataError:
            continue
        lines = itertools.chain.from_iterable(text.split("\n") for text in texts)
        return _measured([line for line in lines if len(line) >= LEAST_CHARACTERS], size)
    raise DataError(f"none of the corpora {', '.join(CORPORA)} is here; see --data")


def _measured(lines: list[str], size: int) -> Source:
    """Paragraphs in another order, up to a tenth of the size, and how their vocabulary grows."""
    order = np.random.default_rng(0).permutation(len(lines))
    paragraphs: list[str] = []
    counts: Counter[str] = Counter()
    n_bytes, points = 0, []
    for i in order.tolist():
        paragraphs.append(lines[i])
        counts.update(TOKENS(lines[i].lower()))
        n_bytes += len(lines[i].encode()) + 1
        if len(paragraphs) % BATCH == 0:
            points.append((counts.total(), len(counts)))
        if n_bytes >= size // SMALLEST_ROUNDS:
            break
    points.append((counts.total(), len(counts)))
    words, distinct = np.log(np.array(points[len(points) // 2 :], dtype=float)).T
    # Through the last point, so that the made-up words go on where the source ends.
    beta = float(np.polyfit(words, distinct, 1)[0]) if len(words) > 1 else 0.5
    growth = Growth(float(np.exp(distinct[-1] - beta * words[-1])), beta)
    return Source(paragraphs, counts.total(), n_bytes, growth, counts)


def made_up_word(number: int) -> str:
    """A word that no other number has; every fourth is a numeral."""
    if number % 4 == 3:
        return str(10**6 + number)
    syllables = []
    while number or len(syllables) < 3:
        number, last = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[last])
    return "q" + "".join(syllables)


def sampled_words(source: Source, size: int) -> list[str]:
    """Words of all frequencies, real and made up."""
    ranked = [word for word, _ in source.counts.most_common()]
    last = source.made_up(size * source.n_words / source.n_bytes)
    real = np.unique(np.geomspace(1, len(ranked), SAMPLED_WORDS).astype(int)) - 1
    invented = np.linspace(0, max(0, last - 1), SAMPLED_WORDS).astype(int)
    made_up = [made_up_word(number) for number in invented.tolist()] if last else []
    return sorted({ranked[rank] for rank in real.tolist()} | set(made_up))


_source: Source | None = None  # of a process that writes


def _take(source: Source) -> None:
    global _source
    _source = source


def write_text(source: Source, folder: Path, size: int, processes: int) -> Written:
    """Write about so many bytes of text as parts of JSON Lines, compressed by gzip.

    Parameters
    ----------
    source : Source
    folder : Path
    size : int
    processes : int

    Returns
    -------
    Written
        The sampled words counted by Python's regular expressions.
    """
    words = sampled_words(source, size)
    bounds = np.linspace(0, size, max(2, -(-size // PART_BYTES) + 1)).astype(int).tolist()
    jobs = [
        (folder / f"part-{i:03}.jsonl.gz", first, last - first, words)
        for i, (first, last) in enumerate(itertools.pairwise(bounds))
    ]
    whole = Written()
    with ProcessPoolExecutor(processes, get_context("spawn"), _take, (source,)) as pool:
        for part in pool.map(_write_part, *zip(*jobs, strict=True)):
            whole.add(part)
    return whole


def _write_part(path: Path, before: int, size: int, words: list[str]) -> Written:
    """Write a part, before which so many bytes are written by others."""
    assert _source is not None
    random = np.random.default_rng([1, before])
    rate = _source.n_words / _source.n_bytes
    sample = set(words)
    written = Written()
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as out:
        while written.n_bytes < size:
            n_words = before * rate + written.n_words
            for text in _batch(_source, n_words, random):
                out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                _count(text, sample, written)
    return written


def _batch(source: Source, n_words: float, random: np.random.Generator) -> list[str]:
    """Paragraphs for a text that has so many words already."""
    picked = random.integers(len(source.paragraphs), size=BATCH)
    texts = [source.paragraphs[i] for i in picked.tolist()]
    n_more = BATCH * source.n_words / len(source.paragraphs)
    first, last = source.made_up(n_words), source.made_up(n_words + n_more)
    repeated = (last * random.random(REPEATED * (last - first)) ** 2).astype(int)
    for number in (*range(first, last), *repeated.tolist()):
        i = int(random.integers(len(texts)))
        place = texts[i].find(" ", int(random.integers(len(texts[i]))))
        place = len(texts[i]) if place < 0 else place
        texts[i] = f"{texts[i][:place]} {made_up_word(number)}{texts[i][place:]}"
    return texts


def _count(text: str, sample: set[str], written: Written) -> None:
    tokens = TOKENS(text.lower())
    written.n_documents += 1
    written.n_words += len(tokens)
    written.n_bytes += len(text.encode()) + 1
    for word in sample.intersection(tokens):
        written.occurrences[word] += tokens.count(word)
        written.documents[word] += 1


def read_texts(folder: Path) -> Iterator[str]:
    """All documents of all parts, in order; some thousand are held at a time."""
    for path in sorted(folder.glob("part-*.jsonl.gz")):
        for piece in stream_corpus(path, text="text", label=False):
            yield from piece.texts
