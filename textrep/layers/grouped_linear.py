"""A linear layer of its own for each group of rows, and rows taken out and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def grouped_linear(x: Tensor, weight: Tensor, bias: Tensor | None, sizes: Sequence[int]) -> Tensor:
    """Apply the linear layer of each group to its rows.

    Parameters
    ----------
    x : Tensor, shape (N, D)
        Rows of the first group, then those of the second, and so on.
    weight : Tensor, shape (G, F, D)
    bias : Tensor, shape (G, F), optional
    sizes : sequence of int, length G
        Rows of each group; some may have none. They add up to N.

    Returns
    -------
    Tensor, shape (N, F)

    Notes
    -----
    Plain slices of `weight` would each send back a gradient of the size of all of it; here each
    group writes its part of one.

    Examples
    --------
    >>> weight = torch.tensor([[[1.0]], [[10.0]]])
    >>> grouped_linear(torch.ones(3, 1), weight, None, [1, 2]).flatten().tolist()
    [1.0, 10.0, 10.0]
    """
    return _GroupedLinear.apply(x, weight, bias, list(sizes))


def take_rows(x: Tensor, rows: Tensor) -> Tensor:
    """Rows (M, D) of `x` (N, D), int64 (M,), each of them once.

    The gradient is a copy, since no row is taken twice; ``x[rows]`` must add.
    """
    return _TakeRows.apply(x, rows)


def put_rows(y: Tensor, rows: Tensor, n_rows: int) -> Tensor:
    """A tensor (n_rows, D) with rows `y` (M, D) at places, int64 (M,), and zeros elsewhere."""
    return _PutRows.apply(y, rows, n_rows)


def _bounds(sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Number, first row and end of each group that has rows."""
    found, start = [], 0
    for number, size in enumerate(sizes):
        if size:
            found.append((number, start, start + size))
        start += size
    return found


class _GroupedLinear(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, sizes: list[int]
    ) -> Tensor:
        out = x.new_empty(len(x), weight.shape[1])
        for number, start, end in _bounds(sizes):
            part, transposed = x[start:end], weight[number].t()
            if bias is None:
                torch.mm(part, transposed, out=out[start:end])
            else:
                torch.addmm(bias[number], part, transposed, out=out[start:end])
        ctx.save_for_backward(x, weight)
        ctx.sizes, ctx.has_bias = sizes, bias is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        of_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        of_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        of_bias = None
        if ctx.has_bias and ctx.needs_input_grad[2]:
            of_bias = grad.new_zeros(weight.shape[:2])
        for number, start, end in _bounds(ctx.sizes):
            part = grad[start:end]
            if of_x is not None:
                torch.mm(part, weight[number], out=of_x[start:end])
            if of_weight is not None:
                torch.mm(part.t(), x[start:end], out=of_weight[number])
            if of_bias is not None:
                torch.sum(part, dim=0, out=of_bias[number])
        return of_x, of_weight, of_bias, None


class _TakeRows(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.n_rows = len(x)
        return x.index_select(0, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors
        return grad.new_zeros(ctx.n_rows, grad.shape[1]).index_copy_(0, rows, grad), None


class _PutRows(Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, rows: Tensor, n_rows: int) -> Tensor:
        ctx.save_for_backward(rows)
        return y.new_zeros(n_rows, y.shape[1]).index_copy_(0, rows, y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (rows,) = ctx.saved_tensors
        return grad.index_select(0, rows), None, None
