"""The first two stages of ULMFiT: a language model is pre-trained and fine-tuned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.ulmfit_language_model import cutoffs_for, set_word_vectors
from textrep.contextual.ulmfit_stages import (
    FINE_TUNING,
    PRETRAINING,
    KeptLanguageModel,
    TimeLimit,
    of_stage,
    stage_path,
    text_digest,
)
from textrep.contextual.ulmfit_tasks import FineTuningTask
from textrep.engine.loop import train
from textrep.engine.seeding import torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.generation.first_weights import prime
from textrep.generation.recurrent_module import Dropouts, RecurrentLMTask
from textrep.generation.rnn_language_model import RNNLanguageModel
from textrep.generation.token_stream import join_rows, stream_batches
from textrep.preprocess.codec import TextCodec

LM_DROPOUTS = Dropouts(embedding=0.02, input=0.25, hidden=0.15, output=0.1, weight=0.2)
"""fastai's for language models, times the parameter `lm_dropout`."""

FINE_TUNING_BETAS = (0.7, 0.99)
"""Of Adam (Howard and Ruder 2018, section 4.1)."""

MAX_GRAD_NORM = 0.5

SEEDS = ("vectors", "weights", PRETRAINING, FINE_TUNING, "held out", "order")
"""What the classifier draws random numbers for."""

_PRETRAINING_BETAS = (0.9, 0.99)
_VECTORS_SHARE = 0.2  # of the time for pre-training, at most
_CODEC = ("lowercase", "token_pattern", "max_vocabulary", "min_count")
_NETWORK = ("cell", "embedding_size", "hidden_size", "num_layers", "device", "precision")


class LanguageModelLearner:
    """Makes the language model of a classifier.

    Parameters
    ----------
    params : mapping
        The parameters of the `UlmfitClassifier`.
    seeds : mapping of str to int
        One for each of `SEEDS`.
    limit : TimeLimit
    training : mapping of str to str
        What tells this training from others, for checkpoints, beside texts and seeds.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        seeds: Mapping[str, int],
        limit: TimeLimit,
        training: Mapping[str, str],
    ) -> None:
        self.params = params
        self.seeds = seeds
        self.limit = limit
        self.training = training
        self._kept = KeptLanguageModel(None, {})

    def new_model(self, n_words: int) -> RNNLanguageModel:
        """The language model, without vocabulary and weights."""
        dropouts = times(LM_DROPOUTS, self.params["lm_dropout"])
        cutoffs = cutoffs_for(n_words, self.params["hidden_size"])
        return RNNLanguageModel(
            level="word",
            cutoffs=cutoffs,
            # Skip-gram vectors are too long for a softmax; and more units carry more of the text.
            tie_weights=not cutoffs,
            embedding_dropout=dropouts.embedding,
            input_dropout=dropouts.input,
            hidden_dropout=dropouts.hidden,
            dropout=dropouts.output,
            weight_dropout=dropouts.weight,
            **{name: self.params[name] for name in (*_CODEC, *_NETWORK)},
        )

    def pretrain(self, texts: list[str]) -> RNNLanguageModel:
        """A language model of all texts, with or without labels."""
        params = self.params
        self._kept = KeptLanguageModel(params["checkpoint"], self.identity(texts))
        if (finished := self._kept.load()) is not None:
            return finished
        codec = TextCodec(level="word", **{name: params[name] for name in _CODEC})
        rows = codec.fit(texts, params["verbose"]).encode_all(texts, params["verbose"])
        model = self._first_weights(codec, rows)
        if params["lm_epochs"]:
            settings = self._settings(
                params["lm_epochs"],
                params["lm_learning_rate"],
                _PRETRAINING_BETAS,
                "one-cycle",
                self.limit.of(PRETRAINING),
            )
            self._train(model, RecurrentLMTask(model.module_), rows, settings, PRETRAINING)
            self._kept.save(model)
        return model

    def fine_tune(self, model: RNNLanguageModel, texts: list[str]) -> list[dict[str, Any]]:
        """Train a language model on, with the texts to classify, in place; the history of it."""
        params = self.params
        if not params["finetune_epochs"]:
            return []
        settings = self._settings(
            params["finetune_epochs"],
            params["finetune_learning_rate"],
            FINE_TUNING_BETAS,
            "slanted-triangular",
            self.limit.of(FINE_TUNING),
        )
        task = FineTuningTask(model.module_, params["lr_decay"])
        return self._train(model, task, model.codec_.encode_all(texts), settings, FINE_TUNING)

    def forget(self) -> None:
        """Remove what was kept for an interruption."""
        self._kept.remove()

    def _first_weights(self, codec: TextCodec, rows: list[NDArray[np.int32]]) -> RNNLanguageModel:
        """The language model before its training."""
        model = self.new_model(len(codec))
        model.codec_ = codec
        with torch_seed(self.seeds["weights"]):
            module = model._build()
            prime(module, np.concatenate(rows))
        if self.params["vector_epochs"]:
            seconds = self.limit.of(PRETRAINING) if self.params["lm_epochs"] else None
            set_word_vectors(
                module,
                codec,
                rows,
                epochs=self.params["vector_epochs"],
                seed=self.seeds["vectors"],
                max_seconds=None if seconds is None else _VECTORS_SHARE * seconds,
            )
        model.module_ = module.eval()
        model.history_, model.n_epochs_ = [], 0
        model.stopped_early_ = model.out_of_time_ = False
        return model

    def _settings(
        self,
        epochs: int,
        learning_rate: float,
        betas: tuple[float, float],
        schedule: str,
        max_seconds: float | None,
    ) -> TrainingSettings:
        return TrainingSettings(
            epochs=epochs,
            learning_rate=learning_rate,
            betas=betas,
            weight_decay=self.params["weight_decay"],
            schedule=schedule,
            max_grad_norm=MAX_GRAD_NORM,
            max_seconds=max_seconds,
        )

    def _train(
        self,
        model: RNNLanguageModel,
        task: RecurrentLMTask,
        rows: Sequence[NDArray[np.int32]],
        settings: TrainingSettings,
        stage: str,
    ) -> list[dict[str, Any]]:
        """Train the model's module on the ids of texts; its history in this stage."""
        params = self.params
        ids = join_rows(rows, TextCodec.EOS)
        checkpoint = params["checkpoint"]
        outcome = train(
            task,
            stream_batches(
                ids, params["n_streams"], params["window"], seed=self.seeds[stage], vary=True
            ),
            settings,
            device=params["device"],
            precision=params["precision"],
            seed=self.seeds[stage],
            checkpoint=None if checkpoint is None else stage_path(checkpoint, stage),
            identity={
                "stage": stage,
                "text": hashlib.sha256(ids.tobytes()).hexdigest(),
                "training": dict(self.training),
            },
            verbose=params["verbose"],
            description=stage.capitalize(),
        )
        history = of_stage(outcome, stage)
        model.history_ = [*model.history_, *history]
        model.n_epochs_, model.stopped_early_ = outcome.n_epochs, outcome.stopped_early
        model.out_of_time_ = outcome.out_of_time
        return history

    def identity(self, texts: list[str], **more: Any) -> dict[str, Any]:
        """What tells a training on these texts from others; nothing without a checkpoint."""
        if self.params["checkpoint"] is None:
            return {}
        seeds, training = dict(self.seeds), dict(self.training)
        return {"texts": text_digest(texts), "seeds": seeds, "training": training, **more}


def times(dropouts: Dropouts, factor: float) -> Dropouts:
    """All dropouts, multiplied."""
    return Dropouts(**{name: factor * value for name, value in vars(dropouts).items()})
