"""MIDI files, read and written through symusic."""

from __future__ import annotations

import os
import warnings
from pathlib import Path, PurePosixPath

import numpy as np

from textrep.core.files import atomic_write
from textrep.core.messages import printable, shown
from textrep.data.errors import DataError
from textrep.data.readers.archives import Member, open_members
from textrep.data.readers.files import check_size, open_file
from textrep.embeddings.parameters import check_choice
from textrep.music.midi_check import check_midi
from textrep.music.score import DURATION, PITCH, START, Notes, Score, Track
from textrep.music.symusic_notes import from_symusic, library, to_symusic

SUFFIXES = (".mid", ".midi")
ON_ERROR = ("warn", "raise")


def read_midi(path: str | os.PathLike[str]) -> Score:
    """Read a MIDI file.

    - Each channel and program of each track of the file becomes a track; those of channel 10 (9
      where one counts from 0) are drums. Files of format 0 and 1 are read.
    - Note-ons of one pitch are ended in the order in which they came: the first note-off ends the
      first of them. A note-on of velocity 0 is a note-off.
    - A note that is never ended is dropped; one of no length, as files of drums have them, lasts
      one tick.
    - Tempos, time signatures and key signatures are those of all tracks, whichever they stand in;
      a tempo of 0 microseconds and a key of more than 7 sharps or flats are dropped.
    - Names are read as UTF-8; what is none in them becomes U+FFFD.
    - Controllers, pitch bends and texts are not kept, nor are tracks without notes.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Score
        In the ticks of the file, with the name of the file, without its suffix, as its name.

    Raises
    ------
    DataError
        If it is not there, no plain file, no MIDI file, cut off or broken; a ValueError.
    ModuleNotFoundError
        If symusic is not installed.

    Examples
    --------
    >>> import tempfile
    >>> tune = Path(tempfile.mkdtemp(), "tune.mid")
    >>> write_midi(Score([Track([(0, 480, 60, 90)], program=73)]), tune)
    >>> read_midi(tune).tracks[0].notes.tolist(), read_midi(tune).name
    ([[0, 480, 60, 90]], 'tune')
    """
    where = _checked_path(path)
    try:
        with open_file(where) as file:
            check_size(where, os.fstat(file.fileno()).st_size)
            data = file.read()
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path=where) from None
    return score_of(data, name=where.stem, where=where)


def score_of(data: bytes, *, name: str = "", where: Path | None = None) -> Score:
    """Read the bytes of a MIDI file, as `read_midi` does.

    Parameters
    ----------
    data : bytes
    name : str, default=""
        Of the score.
    where : Path or None, default=None
        What messages call the file.

    Returns
    -------
    Score

    Raises
    ------
    DataError
        If they are no whole MIDI file.
    """
    symusic = library()
    try:
        check_midi(data)
        return from_symusic(symusic.Score.from_midi(data), name=name)
    except (ValueError, RuntimeError) as error:
        # What symusic refuses for reasons of its own is a RuntimeError.
        raise DataError(str(error), path=where) from None


def read_midi_folder(
    folder: str | os.PathLike[str], *, on_error: str = "warn"
) -> tuple[list[Score], list[tuple[str, str]]]:
    """Read all MIDI files of a folder or an archive, and pass over those that are broken.

    Parameters
    ----------
    folder : str or path
        Of the folder, whose sub-folders are read too, or of a tar or zip archive, which is not
        unpacked. Files of other kinds and hidden ones are passed over.
    on_error : {"warn", "raise"}, default="warn"
        What a broken file does: one warning in the end tells of all, or the first one raises.

    Returns
    -------
    scores : list of Score
        Sorted by path; the path inside the folder, without its suffix, is the name of each.
    failures : list of (str, str)
        Paths inside the folder of files that could not be read, each with the reason.

    Raises
    ------
    DataError
        If there is no such folder, the archive is broken, or a file is, and `on_error` says so.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_midi(Score([Track([(0, 480, 60, 90)])]), folder / "a.mid")
    >>> scores, failures = read_midi_folder(folder)
    >>> [score.name for score in scores], failures
    (['a'], [])
    """
    check_choice("on_error", on_error, ON_ERROR)
    path = _checked_path(folder)
    scores: list[Score] = []
    failures: list[tuple[str, str]] = []
    with open_members(path) as members:
        for member in members:
            if PurePosixPath(member.parts[-1]).suffix.lower() in SUFFIXES:
                try:
                    scores.append(score_of_member(member, path))
                except (DataError, OSError) as error:
                    if on_error == "raise":
                        raise
                    failures.append(("/".join(member.parts), printable(str(error))))
    failures.sort()
    warn_of_failures(failures, stacklevel=3)
    return sorted(scores, key=lambda score: score.name), failures


def warn_of_failures(failures: list[tuple[str, str]], *, stacklevel: int = 2) -> None:
    """Tell of files that could not be read: how many, and which and why the first one."""
    if failures:
        first, reason = failures[0]
        files = "1 file" if len(failures) == 1 else f"{len(failures)} files"
        warnings.warn(
            f"{files} could not be read; {printable(first)}: {reason}", stacklevel=stacklevel
        )


def score_of_member(member: Member, path: Path) -> Score:
    """The score in a MIDI file of a folder or archive, named by its path inside it."""
    inside = PurePosixPath(*member.parts)
    return score_of(member.read(), name=str(inside.with_suffix("")), where=path / inside)


def write_midi(score: Score, path: str | os.PathLike[str]) -> None:
    """Write a MIDI file of format 1, whole or not at all.

    What `read_midi` reads from it is the score again, to the note: tempos are rounded to whole
    microseconds of a quarter note, and tracks without notes left out. MIDI cannot say that a note
    ends before one of the same pitch that began earlier and still sounds on the same track; then
    the earlier one ends where the later one begins.

    Parameters
    ----------
    score : Score
    path : str or path
        The file to make or replace.

    Raises
    ------
    ValueError
        If the score holds what MIDI cannot say, such as 300 quarters to a bar.
    OSError
        If the folder does not exist or cannot be written to.
    """
    data = midi_of(score)
    with atomic_write(path) as file:
        file.write(data)


def midi_of(score: Score) -> bytes:
    """The bytes of the MIDI file that `write_midi` writes."""
    if not isinstance(score, Score):
        raise TypeError(f"score must be a Score, got {shown(score)}")
    plain = score.with_tracks([_pairable(track) for track in score.tracks])
    return bytes(to_symusic(plain).dumps_midi())


def _pairable(track: Track) -> Track:
    notes = without_nested(track.notes)
    return track if notes is track.notes else Track(notes, track.program, track.is_drum, track.name)


def without_nested(notes: Notes) -> Notes:
    """Notes of which none ends before an earlier one of its pitch.

    Parameters
    ----------
    notes : int64 ndarray (n, 4)
        Sorted, as those of a track are.

    Returns
    -------
    int64 ndarray (n, 4)
        The same array where there is nothing to do, as there mostly is.

    Examples
    --------
    >>> without_nested(np.array([[0, 960, 60, 90], [240, 120, 60, 90]])).tolist()
    [[0, 240, 60, 90], [240, 120, 60, 90]]
    """
    order = np.lexsort((notes[:, START], notes[:, PITCH]))
    ends = notes[:, START] + notes[:, DURATION]
    same = notes[order][1:, PITCH] == notes[order][:-1, PITCH]
    if not (same & (ends[order][1:] < ends[order][:-1])).any():
        return notes
    cut = notes.copy()
    for pitch in np.unique(notes[:, PITCH]):
        rows = np.flatnonzero(notes[:, PITCH] == pitch)
        first_end = following = np.iinfo(np.int64).max  # ends and starts of later notes
        for begin in np.unique(notes[rows, START])[::-1]:
            for row in rows[notes[rows, START] == begin]:
                if ends[row] > first_end:
                    cut[row, DURATION] = following - begin
            chord = rows[notes[rows, START] == begin]
            first_end = min(first_end, (begin + cut[chord, DURATION]).min())
            following = begin
    return cut


def _checked_path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise TypeError(f"path must be that of a file or folder, got {shown(path)}")
    return Path(path)
