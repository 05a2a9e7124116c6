"""`textrep music sample`, `transform` and the like: what is done with models and with music."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli.estimator_options import taken
from textrep.cli.music_files import (
    NOTATIONS,
    SHOWN,
    SOUNDS,
    Drawn,
    check_out,
    read_music,
    scores_of,
    write_music,
)
from textrep.cli.music_models import (
    PROGRAMS,
    holds_sounds,
    music_of,
    open_model,
    pieces_for,
    prompt_for,
    sounds_for,
)
from textrep.cli.neural_models import need_torch
from textrep.cli.output import fail, print_lines
from textrep.cli.target import check_targets
from textrep.cli.word_models import refusing

_Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="File that `textrep music fit --save` made.")
]
_Music = Annotated[
    str,
    typer.Argument(
        metavar="MUSIC",
        help="A set by its name, a folder, or a .mid, .abc, .json (tokens), .npz or .csv (rolls) "
        "file.",
    ),
]
_Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="A .mid, .abc, .json (tokens), .npz or .csv (rolls), .wav, .flac, .ogg, .png, .svg or "
        ".html (a page with players) file, or a new folder for a file each.",
    ),
]
_Part = Annotated[str | None, typer.Option(metavar="train|valid|test", help="Of the pieces.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="Pieces to take.")]
_Resolution = Annotated[
    int | None,
    typer.Option(min=1, help="Steps of a quarter note, of rolls and of sets that have several."),
]
_Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
_Seed = Annotated[int | None, typer.Option(min=0, help="Draws the same music again.")]
_Tempo = Annotated[float | None, typer.Option(min=1, help="Quarter notes a minute.")]
_Rate = Annotated[int, typer.Option(min=1000, help="Samples of a sound a second.")]
_Soundfont = Annotated[
    Path | None,
    typer.Option(metavar="FILE.sf2", help="Recorded instruments, in place of the built-in ones."),
]
_Temperature = Annotated[
    float | None, typer.Option(min=0, help="0 takes what is likeliest; 1 draws.")
]
_TopP = Annotated[
    float | None, typer.Option(help="Draw from the likeliest notes with this share only.")
]


def sample(
    model: _Model,
    out: _Out,
    n: Annotated[int, typer.Option("-n", min=1, help="Pieces.")] = 1,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Frames of a chorale; rounds of a spectrogram.")
    ] = None,
    max_notes: Annotated[int | None, typer.Option(min=1, help="Of a melody.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Of a transformer.")] = None,
    temperature: _Temperature = None,
    top_p: _TopP = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="FILE", help="Go on from its first piece.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Class of the sounds of a spectrogram.")] = None,
    tempo: _Tempo = None,
    soundfont: _Soundfont = None,
    seed: _Seed = None,
    device: _Device = "auto",
) -> None:
    """Make new music."""
    need_torch()
    with refusing(str(model)):
        check_out(out, (*NOTATIONS, *SHOWN), n)
        known = open_model(model, "sample", device)
        given = None if prompt is None else prompt_for(known, read_music(prompt))
        wanted = {
            "steps": steps,
            "max_notes": max_notes,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "prompt": given,
            "labels": label,
        }
        options = taken(known.sample, wanted, type(known).__name__)
        made = music_of(known, known.sample(n=n, random_state=seed, **options), tempo)
        line = write_music(made, out, _drawn(known, soundfont))
    print_lines([line])


def harmonise(
    model: _Model,
    melody: Annotated[
        str, typer.Argument(metavar="MELODY", help="A file whose first track is the melody.")
    ],
    out: _Out,
    temperature: _Temperature = None,
    top_p: _TopP = None,
    tempo: _Tempo = None,
    soundfont: _Soundfont = None,
    seed: _Seed = None,
    device: _Device = "auto",
) -> None:
    """Write the other voices to a melody."""
    need_torch()
    with refusing(melody):
        check_out(out, (*NOTATIONS, *SHOWN))
        known = open_model(model, "harmonise", device)
        score = scores_of(read_music(melody))[0]
        wanted = {"temperature": temperature, "top_p": top_p}
        options = taken(known.harmonise, wanted, type(known).__name__)
        soprano = _soprano(score, max(1, known.bar // 4))
        voices = known.harmonise(soprano, random_state=seed, **options)
        line = write_music(music_of(known, [voices], tempo), out, Drawn(soundfont=soundfont))
    print_lines([line])


def transform(
    music: _Music,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="A .mid, .abc, .json (tokens), .npz or .csv (rolls) file, or a new folder of "
            ".mid files.",
        ),
    ],
    transpose: Annotated[int, typer.Option(help="Semitones up, or down.")] = 0,
    tempo: _Tempo = None,
    scheme: Annotated[
        str, typer.Option(metavar="remi|tsd|midilike", help="Of tokens that are written.")
    ] = "remi",
    resolution: _Resolution = None,
    part: _Part = None,
    limit: _Limit = None,
) -> None:
    """Turn music from one notation into another, or into another key or tempo."""
    from dataclasses import replace

    with refusing(music):
        check_out(out, NOTATIONS)
        scores = scores_of(read_music(music, part=part, resolution=resolution, limit=limit))
        changed = [score.transposed(transpose) for score in scores]
        if tempo is not None:
            changed = [replace(score, tempos=((0, tempo),)) for score in changed]
        line = write_music(changed, out, Drawn(resolution, scheme))
    print_lines([line])


def render(
    music: _Music,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="A .wav, .flac or .ogg; a .png, .svg or .pdf of piano rolls; a .html page with "
            "players that opens offline; or a new folder of .wav files.",
        ),
    ],
    rate: _Rate = 22050,
    soundfont: _Soundfont = None,
    heading: Annotated[str | None, typer.Option(help="Of a page.")] = None,
    resolution: _Resolution = None,
    part: _Part = None,
    limit: _Limit = None,
) -> None:
    """Make music heard or seen."""
    need_torch()
    with refusing(music):
        check_out(out, SHOWN)
        scores = scores_of(read_music(music, part=part, resolution=resolution, limit=limit))
        how = Drawn(resolution, rate=rate, soundfont=soundfont, heading=heading or "Music")
        line = write_music(scores, out, how, folder_suffix=SOUNDS[0])
    print_lines([line])


def score(
    model: _Model,
    music: _Music,
    part: _Part = None,
    resolution: _Resolution = None,
    limit: _Limit = None,
    device: _Device = "auto",
) -> None:
    """Say how well a model expects music: greater is better."""
    need_torch()
    with refusing(music):
        known = open_model(model, "score", device)
        if type(known).__name__ == "SpectrogramDiffusion":
            found = None if holds_sounds(music) else read_music(music, part=part, limit=limit)
            waves, _ = sounds_for(known, music, found, [PROGRAMS[0]], limit or 16, 0)
            value = known.score(waves)
        else:
            found = read_music(music, part=part, resolution=resolution, limit=limit)
            value = known.score(pieces_for(known, found))
    unit = {
        "MelodyLSTM": "nats of a note",
        "ChoraleModel": "nats of a frame",
        "MusicTransformer": "nats of a token",
    }.get(type(known).__name__)
    print_lines([f"score: {value:.6g}", *([f"{unit}: {-value:.6g}"] if unit else [])])


def measure(
    made: Annotated[str, typer.Argument(metavar="MADE", help="Music that was made.")],
    real: Annotated[str, typer.Argument(metavar="REAL", help="Real music to compare with.")],
    floor: Annotated[
        str | None,
        typer.Option(
            metavar="MUSIC", help="Other real music, such as was learnt from: gives the floor."
        ),
    ] = None,
    resolution: _Resolution = None,
    part: Annotated[
        str | None, typer.Option(metavar="train|valid|test", help="Of the real music.")
    ] = None,
    floor_part: Annotated[
        str | None, typer.Option(metavar="train|valid|test", help="Of the floor.")
    ] = None,
    n_draws: Annotated[int, typer.Option("--draws", min=1, help="That distances average.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Draws the same pieces again.")] = 0,
    target: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here too.")
    ] = None,
) -> None:
    """Compare music that was made with real music, beside other real music: the floor."""
    with refusing(real):
        from textrep.core.files import atomic_write
        from textrep.music import compare_music

        check_targets({"--json": target})
        sets = {
            "generated": read_music(made, resolution=resolution),
            "reference": read_music(real, part=part, resolution=resolution),
        }
        if floor is not None:
            sets["floor"] = read_music(floor, part=floor_part, resolution=resolution)
        alike: dict[str, Any] = dict(sets)
        if len({found.kind for found in sets.values()}) > 1:
            alike = {name: scores_of(found) for name, found in sets.items()}
        report = compare_music(**alike, resolution=resolution, n_draws=n_draws, random_state=seed)
        if target is not None:
            with atomic_write(target) as file:
                file.write(json.dumps(report.to_dict(), indent=1).encode() + b"\n")
    print_lines(str(report).splitlines())


def _drawn(model: Any, soundfont: Path | None) -> Drawn:
    rate = model.rate if type(model).__name__ == "SpectrogramDiffusion" else Drawn().rate
    return Drawn(rate=rate, soundfont=soundfont)


def _soprano(score: Any, steps: int) -> Any:
    from textrep.music import score_to_voices

    melodic = [track for track in score.tracks if not track.is_drum and len(track.notes)]
    if not melodic:
        fail("the melody has no notes")
    return score_to_voices(score.with_tracks(melodic[:1]), steps, n_voices=1)[:, 0]
