"""What models of music learn from and make, and the notes and sounds that commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textrep.cli.estimator_options import new_estimator, open_estimator
from textrep.cli.music_files import as_score, scores_of
from textrep.cli.output import fail

if TYPE_CHECKING:
    from textrep.music import MusicSet

# What a user calls a kind of model -> its class.
KINDS = {
    "melody": "MelodyLSTM",
    "chorale": "ChoraleModel",
    "transformer": "MusicTransformer",
    "musegan": "MuseGAN",
    "spectrogram": "SpectrogramDiffusion",
}
_BEATS = 4  # quarter notes of a bar
_GRID = 4  # steps of a quarter note where nothing says how many
# Kinds of sound that notes are played with where none is asked for: organ, nylon guitar.
PROGRAMS = (19, 24)
CLIPS = 100  # of each kind of sound


def new_model(kind: str, wanted: dict[str, Any], further: list[str], found: MusicSet) -> Any:
    """A model that is not fitted, for pieces of a kind.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    wanted : dict of str to object
        Parameters by name; None where they were not given.
    further : list of str
        Others, as ``NAME=VALUE``, which come before what the pieces suggest.
    found : MusicSet
        What it is to learn from.

    Returns
    -------
    estimator
    """
    import textrep.music

    if kind == "chorale":
        form = "voices" if found.kind == "voices" else "roll"
        wanted = {"frames": form, "bar": _BEATS * steps_of(found), **wanted}
    return new_estimator(getattr(textrep.music, KINDS[kind]), wanted, further)


def open_model(path: Path, verb: str, device: str = "auto") -> Any:
    """A fitted model of music that can do something.

    Parameters
    ----------
    path : Path
        File that textrep saved.
    verb : str
        What it must be able to do.
    device : str
        Where it is to compute.

    Returns
    -------
    estimator

    Raises
    ------
    typer.Exit
        When there is no such model, or it cannot.
    """
    import textrep.music

    kinds = tuple(getattr(textrep.music, name) for name in KINDS.values())
    return open_estimator(
        path, verb, device, kinds=kinds, what="a model of music", noun="music fit"
    )


def steps_of(found: MusicSet) -> int:
    """Steps of a quarter note of a set; scores are laid on sixteenths."""
    return _GRID if found.resolution is None else found.resolution


def pieces_for(model: Any, found: MusicSet) -> Any:
    """The pieces of a set in the form that a model learns from.

    Parameters
    ----------
    model : estimator
        Fitted or not. A `SpectrogramDiffusion` has `sounds_for`.
    found : MusicSet

    Returns
    -------
    list, or ndarray of a `MuseGAN`'s phrases
    """
    kind = type(model).__name__
    if kind == "ChoraleModel":
        steps = max(1, model.bar // _BEATS)
        each = _voices if model.frames == "voices" else _roll
        return [each(piece, found, steps, width=getattr(model, "width_", None))
                for piece in found.pieces]  # fmt: skip
    if kind == "MuseGAN":
        from textrep.music.musegan.phrase_rolls import phrases

        steps = max(1, model.steps_per_bar // _BEATS)
        voices = [_voices(piece, found, steps, width=model.n_tracks) for piece in found.pieces]
        return phrases(
            voices,
            steps_per_bar=model.steps_per_bar,
            bars=model.n_bars,
            lowest_pitch=model.lowest_pitch,
            n_pitches=model.n_pitches,
        )
    return scores_of(found)


def sounds_for(
    model: Any, data: str, found: MusicSet | None, programs: list[int], n: int, seed: int | None
) -> tuple[Any, Any]:
    """Sounds for a `SpectrogramDiffusion`, and their classes.

    Parameters
    ----------
    model : estimator
    data : str
        A folder of sounds, with sub-folders for classes or without.
    found : MusicSet or None
        Notes that are played instead, each program of General MIDI being a class.
    programs : list of int
    n : int
        Sounds of each class that are played.
    seed : int or None

    Returns
    -------
    waves : ndarray or list of ndarray
    labels : list of str, ndarray or None
    """
    from textrep.music.spectrogram_diffusion.clips import sound_clips

    if found is None:
        return _sounds_below(Path(data), model.rate)
    scores = scores_of(found)
    kinds = {str(program): (scores, program) for program in programs}
    waves, labels = sound_clips(
        kinds, n=n, seconds=model.seconds, rate=model.rate, random_state=seed
    )
    return waves, labels if len(kinds) > 1 else None


def holds_sounds(data: str) -> bool:
    """Whether this is a folder with files of sound."""
    return Path(data).is_dir() and bool(_sound_files(Path(data)))


def music_of(model: Any, made: Any, tempo: float | None) -> list[Any]:
    """What a model made, as scores or as sounds.

    Parameters
    ----------
    model : estimator
    made : list or ndarray
    tempo : float or None
        Quarter notes a minute.

    Returns
    -------
    list of Score or of ndarray (samples,)
    """
    kind = type(model).__name__
    if kind == "SpectrogramDiffusion":
        return list(made)
    if kind == "MelodyLSTM":
        made = model.to_scores(made)
    if kind == "MuseGAN":
        made = _phrases(model, made)
    steps = model.bar // _BEATS if kind == "ChoraleModel" else None
    return [as_score(piece, steps, tempo) for piece in made]


def prompt_for(model: Any, found: MusicSet) -> Any:
    """A piece to go on from, in the form of those that a model makes."""
    if type(model).__name__ != "MelodyLSTM":
        return pieces_for(model, found)[0]
    from textrep.music.melody import melody_of

    return melody_of(scores_of(found)[0])


def _phrases(model: Any, made: Any) -> list[Any]:
    from textrep.music import from_roll, voices_to_score
    from textrep.music.musegan.phrase_rolls import phrases_to_voices

    steps = max(1, model.steps_per_bar // _BEATS)
    if model.monophonic_:
        voices = phrases_to_voices(made, model.lowest_pitch)
        return [voices_to_score(phrase, steps) for phrase in voices]
    joined = made.reshape(len(made), made.shape[1], -1, made.shape[-1])
    return [from_roll(rolls, steps, lowest_pitch=model.lowest_pitch) for rolls in joined]


def _voices(piece: Any, found: MusicSet, steps: int, width: int | None) -> Any:
    from textrep.music import score_to_voices

    if found.kind == "voices" and steps == steps_of(found):
        return piece
    score = as_score(piece, found.resolution)
    return score_to_voices(score, steps, n_voices=4 if width is None else width)


def _roll(piece: Any, found: MusicSet, steps: int, width: int | None) -> Any:
    from textrep.music import to_roll
    from textrep.music.score import PIANO_KEYS, PIANO_LOWEST

    if found.kind == "frames" and steps == steps_of(found) and width in (None, piece.shape[1]):
        return piece
    roll = to_roll(as_score(piece, found.resolution), steps) > 0
    return roll[:, PIANO_LOWEST : PIANO_LOWEST + PIANO_KEYS] if width == PIANO_KEYS else roll


def _sound_files(folder: Path) -> list[Path]:
    from textrep.cli.music_files import SOUNDS

    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS)


def _sounds_below(folder: Path, rate: int) -> tuple[Any, Any]:
    from textrep.music import read_wave

    paths = _sound_files(folder)
    waves = [read_wave(path, rate=rate)[0] for path in paths]
    classes = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in paths]
    if "" in classes and any(classes):
        fail(f"{folder}: some sounds lie in sub-folders and some beside them; sort them all")
    return waves, classes if len(set(classes)) > 1 else None
