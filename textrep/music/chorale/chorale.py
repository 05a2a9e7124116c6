"""`ChoraleModel`: chords one after another, with their likelihood."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.engine.seeding import seed_of
from textrep.generation.sampling import Sampler
from textrep.image.digests import array_digest
from textrep.layers.dropout import check_dropout
from textrep.music.chorale import frames as forms
from textrep.music.chorale.frames import Compass
from textrep.music.chorale.module import ChoraleModule
from textrep.music.chorale.task import ChoraleTask, FrameBatch, collate_windows, window_batches
from textrep.music.chorale.walk import FrameWalk
from textrep.music.sequence_estimator import SequenceEstimator

FRAMES = ("roll", "voices")
OUTPUTS = ("ordered", "independent")
AVERAGES = ("frames", "pieces")
_STEPS_AT_ONCE = 128  # frames that are scored together: memories are carried on behind them
_FRAMES_IN_BATCH = 2048
_ROWS_IN_BATCH = 16


class ChoraleModel(SequenceEstimator):
    """Learn which chords follow which, score pieces by it, and write new ones.

    A piece is a row of frames, at a fixed number a beat. Each pitch has an LSTM of its own, with
    the weights of all others, that reads which notes sounded in the frame before, by how far from
    it they are. The notes of a frame are chosen one after another, each given those before it, so
    that a chord is more than its notes. Since weights are shared, what is learnt of a chord is
    learnt of its transpositions.

    Parameters
    ----------
    frames : {"roll", "voices"}, default="roll"
        What a frame is: which pitches sound, or the pitch of each voice. With voices, a pitch that
        stays is a held note.
    outputs : {"ordered", "independent"}, default="ordered"
        How the notes of a frame are chosen. "ordered": from the lowest to the highest until the
        chord ends; of voices, the highest, the lowest, and then those between. "independent": each
        pitch, or voice, by itself.
    hidden_size : int, default=48
        Features of the LSTM of each pitch, and of what chooses among them.
    num_layers : int, default=1
    dropout : float, default=0.2
        Of what the LSTMs say, and of what is made of it.
    bar : int, default=4
        Frames after which places in the bar come again: 4 of quarter notes in 4/4, 16 of
        sixteenths.
    window : int, default=128
        Frames of a piece that are learnt from at once; longer pieces are cut, and each part then
        starts with an empty memory. Scores are always of whole pieces.
    transpose : bool, default=False
        Whether pieces are moved by up to six semitones up or down, by others in each epoch.
    epochs : int, default=20
    batch_size : int, default=8
        Pieces to a batch.
    learning_rate : float, default=4e-3
        The highest of `schedule`.
    schedule : str, default="cosine"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.05
        Share of all steps over which the rate rises, or steps from 1 on.
    weight_decay : float, default=0.01
        Of AdamW.
    ema_decay : float or None, default=0.98
        Answer with a moving average of the weights with this decay.
    validation_fraction : float, default=0.0
        Share of the pieces that is held out to tell which epoch was best.
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
    module_ : ChoraleModule
        On the CPU.
    lowest_, n_pitches_ : int
        The first column (of rolls) or pitch (of voices) that the model knows, and how many: those
        of the pieces of `fit` and six semitones beyond. Others are refused.
    width_ : int
        Columns of the rolls, or voices.
    history_ : list of dict
        Losses (nats a frame), learning rate and time of each epoch.
    n_epochs_, stopped_early_, out_of_time_
        See `textrep.engine.TorchEstimator`.

    Notes
    -----
    Nats of a frame depend on how long a frame is: the same chorales cost half as much in eighths
    as in quarters, since more frames repeat the one before. `pitch_markov` of the same data says
    what that alone is worth.

    References
    ----------
    N. Boulanger-Lewandowski, Y. Bengio, P. Vincent: Modeling temporal dependencies in
    high-dimensional sequences: application to polyphonic music generation and transcription, ICML
    2012 (the data and the measure).

    D. D. Johnson: Generating polyphonic music using tied parallel networks, EvoMUSART 2017.

    Examples
    --------
    >>> from textrep.music import ChoraleModel
    >>> chords = np.zeros((8, 88), bool)
    >>> chords[::2, [39, 43, 46]] = chords[1::2, [38, 41, 46]] = True
    >>> model = ChoraleModel(hidden_size=16, batch_size=1, epochs=10, learning_rate=0.02,
    ...                      device="cpu", random_state=0)
    >>> model.fit([chords] * 8).nats_per_frame([chords]) < 1
    True
    >>> model.sample(2, steps=5, random_state=0)[0].shape
    (5, 88)
    """

    module_: ChoraleModule
    lowest_: int
    n_pitches_: int
    width_: int

    def __init__(
        self,
        *,
        frames: str = "roll",
        outputs: str = "ordered",
        hidden_size: int = 48,
        num_layers: int = 1,
        dropout: float = 0.2,
        bar: int = 4,
        window: int = 128,
        transpose: bool = False,
        epochs: int = 20,
        batch_size: int = 8,
        learning_rate: float = 4e-3,
        schedule: str = "cosine",
        warmup: float = 0.05,
        weight_decay: float = 0.01,
        ema_decay: float | None = 0.98,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.frames = frames
        self.outputs = outputs
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.bar = bar
        self.window = window
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
        """Learn from pieces.

        Parameters
        ----------
        X : list of ndarray
            Rolls (steps, 88) or (steps, 128), or voices (steps, n_voices) with -1 for a rest.
        y : ignored
        validation : list of ndarray, optional
            Pieces to choose the best epoch by, in place of a share of `X`.

        Returns
        -------
        self : ChoraleModel

        Raises
        ------
        TypeError, ValueError
            If `X` holds something else, or a parameter is out of its range.
        """
        self._check_parameters(validation is not None)
        pieces, held_out = self._read(X, validation)
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside another compass
        module: Any = self._new_module()
        settings: dict[str, Any] = {"window": self.window, "batch_size": self.batch_size}
        seed = seed_of(self.random_state, "windows")
        self._train(
            ChoraleTask(module, bool(self.transpose)),
            window_batches(pieces, seed=seed, **settings),
            self._settings(),
            window_batches(held_out, shuffle=False, **settings) if held_out else None,
            identity={
                "parameters": self._training_parameters(),
                "data": [array_digest(np.concatenate(p)) for p in (pieces, held_out) if p],
            },
            description=type(self).__name__,
            unit="frames",
        )
        self.module_ = module
        return self

    def _read(
        self, X: Any, validation: Any
    ) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
        """Pieces to learn from, and those held out; sets the compass."""
        given = self._checked(X, "X")
        self.width_ = given[0].shape[1]
        compass_of = forms.compass_of_voices if self._has_voices else forms.compass_of_rolls
        self.lowest_, self.n_pitches_ = compass_of(given)
        pieces = self._channels(given, "X")
        if validation is not None:
            return pieces, self._channels(self._checked(validation, "validation"), "validation")
        return self._hold_out(pieces)

    def _check_parameters(self, has_validation: bool) -> None:
        check_choice("frames", self.frames, FRAMES)
        check_choice("outputs", self.outputs, OUTPUTS)
        for name in ("hidden_size", "num_layers", "bar", "window", "batch_size"):
            check_count(name, getattr(self, name), 1)
        check_dropout("dropout", self.dropout)
        if not isinstance(self.transpose, bool | np.bool_):
            raise ValueError(f"transpose must be True or False, got {shown(self.transpose)}")
        self._check_training(has_validation)

    def _build(self) -> ChoraleModule:
        return ChoraleModule(
            self.width_ if self._has_voices else 1,
            self.n_pitches_,
            voices=self._has_voices,
            ordered=self.outputs == "ordered",
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            dropout=self.dropout,
            bar=self.bar,
        )

    # ---- pieces and channels

    @property
    def _has_voices(self) -> bool:
        return self.frames == "voices"

    @property
    def _compass(self) -> Compass:
        return Compass(self.lowest_, self.n_pitches_)

    def _checked(self, X: Any, name: str) -> list[NDArray[Any]]:
        return [*(forms.check_voices if self._has_voices else forms.check_rolls)(X, name)]

    def _channels(self, pieces: Sequence[NDArray[Any]], name: str) -> list[NDArray[np.uint8]]:
        """Pieces as the network reads them, of the width of those of `fit`."""
        what = "voices" if self._has_voices else "pitches"
        if pieces[0].shape[1] != self.width_:
            raise ValueError(
                f"{name} has pieces of {pieces[0].shape[1]} {what}; those of fit have {self.width_}"
            )
        turn = forms.channels_of_voices if self._has_voices else forms.channels_of_rolls
        return turn(pieces, self._compass, name)

    def _pieces(self, channels: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """What the network wrote, (n, steps, C, P), in the form of the pieces of `fit`."""
        if self._has_voices:
            return [forms.voices_of_channels(piece, self._compass) for piece in channels]
        return [forms.rolls_of_channels(piece, self._compass, self.width_) for piece in channels]

    # ---- likelihoods

    def frame_log_likelihoods(self, X: Any) -> list[NDArray[np.float64]]:
        """Log-likelihood of each frame, given those before it; the first by itself.

        Parameters
        ----------
        X : list of ndarray

        Returns
        -------
        list of float64 ndarray (steps,)
            In nats.
        """
        self._check_fitted()
        pieces = self._channels(self._checked(X, "X"), "X")
        device = choose_device(self.device)
        lengths = [len(piece) for piece in pieces]
        with lent_to(self.module_, device) as module:
            found = apply_in_batches(
                lambda batch: _nats_of_pieces(module, batch),
                lengths,
                lambda rows: collate_windows(pieces, [(row, 0, lengths[row]) for row in rows]),
                device=device,
                precision="fp32",
                max_tokens=_FRAMES_IN_BATCH,
                max_rows=_ROWS_IN_BATCH,
            )
        return [
            -nats[:length].double().numpy() for nats, length in zip(found, lengths, strict=True)
        ]

    def log_likelihoods(self, X: Any) -> NDArray[np.float64]:
        """Log-likelihood of each piece, without that of its length.

        Parameters
        ----------
        X : list of ndarray

        Returns
        -------
        float64 ndarray (n_pieces,)
            In nats.
        """
        return np.array([values.sum() for values in self.frame_log_likelihoods(X)])

    def nats_per_frame(self, X: Any, *, average: str = "frames") -> float:
        """Negative log-likelihood of a frame; smaller is better.

        Parameters
        ----------
        X : list of ndarray
        average : {"frames", "pieces"}, default="frames"
            Over all frames alike, as in the published tables; or over the means of the pieces.

        Returns
        -------
        float
        """
        check_choice("average", average, AVERAGES)
        found = self.frame_log_likelihoods(X)
        if average == "pieces":
            return -float(np.mean([values.mean() for values in found]))
        return -float(np.concatenate(found).mean())

    def score(self, X: Any, y: Any = None) -> float:
        """Minus `nats_per_frame`; greater is better."""
        return -self.nats_per_frame(X)

    # ---- writing

    def sample(
        self,
        n: int = 1,
        *,
        steps: int = 64,
        prompt: Any = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: RandomState = None,
    ) -> list[NDArray[Any]]:
        """Write pieces.

        Parameters
        ----------
        n : int, default=1
        steps : int, default=64
            New frames of each.
        prompt : ndarray, optional
            A piece to go on from, which the answer begins with.
        temperature : float, default=1.0
            Below 1 the likely becomes likelier; 0 always takes the likeliest choice.
        top_k, top_p : int and float or None, default=None
            See `textrep.generation.sampling.Sampler`.
        random_state : None, int, Generator or RandomState, default=None
            None writes other pieces each time. A piece is the same whatever others are written.

        Returns
        -------
        list of ndarray, length n
            As the pieces of `fit`: bool (steps, width) or int16 (steps, n_voices).
        """
        self._check_fitted()
        check_count("n", n, 1)
        check_count("steps", steps, 1)
        sampler = Sampler(temperature, top_k, top_p)
        start = None
        if prompt is not None:
            start = self._channels(self._checked([prompt], "prompt"), "prompt")[0]
        with lent_to(self.module_, choose_device(self.device)) as module:
            walk = FrameWalk(module, sampler, self._generators(n, random_state))
            if start is not None:
                walk.read(start)
            new = walk.go_on(steps)
        if start is not None:
            new = np.concatenate([np.broadcast_to(start, (len(new), *start.shape)), new], axis=1)
        return self._pieces(new)

    def harmonise(
        self,
        soprano: Any,
        *,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: RandomState = None,
    ) -> NDArray[np.int16]:
        """Write the other voices to the highest, frame by frame.

        Parameters
        ----------
        soprano : int array (steps,)
            Its pitches, -1 for a rest.
        temperature : float, default=0.0
            0 takes the likeliest note for each voice; above, each call finds other voices.
        top_k, top_p : int and float or None, default=None
        random_state : None, int, Generator or RandomState, default=None

        Returns
        -------
        int16 ndarray (steps, n_voices)
            The first column is the soprano.

        Raises
        ------
        ValueError
            If the model has no voices, or a pitch is none that it knows.
        """
        self._check_fitted()
        if not self._has_voices:
            raise ValueError("harmonise needs frames='voices'; a roll has no soprano")
        pitches = np.asarray(soprano)
        if pitches.ndim != 1 or not len(pitches) or pitches.dtype.kind not in "iu":
            raise ValueError(f"soprano must be a row of pitches (steps,), got {shown(soprano)}")
        voice = forms.check_voices([pitches[:, None]], "soprano")
        channel = forms.channels_of_voices(voice, self._compass, "soprano")[0]
        numbers = np.where(channel[:, 0].any(axis=1), channel[:, 0].argmax(axis=1), self.n_pitches_)
        sampler = Sampler(temperature, top_k, top_p)
        with lent_to(self.module_, choose_device(self.device)) as module:
            walk = FrameWalk(module, sampler, self._generators(1, random_state))
            new = walk.go_on(len(numbers), numbers[None])
        return self._pieces(new)[0]


def _nats_of_pieces(module: ChoraleModule, batch: FrameBatch) -> torch.Tensor:
    """Nats (B, T) of whole pieces, part by part."""
    frames, starts, lengths = batch
    found = []
    state = None
    for first in range(0, frames.shape[1] - 1, _STEPS_AT_ONCE):
        part = frames[:, first : first + _STEPS_AT_ONCE + 1].float()
        features, state = module.remember(part[:, :-1], starts + first, state)
        found.append(module.nats_given(features, part[:, 1:], lengths - first))
    return torch.cat(found, dim=1)
