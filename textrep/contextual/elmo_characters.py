"""Vectors of words from their characters: convolutions, their maxima, highway layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.contextual.elmo_words import PADDING

CARRY_BIAS = 1.0
"""Of the gate at first, so that a highway layer starts by passing on most of what it gets."""


class Highway(nn.Module):
    r"""A layer that passes on part of its input: :math:`(1 - g) \max(0, W x + b) + g x`.

    Parameters
    ----------
    size : int
        Of input and output.

    References
    ----------
    R. K. Srivastava, K. Greff, J. Schmidhuber: Highway networks, 2015.

    Examples
    --------
    >>> Highway(4)(torch.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
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
    answer counts, from all places that begin within the word. Highway layers and a linear map
    follow.

    Parameters
    ----------
    n_characters : int
        Characters, 0 being the padding behind a word, which is a vector of zeros.
    filters : sequence of (int, int)
        Widths and numbers of the filters.
    output_size : int
        D.
    n_highway : int, default=1
    embedding_size : int, default=16

    References
    ----------
    Y. Kim, Y. Jernite, D. Sontag, A. M. Rush: Character-aware neural language models, AAAI 2016.

    Examples
    --------
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
    ) -> None:
        super().__init__()
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
        ids : int64 Tensor (N, W)
            Each word has a character at least.
        """
        longest = int((ids != PADDING).any(dim=0).sum())
        # Room for every filter to begin at the last character of every word.
        ids = functional.pad(ids[:, :longest], (0, self.widest - 1), value=PADDING)
        characters = self.embedding(ids).transpose(1, 2)  # (N, embedding_size, W)
        begins_inside = (ids != PADDING)[:, None]  # (N, 1, W)
        answers = []
        for convolution in self.filters:
            answer = convolution(characters)  # (N, number, W - width + 1)
            inside = begins_inside[..., : answer.shape[2]]
            lowest = torch.finfo(answer.dtype).min
            answers.append(answer.masked_fill(~inside, lowest).amax(dim=2))
        return self.projection(self.highway(torch.relu(torch.cat(answers, dim=1))))
