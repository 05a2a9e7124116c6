"""What a fitted masked language model can tell: what is hidden, and how likely texts are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrep.contextual.encoders.encoder import Encoder
from textrep.contextual.encoders.tokens import EncoderRow
from textrep.contextual.masked_lm.examples import chunked
from textrep.contextual.masked_lm.filling import Candidate, fill, rows_with_masks
from textrep.contextual.masked_lm.heads import MaskedLanguageModule
from textrep.contextual.masked_lm.scoring import masked_log_likelihoods
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count
from textrep.engine.estimator import TorchEstimator
from textrep.generation.token_stream import read_texts


class MaskedPredictor(TorchEstimator):
    """Base of `MaskedLanguageModel`: what it answers once it is fitted."""

    mask_probability: float
    module_: MaskedLanguageModule
    encoder_: Encoder

    def fill_mask(self, texts: Any, k: int = 5) -> Any:
        """The likeliest tokens in the place of each ``[MASK]``.

        Parameters
        ----------
        texts : str or iterable of str
            Each with one ``[MASK]`` or several, which stands for the mask token of any tokenizer.
        k : int, default=5
            Candidates to a mask.

        Returns
        -------
        list (masks) of list (k, by falling probability) of Candidate
            Of a single str; of several, a list of these. Masks of one text are filled in each by
            itself.

        Raises
        ------
        ValueError
            If a text has no mask, or has one behind what the encoder reads.

        Examples
        --------
        See `MaskedLanguageModel`.
        """
        self._check_fitted()
        check_count("k", k, 1)
        single = isinstance(texts, str)
        whole = check_texts([texts] if single else texts, allow_empty=True)
        rows = rows_with_masks(whole, self.encoder_.tokenizer, self.encoder_.max_length)
        found: list[list[list[Candidate]]] = fill(
            self.module_, rows, k, device=self.device, precision=self.precision
        )
        return found[0] if single else found

    def log_likelihoods(self, X: Any) -> NDArray[np.float64]:
        """How likely each text is: the pseudo-log-likelihood of its tokens.

        Each token is hidden once, together with others that are far from it: as many passes are
        made as leave `mask_probability` of the tokens hidden in each. Texts longer than the encoder
        reads are read in parts.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path

        Returns
        -------
        float64 ndarray (n_texts,)
            In nats; 0 of a text without known tokens.
        """
        return self._sums(X)[0]

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood of a token, given those around it; greater is better.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path
        y : ignored

        Returns
        -------
        float
            In nats. See `log_likelihoods`.

        Raises
        ------
        ValueError
            If no text has a known token.
        """
        sums, counts = self._sums(X)
        if not counts.sum():
            raise ValueError("no text has a known token; there is nothing to score")
        return float(sums.sum() / counts.sum())

    def perplexity(self, X: Any) -> float:
        """The exponential of ``-score``: not to be compared with that of models from left to right.

        Parameters
        ----------
        X : iterable of str, or pathlib.Path

        Returns
        -------
        float
        """
        try:
            return math.exp(-self.score(X))
        except OverflowError:
            return math.inf

    def _sums(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Log-likelihood, and number of tokens, of each text."""
        self._check_fitted()
        texts = read_texts(X, "X")
        rows: list[EncoderRow] = []
        of_text: list[int] = []
        for number, parts in enumerate(chunked(texts, self.encoder_, self.encoder_.max_length)):
            rows += parts
            of_text += [number] * len(parts)
        sums, counts = masked_log_likelihoods(
            self.module_,
            rows,
            n_passes=max(1, round(1 / self.mask_probability)),
            device=self.device,
            precision=self.precision,
        )
        whole = np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
        np.add.at(whole[0], of_text, sums)
        np.add.at(whole[1], of_text, counts)
        return whole
