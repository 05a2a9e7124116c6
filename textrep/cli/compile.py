"""`textrep compile`: the kernels, before anybody waits for them."""

from __future__ import annotations


def compile_() -> None:
    """Compile the kernels for this machine now.

    Otherwise that is done when they are first used. Nothing is done where they are compiled
    already; NUMBA_CACHE_DIR names another folder to keep them in.
    """
    from textrep.comparison.compiling import compile_kernels

    compile_kernels()
