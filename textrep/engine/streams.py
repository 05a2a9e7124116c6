"""Batches of parallel streams of text, for language models that carry their state along."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from textrep.embeddings.parameters import check_count
from textrep.engine.batches import Batches, Share

# Merity et al. (2017), section 5: a window is as long as asked with probability 0.95, else half as
# long, and then varies with a standard deviation of 5.
_HALF_SHARE = 0.05
_WINDOW_DEVIATION = 5
_LEAST_WINDOW = 5


class StreamBatch(NamedTuple):
    """A window of each stream.

    Attributes
    ----------
    inputs, targets : int64 tensors (n_streams, window)
        The targets are the inputs one token later.
    first : bool
        Whether the streams begin here, so that no state is carried in.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    first: bool


class StreamBatches(Batches):
    """One long text, cut into streams that are read side by side, a window at a time.

    Each batch goes on where the one before ended. Of the text, the tokens that do not fill all
    streams, fewer than there are streams, are left out.

    Parameters
    ----------
    ids : integer array (n_tokens,)
    n_streams : int
    window : int
        Tokens of each stream to a batch, through which gradients go back.
    seed : int, default=0
        Of the varied windows.
    vary_window : bool, default=False
        Windows of differing length in each epoch, so that not always the same tokens stand at
        their ends (Merity et al. 2017).

    Raises
    ------
    ValueError
        When the text is too short for two tokens in each stream.

    Examples
    --------
    >>> batches = StreamBatches(np.arange(9), n_streams=2, window=3)
    >>> batches.read(batches.plan(0)[0], Share()).targets
    tensor([[1, 2, 3],
            [5, 6, 7]])
    """

    def __init__(
        self,
        ids: np.ndarray,
        *,
        n_streams: int,
        window: int,
        seed: int = 0,
        vary_window: bool = False,
    ) -> None:
        check_count("n_streams", n_streams, 1)
        check_count("window", window, 1)
        # One token more than the streams hold is the last target of the last stream.
        self._length = (len(ids) - 1) // n_streams
        if self._length < 1:
            raise ValueError(
                f"the text has {len(ids)} tokens, too few for n_streams={n_streams}; give more "
                "text or fewer streams"
            )
        self._ids = np.asarray(ids)
        self._starts = np.arange(n_streams) * self._length
        self._window = window
        self._seed = seed
        self._vary = vary_window

    def plan(self, epoch: int) -> list[tuple[int, int]]:
        """First and last-but-one position of each window."""
        if not self._vary:
            ends = [*range(self._window, self._length, self._window), self._length]
        else:
            ends = self._varied_ends(np.random.default_rng((self._seed, epoch)))
        return list(zip([0, *ends[:-1]], ends, strict=True))

    def _varied_ends(self, rng: np.random.Generator) -> list[int]:
        ends = [0]
        while ends[-1] < self._length:
            base = self._window / 2 if rng.random() < _HALF_SHARE else self._window
            drawn = max(_LEAST_WINDOW, int(rng.normal(base, _WINDOW_DEVIATION)))
            ends.append(min(self._length, ends[-1] + drawn))
        return ends[1:]

    def read(self, spec: tuple[int, int], share: Share) -> StreamBatch | None:
        starts = share.of(self._starts)
        if not len(starts):
            return None
        first, last = spec
        positions = starts[:, None] + np.arange(first, last + 1)
        ids = torch.from_numpy(self._ids[positions].astype(np.int64))
        return StreamBatch(ids[:, :-1], ids[:, 1:], first == 0)

    def size(self, spec: tuple[int, int]) -> int:
        return (spec[1] - spec[0]) * len(self._starts)
