"""`SwitchTransformer`: a language model whose feed-forward layers are many experts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from textrep.core.messages import shown
from textrep.core.random import RandomState
from textrep.core.text import check_texts
from textrep.embeddings.parameters import check_count, check_number
from textrep.generation.expert_use import count_choices, expert_layers
from textrep.generation.gpt import GPT
from textrep.generation.gpt_module import GPTModule
from textrep.generation.switch_task import SwitchTask
from textrep.layers.dropout import check_dropout
from textrep.layers.experts import SwitchFeedForward


class SwitchTransformer(GPT):
    """Learn from texts what comes next, with experts of which each token needs one.

    A `GPT` in whose feed-forward layers a router sends each token to one of `n_experts` networks:
    the weights are many times as many, what a token costs is the same.

    Parameters
    ----------
    n_experts : int, default=8
        Experts of a layer.
    expert_every : int, default=1
        1 for experts in every layer, 2 for every other one, and so on.
    capacity_factor : float or None, default=1.25
        In training an expert takes in as many tokens of a batch as come to it if all are used
        alike, times this; those that come later pass the layer as they are. None for all.
    expert_dropout : float or None, default=None
        Dropout inside the experts; None for `dropout`. Small data want more of it.
    balance_weight : float, default=1e-2
        Times the loss that keeps experts equally used (alpha), summed over layers.
    z_weight : float, default=0.0
        Times the loss that keeps scores of the router small; 1e-3 in ST-MoE.
    jitter : float, default=0.0
        In training the router sees features times numbers between 1 - jitter and 1 + jitter.
    init_scale : float, default=0.1
        Of the first weights of routers and experts, see `textrep.layers.SwitchFeedForward`.
    level : {"subword", "word", "character", "byte", "whitespace"}, default="subword"
        This and what follows is as for `GPT`.
    lowercase : bool, default=False
    max_vocabulary : int or None, default=None
    min_count : int or None, default=None
    token_pattern : str or None, default=None
    vocab_size : int, default=8000
    tokenizer : object, path or None, default=None
    num_layers : int, default=4
    num_heads : int, default=4
    hidden_size : int, default=256
    inner_size : int or None, default=None
        Features inside each expert; None for four times `hidden_size`.
    activation : {"relu", "gelu", "gelu-tanh", "geglu", "swiglu"}, default="gelu"
    norm : {"pre", "post"}, default="pre"
    norm_kind : {"layer", "rms"}, default="layer"
    positions : {"learned", "sinusoidal", "rotary", "alibi"}, default="learned"
    attention : str, default="full"
    attention_settings : dict or None, default=None
    bias : bool, default=True
    tie_weights : bool, default=True
    output_bias : bool, default=False
    dropout : float, default=0.1
    max_length : int, default=256
    epochs : int, default=10
    max_steps : int or None, default=None
    batch_size : int, default=16
    learning_rate : float, default=1e-3
    schedule : str, default="cosine"
    warmup : float, default=0.05
    weight_decay : float, default=0.1
    betas : (float, float), default=(0.9, 0.99)
    max_grad_norm : float or None, default=1.0
    ema_decay : float or None, default=None
    validation_fraction : float, default=0.0
    patience : int or None, default=None
    max_seconds : float or None, default=None
    use_cache : bool, default=True
    checkpoint : path or None, default=None
    device : str, default="auto"
    precision : {"auto", "fp32", "bf16"}, default="auto"
    random_state : int, Generator, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    codec_, module_, history_, n_epochs_, stopped_early_, out_of_time_
        As for `GPT`. The history has two further figures, means over layers and tokens: `balance`,
        which is 1 where all experts have the same and `n_experts` where one has all, and `dropped`,
        the share of tokens that found no room.

    See Also
    --------
    GPT : The same with one feed-forward layer for all tokens.
    plot_expert_use : A picture of `expert_use`.

    Notes
    -----
    Outside training, experts take in whatever comes: with a limit, what a text gets would depend on
    the texts beside it.

    References
    ----------
    W. Fedus, B. Zoph, N. Shazeer: Switch Transformers: scaling to trillion parameter models with
    simple and efficient sparsity, JMLR 2022.

    Examples
    --------
    >>> from textrep import SwitchTransformer
    >>> model = SwitchTransformer(level="character", n_experts=2, num_layers=1, num_heads=2,
    ...                           hidden_size=16, max_length=8, dropout=0, learning_rate=0.01,
    ...                           epochs=30, device="cpu", random_state=0)
    >>> model.fit(["abcabcabcabc"] * 20).generate("ab", max_new_tokens=4, temperature=0)
    'cabc'
    >>> model.expert_use(["abcabc"]).shape  # layers, experts
    (1, 2)
    """

    def __init__(
        self,
        *,
        n_experts: int = 8,
        expert_every: int = 1,
        capacity_factor: float | None = 1.25,
        expert_dropout: float | None = None,
        balance_weight: float = 1e-2,
        z_weight: float = 0.0,
        jitter: float = 0.0,
        init_scale: float = 0.1,
        level: str = "subword",
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        min_count: int | None = None,
        token_pattern: str | None = None,
        vocab_size: int = 8000,
        tokenizer: Any = None,
        num_layers: int = 4,
        num_heads: int = 4,
        hidden_size: int = 256,
        inner_size: int | None = None,
        activation: str = "gelu",
        norm: str = "pre",
        norm_kind: str = "layer",
        positions: str = "learned",
        attention: str = "full",
        attention_settings: dict[str, Any] | None = None,
        bias: bool = True,
        tie_weights: bool = True,
        output_bias: bool = False,
        dropout: float = 0.1,
        max_length: int = 256,
        epochs: int = 10,
        max_steps: int | None = None,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        schedule: str = "cosine",
        warmup: float = 0.05,
        weight_decay: float = 0.1,
        betas: tuple[float, float] = (0.9, 0.99),
        max_grad_norm: float | None = 1.0,
        ema_decay: float | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        max_seconds: float | None = None,
        use_cache: bool = True,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            level=level,
            lowercase=lowercase,
            max_vocabulary=max_vocabulary,
            min_count=min_count,
            token_pattern=token_pattern,
            vocab_size=vocab_size,
            tokenizer=tokenizer,
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_size=hidden_size,
            inner_size=inner_size,
            activation=activation,
            norm=norm,
            norm_kind=norm_kind,
            positions=positions,
            attention=attention,
            attention_settings=attention_settings,
            bias=bias,
            tie_weights=tie_weights,
            output_bias=output_bias,
            dropout=dropout,
            max_length=max_length,
            epochs=epochs,
            max_steps=max_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            warmup=warmup,
            weight_decay=weight_decay,
            betas=betas,
            max_grad_norm=max_grad_norm,
            ema_decay=ema_decay,
            validation_fraction=validation_fraction,
            patience=patience,
            max_seconds=max_seconds,
            use_cache=use_cache,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_experts = n_experts
        self.expert_every = expert_every
        self.capacity_factor = capacity_factor
        self.expert_dropout = expert_dropout
        self.balance_weight = balance_weight
        self.z_weight = z_weight
        self.jitter = jitter
        self.init_scale = init_scale

    # ---- the network

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count("n_experts", self.n_experts, 1)
        check_count("expert_every", self.expert_every, 1)
        if self.expert_every > self.num_layers:
            raise ValueError(
                f"expert_every must be at most num_layers={self.num_layers}, or no layer has "
                f"experts, got {shown(self.expert_every)}"
            )
        if self.capacity_factor is not None:
            check_number("capacity_factor", self.capacity_factor, least=0)
        if self.expert_dropout is not None:
            check_dropout("expert_dropout", self.expert_dropout)
        check_number("balance_weight", self.balance_weight, least=0)
        check_number("z_weight", self.z_weight, least=0)
        check_number("jitter", self.jitter, least=0, most=1)
        check_number("init_scale", self.init_scale, above=0)

    def _feed_forward(self, layer: int) -> nn.Module | None:
        """Experts in the last layer of each `expert_every`."""
        if (layer + 1) % self.expert_every:
            return None
        shape = self._shape()
        return SwitchFeedForward(
            shape.size,
            shape.inner_size,
            self.n_experts,
            capacity_factor=self.capacity_factor,
            activation=self.activation,
            dropout=self.dropout if self.expert_dropout is None else self.expert_dropout,
            jitter=self.jitter,
            bias=self.bias,
            init_scale=self.init_scale,
        )

    def _task(self, module: GPTModule) -> SwitchTask:
        return SwitchTask(module, self.balance_weight, self.z_weight)

    # ---- what the experts do

    def expert_use(self, X: Any, groups: Any = None) -> Any:
        """How many of the tokens go to each expert.

        Parameters
        ----------
        X : iterable of str
        groups : sequence, length n_samples, optional
            What to tell apart: the language of each text, say.

        Returns
        -------
        float64 ndarray (n_expert_layers, n_experts), or dict of group to such
            Shares of the tokens of all texts, ends included, or of those of each group; rows sum to
            1. Layers are those that have experts, from below.

        Raises
        ------
        ValueError
            If there is not one group to each text.
        """
        self._check_fitted()
        texts = check_texts(X, name="X")
        names = None if groups is None else _check_groups(groups, len(texts))
        rows = [
            np.array([self.codec_.EOS, *row], dtype=np.int32)
            for row in self.codec_.encode_all(texts)
        ]
        counts = count_choices(self.module_, rows, device=self.device, precision=self.precision)
        if names is None:
            return _shares(counts.sum(axis=0))
        numbers: dict[Any, list[int]] = {}
        for number, name in enumerate(names):
            numbers.setdefault(name, []).append(number)
        return {name: _shares(counts[chosen].sum(axis=0)) for name, chosen in numbers.items()}

    @property
    def expert_layers_(self) -> list[int]:
        """Layers that have experts, counted from 0; rows of `expert_use`."""
        self._check_fitted()
        return list(expert_layers(self.module_))


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts (n_layers, n_experts) as shares of their rows."""
    return counts / counts.sum(axis=1, keepdims=True)


def _check_groups(groups: Any, n_texts: int) -> list[Any]:
    if isinstance(groups, str | Mapping) or not hasattr(groups, "__len__"):
        raise ValueError(
            f"groups must be a sequence with a group for each text, got {shown(groups)}"
        )
    names = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    if len(names) != n_texts:
        raise ValueError(
            f"groups must have one entry for each of {n_texts} texts, got {len(names)}"
        )
    return names
