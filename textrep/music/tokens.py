"""Scores as sequences of tokens and back, through miditok."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice, check_count
from textrep.music.score import DURATION, START, TICKS, Score, Track
from textrep.music.symusic_notes import from_symusic, to_symusic

SCHEMES = ("remi", "tsd", "midilike")
_CLASSES = {"remi": "REMI", "tsd": "TSD", "midilike": "MIDILike"}
_PITCHES = (0, 127)  # the end is excluded, and miditok allows no more
_PADDING = "PAD_None"  # in every vocabulary of miditok
# Numerators by denominator: what a bar of REMI may be.
_METERS = {2: (2, 3), 4: (1, 2, 3, 4, 5, 6, 7), 8: (3, 5, 6, 7, 9, 12)}
_PARAMETERS = (
    "scheme", "resolution", "longest", "velocities", "tempos", "time_signatures", "programs"
)  # fmt: skip


class MusicTokenizer:
    """Turns scores into numbers of tokens, and back.

    Times come to the nearest step and velocities to the nearest of their number; pitch 127 has no
    token. What is on the grid comes back exactly.

    Parameters
    ----------
    scheme : {"remi", "tsd", "midilike"}, default="remi"
        ``"remi"`` says the bar and the position in it (Huang and Yang 2020), ``"tsd"`` the time
        that passes, both with durations; ``"midilike"`` has note-offs.
    resolution : int, default=12
        Steps of a beat, which is an eighth in 6/8; 12 holds triplets and sixteenths.
    longest : int, default=16
        Beats of the longest note or pause that one token says; notes are cut to it.
    velocities : int, default=32
        Different ones; 0 leaves them out, and all notes come back with one.
    tempos : bool, default=False
        Whether tempos are said, to the nearest of 32 from 40 to 250.
    time_signatures : bool, default=True
        Whether they are said; else all bars are of 4/4. Halves, quarters and eighths, as they
        are common; others become 4/4.
    programs : bool, default=False
        Whether the instrument stands before each note. Else all tracks but drums become one.

    Attributes
    ----------
    vocabulary : list of str
        Tokens by their number.

    Raises
    ------
    ValueError
        For a parameter that is out of range.
    ModuleNotFoundError
        If miditok or symusic is not installed.

    References
    ----------
    Huang, Yang (2020): Pop Music Transformer. ACM Multimedia. Fradet et al. (2021): MidiTok.

    Examples
    --------
    >>> tokenizer = MusicTokenizer()
    >>> score = Score([Track([(0, 480, 60, 91), (480, 240, 64, 91)])])
    >>> tokenizer.tokens(score)[2:6]
    ['Position_0', 'Pitch_60', 'Velocity_91', 'Duration_1.0.12']
    >>> tokenizer.decode(tokenizer.encode(score)).tracks == score.tracks
    True
    """

    def __init__(
        self,
        *,
        scheme: str = "remi",
        resolution: int = 12,
        longest: int = 16,
        velocities: int = 32,
        tempos: bool = False,
        time_signatures: bool = True,
        programs: bool = False,
    ) -> None:
        check_choice("scheme", scheme, SCHEMES)
        check_count("resolution", resolution, 1, TICKS)
        check_count("longest", longest, 1, 64)
        check_count("velocities", velocities, 0, 127)
        self.scheme = scheme
        self.resolution = resolution
        self.longest = longest
        self.velocities = velocities
        self.tempos = tempos
        self.time_signatures = time_signatures
        self.programs = programs
        self.vocabulary: list[str] = [token for token in self._miditok.vocab if token != _PADDING]

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are."""
        return len(self.vocabulary)

    def tokens(self, score: Score) -> list[str]:
        """The tokens of a score; none for one without notes.

        Raises
        ------
        ValueError
            If it holds what MIDI cannot say.
        """
        score = score if self.programs else _merged(score)
        if not score.n_notes:
            return []  # miditok would say a bar
        given = to_symusic(score)
        found = self._miditok.encode(given)
        return list((found if self.programs else found[0]).tokens)

    def encode(self, score: Score) -> list[int]:
        """The numbers of the tokens of a score, each from 0 to below `vocabulary_size`."""
        numbers = self._numbers
        return [numbers[token] for token in self.tokens(score)]

    def decode(self, ids: Iterable[int], *, ticks: int = TICKS) -> Score:
        """The score that numbers of tokens say.

        Parameters
        ----------
        ids : iterable of int
            Of any order: what makes no note, such as a pitch without a duration, is passed over.
        ticks : int, default=480
            Of a quarter note.

        Returns
        -------
        Score

        Raises
        ------
        ValueError
            For a number that no token has.
        """
        return self.from_tokens([self._token(i, id_) for i, id_ in enumerate(ids)], ticks=ticks)

    def from_tokens(self, tokens: Sequence[str], *, ticks: int = TICKS) -> Score:
        """The score that tokens say.

        Raises
        ------
        ValueError
            For what is no token of the vocabulary; the message gives its position.
        """
        vocabulary = self._miditok.vocab
        ids = []
        for position, token in enumerate(_listed(tokens)):
            if token not in self._numbers:
                raise ValueError(f"tokens[{position}] is {shown(token)}, which is no token")
            ids.append(vocabulary[token])
        sequence = _library().TokSequence(ids=ids, tokens=list(tokens))
        found = self._miditok.decode(sequence if self.programs else [sequence])
        read = _in_ticks(from_symusic(found), ticks)
        # miditok makes up what no token says.
        return replace(
            read,
            tempos=read.tempos if self.tempos else (),
            time_signatures=read.time_signatures if self.time_signatures else (),
        )

    def to_state(self) -> dict[str, Any]:
        """Parameters and vocabulary, as JSON holds them."""
        state = {name: getattr(self, name) for name in _PARAMETERS}
        return {**state, "vocabulary": list(self.vocabulary)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> MusicTokenizer:
        """The tokenizer of a state; its tokens keep their numbers.

        Raises
        ------
        ValueError
            If it is no state of one, or the miditok that is installed has other tokens for these
            parameters.
        """
        whole = isinstance(state, Mapping) and {*_PARAMETERS, "vocabulary"} <= state.keys()
        vocabulary: Any = state["vocabulary"] if whole else None
        listed = isinstance(vocabulary, list) and all(isinstance(each, str) for each in vocabulary)
        if not listed:
            raise ValueError(f"the state of a tokenizer of music is damaged: {shown(state)}")
        made = cls(**{name: state[name] for name in _PARAMETERS})
        if sorted(made.vocabulary) != sorted(vocabulary):
            raise ValueError(
                "the tokens were made by another version of miditok, which has others for the "
                "same parameters; install the version that they were made with"
            )
        made.vocabulary = list(vocabulary)
        return made

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.vocabulary)}

    def _token(self, position: int, number: Any) -> str:
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or not 0 <= number < len(self.vocabulary):
            raise ValueError(
                f"ids[{position}] is {shown(number)}; expected an integer from 0 to "
                f"{len(self.vocabulary) - 1}"
            )
        return self.vocabulary[int(number)]

    @cached_property
    def _miditok(self) -> Any:
        miditok = _library()
        settings = miditok.TokenizerConfig(
            pitch_range=_PITCHES,
            beat_res={(0, self.longest): self.resolution},
            num_velocities=max(self.velocities, 1),
            special_tokens=[],
            use_velocities=self.velocities > 0,
            use_time_signatures=self.time_signatures,
            time_signature_range={below: list(above) for below, above in _METERS.items()},
            use_tempos=self.tempos,
            use_programs=self.programs,
        )
        return getattr(miditok, _CLASSES[self.scheme])(settings)


def _library() -> Any:
    try:
        import miditok  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "tokens of music need miditok: pip install 'textrep[music]'"
        ) from None
    return miditok


def to_tokens(score: Score, scheme: str = "remi", **options: Any) -> list[str]:
    """The tokens of a score.

    Parameters
    ----------
    score : Score
    scheme : {"remi", "tsd", "midilike"}, default="remi"
    **options
        Of `MusicTokenizer`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        For an option that is out of range.

    Examples
    --------
    >>> to_tokens(Score([Track([(0, 480, 60, 91)])]), velocities=0, time_signatures=False)
    ['Bar_None', 'Position_0', 'Pitch_60', 'Duration_1.0.12']
    """
    return MusicTokenizer(scheme=scheme, **options).tokens(score)


def from_tokens(tokens: Sequence[str], scheme: str = "remi", **options: Any) -> Score:
    """The score that tokens say; made with the same options as `to_tokens` had.

    Parameters
    ----------
    tokens : sequence of str
    scheme : {"remi", "tsd", "midilike"}, default="remi"
    **options
        Of `MusicTokenizer`.

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        For what is no token with these options.

    Examples
    --------
    >>> said = to_tokens(Score([Track([(0, 480, 60, 91)])]))
    >>> from_tokens(said).tracks[0].notes.tolist()
    [[0, 480, 60, 91]]
    """
    return MusicTokenizer(scheme=scheme, **options).from_tokens(tokens)


def _listed(tokens: Sequence[str]) -> list[str]:
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Iterable):
        raise ValueError(f"tokens must be a list of tokens, got {shown(tokens)}")
    return list(tokens)


def _merged(score: Score) -> Score:
    """A score with the notes of all tracks but drums on one."""
    if not isinstance(score, Score):
        raise TypeError(f"score must be a Score, got {shown(score)}")
    notes = [track.notes for track in score.tracks if not track.is_drum]
    return score.with_tracks([Track(np.concatenate(notes))] if notes else [])


def _in_ticks(score: Score, ticks: int) -> Score:
    """A score with other ticks of a quarter note, each time rounded to the nearest."""
    check_count("ticks", ticks, 1)

    def moved(tick: int) -> int:
        return round(tick * ticks / score.ticks)

    def changed(track: Track) -> Track:
        notes = track.notes.copy()
        ends = np.rint((notes[:, START] + notes[:, DURATION]) * (ticks / score.ticks))
        notes[:, START] = np.rint(notes[:, START] * (ticks / score.ticks))
        notes[:, DURATION] = np.maximum(ends - notes[:, START], 1)
        return Track(notes, track.program, track.is_drum)  # miditok makes up names

    return Score(
        tuple(changed(track) for track in score.tracks),
        ticks,
        tuple((moved(tick), tempo) for tick, tempo in score.tempos),
        tuple((moved(tick), above, below) for tick, above, below in score.time_signatures),
        tuple((moved(tick), sharps, minor) for tick, sharps, minor in score.key_signatures),
        score.name,
    )
