"""A bound on what a network from a file may take while it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from textrep.core.container import PersistError

_FREE_BYTES = 1 << 29
"""What one tensor may take whatever the weights in the file: tables of positions and masks, which
are computed, are in none.
"""

_FREE_TENSORS = 10_000
_TENSORS_EACH = 100
"""Tensors that are made for each array in the file, those of drawing its first values included."""

_MAKERS = frozenset(
    f"aten::{name}"
    for name in "empty empty_strided zeros ones full rand randn randint randperm arange eye".split()
)


class Building(TorchDispatchMode):
    """A block in which no tensors are made that the weights of a file could not fill.

    The sizes of a network are parameters, of which a file can hold any; its weights can be no
    larger than the file. So a network of another size is refused before it fills the memory.

    Parameters
    ----------
    weight_bytes : int
        Of all arrays in the file.
    n_arrays : int
        Their number.

    Raises
    ------
    PersistError
        Inside the block, when a tensor is larger than twice the weights and 512 MiB, or there are
        far more of them than arrays.

    Examples
    --------
    >>> import torch
    >>> with Building(weight_bytes=80, n_arrays=1):
    ...     torch.nn.Linear(4, 4)
    Linear(in_features=4, out_features=4, bias=True)
    >>> with Building(weight_bytes=80, n_arrays=1):
    ...     torch.nn.Linear(10**6, 10**6)
    Traceback (most recent call last):
    ...
    textrep.core.container.PersistError: its parameters make a network with a tensor of \
4,000,000,000,000 bytes, but the weights in the file have 80
    """

    def __init__(self, weight_bytes: int, n_arrays: int) -> None:
        super().__init__()
        self._weight_bytes = weight_bytes
        self._n_arrays = n_arrays
        self._left = _FREE_TENSORS + _TENSORS_EACH * n_arrays

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func._schema.name in _MAKERS:
            self._check(_taken(func, args, given))
        return func(*args, **given)

    def _check(self, taken: int) -> None:
        if taken > _FREE_BYTES + 2 * self._weight_bytes:
            raise PersistError(
                f"its parameters make a network with a tensor of {taken:,} bytes, but the weights "
                f"in the file have {self._weight_bytes:,}"
            )
        self._left -= 1
        if self._left < 0:
            raise PersistError(
                f"its parameters make a network of far more tensors than the {self._n_arrays:,} "
                "that are in the file"
            )


def _taken(func: Any, args: tuple[Any, ...], given: dict[str, Any]) -> int:
    """The bytes of the tensor that a function would make, told without making it."""
    elsewhere = {**given, "device": "meta"}
    if "generator" in given:
        elsewhere["generator"] = None  # it has a device of its own
    try:
        return int(func(*args, **elsewhere).nbytes)
    except RuntimeError as error:  # more bytes than 64 bits can count
        raise PersistError(f"its parameters make a network that no memory holds: {error}") from None
