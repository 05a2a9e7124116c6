"""What the stages of ULMFiT have in common: time, files, and what goes into them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import nn

from textrep.core.messages import shown
from textrep.core.persist import load
from textrep.core.text import TextInputError, check_texts
from textrep.engine.estimator import weights_of
from textrep.engine.loop import Outcome
from textrep.generation.rnn_language_model import RNNLanguageModel
from textrep.generation.token_stream import join_rows, read_texts
from textrep.preprocess.codec import TextCodec

PRETRAINING, FINE_TUNING, CLASSIFIER = "pre-training", "fine-tuning", "classifier"

_SHARES = {PRETRAINING: 0.65, FINE_TUNING: 0.05, CLASSIFIER: 0.3}
_LEAST_SECONDS = 0.01
_DIGITS = 12


class TimeLimit:
    """Seconds that the stages share; what one leaves over goes to those after it.

    Parameters
    ----------
    max_seconds : float or None
        From now on.
    stages : sequence of str
        Those that will run.
    """

    def __init__(self, max_seconds: float | None, stages: Sequence[str]) -> None:
        self._end = None if max_seconds is None else time.monotonic() + max_seconds
        self._stages = list(stages)

    def of(self, stage: str) -> float | None:
        """Seconds that a stage has which begins now; None without a limit."""
        if self._end is None:
            return None
        rest = self._stages[self._stages.index(stage) :]
        share = _SHARES[stage] / sum(_SHARES[other] for other in rest)
        return max(_LEAST_SECONDS, share * (self._end - time.monotonic()))


class KeptLanguageModel:
    """The pre-trained model beside the checkpoint, so that only what came later is lost.

    Parameters
    ----------
    checkpoint : path or None
        None keeps nothing.
    identity : mapping
        JSON values that tell this training from others, part of the name.
    """

    def __init__(
        self, checkpoint: str | os.PathLike[str] | None, identity: Mapping[str, Any]
    ) -> None:
        self._path = None
        if checkpoint is not None:
            text = json.dumps(identity, sort_keys=True, default=str)
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
            self._path = stage_path(checkpoint, f"{digest}.{PRETRAINING}.textrep")

    def load(self) -> RNNLanguageModel | None:
        """The model, if an earlier training has finished it."""
        if self._path is None or not self._path.exists():
            return None
        model = load(self._path)
        return model if isinstance(model, RNNLanguageModel) else None

    def save(self, model: RNNLanguageModel) -> None:
        """Keep a model that is finished."""
        if self._path is not None:
            model.save(self._path)

    def remove(self) -> None:
        """Remove the file: all is over."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def stage_path(checkpoint: str | os.PathLike[str], stage: str) -> Path:
    """The checkpoint of one stage, beside that of the classifier."""
    path = Path(checkpoint)
    return path.with_name(f"{path.name}.{stage}")


def read_unlabelled(unlabelled: Any) -> list[str]:
    """Texts without labels, as they are given to the constructor.

    Parameters
    ----------
    unlabelled : iterable of str, pathlib.Path or None
        Of a text file in UTF-8, plain or compressed, each line is a text.

    Returns
    -------
    list of str
    """
    if unlabelled is None:
        return []
    if isinstance(unlabelled, os.PathLike):
        return read_texts(unlabelled, "unlabelled")
    if isinstance(unlabelled, str):
        raise TextInputError(
            f"unlabelled is a single str, {shown(unlabelled)}; give a list of texts, or the path "
            "of a file as a pathlib.Path"
        )
    return check_texts(unlabelled, name="unlabelled", allow_empty=True)


def read_language_model(language_model: Any) -> RNNLanguageModel | None:
    """A fitted language model, as it is given to the constructor.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If it is not fitted.
    """
    if isinstance(language_model, str | os.PathLike):
        language_model = load(language_model)
    if language_model is None:
        return None
    if not isinstance(language_model, RNNLanguageModel):
        raise TypeError(
            "language_model must be a fitted RNNLanguageModel, the path of a saved one, or None, "
            f"got {shown(language_model)}"
        )
    if not hasattr(language_model, "module_"):
        raise ValueError("language_model is not fitted; fit it first, or leave it to unlabelled")
    return language_model


def of_stage(outcome: Outcome, stage: str) -> list[dict[str, Any]]:
    """The history of a stage, with its name in each entry."""
    return [{"stage": stage, **entry} for entry in outcome.history]


def text_digest(texts: Sequence[str]) -> str:
    """What tells texts from others."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def weights_digest(module: nn.Module) -> str:
    """What tells a network from others of its kind."""
    digest = hashlib.sha256()
    for name, weights in weights_of(module).items():
        digest.update(name.encode() + weights.tobytes())
    return digest.hexdigest()


def last_tokens(rows: Sequence[NDArray[Any]], max_length: int, head: bool) -> list[NDArray[Any]]:
    """At most so many tokens of each text, behind an end-of-text.

    >>> import numpy as np
    >>> [row.tolist() for row in last_tokens([np.array([5, 6, 7]), np.array([], int)], 2, False)]
    [[3, 6, 7], [3]]
    """
    kept = [row[:max_length] if head else row[-max_length:] for row in rows]
    return [join_rows([row], TextCodec.EOS)[:-1] for row in kept]
