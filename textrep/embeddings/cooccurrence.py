"""How often words stand near each other in a corpus of any size, counted within a memory limit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from textrep.embeddings.corpus import TokenCorpus
from textrep.embeddings.parameters import check_count
from textrep.embeddings.spool import Spool
from textrep.sparse.threads import stream_parallel, wanted_threads

MAX_MEMORY = 1 << 30
"""Default memory limit, bytes."""

LEAST_MEMORY = 1 << 24
"""Below this a large vocabulary leaves no room for the text."""

_CELL_BYTES = 12  # a column and a float64 while they are counted
_PLACE_BYTES = 8  # a word of the text and its place among those of the same word
_GROUP_CELLS = 1 << 20
_GROUP_LOOKS = 1 << 24  # neighbours looked at: the unit of work of a thread


class Cooccurrences:
    """The matrix of co-occurrences X, its rows one after another; made by `count_cooccurrences`.

    What is beyond the memory limit lies in temporary files, which are gone when it is closed or
    forgotten.

    Attributes
    ----------
    starts : int64 ndarray (n_words + 1,)
        Where the cells of each row begin.
    symmetric : bool
        Whether X[i, j] = X[j, i]; then only the cells with j <= i are stored.
    """

    def __init__(self, n_words: int, symmetric: bool, memory_bytes: int) -> None:
        self.starts = np.zeros(n_words + 1, dtype=np.int64)
        self.symmetric = symmetric
        self._n_rows = 0
        self._columns = Spool(memory_bytes // 3)
        self._values = Spool(memory_bytes // 3 * 2)

    def __len__(self) -> int:
        return self._n_rows

    def __enter__(self) -> Cooccurrences:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def n_words(self) -> int:
        return len(self.starts) - 1

    @property
    def n_cells(self) -> int:
        """Cells that are stored."""
        return int(self.starts[self._n_rows])

    def append(self, columns: np.ndarray, values: np.ndarray, ends: np.ndarray) -> None:
        """Put rows behind those that are there.

        Parameters
        ----------
        columns : int32 ndarray, values : float64 ndarray (n_cells,)
        ends : int64 ndarray (n_rows,)
            Where each row ends in them.
        """
        last = self._n_rows + len(ends)
        self.starts[self._n_rows + 1 : last + 1] = self.n_cells + ends
        self._n_rows = last
        self._columns.append(columns, share=0.0)
        self._values.append(values.view(np.int32), share=0.0)

    def rows(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows ``first`` to ``last - 1``.

        Returns
        -------
        columns : int32 ndarray (n_cells,)
            In ascending order within a row.
        values : float64 ndarray (n_cells,)
        ends : int64 ndarray (last - first,)
            Where each row ends in them.
        """
        a, b = int(self.starts[first]), int(self.starts[last])
        values = self._values.read(2 * a, 2 * b).view(np.float64)
        return self._columns.read(a, b), values, self.starts[first + 1 : last + 1] - a

    def close(self) -> None:
        """Give memory and files back. May be called again."""
        self._columns.close()
        self._values.close()


def count_cooccurrences(
    corpus: TokenCorpus,
    *,
    window: int = 10,
    symmetric: bool = True,
    max_memory: int = MAX_MEMORY,
    n_jobs: int | None = None,
    keep: np.ndarray | None = None,
    random: np.random.Generator | None = None,
) -> Cooccurrences:
    r"""Count which words stand near each other: two words at distance d count 1 / d.

    .. math:: X_{ij} = \sum_{p : w_p = i} \; \sum_{q : w_q = j} \frac 1 {|q - p|}

    with p and q places of the same sentence, 1 <= abs(q - p) <= window; without `symmetric` only
    q < p.

    Parameters
    ----------
    corpus : TokenCorpus
    window : int, default=10
        The greatest distance, words.
    symmetric : bool, default=True
        Look to both sides; otherwise to the left only.
    max_memory : int, default=2**30
        Bytes, at least 2**24. Text that does not fit is counted piece by piece and the counts are
        added up; counts that do not fit go to temporary files. The room for one row in each
        thread, about 20 bytes for each word of the vocabulary, comes on top.
    n_jobs : int or None, default=None
        Threads: None or -1 for all cores.
    keep : float ndarray (n_words,) or None, default=None
        The probability with which each place of a word is kept in the text, before its
        neighbours are looked for; None keeps all.
    random : numpy.random.Generator or None, default=None
        What decides it; needed with `keep`.

    Returns
    -------
    Cooccurrences
        The same for any number of threads.

    Raises
    ------
    ValueError
        When a parameter is out of its range.
    OSError
        When the folder of temporary files is full.

    References
    ----------
    J. Pennington, R. Socher, C. Manning: GloVe: global vectors for word representation, EMNLP 2014,
    section 4.2.

    Examples
    --------
    >>> from textrep.embeddings import read_corpus
    >>> with read_corpus(["a b c", "a b"], min_count=1) as corpus:
    ...     counts = count_cooccurrences(corpus, window=2)
    >>> counts.rows(2, 3)  # c stands at distance 2 of a and 1 of b
    (array([0, 1], dtype=int32), array([0.5, 1. ]), array([2]))
    """
    check_count("window", window, 1)
    check_count("max_memory", max_memory, LEAST_MEMORY)
    counter = _Counter(len(corpus.words), int(window), symmetric, int(max_memory), n_jobs)
    parts: list[Cooccurrences] = []
    try:
        reader = _Reader(corpus, keep, random)
        for ids, first, last in _segments(reader, counter.segment_places, int(window)):
            parts.append(counter.count(ids, first, last))
        if not parts:
            return counter.empty()
        return parts[0] if len(parts) == 1 else counter.merge(parts)
    finally:
        for part in parts if len(parts) > 1 else []:
            part.close()


class _Reader:
    """Chunks of a corpus without the words that sub-sampling leaves out, however often read."""

    def __init__(
        self, corpus: TokenCorpus, keep: np.ndarray | None, random: np.random.Generator | None
    ) -> None:
        self._corpus = corpus
        self.sizes = [chunk.last - chunk.first for chunk in corpus.chunks]
        if keep is not None:
            if random is None:
                raise ValueError("random must be a numpy Generator where keep is given")
            self._seeds = random.integers(2**63, size=len(self.sizes))
            # The end of a sentence is number -1.
            self._keep = np.append(keep, 1.0).astype(np.float32)
        self._all = keep is None

    def read(self, i: int) -> np.ndarray:
        ids = self._corpus.read(i)
        if self._all:
            return ids
        chances = np.random.default_rng(self._seeds[i]).random(len(ids), dtype=np.float32)
        return ids[chances < self._keep[ids]]


def _segments(reader: _Reader, most: int, window: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Pieces of a corpus: their ids with the surroundings, and where the piece itself lies.

    A piece is some chunks. With it come the last words of the chunk before and the first of the
    chunk behind, so that a sentence may be cut anywhere.
    """
    nothing = np.full(window, -1, dtype=np.int32)
    sizes = reader.sizes
    first = 0
    while first < len(sizes):
        last, size = first, 0
        while last < len(sizes) and (last == first or size + sizes[last] <= most):
            size += sizes[last]
            last += 1
        before = reader.read(first - 1)[-window:] if first else nothing[:0]
        behind = reader.read(last)[:window] if last < len(sizes) else nothing[:0]
        pieces = [reader.read(i) for i in range(first, last)]
        begin = window + len(before)
        end = begin + sum(map(len, pieces))
        yield np.concatenate([nothing, before, *pieces, behind, nothing]), begin, end
        first = last


class _Counter:
    """Counts pieces of a text, and adds up what they give."""

    def __init__(
        self, n_words: int, window: int, symmetric: bool, max_memory: int, n_jobs: int | None
    ) -> None:
        self._n_words = n_words
        self._symmetric = symmetric
        self._threads = wanted_threads(n_jobs)
        self._weights = 1.0 / np.arange(1, window + 1)
        # A third each for the text, for rows in the making, and for those that are finished.
        self._share = max_memory // 3
        # The text is once read in chunks and once put together, beside the places.
        self.segment_places = max(1, min(self._share // (_PLACE_BYTES + 4), 2**31 - 2**20))
        room = self._share // _CELL_BYTES // (4 * self._threads)
        self._group_cells = max(1, min(_GROUP_CELLS, room))

    def empty(self) -> Cooccurrences:
        return Cooccurrences(self._n_words, self._symmetric, self._share)

    def count(self, ids: np.ndarray, first: int, last: int) -> Cooccurrences:
        from textrep.embeddings.kernels.cooccurrence import count_rows, find_positions

        n_words, weights, symmetric = self._n_words, self._weights, self._symmetric
        inside = ids[first:last]
        starts = np.zeros(n_words + 1, dtype=np.int64)
        np.cumsum(np.bincount(inside[inside >= 0], minlength=n_words), out=starts[1:])
        positions = np.empty(int(starts[-1]), dtype=np.int32)
        find_positions(ids, first, last, starts[:-1].copy(), positions)

        looks = np.diff(starts) * (len(weights) * (2 if symmetric else 1))
        widths = np.arange(1, n_words + 1) if symmetric else n_words
        cells = _cumulative(np.minimum(looks, widths))

        def count_group(a: int, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            out = self._room(int(cells[b] - cells[a]), b - a)
            n = count_rows(ids, positions, starts, a, b, weights, symmetric, *self._scratch(), *out)
            return out[0][:n].copy(), out[1][:n].copy(), out[2]

        groups = self._groups(cells, _cumulative(looks))
        counts = self.empty()
        for rows in stream_parallel(count_group, groups, self._threads):
            counts.append(*rows)
        return counts

    def merge(self, parts: list[Cooccurrences]) -> Cooccurrences:
        """The sum of the counts of pieces."""
        from textrep.embeddings.kernels.cooccurrence import merge_rows

        starts = np.sum([part.starts for part in parts], axis=0)
        limits = np.arange(self._n_words)
        if not self._symmetric:
            limits[:] = self._n_words - 1

        def merge_group(a: int, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            columns, values, ends = zip(*[part.rows(a, b) for part in parts], strict=True)
            before = np.cumsum([0, *map(len, columns[:-1])])
            out = self._room(int(starts[b] - starts[a]), b - a)
            n = merge_rows(
                np.concatenate(columns), np.concatenate(values),
                np.concatenate([e + at for e, at in zip(ends, before, strict=True)]),
                b - a, limits[a:b], *self._scratch(), *out,
            )  # fmt: skip
            return out[0][:n].copy(), out[1][:n].copy(), out[2]

        total = self.empty()
        for rows in stream_parallel(merge_group, self._groups(starts, starts), self._threads):
            total.append(*rows)
        return total

    def _groups(self, cells: np.ndarray, looks: np.ndarray) -> list[tuple[int, int]]:
        """Runs of rows that are worked on together, from where their cells and looks begin."""
        groups = []
        first = 0
        while first < self._n_words:
            ends = (
                np.searchsorted(cells, cells[first] + self._group_cells, "right"),
                np.searchsorted(looks, looks[first] + _GROUP_LOOKS, "right"),
            )
            last = min(max(first + 1, int(min(ends)) - 1), self._n_words)
            groups.append((first, last))
            first = last
        return groups

    def _scratch(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self._n_words), np.zeros(self._n_words // 64 + 1, dtype=np.uint64)

    def _room(self, n_cells: int, n_rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (
            np.empty(n_cells, dtype=np.int32),
            np.empty(n_cells, dtype=np.float64),
            np.empty(n_rows, dtype=np.int64),
        )


def _cumulative(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
