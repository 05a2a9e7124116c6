"""The language model under ULMFiT: first weights, training on a stream of texts, new words."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from textrep.contextual.skip_gram_start import Ids, put_skip_gram
from textrep.generation.recurrent_module import RecurrentLM
from textrep.generation.rnn_language_model import RNNLanguageModel
from textrep.preprocess.codec import TextCodec

CUTOFFS = (2_000, 8_000)
"""Where a vocabulary is cut for the adaptive softmax; of IMDb's tokens 86 % lie below the first."""

FEWEST_CUT = 4_000
"""Words of a vocabulary below which a full softmax is as fast."""

DIV_VALUE = 4
"""What `AdaptiveOutput` divides features by."""


def cutoffs_for(n_words: int, hidden_size: int) -> tuple[int, ...]:
    """Cutoffs of the output for a vocabulary; none for the full softmax.

    Each group of words takes a quarter of the features of the one before, so that few features
    allow few groups.

    >>> [cutoffs_for(n_words, 256) for n_words in (3_000, 6_000, 15_000)]
    [(), (2000,), (2000, 8000)]
    >>> cutoffs_for(15_000, 8)
    (2000,)
    """
    cutoffs = [cut for cut in CUTOFFS if n_words >= max(FEWEST_CUT, 1.5 * cut)]
    return tuple(cut for n, cut in enumerate(cutoffs, 1) if hidden_size >= DIV_VALUE**n)


def set_word_vectors(
    module: RecurrentLM,
    codec: TextCodec,
    rows: Sequence[Ids],
    *,
    epochs: int,
    seed: int,
    max_seconds: float | None = None,
) -> None:
    """Begin with the vectors that skip-gram learns from the same texts.

    They are scaled to unit variance; words without any keep theirs. See `put_skip_gram`.

    Parameters
    ----------
    module : RecurrentLM
    codec : TextCodec
    rows : sequence of integer arrays
        The ids of each text.
    epochs : int
    seed : int
    max_seconds : float or None, default=None
    """
    put_skip_gram(
        module.embedding.weight,
        codec.words,
        rows,
        epochs=epochs,
        seed=seed,
        max_seconds=max_seconds,
    )


def extend_vocabulary(
    language_model: RNNLanguageModel,
    texts: list[str],
    *,
    min_count: int,
    max_vocabulary: int | None,
) -> RNNLanguageModel:
    """A copy of a language model that knows the words of further texts, too.

    New words get the mean of the vectors of the others, and of whatever else there is for each word
    (Howard and Ruder's code does so). Characters and subwords stay as they are.

    Parameters
    ----------
    language_model : RNNLanguageModel
        Fitted.
    texts : list of str
    min_count : int
        Occurrences that a new word must have.
    max_vocabulary : int or None
        Most words that are new.

    Returns
    -------
    RNNLanguageModel
    """
    codec: Any = language_model.codec_  # a recurrent model has no other than a TextCodec
    extended = copy.deepcopy(language_model)
    if codec.level not in ("word", "whitespace"):
        return extended
    state = codec.state()
    new = _new_words(codec, texts, min_count)[:max_vocabulary]
    if new:
        extended.codec_ = TextCodec.from_state({**state, "words": [*state["words"], *new]})
        grown: Any = extended._new_module_without_draw()
        copy_weights(language_model.module_, grown)
        extended.module_ = grown
    return extended


def _new_words(codec: TextCodec, texts: list[str], min_count: int) -> list[str]:
    """Words of texts that a codec does not have, the most frequent first."""
    try:
        met = TextCodec(
            level=codec.level,
            lowercase=codec.lowercase,
            token_pattern=codec.token_pattern,
            min_count=min_count,
        ).fit(texts)
    except ValueError:  # no word is so frequent
        return []
    known = set(codec.words)
    return [word for word in met.words if word not in known]


@torch.no_grad()
def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy weights into a module of the same kind that may have more rows.

    Parameters
    ----------
    source, target : nn.Module
        What `target` does not have is left out; its further rows get the mean of the others.
    """
    weights = source.state_dict()
    for name, own in target.state_dict().items():
        if name in weights:
            given = weights[name]
            if own.ndim == 0:
                own.copy_(given)
                continue
            own[: len(given)] = given
            if len(own) > len(given):
                own[len(given) :] = given.mean(dim=0)
