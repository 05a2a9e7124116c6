"""The binary format of fastText models, version 12.

Little-endian and without padding: int32 magic and version; the arguments (twelve int32, one
float64); int32 numbers of entries, words and labels, int64 tokens, int64 -1 (an index of pruned
n-grams follows otherwise); for each entry its UTF-8 bytes, a zero byte, int64 count, int8 kind (0
word, 1 label); then twice, for the input and the output matrix, a byte that says whether it is
quantised, int64 rows and columns, and float32 values row by row.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.formats.errors import VectorFileError
from textrep.embeddings.formats.lazy import FLOAT, mapped, open_target
from textrep.embeddings.formats.words import decoded, encoded
from textrep.embeddings.neighbours import blocks

MAGIC = 793712314
VERSION = 12
_OLDER_VERSION = 11

LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}

_INTS = "dim ws epoch min_count neg word_ngrams loss model bucket minn maxn lr_update_rate".split()
_ARGUMENTS = struct.Struct("<12id")
_SIGNATURE = struct.Struct("<2i")
_DICTIONARY = struct.Struct("<3i2q")
_ENTRY = struct.Struct("<qb")
_MATRIX = struct.Struct("<B2q")
_WORD, _LABEL = 0, 1
_NOT_PRUNED = -1
_MAX_INT = 2**31 - 1


@dataclass(kw_only=True)
class FastTextFile:
    """What a fastText model file holds.

    Parameters
    ----------
    dim : int
        Values a vector has.
    words : list of str
        Most frequent first; fastText's include ``</s>``, the end of a line.
    counts : int64 ndarray (n_words,)
    labels : list of str, default=[]
        Of a supervised model, with their prefix.
    label_counts : int64 ndarray (n_labels,), default=[]
    input : float32 array (n_words + bucket, dim)
        A row for each word, then one for each bucket of n-grams. To be written, anything with
        ``shape`` and slices of rows will do.
    output : float32 array (n_words, dim), or (n_labels, dim) where supervised
    n_tokens : int
        Tokens in the training text.
    ws, epoch, min_count, neg, word_ngrams, bucket, minn, maxn, lr_update_rate : int
        fastText's arguments by their names; 0 for `minn` and `maxn` means no n-grams of
        characters.
    loss : {"hs", "ns", "softmax", "ova"}, default="ns"
    model : {"cbow", "skipgram", "supervised"}, default="skipgram"
    t : float, default=1e-4
        Threshold of sub-sampling.

    Raises
    ------
    ValueError
        When the parts do not fit each other.

    References
    ----------
    https://github.com/facebookresearch/fastText, src/fasttext.cc, args.cc, dictionary.cc and
    densematrix.cc at version 0.9.2.
    """

    dim: int
    words: list[str]
    counts: np.ndarray
    input: Any
    output: Any
    n_tokens: int
    labels: Sequence[str] = ()
    label_counts: Any = ()
    ws: int = 5
    epoch: int = 5
    min_count: int = 5
    neg: int = 5
    word_ngrams: int = 1
    loss: str = "ns"
    model: str = "skipgram"
    bucket: int = 2_000_000
    minn: int = 3
    maxn: int = 6
    lr_update_rate: int = 100
    t: float = 1e-4

    def __post_init__(self) -> None:
        self.labels = list(self.labels)
        self.counts = np.asarray(self.counts, dtype=np.int64)
        self.label_counts = np.asarray(self.label_counts, dtype=np.int64)
        for name, value, allowed in (
            ("loss", self.loss, LOSSES),
            ("model", self.model, MODELS),
        ):
            if value not in allowed.values():
                names = ", ".join(map(repr, allowed.values()))
                raise ValueError(f"{name} must be one of {names}, got {shown(value)}")
        n_words, n_labels = len(self.words), len(self.labels)
        shapes = {
            "counts": (self.counts, (n_words,)),
            "label_counts": (self.label_counts, (n_labels,)),
            "input": (self.input, (n_words + self.bucket, self.dim)),
            "output": (self.output, (n_labels if self.supervised else n_words, self.dim)),
        }
        for name, (array, shape) in shapes.items():
            if tuple(array.shape) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {tuple(array.shape)}")

    @property
    def supervised(self) -> bool:
        """Whether it is a classifier."""
        return self.model == "supervised"


def read_fasttext(
    path: str | os.PathLike[str], *, lazy: bool = True, errors: str = "strict"
) -> FastTextFile:
    """Read a model of fastText.

    Parameters
    ----------
    path : str or path-like
        A ``.bin`` file of fastText or of gensim's ``save_facebook_model``, plain or gzip; the
        latter is decompressed to a temporary file.
    lazy : bool, default=True
        Leave the matrices on disk, as read-only arrays mapped from the file, which are not aligned:
        ``np.require(rows, requirements="CA")`` makes a kernel's argument of some of them. Otherwise
        they are read into memory and checked for NaN.
    errors : str, default="strict"
        What to do with words that are not UTF-8: see `bytes.decode`; "backslashreplace" keeps them
        apart.

    Returns
    -------
    FastTextFile

    Raises
    ------
    VectorFileError
        When the file is damaged, quantised (``.ftz``), of another version or another format.

    Examples
    --------
    >>> import tempfile
    >>> matrix = np.eye(3, dtype=np.float32)
    >>> file = FastTextFile(dim=3, words=["a"], counts=np.array([7]), bucket=2, n_tokens=7,
    ...     input=matrix, output=matrix[:1])
    >>> path = Path(tempfile.mkdtemp(), "model.bin")
    >>> write_fasttext(path, file)
    >>> read_fasttext(path).input
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    path = Path(path)
    reader = _Reader(mapped(path), path)
    arguments = _read_arguments(reader)
    entries = _read_dictionary(reader, errors)
    input_ = _read_matrix(reader, "input", lazy)
    output = _read_matrix(reader, "output", lazy)
    reader.expect_end()
    try:
        return FastTextFile(**arguments, **entries, input=input_, output=output)
    except ValueError as error:
        raise VectorFileError(f"its parts do not fit each other: {error}", path=path) from error


def write_fasttext(path: str | os.PathLike[str], file: FastTextFile) -> None:
    """Write a model that fastText and gensim's ``load_facebook_model`` can load.

    The file is replaced in one step that happens or does not. Matrices are written in blocks, so
    that they need not lie in memory.

    Parameters
    ----------
    path : str or path-like
        The file to make or replace, compressed where its name ends in ``.gz``.
    file : FastTextFile

    Raises
    ------
    VectorFileError
        When a word is empty or has white space, or a number is too large for the format.
    """
    path = Path(path)
    with open_target(path) as target:
        target.write(_SIGNATURE.pack(MAGIC, VERSION))
        target.write(_packed_arguments(file, path))
        _write_dictionary(target, file, path)
        _write_matrix(target, file.input)
        _write_matrix(target, file.output)


class _Reader:
    """A place in a mapped file that moves on as numbers are read."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self.data = data
        self.path = path
        self.place = 0

    def take(self, layout: struct.Struct, what: str) -> tuple[Any, ...]:
        if self.place + layout.size > len(self.data):
            raise self.error(f"the file ends in {what}: it is cut short")
        values = layout.unpack_from(self.data, self.place)
        self.place += layout.size
        return values

    def word(self, what: str) -> bytes:
        end = self.data.find(b"\0", self.place)
        if end < 0:
            raise self.error(f"the file ends in {what}: it is cut short or damaged")
        word = self.data[self.place : end]
        self.place = end + 1
        return word

    def left(self) -> int:
        return len(self.data) - self.place

    def expect_end(self) -> None:
        if self.left():
            raise self.error(f"{self.left():,} bytes follow the last matrix: the file is damaged")

    def error(self, message: str) -> VectorFileError:
        return VectorFileError(message, path=self.path, byte=self.place)


def _read_arguments(reader: _Reader) -> dict[str, Any]:
    magic, version = reader.take(_SIGNATURE, "its first bytes")
    if magic != MAGIC:
        raise VectorFileError(
            "it is not a model of fastText, or one from before 2017, which has no signature",
            path=reader.path,
        )
    if version not in (VERSION, _OLDER_VERSION):
        raise reader.error(f"fastText's format {version} is unknown; this reads 11 and 12")
    *ints, t = reader.take(_ARGUMENTS, "the arguments")
    arguments = dict(zip(_INTS, ints, strict=True))
    for name, names in (("loss", LOSSES), ("model", MODELS)):
        if arguments[name] not in names:
            raise reader.error(f"the argument {name} is {arguments[name]}, which means nothing")
        arguments[name] = names[arguments[name]]
    if arguments["dim"] < 1 or arguments["bucket"] < 0:
        raise reader.error("the arguments dim and bucket are below what they can be")
    if not math.isfinite(t):
        raise reader.error(f"the argument t is {t}")
    if version == _OLDER_VERSION and arguments["model"] == "supervised":
        arguments["maxn"] = 0  # as fasttext.cc has it: n-grams of characters were not used then
    return {**arguments, "t": t}


def _read_dictionary(reader: _Reader, errors: str) -> dict[str, Any]:
    size, n_words, n_labels, n_tokens, pruned = reader.take(_DICTIONARY, "the dictionary")
    if pruned != _NOT_PRUNED:
        raise _quantised(reader)
    if min(n_words, n_labels, n_tokens) < 0 or n_words + n_labels != size:
        raise reader.error(f"{size} entries cannot be {n_words} words and {n_labels} labels")
    least = size * (1 + _ENTRY.size)
    if least > reader.left():
        raise reader.error(
            f"the file says that {size:,} entries follow, but has only {reader.left():,} bytes more"
        )
    names: list[str] = []
    counts = np.empty(size, dtype=np.int64)
    for row in range(size):
        place = reader.place
        names.append(decoded(reader.word("a word"), errors, reader.path, byte=place))
        counts[row], kind = reader.take(_ENTRY, "the dictionary")
        if kind != (_WORD if row < n_words else _LABEL):
            raise reader.error(f"{shown(names[-1])} is neither word nor label where it stands")
    if len(set(names)) < size:
        raise reader.error(
            "a word occurs twice in the dictionary: the file is damaged, or errors="
            f"{errors!r} makes words alike; give errors='backslashreplace'"
        )
    if (counts < 0).any():
        raise reader.error("a count in the dictionary is negative")
    return {
        "words": names[:n_words],
        "counts": counts[:n_words],
        "labels": names[n_words:],
        "label_counts": counts[n_words:],
        "n_tokens": n_tokens,
    }


def _read_matrix(reader: _Reader, name: str, lazy: bool) -> np.ndarray:
    quantised, n_rows, n_columns = reader.take(_MATRIX, f"the {name} matrix")
    if quantised == 1:
        raise _quantised(reader)
    if quantised != 0 or n_rows < 0 or n_columns < 0:
        raise reader.error(f"the {name} matrix does not begin where it should")
    size = n_rows * n_columns * FLOAT.itemsize
    if size > reader.left():
        raise reader.error(
            f"the {name} matrix of {n_rows:,} rows and {n_columns:,} columns takes {size:,} bytes, "
            f"but only {reader.left():,} follow: the file is cut short"
        )
    values = np.frombuffer(reader.data, FLOAT, n_rows * n_columns, reader.place)
    matrix = values.reshape(n_rows, n_columns).astype(np.float32, copy=not lazy)
    place, reader.place = reader.place, reader.place + size
    if not lazy and not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise VectorFileError(
            f"row {row:,} of the {name} matrix has NaN or infinite values",
            path=reader.path,
            byte=place + row * n_columns * FLOAT.itemsize,
        )
    return matrix


def _quantised(reader: _Reader) -> VectorFileError:
    return reader.error(
        "the model is quantised (.ftz), which cannot be read; take the .bin file it was made from"
    )


def _packed_arguments(file: FastTextFile, path: Path) -> bytes:
    codes = {name: code for names in (LOSSES, MODELS) for code, name in names.items()}
    values = [getattr(file, name) for name in _INTS]
    ints = [codes[value] if isinstance(value, str) else int(value) for value in values]
    for name, value in zip(_INTS, ints, strict=True):
        if not 0 <= value <= _MAX_INT:
            raise VectorFileError(f"{name}={value} does not fit the format", path=path)
    return _ARGUMENTS.pack(*ints, float(file.t))


def _write_dictionary(target: IO[bytes], file: FastTextFile, path: Path) -> None:
    n_words, n_labels = len(file.words), len(file.labels)
    target.write(
        _DICTIONARY.pack(n_words + n_labels, n_words, n_labels, file.n_tokens, _NOT_PRUNED)
    )
    entries = (
        (_WORD, file.words, file.counts),
        (_LABEL, file.labels, file.label_counts),
    )
    for kind, names, counts in entries:
        for name, count in zip(names, counts.tolist(), strict=True):
            target.write(encoded(name, path) + b"\0" + _ENTRY.pack(count, kind))


def _write_matrix(target: IO[bytes], matrix: Any) -> None:
    n_rows, n_columns = matrix.shape
    target.write(_MATRIX.pack(0, n_rows, n_columns))
    for first, last in blocks(n_rows, n_columns):
        target.write(np.ascontiguousarray(matrix[first:last], dtype=FLOAT).tobytes())
