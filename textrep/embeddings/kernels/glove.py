"""GloVe: cells of the co-occurrence matrix put in order, and AdaGrad steps over them."""

from __future__ import annotations

import math

import numpy as np

from textrep.embeddings.kernels.sampling import advance, below
from textrep.embeddings.kernels.simd import LANES, fma, load, prefetch, splat, store, total
from textrep.sparse.kernels.memory import always_inline, kernel

F = np.float32

BLOCK_BITS = 11
"""Rows of a tile, as a power of two: with as many columns 4 MB of a model of 100 dimensions, which
two cores' share of the last cache holds."""

COLUMN_BITS = 32 - BLOCK_BITS
"""A cell's place in its tile is one number: so many bits for the column, the rest for the row."""

CELL_WORDS = 3
"""int32 numbers of a cell: its place, and the bits of the logarithm and of the weight."""

TAIL = LANES
"""Further numbers of a word behind its two vectors: its two biases, and the sums of squared
gradients of vector, context vector, bias and context bias."""

BIAS, CONTEXT_BIAS, SUM, CONTEXT_SUM, BIAS_SUM, CONTEXT_BIAS_SUM = range(6)

_COLUMN_MASK = (1 << COLUMN_BITS) - 1
_AHEAD = 4  # cells whose words are fetched before they are needed


@kernel
def arrange_cells(
    columns, values, ends, tile_of_block, first_columns, next_places, x_max, power, seed, cells
):
    """Put the cells of a block of rows into tiles, those of a tile in random order.

    Parameters
    ----------
    columns : int32, values : float64 (n,)
        Cells, row by row.
    ends : int64 (n_rows,)
        Where each row ends in them.
    tile_of_block : int64 (n_blocks,)
        The tile of each ``2**BLOCK_BITS`` columns.
    first_columns : int64 (n_tiles,)
        The first column of each tile.
    next_places : int64 (n_tiles,)
        Where the cells of each tile begin; moved to where they end.
    x_max, power : float
        Of the weight min(1, x / x_max) ** power.
    seed : uint64
    cells : int32 (n * CELL_WORDS,)
        Out: the cells, tile by tile. The place is the row within the block, times
        ``2**COLUMN_BITS``, plus the column counted from the tile's first; logarithm and weight are
        float32.
    """
    floats = cells.view(np.float32)
    begins = next_places.copy()
    at = 0
    for row in range(len(ends)):
        while at < ends[row]:
            tile = tile_of_block[columns[at] >> BLOCK_BITS]
            place = next_places[tile] * CELL_WORDS
            next_places[tile] += 1
            cells[place] = np.int32(
                np.uint32((row << COLUMN_BITS) | (columns[at] - first_columns[tile]))
            )
            floats[place + 1] = math.log(values[at])
            floats[place + 2] = min(1.0, values[at] / x_max) ** power
            at += 1
    state = seed
    for tile in range(len(begins)):
        begin = begins[tile]
        for n in range(next_places[tile] - begin, 1, -1):  # Fisher and Yates
            state = advance(state)
            one = (begin + n - 1) * CELL_WORDS
            other = (begin + below(state, n)) * CELL_WORDS
            for part in range(CELL_WORDS):
                held = cells[one + part]
                cells[one + part] = cells[other + part]
                cells[other + part] = held


@kernel
def train_cells(cells, start, first_row, first_column, model, stride, dim, symmetric, rate):
    """AdaGrad steps over the cells of a tile.

    For a cell with count x and weight f the loss is f * (w_i . u_j + b_i + c_j - log x) ** 2 with
    vector w, context vector u and their biases b and c (Pennington et al. 2014, equation 8); the
    steps follow half its gradient. The learning rate of a row is ``rate`` through the root of the
    sum of its squared gradients so far, for a vector the mean over its dimensions: one number a
    row, so that a step reads and writes half as much as with one for each dimension.

    Parameters
    ----------
    cells : int32 (n * CELL_WORDS,)
        As `arrange_cells` makes them.
    start : int
        The cell to begin with; behind the last one the first follows.
    first_row, first_column : int
        Of the tile.
    model : float32 (n_words * (2 * stride + TAIL),)
        A row for each word: its vector and its context vector, each padded with zeros to ``stride``
        numbers, then the `TAIL`.
    stride : int
        A multiple of 16.
    dim : int
        Dimensions, up to ``stride``.
    symmetric : bool
        Whether a cell (i, j) stands for (j, i) too.
    rate : float
        The learning rate.

    Returns
    -------
    loss : float64
        Sum of the losses before the steps.
    n_terms : int
        Terms of the sum.
    """
    floats = cells.view(np.float32)
    width = 2 * stride + TAIL
    n = len(cells) // CELL_WORDS
    step = F(rate)
    share = F(1.0 / dim)
    loss = 0.0
    n_terms = 0
    for k in range(n):
        at = (k + start) % n * CELL_WORDS
        ahead = (k + start + _AHEAD) % n * CELL_WORDS
        place = int(np.uint32(cells[ahead]))
        _prefetch_word(model, (first_row + (place >> COLUMN_BITS)) * width, width)
        _prefetch_word(model, (first_column + (place & _COLUMN_MASK)) * width, width)
        place = int(np.uint32(cells[at]))
        row = (first_row + (place >> COLUMN_BITS)) * width
        column = (first_column + (place & _COLUMN_MASK)) * width
        if symmetric and row != column:
            loss += _both_ways(
                model, row, column, stride, floats[at + 1], floats[at + 2], step, share
            )
            n_terms += 2
        else:
            loss += _one_way(
                model, row, column, stride, floats[at + 1], floats[at + 2], step, share
            )
            n_terms += 1
    return float(loss), n_terms


@always_inline
def _prefetch_word(model, begin, width):
    for at in range(begin, begin + width, LANES):
        prefetch(model, at)


@always_inline
def _one_way(model, row, column, stride, log_count, weight, step, share):
    """A step for w of ``row`` and u of ``column``; the loss before it."""
    tail, other_tail = row + 2 * stride, column + 2 * stride
    product, squares, other_squares = splat(F(0)), splat(F(0)), splat(F(0))
    for d in range(0, stride, LANES):
        vector, other = load(model, row + d), load(model, column + stride + d)
        product = fma(vector, other, product)
        squares = fma(vector, vector, squares)
        other_squares = fma(other, other, other_squares)
    error = total(product) + model[tail + BIAS] + model[other_tail + CONTEXT_BIAS] - log_count
    slope = weight * error
    squared = slope * slope
    model[tail + SUM] += squared * total(other_squares) * share
    model[other_tail + CONTEXT_SUM] += squared * total(squares) * share
    by = splat(F(-step * slope / np.sqrt(model[tail + SUM])))
    other_by = splat(F(-step * slope / np.sqrt(model[other_tail + CONTEXT_SUM])))
    for d in range(0, stride, LANES):
        vector, other = load(model, row + d), load(model, column + stride + d)
        store(model, row + d, fma(other, by, vector))
        store(model, column + stride + d, fma(vector, other_by, other))
    _move_bias(model, tail + BIAS, slope, squared, step)
    _move_bias(model, other_tail + CONTEXT_BIAS, slope, squared, step)
    return np.float64(slope) * np.float64(error)


@always_inline
def _both_ways(model, row, column, stride, log_count, weight, step, share):
    """The steps for w of ``row`` and u of ``column`` and the other way round, both from the same
    state; the sum of the losses before them.
    """
    tail, other_tail = row + 2 * stride, column + 2 * stride
    product, back_product = splat(F(0)), splat(F(0))
    squares, other_squares = splat(F(0)), splat(F(0))
    back_squares, back_other_squares = splat(F(0)), splat(F(0))
    for d in range(0, stride, LANES):
        vector, other = load(model, row + d), load(model, column + stride + d)
        back, back_other = load(model, column + d), load(model, row + stride + d)
        product = fma(vector, other, product)
        back_product = fma(back, back_other, back_product)
        squares = fma(vector, vector, squares)
        other_squares = fma(other, other, other_squares)
        back_squares = fma(back, back, back_squares)
        back_other_squares = fma(back_other, back_other, back_other_squares)
    error = total(product) + model[tail + BIAS] + model[other_tail + CONTEXT_BIAS] - log_count
    back_error = (
        total(back_product) + model[other_tail + BIAS] + model[tail + CONTEXT_BIAS] - log_count
    )
    slope, back_slope = weight * error, weight * back_error
    squared, back_squared = slope * slope, back_slope * back_slope
    model[tail + SUM] += squared * total(other_squares) * share
    model[other_tail + CONTEXT_SUM] += squared * total(squares) * share
    model[other_tail + SUM] += back_squared * total(back_other_squares) * share
    model[tail + CONTEXT_SUM] += back_squared * total(back_squares) * share
    by = splat(F(-step * slope / np.sqrt(model[tail + SUM])))
    other_by = splat(F(-step * slope / np.sqrt(model[other_tail + CONTEXT_SUM])))
    back_by = splat(F(-step * back_slope / np.sqrt(model[other_tail + SUM])))
    back_other_by = splat(F(-step * back_slope / np.sqrt(model[tail + CONTEXT_SUM])))
    for d in range(0, stride, LANES):
        vector, other = load(model, row + d), load(model, column + stride + d)
        back, back_other = load(model, column + d), load(model, row + stride + d)
        store(model, row + d, fma(other, by, vector))
        store(model, column + stride + d, fma(vector, other_by, other))
        store(model, column + d, fma(back_other, back_by, back))
        store(model, row + stride + d, fma(back, back_other_by, back_other))
    _move_bias(model, tail + BIAS, slope, squared, step)
    _move_bias(model, other_tail + CONTEXT_BIAS, slope, squared, step)
    _move_bias(model, other_tail + BIAS, back_slope, back_squared, step)
    _move_bias(model, tail + CONTEXT_BIAS, back_slope, back_squared, step)
    return np.float64(slope) * np.float64(error) + np.float64(back_slope) * np.float64(back_error)


@always_inline
def _move_bias(model, at, slope, squared, step):
    """A step for one bias; its sum of squares stands `BIAS_SUM` - `BIAS` numbers behind it."""
    model[at + BIAS_SUM - BIAS] += squared
    model[at] -= step * slope / np.sqrt(model[at + BIAS_SUM - BIAS])
