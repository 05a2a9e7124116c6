"""Word vectors as values that a model file holds, in few bytes, and back, checked."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from textrep.core.persist import PersistError
from textrep.embeddings.subword_vectors import NgramTable, SubwordVectors
from textrep.embeddings.vectors import WordVectors


def vectors_to_state(vectors: WordVectors) -> dict[str, Any]:
    """What `vectors_from_state` makes the vectors of again.

    Parameters
    ----------
    vectors : WordVectors or SubwordVectors
        A matrix on disk is read into memory.

    Returns
    -------
    dict of str to ndarray, int or None
        ``words``, ``word_bytes`` : see `pack_words`; ``matrix``, ``scale``, ``counts``; and
        those of `NgramTable`, its matrix under the name ``ngrams``

    Raises
    ------
    PersistError
        When they are of another class that answers for unseen words.

    Examples
    --------
    >>> vectors = WordVectors(["a", "b"], np.eye(2, dtype=np.float32), counts=[3, 1])
    >>> state = vectors_to_state(vectors)
    >>> state["word_bytes"], state["counts"]
    (array([1, 1], dtype=uint8), array([3, 1], dtype=uint32))
    >>> vectors_from_state(state)["b"]
    array([0., 1.], dtype=float32)
    """
    subwords = isinstance(vectors, SubwordVectors)
    if not subwords and type(vectors).vectors_of is not WordVectors.vectors_of:
        raise PersistError(
            f"word vectors of the class {type(vectors).__name__} cannot be saved; use WordVectors "
            "or SubwordVectors"
        )
    matrix = vectors.dense() if vectors.scale is None else np.asarray(vectors.matrix)
    packed, sizes = pack_words(vectors.words)
    state: dict[str, Any] = {
        "words": packed,
        "word_bytes": sizes,
        "matrix": np.ascontiguousarray(matrix),
        "scale": vectors.scale,
        "counts": pack_counts(vectors.counts),
    }
    if isinstance(vectors, SubwordVectors):
        state.update(_ngrams_to_state(vectors.ngrams))
    return state


def vectors_from_state(state: Any) -> WordVectors:
    """Undo `vectors_to_state`.

    Raises
    ------
    ValueError
        When the parts do not fit together.
    """
    words = unpack_words(state["words"], state["word_bytes"])
    matrix, scale, counts = state["matrix"], state["scale"], state["counts"]
    kind = np.float32 if scale is None else np.int8
    if np.ndim(matrix) != 2:
        raise ValueError("the matrix of word vectors does not have two dimensions")
    checked_array(matrix, "matrix", kind, (len(words), matrix.shape[1]))
    if "ngrams" in state:
        ngrams = _ngrams_from_state(state, matrix.shape[1])
        return SubwordVectors(words, np.ascontiguousarray(matrix), ngrams=ngrams, counts=counts)
    return WordVectors(words, np.ascontiguousarray(matrix), scale=scale, counts=counts)


def _ngrams_to_state(table: NgramTable) -> dict[str, Any]:
    return {
        "min_n": table.min_n,
        "max_n": table.max_n,
        "bucket": table.bucket,
        "buckets": table.buckets,
        "ngrams": np.ascontiguousarray(table.matrix),
    }


def _ngrams_from_state(state: dict[str, Any], dim: int) -> NgramTable:
    """The n-grams of a file, refused where they could lead the look-up astray."""
    min_n, max_n, bucket = (checked_count(state[n], n) for n in ("min_n", "max_n", "bucket"))
    buckets = state["buckets"]
    least = 1 if max_n else 0  # without n-grams there may be no buckets
    if not least <= bucket <= np.iinfo(np.int32).max:
        raise ValueError("bucket is out of its range")
    n_rows = bucket if buckets is None else len(buckets)
    if buckets is not None:
        checked_array(buckets, "buckets", np.int32, (n_rows,))
        if n_rows and (buckets.min() < 0 or buckets.max() >= bucket):
            raise ValueError("buckets holds numbers that are out of range")
    matrix = checked_array(state["ngrams"], "ngrams", np.float32, (n_rows, dim))
    return NgramTable(min_n, max_n, bucket, buckets, matrix)


def pack_counts(counts: np.ndarray | None) -> np.ndarray | None:
    """Counts of words in four bytes each where they fit."""
    return None if counts is None else _smallest(counts, np.uint32)


def pack_words(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 of all words in one uint8 array, lone surrogates kept, and how many bytes each has, in
    the smallest type of integer that holds them.
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    sizes = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), _smallest(sizes, np.uint8, np.uint32)


def unpack_words(packed: Any, sizes: Any) -> list[str]:
    """Undo `pack_words`."""
    whole = np.asarray(packed).dtype == np.uint8 and np.asarray(sizes).dtype.kind in "iu"
    if not whole or np.ndim(packed) != 1 or np.ndim(sizes) != 1 or (sizes < 0).any():
        raise ValueError("the words are not packed as bytes and their numbers")
    ends = np.cumsum(sizes, dtype=np.int64)
    if (int(ends[-1]) if len(ends) else 0) != len(packed):
        raise ValueError("the words do not have as many bytes as their numbers say")
    data = packed.tobytes()
    cuts = itertools.pairwise([0, *ends.tolist()])
    if data.isascii():
        text = data.decode()
        return [text[a:b] for a, b in cuts]
    return [data[a:b].decode("utf-8", "surrogatepass") for a, b in cuts]


def checked_array(value: Any, name: str, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """An array as it must be, refused otherwise."""
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.shape != shape:
        raise ValueError(f"{name} is not an array of {np.dtype(dtype).name} of shape {shape}")
    return value


def checked_count(value: Any, name: str) -> int:
    """A number of 0 or more, refused otherwise."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is not a number of 0 or more")
    return value


def _smallest(values: np.ndarray, *kinds: Any) -> np.ndarray:
    """The values in the first of the types that holds all of them, else in int64."""
    largest = int(values.max(initial=0))
    for kind in kinds:
        if largest <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.int64)
