"""`EncoderVectors`: what an encoder says of texts and words, once there is one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from textrep.contextual.encoder_embedder.parameters import without_objects
from textrep.contextual.encoder_embedder.words import SpannedRow, spanned_rows, word_spans
from textrep.contextual.encoders.batches import POOLINGS, pooled, tokens_read_at_once
from textrep.contextual.encoders.encoder import Encoder, EncoderBatch
from textrep.contextual.encoders.state import encoder_from_state, encoder_state
from textrep.core.lazy_rows import transform_texts
from textrep.core.messages import shown
from textrep.core.partitions import is_partitioned
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_choice
from textrep.engine.device import choose_device
from textrep.engine.estimator import TorchEstimator
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.preprocess.parameters import check_choice as check_one_of


class EncoderVectors(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TorchEstimator):
    """Base of `EncoderEmbedder`: vectors of texts and of words in them.

    A subclass has the parameters named below, and `fit`, which sets ``encoder_``.
    """

    layers: Any
    max_length: int
    normalise: bool
    pooling: str
    training_checkpoint: str | os.PathLike[str] | None

    _kept_in = "training_checkpoint"
    encoder_: Encoder

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Turn texts into vectors.

        Parameters
        ----------
        X : iterable of str, of length n_samples
            Or a dask bag, series, data frame of one column or array of one dimension, of str.

        Returns
        -------
        float32 ndarray (n_samples, hidden_size)
            For a dask collection a dask array, computed when it is asked for.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        TextInputError
            If `X` holds something else.
        """
        self._check_fitted()
        self._check_reading()
        if is_partitioned(X):
            return transform_texts(self, X, self._n_features_out, np.float32)
        texts = check_texts(X, name="X", allow_empty=True)

        def vectors(hidden: Tensor, batch: EncoderBatch) -> Tensor:
            found = pooled(hidden, batch.lengths, self.pooling, cls_last=self.encoder_.cls_last)
            return functional.normalize(found, dim=1) if self.normalise else found

        return self._stacked(self._apply(self._rows(texts), vectors))

    def word_vectors(
        self, texts: Any, word: str, *, match_case: bool = False
    ) -> list[NDArray[np.float32]]:
        """Vectors of a word wherever it stands, each in its context.

        Parameters
        ----------
        texts : iterable of str, of length n_samples
        word : str
            Or several words in a row.
        match_case : bool, default=False

        Returns
        -------
        list of float32 ndarray (n_occurrences, hidden_size)
            One for each text; with 0 rows where the word does not stand in it.
        """
        self._check_fitted()
        texts = check_texts(texts, name="texts", allow_empty=True)
        if not isinstance(word, str) or not word:
            raise ValueError(f"word must be a str that is not empty, got {shown(word)}")
        spans = [word_spans(text, word, match_case=match_case) for text in texts]
        counts = [len(found) for found in spans]
        repeated = [text for text, n in zip(texts, counts, strict=True) for _ in range(n)]
        vectors = self.vectors_of(repeated, [span for found in spans for span in found])
        return np.split(vectors, np.cumsum(counts)[:-1]) if counts else []

    def vectors_of(self, texts: Any, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """Vectors of parts of texts, each in its context.

        Parameters
        ----------
        texts : iterable of str, of length n_samples
        spans : sequence of (int, int), of length n_samples
            The first character of each part, and the one behind its last. Of a text that is too
            long, what surrounds the part is read.

        Returns
        -------
        float32 ndarray (n_samples, hidden_size)
            Means of the vectors of the tokens that lie in the part, in whole or in part.

        Raises
        ------
        ValueError
            If there is not one span for each text, one lies outside its text, or has no token.
        """
        self._check_fitted()
        self._check_reading()
        texts = check_texts(texts, name="texts", allow_empty=True)
        encoder = self.encoder_
        length = min(self.max_length, encoder.max_length)
        spanned = spanned_rows(encoder, texts, spans, max_length=length)
        rows = [each.row for each in spanned]
        found = self._apply(rows, lambda hidden, batch: list(hidden), extra=spanned)
        return self._stacked(found)

    def _apply(
        self,
        rows: Sequence[Any],
        function: Callable[[Tensor, EncoderBatch], Any],
        extra: Sequence[SpannedRow] | None = None,
    ) -> list[Tensor]:
        """What a function makes of the vectors of each row; means over `extra` places instead."""
        encoder, device = self.encoder_, choose_device(self.device)

        def collate(numbers: NDArray[np.int64]) -> Any:
            batch = encoder.collate([rows[number] for number in numbers])
            if extra is None:
                return batch, ()
            return batch, [torch.from_numpy(extra[number].places) for number in numbers]

        def vectors(given: Any) -> Any:
            batch, places = given
            found = function(self._mixed(batch), batch)
            if extra is None:
                return found
            return [row[chosen].mean(dim=0) for row, chosen in zip(found, places, strict=True)]

        with lent_to(encoder.module, device):
            return apply_in_batches(
                vectors,
                np.array([len(row.ids) for row in rows], dtype=np.int64),
                collate,
                device=device,
                precision=self.precision,
                max_tokens=tokens_read_at_once(device),
            )

    def _mixed(self, batch: EncoderBatch) -> Tensor:
        """Vectors of tokens, float32 (B, T, D), of the layers asked for."""
        if isinstance(self.layers, int | np.integer) and self.layers == -1:
            last: Tensor = self.encoder_.hidden(batch)
            return last.float()
        hidden = self.encoder_.hidden(batch, layers="all")
        chosen = [hidden[layer] for layer in self._layer_numbers()]
        return torch.stack([layer.float() for layer in chosen]).mean(dim=0)

    def _layer_numbers(self) -> list[int]:
        n = self.encoder_.n_layers + 1
        if isinstance(self.layers, str):
            return list(range(n))
        wanted = np.atleast_1d(self.layers).tolist()
        if outside := [layer for layer in wanted if not -n <= layer < n]:
            raise ValueError(
                f"layers names {outside[0]}, but this encoder has the layers 0 (its embeddings) to "
                f"{n - 1}"
            )
        return wanted

    def _stacked(self, found: list[Tensor]) -> NDArray[np.float32]:
        if not found:
            return np.zeros((0, self._n_features_out), dtype=np.float32)
        return np.stack([vector.float().numpy() for vector in found])

    def _rows(self, texts: list[str]) -> list[Any]:
        rows: list[Any] = self.encoder_.rows(texts, max_length=self.max_length)
        return rows

    @property
    def _n_features_out(self) -> int:
        return self.encoder_.hidden_size

    def _check_reading(self) -> None:
        """Refuse a wrong value of what may be changed without fitting again."""
        check_choice("pooling", self.pooling, POOLINGS)
        check_one_of("normalise", self.normalise, (False, True))
        if isinstance(self.layers, str):
            check_choice("layers", self.layers, ("all",))
        else:
            layers = np.atleast_1d(np.asarray(self.layers))
            if layers.ndim != 1 or not len(layers) or layers.dtype.kind not in "iu":
                raise ValueError(
                    "layers must be the number of a layer, a list of some, or 'all', got "
                    f"{shown(self.layers)}"
                )
        if hasattr(self, "encoder_"):
            self._layer_numbers()

    def _check_fitted(self) -> None:
        check_is_fitted(self, "encoder_")

    # ---- files

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the encoder as transformers does, for ``AutoModel.from_pretrained``.

        Parameters
        ----------
        folder : path
            Made, or replaced with all that is in it.
        """
        self._check_fitted()
        self.encoder_.save_pretrained(folder)

    def _get_saved_params(self) -> dict[str, Any]:
        return without_objects(super()._get_saved_params(), fitted=hasattr(self, "encoder_"))

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "encoder_" in state:
            state["encoder"] = encoder_state(state.pop("encoder_"))
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "encoder" in state:
            self.encoder_ = encoder_from_state(state.pop("encoder"))
        super()._set_state(state)
