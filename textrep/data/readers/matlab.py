"""Matlab's files of numbers, read by scipy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from textrep.core.swelling import check_growth
from textrep.data.errors import DataError
from textrep.data.readers.files import open_file

_WIDEST = 8  # bytes of a number


def read_matlab(path: Path) -> dict[str, Any]:
    """The variables of a file.

    Parameters
    ----------
    path : Path
        Of version 4 to 7.2, as ``save`` writes them.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    DataError
        When it is not there, no plain file, none of Matlab's, damaged, or grows beyond all measure.
    """
    from scipy.io import loadmat, whosmat

    with open_file(path) as file:
        size = path.stat().st_size
        try:
            numbers = sum(math.prod(shape) for _, shape, _ in whosmat(file))
            check_growth(size, numbers * _WIDEST)
            file.seek(0)
            found: dict[str, Any] = loadmat(file)
        except Exception as error:  # scipy's are of many kinds, zlib's and struct's among them
            raise DataError(f"it is no file of Matlab: {error!s:.200}", path=path) from None
    return found
