"""Raw documents of any kind -> batches of UTF-8 buffers that the kernels can read where they lie.

A pure ASCII str, a pyarrow column and a polars column are not copied; other text is encoded.
"""

from __future__ import annotations

import ctypes
import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from textrep.core.text import TextInputError
from textrep.sparse.fallback import Uncovered
from textrep.sparse.kernels.utf8 import find_plain
from textrep.sparse.strings import locate
from textrep.sparse.threads import Result, split_evenly, stream_parallel, worthwhile_threads

BATCH_CHARACTERS = 1 << 25
"""An iterator's text is counted as soon as so much has come together, which bounds the memory of a
stream.
"""

BATCH_DOCUMENTS = 1 << 20

LEXICON_BYTES = 1 << 24
"""Text tokenised with a new lexicon at a time, where tokens are numbered only for the moment: more,
because every lexicon meets the frequent words anew.
"""

PART_BYTES = 1 << 22
"""Text counted against a known vocabulary at a time: enough to forget the calls, little enough for
its arrays to stay in the cache.
"""


@dataclass
class Batch:
    """Documents as buffers.

    Attributes
    ----------
    address, nbytes : int64 (n,), where the UTF-8 bytes of each document lie and how many
    plain : uint8 (n,), 1 where they are pure ASCII
    owners : what must stay alive while the addresses are used
    """

    address: np.ndarray
    nbytes: np.ndarray
    plain: np.ndarray
    owners: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.address)

    def cut(
        self, n_jobs: int | None, most_bytes: int | None = None
    ) -> tuple[list[tuple[int, int]], int]:
        """Ranges of documents of about equal size, and the threads worth starting for them.

        Parameters
        ----------
        n_jobs : threads allowed, see `wanted_threads`
        most_bytes : size of a range, about; None for one range a thread
        """
        total = int(self.nbytes.sum())
        threads = worthwhile_threads(n_jobs, total)
        rounds = 1 if most_bytes is None else max(1, -(-total // (threads * most_bytes)))
        if threads * rounds == 1:
            return [(0, len(self))], 1
        cumulative = np.concatenate([[0], np.cumsum(self.nbytes)])
        return split_evenly(cumulative, threads * rounds), threads

    def work(
        self, task: Callable[..., Result], n_jobs: int | None, most_bytes: int
    ) -> Iterator[tuple[Result, float]]:
        """``task(batch, first, last)`` for ranges of about ``most_bytes``, in order, each with the
        share of the batch that is done after it.
        """
        ranges, threads = self.cut(n_jobs, most_bytes)
        total = max(1, int(self.nbytes.sum()))
        done = np.cumsum([self.nbytes[first:last].sum() for first, last in ranges])
        results = stream_parallel(task, [(self, *r) for r in ranges], threads)
        yield from zip(results, (done / total).tolist(), strict=True)


def refuse_str(raw_documents: Any) -> None:
    """scikit-learn's error for a str in place of a list of documents."""
    if isinstance(raw_documents, str):
        raise ValueError("Iterable over raw text documents expected, string object received.")


def _batch_of_strings(documents: list[Any], special: str) -> Batch | None:
    """Buffers of a list of our own; None when some item is not exactly a str."""
    located = locate(documents)
    if located is None:
        return None
    address, nbytes, plain = located
    batch = Batch(address, nbytes, plain, [documents])
    encode = np.flatnonzero(plain == 0)
    if len(encode):
        texts = [documents[i] for i in encode.tolist()]
        if special:
            texts = [t.lower() if any(c in t for c in special) else t for t in texts]
        _replace(batch, encode, [t.encode("utf-8", "surrogatepass") for t in texts])
        batch.plain[encode] = find_plain(batch.address[encode], batch.nbytes[encode])
    return batch


def _whole(batch: Batch | None) -> Iterator[Batch]:
    """A batch of texts that are known to be exactly str, unless there are none."""
    assert batch is not None
    if len(batch):
        yield batch


def _replace(batch: Batch, which: np.ndarray, encoded: list[bytes]) -> None:
    """Let some documents of a batch lie in a buffer of ours."""
    sizes = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    blob = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
    batch.owners.append(blob)
    batch.nbytes[which] = sizes
    batch.address[which] = blob.ctypes.data + np.cumsum(sizes) - sizes


_VIEW = np.dtype([("length", "<i4"), ("head", "<i4"), ("buffer", "<i4"), ("offset", "<i4")])
_INLINE_BYTES = 12  # a string view holds up to so many bytes itself (Arrow columnar format)


_OUTSIDE = "the pyarrow column is broken: some of its strings lie outside its buffers"


def _refuse_outside(views: np.ndarray, sizes: list[int]) -> None:
    """Arrow does not look where the strings of a column that it is handed lie."""
    lengths = views["length"].astype(np.int64)
    far = views[lengths > _INLINE_BYTES]
    sound = bool((lengths >= 0).all() and (far["buffer"] >= 0).all() and (far["offset"] >= 0).all())
    if sound and len(far):
        sound = int(far["buffer"].max()) < len(sizes)
        ends = far["offset"].astype(np.int64) + far["length"]
        sound = sound and bool((ends <= np.array(sizes, dtype=np.int64)[far["buffer"]]).all())
    if not sound:
        raise TextInputError(_OUTSIDE)


def _locate(chunk: Any) -> tuple[np.ndarray, np.ndarray]:
    """Addresses and sizes of the strings of a pyarrow array."""
    import pyarrow as pa

    begin, end = chunk.offset, chunk.offset + len(chunk)
    buffers = chunk.buffers()
    if pa.types.is_string_view(chunk.type):
        views = np.frombuffer(buffers[1], dtype=_VIEW)[begin:end]
        nbytes = views["length"].astype(np.int64)
        _refuse_outside(views, [b.size for b in buffers[2:]])
        inside = buffers[1].address + _VIEW.itemsize * np.arange(begin, end) + 4
        if len(buffers) == 2:
            return inside, nbytes
        bases = np.array([b.address for b in buffers[2:]], dtype=np.int64)
        short = nbytes <= _INLINE_BYTES
        outside = bases[np.where(short, 0, views["buffer"])] + views["offset"]
        return np.where(short, inside, outside), nbytes
    kind = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    offsets = np.frombuffer(buffers[1], dtype=kind)[begin : end + 1].astype(np.int64)
    size = buffers[2].size if buffers[2] else 0
    if offsets[0] < 0 or offsets[-1] > size or (np.diff(offsets) < 0).any():
        raise TextInputError(_OUTSIDE)
    return (buffers[2].address if buffers[2] else 0) + offsets[:-1], np.diff(offsets)


def _batch_of_arrow(chunk: Any, special: str) -> Batch:
    """Buffers of one pyarrow string array; only text that Python has to lower-case is copied."""
    if len(chunk) == 0:
        return Batch(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))
    address, nbytes = _locate(chunk)
    batch = Batch(address, nbytes, find_plain(address, nbytes), [chunk])
    if not batch.plain.all():
        _refuse_invalid(chunk)
    if special:
        marks = [c.encode() for c in special]
        which, encoded = [], []
        for i in np.flatnonzero(batch.plain == 0).tolist():
            text = ctypes.string_at(int(address[i]), int(nbytes[i]))
            if any(mark in text for mark in marks):
                which.append(i)
                encoded.append(text.decode().lower().encode())
        if which:
            _replace(batch, np.array(which), encoded)
    return batch


def _refuse_invalid(chunk: Any) -> None:
    """Arrow itself does not look whether a column it read is UTF-8; the kernels rely on it."""
    try:
        chunk.validate(full=True)
    except ValueError as error:
        raise TextInputError(f"the column holds text that is not UTF-8: {error}") from error


def _arrow_chunks(documents: Any) -> list[Any] | None:
    """The pyarrow string arrays behind a pyarrow, pandas or polars column without missing values,
    else None.
    """
    package = type(documents).__module__.partition(".")[0]
    if package not in ("pyarrow", "pandas", "polars"):
        return None
    try:
        import pyarrow as pa
    except ImportError:  # pandas and polars do without it
        return None
    column = documents
    if package == "pandas":
        column = getattr(getattr(documents, "array", None), "_pa_array", None)
    elif package == "polars":
        import polars as pl

        if documents.dtype == pl.String:
            column = documents.to_arrow(compat_level=pl.CompatLevel.newest())
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    for chunk in chunks:
        if not isinstance(chunk, pa.Array) or chunk.null_count:
            return None
        if not any(kind(chunk.type) for kind in kinds):
            return None
    return chunks


class OwnLower(Uncovered, TextInputError):
    """A document is a str of a class that lower-cases in a way of its own."""


def _as_text(document: Any, position: int, decode: Callable[[Any], Any], lower: bool) -> str:
    text = decode(document)
    if type(text) is str:
        return text
    if isinstance(text, str):  # numpy.str_ and the like
        if lower and type(text).lower is not str.lower:
            raise OwnLower(
                f"document {position} is a {type(text).__name__}, a str with a lower() of its own, "
                "which needs the documents in a list"
            )
        return str.__str__(text)
    raise TextInputError(
        f"document {position} is {reprlib.repr(document)} of type {type(document).__name__}; "
        "expected str or bytes. Drop or replace missing texts first."
    )


def batches(
    documents: Iterable[Any] | Batch, special: str, decode: Callable[[Any], Any], is_content: bool
) -> Iterator[Batch]:
    """Cut raw documents into batches.

    Parameters
    ----------
    documents : iterable of str, or of what ``decode`` makes a str of; or a batch, as it is
    special : characters for whose sake Python lower-cases a document (see `FoldTables`); empty
        when documents are not lower-cased
    decode : scikit-learn's ``decode``: bytes, files and file names to str
    is_content : bool, a str is the document itself, not the name of a file

    Raises
    ------
    TextInputError
        When ``documents`` is a table, or a document is neither str nor bytes; the message gives
        its position.
    """
    if isinstance(documents, Batch):
        yield documents
        return
    if len(getattr(documents, "shape", (0,))) != 1:
        raise TextInputError(
            f"expected one column of texts, got a table of shape {documents.shape}; "  # type: ignore[attr-defined]
            "choose the column, for example table['text']"
        )
    chunks = _arrow_chunks(documents) if is_content else None
    if chunks is not None:
        for chunk in chunks:
            yield _batch_of_arrow(chunk, special)
        return
    if is_content and isinstance(documents, (list, tuple, np.ndarray)):
        items = documents.tolist() if isinstance(documents, np.ndarray) else list(documents)
        whole = _batch_of_strings(items, special)
        if whole is not None:
            yield whole
            return
    if type(documents).__module__.startswith("pyarrow"):
        documents = documents.to_pylist()  # type: ignore[attr-defined]
    part: list[str] = []
    size = 0
    documents = cast(Iterable[Any], documents)
    for position, document in enumerate(documents):
        part.append(_as_text(document, position, decode, special != ""))
        size += len(part[-1])
        if size >= BATCH_CHARACTERS or len(part) == BATCH_DOCUMENTS:
            yield from _whole(_batch_of_strings(part, special))
            part, size = [], 0
    yield from _whole(_batch_of_strings(part, special))
