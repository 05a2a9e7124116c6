"""Where the files of a named corpus are: the user's data folder, the cache, else a download."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from textrep.core.paths import DATA_VARIABLE, cache_dir, data_dir
from textrep.data.cards import Card, CardFile, load_card
from textrep.data.errors import DataError
from textrep.data.readers.files import find


def locate(
    card: Card,
    file: CardFile,
    *,
    home: str | os.PathLike[str] | None = None,
    download: bool = True,
    verbose: int = 1,
) -> Path:
    """Find a file of a corpus, or fetch it.

    The data folder that ``TEXTREP_DATA`` names is looked at first, then the cache. There, a file
    may also be gzip-compressed, under its name with ``.gz`` after it, or still be in the archive
    that its publisher packs it in. What is found is taken as it is; `textrep.data.verify` holds it
    to the card.

    Parameters
    ----------
    card : Card
        Of the corpus.
    file : CardFile
        One of its files.
    home : str or path, default=None
        The only folder to look in, rather than all of those; nothing is then fetched.
    download : bool, default=True
        Whether to fetch the file when it is not here.
    verbose : int, default=1
        1 shows the progress of a download, 0 nothing.

    Returns
    -------
    Path
        A plain file.

    Raises
    ------
    DataError
        When it is not here and cannot be fetched; the message says what to do.
    """
    if home is not None:
        path = Path(home, file.path)
        if not path.is_file():
            raise DataError(
                f"the corpus {card.name!r} is not in data_home: no such file", path=path
            )
        return path
    if found := find_here(file):
        return found
    # Imported here: whoever has the files needs no HTTP.
    from textrep.data.fetching.files import fetch_file, unpack_file

    if archive := find_archive(file):
        return unpack_file(card, file, archive, cached())
    if not (download and file.url):
        raise DataError(_missing(card, file))
    return fetch_file(card, file, cached(), verbose=verbose)


def fetch(name: str, *, mirror: str | None = None, verbose: int = 1) -> list[Path]:
    """Make sure that every file of a corpus is here: fetch those that are not.

    What is fetched goes into the cache. A call that was interrupted, even by ``kill -9``, is gone
    on with by the next one.

    Parameters
    ----------
    name : str
        One of `textrep.data.names()`.
    mirror : str or None, default=None
        Address of a folder to fetch from instead of the publishers; it holds each file under the
        name of its host and its path, as ``wget -x`` lays them out.
    verbose : int, default=1
        1 shows the progress, 0 nothing.

    Returns
    -------
    list of Path
        Of the files, in the order of the card; empty for a corpus that is built.

    Raises
    ------
    DataError
        When there is no such corpus, or a file cannot be had; the others are fetched before it is
        raised.

    Examples
    --------
    >>> fetch("docstrings")
    []
    """
    from textrep.data.fetching.files import fetch_file, tidy

    card = load_card(name)
    paths: list[Path] = []
    faults: list[DataError] = []
    for file in card.files:
        try:
            if mirror is None or not file.url or find_here(file) or find_archive(file):
                paths.append(locate(card, file, verbose=verbose))
                if is_cached(paths[-1]):
                    tidy(card, file, cached(), verbose)
            else:
                paths.append(fetch_file(card, file, cached(), mirror=mirror, verbose=verbose))
        except DataError as error:
            faults.append(error)
    if faults:
        more = f" (and {len(faults) - 1} more of its files)" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{more}") from faults[0]
    return paths


def find_here(file: CardFile) -> Path | None:
    """Find a file of a corpus on this machine.

    Parameters
    ----------
    file : CardFile
        Of any corpus.

    Returns
    -------
    Path or None
        A plain file; None where there is none.

    Raises
    ------
    DataError
        When a folder cannot be looked at.
    """
    return _first_file((file.path, f"{file.path}.gz"))


def find_archive(file: CardFile) -> Path | None:
    """Find the archive that a file comes in, as its publisher calls it, where the file belongs.

    Parameters
    ----------
    file : CardFile
        Of any corpus.

    Returns
    -------
    Path or None
        A plain file; None where there is none.

    Raises
    ------
    DataError
        When a folder cannot be looked at.
    """
    if not file.archive:
        return None
    return _first_file((str(PurePosixPath(file.path).with_name(file.archive)),))


def cached() -> Path:
    """Folder that downloads go to.

    Returns
    -------
    Path
        It need not exist.

    Raises
    ------
    DataError
        When the user has no home folder and no variable names another.
    """
    try:
        return cache_dir() / "data"
    except OSError as error:
        raise DataError(str(error)) from None


def is_cached(path: Path) -> bool:
    """Whether a file is one that was fetched.

    Parameters
    ----------
    path : Path
        Of a file of a corpus.

    Returns
    -------
    bool
    """
    try:
        return path.is_relative_to(cached())
    except DataError:
        return False


def roots() -> Iterator[Path]:
    """Folders to look in, in this order: the user's data folder, then the cache.

    Yields
    ------
    Path
        Of a folder that need not exist.

    Raises
    ------
    DataError
        When a variable that names one makes no sense.
    """
    try:
        if (own := data_dir()) is not None:
            yield own
    except OSError as error:
        raise DataError(str(error)) from None
    # A user without a home has no cache; whoever needs one says so.
    with contextlib.suppress(DataError):
        yield cached()


def _first_file(names: Iterable[str]) -> Path | None:
    for root in roots():
        for name in names:
            found = find(root / name)
            if found is not None and stat.S_ISREG(found.st_mode):
                return root / name
    return None


def _missing(card: Card, file: CardFile) -> str:
    try:
        root = data_dir()
    except OSError as error:
        raise DataError(str(error)) from None
    here = "it is not set" if root is None else f"{root} does not hold it"
    return (
        f"corpus {card.name!r} is not here: get it from {card.homepage} and set {DATA_VARIABLE} "
        f"to the folder that holds {file.path} ({here})"
    )
