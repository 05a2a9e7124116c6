"""What learning, writing and scoring need of an encoder-decoder, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

PAD = 0


class EncoderDecoder(nn.Module, ABC):
    """A network that reads a text and writes another.

    Attributes
    ----------
    output : nn.Module
        Has `logits`, `log_probs` and `nll` of features, as `textrep.layers.SoftmaxOutput` has.
    """

    output: Any

    @abstractmethod
    def encode(self, source: Tensor, lengths: Tensor) -> Any:
        """Read the sources.

        Parameters
        ----------
        source : Tensor of int64, shape (B, S)
            Padded on the right.
        lengths : Tensor of int64, shape (B,)
            At least 1.

        Returns
        -------
        state
            Before the first word; its ``select(rows)`` gives that of some rows.
        """

    @abstractmethod
    def features(self, inputs: Tensor, state: Any) -> Tensor:
        """What `output` makes the distributions of all words of a text of.

        Parameters
        ----------
        inputs : Tensor of int64, shape (B, T)
            What comes before each word: that which begins a text, then the words themselves.
        state :
            As `encode` gave it; it stays as it is.

        Returns
        -------
        Tensor, shape (B, T, E)
        """

    @abstractmethod
    def weights(self, inputs: Tensor, state: Any) -> Tensor | None:
        """How much each word of a text looks at each of the source, (B, ..., T, S).

        None where the network does not look back.
        """

    @abstractmethod
    def advance(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Go on writing after one more word.

        Parameters
        ----------
        tokens : Tensor of int64, shape (B,)
        state :
            As `encode` or `step` gave it; it is used up.

        Returns
        -------
        features : Tensor, shape (B, E)
        state :
            After the word.
        """


def word_vectors(size: int, features: int) -> nn.Embedding:
    """Vectors of words, for inputs and for a tied output."""
    embedding = nn.Embedding(size, features, padding_idx=PAD)
    # Of this size logits of a tied output begin near 1, and vectors near unit length.
    nn.init.normal_(embedding.weight, std=features**-0.5)
    return embedding
