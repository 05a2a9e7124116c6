"""`fit_files` and `transform_files`: files in, a folder of shards out, interrupted or not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textrep._version import __version__
from textrep.core.files import atomic_write, checksum_of
from textrep.core.persist import load
from textrep.data.readers.blocks import Block, cut_files
from textrep.data.readers.paths import Asked
from textrep.sparse.count import CountVectorizer
from textrep.sparse.hashing import HashingVectorizer
from textrep.sparse.sharded.job import Job
from textrep.sparse.sharded.learning import learn
from textrep.sparse.sharded.manifest import (
    FINISHED,
    MODEL,
    ShardError,
    begin,
    held,
    read_manifest,
    write_manifest,
)
from textrep.sparse.sharded.running import runner
from textrep.sparse.sharded.shards import FORMS, read_shard
from textrep.sparse.sharded.tasks import (
    LEARNT,
    REPORTS,
    SHARDS,
    UNFITTED,
    Work,
    write_block,
)

BLOCK_BYTES = 1 << 26
"""Text of a task: enough that what is learnt of it is much smaller, little enough that a worker
holds it and that what a lost one had done is soon done again.
"""

_SHARD_BLOCKS = 2
"""Blocks' worth of text in a shard at most: a block is one shard, a file that is not cut many."""


def fit_files(
    vectorizer: Any,
    files: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    text: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    form: str = "npz",
    block_bytes: int = BLOCK_BYTES,
    scheduler: str | None = None,
    workers: int | None = None,
    verbose: int = 0,
) -> dict[str, Any]:
    """Fit a vectoriser on files and write their matrix in shards.

    What is learnt and written equals what one machine learns from all texts in their order. Called
    again after an interruption, whatever ended it, it goes on where it was.

    Parameters
    ----------
    vectorizer : CountVectorizer, TfidfVectorizer, BM25Vectorizer or HashingVectorizer
        Its parameters must be such as can be saved. It is left as it is.
    files : iterable of str or path-like
        Text by line (.txt), .csv, .tsv, .jsonl or .parquet, plain or compressed.
    folder : str or path-like
        Made if it is not there. Of several machines, all must see it and the files under the same
        paths.
    text : str or None, default=None
        Column of the texts, see `textrep.load_corpus`.
    label : str or None, default=None
        Column of labels to keep in the shards; None keeps none.
    encoding : str or None, default=None
        None is UTF-8.
    form : {"npz", "parquet"}, default="npz"
        Of the shards, see `read_shard`.
    block_bytes : int, default=64 MiB
        Size of the blocks into which .txt and .jsonl files are cut; text of one shard is at most
        twice that, about.
    scheduler : str or None, default=None
        Address of a scheduler of dask whose workers do it.
    workers : int or None, default=None
        Processes on this machine that do it; None is this process with its threads.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    dict
        The manifest, see `read_manifest`. The fitted vectoriser is beside it, ``model.textrep``.

    Raises
    ------
    ShardError
        When the folder was begun with other settings or files, or holds something else, or the
        estimator is none of these.
    DataError
        When a file cannot be read.
    """
    folder = Path(folder)
    _check_kind(vectorizer)
    blocks = _blocks(files, text, label, encoding, form, block_bytes)
    settings = {
        "verb": "fit",
        "vectorizer": type(vectorizer).__name__,
        **{f"vectorizer.{name}": _plain(v) for name, v in vectorizer.get_params().items()},
        **_settings(text, label, encoding, form, block_bytes),
    }

    def make_model(job: Job) -> None:
        if not (folder / MODEL).exists():
            learn(job, vectorizer)

    return _made(folder, blocks, settings, make_model, (scheduler, workers), verbose)


def transform_files(
    model: str | os.PathLike[str],
    files: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    text: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    form: str = "npz",
    block_bytes: int = BLOCK_BYTES,
    scheduler: str | None = None,
    workers: int | None = None,
    verbose: int = 0,
) -> dict[str, Any]:
    """Write the matrix of files by a vectoriser that was fitted and saved before.

    Parameters
    ----------
    model : str or path-like
        File that `fit_files`, or a vectoriser's ``save``, made.
    files, folder, text, label, encoding, form, block_bytes, scheduler, workers, verbose
        See `fit_files`.

    Returns
    -------
    dict
        The manifest. A copy of the model is beside it.

    Raises
    ------
    ShardError, DataError
        See `fit_files`.
    """
    model, folder = Path(model), Path(folder)
    _check_kind(load(model))
    blocks = _blocks(files, text, label, encoding, form, block_bytes)
    settings = {"verb": "transform", "model": checksum_of(model)}
    settings |= _settings(text, label, encoding, form, block_bytes)

    def copy_model(job: Job) -> None:
        with model.open("rb") as source, atomic_write(job.work.folder / MODEL) as target:
            shutil.copyfileobj(source, target)

    return _made(folder, blocks, settings, copy_model, (scheduler, workers), verbose)


def _check_kind(vectorizer: Any) -> None:
    if not isinstance(vectorizer, CountVectorizer | HashingVectorizer):
        raise ShardError(
            f"a {type(vectorizer).__name__} makes no document-term matrix of texts; expected a "
            "CountVectorizer, TfidfVectorizer, BM25Vectorizer or HashingVectorizer"
        )


def _blocks(
    files: Iterable[str | os.PathLike[str]],
    text: str | None,
    label: str | None,
    encoding: str | None,
    form: str,
    block_bytes: int,
) -> list[Block]:
    if form not in FORMS:
        raise ShardError(f"form is {form!r}; expected one of {', '.join(FORMS)}")
    if block_bytes < 1:
        raise ShardError(f"block_bytes is {block_bytes}; expected at least 1")
    paths = [Path(file).resolve() for file in files]
    if not paths:
        raise ShardError("no files were given")
    if len(set(paths)) < len(paths):
        twice = next(path for at, path in enumerate(paths) if path in paths[:at])
        raise ShardError(f"{twice}: this file is given twice")
    asked = Asked(text=text, label=False if label is None else label, encoding=encoding)
    return cut_files(paths, asked, block_bytes)


def _settings(
    text: str | None, label: str | None, encoding: str | None, form: str, block_bytes: int
) -> dict[str, Any]:
    return {
        "text": text,
        "label": label,
        "encoding": encoding,
        "form": form,
        "block_bytes": block_bytes,
        "textrep": __version__,
    }


def _plain(value: Any) -> Any:
    """A parameter as JSON can hold it; dtypes and the like by their names."""
    if isinstance(value, type | np.dtype):
        return np.dtype(value).name
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | None) else repr(value)


def _made(
    folder: Path,
    blocks: Sequence[Block],
    settings: dict[str, Any],
    make_model: Callable[[Job], None],
    place: tuple[str | None, int | None],
    verbose: int,
) -> dict[str, Any]:
    folder = folder.resolve()
    inputs = [_described(block) for block in blocks]
    with held(folder):
        if begin(folder, settings, inputs):
            return read_manifest(folder)
        with runner(*place) as where:
            work = Work(
                folder,
                settings["form"],
                settings["label"] is not None,
                _SHARD_BLOCKS * settings["block_bytes"],
                where.n_jobs,
            )
            job = Job(work, blocks, where, verbose)
            make_model(job)
            (folder / SHARDS).mkdir(exist_ok=True)
            reports = job.over_blocks(write_block, REPORTS, "Writing the shards")
        _finish(folder, settings, inputs, reports)
    return read_manifest(folder)


def _described(block: Block) -> dict[str, Any]:
    return {
        "path": str(block.path),
        "begin": block.begin,
        "end": block.end,
        "size": block.size,
        "mtime_ns": block.path.stat().st_mtime_ns,
    }


def _finish(
    folder: Path,
    settings: dict[str, Any],
    inputs: list[dict[str, Any]],
    reports: list[dict[str, Any]],
) -> None:
    shards = [shard for report in reports for shard in report["shards"]]
    first, _ = read_shard(folder / shards[0]["file"])
    schema = {"n_features": first.shape[1], "dtype": first.dtype.name}
    schema["labels"] = settings["label"] is not None
    checksums = [report["sha256"] for report in reports]
    write_manifest(
        folder,
        {
            "state": FINISHED,
            "settings": settings,
            "inputs": inputs,
            "checksums": checksums,
            "schema": schema,
            "model": MODEL,
            "shards": shards,
            "rows": sum(shard["rows"] for shard in shards),
            "entries": sum(shard["entries"] for shard in shards),
        },
    )
    # What was only on the way to it.
    for name in (LEARNT, REPORTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / UNFITTED).unlink(missing_ok=True)
