"""Kept machine code that can be damaged, or cannot be kept at all, without a kernel failing."""

from __future__ import annotations

import contextlib
from typing import Any

from numba.core.caching import FunctionCache


class MachineCode(FunctionCache):
    """numba's cache of one kernel, which is no reason to fail.

    numba itself passes on what the system says of a full disk, and what pickle says of an index
    that was cut off by a crash, to whoever calls the kernel.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code for a signature; None, so that it is compiled anew, where there is none
        that can be read.
        """
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep machine code where that can be done."""
        # An index that cannot be read cannot be added to either: the next process compiles again.
        with contextlib.suppress(Exception):
            super().save_overload(sig, data)
