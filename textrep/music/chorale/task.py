"""What `ChoraleModel` is trained on: windows of pieces, and their likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.engine.batches import LengthBatches
from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.music.chorale.frames import MARGIN
from textrep.music.chorale.module import ChoraleModule


class FrameBatch(NamedTuple):
    """Windows of pieces.

    Attributes
    ----------
    frames : uint8 tensor (B, 1 + T, C, P)
        With the frame before each window.
    starts : int64 tensor (B,)
        Number of the first frame of a window in its piece.
    lengths : int64 tensor (B,)
        Frames of a window, without the one before it.
    """

    frames: Tensor
    starts: Tensor
    lengths: Tensor


def collate_windows(
    pieces: Sequence[NDArray[np.uint8]], windows: Sequence[tuple[int, int, int]]
) -> FrameBatch:
    """Windows, (piece, start, end) each, as a batch.

    >>> piece = np.arange(3, dtype=np.uint8).reshape(3, 1, 1)
    >>> collate_windows([piece], [(0, 0, 2), (0, 2, 3)]).frames[..., 0, 0].tolist()
    [[0, 0, 1], [1, 2, 0]]
    """
    longest = max(end - start for _, start, end in windows)
    frames = np.zeros((len(windows), 1 + longest, *pieces[0].shape[1:]), dtype=np.uint8)
    for row, (number, start, end) in zip(frames, windows, strict=True):
        first = max(0, start - 1)
        row[first - start + 1 : end - start + 1] = pieces[number][first:end]
    starts = torch.tensor([start for _, start, _ in windows])
    lengths = torch.tensor([end - start for _, start, end in windows])
    return FrameBatch(torch.from_numpy(frames), starts, lengths)


def window_batches(
    pieces: Sequence[NDArray[np.uint8]],
    *,
    window: int,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
) -> LengthBatches:
    """Batches of pieces, those that are longer than `window` frames cut into such."""
    windows = [
        (number, start, min(start + window, len(piece)))
        for number, piece in enumerate(pieces)
        for start in range(0, len(piece), window)
    ]
    return LengthBatches(
        [end - start for _, start, end in windows],
        lambda rows: collate_windows(pieces, [windows[row] for row in rows]),
        max_rows=batch_size,
        seed=seed,
        shuffle=shuffle,
    )


class ChoraleTask(Task):
    """Negative log-likelihood of frames, in nats.

    Parameters
    ----------
    module : ChoraleModule
    transpose : bool
        Whether windows are moved by up to half an octave in training, as far as they stay inside.
    """

    def __init__(self, module: ChoraleModule, transpose: bool) -> None:
        super().__init__()
        self.module = module
        self._transpose = transpose

    def loss(self, phase: str, batch: FrameBatch) -> LossSum:
        frames, starts, lengths = batch
        if self._transpose and self.training:
            frames = transposed(frames)
        nats = self.module.frame_nats(frames.float(), starts, lengths).sum()
        return LossSum(nats, lengths.sum())


def transposed(frames: Tensor) -> Tensor:
    """Rows (B, T, C, P), each moved by the same number of semitones, drawn from torch's generator.

    By at most `MARGIN`, and no further than the lowest and the highest note stay inside.
    """
    n_pitches = frames.shape[3]
    sounding = frames.flatten(1, 2).amax(1).bool()  # (B, P)
    pitches = torch.arange(n_pitches, device=frames.device)
    lowest = torch.where(sounding, pitches, n_pitches).amin(1).clamp(max=MARGIN)
    room_above = torch.where(sounding, n_pitches - 1 - pitches, n_pitches).amin(1)
    highest = room_above.clamp(max=MARGIN)
    drawn = torch.rand(len(frames), device=frames.device)
    moved = (drawn * (lowest + highest + 1)).long() - lowest  # (B,)
    source = (pitches - moved[:, None]) % n_pitches  # what leaves at one end is silent
    return frames.gather(3, source[:, None, None].expand_as(frames))
