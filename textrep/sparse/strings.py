"""Where CPython keeps the characters of a str, so that ASCII texts are read where they lie.

CPython's headers give the layout, but not as a promise: it is probed at import, and where anything
is not as expected (another Python, a debug or free-threaded build) texts are encoded instead, which
costs time and changes nothing.
"""

from __future__ import annotations

import ctypes
import sys
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

import numpy as np

from textrep.sparse.kernels.memory import U64
from textrep.sparse.kernels.strings import LENGTH_AT, STATE_AT, TYPE_AT, read_strings

ITEMS_AT = 24
"""Offset of the pointer to its items in a list (CPython's PyListObject)."""

OBJECT_BYTES, LIST_BYTES = 16, 40
"""Sizes of object and list in the builds of CPython that lay them out so."""


class Layout(NamedTuple):
    """How a str object is laid out.

    Attributes
    ----------
    header : bytes before the characters of an ASCII str
    flags : bits of its state that a str has all of when it is ASCII and its characters follow the
        header
    """

    header: int
    flags: int


class _Sub(str):
    """A str whose characters lie elsewhere than its header."""

    __slots__ = ()


def _state(text: str) -> int:
    return ctypes.c_uint32.from_address(id(text) + STATE_AT).value


def _describes(layout: Layout, text: str) -> bool:
    at = id(text)
    is_plain = _state(text) & layout.flags == layout.flags
    return (
        ctypes.c_size_t.from_address(at + TYPE_AT).value == id(str)
        and ctypes.c_size_t.from_address(at + LENGTH_AT).value == len(text)
        and is_plain == text.isascii()
        and (not is_plain or ctypes.string_at(at + layout.header, len(text)) == text.encode())
    )


def probe() -> Layout | None:
    """The layout of this Python's str and list, None where it is not the known one."""
    if sys.implementation.name != "cpython":
        return None
    if (object.__basicsize__, list.__basicsize__) != (OBJECT_BYTES, LIST_BYTES):
        return None
    plain = ["ab" * n for n in range(2, 20)]  # made here, hence not interned
    other = ["é中😀"[n % 3] * n for n in range(2, 20)]
    # bits that mean nothing may have any value, so a single pair of strings would not tell
    always = reduce(and_, map(_state, plain))
    is_ascii = always & ~reduce(or_, map(_state, other))
    is_compact = always & ~reduce(or_, (_state(text) for text in map(_Sub, plain)))
    if is_ascii.bit_count() != 1 or is_compact.bit_count() != 1:
        return None
    layout = Layout("".__sizeof__() - 1, is_ascii | is_compact)
    panel = [*plain, *other, "", "a", "\0", "é", "\x80", "a😀", sys.intern("probe"), "x" * 999]
    items = ctypes.c_size_t.from_address(id(panel) + ITEMS_AT).value
    pointers = (ctypes.c_size_t * len(panel)).from_address(items)
    if list(pointers) != list(map(id, panel)):
        return None
    return layout if all(_describes(layout, text) for text in panel) else None


LAYOUT = probe()


def locate(items: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Where the characters of str objects lie; None when some item is not exactly a str.

    Parameters
    ----------
    items : list that nobody else changes meanwhile

    Returns
    -------
    address, nbytes : int64 (n,), of the texts that are plain; the others' mean nothing
    plain : uint8 (n,), 1 where the text is ASCII and may be read at its address
    """
    n = len(items)
    address = np.zeros(n, dtype=np.int64)
    nbytes = np.zeros(n, dtype=np.int64)
    plain = np.zeros(n, dtype=np.uint8)
    if LAYOUT is None:
        return (address, nbytes, plain) if set(map(type, items)) <= {str} else None
    pointers = ctypes.c_size_t.from_address(id(items) + ITEMS_AT).value
    if n and not read_strings(
        pointers, n, U64(id(str)), U64(LAYOUT.flags), LAYOUT.header, address, nbytes, plain
    ):
        return None
    return address, nbytes, plain
