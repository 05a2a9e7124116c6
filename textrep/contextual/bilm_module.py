"""The network of ELMo: words from their characters, and language models in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from textrep.contextual.elmo_words import N_CHARACTERS
from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.layers.characters import CharacterCNN
from textrep.layers.dropout import LockedDropout
from textrep.layers.masks import PaddingMask
from textrep.layers.output import AdaptiveOutput, SoftmaxOutput
from textrep.layers.recurrent import RecurrentStack, reverse_within

SPREAD = 0.5
"""Standard deviation of what LSTMs read at first where vectors are known: it moves their gates and
does not saturate them.
"""

DIMENSIONS_DIVISOR = 4
"""From one group of targets to the next, rarer one."""

CHARACTER_WEIGHT = 0.1
"""What the untrained network of characters weighs at first beside vectors that are known."""


class BilmBatch(NamedTuple):
    """Pieces of text, padded to the longest.

    Attributes
    ----------
    characters : int64 (U, W)
        How each of the distinct words of the batch is written.
    words : int64 (B, T)
        Row of `characters` of each word, marks at both ends of a piece.
    targets : int64 (B, T)
        What a language model has to predict there.
    lengths : int64 (B,)
        Words of each piece, both marks counted.
    vectors : float32 (U, vector_size), optional
        Vectors of the distinct words that are known beforehand, zeros for the others.
    """

    characters: Tensor
    words: Tensor
    targets: Tensor
    lengths: Tensor
    vectors: Tensor | None = None


class OneWay(nn.Module):
    """LSTM layers that read a text one way, each from the second on added to what it reads.

    Parameters
    ----------
    size : int
        Of all its inputs and outputs, D.
    num_layers : int
    dropout : float
        Of the input of each layer, with one mask for all words of a piece.
    """

    def __init__(self, size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(RecurrentStack(size, size) for _ in range(num_layers))
        self.dropout = LockedDropout(dropout)

    def forward(self, tokens: Tensor, lengths: Tensor) -> list[Tensor]:
        """Outputs of all layers, each (B, T, D), of words (B, T, D) in the order of reading."""
        x, outputs = tokens, []
        for i, layer in enumerate(self.layers):
            y = layer(self.dropout(x), lengths)[0][-1]
            x = x + y if i else y
            outputs.append(x)
        return outputs


class BiLanguageModel(nn.Module):
    r"""A language model for each direction, over words that are known by their characters.

    With the words :math:`w_1 \dots w_n` between two marks :math:`w_0` and :math:`w_{n+1}`, the
    state :math:`\overrightarrow{h}_t` of the forward model, which has read :math:`w_0 \dots w_t`,
    predicts :math:`w_{t+1}`; the state :math:`\overleftarrow{h}_t` of the backward model, which has
    read :math:`w_{n+1} \dots w_t`, predicts :math:`w_{t-1}`. The network of characters and the
    softmax are the same for both directions, the LSTMs are not.

    Parameters
    ----------
    n_targets : int
        Words that are predicted, the most frequent first.
    hidden_size : int
        Size D of a word's vector and of an LSTM.
    num_layers : int
        LSTM layers of each direction.
    character_size : int
    filters : sequence of (int, int)
        Width and number of the filters over characters.
    highway_layers : int
    dropout : float
    cutoffs : sequence of int
        Targets from each of these on are predicted in a second step with fewer dimensions; those
        of no use are left out.
    vector_size : int, default=0
        Dimensions of vectors known beforehand, 0 for none. A linear map of a word's vector is
        added to what the network of characters says, which has little weight at first.

    References
    ----------
    M. Peters et al.: Deep contextualized word representations, NAACL 2018, section 3.1.
    """

    def __init__(
        self,
        *,
        n_targets: int,
        hidden_size: int,
        num_layers: int,
        character_size: int,
        filters: Sequence[tuple[int, int]],
        highway_layers: int,
        dropout: float,
        cutoffs: Sequence[int] = (),
        vector_size: int = 0,
    ) -> None:
        super().__init__()
        self.characters = CharacterCNN(
            N_CHARACTERS,
            filters=[(width, number) for width, number in filters],
            output_size=hidden_size,
            n_highway=highway_layers,
            embedding_size=character_size,
        )
        self.known: nn.Linear | None = None
        if vector_size:
            self.known = nn.Linear(vector_size, hidden_size, bias=False)
            nn.init.orthogonal_(self.known.weight)  # keeps their angles, as far as there is room
            self.character_weight = nn.Parameter(torch.tensor(CHARACTER_WEIGHT))
        self.ahead = OneWay(hidden_size, num_layers, dropout)
        self.back = OneWay(hidden_size, num_layers, dropout)
        used = [cutoff for cutoff in cutoffs if cutoff < n_targets]
        while hidden_size < DIMENSIONS_DIVISOR ** len(used):
            used.pop()  # the last group must have a dimension
        self.output: AdaptiveOutput | SoftmaxOutput = (
            AdaptiveOutput(hidden_size, n_targets, used, div_value=DIMENSIONS_DIVISOR)
            if used
            else SoftmaxOutput(hidden_size, n_targets)
        )
        self.dropout = nn.Dropout(dropout)

    def word_vectors(self, batch: BilmBatch) -> Tensor:
        """Vectors of the distinct words of a batch without their context, (U, D)."""
        by_characters: Tensor = self.characters(batch.characters)
        if self.known is None:
            return by_characters
        assert batch.vectors is not None
        return self.character_weight * by_characters + self.known(batch.vectors)

    @torch.no_grad()
    def scale_vectors(self, spread: float) -> None:
        """Make the inputs of the LSTMs as widely spread as suits them, given that of the vectors.

        Parameters
        ----------
        spread : float
            Standard deviation of the elements of the vectors.
        """
        if self.known is not None and spread > 0:
            self.known.weight.mul_(SPREAD / spread)

    def directions(self, batch: BilmBatch) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Vectors of words and states of the layers, before the directions are put together.

        Parameters
        ----------
        batch : BilmBatch

        Returns
        -------
        tokens : Tensor (B, T, D)
            From the characters of each word alone.
        ahead : list of num_layers Tensors (B, T, D)
            States that have read up to and with word t.
        back : list of num_layers Tensors (B, T, D)
            States that have read from the end to and with word t.
        """
        # Each distinct word goes through the network of characters once.
        tokens = functional.embedding(batch.words, self.word_vectors(batch))
        reverse = reverse_within(tokens, batch.lengths)
        ahead = self.ahead(tokens, batch.lengths)
        back = [reverse_within(x, batch.lengths) for x in self.back(reverse, batch.lengths)]
        return tokens, ahead, back

    def forward(self, batch: BilmBatch) -> list[Tensor]:
        """Vectors of the words of all layers: num_layers + 1 Tensors (B, T, 2 D).

        The first is the vector of the word without its context, twice.
        """
        tokens, ahead, back = self.directions(batch)
        pairs = [(tokens, tokens), *zip(ahead, back, strict=True)]
        return [torch.cat(pair, dim=-1) for pair in pairs]

    def nll(self, batch: BilmBatch) -> tuple[Tensor, Tensor]:
        """What each prediction of the forward and of the backward model costs, in nats.

        Parameters
        ----------
        batch : BilmBatch

        Returns
        -------
        ahead, back : Tensors (n,)
            The predictions of all pieces, n = sum of (lengths - 1), pieces one after the other.
        """
        _, ahead, back = self.directions(batch)
        keep = PaddingMask.from_lengths(batch.lengths, batch.words.shape[1]).keep[:, 1:]
        at_next, at_last = batch.targets[:, 1:][keep], batch.targets[:, :-1][keep]
        return (
            self.output.nll(self.dropout(ahead[-1][:, :-1][keep]), at_next),
            self.output.nll(self.dropout(back[-1][:, 1:][keep]), at_last),
        )


class BilmTask(Task):
    """Training of both language models at once.

    Parameters
    ----------
    module : BiLanguageModel
    """

    def __init__(self, module: BiLanguageModel) -> None:
        super().__init__()
        self.module = module

    def loss(self, phase: str, batch: BilmBatch) -> LossSum:
        """Sum of the costs of all predictions of both directions, in nats, and their number."""
        ahead, back = self.module.nll(batch)
        return LossSum(ahead.sum() + back.sum(), float(len(ahead) + len(back)))
