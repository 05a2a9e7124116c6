"""From encoded sources to texts: the beam search over an encoder-decoder, and what it looked at."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.engine.inference import apply_in_batches
from textrep.generation.beam import Hypothesis, beam_search
from textrep.generation.encoder_decoder import EncoderDecoder
from textrep.generation.text_pairs import (
    Pairs,
    Rows,
    Sources,
    collate_pairs,
    collate_sources,
    costs_of,
)
from textrep.preprocess.codec import TextCodec

_BEAMS_AT_ONCE = 320  # of all texts of a batch: enough to keep the products of matrices busy
_LONGEST_RATIO, _LONGEST_EXTRA = 2, 10  # most units that are written of n read: 2 n + 10


def write_targets(
    module: EncoderDecoder,
    sources: Rows,
    *,
    beam_width: int,
    n_best: int,
    length_penalty: float,
    max_length: int,
    with_unknown: bool,
    device: torch.device,
    precision: str,
) -> list[list[Hypothesis]]:
    """The most probable targets of each source.

    Parameters
    ----------
    module : EncoderDecoder
        On the device.
    sources : list of int arrays
        With the end sign.
    beam_width, n_best, length_penalty :
        Of `textrep.generation.beam_search`.
    max_length : int
        Units of a target at most; one of so many needs no end sign.
    with_unknown : bool
        Whether the sign of unknown units may be written.
    device, precision :
        Of `textrep.engine.apply_in_batches`.

    Returns
    -------
    list of list of Hypothesis
    """
    never = [TextCodec.PAD, TextCodec.BOS] + ([] if with_unknown else [TextCodec.UNK])

    def step(tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        features, state = module.advance(tokens, state)
        log_probs = module.output.log_probs(features)
        log_probs[:, never] = -torch.inf
        return log_probs, state

    def search(batch: Sources) -> list[list[Hypothesis]]:
        lengths = _LONGEST_RATIO * (batch.lengths - 1) + _LONGEST_EXTRA
        return beam_search(
            step,
            module.encode(*batch),
            len(batch.lengths),
            bos=TextCodec.BOS,
            eos=TextCodec.EOS,
            beam_width=beam_width,
            max_length=[min(max_length, length) for length in lengths.tolist()],
            length_penalty=length_penalty,
            n_best=n_best,
            device=device,
        )

    return apply_in_batches(
        search,
        [len(row) for row in sources],
        partial(collate_sources, sources),
        device=device,
        precision=precision,
        max_rows=max(1, _BEAMS_AT_ONCE // beam_width),
    )


def attention_of(
    module: EncoderDecoder, sources: Rows, targets: Rows, *, device: torch.device, precision: str
) -> list[NDArray[np.float32]]:
    """What each unit of each target looks at, float32 (..., n_target_units, n_source_units).

    The axes before these are what the network has several attentions in, layers and heads.

    What a decoder looks at depends on what was written before alone, so that a pass over the
    finished text finds the same as the search had.
    """

    def look(batch: Pairs) -> list[NDArray[np.float32]]:
        weights = module.weights(batch.inputs, module.encode(*batch.sources))
        assert weights is not None
        table = weights.float().cpu().numpy()
        sizes = zip(batch.lengths.tolist(), batch.sources.lengths.tolist(), strict=True)
        return [row[..., :n, :m].copy() for row, (n, m) in zip(table, sizes, strict=True)]

    return apply_in_batches(
        look,
        costs_of(sources, targets),
        partial(collate_pairs, sources, targets),
        device=device,
        precision=precision,
    )
