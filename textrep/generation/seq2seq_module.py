"""The network of an encoder-decoder: a text is read in both directions, another is written."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from textrep.generation.encoder_decoder import EncoderDecoder, word_vectors
from textrep.generation.seq2seq_decoders import AttendAfter, AttendBefore, Memory
from textrep.layers.masks import PaddingMask
from textrep.layers.output import SoftmaxOutput
from textrep.layers.pooling import pool_sequence
from textrep.layers.recurrent import RecurrentStack, State, select_state

ATTENTIONS = ("luong-general", "luong", "bahdanau", None)
"""Ways to look back at the source; None has only what the encoder ends with."""


class DecoderState(NamedTuple):
    """What writing goes on from: the encoded source, and how far the decoder has come.

    Attributes
    ----------
    memory : Memory
        The source, a row for each text that is written.
    recurrent : State
        Of the decoder's cells.
    """

    memory: Memory
    recurrent: State

    def select(self, rows: Tensor) -> DecoderState:
        """The state of some rows, int64 (n,), in their order; a row may be repeated."""
        return DecoderState(self.memory.select(rows), select_state(self.recurrent, rows))


class Seq2SeqModule(EncoderDecoder):
    """A bidirectional recurrent encoder and a recurrent decoder that attends to it.

    Parameters
    ----------
    source_size, target_size : int
        Units of both vocabularies; 0 is padding.
    cell : {"gru", "lstm", "rnn"}
    embedding_size : int
        Features E of the vectors of units.
    hidden_size : int
        Features H of the decoder; the encoder has half as many in each direction.
    num_layers : int
        Of the encoder and of the decoder.
    attention : {"luong-general", "luong", "bahdanau"} or None
        See `textrep.generation.seq2seq_decoders`.
    dropout : float
        On the vectors of units, between layers and before the output.
    tie_weights : bool
        Whether the output has the vectors of the target's units for weights.
    share_embeddings : bool
        Whether both sides have the same vectors, of one vocabulary.

    Examples
    --------
    >>> module = Seq2SeqModule(
    ...     9, 7, cell="gru", embedding_size=4, hidden_size=6, num_layers=1,
    ...     attention="luong", dropout=0.0, tie_weights=True, share_embeddings=False,
    ... )
    >>> state = module.encode(torch.tensor([[4, 5, 3]]), torch.tensor([3]))
    >>> features, weights, state = module.decode(torch.tensor([[2, 6]]), state)
    >>> features.shape, weights.shape, module.output.log_probs(features).shape
    (torch.Size([1, 2, 4]), torch.Size([1, 2, 3]), torch.Size([1, 2, 7]))
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        *,
        cell: str,
        embedding_size: int,
        hidden_size: int,
        num_layers: int,
        attention: str | None,
        dropout: float,
        tie_weights: bool,
        share_embeddings: bool,
    ) -> None:
        super().__init__()
        self.target_embedding = word_vectors(target_size, embedding_size)
        # One table must have one name only, or a file would hold it twice.
        self.source_embedding = (
            None if share_embeddings else word_vectors(source_size, embedding_size)
        )
        self.dropout = nn.Dropout(dropout)
        self.encoder = RecurrentStack(
            embedding_size,
            hidden_size // 2,
            cell=cell,
            num_layers=num_layers,
            bidirectional=True,
            dropout=dropout,
        )
        decoder = AttendBefore if attention == "bahdanau" else AttendAfter
        self.decoder = decoder(
            embedding_size,
            hidden_size,
            cell=cell,
            num_layers=num_layers,
            attention=attention,
            dropout=dropout,
        )
        self.n_parts = 2 if cell == "lstm" else 1
        self.num_layers = num_layers
        self.bridge = nn.Linear(hidden_size, num_layers * self.n_parts * hidden_size)
        tied = self.target_embedding if tie_weights else None
        self.output = SoftmaxOutput(embedding_size, target_size, tied=tied)

    def encode(self, source: Tensor, lengths: Tensor) -> DecoderState:
        """Read the sources.

        Parameters
        ----------
        source : Tensor of int64, shape (B, S)
            Padded on the right.
        lengths : Tensor of int64, shape (B,)
            At least 1.

        Returns
        -------
        DecoderState
            Before the first word.
        """
        embedding = self.source_embedding or self.target_embedding
        read = self.encoder(self.dropout(embedding(source)), lengths, with_state=False)
        values = read[0][-1]  # (B, S, H)
        mask = PaddingMask.from_lengths(lengths.to(source.device), source.shape[1])
        last = pool_sequence(values, mask, "last", bidirectional=True)  # (B, H)
        parts = torch.tanh(self.bridge(last)).chunk(self.num_layers * self.n_parts, dim=1)
        # Layer -> its only direction -> (h,) or (h, c).
        recurrent: State = [
            [tuple(parts[layer * self.n_parts : (layer + 1) * self.n_parts])]
            for layer in range(self.num_layers)
        ]
        return DecoderState(self.decoder.remember(values, mask), recurrent)

    def decode(
        self, inputs: Tensor, state: DecoderState
    ) -> tuple[Tensor, Tensor | None, DecoderState]:
        """Go on writing after given words.

        Parameters
        ----------
        inputs : Tensor of int64, shape (B, T)
            What comes before each word: that which begins a text, then the words themselves.
        state : DecoderState

        Returns
        -------
        features : Tensor, shape (B, T, E)
            What `output` makes the distribution of each word of.
        weights : Tensor, shape (B, T, S), or None
            Of the source's units for each word; None without attention.
        state : DecoderState
            After the last one.
        """
        embedded = self.dropout(self.target_embedding(inputs))
        features, weights, recurrent = self.decoder(embedded, state.memory, state.recurrent)
        return self.dropout(features), weights, DecoderState(state.memory, recurrent)

    def features(self, inputs: Tensor, state: DecoderState) -> Tensor:
        """Features (B, T, E) of whole texts; see `EncoderDecoder`."""
        return self.decode(inputs, state)[0]

    def weights(self, inputs: Tensor, state: DecoderState) -> Tensor | None:
        """What each word of whole texts looks at, (B, T, S); see `EncoderDecoder`."""
        return self.decode(inputs, state)[1]

    def advance(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Features (B, E) after one more word; see `EncoderDecoder`."""
        features, _, state = self.decode(tokens[:, None], state)
        return features[:, 0], state
