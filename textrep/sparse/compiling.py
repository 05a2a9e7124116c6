"""Says so when numba is about to compile the kernels, so that the first call is not mistaken for a
hang.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

logger = logging.getLogger("textrep")


def has_compiled(kernel: Any) -> bool:
    """Whether numba holds machine code for a kernel, in memory or on disk.

    Numba offers no public question for the disk; where its innards have changed the answer is
    True, which only costs the message.
    """
    if getattr(kernel, "signatures", True):  # a plain function where compiling is switched off
        return True
    try:
        return Path(kernel._cache._cache_file._index_path).exists()
    except AttributeError:
        return is_kept(kernel)


def is_kept(kernel: Any) -> bool:
    """Whether numba has a folder to keep a kernel's machine code in."""
    return type(getattr(kernel, "_cache", None)).__name__ != "NullCache"


@lru_cache(maxsize=2)
def announce_compilation(analyzer: str) -> None:
    """Log, once a process and analyzer, that kernels will be compiled; nothing when they already
    are.
    """
    from textrep.sparse.kernels.symbols import document_symbols
    from textrep.sparse.kernels.tokenize import tokenize

    kernel = document_symbols if analyzer == "char" else tokenize
    if has_compiled(kernel):
        return
    if is_kept(kernel):
        logger.warning(
            "textrep: compiling the text kernels for this machine; "
            "this happens once and takes some seconds."
        )
    else:
        logger.warning(
            "textrep: compiling the text kernels, which takes some seconds in every process: no "
            "folder to keep them in can be written to. NUMBA_CACHE_DIR can name one."
        )
