"""`MusicTransformer`: whole scores as tokens, with their likelihood."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import shown, type_name
from textrep.core.random import RandomState
from textrep.embeddings.parameters import check_choice, check_count
from textrep.engine.device import choose_device, choose_precision
from textrep.engine.inference import lent_to
from textrep.engine.seeding import seed_of
from textrep.engine.windows import WindowBatches
from textrep.generation.gpt_module import GPTModule, GPTTask
from textrep.generation.sampling import Sampler
from textrep.generation.token_stream import join_rows
from textrep.generation.window_continuation import WindowContinuation
from textrep.generation.window_likelihood import token_log_likelihoods
from textrep.image.digests import array_digest
from textrep.layers.positions import check_positions
from textrep.layers.transformer import BlockShape
from textrep.music.score import Score
from textrep.music.sequence_estimator import SequenceEstimator, pieces_of
from textrep.music.tokens import SCHEMES, MusicTokenizer

_INNER = 4  # times the features of a position: inside the feed-forward layers
_MOST_SEMITONES = 12


class MusicTransformer(SequenceEstimator):
    """Learn from scores which token follows, score others by it, and write new ones.

    A score becomes tokens for its bars, positions, pitches, velocities and durations. A
    decoder-only Transformer, the network of `textrep.GPT`, learns what comes next in them. Its
    attention knows how far apart tokens are, not where they stand: what is learnt of a motif holds
    at any place.

    Parameters
    ----------
    scheme : {"remi", "tsd", "midilike"}, default="remi"
        What tokens say, see `textrep.music.tokens.MusicTokenizer`.
    token_settings : dict or None, default=None
        Further parameters of it, such as ``{"velocities": 0, "tempos": True}``.
    num_layers : int, default=4
    num_heads : int, default=4
    hidden_size : int, default=128
        Features of each position, a multiple of `num_heads`.
    positions : {"rotary", "alibi", "learned", "sinusoidal"}, default="rotary"
        The first two are relative, see `textrep.layers`.
    dropout : float, default=0.1
    max_length : int, default=512
        Tokens of a window: what training sees at once, and what a token can look back at.
    transpose : int, default=0
        Scores are learnt moved by each number of semitones up to so many, up and down, too; those
        held out are not.
    epochs : int, default=20
    batch_size : int, default=8
        Windows to a batch.
    learning_rate : float, default=1e-3
        The highest of `schedule`.
    schedule : str, default="cosine"
        See `textrep.engine.TrainingSettings`.
    warmup : float, default=0.05
        Share of all steps over which the rate rises, or steps from 1 on.
    weight_decay : float, default=0.1
        Of AdamW; not of biases and norms.
    ema_decay : float or None, default=None
        Answer with a moving average of the weights with this decay.
    validation_fraction : float, default=0.0
        Share of the scores that is held out to tell which epoch was best.
    patience : int or None, default=None
        Stop after so many epochs without a lower loss on those.
    max_seconds : float or None, default=None
        Time for training, in which the learning rate falls.
    checkpoint : path or None, default=None
        File that interrupted training goes on from; `random_state` must then be an int.
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    module_ : GPTModule
        On the CPU.
    tokenizer_ : MusicTokenizer
    history_ : list of dict
        Losses (nats a token), learning rate and time of each epoch.
    n_epochs_, stopped_early_, out_of_time_
        See `textrep.engine.TorchEstimator`.

    See Also
    --------
    textrep.GPT : The same of texts.

    References
    ----------
    C.-Z. A. Huang et al.: Music Transformer: generating music with long-term structure, ICLR 2019.

    Y.-S. Huang, Y.-H. Yang: Pop Music Transformer: beat-based modeling and generation of expressive
    pop piano compositions, ACM Multimedia 2020 (REMI).

    J. Su et al.: RoFormer: enhanced Transformer with rotary position embedding, 2021.

    Examples
    --------
    >>> from textrep.music import MusicTransformer, Score, Track
    >>> scale = Score([Track([(480 * i, 480, 60 + i, 100) for i in range(4)])])
    >>> model = MusicTransformer(num_layers=1, num_heads=2, hidden_size=16, epochs=2, device="cpu",
    ...                          random_state=0).fit([scale] * 4)
    >>> len(model.sample(2, max_tokens=8, random_state=0))
    2
    """

    module_: GPTModule
    tokenizer_: MusicTokenizer

    def __init__(
        self,
        *,
        scheme: str = "remi",
        token_settings: dict[str, Any] | None = None,
        num_layers: int = 4,
        num_heads: int = 4,
        hidden_size: int = 128,
        positions: str = "rotary",
        dropout: float = 0.1,
        max_length: int = 512,
        transpose: int = 0,
        epochs: int = 20,
        batch_size: int = 8,
        learning_rate: float = 1e-3,
        schedule: str = "cosine",
        warmup: float = 0.05,
        weight_decay: float = 0.1,
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
        self.scheme = scheme
        self.token_settings = token_settings
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_size = hidden_size
        self.positions = positions
        self.dropout = dropout
        self.max_length = max_length
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
        """Learn from scores.

        Parameters
        ----------
        X : list of Score
        y : ignored
        validation : list of Score, optional
            To choose the best epoch by, in place of a share of `X`.

        Returns
        -------
        self : MusicTransformer

        Raises
        ------
        TypeError, ValueError
            If `X` holds something else, or a parameter is out of its range.
        """
        self._check_parameters(validation is not None)
        scores = check_scores(X, "X")
        if validation is None:
            scores, held_out = self._hold_out(scores)
        else:
            held_out = check_scores(validation, "validation")
        self.__dict__.pop("module_", None)  # interrupted, it must not stay beside another tokenizer
        self.tokenizer_ = self._new_tokenizer()
        moved = range(-self.transpose, self.transpose + 1)
        rows = [
            row
            for by in moved
            for row in self._tokens([score.transposed(by) for score in scores], "X")
        ]
        stream = join_rows(rows, self._end)
        # Tunes are longer than windows, so that windows cut anywhere would hardly ever begin one.
        begins = np.cumsum([0, *(len(row) + 1 for row in rows[:-1])])
        watched = None
        if held_out:
            watched = join_rows(self._tokens(held_out, "validation"), self._end)
        module: Any = self._new_module()
        self._train(
            GPTTask(module),
            WindowBatches(
                stream,
                n_rows=self.batch_size,
                window=self.max_length,
                seed=seed_of(self.random_state, "windows"),
                begins=begins,
            ),
            self._settings(),
            None
            if watched is None
            else WindowBatches(
                watched, n_rows=self.batch_size, window=self.max_length, shuffle=False
            ),
            identity={
                "parameters": self._training_parameters(),
                "data": [array_digest(part) for part in (stream, watched) if part is not None],
            },
            description=type(self).__name__,
        )
        self.module_ = module
        return self

    def _check_parameters(self, has_validation: bool) -> None:
        check_choice("scheme", self.scheme, SCHEMES)
        for name in ("num_layers", "num_heads", "hidden_size", "max_length", "batch_size"):
            check_count(name, getattr(self, name), 1)
        check_count("transpose", self.transpose, 0, _MOST_SEMITONES)
        check_positions(self.positions, self.hidden_size, self.num_heads)
        self._shape()
        self._check_training(has_validation)

    def _new_tokenizer(self) -> MusicTokenizer:
        settings = {} if self.token_settings is None else self.token_settings
        if not isinstance(settings, dict) or "scheme" in settings:
            raise ValueError(
                "token_settings must be a dict of parameters other than scheme, got "
                f"{shown(settings)}"
            )
        try:
            return MusicTokenizer(scheme=self.scheme, **settings)
        except TypeError as error:
            raise ValueError(f"token_settings={shown(settings)}: {error}") from None

    def _shape(self) -> BlockShape:
        return BlockShape(
            size=self.hidden_size,
            n_heads=self.num_heads,
            inner_size=_INNER * self.hidden_size,
            dropout=self.dropout,
        )

    def _build(self) -> GPTModule:
        return GPTModule(
            self._end + 1, self._shape(), self.num_layers, self.max_length, positions=self.positions
        )

    # ---- scores and tokens

    @property
    def _end(self) -> int:
        """The number, behind those of the tokenizer, that stands before and after each score."""
        return int(self.tokenizer_.vocabulary_size)

    def _tokens(self, scores: Sequence[Score], name: str) -> list[NDArray[np.int32]]:
        for number, score in enumerate(scores):
            said = [t for t in score.tracks if self.tokenizer_.programs or not t.is_drum]
            if not any(len(track.notes) for track in said):
                raise ValueError(
                    f"{name}[{number}] has notes of drums alone, which tokens say with "
                    "token_settings={'programs': True} only"
                )
        return [np.asarray(self.tokenizer_.encode(score), dtype=np.int32) for score in scores]

    # ---- likelihoods

    def log_likelihoods(self, X: Any) -> NDArray[np.float64]:
        """Log-likelihood of each score, as its tokens and their end.

        Parameters
        ----------
        X : list of Score
            One longer than `max_length` tokens is read in windows that overlap by half.

        Returns
        -------
        float64 ndarray (n_scores,)
            In nats.
        """
        return np.array([values.sum() for values in self._of_tokens(X)])

    def nats_per_token(self, X: Any) -> float:
        """Negative log-likelihood of a token; smaller is better.

        Parameters
        ----------
        X : list of Score

        Returns
        -------
        float
            Over all tokens and ends of scores.
        """
        found = self._of_tokens(X)
        return -math.fsum(map(math.fsum, found)) / sum(map(len, found))

    def score(self, X: Any, y: Any = None) -> float:
        """Minus `nats_per_token`; greater is better."""
        return -self.nats_per_token(X)

    def _of_tokens(self, X: Any) -> list[NDArray[np.float64]]:
        self._check_fitted()
        rows = self._tokens(check_scores(X, "X"), "X")
        ended = [np.array([self._end, *row, self._end], dtype=np.int32) for row in rows]
        return token_log_likelihoods(
            self.module_, ended, device=self.device, precision=self.precision
        )

    # ---- writing

    def sample(
        self,
        n: int = 1,
        *,
        max_tokens: int = 512,
        prompt: Score | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: RandomState = None,
    ) -> list[Score]:
        """Write scores.

        Parameters
        ----------
        n : int, default=1
        max_tokens : int, default=512
            New tokens of each; fewer where the score ends before.
        prompt : Score, optional
            To go on from; the answer begins with it.
        temperature : float, default=1.0
            Below 1 the likely becomes likelier; 0 always takes the likeliest token.
        top_k, top_p : int and float or None, default=None
            See `textrep.generation.sampling.Sampler`.
        random_state : None, int, Generator or RandomState, default=None
            None writes other scores each time. A score is the same whatever others are written.

        Returns
        -------
        list of Score, length n
        """
        self._check_fitted()
        check_count("n", n, 1)
        check_count("max_tokens", max_tokens, 1)
        sampler = Sampler(temperature, top_k, top_p)
        begun = np.zeros(0, dtype=np.int32)
        if prompt is not None:
            begun = self._tokens(check_scores([prompt], "prompt"), "prompt")[0]
        written = [begun.tolist() for _ in range(n)]
        with lent_to(self.module_, choose_device(self.device)) as module:
            continuation = WindowContinuation(
                module,
                [begun] * n,
                sampler,
                self._generators(n, random_state),
                eos=self._end,
                precision=choose_precision(self.precision, module.embedding.weight.device),
            )
            for step in continuation.steps(max_tokens):
                for row, token in step:
                    written[row].append(token)
        return [self.tokenizer_.decode(tokens) for tokens in written]

    # ---- saving

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        if "tokenizer_" in state:
            state["tokenizer"] = state.pop("tokenizer_").to_state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "tokenizer" in state:
            self.tokenizer_ = MusicTokenizer.from_state(state.pop("tokenizer"))
        super()._set_state(state)


def check_scores(X: Any, name: str) -> list[Score]:
    """Scores with notes.

    Raises
    ------
    TypeError
        If it is no collection of scores.
    ValueError
        If there is none, or one has no notes.

    Examples
    --------
    >>> check_scores([Score([])], "X")
    Traceback (most recent call last):
    ...
    ValueError: X[0] has no notes
    """
    scores = pieces_of(X, name)
    for number, score in enumerate(scores):
        if not isinstance(score, Score):
            raise TypeError(f"{name}[{number}] must be a Score, got {type_name(score)}")
        if not score.n_notes:
            raise ValueError(f"{name}[{number}] has no notes")
    return scores
