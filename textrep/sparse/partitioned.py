"""Vectorisers on dask collections: a state for each part, merged in their order."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from textrep.core.lazy_rows import transform_blocks, transform_texts
from textrep.core.messages import shown
from textrep.core.partitions import (
    Sent,
    block_parts,
    is_partitioned,
    merged_in_order,
    naming_part,
    part_texts,
    send,
    text_parts,
)
from textrep.sparse.matrix import csr_container
from textrep.sparse.seen import Seen, Tower


def seen_in_parts(vectorizer: Any, raw_documents: Any) -> Seen:
    """What a vectoriser sees in the documents of a dask collection, as of all of them at once.

    Parameters
    ----------
    vectorizer : Grows
        Its parameters have been checked, and a vocabulary that is given has been read.
    raw_documents : dask bag, series, data frame of one column, or array of one dimension

    Returns
    -------
    Seen

    Raises
    ------
    TextInputError
        For another kind of collection, and for a document that is no text: the message says its
        partition and its row there.
    """
    from dask import delayed

    see = delayed(_seen_in_part, pure=False)
    counter = send(_counter_like(vectorizer))
    parts = text_parts(raw_documents).delayed
    states = [see(counter, part, number) for number, part in enumerate(parts)]
    return merged_in_order(states, _merged).compute()


def _counter_like(vectorizer: Any) -> Any:
    """A copy of a vectoriser that counts alike and has learnt nothing."""
    counter = clone(vectorizer)
    if counter.n_jobs is None:
        counter.n_jobs = 1  # the parts are counted side by side already
    counter.fixed_vocabulary_ = vectorizer.fixed_vocabulary_
    if counter.fixed_vocabulary_:
        counter.vocabulary_ = vectorizer.vocabulary_
    return counter


def _seen_in_part(counter: Sent, part: Any, number: int) -> Seen:
    texts = part_texts(part)
    with naming_part(number, texts):
        return counter.value._see(texts)


def _merged(states: list[Seen]) -> Seen:
    return Tower(states).whole()


def transform_documents(
    vectorizer: Any,
    raw_documents: Any,
    n_columns: int,
    dtype: Any,
    forget: tuple[str, ...] = (),
) -> Any:
    """Matrix of the documents of a dask collection, computed when it is asked for.

    Parameters
    ----------
    vectorizer : fitted vectoriser
    raw_documents : dask collection, see `seen_in_parts`
    n_columns : int
    dtype : dtype
        Of what ``transform`` gives.
    forget : tuple of str, default=()
        Attributes that a transform does not need, so that they are not sent.

    Returns
    -------
    dask.array.Array (n_samples, n_columns)
        Its blocks are CSR matrices.
    """
    sent = copy.copy(vectorizer)
    for name in forget:
        vars(sent).pop(name, None)
    return transform_texts(sent, raw_documents, n_columns, dtype, csr_container())


def transform_counts(transformer: Any, X: Any) -> Any:
    """`transform` of a transformer of counts for a dask array, computed when it is asked for.

    Parameters
    ----------
    transformer : fitted transformer
    X : dask array (n_samples, n_features)

    Returns
    -------
    dask.array.Array (n_samples, n_features)
        Its blocks are CSR matrices of float32 or float64.

    Raises
    ------
    ValueError
        When it is no array of two dimensions, or has other columns.
    """
    parts = block_parts(X)
    if X.shape[1] != transformer.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(transformer).__name__} is expecting "
            f"{transformer.n_features_in_} features as input."
        )
    dtype = np.float32 if X.dtype == np.float32 else np.float64
    return transform_blocks(transformer, parts, X.shape[1], dtype, csr_container())


def merged_over_blocks(transformer: Any, X: Any) -> Any:
    """A transformer of counts that has learnt from the blocks of a dask array.

    Parameters
    ----------
    transformer : transformer with ``partial_fit`` and ``merge``
    X : dask array (n_samples, n_features)

    Returns
    -------
    transformer
        Another one, with the same parameters.

    Raises
    ------
    ValueError
        When it is no array of two dimensions or has no rows, and for what ``partial_fit`` refuses.
    """
    from dask import delayed

    sent = send(clone(transformer))
    learn = delayed(_learnt_from_block, pure=False)
    states = [learn(sent, block) for block in block_parts(X).delayed]
    merged = merged_in_order(states, _merged_transformers).compute()
    if merged is None:
        raise ValueError(
            f"Found array with 0 sample(s) (shape=(0, {X.shape[1]})) while a minimum of 1 is "
            f"required by {type(transformer).__name__}."
        )
    return merged


def _learnt_from_block(sent: Sent, block: Any) -> Any:
    if not block.shape[0]:
        return None
    # Terms that are in none of these rows may be in others; what is in none is told at the end.
    with np.errstate(divide="ignore"):
        return clone(sent.value).partial_fit(block)


def _merged_transformers(states: list[Any]) -> Any:
    first, *others = [state for state in states if state is not None] or [None]
    # a state may be kept by dask for those who ask for it again
    merged = copy.copy(first)
    with np.errstate(divide="ignore"):
        for other in others:
            merged.merge(other)
    return merged


def summed_over_blocks(
    estimator: Any, X: Any, y: Any, sums_by_label: Callable[[Any, Any, Any], dict[Any, np.ndarray]]
) -> dict[Any, np.ndarray]:
    """Sums by label over the blocks of a dask array.

    Parameters
    ----------
    estimator : estimator
    X : dask array (n_samples, n_features)
    y : dask array, series or bag (n_samples,)
        Of as many parts.
    sums_by_label : callable
        Takes the estimator, a block and its labels.

    Returns
    -------
    dict of label to ndarray

    Raises
    ------
    ValueError
        When there are no labels, or they do not lie in as many parts of the same lengths.
    """
    from dask import delayed

    if not is_partitioned(y):
        raise ValueError(
            f"X is a dask array, so y must be one too, but it is {shown(y)}; with known blocks, "
            "give dask.array.from_array(y, chunks=X.chunks[0])"
        )
    blocks, labels = block_parts(X).delayed, text_parts(y).delayed
    if len(blocks) != len(labels):
        raise ValueError(f"X has {len(blocks)} blocks and y has {len(labels)} parts")
    sent = send((clone(estimator), sums_by_label))
    add = delayed(_sums_of_block, pure=False)
    states = [
        add(sent, *pair, number) for number, pair in enumerate(zip(blocks, labels, strict=True))
    ]
    return merged_in_order(states, _added).compute()


def _sums_of_block(sent: Sent, block: Any, labels: Any, number: int) -> dict[Any, np.ndarray]:
    estimator, sums_by_label = sent.value
    labels = part_texts(labels)
    if block.shape[0] != len(labels):
        raise ValueError(
            f"partition {number}: X has {block.shape[0]} rows and y has {len(labels)} labels"
        )
    return sums_by_label(estimator, block, labels) if len(labels) else {}


def _added(states: list[dict[Any, np.ndarray]]) -> dict[Any, np.ndarray]:
    total: dict[Any, np.ndarray] = {}
    for state in states:
        for label, sums in state.items():
            total[label] = total[label] + sums if label in total else sums
    return total
