"""Texts that are the same: character for character, or but for case, white space and form."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

# Of 2**32 texts two that differ share a digest of 128 bits with a chance of 10**-20.
_DIGEST_BYTES = 16


def normalised(text: str) -> str:
    """A text without what does not count as a difference.

    Upper case becomes lower case, each run of white space one space, and what Unicode holds to be
    the same character in another form (NFKC: full width, ligatures, composed accents) one form.

    Parameters
    ----------
    text : str
        Any, lone surrogates included.

    Returns
    -------
    str

    Examples
    --------
    >>> normalised("  Ｆree\\tENTRY ")
    'free entry'
    """
    folded = text.casefold()
    if not folded.isascii():
        # Once more, since the form of one character can be an upper-case letter, and that of its
        # lower-case letter decomposed.
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    return " ".join(folded.split())


def number_groups(texts: Iterable[str]) -> NDArray[np.intp]:
    """Number texts so that equal ones share a number.

    Parameters
    ----------
    texts : iterable of str, length n_documents
        Of which only digests are kept.

    Returns
    -------
    ndarray of shape (n_documents,)
        The position of the first text that is equal.

    Examples
    --------
    >>> number_groups(["a", "b", "a"])
    array([0, 1, 0])
    """
    first: dict[bytes, int] = {}
    return np.array(
        [first.setdefault(_digest(text), position) for position, text in enumerate(texts)],
        dtype=np.intp,
    )


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def later_copies(groups: NDArray[np.intp], positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Documents of which an equal one stands before them in the same part.

    Parameters
    ----------
    groups : ndarray of shape (n_documents,)
        Of `number_groups`.
    positions : ndarray of shape (n,)
        Of the part.

    Returns
    -------
    ndarray
        Positions, ascending.

    Examples
    --------
    >>> later_copies(np.array([0, 1, 0, 0]), np.array([0, 1, 2]))
    array([2])
    """
    _, firsts = np.unique(groups[positions], return_index=True)
    later = np.ones(len(positions), dtype=bool)
    later[firsts] = False
    return np.sort(positions[later])


def copied_from(
    groups: NDArray[np.intp], positions: NDArray[np.intp], source: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Documents of one part that have an equal one in another.

    Parameters
    ----------
    groups : ndarray of shape (n_documents,)
        Of `number_groups`.
    positions, source : ndarray
        Of the part that is asked about, and of the other.

    Returns
    -------
    ndarray
        Positions out of `positions`.

    Examples
    --------
    >>> copied_from(np.array([0, 1, 0, 0]), np.array([2, 3]), np.array([0, 1]))
    array([2, 3])
    """
    return positions[np.isin(groups[positions], groups[source])]


def label_codes(labels: Sequence[object] | NDArray[np.generic]) -> NDArray[np.intp]:
    """Number labels from 0 in their sorted order.

    Parameters
    ----------
    labels : sequence of label, length n_documents
        Of one type.

    Returns
    -------
    ndarray of shape (n_documents,)

    Examples
    --------
    >>> label_codes(["ham", "spam", "ham"])
    array([0, 1, 0])
    """
    return np.unique(np.asarray(labels), return_inverse=True)[1].reshape(-1)
