"""Where the files of a named corpus are: the user's data folder, the cache, else a download."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from textrep.core.paths import DATA_VARIABLE, cache_dir, data_dir
from textrep.data.cards import Card, CardFile
from textrep.data.errors import DataError
from textrep.data.readers.files import find


def locate(card: Card, file: CardFile, *, download: bool = True, verbose: int = 1) -> Path:
    """Find a file of a corpus, or fetch it.

    The data folder that ``TEXTREP_DATA`` names is looked at first, then the cache. There, a file
    may also be gzip-compressed, under its name with ``.gz`` after it. What is found is taken as it
    is; `textrep.data.verify` holds it to the card.

    Parameters
    ----------
    card : Card
        Of the corpus.
    file : CardFile
        One of its files.
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
    if found := find_here(file):
        return found
    raise DataError(_missing(card, file))


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
    for root in roots():
        for name in (file.path, f"{file.path}.gz"):
            found = find(root / name)
            if found is not None and stat.S_ISREG(found.st_mode):
                return root / name
    return None


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
    try:
        yield cache_dir() / "data"
    except OSError:
        return  # a user without a home has no cache; whoever needs one says so


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
