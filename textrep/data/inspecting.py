"""What is in files that are not texts: pictures, music, matrices, lists of words."""

from __future__ import annotations

import gzip
import json
import math
import struct
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from textrep.core.messages import shown
from textrep.data.cards import Card, CardFile
from textrep.data.errors import DataError
from textrep.data.readers.files import open_file
from textrep.data.readers.source import BROKEN_ARCHIVE

_Found = int | dict[str, int]

_BLOCK = 1 << 20
# What broken files make the libraries raise.
_BROKEN = (*BROKEN_ARCHIVE, ValueError, TypeError, OverflowError)
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
# The codes of the IDX format and the bytes that a number has.
_IDX_SIZES = {8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8}


def count_file(card: Card, file: CardFile, path: Path) -> tuple[str, _Found]:
    """Count what a file of a card with the reader ``"files"`` holds.

    Parameters
    ----------
    card : Card
        Its option ``count`` says what to count, for all files or for each by its name: ``"lines"``;
        ``"idx"``, items of an IDX file, by their value when it is one of labels; ``"members"``,
        files of an archive by the folder they are in; ``"mat"``, last dimension of the MATLAB
        ``variables``; ``"json"``, lengths of the values of an object; ``"tunes"`` of ABC notation;
        ``"misspellings"`` of either form that is in use; ``"pictures"``, JPEG and PNG.
    file : CardFile
        One of its files.
    path : Path
        Where that is.

    Returns
    -------
    str
        What the number is called in ``expected``: the part that the file is, ``"all"`` for
        pictures, and else the name of the file.
    int or dict of str to int
        The number, or one for each class.

    Raises
    ------
    DataError
        When the file is damaged, or the card does not say what to count.
    """
    name = PurePosixPath(file.path).name
    kind = card.options.get("count")
    if isinstance(kind, Mapping):
        kind = kind.get(name)
    counter = _COUNTERS.get(kind) if isinstance(kind, str) else None
    if counter is None:
        raise DataError(
            f"the card of corpus {card.name!r} says count={shown(kind)} for {name}; expected one "
            f"of {', '.join(_COUNTERS)}"
        )
    try:
        found = counter(path, card.options)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=path) from error
    except _BROKEN as error:
        raise DataError(f"damaged, or not what {name} should be: {error}", path=path) from error
    return file.split or ("all" if kind == "pictures" else name), found


def _open(path: Path) -> IO[bytes]:
    if path.suffix != ".gz":
        return open_file(path)
    open_file(path).close()  # what is no plain file is refused
    return cast(IO[bytes], gzip.open(path, "rb"))


def _lines(path: Path, _: Mapping[str, Any]) -> int:
    count, last = 0, b"\n"
    with _open(path) as file:
        while block := file.read(_BLOCK):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _tunes(path: Path, _: Mapping[str, Any]) -> int:
    with _open(path) as file:
        return sum(line.startswith(b"X:") for line in file)


def _misspellings(path: Path, _: Mapping[str, Any]) -> int:
    """Lines ``right: wrong wrong``, or a ``$Right`` with a wrong spelling on each line after it."""
    with _open(path) as file:
        lines = [line for line in file if line.strip()]
    if lines and lines[0].startswith(b"$"):
        return sum(not line.startswith(b"$") for line in lines)
    return sum(len(line.partition(b":")[2].split()) for line in lines)


def _idx(path: Path, _: Mapping[str, Any]) -> _Found:
    with _open(path) as file:
        zero, code, rank = struct.unpack(">HBB", file.read(4))
        if zero or code not in _IDX_SIZES or not 1 <= rank <= 4:
            raise ValueError("its head is not that of an IDX file")
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        if rank == 1 and code == 8:
            labels: Counter[int] = Counter()
            while block := file.read(_BLOCK):
                labels.update(block)
            size = labels.total()
        else:
            size = sum(len(block) for block in iter(lambda: file.read(_BLOCK), b""))
    if size != math.prod(shape) * _IDX_SIZES[code]:
        raise ValueError(f"its head says {shape}, and {size:,} bytes follow")
    if rank == 1 and code == 8:
        return {str(label): labels[label] for label in sorted(labels)}
    return shape[0]


def _members(path: Path, _: Mapping[str, Any]) -> dict[str, int]:
    open_file(path).close()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as zipped:
            names = [info.filename for info in zipped.infolist() if not info.is_dir()]
    else:
        with tarfile.open(path) as tarred:
            names = [member.name for member in tarred if member.isreg()]
    return dict(sorted(Counter(PurePosixPath(name).parent.name for name in names).items()))


def _mat(path: Path, options: Mapping[str, Any]) -> dict[str, int]:
    import scipy.io

    open_file(path).close()
    try:
        shapes = {name: shape for name, shape, _ in scipy.io.whosmat(str(path))}
    except (scipy.io.matlab.MatReadError, IndexError) as error:  # of scipy 1.13 for a short file
        raise ValueError(str(error)) from error
    return {name: shapes[name][-1] for name in options.get("variables", shapes) if name in shapes}


def _json(path: Path, _: Mapping[str, Any]) -> _Found:
    with _open(path) as file:
        table = json.load(file)
    if isinstance(table, list):
        return len(table)
    if not isinstance(table, dict):
        raise ValueError("neither an object nor an array")
    return {str(name): len(values) for name, values in table.items()}


def _pictures(path: Path, _: Mapping[str, Any]) -> int:
    with _open(path) as file:
        head = file.read(max(map(len, _PICTURES)))
    if not head.startswith(_PICTURES):
        raise ValueError("it starts like neither a JPEG nor a PNG picture")
    return 1


_COUNTERS: dict[str, Callable[[Path, Mapping[str, Any]], _Found]] = {
    "idx": _idx,
    "json": _json,
    "lines": _lines,
    "mat": _mat,
    "members": _members,
    "misspellings": _misspellings,
    "pictures": _pictures,
    "tunes": _tunes,
}
