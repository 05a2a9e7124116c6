"""What can go wrong on the way; `download` turns it into the one error that users see."""

from __future__ import annotations

import errno


class Refused(Exception):
    """There is no point in trying again.

    Parameters
    ----------
    what : str
        What was expected and what came.
    fix : str, default=""
        What to do; empty where getting the file by hand is all one can do.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.fix = fix


class Interrupted(Exception):
    """The connection or the server failed; the next attempt may not.

    Parameters
    ----------
    what : str
        What happened.
    wait : float or None, default=None
        Seconds that the server asks to wait.
    restart : bool, default=False
        Whether what has come so far is of no use.
    """

    def __init__(self, what: str, *, wait: float | None = None, restart: bool = False) -> None:
        super().__init__(what)
        self.wait = wait
        self.restart = restart


# A full disk, a full quota, a file larger than the user or the file system may have.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}


def is_full(error: OSError) -> bool:
    """Whether a file could not be written because there is no room for it.

    Parameters
    ----------
    error : OSError
        From writing.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_full(OSError(errno.ENOSPC, "No space left on device"))
    True
    """
    return error.errno in _FULL


def amount(size: float) -> str:
    """A number of bytes for people.

    Parameters
    ----------
    size : float
        Bytes.

    Returns
    -------
    str

    Examples
    --------
    >>> amount(640), amount(84125825)
    ('640 bytes', '84.1 MB')
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size:.0f} bytes"
