"""What a worker does with one block of a file; each task leaves files and a report of them.

The files are the only state: a task that is run again, because its worker was lost, replaces them
by the same; one whose report is there is not run again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrep.core.files import atomic_write, checksum_of
from textrep.core.messages import printable
from textrep.core.persist import load
from textrep.data.readers.blocks import Block, digest, open_block
from textrep.sparse.sharded.manifest import MODEL, ShardError
from textrep.sparse.sharded.shards import write_shard

UNFITTED = "begun.textrep"
"""The vectoriser as it counts a block, in the folder of the shards until all are learnt."""

LEARNT = "learnt"
SHARDS = "shards"
REPORTS = "reports"

_REPORT = ".json"


@dataclass(frozen=True)
class Work:
    """What all tasks of a folder have in common.

    Attributes
    ----------
    folder : Path
        Of the shards; all workers must see it, and the files, under the same paths.
    form : str
        One of `textrep.sparse.sharded.shards.FORMS`.
    labelled : bool
        Whether labels are kept.
    batch_bytes : int
        Text that is held at a time, and goes into one shard, about.
    n_jobs : int or None
        Threads of a task.
    """

    folder: Path
    form: str
    labelled: bool
    batch_bytes: int
    n_jobs: int | None


def learn_block(work: Work, number: int, block: Block) -> dict[str, Any]:
    """See the terms of a block.

    Parameters
    ----------
    work : Work
    number : int
        Of the block.
    block : Block

    Returns
    -------
    dict
        The report.
    """
    name = part_name(number)
    if (report := read_report(work.folder / LEARNT / name)) is not None:
        return report
    vectorizer = _model(work.folder / UNFITTED, work.n_jobs)
    vectorizer = type(vectorizer)(**vectorizer.get_params(deep=False))
    rows = 0
    for texts, _ in _batches(block, work.batch_bytes):
        vectorizer.partial_fit(texts)
        rows += len(texts)
    vectorizer.save(work.folder / LEARNT / f"{name}.textrep")
    report = {"block": number, "rows": rows, "sha256": digest(block)}
    return _reported(work.folder / LEARNT / name, report)


def merge_learnt(folder: Path, name: str, parts: list[str]) -> None:
    """Merge what neighbouring blocks have taught.

    Parameters
    ----------
    folder : Path
        Of the parts.
    name : str
        Of the result, without the suffix.
    parts : list of str
        Names, in order; at least one.
    """
    first, *others = (load(folder / f"{part}.textrep") for part in parts)
    for other in others:
        first.merge(other)
    first.save(folder / f"{name}.textrep")


def write_block(work: Work, number: int, block: Block) -> dict[str, Any]:
    """Turn a block into shards.

    Parameters
    ----------
    work : Work
    number : int
        Of the block.
    block : Block

    Returns
    -------
    dict
        The report, with a list of the shards.
    """
    if (report := read_report(work.folder / REPORTS / part_name(number))) is not None:
        return report
    vectorizer = _model(work.folder / MODEL, work.n_jobs)
    shards: list[dict[str, Any]] = []
    for texts, labels in _batches(block, work.batch_bytes):
        name = f"{SHARDS}/{part_name(number)}-{len(shards):04d}.{work.form}"
        X = vectorizer.transform(texts)
        write_shard(work.folder / name, X, labels if work.labelled else None)
        written = checksum_of(work.folder / name)
        shards.append({"file": name, "rows": len(texts), "entries": X.nnz, "sha256": written})
    checksum = digest(block)
    _refuse_changed(work.folder, number, block, checksum)
    report = {"block": number, "shards": shards, "sha256": checksum}
    return _reported(work.folder / REPORTS / part_name(number), report)


def part_name(number: int) -> str:
    """Name of what is made of a block.

    Examples
    --------
    >>> part_name(12)
    'part-000012'
    """
    return f"part-{number:06d}"


def read_report(path: Path) -> dict[str, Any] | None:
    """The report of a task, or None when it has not come to its end.

    Parameters
    ----------
    path : Path
        Without the suffix.
    """
    try:
        return json.loads(path.with_suffix(_REPORT).read_bytes())
    except FileNotFoundError:
        return None


def _reported(path: Path, report: dict[str, Any]) -> dict[str, Any]:
    with atomic_write(path.with_suffix(_REPORT)) as file:
        file.write(json.dumps(report).encode())
    return report


def _refuse_changed(folder: Path, number: int, block: Block, checksum: str) -> None:
    """Stop when a block is not what the vocabulary was learnt from any more."""
    learnt = read_report(folder / LEARNT / part_name(number))
    if learnt is not None and learnt["sha256"] != checksum:
        raise ShardError(
            f"{printable(str(block.path))}: the file was changed after it had been learnt from; "
            "begin again in another folder"
        )


def _batches(block: Block, n_bytes: int) -> Iterator[tuple[list[str], list[Any]]]:
    texts: list[str] = []
    labels: list[Any] = []
    size = 0
    for text, label, _ in open_block(block).documents:
        texts.append(text)
        labels.append(label)
        size += len(text)
        if size >= n_bytes:
            yield texts, labels
            texts, labels, size = [], [], 0
    if texts:
        yield texts, labels


def _model(path: Path, n_jobs: int | None) -> Any:
    # The time of the file is part of the key: a process may work for several runs.
    return _loaded(path, path.stat().st_mtime_ns, n_jobs)


@functools.lru_cache(maxsize=1)
def _loaded(path: Path, changed: int, n_jobs: int | None) -> Any:
    del changed
    return load(path).set_params(n_jobs=n_jobs)
