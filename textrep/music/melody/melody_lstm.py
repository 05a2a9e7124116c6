"""`MelodyLSTM`: melodies with their likelihood, note by note."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.files import atomic_write
from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_count
from textrep.engine.batches import LengthBatches
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.engine.seeding import seed_of
from textrep.generation.attention_plot import Attention, plot_attention
from textrep.generation.sampling import Sampler
from textrep.image.digests import array_digest
from textrep.layers.dropout import check_dropout
from textrep.music.melody.melodies import (
    RESOLUTION,
    DurationTable,
    Melody,
    check_melodies,
    score_of,
)
from textrep.music.melody.module import MelodyModule, MelodyTask, collate_melodies
from textrep.music.melody.writing import continue_melody
from textrep.music.plots import pitch_name
from textrep.music.score import PITCHES, REST, Score
from textrep.music.sequence_estimator import SequenceEstimator

_Numbers = tuple[NDArray[np.int64], NDArray[np.int64]]  # pitches and durations, as the network's

_DOTS_PER_INCH = 100


class MelodyLSTM(SequenceEstimator):
    """Learn which note follows in melodies, score melodies by it, and write new ones.

    A note is a pitch, or a rest, and how long it lasts. Two layers of LSTM read the notes so far,
    an attention looks back at all states that they had; from both comes the next pitch, and from
    these and that pitch how long it lasts. A melody has a start and an end of its own.

    Parameters
    ----------
    melody_track : int, default=0
        Track of a score that its melody is taken from; negative numbers count from the last.
    resolution : int, default=12
        Steps of a quarter note; of melodies that are given as such, what their steps are.
    min_count : int, default=2
        Notes that a duration must come in to have a class of its own. All others, and those of
        other data, are one class, which is scored but never written.
    embedding_size : int, default=48
        Features of a pitch, and of a duration.
    hidden_size : int, default=192
    num_layers : int, default=2
    dropout : float, default=0.3
    transpose : bool, default=False
        Whether melodies are moved by up to six semitones up or down, by others in each epoch.
    epochs : int, default=20
    batch_size : int, default=4
        Melodies to a batch: few, since a step for many teaches little more than one for few.
    learning_rate : float, default=3e-3
        The highest of `schedule`.
    schedule : str, default="cosine"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.05
        Share of all steps over which the rate rises, or steps from 1 on.
    weight_decay : float, default=0.01
        Of AdamW.
    ema_decay : float or None, default=None
        Answer with a moving average of the weights with this decay.
    validation_fraction : float, default=0.0
        Share of the melodies that is held out to tell which epoch was best.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on those.
    max_seconds : float or None, default=None
        Time for training, in which the learning rate falls.
    checkpoint : path or None, default=None
        File that interrupted training goes on from; `random_state` must then be an int.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Of training. Answers are computed in fp32.
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    module_ : MelodyModule
        On the CPU.
    durations_ : int64 ndarray
        Those that have a class of their own, in steps.
    history_ : list of dict
        ``loss`` and its parts ``pitch`` and ``duration``, in nats a note, learning rate and time of
        each epoch.
    n_epochs_, stopped_early_, out_of_time_
        See `textrep.engine.TorchEstimator`.

    References
    ----------
    D. Foster: Generative deep learning, O'Reilly 2019, chapter 7.

    Examples
    --------
    >>> from textrep.music import MelodyLSTM
    >>> scale = [(pitch, 6) for pitch in (60, 62, 64, 65, 67)]
    >>> model = MelodyLSTM(hidden_size=32, epochs=60, learning_rate=0.01, dropout=0, device="cpu",
    ...                    random_state=0).fit([scale] * 16)
    >>> model.sample(1, temperature=0)
    [[(60, 6), (62, 6), (64, 6), (65, 6), (67, 6)]]
    """

    module_: MelodyModule
    durations_: NDArray[np.int64]

    def __init__(
        self,
        *,
        melody_track: int = 0,
        resolution: int = RESOLUTION,
        min_count: int = 2,
        embedding_size: int = 48,
        hidden_size: int = 192,
        num_layers: int = 2,
        dropout: float = 0.3,
        transpose: bool = False,
        epochs: int = 20,
        batch_size: int = 4,
        learning_rate: float = 3e-3,
        schedule: str = "cosine",
        warmup: float = 0.05,
        weight_decay: float = 0.01,
        ema_decay: float | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.melody_track = melody_track
        self.resolution = resolution
        self.min_count = min_count
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.transpose = transpose
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # ---- fitting

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> Self:
        """Learn from melodies.

        Parameters
        ----------
        X : list of melodies, or of Score
            A melody is a list of (pitch, duration), with -1 for a rest and durations in steps.
        y : ignored
        validation : list of melodies, or of Score, optional
            To choose the best epoch by, in place of a share of `X`.

        Returns
        -------
        self : MelodyLSTM

        Raises
        ------
        TypeError, ValueError
            If `X` holds something else, or a parameter is out of its range.
        """
        self._check_parameters(validation is not None)
        melodies = self._checked(X, "X")
        table = DurationTable.of(melodies, self.min_count)
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside other durations
        self.durations_ = table.durations
        pieces = [_numbered(melody, table) for melody in melodies]
        if validation is None:
            pieces, held_out = self._hold_out(pieces)
        else:
            held_out = [_numbered(each, table) for each in self._checked(validation, "validation")]
        module: Any = self._new_module()
        self._train(
            MelodyTask(module, bool(self.transpose)),
            self._batches(pieces, seed=seed_of(self.random_state, "order")),
            self._settings(),
            self._batches(held_out, shuffle=False) if held_out else None,
            identity={
                "parameters": self._training_parameters(),
                "data": [
                    array_digest(np.concatenate([np.stack(pair) for pair in part], axis=1))
                    for part in (pieces, held_out)
                    if part
                ],
            },
            description=type(self).__name__,
            unit="notes",
        )
        self.module_ = module
        return self

    def _check_parameters(self, has_validation: bool) -> None:
        for name in (
            "resolution",
            "min_count",
            "embedding_size",
            "hidden_size",
            "num_layers",
            "batch_size",
        ):
            check_count(name, getattr(self, name), 1)
        check_dropout("dropout", self.dropout)
        if not isinstance(self.transpose, bool | np.bool_):
            raise ValueError(f"transpose must be True or False, got {shown(self.transpose)}")
        self._check_training(has_validation)

    def _batches(
        self, pieces: Sequence[_Numbers], *, seed: int = 0, shuffle: bool = True
    ) -> LengthBatches:
        start = 1 + len(self.durations_)
        return LengthBatches(
            [1 + len(pitches) for pitches, _ in pieces],
            lambda rows: collate_melodies([pieces[row] for row in rows], start),
            max_rows=self.batch_size,
            seed=seed,
            shuffle=shuffle,
        )

    def _build(self) -> MelodyModule:
        return MelodyModule(
            1 + len(self.durations_),
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
        )

    def _checked(self, X: Any, name: str) -> list[NDArray[np.int64]]:
        return check_melodies(X, name, track=self.melody_track, resolution=self.resolution)

    def _numbered(self, X: Any, name: str = "X") -> list[_Numbers]:
        self._check_fitted()
        table = DurationTable(self.durations_)
        return [_numbered(melody, table) for melody in self._checked(X, name)]

    # ---- likelihoods

    def log_likelihoods(self, X: Any) -> NDArray[np.float64]:
        """Log-likelihood of each melody and its end.

        Parameters
        ----------
        X : list of melodies, or of Score

        Returns
        -------
        float64 ndarray (n_melodies,)
            In nats.
        """
        return self._log_likelihoods(self._numbered(X))

    def _log_likelihoods(self, pieces: list[_Numbers]) -> NDArray[np.float64]:
        start = 1 + len(self.durations_)
        device = choose_device(self.device)
        with lent_to(self.module_, device) as module:
            found = apply_in_batches(
                lambda batch: torch.cat(module.nats(batch), dim=1).double().sum(1),
                [1 + len(pitches) for pitches, _ in pieces],
                lambda rows: collate_melodies([pieces[row] for row in rows], start),
                device=device,
                precision="fp32",
            )
        return np.array([-float(nats) for nats in found])

    def nats_per_note(self, X: Any) -> float:
        """Negative log-likelihood of a note, pitch and duration; smaller is better.

        Parameters
        ----------
        X : list of melodies, or of Score

        Returns
        -------
        float
            Over all notes, rests and ends of melodies.
        """
        pieces = self._numbered(X)
        total = math.fsum(self._log_likelihoods(pieces))
        return -total / sum(1 + len(pitches) for pitches, _ in pieces)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus `nats_per_note`; greater is better."""
        return -self.nats_per_note(X)

    # ---- writing

    def sample(
        self,
        n: int = 1,
        *,
        max_notes: int = 100,
        prompt: Any = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: RandomState = None,
    ) -> list[Melody]:
        """Write melodies.

        Parameters
        ----------
        n : int, default=1
        max_notes : int, default=100
            New notes of each; fewer where the melody ends before.
        prompt : melody or Score, optional
            To go on from; the answer begins with it.
        temperature : float, default=1.0
            Below 1 the likely becomes likelier; 0 always takes the likeliest pitch and duration.
        top_k, top_p : int and float or None, default=None
            See `textrep.generation.sampling.Sampler`.
        random_state : None, int, Generator or RandomState, default=None
            None writes other melodies each time. A melody is the same whatever others are written.

        Returns
        -------
        list of lists of (int, int), length n
            Each with a note at least.
        """
        self._check_fitted()
        check_count("n", n, 1)
        check_count("max_notes", max_notes, 1)
        sampler = Sampler(temperature, top_k, top_p)
        table = DurationTable(self.durations_)
        given = None if prompt is None else self._checked([prompt], "prompt")[0]
        begun: Melody = [] if given is None else [(int(p), int(d)) for p, d in given]
        start = _numbered(np.zeros((0, 2), np.int64) if given is None else given, table)
        with lent_to(self.module_, choose_device(self.device)) as module:
            found = continue_melody(
                module, start, sampler, self._generators(n, random_state), max_notes
            )
        return [
            begun + [(REST if p == PITCHES else p, table.duration(d)) for p, d in notes]
            for notes in found
        ]

    def to_scores(self, melodies: Any, *, program: int = 0) -> list[Score]:
        """Melodies as scores.

        Parameters
        ----------
        melodies : list of melodies
        program : int, default=0
            General MIDI instrument.

        Returns
        -------
        list of Score
        """
        return [
            score_of([(int(p), int(d)) for p, d in melody], self.resolution, program)
            for melody in self._checked(melodies, "melodies")
        ]

    # ---- attention

    def attention(self, melody: Any) -> NDArray[np.float32]:
        """What the network looks back at.

        Parameters
        ----------
        melody : melody or Score

        Returns
        -------
        float32 ndarray (n_notes, n_notes)
            Row i is what the note i is chosen by: column 0 is the state at the start, column j that
            after the note j - 1. Rows sum to 1, and nothing is seen of later states.
        """
        piece = self._numbered([melody], "melody")[0]
        batch = collate_melodies([piece], 1 + len(self.durations_))
        with torch.inference_mode(), lent_to(self.module_, choose_device("cpu")) as module:
            weights = module.features(batch.pitches, batch.durations)[1]
        return weights[0, :-1, :-1].numpy().astype(np.float32)

    def plot_attention(self, melody: Any, path: str | os.PathLike[str]) -> None:
        """Draw `attention` as a PNG.

        Parameters
        ----------
        melody : melody or Score
        path : path
            The file to make or replace.
        """
        weights = self.attention(melody)
        names = [_name(*note) for note in self._checked([melody], "melody")[0].tolist()]
        axes = plot_attention(Attention(["start", *names[:-1]], names, weights))
        axes.set_xlabel("looked back at")
        axes.set_ylabel("chosen")
        figure: Any = axes.figure
        with atomic_write(path) as file:
            figure.savefig(file, format="png", dpi=_DOTS_PER_INCH)


def _numbered(melody: NDArray[np.int64], table: DurationTable) -> _Numbers:
    """Pitches and durations by number."""
    pitches = np.where(melody[:, 0] == REST, PITCHES, melody[:, 0])
    return pitches, table.numbers(melody[:, 1])


def _name(pitch: int, duration: int) -> str:
    """A note as a picture names it.

    >>> _name(61, 12), _name(-1, 6)
    ('C#4 12', 'rest 6')
    """
    if pitch == REST:
        return f"rest {duration}"
    return f"{pitch_name(pitch)} {duration}"
