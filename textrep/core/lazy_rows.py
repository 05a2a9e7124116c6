"""What estimators make of the parts of a dask collection: a dask array, computed when asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from textrep.core.partitions import Parts, Sent, naming_part, part_texts, send, text_parts

Empty = Callable[..., Any]
"""Takes the shape of a matrix and its dtype, as `numpy.zeros` does."""


def transform_texts(model: Any, X: Any, n_columns: int, dtype: Any, empty: Empty = np.zeros) -> Any:
    """Transform documents part by part, later.

    Parameters
    ----------
    model : estimator
        Fitted. A copy of it is sent, which computes with one thread where ``n_jobs`` is None: the
        parts are worked on side by side already.
    X : dask collection
        See `textrep.core.partitions.text_parts`.
    n_columns : int
        Of what the model's ``transform`` gives.
    dtype : dtype
        Likewise.
    empty : callable, default=numpy.zeros
        Makes the matrix of a part without documents, which ``transform`` may refuse.

    Returns
    -------
    dask.array.Array (n_samples, n_columns)
        A block for each part, of unknown height where that of the part is not known.
    """
    return _rows(_text_rows, model, text_parts(X), n_columns, dtype, empty)


def transform_blocks(model: Any, parts: Parts, n_columns: int, dtype: Any, empty: Empty) -> Any:
    """`transform_texts` for the blocks of a matrix, see `textrep.core.partitions.block_parts`."""
    return _rows(_block_rows, model, parts, n_columns, dtype, empty)


def _rows(
    task: Callable[..., Any], model: Any, parts: Parts, n_columns: int, dtype: Any, empty: Empty
) -> Any:
    import dask.array as da
    from dask import delayed

    model = copy.copy(model)  # what is done to the estimator before the array is computed is apart
    if getattr(model, "n_jobs", 1) is None:
        model.n_jobs = 1
    sent = send(model)
    rows = delayed(task, pure=False)
    nothing = empty((0, n_columns), dtype=dtype)
    blocks = [
        da.from_delayed(
            rows(sent, part, number, nothing),
            shape=(height, n_columns),
            dtype=nothing.dtype,
            meta=nothing,
        )
        for number, (part, height) in enumerate(zip(parts.delayed, parts.heights, strict=True))
    ]
    return da.concatenate(blocks, axis=0, allow_unknown_chunksizes=True)


def _text_rows(sent: Sent, part: Any, number: int, nothing: Any) -> Any:
    texts = part_texts(part)
    if not len(texts):
        return nothing
    with naming_part(number, texts):
        return sent.value.transform(texts)


def _block_rows(sent: Sent, block: Any, number: int, nothing: Any) -> Any:
    del number
    return sent.value.transform(block) if block.shape[0] else nothing
