"""The network of chords: what the past says of each pitch, and which pitches come together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textrep.layers.dropout import LockedDropout, drop
from textrep.layers.recurrent import RecurrentStack, State

_FIRST_DEVIATION = 0.1  # of what is looked up: a note then moves a feature by a tenth
_MOST_COUNTED = 10  # notes of a chord that are told apart by their number
_FORGET_BIAS = 1.0


class RelativePitches(nn.Module):
    """What notes say of each pitch, by how far they are from it.

    Each pair of a channel and an interval has a vector; a pitch gets the sum of those of the notes
    that sound. So what is learnt of a chord is learnt of all its transpositions.

    Parameters
    ----------
    n_channels, n_pitches, size : int
        C, P and D.

    Examples
    --------
    >>> relative = RelativePitches(1, 4, 2)
    >>> chord = torch.tensor([[[0.0, 1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0, 0.0]]])
    >>> low, high = relative(chord)
    >>> bool((low[:-1] == high[1:]).all())
    True
    """

    intervals: Tensor

    def __init__(self, n_channels: int, n_pitches: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_channels, 2 * n_pitches - 1, size))
        nn.init.normal_(self.weight, std=_FIRST_DEVIATION)
        pitches = torch.arange(n_pitches)
        intervals = pitches - pitches[:, None] + n_pitches - 1  # of each note to each pitch
        self.register_buffer("intervals", intervals, persistent=False)

    def forward(self, notes: Tensor) -> Tensor:
        """Notes (N, C, P), 0 or 1, to vectors (N, P, D)."""
        table = self.weight[:, self.intervals].flatten(0, 1).flatten(1)  # (C P, P D)
        return (notes.flatten(1) @ table).unflatten(1, (notes.shape[2], -1))


class ChoraleModule(nn.Module):
    """Frames before -> what may come in a frame, one note after the other.

    Each pitch has a memory of its own, with the same weights for all: it reads what sounded in the
    frame before by how far from it that was, its own place, and where in the bar the frame is. A
    note is then chosen by the memories and by the notes of its frame that were chosen before it.

    Parameters
    ----------
    n_channels, n_pitches : int
        C and P. One channel is a roll, of which chords are chosen from below to above, with a sign
        where they end; several are voices, of which each has a pitch or rests.
    voices : bool
    ordered : bool
        Whether notes of a frame depend on those before them.
    hidden_size, num_layers : int
        Of the memory of each pitch.
    dropout : float
    bar : int
        Frames after which places in the bar come again.

    Notes
    -----
    Shapes: B rows, T frames, N choices. A choice is among P pitches and, as number P, the end of a
    chord or the rest of a voice.

    References
    ----------
    D. D. Johnson: Generating polyphonic music using tied parallel networks, EvoMUSART 2017.

    Examples
    --------
    >>> module = ChoraleModule(
    ...     1, 4, voices=False, ordered=True, hidden_size=3, num_layers=1, dropout=0.0, bar=4
    ... )
    >>> frames = torch.zeros(2, 5, 1, 4)
    >>> module.frame_nats(frames, torch.tensor([0, 0]), torch.tensor([4, 2])).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        n_channels: int,
        n_pitches: int,
        *,
        voices: bool,
        ordered: bool,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        bar: int,
    ) -> None:
        super().__init__()
        self.n_pitches = n_pitches
        self.n_channels = n_channels
        self.voices = voices
        self.ordered = ordered
        self.bar = bar
        self.n_slots = n_channels if voices else _MOST_COUNTED
        size = hidden_size
        self.before = RelativePitches(n_channels, n_pitches, size)
        self.place = nn.Parameter(torch.zeros(n_pitches, size))
        self.beat = nn.Embedding(bar, size)
        self.beginning = nn.Parameter(torch.zeros(size))
        self.memory = RecurrentStack(
            size, size, num_layers=num_layers, dropout=dropout, forget_bias=_FORGET_BIAS
        )
        self.from_memory = nn.Linear(size, size)
        self.from_beat = nn.Linear(size, size, bias=False)
        self.from_place = nn.Parameter(torch.zeros(n_pitches, size))
        self.chosen = RelativePitches(n_channels, n_pitches, size) if ordered else None
        self.slot = nn.Embedding(self.n_slots, size)
        self.middle = nn.Linear(size, size)
        self.pitch_score = nn.Linear(size, 1)
        self.other_score = nn.Linear(size, 1)
        self.dropout = LockedDropout(dropout)
        for table in (self.beat, self.slot):
            nn.init.normal_(table.weight, std=_FIRST_DEVIATION)

    # ---- the past

    def remember(
        self, before: Tensor, starts: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """What the past says of each pitch.

        Parameters
        ----------
        before : Tensor, shape (B, T, C, P)
            The frame before each frame.
        starts : int64 Tensor, shape (B,)
            Number of the first frame in its piece.
        state : State, optional
            Of the memories of B P pitches, after what came before.

        Returns
        -------
        features : Tensor, shape (B, T, P, D)
        state : State
        """
        n_rows, n_steps = before.shape[:2]
        steps = starts[:, None] + torch.arange(n_steps, device=before.device)  # (B, T)
        beats = self.beat(steps % self.bar)
        first = (steps == 0)[..., None] * self.beginning
        x = self.before(before.flatten(0, 1)).unflatten(0, (n_rows, n_steps))  # (B, T, P, D)
        x = torch.relu(x + self.place + (beats + first)[:, :, None])
        outputs, state = self.memory(x.transpose(1, 2).flatten(0, 1), state=state)
        features = outputs[-1].unflatten(0, (n_rows, self.n_pitches)).transpose(1, 2)
        if self.dropout.p and self.training:
            features = drop(features, self.dropout.p)
        known = self.from_memory(features) + self.from_beat(beats)[:, :, None]
        return known + self.from_place, state

    # ---- the notes of a frame

    def scores(self, features: Tensor, chosen: Tensor, slots: Tensor) -> Tensor:
        """Logits of choices.

        Parameters
        ----------
        features : Tensor, shape (N, P, D)
            Of the frame of each choice.
        chosen : Tensor, shape (N, C, P)
            Notes of the frame that were chosen before.
        slots : int64 Tensor, shape (N,)
            How many were, or the voice.

        Returns
        -------
        Tensor, shape (N, P + 1)
            Minus infinity for what cannot be chosen.
        """
        x = features + self.slot(slots)[:, None]
        if self.chosen is not None:
            x = x + self.chosen(chosen)
        x = self._hidden(x)
        pitches = self.pitch_score(x)[..., 0]
        if not self.voices:
            pitches = pitches.masked_fill(~above(chosen[:, 0]), float("-inf"))
        return torch.cat([pitches, self.other_score(x.mean(1))], dim=1)

    def sounding_scores(self, features: Tensor) -> Tensor:
        """Logits (N, P) of each pitch to sound, whatever else does, given features (N, P, D)."""
        return self.pitch_score(self._hidden(features))[..., 0]

    def _hidden(self, x: Tensor) -> Tensor:
        x = self.dropout(torch.relu(x))
        return self.dropout(torch.relu(self.middle(x)))

    # ---- likelihoods

    def frame_nats(
        self, frames: Tensor, starts: Tensor, lengths: Tensor, state: State | None = None
    ) -> Tensor:
        """Negative log-likelihood of frames, each given those before it.

        Parameters
        ----------
        frames : Tensor, shape (B, 1 + T, C, P)
            The first is the one before the first that is asked for; nothing sounds in it where
            there is none.
        starts, lengths : int64 Tensor, shape (B,)
            Number of the first frame in its piece; frames that are asked for.
        state : State, optional

        Returns
        -------
        Tensor, shape (B, T)
            0 at padding.
        """
        features, _ = self.remember(frames[:, :-1], starts, state)
        return self.nats_given(features, frames[:, 1:], lengths)

    def nats_given(self, features: Tensor, frames: Tensor, lengths: Tensor) -> Tensor:
        """The same, given features (B, T, P, D) of the past of frames (B, T, C, P)."""
        steps = torch.arange(frames.shape[1], device=frames.device)
        real = steps < lengths[:, None].to(frames.device)
        features, frames = features[real], frames[real]  # (F, P, D), (F, C, P)
        if not self.voices and not self.ordered:
            scores = self.sounding_scores(features)
            nats = F.binary_cross_entropy_with_logits(
                scores.float(), frames[:, 0], reduction="none"
            ).sum(1)
        else:
            frame, nll = self.choice_nats(features, frames)
            nats = nll.new_zeros(len(frames)).index_add(0, frame, nll)
        return nats.new_zeros(real.shape).masked_scatter(real, nats)

    def choice_nats(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Negative log-likelihood of each choice of frames, given what the past says.

        Parameters
        ----------
        features : Tensor, shape (F, P, D)
        frames : Tensor, shape (F, C, P)

        Returns
        -------
        frame : int64 Tensor, shape (N,)
            Frame of each choice, in the order in which they are made.
        nats : Tensor, shape (N,)
        """
        choose = voice_choices if self.voices else chord_choices
        frame, slots, chosen, targets = choose(frames)
        if not self.ordered:
            chosen = torch.zeros_like(chosen)
        scores = self.scores(features[frame], chosen, slots.clamp(max=self.n_slots - 1))
        return frame, F.cross_entropy(scores.float(), targets, reduction="none")


def above(chosen: Tensor) -> Tensor:
    """Which pitches are above all notes (N, P) of a chord, bool.

    >>> above(torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])).int().tolist()
    [[0, 0, 1], [1, 1, 1]]
    """
    return chosen.flip(1).cumsum(1).flip(1) == 0


def chord_choices(frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The choices that chords are made by: pitches from below to above, then the end.

    Parameters
    ----------
    frames : Tensor, shape (F, 1, P)

    Returns
    -------
    frame, slots : int64 Tensor, shape (N,)
        Frame of each choice, and how many notes came before it.
    chosen : Tensor, shape (N, 1, P)
        Those notes.
    targets : int64 Tensor, shape (N,)
        A pitch, or P.

    Examples
    --------
    >>> chord_choices(torch.tensor([[[1.0, 0.0, 1.0]]]))[3].tolist()
    [0, 2, 3]
    """
    # One more column that always sounds is the end.
    ended = F.pad(frames[:, 0], (0, 1), value=1.0)  # (F, P + 1)
    frame, targets = ended.nonzero(as_tuple=True)
    counts = ended.sum(1).long()
    first = counts.cumsum(0) - counts
    slots = torch.arange(len(frame), device=frames.device) - first[frame]
    below = torch.arange(frames.shape[2], device=frames.device) < targets[:, None]
    return frame, slots, (frames[frame, 0] * below)[:, None], targets


def voice_choices(frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The choices that frames of voices are made by, in the order of `voice_order`.

    Parameters
    ----------
    frames : Tensor, shape (F, C, P)

    Returns
    -------
    frame, slots, chosen, targets
        As for `chord_choices`, with voices for slots, and P for a rest.
    """
    n_frames, n_voices = frames.shape[:2]
    device = frames.device
    order = torch.tensor(voice_order(n_voices), device=device)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(n_voices, device=device)
    frame = torch.arange(n_frames, device=device).repeat_interleave(n_voices)
    slots = order.repeat(n_frames)
    earlier = rank < torch.arange(n_voices, device=device)[:, None]  # (choice, voice)
    chosen = frames[:, None] * earlier[None, :, :, None]  # (F, choice, C, P)
    rests = 1 - frames.sum(2, keepdim=True)
    targets = torch.cat([frames, rests], dim=2).argmax(2)[:, order]
    return frame, slots, chosen.flatten(0, 1), targets.flatten()


def voice_order(n_voices: int) -> list[int]:
    """The order in which voices are chosen: the highest, the lowest, those between from above.

    The highest comes first since it is the one to be harmonised, the lowest since it carries the
    harmony.

    >>> voice_order(4), voice_order(1)
    ([0, 3, 1, 2], [0])
    """
    return [0, *([n_voices - 1] if n_voices > 1 else []), *range(1, n_voices - 1)]
