"""One file from its publisher, through as many cut connections as it takes."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from textrep.core.progress import Progress, progress
from textrep.data.fetching.extraction import check_sound, full, has_own_check
from textrep.data.fetching.faults import Interrupted, Refused, amount, is_full
from textrep.data.fetching.partial import Partial, Version, write_all
from textrep.data.fetching.request import connection_fault, described, send

# Attempts in a row that bring nothing new, after which the server is left alone.
MAX_FAILURES = 5
# Attempts in all; one for each few bytes would else go on for days.
MAX_ATTEMPTS = 1000
FIRST_WAIT = 0.5  # seconds; doubled from failure to failure
MAX_WAIT = 60.0
_CHUNK = 1 << 16


def download(url: str, target: Path, *, checksum: str = "", label: str, verbose: int = 1) -> None:
    """Fetch a file whole, or leave what has come for the next call to go on from.

    Parameters
    ----------
    url : str
        Address, http or https.
    target : Path
        Where it goes, in a folder that exists. It is there only when all of it is, and is right.
    checksum : str, default=""
        ``"sha256:..."`` or ``"md5:..."``; empty where none is known. Then the length must fit, and
        a compressed file its own checksums.
    label : str
        What the progress bar calls it.
    verbose : int, default=1
        1 shows the bar, 0 nothing.

    Raises
    ------
    Refused
        When it cannot be had, or is not what it should be.
    """
    partial = Partial(target)
    with _writing(target):
        # What came in pieces, or may have been cut off unseen, is given another chance.
        doubtful = partial.size > 0
        best = partial.size
        failures = 0
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                doubtful = _receive(url, partial, checksum, label, verbose) or doubtful
                if fault := _fault(partial, url, checksum):
                    partial.discard()
                    if not doubtful:
                        raise Refused(fault)
                    doubtful = False
                    raise Interrupted(fault)
                partial.finish()
                return
            except Interrupted as fault:
                if fault.restart:
                    partial.discard()
                failures = 0 if partial.size > best else failures + 1
                best = max(best, partial.size)
                if failures >= MAX_FAILURES or attempt == MAX_ATTEMPTS:
                    raise Refused(
                        f"{fault} ({attempt} attempts)", "call again later: what has come is kept"
                    ) from None
                time.sleep(min(fault.wait or FIRST_WAIT * 2**failures, MAX_WAIT))


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Tell what is wrong with the disk."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise full(target.parent, None) from error
        raise Refused(
            f"{target.parent} cannot be written to: {error.strerror or error}",
            "set TEXTREP_CACHE to a folder that can",
        ) from error


def _receive(url: str, partial: Partial, checksum: str, label: str, verbose: int) -> bool:
    """Get what is missing; whether it came in pieces, or without a word on its end."""
    size = partial.size
    known = partial.version() if size else None
    if known is None or known.url != url or not (known.validator or checksum):
        size = 0
    elif known.length is not None and size >= known.length:
        if size == known.length:
            return True
        size = 0
    with _asked(url, size, known) as answer:
        version, start = described(answer, url)
        if start != size and answer.status == http.HTTPStatus.PARTIAL_CONTENT:
            raise Interrupted("the server sent another part than was asked for", restart=True)
        if size and start and known is not None and not known.agrees(version):
            raise Interrupted("the file changed while it was fetched", restart=True)
        length = version.length
        if start and length is None and known is not None:
            length = known.length
        if length is not None:
            _check_room(partial.path.parent, length - start)
        with partial.resume() if start else partial.begin(version) as file:
            _copy(answer, file, start, length, label, verbose)
        if length is None and not (answer.chunked or checksum or has_own_check(_name(url))):
            partial.discard()
            raise Refused(
                "the server does not say how long the file is, so that nobody can tell whether it "
                "is whole"
            )
    return start > 0 or (length is None and not answer.chunked)


def _asked(url: str, size: int, known: Version | None) -> http.client.HTTPResponse:
    try:
        return send(url, size, known)
    except Interrupted as fault:
        if not fault.restart or known is None or known.length is None:
            raise
        what = f"the server has only {size:,} of the {known.length:,} bytes that it announced"
        raise Interrupted(what, restart=True) from None


def _copy(
    answer: http.client.HTTPResponse,
    file: BinaryIO,
    start: int,
    length: int | None,
    label: str,
    verbose: int,
) -> None:
    total = None if length is None else (length - start) / 1000
    if start:
        label = f"{label} from {amount(start)} on"
    size = start
    bar: Progress[None]
    with progress(total=total, description=label, verbose=verbose, unit="kB") as bar:
        while chunk := _read(answer):
            try:
                write_all(file, chunk)
            except OSError as error:
                if not is_full(error):
                    raise
                needed = None if length is None else length - file.tell()
                raise full(Path(file.name).parent, needed) from error
            size += len(chunk)
            bar.update(len(chunk) / 1000)
    if length is not None and size != length:
        raise Interrupted(f"the connection ended after {size:,} of {length:,} bytes")


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        # What is there, up to a limit: what came before a connection broke is kept.
        return answer.read1(_CHUNK)
    except http.client.IncompleteRead as error:
        raise Interrupted("the connection ended in the middle of the file") from error
    except (OSError, http.client.HTTPException) as error:
        raise connection_fault(error) from error
    except ValueError as error:
        raise Interrupted(f"the server's answer makes no sense: {error}") from error


def _check_room(folder: Path, needed: int) -> None:
    if needed > shutil.disk_usage(folder).free:
        raise full(folder, needed)


def _fault(partial: Partial, url: str, checksum: str) -> str | None:
    """What is wrong with a complete file, or None."""
    if not partial.size:
        return "what came is empty"
    if checksum:
        algorithm, _, published = checksum.partition(":")
        found = partial.digest(algorithm)
        if found != published:
            return (
                f"its checksum is {algorithm}:{found}, where {algorithm}:{published} is published"
            )
        return None
    try:
        check_sound(partial.path, _name(url))
    except Refused as fault:
        return str(fault)
    return None


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]
