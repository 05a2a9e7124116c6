"""One shard of a matrix as a file that other programs read: scipy's ``.npz`` or Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp

from textrep.core.files import atomic_write
from textrep.sparse.matrix import csr_container

FORMS = ("npz", "parquet")

_SCHEMA_KEY = b"textrep"


def write_shard(path: Path, X: Any, labels: Sequence[str] | None) -> None:
    """Write a shard, whole or not at all.

    Parameters
    ----------
    path : Path
        Its suffix, ``.npz`` or ``.parquet``, is the format.
    X : sparse CSR matrix (n_samples, n_features)
    labels : sequence of str, of length n_samples, or None

    Raises
    ------
    OSError
        When it cannot be written.
    ImportError
        When there is no pyarrow, which writes Parquet.
    """
    with atomic_write(path) as file:
        if path.suffix == ".parquet":
            _write_parquet(file, X, labels)
        else:
            _write_npz(file, X, labels)


def read_shard(path: str | os.PathLike[str]) -> tuple[Any, list[str] | None]:
    """Read a shard that `textrep vectorize` wrote.

    Parameters
    ----------
    path : str or path-like
        A ``.npz`` file, which ``scipy.sparse.load_npz`` reads as well, or a ``.parquet`` file.

    Returns
    -------
    X : sparse CSR matrix (n_samples, n_features)
    labels : list of str, or None
        None where the texts were read without labels.

    Raises
    ------
    OSError
        When there is no such file.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    X = csr_container()(sp.load_npz(path))
    with np.load(path, allow_pickle=False) as arrays:
        return X, arrays["labels"].tolist() if "labels" in arrays else None


def _write_npz(file: BinaryIO, X: Any, labels: Sequence[str] | None) -> None:
    """As ``scipy.sparse.save_npz``, which takes no labels."""
    arrays = {"data": X.data, "indices": X.indices, "indptr": X.indptr}
    if labels is not None:
        arrays["labels"] = np.array(labels, dtype=np.str_)
    np.savez(file, format=X.format.encode("ascii"), shape=X.shape, **arrays)


def _write_parquet(file: BinaryIO, X: Any, labels: Sequence[str] | None) -> None:
    pa, pq = _pyarrow()
    # One block of text is far from the two billion entries that 32 bits count.
    indptr = pa.array(X.indptr.astype(np.int32))
    columns = {
        "indices": pa.ListArray.from_arrays(indptr, pa.array(X.indices.astype(np.int32))),
        "values": pa.ListArray.from_arrays(indptr, pa.array(X.data)),
    }
    if labels is not None:
        columns["label"] = pa.array(labels, pa.string())
    table = pa.table(columns).replace_schema_metadata(
        {_SCHEMA_KEY: json.dumps({"n_features": X.shape[1]}).encode()}
    )
    pq.write_table(table, file)


def _read_parquet(path: Path) -> tuple[Any, list[str] | None]:
    _, pq = _pyarrow()
    table = pq.read_table(path)
    n_features = json.loads(table.schema.metadata[_SCHEMA_KEY])["n_features"]
    indices, values = (table[name].combine_chunks() for name in ("indices", "values"))
    arrays = values.flatten().to_numpy(), indices.flatten().to_numpy(), indices.offsets.to_numpy()
    labels = table["label"].to_pylist() if "label" in table.column_names else None
    return csr_container()(arrays, shape=(len(indices), n_features)), labels


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet is written by pyarrow, which is not installed: pip install "
            "'textrep[parquet]'; or choose the format npz"
        ) from error
    return pyarrow, pyarrow.parquet
