"""What a masked language model puts in the place of mask tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from textrep.contextual.encoders.tokens import EncoderRow, EncoderTokenizer
from textrep.contextual.masked_lm.heads import MaskedLanguageModule
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to

USUAL_MASK = "[MASK]"
"""What stands for the mask token of any tokenizer."""


class Candidate(NamedTuple):
    """A token that may stand in a place.

    Attributes
    ----------
    token : str
        As the vocabulary has it: ``##`` or the absence of ``▁`` means that it goes on with a word.
    probability : float
    """

    token: str
    probability: float


def rows_with_masks(
    texts: list[str], tokenizer: EncoderTokenizer, max_length: int
) -> list[EncoderRow]:
    """Rows of texts that spell the mask token.

    Raises
    ------
    ValueError
        If a text has none, or has one that does not fit.
    """
    own = tokenizer.mask_token
    named = [text.replace(USUAL_MASK, own) for text in texts]
    pieces = tokenizer.pieces(named, masked=True)
    rows = []
    for place, ids in enumerate(pieces):
        row = tokenizer.row(ids, max_length=max_length)
        n_masks = int((ids == tokenizer.mask_id).sum())
        if not n_masks:
            raise ValueError(f"texts[{place}] has no {USUAL_MASK} to fill in")
        if int((row.ids == tokenizer.mask_id).sum()) < n_masks:
            raise ValueError(
                f"texts[{place}] has a {USUAL_MASK} behind the {max_length} tokens that the model "
                "reads; shorten the text before it"
            )
        rows.append(row)
    return rows


def fill(
    module: MaskedLanguageModule,
    rows: Sequence[EncoderRow],
    k: int,
    *,
    device: str,
    precision: str,
) -> list[list[list[Candidate]]]:
    """The likeliest tokens at each mask of each row, special ones left out.

    Parameters
    ----------
    module : MaskedLanguageModule
    rows : sequence of EncoderRow
    k : int
        Candidates to a mask.
    device, precision : str

    Returns
    -------
    list (rows) of list (masks) of list (k, by falling probability) of Candidate
    """
    tokenizer = module.encoder.tokenizer
    ordinary = torch.from_numpy(tokenizer.ordinary_ids)
    most = min(k, len(ordinary))
    lengths = np.array([len(row.ids) for row in rows], dtype=np.int64)

    def answer(lent: MaskedLanguageModule, batch: object) -> list[tuple[Tensor, Tensor]]:
        found = []
        vectors = lent.hidden(batch)
        for row, ids in zip(vectors, batch.ids, strict=True):  # type: ignore[attr-defined]
            logits = lent.scores(row[ids == tokenizer.mask_id]).cpu()
            probabilities = logits.softmax(dim=1)[:, ordinary]
            best = probabilities.topk(most, dim=1)
            found.append((ordinary[best.indices], best.values))
        return found

    with lent_to(module, choose_device(device)) as lent:
        answers = apply_in_batches(
            lambda batch: answer(lent, batch),
            lengths,
            lambda numbers: module.encoder.collate([rows[i] for i in numbers]),
            device=device,
            precision=precision,
        )
    return [
        [
            [Candidate(tokenizer.tokens[i], p) for i, p in zip(*place, strict=True)]
            for place in zip(ids.tolist(), values.tolist(), strict=True)
        ]
        for ids, values in answers
    ]
