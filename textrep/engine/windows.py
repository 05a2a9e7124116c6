"""Batches of windows of one long text, each read by itself."""

from __future__ import annotations

import numpy as np
import torch

from textrep.embeddings.parameters import check_count
from textrep.engine.batches import Batches, Share
from textrep.engine.streams import StreamBatch


class WindowBatches(Batches):
    """One long text, cut into windows that do not know of each other.

    In each epoch the cuts lie elsewhere and the windows come in another order.

    Parameters
    ----------
    ids : integer array (n_tokens,)
    n_rows : int
        Windows to a batch.
    window : int
        Tokens of a window that are predicted.
    seed : int, default=0
    shuffle : bool, default=True
        False keeps windows in their order, from the first token on, the last one shorter.
    n_steps : int, optional
        Batches of all epochs together, `n_epochs` of them; all there are where absent.
    begins : integer array, optional
        First positions of texts within the long one, ascending, the first one 0. Of shuffled
        windows, one then begins with each of them, so that a model learns how a text begins that
        nothing stands before; the cuts behind it lie elsewhere in each epoch. After the last text
        comes the first one.

    Attributes
    ----------
    n_epochs : int or None
        Passes that the steps take; None without `n_steps`.

    Raises
    ------
    ValueError
        When the text has less than two tokens.

    Examples
    --------
    >>> batches = WindowBatches(np.arange(8), n_rows=2, window=3, shuffle=False)
    >>> batches.read(batches.plan(0)[0], Share()).targets
    tensor([[1, 2, 3],
            [4, 5, 6]])
    """

    def __init__(
        self,
        ids: np.ndarray,
        *,
        n_rows: int,
        window: int,
        seed: int = 0,
        shuffle: bool = True,
        n_steps: int | None = None,
        begins: np.ndarray | None = None,
    ) -> None:
        check_count("n_rows", n_rows, 1)
        check_count("window", window, 1)
        if len(ids) < 2:
            raise ValueError(f"the text has {len(ids)} tokens, and two are needed to predict one")
        self._ids = np.asarray(ids)
        self._n_rows = n_rows
        self._window = min(window, len(ids) - 1)
        self._seed = seed
        self._shuffle = shuffle
        self._n_steps = n_steps
        self._begins = begins
        self._n_targets = len(ids) - 1
        if begins is not None:
            self._ids = np.concatenate([self._ids, np.resize(self._ids[1:], self._window)])
        self.n_epochs = None
        if n_steps is not None:
            check_count("n_steps", n_steps, 1)
            self.n_epochs = -(-n_steps // len(self._whole_plan(0)))

    def plan(self, epoch: int) -> list[np.ndarray]:
        """First positions of the windows of each batch."""
        batches = self._whole_plan(epoch)
        if self._n_steps is None or self.n_epochs is None:
            return batches
        # As many in each epoch, one more in the first ones where it does not come out even.
        share, left = divmod(self._n_steps, self.n_epochs)
        return batches[: share + (epoch < left)]

    def _whole_plan(self, epoch: int) -> list[np.ndarray]:
        if self._shuffle:
            rng = np.random.default_rng((self._seed, epoch))
            starts = rng.permutation(self._cut_anew(rng))
        else:
            starts = np.arange(0, self._n_targets, self._window)
        return [starts[i : i + self._n_rows] for i in range(0, len(starts), self._n_rows)]

    def _cut_anew(self, rng: np.random.Generator) -> np.ndarray:
        """Starts of windows, from cuts that are drawn."""
        if self._begins is not None:
            return self._starts_of_texts(self._begins, rng)
        # One window less than would fit, so that the cuts have room to move.
        n_windows = max(1, self._n_targets // self._window - 1)
        room = self._n_targets - n_windows * self._window
        return rng.integers(min(self._window, room) + 1) + self._window * np.arange(n_windows)

    def _starts_of_texts(self, begins: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Starts of windows: that of each text, and others from a cut in its first window on."""
        ends = np.append(begins[1:], self._n_targets)
        cuts = begins + rng.integers((self._window + 1) // 2, self._window + 1, size=len(begins))
        later = [np.arange(cut, end, self._window) for cut, end in zip(cuts, ends, strict=True)]
        return np.concatenate([begins, *later])

    def read(self, spec: np.ndarray, share: Share) -> StreamBatch | None:
        starts = share.of(spec)
        if not len(starts):
            return None
        if not self._shuffle and starts[-1] + self._window >= len(self._ids):
            return self._read_last(starts)
        ids = self._ids[starts[:, None] + np.arange(self._window + 1)].astype(np.int64)
        tensor = torch.from_numpy(ids)
        return StreamBatch(tensor[:, :-1], tensor[:, 1:], True)

    def _read_last(self, starts: np.ndarray) -> StreamBatch:
        """A batch whose last window is shorter: -1 stands for targets that there are none of."""
        rows = [self._ids[start : start + self._window + 1] for start in starts]
        ids = np.zeros((len(rows), self._window + 1), dtype=np.int64)
        targets = np.full((len(rows), self._window), -1, dtype=np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            targets[number, : len(row) - 1] = row[1:]
        return StreamBatch(torch.from_numpy(ids[:, :-1]), torch.from_numpy(targets), True)

    def size(self, spec: np.ndarray) -> int:
        return len(spec) * self._window
