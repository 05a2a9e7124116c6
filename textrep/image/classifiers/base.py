"""What classifiers of pictures share: training and answers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin

from textrep.contextual.classification import hold_out, weights_of_classes
from textrep.core.random import streams
from textrep.embeddings.parameters import check_count, check_number
from textrep.engine.settings import TrainingSettings
from textrep.image.classifiers.task import PictureClassificationTask, PictureNetwork
from textrep.image.digests import array_digest
from textrep.image.estimator import PictureBatches, PictureEstimator
from textrep.image.pixels import Pixels
from textrep.preprocess.parameters import check_choice as check_one_of
from textrep.sparse.log_count_ratio import read_classes

_SEED_BITS = 63
_MAX_GRAD_NORM = 1.0


class PictureClassifier(ClassifierMixin, PictureEstimator):
    """Base of the classifiers of pictures.

    A subclass builds a `PictureNetwork` in `_build` and checks its own parameters in
    `_check_shape`.
    """

    feature_size: int
    shift: int
    flip: bool
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    schedule: str
    class_weight: Any
    validation_fraction: float
    patience: int | None
    max_seconds: float | None

    _least_batch = 1  # pictures that a batch of training must have

    classes_: NDArray[Any]
    module_: PictureNetwork

    def _check_shape(self) -> None:
        """Refuse parameters of the network that are out of range."""
        raise NotImplementedError

    def _fits_size(self) -> None:
        """Refuse pictures of a size that the network cannot read."""

    def fit(self, X: Any, y: Any) -> Self:
        """Learn to tell classes of pictures apart.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)
            As for `textrep.image.check_pictures`.
        y : labels of two or more classes, of any type, (n_samples,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `X` holds something else, there are no two classes, or a parameter is out of range.
        """
        self._check_parameters()
        pixels = self._check_fit(X)
        self._fits_size()
        self.classes_, group = read_classes(self, y, len(pixels))
        class_weights = weights_of_classes(self.class_weight, self.classes_, group)
        module = self._new_module()
        assert isinstance(module, PictureNetwork)
        module.standardise_by(pixels)
        self.module_ = module
        random = streams(self.random_state, ["held out", "order"])
        learnt, held_out = hold_out(group, self.validation_fraction, random["held out"])
        if not len(held_out):
            learnt = np.arange(len(group))
        validation = self._batches(pixels, group, held_out, shuffle=False)
        self._train(
            PictureClassificationTask(module, class_weights, self.shift),
            self._batches(
                pixels, group, learnt, int(random["order"].integers(2**_SEED_BITS)), flip=self.flip
            ),
            self._settings(),
            validation if len(held_out) else None,
            identity={
                "parameters": self._training_parameters(),
                "data": [array_digest(pixels), array_digest(group)],
            },
            description=type(self).__name__,
            unit="pictures",
        )
        return self

    def _check_parameters(self) -> None:
        check_count("feature_size", self.feature_size, 1)
        check_count("shift", self.shift, 0)
        check_one_of("flip", self.flip, (False, True))
        check_count("batch_size", self.batch_size, self._least_batch)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        self._check_surroundings()
        self._settings()
        self._check_shape()

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            max_grad_norm=_MAX_GRAD_NORM,
            patience=self.patience,
            max_seconds=self.max_seconds,
        )

    def _batches(
        self,
        pixels: Pixels,
        group: NDArray[np.int64],
        chosen: NDArray[np.int64],
        seed: int = 0,
        *,
        shuffle: bool = True,
        flip: bool = False,
    ) -> PictureBatches:
        whole = len(chosen) == len(group)
        arrays = (pixels, group) if whole else (pixels[chosen], group[chosen])
        least = self._least_batch if shuffle else 1  # all of those held out count
        return PictureBatches(
            arrays, self.batch_size, seed=seed, shuffle=shuffle, flip=flip, least=least
        )

    # ---- answers

    def transform(self, X: Any) -> NDArray[np.float32]:
        """What the network sees in pictures, before it decides on a class.

        The features that `textrep.image.measures` compare sets of pictures by.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)

        Returns
        -------
        float32 ndarray (n_samples, feature_size)
            None is below 0.
        """
        return self._apply(lambda module, pictures: module.features(pictures), self._check(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)

        Returns
        -------
        float64 ndarray (n_samples, n_classes)
            In the order of ``classes_``.
        """
        scores = self._apply(lambda module, pictures: module(pictures), self._check(X))
        return np.asarray(log_softmax(scores.astype(np.float64), axis=1))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)

        Returns
        -------
        float64 ndarray (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each picture.

        Parameters
        ----------
        X : pictures, (n_samples, channels, height, width)

        Returns
        -------
        ndarray (n_samples,) of the type of the labels
        """
        best = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[best]
