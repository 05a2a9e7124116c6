"""`PieceVectors`: word vectors that know unseen words by the pieces a tokenizer cuts them into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textrep.embeddings.open_vectors import OpenVectors
from textrep.embeddings.subword_vectors import mean_rows


class PieceVectors(OpenVectors):
    """Word vectors that also answer for words beyond their list, by their pieces.

    Parameters
    ----------
    words : list of str, n_words long
    matrix : array (n_words, dim) of float32
    pieces : array (n_pieces, dim) of float32
        A vector of each piece of the tokenizer.
    tokenizer : EncoderTokenizer
        Cuts words into pieces.
    counts : int array (n_words,), default=None

    Attributes
    ----------
    pieces : float32 ndarray (n_pieces, dim)
    tokenizer : EncoderTokenizer

    Raises
    ------
    ValueError
        As for `WordVectors`, and when there is not one vector for each piece.

    See Also
    --------
    textrep.embeddings.SubwordVectors : Unseen words by character n-grams.

    Notes
    -----
    The vector of an unseen word is the mean over its pieces; one that the tokenizer knows nothing
    of has none. ``in``, `index`, `rows` and what looks for neighbours know the words of the list
    only.
    """

    def __init__(
        self, words: Sequence[str], matrix: Any, *, pieces: Any, tokenizer: Any, counts: Any = None
    ) -> None:
        super().__init__(words, matrix, counts=counts)
        pieces = np.ascontiguousarray(pieces, dtype=np.float32)
        if pieces.shape != (tokenizer.size, self.dim):
            raise ValueError(
                f"pieces have the shape {pieces.shape}, but the tokenizer {tokenizer.size} pieces "
                f"and the words {self.dim} dimensions"
            )
        self.pieces = pieces
        self.tokenizer = tokenizer

    def _of_unseen(self, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
        cut = self.tokenizer.pieces(words)
        bounds = np.cumsum([0, *map(len, cut)])
        rows = np.concatenate([np.zeros(0, np.int32), *cut]).astype(np.int32)
        nothing = np.append(self.tokenizer.special_ids, self.tokenizer.unk_id)
        rows[np.isin(rows, nothing)] = -1
        return mean_rows(self.pieces, rows, bounds)
