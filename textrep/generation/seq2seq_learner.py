"""How encoder-decoders learn from pairs of texts, whatever they are made of."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import stream
from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.engine.batches import LengthBatches
from textrep.engine.seeding import seed_of
from textrep.engine.settings import TrainingSettings
from textrep.generation.seq2seq_model import Seq2SeqModel
from textrep.generation.seq2seq_task import Seq2SeqTask
from textrep.generation.text_pairs import (
    Rows,
    collate_pairs,
    costs_of,
    ended,
    fingerprint,
    read_pairs,
)
from textrep.layers.dropout import check_dropout
from textrep.preprocess.codec import LEVELS, TextCodec

_SIZES = ("batch_tokens", "max_length", "min_count", "vocab_size", "beam_width")
_SWITCHES = ("lowercase", "shared_vocabulary", "tie_weights", "replace_unknown")


class Seq2SeqLearner(Seq2SeqModel):
    """Base of the encoder-decoders: fitting.

    A subclass has the parameters named below, `_build`, `_task` and `_check_own_parameters`.
    """

    batch_tokens: int
    dropout: float
    epochs: int
    label_smoothing: float
    learning_rate: float
    lowercase: bool
    max_grad_norm: float | None
    max_seconds: float | None
    min_count: int
    patience: int | None
    schedule: str
    tie_weights: bool
    validation_fraction: float
    vocab_size: int
    warmup: float
    weight_decay: float

    def _task(self, module: Any) -> Seq2SeqTask:
        """What is trained of a new module."""
        raise NotImplementedError

    def _check_own_parameters(self) -> None:
        """Refuse what is out of range of the parameters that not all encoder-decoders have."""
        raise NotImplementedError

    def _own_settings(self) -> dict[str, Any]:
        """Settings of training that not all encoder-decoders have."""
        return {}

    def _for_steps(self, settings: TrainingSettings, n_steps: int) -> TrainingSettings:
        """The settings, once it is known how many steps there will be."""
        return settings

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> Self:
        """Learn both vocabularies, and what is made of what.

        Parameters
        ----------
        X : iterable of str, of length n_samples
            Sources.
        y : iterable of str, of length n_samples
            Target of each.
        validation : (iterable of str, iterable of str), optional
            Pairs to choose the best epoch by, in place of some of the others.

        Returns
        -------
        self

        Raises
        ------
        TextInputError
            If `X` or `y` holds something else.
        ValueError
            If they differ in length, a parameter is out of its range, or there is nothing to learn.
        """
        sources, targets = read_pairs(X, y)
        self._check_parameters()
        settings = self._settings(validation is not None)
        held = None
        if validation is not None:
            held = _read_validation(validation)
        elif n_held := int(self.validation_fraction * len(sources)):
            order = stream(self.random_state, "validation").permutation(len(sources))
            kept, out = np.sort(order[n_held:]), np.sort(order[:n_held])
            held = [sources[i] for i in out], [targets[i] for i in out]
            sources, targets = [sources[i] for i in kept], [targets[i] for i in kept]
        for name in ("module_", "_last"):  # interrupted, none may stay beside another codec
            self.__dict__.pop(name, None)
        self._fit_codecs(sources, targets)
        batches, ids = self._batches(sources, targets, shuffle=True)
        held_batches, held_ids = (None, ()) if held is None else self._batches(*held, shuffle=False)
        settings = self._for_steps(settings, self.epochs * len(batches.plan(0)))
        module: Any = self._new_module()
        self._train(
            self._task(module),
            batches,
            settings,
            held_batches,
            identity=self._identity([*ids, *held_ids]),
        )
        self.module_ = module
        return self

    def _check_parameters(self) -> None:
        check_choice("level", self.level, LEVELS)
        for name in _SIZES:
            check_count(name, getattr(self, name), 1)
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
        check_dropout("dropout", self.dropout)
        check_number("label_smoothing", self.label_smoothing, least=0, most=1)
        check_number("validation_fraction", self.validation_fraction, least=0, most=0.5)
        check_number("length_penalty", self.length_penalty, least=0)
        self._check_own_parameters()
        self._check_surroundings()

    def _settings(self, has_validation: bool) -> TrainingSettings:
        if self.patience is not None and not has_validation and not self.validation_fraction:
            raise ValueError(
                f"patience={self.patience} needs pairs to watch: give validation_fraction or "
                "fit(..., validation=...)"
            )
        return TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            patience=self.patience,
            max_seconds=self.max_seconds,
            **self._own_settings(),
        )

    def _fit_codecs(self, sources: list[str], targets: list[str]) -> None:
        if self.shared_vocabulary:
            both = self._codec().fit([*sources, *targets], self.verbose)
            self.source_codec_ = self.target_codec_ = both
        else:
            self.source_codec_ = self._codec().fit(sources, self.verbose)
            self.target_codec_ = self._codec().fit(targets, self.verbose)

    def _codec(self) -> TextCodec:
        return TextCodec(
            level=self.level,
            lowercase=bool(self.lowercase),
            max_vocabulary=None if self.level == "subword" else self.vocab_size,
            min_count=self.min_count,
            vocab_size=self.vocab_size if self.level == "subword" else 8000,
        )

    def _batches(
        self, sources: list[str], targets: list[str], shuffle: bool
    ) -> tuple[LengthBatches, tuple[Rows, Rows]]:
        read = ended(self.source_codec_.encode_all(sources, self.verbose), self.max_length)
        written = ended(self.target_codec_.encode_all(targets, self.verbose), self.max_length)
        batches = LengthBatches(
            self._costs(read, written),
            partial(collate_pairs, read, written),
            max_tokens=self.batch_tokens,
            seed=seed_of(self.random_state, "batches"),
            shuffle=shuffle,
        )
        return batches, (read, written)

    def _costs(self, read: Rows, written: Rows) -> NDArray[np.int64]:
        """What each pair counts in a batch, and by which pairs come together."""
        return costs_of(read, written)

    def _identity(self, ids: list[Rows]) -> dict[str, Any]:
        """What tells this training from others, for the checkpoint."""
        parameters = self._training_parameters("beam_width", "length_penalty", "replace_unknown")
        return {"parameters": parameters, "texts": fingerprint(*ids)}


def _read_validation(validation: Any) -> tuple[list[str], list[str]]:
    if not isinstance(validation, list | tuple) or len(validation) != 2:
        raise ValueError(
            "validation must be a pair: the sources, and the target of each; got "
            f"{shown(validation)}"
        )
    sources, targets = validation
    return read_pairs(sources, targets, ("validation[0]", "validation[1]"))
