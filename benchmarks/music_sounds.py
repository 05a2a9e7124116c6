"""Spectrograms and sounds, for `music.py`.

Spectrogram
    Chorales, synthesised, become pictures of 64 mel bands and sounds again. How far the spectra of
    what is heard are from those that the picture asks for (spectral convergence) stands beside
    librosa's way back, with and without momentum in as many steps, and beside the first, random
    phases; the time of it beside librosa's and that of the sound.

Sounds
    `SpectrogramDiffusion` learns four bars of chorales played by organ, guitar, strings and flute;
    a classifier that learnt the real ones says whose sound was made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Row, print_table, take_turns
from image_bench import fastest_precision
from music_bench import fewer_is_better, keep_sounds, parts_of
from music_models import JUDGE_EPOCHS, SOUNDS, fitted

from textrep.image import ResNetClassifier
from textrep.music import SpectrogramDiffusion, griffin_lim, voices_to_score
from textrep.music.sound import Spectrogram, spectral_convergence, stft
from textrep.music.spectrogram_diffusion.clips import sound_clips

RATE = 16_000
SECONDS = 2.048
STEPS = 4  # of a quarter note: sixteenths
SEED = 0
PROGRAMS = {"organ": 19, "guitar": 24, "strings": 48, "flute": 73}
N_CLIPS, QUICK_CLIPS = 400, 60
N_TIMED, QUICK_TIMED = 32, 4
TURNS = 3
N_ITER, MOMENTUM = 32, 0.99
N_MADE = 64  # of each class


def chorales(part: str) -> list[Any]:
    """Scores of the chorales of a part."""
    pieces = getattr(parts_of("jsb_chorales", STEPS), part).pieces
    return [voices_to_score(piece, STEPS, tempo=90.0) for piece in pieces]


# ---- spectrogram


def spectrogram(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of the error of the way back, and of its time."""
    n = QUICK_TIMED if quick else N_TIMED
    waves, _ = sound_clips({"organ": (chorales("test"), PROGRAMS["organ"])}, n=n, seconds=SECONDS,
                           rate=RATE, random_state=SEED)  # fmt: skip
    whole = Spectrogram(rate=RATE)
    asked = whole.magnitudes(whole.encode(waves))
    ways = ways_back(asked, whole)
    spent = take_turns(ways, dict.fromkeys(ways, TURNS))
    errors = {
        name: spectral_convergence(asked, magnitudes(way(), whole)[..., : asked.shape[-1]])
        for name, way in ways.items()
    }
    lines = [[name, f"{errors[name]:.3f}", f"{spent[name]:.2f}"] for name in errors]
    title = f"{n} sounds of {SECONDS} s from 64 mel bands, {N_ITER} steps"
    print_table(title, ["of", "spectral convergence", "s"], lines)
    for peer in (name for name in ways if name != "ours"):
        yield fewer_is_better("spectrogram and back", "spectral convergence", errors["ours"],
                              peer, errors[peer], "of 1", machine)  # fmt: skip
    for peer, seconds in (("librosa", spent["librosa"]), ("as long as it sounds", n * SECONDS)):
        yield fewer_is_better("spectrogram and back", "time", spent["ours"], peer, seconds, "s",
                              machine)  # fmt: skip
    back = whole.decode(whole.encode(waves[:2]))
    titles = [f"{kind} {i}" for i in (1, 2) for kind in ("before", "after")]
    both = [sound for pair in zip(waves[:2], back, strict=True) for sound in pair]
    keep_sounds("spectrogram", both, titles, RATE)


def ways_back(asked: Any, whole: Spectrogram) -> dict[str, Callable[[], Any]]:
    """From magnitudes to sounds: ours and librosa's, each with as many steps."""
    import librosa

    length = whole.hop * (asked.shape[-1] - 1)  # librosa takes no more than this

    def ours(n_iter: int, momentum: float) -> Any:
        return griffin_lim(asked, hop=whole.hop, length=length, n_iter=n_iter, momentum=momentum)

    def librosas(momentum: float) -> Any:
        return librosa.griffinlim(
            asked, n_iter=N_ITER, hop_length=whole.hop, length=length, momentum=momentum,
            random_state=SEED,
        )  # fmt: skip

    return {
        "ours": lambda: ours(N_ITER, MOMENTUM),
        "librosa": lambda: librosas(MOMENTUM),
        "librosa, no momentum": lambda: librosas(0.0),
        "random phases": lambda: ours(1, 0.0),
    }


def magnitudes(waves: Any, whole: Spectrogram) -> Any:
    """Of the spectra of sounds, (n, bins, columns)."""
    return np.abs(np.asarray(stft(waves, n_fft=whole.n_fft, hop=whole.hop)))


# ---- sounds


def sounds(*, data: Path, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Row of the share of sounds that are heard as what they were asked to be."""
    n = QUICK_CLIPS if quick else N_CLIPS
    sets = []
    for part, count in (("train", n), ("test", max(20, n // 4))):
        kinds = {name: (chorales(part), program) for name, program in PROGRAMS.items()}
        sets.append(sound_clips(kinds, n=count, seconds=SECONDS, rate=RATE, random_state=SEED))
    (waves, labels), (new_waves, new_labels) = sets
    model = fitted(
        SpectrogramDiffusion, SOUNDS, waves, labels, quick=quick, device=device, random_state=SEED
    )
    whole = model.spectrogram()
    judge = ResNetClassifier(epochs=JUDGE_EPOCHS, device=device, random_state=SEED, verbose=1,
                             precision=fastest_precision(device))  # fmt: skip
    judge.fit(whole.encode(waves), labels)
    real = judge.score(whole.encode(new_waves), new_labels)
    asked = np.repeat(list(PROGRAMS), 8 if quick else N_MADE)
    begun = time.perf_counter()
    made = model.sample(len(asked), labels=asked, random_state=SEED)
    spent = time.perf_counter() - begun
    heard = judge.predict(whole.encode(made))
    lines = []
    for name in PROGRAMS:
        own, same = made[asked == name], new_waves[new_labels == name]
        share = np.mean(heard[asked == name] == name)
        lines.append([name, f"{share:.3f}", f"{spread_of(own):.3f}", f"{spread_of(same):.3f}"])
    print_table("sounds", ["asked for", "heard so", "spread, made", "spread, real"], lines)
    right = float(np.mean(heard == asked))
    threads = torch.get_num_threads()
    yield Row("sounds of four instruments", "heard as asked", right, "real sounds", real,
              right / real, "share", threads, machine)  # fmt: skip
    yield fewer_is_better("sounds of four instruments", "time", spent, "as long as they sound",
                          len(made) * SECONDS, "s", machine)  # fmt: skip
    first = [int(np.flatnonzero(asked == name)[0]) for name in PROGRAMS]
    keep_sounds("sounds", made[first], list(PROGRAMS), RATE)


def spread_of(waves: Any) -> float:
    """How unlike sounds are: deviation of the pixels of their pictures, on average."""
    return float(Spectrogram(rate=RATE).encode(waves).std(axis=0).mean())
