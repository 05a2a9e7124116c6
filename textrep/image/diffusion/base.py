"""What diffusion models of pictures share: their network, and its training in stages."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from torch import nn

from textrep.contextual.ulmfit_stages import of_stage, stage_path
from textrep.core.container import PersistError
from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.checkpoint import Checkpoint, Place
from textrep.engine.device import choose_device
from textrep.engine.loop import train
from textrep.engine.processes import Processes
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.image.diffusion.coder import CoderTask, PictureCoder
from textrep.image.diffusion.module import Denoiser, DiffusionModule, DiffusionTask
from textrep.image.diffusion.parameters import check_channels, check_sides
from textrep.image.diffusion.sampling import PREDICTIONS
from textrep.image.diffusion.schedules import SCHEDULES
from textrep.image.diffusion.unet import DenoisingUNet
from textrep.image.diffusion.walks import DiffusionWalks
from textrep.image.digests import array_digest
from textrep.image.estimator import PictureBatches, ProgressPictures
from textrep.image.latent import normal_noise
from textrep.image.pixels import Pixels

SPACES = ("latent", "pixel")

_CODER_SHARE = 0.3  # of the time, for the autoencoder
_CODER_RATE = 2e-3
_LEAST_SECONDS = 1e-3
_WARMUP = 0.03
_MAX_GRAD_NORM = 1.0
_LEAST_SPREAD = 1e-4  # of a code that is the same for all pictures
# Of the way into noise, where features tell most (Xiang et al. 2023, figure 4).
_FEATURE_SHARE = 0.1
_PROGRESS_PICTURES, _PROGRESS_STEPS = 16, 10
_COUNTS = ("n_steps", "latent_channels", "coder_channels", "coder_epochs", "batch_size", "blocks")


class DiffusionEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DiffusionWalks):
    """Base of the diffusion models of pictures.

    A subclass says in `_condition` what the network is told, and in `_nothing` what it is told in
    place of a condition that is dropped.
    """

    latent_channels: int
    latent_factor: int
    coder_channels: int
    coder_epochs: int
    kl_weight: float
    channels: Any
    blocks: int
    num_heads: int
    dropout: float
    condition_dropout: float
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    ema_decay: float | None
    max_seconds: float | None

    # ---- what subclasses say

    def _condition(self, told_size: int) -> nn.Module | None:
        """What makes of classes or texts what the network is told."""
        raise NotImplementedError

    def _memory_size(self) -> int:
        """Features of the tokens that the network looks at."""
        return 0

    # ---- parameters

    def _check_parameters(self) -> None:
        check_choice("space", self.space, SPACES)
        if self.autoencoder is not None:
            for verb in ("encode", "decode"):
                if isinstance(self.autoencoder, type) or not hasattr(self.autoencoder, verb):
                    raise ValueError(
                        "autoencoder must be None or an estimator with encode and decode, got "
                        f"{shown(self.autoencoder)}"
                    )
        for name in _COUNTS:
            check_count(name, getattr(self, name), 1)
        factor = self.latent_factor
        check_count("latent_factor", factor, 2)
        if factor & (factor - 1):
            raise ValueError(f"latent_factor must be a power of 2, got {factor}")
        check_number("kl_weight", self.kl_weight, least=0)
        check_channels(self.channels, self.num_heads)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("prediction", self.prediction, PREDICTIONS)
        check_number("condition_dropout", self.condition_dropout, least=0, most=0.9)
        check_number("dropout", self.dropout, least=0, most=0.9)
        self._schedule()
        self._check_surroundings()
        self._settings(self.max_seconds)

    def _settings(self, max_seconds: float | None) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule="cosine",
            warmup=_WARMUP,
            max_grad_norm=_MAX_GRAD_NORM,
            ema_decay=self.ema_decay,
            max_seconds=max_seconds,
        )

    def _levels(self) -> tuple[int, ...]:
        """Channels of the levels of the network."""
        if not isinstance(self.channels, str):
            return tuple(self.channels)
        if self.space == "latent":
            return (64,)
        height, width = self.code_shape_[1:]
        halved = [n for n in range(3) if height % 2**n == 0 and width % 2**n == 0]
        return (32, 64, 64)[: halved[-1] + 1]

    def _build(self) -> DiffusionModule:
        network = DenoisingUNet(
            self.code_shape_,
            self._levels(),
            self.blocks,
            self.num_heads,
            memory_size=self._memory_size(),
            dropout=self.dropout,
        )
        coder = None
        if self._own_coder():
            coder = PictureCoder(
                self.n_channels_, self.latent_channels, self.latent_factor, self.coder_channels
            )
        denoiser = Denoiser(network, self._condition(network.told_size))
        return DiffusionModule(denoiser, self.code_shape_[0], coder)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """What the middle of the network sees in pictures with a little noise, told nothing.

        A model that has learnt to make pictures can tell them apart: a linear classifier on these
        features needs few labels.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)

        Returns
        -------
        float32 ndarray (n_samples, last of `channels`)

        References
        ----------
        W. Xiang et al.: Denoising diffusion autoencoders are unified self-supervised learners,
        ICCV 2023.
        """
        codes = self._codes(self._check(X))
        return self._features(codes, None, int(_FEATURE_SHARE * (self.n_steps - 1)))

    @property
    def _n_features_out(self) -> int:
        return self._levels()[-1]

    # ---- training

    def _fit(self, pixels: Pixels, given: NDArray[np.int64] | None) -> None:
        """Train on pictures and what is told of each."""
        start = time.monotonic()
        data = {"pictures": array_digest(pixels)}
        if given is not None:
            data["conditions"] = array_digest(given)
        self._take_autoencoder(pixels)
        module = self._new_module()
        assert isinstance(module, DiffusionModule)
        self.module_ = module
        kept = self._kept_coder(data)
        before = []
        if module.coder is not None:
            before = self._train_coder(module.coder, pixels, data, kept)
        codes = self._standardise(pixels)
        rest = self.max_seconds
        if rest is not None:
            spent = time.monotonic() - start
            if before:  # perhaps before an interruption
                spent = max(spent, before[-1]["seconds"])
            rest = max(rest - spent, _LEAST_SECONDS)
        outcome = self._train(
            self._task(module.denoiser, given),
            PictureBatches(
                (codes,) if given is None else (codes, given),
                self.batch_size,
                seed=seed_of(self.random_state, "order"),
            ),
            self._settings(rest),
            identity={"parameters": self._training_parameters("progress_folder"), **data},
            description=type(self).__name__,
            unit="pictures",
        )
        if kept is not None:
            kept.remove()
        if before:
            self.history_ = [*before, *of_stage(outcome, "diffusion")]
        self._progress()(module, self.n_epochs_)

    def _take_autoencoder(self, pixels: Pixels) -> None:
        """Set the shape of codes, and fit an autoencoder of the caller's where it is not."""
        if self._own_coder():
            check_sides("latent_factor", self.latent_factor, self.image_size_)
        elif self.space == "latent":
            try:
                check_is_fitted(self.autoencoder)
                self.autoencoder_ = self.autoencoder
            except NotFittedError:
                self.autoencoder_ = clone(self.autoencoder).fit(pixels)
        picture = (self.n_channels_, *self.image_size_)
        self.code_shape_ = self._code_shape(picture, getattr(self, "autoencoder_", None))
        levels = self._levels()
        check_sides("channels", 2 ** (len(levels) - 1), self.code_shape_[1:])

    def _code_shape(self, picture: tuple[int, int, int], autoencoder: Any) -> tuple[int, int, int]:
        """Channels, height and width of the code of a picture of such."""
        if self.space == "pixel":
            return picture
        if self._own_coder():
            _, height, width = picture
            factor = self.latent_factor
            return self.latent_channels, height // factor, width // factor
        code = np.asarray(autoencoder.encode(np.zeros((1, *picture), np.float32)))
        shape = (code[0].size, 1, 1) if code.ndim == 2 else code.shape[1:]
        return int(shape[0]), int(shape[1]), int(shape[2])

    def _check_shapes(self, state: dict[str, Any]) -> None:
        super()._check_shapes(state)
        code = state.get("code_shape_")
        picture = (state["n_channels_"], *state["image_size_"])
        expected = self._code_shape(picture, state.get("autoencoder_"))
        if code != expected or not all(type(n) is int for n in code):
            raise PersistError(f"codes of {shown(code)} for pictures of {shown(picture)}")

    def _coder_identity(self, data: dict[str, str]) -> dict[str, Any]:
        return {
            "estimator": type(self).__name__,
            "parameters": self._training_parameters("progress_folder"),
            **data,
        }

    def _kept_coder(self, data: dict[str, str]) -> Checkpoint | None:
        """The file of the autoencoder when it is trained, and the rest is not.

        Trained anew it would be another one where time is limited, and its codes with it.
        """
        if self.checkpoint is None or not self._own_coder():
            return None
        identity = {**self._coder_identity(data), "seed": seed_of(self.random_state, "coder")}
        processes = Processes(choose_device(self.device))
        return Checkpoint(stage_path(self.checkpoint, "trained-coder"), identity, processes)

    def _train_coder(
        self, coder: PictureCoder, pixels: Pixels, data: dict[str, str], kept: Checkpoint | None
    ) -> list[dict[str, Any]]:
        """Train it, unless it was before an interruption; its history."""
        held = None if kept is None else kept.resume()
        if kept is not None and held is not None:
            try:
                coder.load_state_dict(held[1]["model"])
            except (KeyError, RuntimeError) as error:
                kept.damaged(error)
            coder.eval()
            return list(held[0].history)
        limit = None if self.max_seconds is None else _CODER_SHARE * self.max_seconds
        settings = replace(
            self._settings(limit),
            epochs=self.coder_epochs,
            learning_rate=_CODER_RATE,
            weight_decay=0.0,
            ema_decay=None,
        )
        outcome = train(
            CoderTask(coder, self.kl_weight),
            PictureBatches((pixels,), self.batch_size, seed=seed_of(self.random_state, "coder")),
            settings,
            device=self.device,
            precision=self.precision,
            seed=seed_of(self.random_state, "coder training"),
            checkpoint=None if self.checkpoint is None else stage_path(self.checkpoint, "coder"),
            identity=self._coder_identity(data),
            verbose=self.verbose,
            description="Autoencoder",
            unit="pictures",
        )
        history = of_stage(outcome, "autoencoder")
        if kept is not None:
            kept.save(Place(history=history), {"model": coder.state_dict()})
        return history

    def _task(self, denoiser: Denoiser, given: NDArray[np.int64] | None) -> DiffusionTask:
        nothing = self._nothing()
        progress = self._progress()
        return DiffusionTask(
            denoiser,
            self._schedule(),
            self.prediction,
            nothing=None if nothing is None else torch.from_numpy(nothing),
            drop=0.0 if given is None else self.condition_dropout,
            progress=lambda epoch: progress(denoiser, epoch),
        )

    def _progress(self) -> ProgressPictures:
        """Pictures from one noise, without condition."""

        def draw() -> NDArray[np.float32]:
            noise = normal_noise(_PROGRESS_PICTURES, self.code_shape_, 0)
            device = next(self.module_.denoiser.parameters()).device
            steps = min(_PROGRESS_STEPS, self.n_steps)
            return self._pictures(self._walk_back(noise, None, steps=steps, device=device))

        return ProgressPictures(self.progress_folder, draw)

    def _standardise(self, pixels: Pixels) -> NDArray[np.float32]:
        """Standardised codes of the pictures of `fit`, by which the others will be."""
        module = self.module_
        if self.space == "pixel":
            module.centre.fill_(0.5)  # to -1 and 1
            module.spread.fill_(0.5)
            self.code_range_ = 1.0
            return self._codes(pixels)
        codes = self._raw_codes(pixels)
        axes = (0, 2, 3)
        module.centre.copy_(torch.from_numpy(codes.mean(axis=axes, dtype=np.float64)))
        spread = np.maximum(codes.std(axis=axes, dtype=np.float64), _LEAST_SPREAD)
        module.spread.copy_(torch.from_numpy(spread))
        found = module.standardised(torch.from_numpy(codes)).numpy()
        self.code_range_ = float(np.abs(found).max())
        return found
