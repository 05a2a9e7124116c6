"""The peer of `code_completion.py`: modified Kneser-Ney 5-grams of Python tokens, and a file cache.

Tokens are those of `tokenize`: names, numbers, whole strings, marks, and signs for the end of a
statement, the end of a line inside brackets, more indentation and less. Comments and empty lines
are left out. The vocabulary is open: a token that training has not seen has its share, and once it
stood in the file, the cache knows it.

    p(w) = (1 - b) p_KN(w) + b p_cache(w)

with counts of words, pairs and triples of the file so far in the cache; b and the weights in it are
those that make validation files likeliest (EM), apart for each length of context that the cache has
seen. This is the model of Tu, Su and Devanbu (On the localness of software, FSE 2014) with
Kneser-Ney's smoothing.
"""

from __future__ import annotations

import io
import keyword
import math
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

NEWLINE, NL, INDENT, DEDENT, START = "<newline>", "<nl>", "<indent>", "<dedent>", "<start>"
SIGNS = {tokenize.NEWLINE: NEWLINE, tokenize.NL: NL, tokenize.INDENT: INDENT,
         tokenize.DEDENT: DEDENT}  # fmt: skip
LINE_ENDS = (NEWLINE, NL)
LAYOUT = frozenset((INDENT, DEDENT))
_EM_ROUNDS = 30


class Token(NamedTuple):
    """A token, and where it begins and ends in its file, in characters."""

    text: str
    kind: int
    begin: int
    end: int


def tokens_of(text: str) -> list[Token] | None:
    """The tokens of a file; None where `tokenize` refuses it."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found: list[Token] = []
    depth_of_nl = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = token.type
            if kind in (tokenize.COMMENT, tokenize.ENDMARKER):
                continue
            begin = lines[min(token.start[0], len(lines)) - 1] + token.start[1]
            end = lines[min(token.end[0], len(lines)) - 1] + token.end[1]
            if kind == tokenize.NL:
                # Of a line that had tokens, and so stands inside brackets.
                if found and found[-1].text not in LINE_ENDS and depth_of_nl:
                    found.append(Token(NL, kind, begin, end))
                depth_of_nl = False
                continue
            depth_of_nl = kind not in SIGNS
            found.append(Token(SIGNS.get(kind, token.string), kind, begin, end))
    except (tokenize.TokenError, SyntaxError):
        return None
    return found


def is_identifier(text: str) -> bool:
    """Whether a token is a name that is no keyword."""
    return text.isidentifier() and not keyword.iskeyword(text)


class KneserNey5:
    """Interpolated modified Kneser-Ney over sequences of words (Chen and Goodman 1999).

    Contexts are numbered length by length: the number of a longer one is the place of the pair
    (number of its last words, the word before) among all pairs that there are, so that nothing but
    sorted arrays is kept.
    """

    def __init__(self, sequences: Iterable[Sequence[str]], order: int = 5) -> None:
        self.order = order
        sequences = list(sequences)
        counts = Counter(word for words in sequences for word in words)
        self.words = [START, *counts]
        self.numbers = {word: number for number, word in enumerate(self.words)}
        self.n_words = len(self.words) + 1  # and one share for all that are unknown
        start = [0] * (order - 1)
        rows = [np.array([*start, *map(self.numbers.__getitem__, words)]) for words in sequences]
        stream = np.concatenate(rows)
        places = np.concatenate(
            [np.arange(order - 1, len(row)) + offset
             for row, offset in zip(rows, np.cumsum([0, *map(len, rows)])[:-1], strict=True)]
        )  # fmt: skip
        self._contexts: list[np.ndarray] = []  # of each length but 0: sorted pairs
        self._tables: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.discounts: list[np.ndarray] = []
        self._count(stream, places)

    def _count(self, stream: np.ndarray, places: np.ndarray) -> None:
        base = self.n_words
        after = stream[places]
        context = np.zeros(len(places), dtype=np.int64)
        raw = []  # of each length: (context, word) pairs, how often each, context and word before
        for depth in range(self.order):
            pairs, where, how_often = np.unique(
                context * base + after, return_inverse=True, return_counts=True
            )
            raw.append((pairs, where, how_often))
            if depth + 1 < self.order:
                longer = context * base + stream[places - depth - 1]
                keys, context = np.unique(longer, return_inverse=True)
                self._contexts.append(keys)
        for depth, (pairs, where, how_often) in enumerate(raw):
            counts = how_often
            if depth + 1 < self.order:
                # Different words before: how many different longer n-grams end with each.
                longer, longer_where, _ = raw[depth + 1]
                example = np.empty(len(longer), dtype=np.int64)
                example[longer_where] = where
                counts = np.bincount(example, minlength=len(pairs))
            first = np.searchsorted(pairs, np.arange(pairs[-1] // base + 2) * base)
            self._tables.append((first, pairs % base, counts))
            self.discounts.append(discounts_of(counts))

    def lookup(self, words: Sequence[str]) -> list[int]:
        """Numbers of the contexts that have been seen: of no word, of the last word, and so on."""
        found = [0]
        for keys, word in zip(self._contexts, reversed(words[-(self.order - 1) :]), strict=False):
            number = self.numbers.get(word)
            if number is None:
                break
            key = found[-1] * self.n_words + number
            place = int(np.searchsorted(keys, key))
            if place == len(keys) or keys[place] != key:
                break
            found.append(place)
        return found

    def distribution(self, words: Sequence[str]) -> np.ndarray:
        """Probability of each known word, and of all unknown ones together, after some words."""
        context = [*[START] * (self.order - 1), *words[-(self.order - 1) :]]
        p = np.full(self.n_words, 1.0 / self.n_words)
        for depth, number in enumerate(self.lookup(context)):
            first, after, counts = self._tables[depth]
            part = slice(first[number], first[number + 1])
            taken = self.discounts[depth][np.minimum(counts[part], 3)]
            total = counts[part].sum()
            p *= taken.sum() / total
            p[after[part]] += (counts[part] - taken) / total
        return p


def discounts_of(counts: np.ndarray) -> np.ndarray:
    """What is taken from counts of 0, 1, 2 and more: equation 26 of Chen and Goodman."""
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return np.array([0.0, 0.5, 1.0, 1.5])
    y = n1 / (n1 + 2 * n2)
    found = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.clip(found, 0.0, [0.0, 0.95, 1.9, 2.85])


class FileCache:
    """Words, pairs and triples of a file so far."""

    ORDER = 3

    def __init__(self, words: Sequence[str] = ()) -> None:
        self._counts: list[dict[tuple[str, ...], Counter[str]]] = [
            defaultdict(Counter) for _ in range(self.ORDER)
        ]
        self._last: tuple[str, ...] = ()
        for word in words:
            self.add(word)

    def add(self, word: str) -> None:
        """One more word of the file."""
        for depth, table in enumerate(self._counts):
            if depth <= len(self._last):
                table[self._last[len(self._last) - depth :]][word] += 1
        self._last = (*self._last, word)[-(self.ORDER - 1) :]

    def followers(self, words: Sequence[str]) -> list[Counter[str]]:
        """What came after the last words: after none, one, two, as long as there is something."""
        found = []
        for depth, table in enumerate(self._counts):
            counts = table.get(tuple(words[len(words) - depth :])) if depth <= len(words) else None
            if not counts:
                break
            found.append(counts)
        return found


class CachedKneserNey:
    """The mixture of both.

    Attributes
    ----------
    weights : array (4, 4)
        Of each number of lengths that the cache has seen: that of Kneser-Ney, and of each length.
    """

    def __init__(self, model: KneserNey5) -> None:
        self.model = model
        n = FileCache.ORDER + 1
        self.weights = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]

    def tune(self, files: Iterable[Sequence[str]]) -> None:
        """Weights by EM: those that make the words of files likeliest."""
        groups: list[list[list[float]]] = [[] for _ in range(FileCache.ORDER + 1)]
        for words in files:
            cache = FileCache()
            for place, word in enumerate(words):
                before = words[max(0, place - 4) : place]
                seen = cache.followers(before)
                number = self.model.numbers.get(word, self.model.n_words - 1)
                parts = [self.model.distribution(before)[number]]
                parts += [counts[word] / counts.total() for counts in seen]
                groups[len(seen)].append(parts)
                cache.add(word)
        for length, rows in enumerate(groups):
            if length and rows:
                self.weights[length, : length + 1] = expectation_maximisation(np.array(rows))

    def top(
        self, words: Sequence[str], cache: FileCache, how_many: int, names_only: bool = False
    ) -> list[tuple[str, float]]:
        """The likeliest next words and their log-probabilities, the best first."""
        seen = cache.followers(words[-4:])
        weights = self.weights[len(seen)]
        p = weights[0] * self.model.distribution(words)
        found: dict[str, float] = {}
        for weight, counts in zip(weights[1:], seen, strict=False):
            total = counts.total()
            for word, count in counts.items():
                found[word] = found.get(word, 0.0) + weight * count / total
        for word in found:
            number = self.model.numbers.get(word)
            if number is not None:
                found[word] += p[number]
        # Of the words that are not in the cache, the best few are among the best few of all.
        n_wanted = min(len(p) - 1, (20 if names_only else 1) * how_many + len(found))
        for number in np.argpartition(-p[:-1], n_wanted - 1)[:n_wanted]:
            found.setdefault(self.model.words[number], float(p[number]))
        found.pop(START, None)
        kept = [pair for pair in found.items() if not names_only or is_identifier(pair[0])]
        kept.sort(key=lambda pair: (-pair[1], pair[0]))
        return [(word, math.log(p)) for word, p in kept[:how_many]]

    def complete_line(
        self, words: Sequence[str], width: int, alpha: float = 0.0, longest: int = 40
    ) -> list[str]:
        """The likeliest line after some words, by beam search, without the sign at its end.

        No line is empty. Lines are ranked by their log-probability divided by the power `alpha` of
        their length.
        """
        cache = FileCache(words)
        beams: list[tuple[float, list[str]]] = [(0.0, [])]
        best: tuple[float, list[str]] = (-math.inf, [])
        for _ in range(longest):
            grown = [
                (score + gain, [*line, word])
                for score, line in beams
                for word, gain in self.top([*words[-4:], *line], cache, width + len(LINE_ENDS))
                if word not in LINE_ENDS or not LAYOUT.issuperset(line)
            ]
            grown.sort(key=lambda pair: -pair[0])
            beams = []
            for score, line in grown[:width]:
                if line[-1] not in LINE_ENDS:
                    beams.append((score, line))
                elif score / len(line) ** alpha > best[0]:
                    best = (score / len(line) ** alpha, line[:-1])
            if not beams or beams[0][0] / longest**alpha <= best[0]:
                break
        if math.isinf(best[0]) and beams:
            best = beams[0]
        return [word for word in best[1] if word not in LAYOUT]


def expectation_maximisation(parts: np.ndarray) -> np.ndarray:
    """Weights (k,) of a mixture, by the probabilities (n, k) that its parts give to what came."""
    weights = np.full(parts.shape[1], 1.0 / parts.shape[1])
    for _ in range(_EM_ROUNDS):
        shares = parts * weights
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        weights = shares.mean(axis=0)
    return weights
