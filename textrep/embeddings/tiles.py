"""Co-occurrences in the order in which GloVe trains on them: tile by tile, shuffled within each.

A tile is a block of rows and some columns of the matrix. What it changes of the model fits into a
cache, so that memory is read once for many steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from textrep.embeddings.cooccurrence import Cooccurrences
from textrep.embeddings.spool import Spool
from textrep.sparse.threads import stream_parallel

TILE_CELLS = 1 << 15
"""Neighbouring blocks of columns are put together until a tile has about so many cells; fewer are
not worth the call.
"""


@dataclass(frozen=True)
class Tile:
    """Where a tile lies.

    Attributes
    ----------
    first_row, first_column : int
        In the matrix.
    begin, end : int
        Its cells, in the order of `Tiles`.
    """

    first_row: int
    first_column: int
    begin: int
    end: int


class Tiles:
    """All tiles of a matrix; made by `arrange`.

    Attributes
    ----------
    tiles : list of Tile
    symmetric : bool
        Whether a cell (i, j) stands for (j, i) too.
    """

    def __init__(self, symmetric: bool, memory_bytes: int) -> None:
        self.tiles: list[Tile] = []
        self.symmetric = symmetric
        self._cells = Spool(memory_bytes)

    def __enter__(self) -> Tiles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def append(self, cells: np.ndarray, tiles: list[Tile]) -> None:
        """Put tiles behind those that are there; their places count from the first of ``cells``."""
        before = self.tiles[-1].end if self.tiles else 0
        for tile in tiles:
            place = tile.begin + before, tile.end + before
            self.tiles.append(Tile(tile.first_row, tile.first_column, *place))
        self._cells.append(cells, share=0.0)

    def read(self, i: int) -> np.ndarray:
        """Cells of a tile, int32, see `textrep.embeddings.kernels.glove.arrange_cells`."""
        from textrep.embeddings.kernels.glove import CELL_WORDS

        tile = self.tiles[i]
        return self._cells.read(tile.begin * CELL_WORDS, tile.end * CELL_WORDS)

    def close(self) -> None:
        """Give memory and file back. May be called again."""
        self._cells.close()


def arrange(
    counts: Cooccurrences,
    *,
    x_max: float,
    power: float,
    random: np.random.Generator,
    max_memory: int,
    threads: int,
) -> Tiles:
    """Cut a matrix into tiles and weight its cells.

    Parameters
    ----------
    counts : Cooccurrences
    x_max, power : float
        A cell with count x has the weight min(1, x / x_max) ** power.
    random : numpy.random.Generator
        For the order within the tiles.
    max_memory : int
        Bytes; more cells go to a temporary file.
    threads : int

    Returns
    -------
    Tiles
        The same for any number of threads.
    """
    from textrep.embeddings.kernels.glove import BLOCK_BITS

    firsts = range(0, counts.n_words, 1 << BLOCK_BITS)
    seeds = random.integers(2**63, size=len(firsts), dtype=np.uint64)

    def arrange_block(first: int, seed: Any) -> tuple[np.ndarray, list[Tile]]:
        rows = counts.rows(first, min(first + (1 << BLOCK_BITS), counts.n_words))
        return _arrange_block(rows, first, float(x_max), float(power), seed)

    tiles = Tiles(counts.symmetric, max_memory)
    for block in stream_parallel(arrange_block, zip(firsts, seeds, strict=True), threads):
        tiles.append(*block)
    return tiles


def _arrange_block(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    first_row: int,
    x_max: float,
    power: float,
    seed: Any,
) -> tuple[np.ndarray, list[Tile]]:
    """The cells of a block of rows, and their tiles with places counted from the first cell."""
    from textrep.embeddings.kernels.glove import BLOCK_BITS, CELL_WORDS, arrange_cells

    columns, values, ends = rows
    cells = np.empty(len(columns) * CELL_WORDS, dtype=np.int32)
    if not len(columns):
        return cells, []
    in_block = np.bincount(columns >> BLOCK_BITS)
    tile_of_block = _tile_of_block(in_block)
    first_columns = np.searchsorted(tile_of_block, np.arange(tile_of_block[-1] + 1)) << BLOCK_BITS
    places = np.cumsum([0, *np.bincount(tile_of_block, weights=in_block).astype(np.int64)])
    arrange_cells(
        columns, values, ends, tile_of_block, first_columns, places[:-1].copy(), x_max, power, seed,
        cells,
    )  # fmt: skip
    tiles = [
        Tile(first_row, int(column), int(begin), int(end))
        for column, begin, end in zip(first_columns, places[:-1], places[1:], strict=True)
        if end > begin
    ]
    return cells, tiles


def _tile_of_block(in_block: np.ndarray) -> np.ndarray:
    """Number the tiles that blocks of columns belong to, given the cells of each block."""
    from textrep.embeddings.kernels.glove import BLOCK_BITS, COLUMN_BITS

    most_blocks = 1 << (COLUMN_BITS - BLOCK_BITS)
    numbers = np.zeros(len(in_block), dtype=np.int64)
    tile, size, width = 0, 0, 0
    for block, n_cells in enumerate(in_block.tolist()):
        if width and (size + n_cells > TILE_CELLS or width == most_blocks):
            tile, size, width = tile + 1, 0, 0
        numbers[block] = tile
        size, width = size + n_cells, width + 1
    return numbers
