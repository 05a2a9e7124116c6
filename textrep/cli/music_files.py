"""Music in files of all kinds, as the commands of `textrep music` read and write it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textrep.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textrep.music import MusicSet, Score
    from textrep.music.sound.waves import Wave

MIDI = (".mid", ".midi")
ABC = (".abc",)
TOKENS = (".json",)
ROLLS = (".npz", ".csv")
NOTATIONS = (*MIDI, *ABC, *TOKENS, *ROLLS)
SOUNDS = (".wav", ".flac", ".ogg")
PICTURES = (".png", ".svg", ".pdf")
PAGES = (".html",)
SHOWN = (*SOUNDS, *PICTURES, *PAGES)
_ALONE = (*MIDI, ".csv", *SOUNDS)  # of which a file holds one piece
_SOUND_RATE = 22050
_ON_SEVERAL_GRIDS = ("jsb_chorales", "jsb_chorales_rolls")  # sets
_GRID = 4  # steps of a quarter note where nothing says how many


class Drawn(NamedTuple):
    """What music is written with.

    Attributes
    ----------
    resolution : int or None
        Steps of a quarter note, of rolls.
    scheme : str
        Of tokens.
    rate : int
        Samples a second.
    soundfont : Path or None
    heading : str
        Of a page.
    """

    resolution: int | None = None
    scheme: str = "remi"
    rate: int = _SOUND_RATE
    soundfont: Path | None = None
    heading: str = "Music"


def read_music(
    data: str, *, part: str | None = None, resolution: int | None = None, limit: int | None = None
) -> MusicSet:
    """A set by its name, a folder, or a file of notes.

    Parameters
    ----------
    data : str
    part : str or None
        Of a set.
    resolution : int or None
        Steps of a quarter note, of rolls in files and of sets that come in several.
    limit : int or None
        Pieces at most, from all over the set.

    Returns
    -------
    MusicSet

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    import numpy as np

    from textrep.music import MusicSet, load_music

    path = Path(data)
    if path.is_file() and path.suffix.lower() in (*TOKENS, *ROLLS):
        scores = _read_file(path, resolution)
        found = MusicSet(scores, [path.stem] * len(scores), "scores")
    else:
        steps = resolution if data in _ON_SEVERAL_GRIDS else None
        found = load_music(data, part=part, resolution=steps)
    if limit is None or limit >= len(found.pieces):
        return found
    rows = np.linspace(0, len(found.pieces) - 1, limit).astype(int)
    return found._replace(
        pieces=[found.pieces[row] for row in rows],
        names=[found.names[row] for row in rows],
        labels=None if found.labels is None else [found.labels[row] for row in rows],
    )


def scores_of(found: MusicSet) -> list[Score]:
    """The scores of a set, whatever its pieces are.

    Parameters
    ----------
    found : MusicSet

    Returns
    -------
    list of Score
        With the names of the pieces.
    """
    from dataclasses import replace

    return [
        replace(as_score(piece, found.resolution), name=name)
        for piece, name in zip(found.pieces, found.names, strict=True)
    ]


def as_score(piece: Any, resolution: int | None = None, tempo: float | None = None) -> Score:
    """A score of a roll, of voices, or of a score.

    Parameters
    ----------
    piece : Score or ndarray
    resolution : int or None
        Steps of a quarter note; None takes 4.
    tempo : float or None
        Quarter notes a minute.

    Returns
    -------
    Score
    """
    from dataclasses import replace

    from textrep.music import Score, from_roll, voices_to_score

    steps = _GRID if resolution is None else resolution
    if isinstance(piece, Score):
        return piece if tempo is None else replace(piece, tempos=((0, tempo),))
    if piece.dtype.kind == "i":
        return voices_to_score(piece, steps, tempo=tempo)
    return from_roll(piece, steps, tempo=tempo)


def check_out(out: Path, known: Sequence[str], n: int | None = None) -> None:
    """End the program if music cannot be written there: a file of a kind, or a new folder.

    Parameters
    ----------
    out : Path
    known : sequence of str
        Suffixes.
    n : int or None
        Pieces, where that is known before the work.

    Raises
    ------
    typer.Exit
    """
    from textrep.cli.target import check_target

    suffix = out.suffix.lower()
    if suffix in known:
        check_target("--out", out, None)
        if n is not None and n > 1 and suffix in _ALONE:
            fail(f"--out {out}: a {suffix} file holds one piece; give a new folder for {n}")
    elif suffix:
        fail(f"--out {out}: end the name in {', '.join(known)}, or give a new folder")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        fail(f"--out {out}: this is there already; give the name of a new folder")


def write_music(pieces: Sequence[Any], out: Path, how: Drawn, *, folder_suffix: str = "") -> str:
    """Write scores, or sounds, to a file or a folder.

    Parameters
    ----------
    pieces : sequence of Score, or of ndarray (samples,)
    out : Path
        Of which `check_out` thought well.
    how : Drawn
    folder_suffix : str
        Of the files in a folder; by default .mid, and .wav of sounds.

    Returns
    -------
    str
        A line that says what was written.
    """
    from textrep.music import Score

    if not pieces:
        fail("there is no piece to write")
    suffix = out.suffix.lower()
    if len(pieces) > 1 and suffix in _ALONE:
        fail(f"--out {out}: a {suffix} file holds one piece; give a new folder for {len(pieces)}")
    if not suffix:
        suffix = folder_suffix or (".mid" if isinstance(pieces[0], Score) else ".wav")
        out.mkdir(parents=True, exist_ok=True)
        digits = len(str(len(pieces) - 1))
        for number, piece in enumerate(pieces):
            _write_file([piece], out / f"{number:0{digits}d}{suffix}", how)
    else:
        _write_file(pieces, out, how)
    n = len(pieces)
    return f"{n:,} piece{'s' if n > 1 else ''}: {out}"


def _write_file(pieces: Sequence[Any], out: Path, how: Drawn) -> None:
    from textrep.core.files import atomic_write
    from textrep.music import Score, save_piano_roll, to_abc, to_tokens, write_midi

    suffix = out.suffix.lower()
    if suffix in PAGES:
        _write_page(pieces, out, how)
    elif suffix in SOUNDS:
        _write_sound(pieces[0], out, how)
    elif not isinstance(pieces[0], Score):
        fail(f"--out {out}: these are sounds, not notes; end the name in .wav or .html")
    elif suffix in PICTURES:
        save_piano_roll(out, list(pieces), resolution=how.resolution)
    elif suffix in MIDI:
        write_midi(pieces[0], out)
    elif suffix in ROLLS:
        _write_rolls(pieces, out, how.resolution)
    else:
        if suffix in ABC:
            text = "\n".join(map(to_abc, pieces))
        else:
            tokens = [to_tokens(piece, scheme=how.scheme) for piece in pieces]
            text = json.dumps({"scheme": how.scheme, "pieces": tokens})
        with atomic_write(out) as file:
            file.write(text.encode("utf-8"))


def _write_page(pieces: Sequence[Any], out: Path, how: Drawn) -> None:
    from textrep.music import music_page

    titled = [
        (getattr(piece, "name", "") or f"Piece {number}", piece)
        for number, piece in enumerate(pieces, start=1)
    ]
    music_page(out, titled, heading=how.heading, rate=how.rate, soundfont=how.soundfont)


def _write_sound(piece: Score | Wave, out: Path, how: Drawn) -> None:
    from textrep.music import Score, synthesize, write_wave

    if isinstance(piece, Score):
        piece = synthesize(piece, rate=how.rate, soundfont=how.soundfont)
    write_wave(out, piece, how.rate)


def _write_rolls(scores: Sequence[Score], out: Path, resolution: int | None) -> None:
    import numpy as np

    from textrep.core.files import atomic_write
    from textrep.music import to_roll

    steps = _GRID if resolution is None else resolution
    rolls = [to_roll(score, steps) for score in scores]
    with atomic_write(out) as file:
        if out.suffix.lower() == ".npz":
            named = {f"roll{number}": roll for number, roll in enumerate(rolls)}
            np.savez_compressed(file, resolution=steps, **named)
        else:
            columns = ",".join(map(str, range(rolls[0].shape[1])))
            np.savetxt(file, rolls[0], fmt="%d", delimiter=",", header=columns, comments="")


def _read_file(path: Path, resolution: int | None) -> list[Score]:
    from textrep.core.messages import printable

    try:
        if path.suffix.lower() in ROLLS:
            return _read_rolls(path, resolution)
        return _read_tokens(path)
    except OSError as error:
        fail(f"{printable(str(path))}: cannot be read: {error.strerror or error}")
    except Exception as error:  # numpy's for damaged files are of many kinds
        fail(f"{printable(str(path))}: {error!s:.200}")


def _read_tokens(path: Path) -> list[Score]:
    from textrep.music import from_tokens

    read = json.loads(path.read_text("utf-8"))
    if not isinstance(read, dict) or not isinstance(read.get("pieces"), list):
        raise ValueError('expected {"scheme": NAME, "pieces": [[TOKEN, ...], ...]}')
    return [from_tokens(tokens, scheme=read.get("scheme", "remi")) for tokens in read["pieces"]]


def _read_rolls(path: Path, resolution: int | None) -> list[Score]:
    import numpy as np

    from textrep.music import from_roll

    steps = _GRID if resolution is None else resolution
    if path.suffix.lower() == ".csv":
        head, _, rest = path.read_text("utf-8").partition("\n")
        columns = [int(name) if name.strip().isdecimal() else -1 for name in head.split(",")]
        if columns[0] < 0 or columns != list(range(columns[0], columns[0] + len(columns))):
            raise ValueError("the first line must say the pitches of the columns: 0,1,2,...")
        rows = [row for row in rest.splitlines() if row.strip()]
        roll = np.zeros((0, len(columns)), np.int64)
        if rows:
            roll = np.loadtxt(rows, dtype=np.int64, delimiter=",", ndmin=2)
        return [from_roll(roll, steps, lowest_pitch=columns[0])]
    try:
        arrays = np.load(path, allow_pickle=False)
    except zipfile.BadZipFile:
        arrays = None
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ValueError("this is no .npz file")
    with arrays:
        if resolution is None and "resolution" in arrays:
            steps = int(arrays["resolution"])
        return [from_roll(arrays[name], steps) for name in arrays if name != "resolution"]
