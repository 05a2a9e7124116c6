"""Music by name, or from a folder of MIDI and ABC files."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from textrep.core.messages import shown
from textrep.core.random import stream
from textrep.data.cards import Card, CardFile, load_card
from textrep.data.errors import DataError
from textrep.data.readers.archives import Member, archive_suffix, open_members
from textrep.data.readers.files import check_size, open_file
from textrep.data.readers.matlab import read_matlab
from textrep.data.store import locate
from textrep.music.abc import from_abc
from textrep.music.midi import (
    SUFFIXES,
    read_midi,
    score_of_member,
    warn_of_failures,
)
from textrep.music.score import PIANO_KEYS, PIANO_LOWEST, Score
from textrep.music.tunes import chorales, tunes

PARTS = ("train", "valid", "test")
ABC_SUFFIX = ".abc"

_CHORAL_RESOLUTION = 4  # steps of a quarter note: sixteenths
_ROLL_FILES = {1: "quarter", 2: "8th", 4: "16th"}
_HELD_OUT = 0.1  # of the Nottingham tunes, for each of valid and test
_EVERY = 10  # of the embedded pieces, one in ten is in valid and one in test
_Home = str | os.PathLike[str] | None


class MusicSet(NamedTuple):
    """Pieces of music with what is known of them.

    Attributes
    ----------
    pieces : list of Score or of ndarray
        By `kind`: scores; bool arrays (steps, 88) of the keys of a piano, from pitch 21 on; int16
        arrays (steps, 4) of the pitches of soprano, alto, tenor and bass, -1 where one rests.
    names : list of str
        One for each piece.
    kind : {"scores", "frames", "voices"}
    resolution : int or None
        Steps of a quarter note; None where there are no steps.
    labels : list of str or None
        Class of each piece.
    """

    pieces: list[Any]
    names: list[str]
    kind: str
    resolution: int | None = None
    labels: list[str] | None = None


def load_music(
    name_or_path: str | os.PathLike[str],
    *,
    part: str | None = None,
    resolution: int | None = None,
    data_home: str | os.PathLike[str] | None = None,
) -> MusicSet:
    """Load music by name, or from a folder.

    Parameters
    ----------
    name_or_path : str or path
        - ``"tunes"``: 80 scores that textrep holds, 18 traditional tunes with chords and 62
          melodies composed by rule, as their labels say;
        - ``"tunes_voices"``: 60 pieces for four voices composed by rule, four steps to a quarter;
        - ``"jsb"``, ``"nottingham_rolls"``, ``"piano_midi"``: frames of chorales, folk tunes and
          piano pieces, with the parts of Boulanger-Lewandowski et al. (2012). Chorales have a
          frame to a quarter note, which is the resolution of published likelihoods; of the two
          others the files do not say it;
        - ``"jsb_chorales"``: the four voices of the same 382 chorales at sixteenths
          (`resolution` 4), and every second (2) or fourth (1) step of them;
        - ``"jsb_chorales_rolls"``: the same as frames, from the files for quarters (1), eighths
          (2) and sixteenths (4, as by default);
        - ``"nottingham"``: scores of 1,034 folk tunes, melody and chords; all tunes of one title
          are in one part (eight in ten in train, chosen once and for all);
        - a folder or an archive of MIDI and ABC files, in which ``train``, ``valid`` and ``test``
          may stand above, and sub-folders are classes; or one such file. Of broken files in a
          folder one warning tells.

        All but the first two and the last are read from the data folder, the cache or their
        publisher, see `textrep.load_corpus`.
    part : {"train", "valid", "test"} or None, default=None
        None loads all.
    resolution : int or None, default=None
        Steps of a quarter note, for the two sets of chorales that have several.
    data_home : str or path, default=None
        Folder to look in rather than the data folder that ``TEXTREP_DATA`` names.

    Returns
    -------
    MusicSet

    Raises
    ------
    DataError
        When there is no such set, part or resolution, or its files are not here or broken.

    References
    ----------
    Boulanger-Lewandowski, Bengio, Vincent (2012): Modeling Temporal Dependencies in
    High-Dimensional Sequences. ICML.

    Examples
    --------
    >>> found = load_music("tunes", part="train")
    >>> len(found.pieces), found.kind, found.names[1]
    (64, 'scores', 'Frère Jacques')
    """
    if part is not None and part not in PARTS:
        raise DataError(f"part is {shown(part)}; expected 'train', 'valid', 'test' or None")
    # An empty name would be the folder that one is in.
    if not isinstance(name_or_path, str | os.PathLike) or not os.fspath(name_or_path):
        raise DataError(
            f"name_or_path must be a folder or one of {', '.join(NAMES)}, got {shown(name_or_path)}"
        )
    if isinstance(name_or_path, str) and name_or_path in _SETS:
        if resolution is not None and resolution not in _RESOLUTIONS.get(name_or_path, ()):
            raise _no_resolution(name_or_path, resolution)
        return _SETS[name_or_path](name_or_path, part, resolution, data_home)
    if resolution is not None:
        raise _no_resolution(str(name_or_path), resolution)
    return _from_files(Path(name_or_path), part)


def _no_resolution(name: str, resolution: Any) -> DataError:
    if have := _RESOLUTIONS.get(name, ()):
        return DataError(
            f"resolution is {shown(resolution)}; {name!r} has {', '.join(map(str, have))}"
        )
    return DataError(f"{shown(name)} comes in one way only; leave resolution out")


# ---- sets by name


def _tunes(name: str, part: str | None, resolution: int | None, home: _Home) -> MusicSet:
    chosen = _every_tenth(tunes(), part)
    scores = [tune.score for tune in chosen]
    kinds = [tune.kind for tune in chosen]
    return MusicSet(scores, [score.name for score in scores], "scores", None, kinds)


def _tunes_voices(name: str, part: str | None, resolution: int | None, home: _Home) -> MusicSet:
    every = chorales()
    named = [(f"chorale {i + 1}", piece) for i, piece in enumerate(every)]
    chosen = _every_tenth(named, part)
    pieces = [piece for _, piece in chosen]
    return MusicSet(pieces, [each for each, _ in chosen], "voices", _CHORAL_RESOLUTION)


def _every_tenth(items: Sequence[Any], part: str | None) -> list[Any]:
    """Of every ten items, the one before the last is in valid and the last in test."""
    last = {_EVERY - 2: "valid", _EVERY - 1: "test"}
    return [
        item
        for position, item in enumerate(items)
        if part in (None, last.get(position % _EVERY, "train"))
    ]


_MATLAB = {
    "jsb": ("JSB_Chorales.mat", 1),
    "nottingham_rolls": ("Nottingham.mat", None),
    "piano_midi": ("Piano_midi.mat", None),
}


def _matlab(name: str, part: str | None, resolution: int | None, home: _Home) -> MusicSet:
    file_name, steps = _MATLAB[name]
    card = load_card("polyphonic")
    path = locate(card, _file(card, file_name), home=home)
    pieces: list[Any] = []
    names: list[str] = []
    try:
        found = read_matlab(path)
        for each in _wanted(part):
            rolls = [np.ascontiguousarray(roll, bool) for roll in found[f"{each}data"][0]]
            if any(roll.ndim != 2 or roll.shape[1] != PIANO_KEYS for roll in rolls):
                raise ValueError(f"a piece of {each} has other than {PIANO_KEYS} keys")
            pieces += rolls
            names += _numbered(each, len(rolls))
    except DataError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"it is no file of Matlab with piano rolls: {error}", path=path) from None
    return MusicSet(pieces, names, "frames", steps)


def _voices(name: str, part: str | None, resolution: int | None, home: _Home) -> MusicSet:
    steps = resolution or _CHORAL_RESOLUTION
    stride = _CHORAL_RESOLUTION // steps
    pieces, names = _json_pieces("Jsb16thSeparated.json", part, home, _voices_of)
    return MusicSet([piece[::stride] for piece in pieces], names, "voices", steps)


def _rolls(name: str, part: str | None, resolution: int | None, home: _Home) -> MusicSet:
    steps = resolution or _CHORAL_RESOLUTION
    file_name = f"jsb-chorales-{_ROLL_FILES[steps]}.json"
    pieces, names = _json_pieces(file_name, part, home, _frames_of)
    return MusicSet(pieces, names, "frames", steps)


def _json_pieces(
    file_name: str, part: str | None, home: _Home, read: Callable[[Any], Any]
) -> tuple[list[Any], list[str]]:
    card = load_card("jsb_chorales")
    path = locate(card, _file(card, file_name), home=home)
    try:
        with open_file(path) as file:
            found = json.load(file)
        pieces = {each: [read(piece) for piece in found[each]] for each in _wanted(part)}
    except (OSError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise DataError(f"it is no file of chorales: {error!s:.200}", path=path) from None
    names = [
        name for each, read_pieces in pieces.items() for name in _numbered(each, len(read_pieces))
    ]
    return [piece for each in pieces.values() for piece in each], names


def _voices_of(piece: Any) -> Any:
    voices = np.array(piece, np.int16)
    if voices.ndim != 2 or voices.shape[1] != 4:
        raise ValueError(f"a piece is {voices.shape}; expected (steps, 4)")
    return voices


def _frames_of(piece: Any) -> Any:
    frames = np.zeros((len(piece), PIANO_KEYS), bool)
    for step, pitches in enumerate(piece):
        for pitch in map(int, pitches):
            if not 0 <= pitch - PIANO_LOWEST < PIANO_KEYS:
                raise ValueError(f"there is no key for the pitch {pitch}")
            frames[step, pitch - PIANO_LOWEST] = True
    return frames


def _nottingham(name: str, part: str | None, resolution: int | None, home: _Home) -> MusicSet:
    card = load_card(name)
    archive = next(file for file in card.files if file.path.endswith(".tar.gz"))
    path = locate(card, archive, home=home)
    with open_members(path) as members:
        # Files in folders below hold the melody or the chords of one of these.
        read = {
            PurePosixPath(member.parts[-1]).stem: score_of_member(member, path)
            for member in members
            if len(member.parts) == 2 and member.parts[-1].endswith(SUFFIXES)
        }
    whole = dict(sorted(read.items()))
    titles = _titles(card, home)
    parts = _by_title([titles.get(stem, stem) for stem in whole])
    chosen = [
        (stem, score)
        for (stem, score), own in zip(whole.items(), parts, strict=True)
        if part in (None, own)
    ]
    return MusicSet([score for _, score in chosen], [stem for stem, _ in chosen], "scores")


def _titles(card: Card, home: _Home) -> dict[str, str]:
    """Titles by the names of the MIDI files: of the ABC file, and the number of the tune in it."""
    titles = {}
    for file in card.files:
        if file.path.endswith(ABC_SUFFIX):
            path = locate(card, file, home=home)
            text = path.read_text(encoding="utf-8", errors="replace")
            for number, title in re.findall(r"^X:\s*(\d+)\s*\nT:(.*)$", text, re.M):
                titles[f"{path.stem}{number}"] = title
    return titles


def _by_title(titles: Sequence[str]) -> list[str]:
    """The part of each title: equal ones, up to numbers, signs and case, are in one part."""
    plain = [re.sub(r"[^a-z]", "", title.lower()) or title for title in titles]
    groups = sorted(set(plain))
    parts: dict[str, str] = {}
    held_out = dict.fromkeys(("test", "valid"), 0)
    most = _HELD_OUT * len(titles)
    for position in stream(0, "nottingham").permutation(len(groups)):
        group = groups[position]
        own = next((each for each, n in held_out.items() if n < most), "train")
        parts[group] = own
        if own in held_out:
            held_out[own] += plain.count(group)
    return [parts[group] for group in plain]


_SETS: dict[str, Callable[[str, str | None, int | None, _Home], MusicSet]] = {
    "jsb": _matlab,
    "jsb_chorales": _voices,
    "jsb_chorales_rolls": _rolls,
    "nottingham": _nottingham,
    "nottingham_rolls": _matlab,
    "piano_midi": _matlab,
    "tunes": _tunes,
    "tunes_voices": _tunes_voices,
}
_RESOLUTIONS = {name: tuple(_ROLL_FILES) for name in ("jsb_chorales", "jsb_chorales_rolls")}

NAMES = tuple(_SETS)
"""Of the sets that `load_music` knows."""


def _wanted(part: str | None) -> tuple[str, ...]:
    return PARTS if part is None else (part,)


def _numbered(part: str, n: int) -> list[str]:
    return [f"{part} {i + 1}" for i in range(n)]


def _file(card: Card, name: str) -> CardFile:
    return next(file for file in card.files if PurePosixPath(file.path).name == name)


# ---- files


def _from_files(path: Path, part: str | None) -> MusicSet:
    if path.is_file() and not archive_suffix(path):
        return _one_file(path, part)
    if not path.exists():
        close = difflib.get_close_matches(str(path), NAMES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"sets are {', '.join(NAMES)}"
        raise DataError(f"no such file or folder, and no set of that name; {hint}", path=path)
    scores, folders = _all_scores(path)
    if not scores:
        raise DataError(f"it holds no music ({' '.join((*SUFFIXES, ABC_SUFFIX))})", path=path)
    kept = list(range(len(scores)))
    if all(each and each[0] in PARTS for each in folders):
        kept = [i for i in kept if part in (None, folders[i][0])]
        folders = [each[1:] for each in folders]
    elif part is not None:
        raise DataError(
            f"its files are not in the folders {', '.join(PARTS)}; leave part out", path=path
        )
    if not kept:
        raise DataError(f"there is no music in its folder {part!r}", path=path)
    labels = [folders[i][0] for i in kept] if all(folders[i] for i in kept) else None
    chosen = [scores[i] for i in kept]
    return MusicSet(chosen, [score.name for score in chosen], "scores", None, labels)


def _all_scores(path: Path) -> tuple[list[Score], list[tuple[str, ...]]]:
    """Scores below a folder or in an archive, by path, each with the folders that it is in."""
    found: list[tuple[tuple[str, ...], list[Score]]] = []
    failures: list[tuple[str, str]] = []
    with open_members(path) as members:
        for member in members:
            try:
                found.append((member.parts, _scores_of(member, path)))
            except (DataError, OSError) as error:
                failures.append(("/".join(member.parts), str(error)))
    warn_of_failures(failures)
    found.sort(key=lambda each: each[0])
    scores = [score for _, each in found for score in each]
    return scores, [parts[:-1] for parts, each in found for _ in each]


def _one_file(path: Path, part: str | None) -> MusicSet:
    if part is not None:
        raise DataError("a single file has no parts; leave part out", path=path)
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        scores = [read_midi(path)]
    elif suffix == ABC_SUFFIX:
        with open_file(path) as file:
            check_size(path, os.fstat(file.fileno()).st_size)
            scores = _from_abc_bytes(file.read(), path)
    else:
        raise DataError(f"it is no file of {' '.join((*SUFFIXES, ABC_SUFFIX))}", path=path)
    return MusicSet(scores, [score.name for score in scores], "scores")


def _scores_of(member: Member, path: Path) -> list[Score]:
    suffix = PurePosixPath(member.parts[-1]).suffix.lower()
    if suffix in SUFFIXES:
        return [score_of_member(member, path)]
    if suffix == ABC_SUFFIX:
        return _from_abc_bytes(member.read(), path.joinpath(*member.parts))
    return []


def _from_abc_bytes(data: bytes, path: Path) -> list[Score]:
    try:
        return from_abc(data.decode("utf-8-sig"))
    except ValueError as error:  # of which UnicodeDecodeError is one
        raise DataError(str(error), path=path) from None
