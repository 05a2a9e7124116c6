"""What `Autoencoder` and `VAE` share: pictures to codes and back, and the ways between."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from torch import Tensor, nn

from textrep.core.container import PersistError
from textrep.core.messages import shown
from textrep.core.random import RandomState, stream
from textrep.embeddings.parameters import check_count, check_number
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task
from textrep.image.digests import array_digest
from textrep.image.estimator import PictureBatches, PictureEstimator
from textrep.image.latent import between
from textrep.image.mixture import Mixture, draw_codes, fit_mixture
from textrep.image.nets.centring import centre
from textrep.image.nets.choices import check_network
from textrep.image.pixels import Pixels

_FEWEST = 20  # pictures from which on some are held out


class CodeModule(nn.Module):
    """A module with two directions.

    Attributes
    ----------
    encoder, decoder : torch.nn.Module
    logits : bool
        Whether the decoder gives logits of pixels.
    """

    encoder: Any
    decoder: Any
    logits: bool

    def encode(self, pixels: Tensor) -> Tensor:
        """Pictures (n, channels, height, width) -> codes (n, d)."""
        raise NotImplementedError

    def decode(self, codes: Tensor) -> Tensor:
        """Codes -> pictures, from 0 to 1."""
        raise NotImplementedError


class CodeEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PictureEstimator):
    """Base of the estimators whose codes decode to pictures.

    Attributes
    ----------
    module_ : CodeModule
    mixture_weights_, mixture_means_, mixture_factors_ : ndarray
        See `textrep.image.mixture.Mixture`.
    """

    code_size: int
    hidden: Any
    channels: Any
    activation: str
    normalisation: str | None
    initialisation: str
    mixture_components: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    schedule: str
    validation_fraction: float
    patience: int | None
    ema_decay: float | None
    max_seconds: float | None

    module_: CodeModule
    mixture_weights_: NDArray[np.float64]
    mixture_means_: NDArray[np.float64]
    mixture_factors_: NDArray[np.float64]

    # ---- fitting

    def _check_parameters(self) -> None:
        check_network(self)
        check_count("mixture_components", self.mixture_components, 1)
        # A single picture has no variance to normalise by.
        check_count("batch_size", self.batch_size, 2 if self.normalisation == "batch" else 1)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.9)
        folder = self.progress_folder
        if folder is not None and not isinstance(folder, str | os.PathLike):
            raise ValueError(f"progress_folder must be a path or None, got {shown(folder)}")
        self._settings()
        self._check_surroundings()

    def _settings(self, **changes: Any) -> TrainingSettings:
        return TrainingSettings(
            **{
                "epochs": self.epochs,
                "learning_rate": self.learning_rate,
                "weight_decay": self.weight_decay,
                "schedule": self.schedule,
                "patience": self.patience,
                "ema_decay": self.ema_decay,
                "max_seconds": self.max_seconds,
                **changes,
            }
        )

    def _train_on(self, task: Task, pixels: Pixels, settings: TrainingSettings) -> None:
        """Train a task on pictures, some of which are held out where that is asked for."""
        rows = np.arange(len(pixels))
        n_held = round(self.validation_fraction * len(rows)) if len(rows) >= _FEWEST else 0
        validation = None
        if n_held:
            rows = stream(self.random_state, "validation").permutation(len(rows))
            held = pixels[np.sort(rows[:n_held])]
            validation = PictureBatches((held,), self.batch_size, shuffle=False)
            rows = np.sort(rows[n_held:])
            pixels = pixels[rows]
        batches = PictureBatches(
            (pixels,),
            self.batch_size,
            seed_of(self.random_state, "batches"),
            drop_last=self.normalisation == "batch",
        )
        # What one reads while it trains does not change what it learns.
        identity = {"parameters": self._training_parameters("progress_folder")}
        self._train(
            task, batches, settings, validation,
            identity={**identity, "pictures": array_digest(pixels)}, unit="pictures",
        )  # fmt: skip

    def _first_module(self, pixels: Pixels) -> Any:
        """A module with its first weights, which know the mean of the pictures."""
        module: Any = self._new_module()
        centre(module.encoder, module.decoder, pixels, logits=module.logits)
        return module

    def _keep_mixture(self, pixels: Pixels) -> None:
        mixture = fit_mixture(self._codes(pixels), self.mixture_components, self._seed("mixture"))
        self.mixture_weights_, self.mixture_means_, self.mixture_factors_ = mixture

    def _seed(self, name: str) -> int:
        return seed_of(self.random_state, name)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (self.n_channels_, *self.image_size_)

    @property
    def _n_features_out(self) -> int:
        return self.code_size

    # ---- pictures <-> codes

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Codes of pictures.

        Parameters
        ----------
        X : pictures
            Of the size of those of `fit`; see `textrep.image.check_pictures`.

        Returns
        -------
        float32 ndarray (n, code_size)
        """
        return self._codes(self._check(X))

    def encode(self, X: Any) -> NDArray[np.float32]:
        """Codes of pictures, as `transform` gives them, whatever `set_output` says."""
        return self._codes(self._check(X))

    def decode(self, codes: Any) -> Pixels:
        """Pictures of codes.

        Parameters
        ----------
        codes : array-like (n, code_size)

        Returns
        -------
        float32 ndarray (n, channels, height, width)
            From 0 to 1.
        """
        self._check_fitted()
        return self._decoded(self._check_codes(codes))

    def reconstruct(self, X: Any) -> Pixels:
        """Pictures of the codes of pictures.

        Parameters
        ----------
        X : pictures

        Returns
        -------
        float32 ndarray (n, channels, height, width)
        """
        return self._apply(lambda module, x: module.decode(module.encode(x)), self._check(X))

    def reconstruction_errors(self, X: Any) -> NDArray[np.float32]:
        """Squared error of each picture's reconstruction, summed over its pixels and channels.

        Parameters
        ----------
        X : pictures

        Returns
        -------
        float32 ndarray (n,)
        """
        return self._apply(
            lambda module, x: (module.decode(module.encode(x)) - x).square().flatten(1).sum(1),
            self._check(X),
        )

    def interpolate(self, a: Any, b: Any, steps: int = 8) -> Pixels:
        """Pictures on the straight line between the codes of two pictures.

        Parameters
        ----------
        a, b : picture
            (channels, height, width), (height, width), an image of Pillow or a path.
        steps : int, default=8
            Pictures, the reconstructions of both included.

        Returns
        -------
        float32 ndarray (steps, channels, height, width)
        """
        ends = [self._codes(self._check([each], name=n))[0] for n, each in (("a", a), ("b", b))]
        return self._decoded(between(ends[0], ends[1], steps))

    def _sample_mixture(self, n: int, random_state: RandomState) -> Pixels:
        self._check_fitted()
        mixture = Mixture(self.mixture_weights_, self.mixture_means_, self.mixture_factors_)
        return self._decoded(draw_codes(mixture, n, random_state))

    def _codes(self, pixels: Pixels) -> NDArray[np.float32]:
        return self._apply(lambda module, x: module.encode(x), pixels)

    def _decoded(self, codes: NDArray[np.float32]) -> Pixels:
        return self._apply(lambda module, z: module.decode(z), codes)

    def _check_codes(self, codes: Any) -> NDArray[np.float32]:
        array = np.asarray(codes)
        if array.ndim != 2 or array.shape[1] != self.code_size or array.dtype.kind not in "fiu":
            raise ValueError(
                f"codes must be numbers (n, {self.code_size}), got a {array.dtype} array "
                f"{array.shape}"
            )
        if not len(array):
            raise ValueError("codes is empty: there is nothing to decode")
        if not np.isfinite(array).all():
            row = int((~np.isfinite(array)).any(axis=1).argmax())
            raise ValueError(f"codes[{row}] holds a number that is not finite")
        return np.ascontiguousarray(array, dtype=np.float32)

    # ---- saving

    def _set_state(self, state: dict[str, Any]) -> None:
        if "weights" in state:
            check_network(self)
        super()._set_state(state)

    def _check_shapes(self, state: dict[str, Any]) -> None:
        super()._check_shapes(state)
        mixture: list[Any] = [
            state.get(f"mixture_{name}_") for name in ("weights", "means", "factors")
        ]
        k, d = len(mixture[0]) if isinstance(mixture[0], np.ndarray) else 0, self.code_size
        for array, shape in zip(mixture, ((k,), (k, d), (k, d, d)), strict=True):
            fits = isinstance(array, np.ndarray) and array.dtype == np.float64
            if not k or not fits or array.shape != shape or not np.isfinite(array).all():
                raise PersistError("the mixture of codes is none")
