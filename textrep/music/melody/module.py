"""The network of melodies: an LSTM that looks back at its own states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.engine.batches import pad
from textrep.engine.loss import LossSum
from textrep.engine.task import Task
from textrep.layers.attention import MultiplicativeAttention
from textrep.layers.dropout import LockedDropout
from textrep.layers.masks import AttentionMask
from textrep.layers.recurrent import RecurrentStack, State
from textrep.music.melody.melodies import END_PITCH, N_PITCHES, START_PITCH
from textrep.music.score import PITCHES, REST

_NOTHING = -1  # a target that counts for nothing
_FARTHEST = 6  # semitones that a melody is transposed by at most


class MelodyBatch(NamedTuple):
    """Melodies, each from its start to its end.

    Attributes
    ----------
    pitches, durations : int64 tensor (B, T)
        What is read: the start, then the notes.
    next_pitches, next_durations : int64 tensor (B, T)
        What comes next: the notes, then the end, which has no duration; -1 for what does not count.
    """

    pitches: Tensor
    durations: Tensor
    next_pitches: Tensor
    next_durations: Tensor


def collate_melodies(
    melodies: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], start_duration: int
) -> MelodyBatch:
    """Melodies, pitches and durations by number each, as a batch.

    >>> batch = collate_melodies([(np.array([60, 62]), np.array([1, 2]))], 3)
    >>> [table.tolist()[0] for table in batch]
    [[130, 60, 62], [3, 1, 2], [60, 62, 129], [1, 2, -1]]
    """
    read = [np.append(START_PITCH, pitches) for pitches, _ in melodies]
    held = [np.append(start_duration, durations) for _, durations in melodies]
    coming = [np.append(pitches, END_PITCH) for pitches, _ in melodies]
    lasting = [np.append(durations, _NOTHING) for _, durations in melodies]
    return MelodyBatch(pad(read), pad(held), pad(coming, _NOTHING), pad(lasting, _NOTHING))


class MelodyModule(nn.Module):
    """Notes before -> the pitch of the next, then its duration.

    Parameters
    ----------
    n_durations : int
        V, that of rare ones included.
    embedding_size : int
        Of a pitch, and of a duration.
    hidden_size : int
        D.
    num_layers : int
    dropout : float

    References
    ----------
    D. Foster: Generative deep learning, O'Reilly 2019, chapter 7 (two LSTM layers and attention,
    over pitches and durations; there the two are independent).

    Examples
    --------
    >>> module = MelodyModule(4, embedding_size=3, hidden_size=5, num_layers=2, dropout=0.0)
    >>> batch = collate_melodies([(np.array([60, 62]), np.array([1, 2]))], 4)
    >>> features, weights = module.features(batch.pitches, batch.durations)
    >>> features.shape, weights.shape
    (torch.Size([1, 3, 5]), torch.Size([1, 3, 3]))
    """

    def __init__(
        self,
        n_durations: int,
        *,
        embedding_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_durations = n_durations
        self.pitch = nn.Embedding(N_PITCHES + 1, embedding_size)  # and the start
        self.duration = nn.Embedding(n_durations + 1, embedding_size)
        self.stack = RecurrentStack(
            2 * embedding_size, hidden_size, num_layers=num_layers, dropout=dropout, forget_bias=1.0
        )
        self.attention = MultiplicativeAttention(hidden_size, hidden_size)
        self.both = nn.Linear(2 * hidden_size, hidden_size)
        self.pitch_scores = nn.Linear(hidden_size, N_PITCHES)
        self.with_pitch = nn.Linear(hidden_size + embedding_size, hidden_size)
        self.duration_scores = nn.Linear(hidden_size, n_durations)
        self.dropout = LockedDropout(dropout)

    def states(
        self, pitches: Tensor, durations: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """States (B, T, D) of the last layer after each note (B, T), and how to go on."""
        x = torch.cat([self.pitch(pitches), self.duration(durations)], dim=2)
        outputs, state = self.stack(self.dropout(x), state=state)
        return outputs[-1], state

    def look_back(self, states: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """What is known after each note.

        Parameters
        ----------
        states : Tensor, shape (B, T, D)
            The last T of those below.
        past : Tensor, shape (B, K, D)
            All states so far.

        Returns
        -------
        features : Tensor, shape (B, T, D)
        weights : Tensor, shape (B, T, K)
            Of each state so far; 0 of later ones.
        """
        mask = AttentionMask.causal(states.shape[1], past.shape[1], device=states.device)
        context, weights = self.attention(states, past, past, mask)
        features = torch.tanh(self.both(torch.cat([states, context], dim=2)))
        return self.dropout(features), weights

    def features(self, pitches: Tensor, durations: Tensor) -> tuple[Tensor, Tensor]:
        """`look_back` of whole melodies, padded on the right."""
        states, _ = self.states(pitches, durations)
        return self.look_back(states, states)

    def duration_logits(self, features: Tensor, pitches: Tensor) -> Tensor:
        """Logits (..., V) of the duration, given features (..., D) and the pitch that comes."""
        x = torch.cat([features, self.pitch(pitches)], dim=-1)
        return self.duration_scores(torch.relu(self.with_pitch(x)))

    def nats(self, batch: MelodyBatch) -> tuple[Tensor, Tensor]:
        """Negative log-likelihood of pitches and ends, and of durations.

        Returns
        -------
        pitches, durations : Tensor, shape (B, T)
            0 where there is nothing to say.
        """
        features, _ = self.features(batch.pitches, batch.durations)
        pitch = _cross_entropy(self.pitch_scores(features), batch.next_pitches)
        logits = self.duration_logits(features, batch.next_pitches.clamp(min=0))
        return pitch, _cross_entropy(logits, batch.next_durations)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    nats = F.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=_NOTHING, reduction="none"
    )
    return nats.view_as(targets)


class MelodyTask(Task):
    """Negative log-likelihood of notes and ends.

    Parameters
    ----------
    module : MelodyModule
    transpose : bool
        Whether melodies are moved in training, each by a number of semitones.
    """

    def __init__(self, module: MelodyModule, transpose: bool) -> None:
        super().__init__()
        self.module = module
        self._transpose = transpose

    def loss(self, phase: str, batch: MelodyBatch) -> LossSum:
        if self._transpose and self.training:
            batch = transposed(batch)
        pitch, duration = self.module.nats(batch)
        count = (batch.next_pitches >= 0).sum()
        measures = {"pitch": pitch.sum().detach(), "duration": duration.sum().detach()}
        return LossSum(pitch.sum() + duration.sum(), count, measures)


def transposed(batch: MelodyBatch) -> MelodyBatch:
    """Melodies, each moved by up to half an octave, drawn from torch's generator.

    Those stay where they are that would leave the pitches that there are.
    """
    notes = batch.next_pitches
    is_pitch = (notes >= 0) & (notes < PITCHES)
    moved = torch.randint(-_FARTHEST, _FARTHEST + 1, (len(notes), 1), device=notes.device)
    lowest = torch.where(is_pitch, notes, PITCHES).amin(1, keepdim=True)
    highest = torch.where(is_pitch, notes, REST).amax(1, keepdim=True)
    fits = (lowest + moved >= 0) & (highest + moved < PITCHES)
    moved = torch.where(fits, moved, 0)
    read = torch.where(batch.pitches < PITCHES, moved, 0)
    # What is read at padding is 0, which may be moved below; nothing before it sees it.
    pitches = (batch.pitches + read).clamp(min=0)
    return batch._replace(pitches=pitches, next_pitches=torch.where(is_pitch, notes + moved, notes))
