"""Texts as what a masked language model is trained on: rows, pairs, batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.layouts import n_special
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.masked_lm.masking import IGNORED
from textrep.contextual.masked_lm.packing import LimitedBatches, RedrawnBatches, masked_batches
from textrep.contextual.masked_lm.sentence_pairs import draw_pairs, sentences_of
from textrep.engine.batches import Batches


def chunked(texts: Sequence[str], encoder: Encoder, max_length: int) -> list[list[EncoderRow]]:
    """Rows of each text, as many as it takes where it is long.

    Parameters
    ----------
    texts : sequence of str
    encoder : Encoder
    max_length : int
        Tokens of a row, special ones included.

    Returns
    -------
    list of list of EncoderRow
        None of a text without tokens.
    """
    tokenizer = encoder.tokenizer
    room = max_length - n_special(tokenizer.layout, pair=False)
    return [
        [tokenizer.row(ids[start : start + room]) for start in range(0, len(ids), room)]
        for ids in tokenizer.pieces(texts)
    ]


class Examples:
    """What there is to learn from texts.

    Parameters
    ----------
    texts : sequence of str
    encoder : Encoder
    objective : {"mlm", "mlm+nsp", "mlm+sop"}
    packing : bool
    max_length, max_tokens : int
        Of a row and of a batch.
    seed : int

    Attributes
    ----------
    n_tokens : int
        Of the rows of an epoch.
    max_length : int

    Raises
    ------
    ValueError
        If there is nothing to hide.
    """

    def __init__(
        self,
        texts: Sequence[str],
        encoder: Encoder,
        objective: str,
        *,
        packing: bool,
        max_length: int,
        max_tokens: int,
        seed: int,
    ) -> None:
        self._encoder = encoder
        self._shared: dict[str, Any] = {
            "packing": packing,
            "max_length": max_length,
            "max_tokens": max_tokens,
        }
        self._seed = seed
        self.max_length = max_length
        self._pairs = objective.partition("+")[2]  # "", "nsp" or "sop"
        tokenizer = encoder.tokenizer
        if self._pairs:
            sentences = [sentences_of(text) for text in texts]
            pieces = iter(tokenizer.pieces([part for parts in sentences for part in parts]))
            self._documents = [[next(pieces) for _ in parts] for parts in sentences]
            self._rows, labels = self._drawn(0)
            self._n_pairs = int((labels != IGNORED).sum())
        else:
            self._documents = []
            self._rows = [row for rows in chunked(texts, encoder, max_length) for row in rows]
            self._rows = [row for row in self._rows if self._n_hideable(row)]
            self._n_pairs = 0
        if not any(self._n_hideable(row) for row in self._rows):
            raise ValueError("no text has a known token; there is nothing to learn from")
        self.n_tokens = sum(len(row.ids) for row in self._rows)

    def _n_hideable(self, row: EncoderRow) -> int:
        return int((~np.isin(row.ids, self._encoder.tokenizer.special_ids)).sum())

    def _drawn(self, epoch: int) -> tuple[list[EncoderRow], NDArray[np.int64]]:
        """Rows of pairs, and what is to be said of each; other ones in each epoch."""
        tokenizer = self._encoder.tokenizer
        pairs = draw_pairs(
            self._documents,
            self._pairs,
            room=self.max_length - n_special(tokenizer.layout, pair=True),
            random=np.random.default_rng((self._seed, epoch)),
            word_starts=tokenizer.word_starts,
        )
        rows = [
            tokenizer.row(first, second, max_length=self.max_length)
            for first, second in zip(pairs.firsts, pairs.seconds, strict=True)
        ]
        return rows, pairs.labels

    def pair_weight(self, probability: float) -> float:
        """Hidden tokens to a pair, on average; 0 without pairs."""
        if not self._n_pairs:
            return 0.0
        return probability * sum(self._n_hideable(row) for row in self._rows) / self._n_pairs

    def batches(self) -> Batches:
        """Batches to train on."""
        return RedrawnBatches(self._of_epoch) if self._pairs else self._of_epoch(0)

    def limited(self, n_steps: int) -> LimitedBatches:
        """So many batches to train on."""
        return LimitedBatches(self.batches(), n_steps)

    def fixed(self) -> Batches:
        """Batches to evaluate on, the same each time."""
        return self._of_epoch(0, shuffle=False)

    def _of_epoch(self, epoch: int, *, shuffle: bool = True) -> Batches:
        rows, labels = self._drawn(epoch) if self._pairs else (self._rows, None)
        return masked_batches(
            rows, self._encoder, pairs=labels, seed=self._seed, shuffle=shuffle, **self._shared
        )
