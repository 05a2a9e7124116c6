"""What the vectors of an encoder's tokens begin as: skip-gram on the texts that it will read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textrep.contextual.encoders.drawing import drawn
from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.shapes import first_deviation
from textrep.contextual.skip_gram_start import put_skip_gram

MOST_TOKENS = 80_000_000
"""Tokens that are read, of all epochs together; about a minute and a half on one core."""

FEWEST_TOKENS = 20_000
"""Tokens of the texts below which skip-gram cannot tell words apart, and vectors stay as drawn."""

FEWEST_EPOCHS, MOST_EPOCHS = 1, 20

_SHARE = 0.25  # of the time
# On one core. A count of tokens, not a clock, ends it: training that was interrupted begins again
# with the same vectors, or it could not be taken up.
_TOKENS_A_SECOND = 1_000_000


def put_first_vectors(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    seed: int,
    max_seconds: float | None = None,
    verbose: int = 0,
) -> int:
    """Put vectors that skip-gram learns from texts into an encoder that has learnt nothing.

    A small encoder spends its first million tokens on finding out which tokens are alike, if it
    ever does; skip-gram knows after seconds.

    Parameters
    ----------
    encoder : Encoder
    texts : sequence of str
        Of more than 80 million tokens a sample is read.
    seed : int
    max_seconds : float or None, default=None
        Of all training; about a quarter of it is taken at most.
    verbose : int, default=0

    Returns
    -------
    int
        How many tokens got their vector; none where the texts are too short.

    References
    ----------
    T. Mikolov et al.: Distributed representations of words and phrases and their compositionality,
    NeurIPS 2013.
    """
    tokenizer = encoder.tokenizer
    most = MOST_TOKENS
    if max_seconds is not None:
        most = min(most, int(_SHARE * max_seconds * _TOKENS_A_SECOND))
    rows = tokenizer.pieces(texts)
    n_tokens = sum(map(len, rows))
    if n_tokens < FEWEST_TOKENS:
        return 0
    if n_tokens > most:
        rows = drawn(rows, most, seed)
        n_tokens = most
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, most // max(1, n_tokens)))
    module: Any = encoder.module
    return put_skip_gram(
        module.get_input_embeddings().weight,
        tokenizer.tokens,
        rows,
        epochs=epochs,
        seed=seed,
        deviation=first_deviation(encoder.hidden_size),
        centred=True,
        verbose=verbose,
    )
