"""A generator of phrases from four inputs, and a critic of phrases."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu

from textrep.music.musegan.inputs import divided

OCTAVE = 12
_SLOPE = 0.2  # of leaky rectifiers below 0
_NORM_GROUPS = 8
_COARSEST = 2  # steps of a bar that are not halved any more
_SHARPNESS = 4.0  # of first logits: with those of usual weights all pitches are nearly as likely
_HALVING = 4  # steps that a convolution that halves looks at
_FEWEST_PLACES = 4  # that are not halved any more
_HIDDEN_TIMES = 4  # of temporal networks, over the size of an input


class TemporalNetwork(nn.Module):
    """One vector -> a vector for each bar, so that bars differ and belong together.

    Parameters
    ----------
    size, n_bars : int
    """

    def __init__(self, size: int, n_bars: int) -> None:
        super().__init__()
        self.n_bars = n_bars
        self.layers = nn.Sequential(
            nn.Linear(size, _HIDDEN_TIMES * size),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(_HIDDEN_TIMES * size, n_bars * size),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, size) to (n, n_bars, size)."""
        return self.layers(x).unflatten(1, (self.n_bars, -1))


class BarGenerator(nn.Module):
    """What one track plays in one bar.

    Logits of coarse steps are told first, and each finer scale adds what differs within them
    (output skips; Karras et al. 2020): notes are held unless a scale says otherwise, and begin on
    beats rather than between them, as in music they do.

    Parameters
    ----------
    size : int
        Numbers that a bar is made of.
    channels : int
    n_steps, n_logits : int
    """

    def __init__(self, size: int, channels: int, n_steps: int, n_logits: int) -> None:
        super().__init__()
        n_doubled = 0
        while n_steps % 2 == 0 and n_steps > _COARSEST:
            n_steps, n_doubled = n_steps // 2, n_doubled + 1
        self.channels = channels
        self.first = nn.Linear(size, channels * n_steps)
        self.norms = nn.ModuleList(_norm(channels) for _ in range(n_doubled + 1))
        self.smooth = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding=1) for _ in range(n_doubled)
        )
        self.told = nn.ModuleList(nn.Conv1d(channels, n_logits, 1) for _ in range(n_doubled + 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, size) to logits (n, n_steps, n_logits)."""
        maps = self.first(x).unflatten(1, (self.channels, -1))
        maps = relu(self.norms[0](maps))
        logits = self.told[0](maps)
        for smooth, norm, told in zip(self.smooth, self.norms[1:], self.told[1:], strict=True):
            maps = relu(norm(smooth(doubled(maps))))
            logits = doubled(logits) + told(maps)
        return _SHARPNESS * logits.transpose(1, 2)


def doubled(steps: Tensor) -> Tensor:
    """(n, channels, steps) with each step twice."""
    return steps.repeat_interleave(2, dim=-1)


class PhraseGenerator(nn.Module):
    """Latent vectors -> phrases from -1 to 1.

    Parameters
    ----------
    latent_size, n_tracks, n_bars, n_steps, n_pitches : int
    channels : int
        Feature maps of the bar generators.
    monophonic : bool
        Whether a track plays one pitch at a time, or none.

    Notes
    -----
    A step of a monophonic track is a softmax over the pitches and silence, which the critic is
    shown as it is.
    """

    def __init__(
        self,
        *,
        latent_size: int,
        n_tracks: int,
        n_bars: int,
        n_steps: int,
        n_pitches: int,
        channels: int,
        monophonic: bool,
    ) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.n_tracks = n_tracks
        self.monophonic = monophonic
        n_logits = n_pitches + 1 if monophonic else n_pitches  # the last is silence
        self.chords = TemporalNetwork(latent_size, n_bars)
        self.melodies = nn.ModuleList(TemporalNetwork(latent_size, n_bars) for _ in range(n_tracks))
        self.bars = nn.ModuleList(
            BarGenerator(4 * latent_size, channels, n_steps, n_logits) for _ in range(n_tracks)
        )

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, flat_size) to (n, n_tracks, n_bars, n_steps, n_pitches)."""
        logits = self.logits(latents)
        played = logits.softmax(dim=-1)[..., :-1] if self.monophonic else logits.sigmoid()
        return 2.0 * played - 1.0

    def decided(self, latents: Tensor) -> Tensor:
        """(n, flat_size) to bool (n, n_tracks, n_bars, n_steps, n_pitches): what is played."""
        logits = self.logits(latents)
        if not self.monophonic:
            return logits > 0
        return one_hot(logits.argmax(dim=-1), logits.shape[-1])[..., :-1] > 0

    def logits(self, latents: Tensor) -> Tensor:
        """(n, flat_size) to (n, n_tracks, n_bars, n_steps, n_logits)."""
        chords, style, melody, groove = divided(latents, self.latent_size, self.n_tracks)
        of_bars = self.chords(chords)  # (n, n_bars, size)
        n, n_bars = of_bars.shape[:2]
        tracks = []
        for track, (temporal, generator) in enumerate(zip(self.melodies, self.bars, strict=True)):
            inputs = [
                of_bars,
                style[:, None].expand_as(of_bars),
                temporal(melody[:, track]),
                groove[:, track, None].expand_as(of_bars),
            ]
            bars = generator(torch.cat(inputs, dim=-1).flatten(0, 1))
            tracks.append(bars.unflatten(0, (n, n_bars)))
        return torch.stack(tracks, dim=1)


class PhraseCritic(nn.Module):
    """Phrases from -1 to 1 -> scores, the higher the more real.

    Convolutions over all tracks, a few steps and an octave; bars follow each other, so that a note
    that is held over a bar line is seen as one. Beside the notes it looks at the pitch classes that
    all tracks play together, as Dong and Yang (2018) do. There is no normalisation: the gradient
    penalty is of each phrase by itself.

    Parameters
    ----------
    n_tracks, n_bars, n_steps, n_pitches : int
    channels : int
    """

    def __init__(
        self, *, n_tracks: int, n_bars: int, n_steps: int, n_pitches: int, channels: int
    ) -> None:
        super().__init__()
        act = nn.LeakyReLU(_SLOPE)
        octave = (_HALVING, OCTAVE)
        # What comes in is a track deep for each track: a convolution over all of them at once.
        self.notes = nn.Sequential(
            nn.Conv2d(n_tracks, channels, octave, stride=(2, OCTAVE), padding=(1, 0)), act,
            nn.Conv2d(channels, channels, (1, n_pitches // OCTAVE)), act,
        )  # fmt: skip
        self.names = nn.Sequential(
            nn.Conv2d(1, channels, octave, stride=(2, 1), padding=(1, 0)), act
        )
        layers: list[nn.Module] = []
        width, n_places = 2 * channels, n_bars * n_steps // 2
        while n_places > _FEWEST_PLACES:
            layers += [nn.Conv1d(width, width, _HALVING, stride=2, padding=1), act]
            n_places //= 2
        self.layers = nn.Sequential(*layers)
        self.n_features = width * n_places
        self.score = nn.Linear(self.n_features, 1)

    def features(self, phrases: Tensor) -> Tensor:
        """(n, n_tracks, n_bars, n_steps, n_pitches) to (n, n_features)."""
        steps = phrases.flatten(2, 3)
        names = 0.5 * (steps + 1.0).unflatten(-1, (-1, OCTAVE)).sum(dim=(1, -2))[:, None]
        maps = torch.cat([self.notes(steps), self.names(names)], dim=1)
        found: Tensor = self.layers(maps.squeeze(-1))
        return found.flatten(1)

    def forward(self, phrases: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n, n_tracks, n_bars, n_steps, n_pitches) to scores (n,)."""
        score: Tensor = self.score(self.features(phrases)).squeeze(1)
        return score


def _norm(channels: int) -> nn.Module:
    """Over the values of one phrase: batch normalisation would mix those of others in."""
    groups = _NORM_GROUPS if channels % _NORM_GROUPS == 0 else 1
    return nn.GroupNorm(groups, channels)
