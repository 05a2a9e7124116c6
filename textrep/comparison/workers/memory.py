"""Peak of the resident memory of this process, as far as the system tells."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
# Written to /proc/self/clear_refs it makes Linux forget the peak (proc(5)).
_FORGET_PEAK = "5"


class PeakMemory:
    """By how much the resident memory rises at most.

    Examples
    --------
    >>> peak = PeakMemory()
    >>> held = bytearray(50_000_000)
    >>> peak.rise()  # doctest: +SKIP
    50003968
    """

    def __init__(self) -> None:
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
        self._before = _resident("VmRSS")

    def rise(self) -> int | None:
        """Bytes by which the peak since the beginning lies above it.

        Returns
        -------
        int or None
            None where the system does not tell.
        """
        peak = _resident("VmHWM")
        if peak is None or self._before is None:
            return None
        return max(0, peak - self._before)


def _resident(field: str) -> int | None:
    """A field of the process' status in bytes (Linux), or the peak as the others have it."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In kilobytes, on macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024
