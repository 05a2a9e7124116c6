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
        return True


@lru_cache(maxsize=2)
def announce_compilation(analyzer: str) -> None:
    """Log, once a process and analyzer, that kernels will be compiled; nothing when they already
    are.
    """
    from textrep.sparse.kernels.symbols import document_symbols
    from textrep.sparse.kernels.tokenize import tokenize

    if not has_compiled(document_symbols if analyzer == "char" else tokenize):
        logger.warning(
            "textrep: compiling the text kernels for this machine; "
            "this happens once and takes some seconds."
        )
