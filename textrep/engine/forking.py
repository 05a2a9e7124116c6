"""What becomes of torch's threads in a fork."""

from __future__ import annotations

import functools
import os

import torch


@functools.cache
def compute_alone_in_forks() -> None:
    """Let forks of this process, from now on, compute in one thread.

    The threads that torch computes with (OpenMP's) are not in a fork, which would wait for them for
    ever once the process has computed with several. One thread waits for none; it is what torch's
    own ``DataLoader`` gives its workers too. Whoever forks may raise it in the child, if the parent
    has computed with one thread only.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_compute_alone)


def _compute_alone() -> None:
    torch.set_num_threads(1)
