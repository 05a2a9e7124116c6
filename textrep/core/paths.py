"""Where textrep finds its cards, keeps its cache and looks for data."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "TEXTREP_CACHE"
DATA_VARIABLE = "TEXTREP_DATA"


def corpora_dir() -> Path:
    """Folder of the data cards, in an installed package or in a checkout.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the installation lacks the folder.

    Examples
    --------
    >>> corpora_dir().name
    'corpora'
    """
    package = Path(__file__).resolve().parents[1]
    # A wheel carries the folder inside the package; a checkout has it beside the package.
    candidates = (package / "corpora", package.parent / "corpora")
    for folder in candidates:
        if folder.is_dir():
            return folder
    looked = " and ".join(str(folder) for folder in candidates)
    raise FileNotFoundError(f"no folder of data cards at {looked}; reinstall textrep")


def cache_dir() -> Path:
    """Folder for files that textrep can build again; it may not exist yet.

    The environment variable ``TEXTREP_CACHE`` wins, then ``XDG_CACHE_HOME``, then ``~/.cache``.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the user has no home folder and no variable names another.

    Examples
    --------
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, TEXTREP_CACHE="/var/cache/texts"):
    ...     cache_dir().as_posix()
    '/var/cache/texts'
    """
    if own := os.environ.get(CACHE_VARIABLE):
        return _expanded(CACHE_VARIABLE, own)
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification tells programs to ignore a relative path.
    if shared.is_absolute():
        return shared / "textrep"
    try:
        return Path.home() / ".cache" / "textrep"
    except RuntimeError:
        raise FileNotFoundError(
            f"this user has no home folder; set {CACHE_VARIABLE} to a folder for the cache"
        ) from None


def data_dir() -> Path | None:
    """Folder with the user's copies of published data sets.

    Returns
    -------
    Path or None
        The environment variable ``TEXTREP_DATA``, or None where it is not set.

    Raises
    ------
    FileNotFoundError
        If it starts with a ``~`` that stands for nothing.

    Examples
    --------
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, TEXTREP_DATA="/srv/sets"):
    ...     data_dir().as_posix()
    '/srv/sets'
    """
    own = os.environ.get(DATA_VARIABLE)
    return _expanded(DATA_VARIABLE, own) if own else None


def _expanded(variable: str, value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise FileNotFoundError(
            f"{variable}={value!r}: ~ stands for no folder here; write it out"
        ) from None
