"""Melodies written note by note."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textrep.generation.sampling import Sampler
from textrep.layers.recurrent import select_state
from textrep.music.melody.melodies import END_PITCH, OTHER, START_PITCH
from textrep.music.melody.module import MelodyModule

_BANNED = float("-inf")


@torch.inference_mode()
def continue_melody(
    module: MelodyModule,
    prompt: tuple[NDArray[np.int64], NDArray[np.int64]],
    sampler: Sampler,
    generators: Sequence[torch.Generator],
    max_notes: int,
) -> list[list[tuple[int, int]]]:
    """Continuations of one melody, side by side.

    Parameters
    ----------
    module : MelodyModule
        On its device, in evaluation mode.
    prompt : int64 ndarrays (n_notes,)
        Pitches and durations by number; empty to begin with nothing.
    sampler : Sampler
    generators : sequence of torch.Generator
        One for each.
    max_notes : int

    Returns
    -------
    list of lists of (int, int)
        New notes, by number, up to the end of each melody.
    """
    device = module.pitch.weight.device
    n_rows = len(generators)
    written: list[list[tuple[int, int]]] = [[] for _ in range(n_rows)]
    rows = list(range(n_rows))
    pitches = _alike(np.append(START_PITCH, prompt[0]), n_rows, device)
    durations = _alike(np.append(module.n_durations, prompt[1]), n_rows, device)
    past, state = module.states(pitches, durations)
    for number in range(max_notes):
        features, _ = module.look_back(past[:, -1:], past)
        may_end = number + len(prompt[0]) > 0
        chosen = [generators[row] for row in rows]
        new_pitches = _pitch(module, features[:, 0], sampler, chosen, may_end)
        new_durations = _duration(module, features[:, 0], new_pitches, sampler, chosen)
        going = [place for place, pitch in enumerate(new_pitches.tolist()) if pitch != END_PITCH]
        for place in going:
            written[rows[place]].append((int(new_pitches[place]), int(new_durations[place])))
        if not going:
            break
        # All rows are read on; those that have ended are no longer looked at.
        more, state = module.states(new_pitches[:, None], new_durations[:, None], state)
        past = torch.cat([past, more], dim=1)
        if len(going) < len(rows):
            kept = torch.tensor(going, device=device)
            past, state = past[kept], select_state(state, kept)
            rows = [rows[place] for place in going]
    return written


def _alike(row: NDArray[np.int64], n_rows: int, device: torch.device) -> Tensor:
    return torch.from_numpy(row).to(device).expand(n_rows, -1)


def _pitch(
    module: MelodyModule,
    features: Tensor,
    sampler: Sampler,
    generators: Sequence[torch.Generator],
    may_end: bool,
) -> Tensor:
    logits = module.pitch_scores(features).float()
    if not may_end:
        logits[:, END_PITCH] = _BANNED
    return sampler(logits, None, generators).to(features.device)


def _duration(
    module: MelodyModule,
    features: Tensor,
    pitches: Tensor,
    sampler: Sampler,
    generators: Sequence[torch.Generator],
) -> Tensor:
    logits = module.duration_logits(features, pitches).float()
    logits[:, OTHER] = _BANNED  # it is no duration that could be written
    return sampler(logits, None, generators).to(features.device)
