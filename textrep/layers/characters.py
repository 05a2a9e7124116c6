"""Vectors of words from their characters: convolutions, their maxima, highway layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count

PADDING = 0
"""The number of the character that stands behind a word."""

CARRY_BIAS = 1.0
"""Of the gate at first, so that a highway layer starts by passing on most of what it gets."""

ACTIVATIONS = ("relu", "tanh")


class Highway(nn.Module):
    r"""A layer that passes on part of its input: :math:`(1 - g) \max(0, W x + b) + g x`.

    Parameters
    ----------
    size : int
        Features of input and output.

    References
    ----------
    Srivastava et al. (2015), Highway networks.

    Examples
    --------
    >>> import torch
    >>> Highway(4)(torch.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        check_count("size", size, 1)
        self.transform = nn.Linear(size, size)
        self.gate = nn.Linear(size, size)
        nn.init.constant_(self.gate.bias, CARRY_BIAS)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (..., size) of vectors (..., size)."""
        gate = torch.sigmoid(self.gate(x))
        return gate * x + (1 - gate) * torch.relu(self.transform(x))


class CharacterCNN(nn.Module):
    """Vectors of words from their characters.

    Filters of several widths slide over the vectors of the characters; of each filter the highest
    answer counts, from all places that begin within the word. An activation, highway layers and a
    linear map follow.

    Parameters
    ----------
    n_characters : int
        Characters, 0 being the padding behind a word, which is a vector of zeros.
    filters : sequence of (int, int)
        Widths and numbers of the filters.
    output_size : int
        Features D of a word.
    n_highway : int, default=1
        Highway layers; 0 for none.
    embedding_size : int, default=16
        Features of a character.
    activation : {"relu", "tanh"}, default="relu"
        After the maximum.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Kim et al. (2016), Character-aware neural language models; Peters et al. (2018), Deep
    contextualized word representations, section 3.4.

    Examples
    --------
    >>> import torch
    >>> network = CharacterCNN(30, filters=[(1, 4), (3, 8)], output_size=5)
    >>> words = torch.tensor([[4, 7, 2, 0, 0], [9, 1, 0, 0, 0]])
    >>> network(words).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        n_characters: int,
        *,
        filters: Sequence[tuple[int, int]],
        output_size: int,
        n_highway: int = 1,
        embedding_size: int = 16,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        check_count("n_characters", n_characters, 1)
        check_count("output_size", output_size, 1)
        check_count("n_highway", n_highway, 0)
        check_count("embedding_size", embedding_size, 1)
        check_choice("activation", activation, ACTIVATIONS)
        if not len(filters):
            raise ValueError(f"filters must hold a width and a number, got {shown(filters)}")
        for width, number in filters:
            check_count("width of filters", width, 1)
            check_count("number of filters", number, 1)
        self.activation = activation
        self.embedding = nn.Embedding(n_characters, embedding_size, padding_idx=PADDING)
        self.filters = nn.ModuleList(
            nn.Conv1d(embedding_size, number, width) for width, number in filters
        )
        self.widest = max(width for width, _ in filters)
        size = sum(number for _, number in filters)
        self.highway = nn.Sequential(*(Highway(size) for _ in range(n_highway)))
        self.projection = nn.Linear(size, output_size)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors (N, D) of words (N, W), whatever the padding behind them.

        Parameters
        ----------
        ids : Tensor of int64, shape (N, W)
            Padded on the right. Words without characters are zeros before the highway layers.
        """
        # Room for every filter to begin at the last character of every word.
        ids = F.pad(ids, (0, self.widest), value=PADDING)
        characters = self.embedding(ids).transpose(1, 2)  # (N, embedding_size, W + widest)
        inside = (ids != PADDING)[:, None]  # (N, 1, W + widest)
        maxima = torch.cat([_highest(layer(characters), inside) for layer in self.filters], dim=1)
        answers = torch.relu(maxima) if self.activation == "relu" else torch.tanh(maxima)
        answers = answers.masked_fill(~inside.any(dim=2), 0.0)
        return self.projection(self.highway(answers))


def _highest(answers: Tensor, inside: Tensor) -> Tensor:
    """The highest answer (N, number) of each filter from places that begin within the word."""
    outside = ~inside[..., : answers.shape[2]]
    return answers.masked_fill(outside, torch.finfo(answers.dtype).min).amax(dim=2)
