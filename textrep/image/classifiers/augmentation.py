"""Pictures moved a little, so that a network does not learn where things lie."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def moved(pictures: Tensor, most: int) -> Tensor:
    """Each picture moved by up to so many pixels, each way by itself.

    Parameters
    ----------
    pictures : Tensor (B, C, H, W)
    most : int
        Pixels; the edge is continued into what becomes free.

    Returns
    -------
    Tensor (B, C, H, W)

    Examples
    --------
    >>> moved(torch.ones(2, 1, 4, 4), 1).shape
    torch.Size([2, 1, 4, 4])
    """
    if not most:
        return pictures
    ways = torch.randint(2 * most + 1, (2, len(pictures)), device=pictures.device)
    return cut_out(F.pad(pictures, (most,) * 4, mode="replicate"), ways, pictures.shape[-2:])


def cut_out(pictures: Tensor, corners: Tensor, size: torch.Size) -> Tensor:
    """A window of each picture.

    Parameters
    ----------
    pictures : Tensor (B, C, H, W)
    corners : int64 Tensor (2, B)
        First row and first column of each window.
    size : (height, width)

    Returns
    -------
    Tensor (B, C, height, width)

    Examples
    --------
    >>> picture = torch.arange(9.0).view(1, 1, 3, 3)
    >>> cut_out(picture, torch.tensor([[1], [0]]), (2, 2)).tolist()
    [[[[3.0, 4.0], [6.0, 7.0]]]]
    """
    numbers = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    rows = corners[0][:, None] + torch.arange(size[0], device=pictures.device)  # (B, height)
    columns = corners[1][:, None] + torch.arange(size[1], device=pictures.device)
    # Indices around a slice put their own axes first: (B, height, width, C).
    return pictures[numbers, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
