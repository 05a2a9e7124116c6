"""What all estimators of pictures share: their check, their batches, pictures of their progress."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags
from torch import nn

from textrep.core.container import PersistError
from textrep.core.launching import is_main
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_count
from textrep.engine.batches import Batches, Share
from textrep.engine.device import autocast, choose_device, choose_precision, to_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import lent_to
from textrep.engine.seeding import own_random
from textrep.image.grids import save_grid
from textrep.image.pixels import Pixels, check_pictures

_ROWS = 256  # pictures at once where nothing is trained
_MOST_NUMBERS = 1 << 28  # of one picture in a file: 16,384 x 16,384


class PictureEstimator(TorchEstimator):
    """Base of the estimators of pictures.

    A subclass declares the parameters of `TorchEstimator` and, where it draws pictures, the one
    below.

    Parameters
    ----------
    progress_folder : str, path or None
        Folder for a grid of pictures after each epoch; made where it is missing.

    Attributes
    ----------
    n_channels_ : int
    image_size_ : (int, int)
        Height and width of the pictures of `fit`.
    n_features_in_ : int
        Numbers of a picture.
    """

    progress_folder: Any

    n_channels_: int
    image_size_: tuple[int, int]
    n_features_in_: int

    def _check_fit(self, X: Any, *, name: str = "X", least: int = 2) -> Pixels:
        """The pictures of `fit`, whose size and channels are from now on expected."""
        pixels = check_pictures(X, name=name, least=least)
        self.n_channels_ = pixels.shape[1]
        self.image_size_ = (pixels.shape[2], pixels.shape[3])
        self.n_features_in_ = int(np.prod(pixels.shape[1:]))
        return pixels

    def _check(self, X: Any, *, name: str = "X", least: int = 1) -> Pixels:
        """Pictures of the size and channels of those of `fit`."""
        self._check_fitted()
        return check_pictures(
            X, name=name, channels=self.n_channels_, size=self.image_size_, least=least
        )

    def _apply(
        self,
        function: Callable[..., torch.Tensor],
        *arrays: NDArray[Any],
        rows: int = _ROWS,
        precision: str = "fp32",
    ) -> NDArray[np.float32]:
        """A function of the module and of as many rows of each array at a time, without gradients.

        Parameters
        ----------
        function : callable
            Takes the module and a tensor for each array; gives a tensor with an entry for each row.
        *arrays : ndarray (n, ...)
        rows : int
        precision : {"fp32", "auto", "bf16"}, default="fp32"
            What networks are trained in is too coarse for what they answer, where they are small.

        Returns
        -------
        float32 ndarray (n, ...)
        """
        device = choose_device(self.device)
        precision = choose_precision(precision, device)
        found = []
        with torch.inference_mode(), lent_to(self.module_, device) as module:
            for start in range(0, len(arrays[0]), rows):
                # Copies: torch cannot share memory that must not be written to.
                parts = (torch.tensor(array[start : start + rows]) for array in arrays)
                with autocast(device, precision):
                    answer = function(module, *(to_device(part, device) for part in parts))
                found.append(answer.float().cpu())
        return torch.cat(found).numpy()

    def _set_state(self, state: dict[str, Any]) -> None:
        if "weights" in state or "image_size_" in state:
            self._check_shapes(state)
        super()._set_state(state)

    def _check_shapes(self, state: dict[str, Any]) -> None:
        """Refuse a state that no fitted estimator has.

        Raises
        ------
        PersistError
            When there are no channels or no size of pictures, or one that no memory holds, or
            ``n_features_in_`` does not follow from them.
        """
        channels, size = state.get("n_channels_"), state.get("image_size_")
        sizes: list[Any] = (
            [channels, *size] if isinstance(size, tuple) and len(size) == 2 else [None]
        )
        # A network of convolutions fits any size, so that its weights do not vouch for this.
        if not all(type(n) is int and n >= 1 for n in sizes) or math.prod(sizes) > _MOST_NUMBERS:
            raise PersistError(f"pictures of {shown(size)} with {shown(channels)} channels")
        if state.get("n_features_in_") != math.prod(sizes):
            raise PersistError(f"n_features_in_ is {shown(state.get('n_features_in_'))}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        tags.input_tags.three_d_array = True
        return tags


class _Spec(NamedTuple):
    """Rows of a batch, and which of them are mirrored."""

    rows: NDArray[np.int64]
    mirrored: NDArray[np.bool_] | None


class PictureBatches(Batches):
    """Pictures in random order, with what belongs to them.

    Parameters
    ----------
    arrays : tuple of ndarray (n, ...)
        Of one length; the first are the pictures. Those of uint8 with four axes are scaled to
        [0, 1] as they are read.
    batch_size : int
    seed : int, default=0
    shuffle : bool, default=True
        False keeps the order, in each epoch.
    flip : bool, default=False
        Mirror half of the pictures, others in each epoch.
    drop_last : bool, default=False
        Leave out the last batch where it is smaller, unless it is the only one.
    least : int, default=1
        Leave it out where it has fewer pictures than that, unless it is the only one.

    Examples
    --------
    >>> pictures, labels = np.zeros((5, 1, 8, 8), np.float32), np.arange(5)
    >>> batches = PictureBatches((pictures, labels), 2, shuffle=False)
    >>> [batches.read(spec, Share())[1].tolist() for spec in batches.plan(0)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        arrays: Sequence[NDArray[Any]],
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        flip: bool = False,
        drop_last: bool = False,
        least: int = 1,
    ) -> None:
        check_count("batch_size", batch_size, 1)
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1:
            raise ValueError(f"arrays must be of one length, got {[len(a) for a in arrays]}")
        self._arrays = tuple(arrays)
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        self._flip = flip
        self._least = batch_size if drop_last else min(least, batch_size)

    def plan(self, epoch: int) -> list[_Spec]:
        n = len(self._arrays[0])
        rng = np.random.default_rng((self._seed, epoch))
        rows = rng.permutation(n) if self._shuffle else np.arange(n)
        mirrored = rng.random(n) < 0.5 if self._flip else None
        specs = []
        for start in range(0, n, self._batch_size):
            part = slice(start, start + self._batch_size)
            specs.append(_Spec(rows[part], None if mirrored is None else mirrored[part]))
        if len(specs) > 1 and len(specs[-1].rows) < self._least:
            specs.pop()
        return specs

    def read(self, spec: _Spec, share: Share) -> Any:
        """A tensor where there is one array, else a tuple of them."""
        rows = share.of(spec.rows)
        if not len(rows):
            return None
        taken = [array[rows] for array in self._arrays]
        if spec.mirrored is not None:
            mirrored = share.of(spec.mirrored)
            taken[0][mirrored] = taken[0][mirrored][..., ::-1]
        tensors = tuple(_tensor(array) for array in taken)
        return tensors[0] if len(tensors) == 1 else tensors

    def size(self, spec: _Spec) -> int:
        return len(spec.rows)


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    if array.dtype == np.uint8 and array.ndim == 4:
        return torch.from_numpy(np.divide(array, 255, dtype=np.float32))
    return torch.from_numpy(array)


class ProgressPictures:
    """A grid of pictures after each epoch, of the same codes or noise each time.

    A task calls it in its `begin_epoch`, and the estimator once more behind the last one. What is
    drawn has no influence on training: torch's random state is put back.

    Parameters
    ----------
    folder : str, path or None
        Made where it is missing; None draws nothing.
    draw : callable
        Gives pictures (n, channels, height, width), a tensor or an array; what is outside [0, 1] is
        cut off.
    columns : int or None, default=None

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> progress = ProgressPictures(folder, lambda: torch.zeros(4, 1, 8, 8))
    >>> progress(nn.Identity(), 3)
    >>> os.listdir(folder)
    ['epoch-0003.png']
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        draw: Callable[[], torch.Tensor | NDArray[Any]],
        columns: int | None = None,
    ) -> None:
        if folder is not None and not isinstance(folder, str | os.PathLike):
            raise ValueError(f"progress_folder must be a path or None, got {shown(folder)}")
        self._folder = None if folder is None else Path(folder)
        self._draw = draw
        self._columns = columns

    def __call__(self, module: nn.Module, epoch: int) -> None:
        """Draw in evaluation mode, so many epochs being done."""
        # Of several processes that train together, the first one draws.
        if self._folder is None or not is_main():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        training = module.training
        device = next((parameter.device for parameter in module.parameters()), None)
        module.eval()
        try:
            with own_random(device), torch.no_grad():
                drawn = self._draw()
        finally:
            module.train(training)
        pixels = drawn.detach().float().cpu().numpy() if torch.is_tensor(drawn) else drawn
        path = self._folder / f"epoch-{epoch:04d}.png"
        save_grid(path, np.clip(np.asarray(pixels), 0, 1), columns=self._columns)
