"""`WindowedLanguageModel`: what language models share that see so many tokens and no more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textrep.generation.language_model import LanguageModel
from textrep.generation.token_stream import join_rows


class WindowedLanguageModel(LanguageModel):
    """Base of the language models that score the tokens of rows in windows.

    A subclass has `_of_tokens`, beside what `LanguageModel` asks for.
    """

    @property
    def _begin(self) -> int:
        """The token that is read before a text."""
        return self.codec_.EOS

    def _of_tokens(self, rows: list[NDArray[np.int32]]) -> list[NDArray[np.float64]]:
        """Log-likelihood of each token of each row but the first."""
        raise NotImplementedError

    def _of_texts(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        begin, eos = self._begin, self.codec_.EOS
        found = self._of_tokens([np.array([begin, *row, eos], dtype=np.int32) for row in rows])
        return np.array([values.sum() for values in found])

    def _of_stream(self, rows: list[NDArray[np.int32]]) -> NDArray[np.float64]:
        stream = join_rows(rows, self.codec_.EOS)
        stream[0] = self._begin
        return self._of_tokens([stream])[0]
