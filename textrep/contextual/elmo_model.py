"""`ElmoModel`: what language models in both directions do once they have learnt."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from torch import Tensor

from textrep.contextual.bilm_module import BiLanguageModel, BilmTask
from textrep.contextual.elmo_batches import Collate, batches_of, collator
from textrep.contextual.elmo_mixing import POOLINGS, Mixing, PooledPieces, mixing_of, pool_words
from textrep.contextual.elmo_words import Sentences, read_sentences
from textrep.embeddings.embedder import WordEmbedder
from textrep.embeddings.parameters import check_choice
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.evaluation import evaluate
from textrep.engine.inference import apply_in_batches, lent_to


class ElmoModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TorchEstimator):
    """Base of `ElmoEmbedder`: vectors of words and texts, and their likelihood.

    A subclass has the parameters named below, and `fit`, which sets the attributes that follow.
    """

    batch_tokens: int
    hidden_size: int
    lowercase: bool
    max_length: int
    max_word_length: int
    mix: Any
    num_layers: int
    pooling: str
    token_pattern: str

    module_: BiLanguageModel
    vocabulary_: list[str]
    embeddings_: WordEmbedder | None
    mix_weights_: np.ndarray | None

    # ---- vectors

    def transform(self, X: Any) -> np.ndarray:
        """Turn texts into vectors.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        float32 ndarray (n_samples, dim)
            Of 2 D dimensions, of (2 num_layers + 1) D with ``mix="concat"``, of twice as many with
            ``pooling="mean_max"``; zeros for a text without words.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        TextInputError
            If `X` holds something else.
        """
        self._check_fitted()
        check_choice("pooling", self.pooling, POOLINGS)
        mixing = self._mixing()
        sentences = self._read(X)
        return self._pooled(sentences, mixing).of_texts(
            sentences.text,
            sentences.n_words_of_text,
            self.pooling,
            mixing.size(self.hidden_size, self.num_layers + 1),
        )

    def transform_tokens(self, X: Any) -> list[np.ndarray]:
        """Vectors of the words of texts, each in its context.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        list of float32 ndarray (n_tokens, dim)
            One for each text; of 2 D dimensions, or (2 num_layers + 1) D with ``mix="concat"``.
        """
        self._check_fitted()
        mixing = self._mixing()
        return self._of_words(X, mixing, (mixing.size(self.hidden_size, self.num_layers + 1),))

    def layers(self, X: Any) -> list[np.ndarray]:
        """All layers of the words of texts, which `mix` mixes.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        list of float32 ndarray (n_tokens, num_layers + 1, 2 D)
            One for each text. Layer 0 is the vector of the word without its context, twice; in the
            others the first half has read the words up to this one, the second half those from it.
        """
        self._check_fitted()

        def stacked(layers: Sequence[Tensor]) -> Tensor:
            return torch.stack(list(layers), dim=2).float()

        return self._of_words(X, stacked, (self.num_layers + 1, 2 * self.hidden_size))

    def _of_words(
        self, X: Any, combine: Callable[[Sequence[Tensor]], Tensor], shape: tuple[int, ...]
    ) -> list[np.ndarray]:
        sentences = self._read(X)
        found: list[list[np.ndarray]] = [[] for _ in range(sentences.n_texts)]

        def words_of(layers: list[Tensor], lengths: Tensor) -> list[Tensor]:
            return [
                row[1 : length - 1].cpu()
                for row, length in zip(combine(layers), lengths.tolist(), strict=True)
            ]

        for text, piece in zip(sentences.text, self._apply(sentences, words_of), strict=True):
            found[text].append(piece.numpy())
        empty = np.zeros((0, *shape), dtype=np.float32)
        return [np.concatenate(pieces) if pieces else empty for pieces in found]

    def _pooled(self, sentences: Sentences, mixing: Mixing) -> PooledPieces:
        def pooled(layers: list[Tensor], lengths: Tensor) -> Tensor:
            return pool_words(mixing(layers), lengths)

        size = mixing.size(self.hidden_size, self.num_layers + 1)
        both = np.zeros((len(sentences.text), 2, size), dtype=np.float32)
        for i, piece in enumerate(self._apply(sentences, pooled)):
            both[i] = piece.numpy()
        return PooledPieces(both[:, 0], both[:, 1])

    def _apply(
        self,
        sentences: Sentences,
        function: Callable[[list[Tensor], Tensor], Sequence[Tensor] | Tensor],
    ) -> list[Tensor]:
        """What a function makes of the layers and lengths of each piece, in their order."""
        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            return apply_in_batches(
                lambda batch: function(module(batch), batch.lengths),
                sentences.lengths,
                self._collate(sentences),
                device=device,
                precision=self.precision,
            )

    def _mixing(self) -> Mixing:
        return mixing_of(self.mix, self.num_layers + 1, self.mix_weights_)

    @property
    def _n_features_out(self) -> int:
        size = self._mixing().size(self.hidden_size, self.num_layers + 1)
        return 2 * size if self.pooling == "mean_max" else size

    # ---- likelihood

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood of a word, nats, over both directions; higher is better.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples
        y : ignored

        Returns
        -------
        float
            Words that are none of `vocabulary_` count as one word; the mark at the end of a text,
            and for the backward model that at its beginning, is predicted too.

        Raises
        ------
        ValueError
            If no text has a word.
        """
        self._check_fitted()
        sentences = self._read(X)
        if not len(sentences.text):
            raise ValueError("X has no words, so that there is no likelihood of one")
        pieces = np.arange(len(sentences.text))
        batches = batches_of(sentences, pieces, self._collate(sentences), self.batch_tokens)
        task = BilmTask(self.module_)
        found = evaluate(task, batches, device=self.device, precision=self.precision)
        return -found["loss"]

    def perplexity(self, X: Any) -> float:
        """Perplexity of a word, exp(-`score`); lower is better.

        Parameters
        ----------
        X : iterable of str, or of lists of str, of length n_samples

        Returns
        -------
        float
        """
        return math.exp(-self.score(X))

    # ---- texts and batches

    def _read(self, X: Any) -> Sentences:
        find = re.compile(self.token_pattern).findall

        def tokens_of(text: str) -> list[str]:
            return find(text.lower() if self.lowercase else text)

        return read_sentences(X, tokens_of, int(self.max_length), int(self.max_word_length))

    def _collate(self, sentences: Sentences) -> Collate:
        vectors = None if self.embeddings_ is None else self.embeddings_.vectors_
        return collator(sentences, self.vocabulary_, vectors)
