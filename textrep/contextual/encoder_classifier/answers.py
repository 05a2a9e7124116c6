"""What a fitted `EncoderClassifier` says of texts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if

from textrep.contextual.encoder_classifier.calibration import probabilities
from textrep.contextual.encoder_classifier.module import EncoderClassifierModule
from textrep.contextual.encoder_classifier.parameters import check_pairs
from textrep.contextual.encoder_classifier.published import save_classifier
from textrep.contextual.encoder_classifier.targets import (
    MULTI,
    REGRESSION,
    SINGLE,
    all_right,
    read_texts,
)
from textrep.contextual.encoder_classifier.windows import (
    Windows,
    collate_texts,
    lengths_of,
    rows_of_texts,
)
from textrep.contextual.encoder_inference.switch import (
    InferenceReport,
    Runner,
    choose_runner,
    plain_runner,
)
from textrep.contextual.encoders.encoder import Encoder
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator


def _tells_classes(estimator: Any) -> bool:
    """Whether there are classes to be sure of; of quantities there are none."""
    return getattr(estimator, "problem_", estimator.problem) != REGRESSION


class EncoderAnswers(TorchEstimator):
    """Predictions, probabilities, vectors and how fast they come."""

    long_texts: str
    max_length: int
    max_windows: int
    problem: str
    window_overlap: int

    classes_: NDArray[Any]
    inference_: InferenceReport
    labels_in_lists_: bool
    module_: EncoderClassifierModule
    pairs_: bool
    pooling_: str
    problem_: str
    temperature_: float
    _runner: Runner

    @property
    def encoder_(self) -> Encoder:
        """The fine-tuned encoder, with its tokenizer."""
        if "module_" not in vars(self):
            raise AttributeError(f"this {type(self).__name__} is not fitted: it has no encoder_")
        return self.module_.encoder

    # ---- from texts to outputs of the network

    def _rows(self, X: Any) -> list[Windows]:
        """Rows of texts, which are pairs if those of `fit` were."""
        texts, pairs = read_texts(X)
        if (pairs is not None) != self.pairs_:
            there, here = ("pairs of texts", "single texts")[:: 1 if self.pairs_ else -1]
            raise ValueError(f"fit has seen {there}, but X holds {here}")
        return self._rows_for(self.encoder_, texts, pairs)

    def _rows_for(
        self, encoder: Encoder, texts: list[str], pairs: list[str] | None
    ) -> list[Windows]:
        check_pairs(self, pairs)
        return rows_of_texts(
            encoder.tokenizer,
            texts,
            pairs,
            max_length=min(self.max_length, encoder.max_length),
            long_texts=self.long_texts,
            overlap=self.window_overlap,
            max_windows=self.max_windows,
        )

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        self._check_fitted()
        return self._outputs_of(self._rows(X), self._own_runner())

    def _outputs_of(self, rows: Sequence[Windows], runner: Runner) -> NDArray[np.float64]:
        """What the network says, (n_texts, n_outputs)."""
        found = runner.outputs(lengths_of(rows), collate_texts(self.encoder_, rows))
        return np.stack([np.asarray(values, dtype=np.float64) for values in found])

    def _own_runner(self) -> Runner:
        chosen: Runner | None = vars(self).get("_runner")
        return chosen or plain_runner(self.module_, choose_device(self.device), self.precision)

    # ---- answers

    @available_if(_tells_classes)
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """What the network says, before a temperature is applied.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        float64 ndarray
            (n_samples,) for two classes, the second less the first; else (n_samples, n_classes).
        """
        outputs = self._outputs(X)
        if self.problem_ == SINGLE and outputs.shape[1] == 2:
            return np.asarray(outputs[:, 1] - outputs[:, 0])
        return outputs

    @available_if(_tells_classes)
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of classes, or of each label by itself.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1 where each text has one class.
        """
        return probabilities(self._outputs(X), self.temperature_, self.problem_ == MULTI)

    @available_if(_tells_classes)
    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of what `predict_proba` gives.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        float64 ndarray of shape (n_samples, n_classes)
        """
        cooled = self._outputs(X) / self.temperature_
        return np.asarray(
            log_expit(cooled) if self.problem_ == MULTI else log_softmax(cooled, axis=1)
        )

    def predict(self, X: Any) -> Any:
        """The class of each text, its labels, or its quantity.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        ndarray (n_samples,), or (n_samples, n_labels) of 0 and 1, or list of lists of labels
            In the form that `fit` was given.
        """
        return self._decided(self._outputs(X))

    def _decided(self, outputs: NDArray[np.float64]) -> Any:
        if self.problem_ == REGRESSION:
            return outputs[:, 0]
        if self.problem_ == SINGLE:
            return self.classes_[outputs.argmax(axis=1)]
        having = outputs > 0
        if not self.labels_in_lists_:
            return having.astype(np.int64)
        return [self.classes_[row].tolist() for row in having]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of texts of which all is right; of quantities, R squared.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples
        y : as for `fit`
        sample_weight : array-like (n_samples,), optional

        Returns
        -------
        float
        """
        outputs = self._outputs(X)
        if self.problem_ == SINGLE:
            return float(accuracy_score(y, self._decided(outputs), sample_weight=sample_weight))
        if self.problem_ == REGRESSION:
            return float(r2_score(y, outputs[:, 0], sample_weight=sample_weight))
        right = all_right(
            y, self._decided(outputs), classes=self.classes_, in_lists=self.labels_in_lists_
        )
        return float(np.average(right, weights=sample_weight))

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Vectors of texts, as the head of the classifier gets them.

        Parameters
        ----------
        X : texts or pairs of texts, n_samples

        Returns
        -------
        float32 ndarray (n_samples, hidden_size)
        """
        self._check_fitted()
        runner = plain_runner(self.module_, choose_device(self.device), self.precision)
        rows = self._rows(X)
        found = runner.outputs(
            lengths_of(rows), collate_texts(self.encoder_, rows), self.module_.vectors
        )
        return np.stack([np.asarray(values, dtype=np.float32) for values in found])

    # ---- other forms

    def optimise(self, kind: str = "auto", *, texts: Any = None) -> InferenceReport:
        """Answer faster from now on, where this machine can.

        Nothing that is saved changes: a file or a pickle of it answers in its usual precision until
        this is called there.

        Parameters
        ----------
        kind : {"auto", "fp32", "bf16", "int8", "onnx", "onnx-int8"}, default="auto"
            "auto" measures all that there are here and keeps the fastest of those that change at
            most one answer in 200; another one is kept whatever comes out.
        texts : texts or pairs of texts, optional
            What to measure on, as varied in length as those to come; needed for "auto".

        Returns
        -------
        InferenceReport
            Also kept as ``inference_``; its str is a table.

        Raises
        ------
        ValueError
            If there is no such kind here, or no texts for "auto".
        ModuleNotFoundError
            If onnx or onnxruntime is not installed.
        """
        self._check_fitted()
        if texts is None and kind == "auto":
            raise ValueError("kind='auto' is measured: give texts, a few hundred are enough")
        rows = [] if texts is None else self._rows(texts)
        runner, report = choose_runner(
            self.module_,
            kind,
            rows,
            self._outputs_of,
            self._same_answers,
            device=choose_device(self.device),
        )
        self._runner, self.inference_ = runner, report
        return report

    def _same_answers(
        self, outputs: NDArray[np.float64], reference: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Whether outputs lead to the same answers as those of the network itself."""
        if self.problem_ == SINGLE:
            return np.asarray(outputs.argmax(axis=1) == reference.argmax(axis=1))
        if self.problem_ == MULTI:
            return np.asarray(((outputs > 0) == (reference > 0)).all(axis=1))
        width = max(float(reference.std()), 1e-12)
        return np.asarray(np.abs(outputs - reference)[:, 0] <= _SAME_QUANTITY * width)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the classifier for transformers' ``AutoModelForSequenceClassification``.

        It gives what `decision_function` is made of; the temperature is no part of it.

        Parameters
        ----------
        folder : path
            Made, or replaced with all that is in it.

        Raises
        ------
        ValueError
            If transformers would compute something else: with `pooling` other than "cls".
        """
        self._check_fitted()
        save_classifier(
            self.module_,
            folder,
            problem=self.problem_,
            pooling=self.pooling_,
            classes=getattr(self, "classes_", None),
        )


_SAME_QUANTITY = 0.01  # standard deviations of the answers
