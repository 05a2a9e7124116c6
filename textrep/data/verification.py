"""Hold the files of a corpus to its card: checksums, documents per part and class."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textrep.core.progress import Progress, progress
from textrep.data.cards import Card, CardFile, load_card
from textrep.data.counting import Difference, differences, total
from textrep.data.errors import DataError
from textrep.data.inspecting import count_file
from textrep.data.load import stream_corpus
from textrep.data.store import find_archive, find_here, locate

_Found = dict[str, "int | dict[str, int]"]
_BLOCK = 1 << 20


@dataclass(frozen=True)
class FileCheck:
    """What is known of one file.

    Attributes
    ----------
    path : str
        Of the card.
    found : Path or None
        Where it is; None where it is missing.
    state : {"right", "unknown", "unpacked", "wrong", "missing"}
        Whether its checksum is the published one; ``"unknown"`` where none is published, and
        ``"unpacked"`` where that of the archive is, which is not here: one that was fetched was
        checked then.
    checksum : str
        That of the file when it is wrong.
    published : str
        That of the card when it is another.
    """

    path: str
    found: Path | None
    state: str
    checksum: str = ""
    published: str = ""


@dataclass(frozen=True)
class Verification:
    """What holding a corpus to its card brought.

    Attributes
    ----------
    name : str
        Of the corpus.
    files : tuple of FileCheck
        In the order of the card.
    counts : dict of str to (int or dict of str to int)
        Documents that were found, per part, and per class where the card knows classes.
    differences : tuple of Difference
        Where they are not those of the card.
    faults : tuple of str
        What could not be read.
    """

    name: str
    files: tuple[FileCheck, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all files are here and right, and all numbers those of the card."""
        right = all(check.state not in {"missing", "wrong"} for check in self.files)
        return right and not self.differences and not self.faults

    @property
    def documents(self) -> int:
        """Number of documents that were found."""
        return sum(map(total, self.counts.values()))


def verify(name: str, *, verbose: int = 1) -> Verification:
    """Hold a corpus to its card: each file to its checksum where one is published, and the numbers
    of documents per part and class. Nothing is fetched.

    Parameters
    ----------
    name : str
        One of `textrep.data.names()`.
    verbose : int, default=1
        1 shows the progress, 0 nothing.

    Returns
    -------
    Verification

    Raises
    ------
    DataError
        When there is no such corpus. What is wrong with its files is part of the answer.

    Examples
    --------
    >>> verify("docstrings", verbose=0).ok
    True
    """
    card = load_card(name)
    bar: Progress[None]
    with progress(
        total=2 * len(card.files) or 1, description=name, verbose=verbose, unit="checks"
    ) as bar:
        checks = []
        faults: list[str] = []
        for file in card.files:
            try:
                checks.append(_check(file))
            except DataError as error:
                faults.append(str(error))
            bar.update()
        found, unread = _count(card, {check.path for check in checks if check.found is not None})
        bar.update(len(card.files) or 1)
    faults += [fault for fault in unread if fault not in faults]
    counts = card.expected.get("counts")
    apart = _minima(card, found) if counts is None else differences(counts, found)
    return Verification(name, tuple(checks), found, tuple(apart), tuple(faults))


def _check(file: CardFile) -> FileCheck:
    here = find_here(file)
    archive = find_archive(file)
    if here is None and archive is None:
        return FileCheck(file.path, None, "missing")
    found = here or archive
    if not file.checksum:
        return FileCheck(file.path, found, "unknown")
    # The checksum of a member is that of the archive it comes in.
    whole = archive if file.member else here
    if whole is None:
        return FileCheck(file.path, found, "unpacked")
    algorithm = file.checksum.partition(":")[0]
    checksum = f"{algorithm}:{_digest(whole, algorithm, file)}"
    if checksum == file.checksum:
        return FileCheck(file.path, found, "right")
    return FileCheck(file.path, found, "wrong", checksum, file.checksum)


def _digest(path: Path, algorithm: str, file: CardFile) -> str:
    # A copy may be compressed where the published file is not.
    packed = not file.member and path.name == f"{Path(file.path).name}.gz"
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with gzip.open(path) if packed else path.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", path=path) from error
    return digest.hexdigest()


def _count(card: Card, here: set[str]) -> tuple[_Found, list[str]]:
    """Documents of the parts that are here as a whole, and what could not be read."""
    found: _Found = {}
    faults: list[str] = []
    count = _count_file if card.reader == "files" else _count_texts
    for part, files in _jobs(card, here):
        try:
            for name, counts in count(card, part, files):
                _add(found, name, counts, faults)
        except DataError as error:
            faults.append(str(error))
    return found, faults


def _jobs(card: Card, here: set[str]) -> Iterator[tuple[str, list[CardFile]]]:
    """Parts, or single files that are not texts, with the files that each of them needs."""
    if card.reader == "files":
        yield from ((file.split, [file]) for file in card.files if file.path in here)
    elif not card.files:
        yield "", []
    else:
        read = [file for file in card.files if file.role != "other"]
        for part in dict.fromkeys(file.split for file in read):
            files = [file for file in read if file.split == part]
            if all(file.path in here for file in files):
                yield part, files


def _count_file(
    card: Card, _: str, files: list[CardFile]
) -> Iterator[tuple[str, int | dict[str, int]]]:
    for file in files:
        yield count_file(card, file, locate(card, file, download=False))


def _count_texts(
    card: Card, part: str, _: list[CardFile]
) -> Iterator[tuple[str, int | dict[str, int]]]:
    """Through the reader that everybody uses, in pieces: a corpus may be larger than the memory."""
    expected = card.expected.get("counts", {})
    counts: dict[str, Counter[str]] = {}
    for piece in stream_corpus(card.name, split=part or None):
        labels = piece.labels if piece.labels is not None else [""] * len(piece)
        split = piece.split if piece.split is not None else [part or "all"] * len(piece)
        for own in set(split):
            # Where the card knows no classes, each label may be another sentence.
            plain = isinstance(expected.get(own), int)
            counter = counts.setdefault(own, Counter())
            counter.update(
                "" if plain else label
                for label, each in zip(labels, split, strict=True)
                if each == own
            )
    for own, counter in counts.items():
        yield own, counter.total() if set(counter) <= {""} else dict(sorted(counter.items()))


def _add(found: _Found, part: str, counts: int | dict[str, int], faults: list[str]) -> None:
    if part not in found:
        found[part] = counts
        return
    before = found[part]
    if isinstance(before, int) and isinstance(counts, int):
        found[part] = before + counts
        return
    # Items, and the labels of the same items.
    if total(before) != total(counts):
        faults.append(f"{part}: {total(before):,} in one file, {total(counts):,} in another")
    found[part] = counts if isinstance(before, int) else before


def _minima(card: Card, found: _Found) -> Iterator[Difference]:
    if not found and card.files:
        return  # what is missing is said of the files
    documents = sum(map(total, found.values()))
    classes = {label for counts in found.values() if isinstance(counts, dict) for label in counts}
    for name, number in (("documents", documents), ("classes", len(classes))):
        least = card.expected.get(f"minimum_{name}", 0)
        if number < least:
            yield Difference("all", f"({name})", least, number, at_least=True)
