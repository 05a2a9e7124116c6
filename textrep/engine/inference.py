"""A function applied to many rows in batches of similar length, in the order they came in."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from textrep.engine.batches import LengthBatches, Share
from textrep.engine.device import autocast, choose_device, choose_precision, to_device

MAX_TOKENS = 16_384
MAX_ROWS = 512


def apply_in_batches(
    function: Callable[[Any], Sequence[Any] | torch.Tensor],
    lengths: Sequence[int] | np.ndarray,
    collate: Callable[[np.ndarray], Any],
    *,
    device: str | torch.device = "cpu",
    precision: str = "auto",
    max_tokens: int = MAX_TOKENS,
    max_rows: int = MAX_ROWS,
) -> list[Any]:
    """Outputs of a function for all rows, without gradients.

    Parameters
    ----------
    function : callable
        Takes a batch on the device and gives one entry for each of its rows: a tensor whose first
        axis they are, or a sequence.
    lengths : sequence of int (n_rows,)
    collate : callable
        Takes int64 row numbers and gives a batch, tensors on the CPU.
    device, precision : str
    max_tokens, max_rows : int
        Of a batch; padding counts.

    Returns
    -------
    list, length n_rows
        In the order of the rows; tensors are on the CPU.

    Examples
    --------
    >>> rows = [[1.0, 2.0], [3.0]]
    >>> from textrep.engine.batches import pad
    >>> collate = lambda numbers: pad([np.array(rows[i]) for i in numbers])
    >>> [int(total) for total in apply_in_batches(lambda batch: batch.sum(1), [2, 1], collate)]
    [3, 3]
    """
    chosen = choose_device(device) if isinstance(device, str) else device
    precision = choose_precision(precision, chosen)
    batches = LengthBatches(
        lengths, collate, max_tokens=max_tokens, max_rows=max_rows, shuffle=False
    )
    outputs: list[Any] = [None] * len(lengths)
    with torch.inference_mode():
        for rows in batches.plan(0):
            with autocast(chosen, precision):
                found = function(to_device(batches.read(rows, Share()), chosen))
            if isinstance(found, torch.Tensor):
                found = found.cpu()
            for row, output in zip(rows.tolist(), found, strict=True):
                outputs[row] = output.cpu() if isinstance(output, torch.Tensor) else output
    return outputs


AnyModule = TypeVar("AnyModule", bound=nn.Module)


@dataclass
class _Loan:
    """Where a module is while threads compute with it, and the mode to leave it in."""

    device: torch.device
    training: bool
    users: int = 0


class _Loans:
    """The modules that are lent, in this process."""

    def __init__(self) -> None:
        self.begin_anew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin_anew)

    def begin_anew(self) -> None:
        """Forget them, as in a fork, whose other threads are gone."""
        self._changed = threading.Condition()
        self._loans: WeakKeyDictionary[nn.Module, _Loan] = WeakKeyDictionary()

    def lend(self, module: nn.Module, device: torch.device) -> _Loan:
        """Bring a module to a device, or wait until it can be brought there."""
        with self._changed:
            while (loan := self._loans.get(module)) is not None and loan.device != device:
                self._changed.wait()
            if loan is None:
                loan = _Loan(device, module.training)
                module.eval()
                try:
                    module.to(device)
                except BaseException:  # as when the memory of the device is full
                    _bring_home(module, loan)
                    raise
                self._loans[module] = loan
            loan.users += 1
        return loan

    def give_back(self, module: nn.Module, loan: _Loan) -> None:
        """One user less; the last one brings the module home."""
        with self._changed:
            loan.users -= 1
            if not loan.users:
                self._loans.pop(module, None)
                _bring_home(module, loan)
                self._changed.notify_all()


def _bring_home(module: nn.Module, loan: _Loan) -> None:
    module.to("cpu")
    module.train(loan.training)


_loans = _Loans()


@contextlib.contextmanager
def lent_to(module: AnyModule, device: torch.device) -> Iterator[AnyModule]:
    """A module on a device inside, in evaluation mode; on the CPU again outside.

    Any number of threads may have it at once, on one device: the last one brings it back. Who wants
    it on another device waits till then.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU, where it is not lent already.
    device : torch.device

    Yields
    ------
    The module.
    """
    loan = _loans.lend(module, device)
    try:
        yield module
    finally:
        _loans.give_back(module, loan)
