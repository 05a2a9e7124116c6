"""A vocabulary as a trie of symbols: words for word n-grams, code points for character n-grams.

It is what a fitted vectoriser keeps instead of a dict of strings: some 24 bytes a term instead of
about 200. The dict is made from it when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from textrep.sparse.lexicon import SLACK, pack_strings, unpack_strings
from textrep.sparse.numbering import Level
from textrep.sparse.terms import number_terms, spell


class Trie:
    """Terms with their columns.

    Parameters
    ----------
    arena, offsets : the packed symbols, in alphabetical order
    levels : n-grams by order, see `Level`; column -1 for those that are only prefixes
    met : int64 (n_terms,), columns in the order in which their terms were met
    words : bool, symbols are words and a space stands between two of them
    """

    def __init__(
        self,
        arena: np.ndarray,
        offsets: np.ndarray,
        levels: list[Level],
        met: np.ndarray,
        words: bool,
    ) -> None:
        self.arena = arena
        self.offsets = offsets
        self.levels = levels
        self.met = met
        self.words = words

    def __len__(self) -> int:
        return len(self.met)

    @classmethod
    def from_terms(cls, vocabulary: Mapping[str, int], words: bool) -> Trie:
        """Trie of a mapping from term to column. A term that no text can yield (two spaces in a
        row) keeps its column unused.
        """
        terms = list(vocabulary)
        columns = np.fromiter(vocabulary.values(), dtype=np.int64, count=len(terms))
        split = [term.split(" ") if words else list(term) for term in terms]
        symbols = sorted({symbol for parts in split for symbol in parts})
        number = {symbol: i for i, symbol in enumerate(symbols)}
        known: list[dict[tuple[int, int], int]] = []
        level_columns: list[list[int]] = []
        for parts, column in zip(split, columns.tolist(), strict=True):
            node = -1
            for depth, symbol in enumerate(parts):
                if depth == len(known):
                    known.append({})
                    level_columns.append([])
                key = (node, number[symbol])
                node = known[depth].setdefault(key, len(known[depth]))
                if node == len(level_columns[depth]):
                    level_columns[depth].append(-1)
            if parts:
                level_columns[len(parts) - 1][node] = column
        levels = []
        renumber = np.zeros(1, dtype=np.int64)
        for depth, nodes in enumerate(known):
            pairs = np.array(list(nodes), dtype=np.int64).reshape(-1, 2)
            parent = renumber[pairs[:, 0]] if depth else np.zeros(len(pairs), dtype=np.int64)
            order = np.lexsort((pairs[:, 1], parent))
            renumber = np.empty(len(order), dtype=np.int64)
            renumber[order] = np.arange(len(order))
            levels.append(
                Level(
                    parent[order].astype(np.int32) if depth else np.empty(0, dtype=np.int32),
                    pairs[order, 1].astype(np.int32),
                    np.array(level_columns[depth], dtype=np.int64)[order],
                )
            )
        return cls(*pack_strings(symbols), levels, columns, words)

    def keep(self, column_of: np.ndarray) -> Trie:
        """The trie after pruning: ``column_of[old column]`` is the new one, -1 for a term that
        goes.
        """
        levels: list[Level] = []
        needed = np.zeros(0, dtype=bool)
        flags: list[np.ndarray] = []
        for depth in range(len(self.levels) - 1, -1, -1):
            level = self.levels[depth]
            stays = (level.column >= 0) & (column_of[level.column] >= 0)
            if depth + 1 < len(self.levels):
                stays[self.levels[depth + 1].parent[needed]] = True
            needed = stays
            flags.insert(0, stays)
        renumber = np.empty(0, dtype=np.int64)
        for depth, (level, stays) in enumerate(zip(self.levels, flags, strict=True)):
            column = np.where(level.column >= 0, column_of[level.column], -1)[stays]
            parent = renumber[level.parent[stays]].astype(np.int32) if depth else level.parent
            levels.append(Level(parent, level.symbol[stays], column))
            renumber = np.cumsum(stays) - 1
        while len(levels) > 1 and not len(levels[-1]):
            levels.pop()
        met = column_of[self.met]
        return Trie(self.arena, self.offsets, levels, met[met >= 0], self.words)._drop_symbols()

    def _drop_symbols(self) -> Trie:
        """Leave out the symbols that no n-gram uses any more."""
        used = np.zeros(len(self.offsets) - 1, dtype=bool)
        for level in self.levels:
            used[level.symbol] = True
        if used.all():
            return self
        sizes = np.diff(self.offsets)
        arena = np.concatenate(
            [
                self.arena[self.offsets[0] : self.offsets[-1]][np.repeat(used, sizes)],
                np.zeros(SLACK, np.uint8),
            ]
        )
        self.arena = arena
        self.offsets = np.concatenate([[0], np.cumsum(sizes[used])])
        renumber = (np.cumsum(used) - 1).astype(np.int32)
        for level in self.levels:
            level.symbol = renumber[level.symbol]
        return self

    def symbol_strings(self) -> list[str]:
        """The symbols in alphabetical order."""
        return unpack_strings(self.arena, self.offsets)

    def terms(self, order: np.ndarray | None = None, n_jobs: int | None = None) -> list[str]:
        """The terms in the order of their columns, or those of the columns in ``order``."""
        columns = np.arange(len(self)) if order is None else order
        return spell(self.levels, self.arena, self.offsets, self.words, columns, n_jobs)

    def vocabulary(self, n_jobs: int | None = None) -> dict[str, int]:
        """The dict scikit-learn would have made: terms in the order they were met, each with its
        column.
        """
        # strings made in the order in which they go into the dict lie there in a row in memory
        return number_terms(self.terms(self.met, n_jobs), self.met)

    def to_state(self) -> dict[str, Any]:
        """Arrays and flags from which `from_state` makes the same trie."""
        state: dict[str, Any] = {
            "words": self.words,
            "arena": self.arena,
            "offsets": self.offsets,
            "met": self.met,
            "n_levels": len(self.levels),
        }
        for i, level in enumerate(self.levels):
            for name in ("parent", "symbol", "column"):
                state[f"{name}_{i}"] = getattr(level, name)
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Trie:
        """Undo `to_state`.

        Raises
        ------
        ValueError
            When the numbers do not fit together, so that no kernel is ever led outside an array.
        """
        levels = [
            Level(*(state[f"{name}_{i}"] for name in ("parent", "symbol", "column")))
            for i in range(state["n_levels"])
        ]
        trie = cls(state["arena"], state["offsets"], levels, state["met"], state["words"])
        trie._check()
        return trie

    def _check(self) -> None:
        kinds = [(self.arena, np.uint8), (self.offsets, np.int64), (self.met, np.int64)]
        for level in self.levels:
            kinds += [(level.symbol, np.int32), (level.column, np.int64), (level.parent, np.int32)]
        sound = all(
            isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == kind
            for array, kind in kinds
        )
        if not sound or not self._fits_together():
            raise ValueError("the saved vocabulary does not fit together")

    def _fits_together(self) -> bool:
        n_symbols, n_below = len(self.offsets) - 1, 0
        if n_symbols < 0 or self.offsets[0] != 0 or (np.diff(self.offsets) < 0).any():
            return False
        if self.offsets[-1] + SLACK > len(self.arena):
            return False
        for depth, level in enumerate(self.levels):
            if len(level.column) != len(level.symbol) or not _within(level.symbol, 0, n_symbols):
                return False
            if depth and not (
                len(level.parent) == len(level.symbol)
                and _within(level.parent, 0, n_below)
                and (np.diff(level.parent) >= 0).all()
            ):
                return False
            n_below = len(level)
        columns = np.concatenate([np.empty(0, np.int64), *(level.column for level in self.levels)])
        numbers = np.arange(len(self.met))
        return np.array_equal(np.sort(columns[columns >= 0]), numbers) and np.array_equal(
            np.sort(self.met), numbers
        )


def _within(numbers: np.ndarray, low: int, end: int) -> bool:
    return len(numbers) == 0 or (int(numbers.min()) >= low and int(numbers.max()) < end)
