"""The files of a card, fetched into a folder."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from textrep.core.messages import printable
from textrep.data.cards import Card, CardFile, is_address
from textrep.data.errors import DataError
from textrep.data.fetching.download import download
from textrep.data.fetching.extraction import extract
from textrep.data.fetching.faults import Refused
from textrep.data.fetching.locking import locked
from textrep.data.fetching.partial import Partial
from textrep.data.fetching.request import mirrored

# Archives wait here until their files are out; hidden, since nobody looks for a corpus in it.
_ARCHIVES = ".archives"
_BY_HAND = "get the file by other means and put it there as {}"


def fetch_file(
    card: Card, file: CardFile, root: Path, *, mirror: str | None = None, verbose: int = 1
) -> Path:
    """Fetch a file of a corpus, and with it the others that come in the same archive.

    Parameters
    ----------
    card : Card
        Of the corpus.
    file : CardFile
        One of its files, with an address.
    root : Path
        Folder that it goes below; made when it does not exist.
    mirror : str or None, default=None
        Where to fetch from instead of its publisher, as for `mirrored`.
    verbose : int, default=1
        1 shows the progress, 0 nothing.

    Returns
    -------
    Path
        Of the file: all of it, and checked.

    Raises
    ------
    DataError
        When that cannot be; the message names corpus, file and address, what was expected and what
        came, and what to do.
    """
    if mirror is not None and not is_address(mirror):
        raise DataError(
            f"mirror={printable(repr(mirror))}: expected an address that starts with http or https"
        )
    if mirror is not None and "@" in urlsplit(mirror).netloc:
        # Not repeated in the message, since that may be kept.
        raise DataError("mirror: a user name and a password are never sent; leave them out")
    target = root / file.path
    url = mirrored(file.url, mirror)
    arrival = _arrival(file, root)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        arrival.parent.mkdir(parents=True, exist_ok=True)
        with locked(_lock(arrival), verbose):
            # Another process may have been faster.
            if not target.is_file():
                if not arrival.is_file():
                    label = f"{card.name}: {printable(url.rpartition('/')[2])}"
                    download(url, arrival, checksum=file.checksum, label=label, verbose=verbose)
                if file.member:
                    _unpack(card, file, arrival, root)
                    arrival.unlink(missing_ok=True)
    except Refused as fault:
        raise _failure(card, file, url, target, str(fault), fault.fix) from fault
    except OSError as error:
        what = f"{error.filename or root} cannot be written to: {error.strerror or error}"
        fix = "set TEXTREP_CACHE to a folder that can"
        raise _failure(card, file, url, target, what, fix) from error
    return target


def unpack_file(card: Card, file: CardFile, archive: Path, root: Path) -> Path:
    """Take a file of a corpus out of an archive that the user has.

    Parameters
    ----------
    card : Card
        Of the corpus.
    file : CardFile
        One of its files, a member of the archive.
    archive : Path
        As its publisher packs it.
    root : Path
        Folder that the file goes below, and with it the others from the same archive.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    DataError
        When it is not in the archive or cannot be written.
    """
    target = root / file.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        (root / _ARCHIVES).mkdir(parents=True, exist_ok=True)
        with locked(_lock(_arrival(file, root)), verbose=0):
            if not target.is_file():
                extract(archive, _wanted(card, file, root))
    except Refused as fault:
        fix = fault.fix or f"get it again from {card.homepage}"
        raise DataError(f"corpus {card.name!r}: {fault}; {fix}", path=archive) from fault
    except OSError as error:
        raise DataError(
            f"corpus {card.name!r}: {error.filename or root}: {error.strerror or error}; the file "
            f"{file.member!r} of this archive is unpacked into {root}",
            path=archive,
        ) from error
    return target


def tidy(card: Card, file: CardFile, root: Path, verbose: int = 1) -> None:
    """Remove what a process left that was killed in its very last moments.

    Parameters
    ----------
    card : Card
        Of the corpus.
    file : CardFile
        One of its files that was fetched into `root`, or may have been.
    root : Path
        Folder that it went below.
    verbose : int, default=1
        1 says that another process is waited for.
    """
    arrival = _arrival(file, root)
    partial = Partial(arrival)
    stale = [_lock(arrival), partial.path, partial.note]
    # An archive is left for those of its files that are still to come out.
    if file.member and not _wanted(card, file, root):
        stale.append(arrival)
    if not (root / file.path).is_file() or not any(path.exists() for path in stale):
        return
    # Who must not write here has nothing to tidy up.
    with contextlib.suppress(OSError, Refused), locked(_lock(arrival), verbose):
        for path in stale[1:]:
            path.unlink(missing_ok=True)


def _arrival(file: CardFile, root: Path) -> Path:
    """Where a download goes: without an archive between them, to where the file belongs."""
    return root / _ARCHIVES / _archive_name(file.url) if file.member else root / file.path


def _lock(arrival: Path) -> Path:
    return arrival.with_name(f".{arrival.name}.lock")


def _archive_name(url: str) -> str:
    # Archives of two publishers may be called the same.
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    return f"{digest}-{urlsplit(url).path.rpartition('/')[2][-80:]}"


def _unpack(card: Card, file: CardFile, archive: Path, root: Path) -> None:
    try:
        extract(archive, _wanted(card, file, root))
    except Refused as fault:
        # What does not hold the file is of no use the next time either; with a full disk it is.
        if not fault.fix:
            archive.unlink(missing_ok=True)
        raise


def _wanted(card: Card, file: CardFile, root: Path) -> dict[str, Path]:
    """Every file that comes in the same archive and is not here yet."""
    twins = [other for other in card.files if other.url == file.url and other.member]
    wanted = {other.member: root / other.path for other in twins}
    return {member: path for member, path in wanted.items() if not path.is_file()}


def _failure(card: Card, file: CardFile, url: str, target: Path, what: str, fix: str) -> DataError:
    by_hand = _BY_HAND.format(target)
    return DataError(
        f"corpus {card.name!r}: {file.path} could not be fetched from {url}: {what}; "
        f"{fix or by_hand}"
    )
