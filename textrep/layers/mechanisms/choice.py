"""Attention by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_choice
from textrep.engine.seeding import own_random
from textrep.layers.mechanisms.block_sparse import BlockSparseAttention, SlidingWindowAttention
from textrep.layers.mechanisms.linear import LinearAttention
from textrep.layers.mechanisms.linformer import LinformerAttention
from textrep.layers.mechanisms.lsh import LSHAttention
from textrep.layers.mechanisms.performer import PerformerAttention
from textrep.layers.multi_head import FullAttention, Mechanism

MECHANISMS: dict[str, Callable[..., Mechanism]] = {
    "full": FullAttention,
    "sliding-window": SlidingWindowAttention,
    "longformer": partial(BlockSparseAttention, window=64, n_global=1),
    "bigbird": partial(BlockSparseAttention, n_random=3, n_global=64),
    "linformer": LinformerAttention,
    "performer": PerformerAttention,
    "linear": LinearAttention,
    "lsh": LSHAttention,
}
"""What makes the attention of each name; ``longformer`` and ``bigbird`` are settings of one."""

ATTENTIONS = tuple(MECHANISMS)


def make_mechanism(
    name: str,
    /,
    *,
    head_size: int | None = None,
    max_length: int | None = None,
    **settings: Any,
) -> Mechanism:
    """The attention of a name.

    Parameters
    ----------
    name : str
        One of ``ATTENTIONS``.
    head_size, max_length : int, optional
        Features of a head and positions at most, for those that need to know; the others are
        not told.
    **settings
        Parameters of the class.

    Raises
    ------
    ValueError
        If there is no such name, or a setting that the class does not have, or one is missing.

    Examples
    --------
    >>> make_mechanism("sliding-window", head_size=8, window=3).window
    3
    >>> make_mechanism("linear", window=3)
    Traceback (most recent call last):
    ...
    ValueError: attention 'linear' has no setting 'window'; it has none
    """
    check_choice("attention", name, ATTENTIONS)
    factory = MECHANISMS[name]
    parameters = _parameters(name)
    for setting in settings:
        if setting not in parameters:
            allowed = ", ".join(map(repr, parameters)) or "none"
            raise ValueError(f"attention {name!r} has no setting {setting!r}; it has {allowed}")
    known = {"head_size": head_size, "max_length": max_length}
    given = {key: value for key, value in known.items() if value is not None and key in parameters}
    for parameter in parameters.values():
        if parameter.default is parameter.empty and parameter.name not in {**given, **settings}:
            raise ValueError(f"attention {name!r} needs the setting {parameter.name!r}")
    return factory(**{**given, **settings})


def mechanisms_of_layers(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    head_size: int,
    max_length: int,
    positions: str = "none",
    causal: bool = False,
) -> Callable[[int], Mechanism | None] | None:
    """What `TransformerStack` takes as ``mechanism``, for an estimator's parameters.

    Parameters
    ----------
    name : str
        ``attention`` of the estimator, one of ``ATTENTIONS``.
    settings : mapping, optional
        ``attention_settings`` of the estimator. Layers with random blocks have other ones each.
    head_size, max_length : int
        Of the model.
    positions : str, default="none"
        How the model tells positions apart.
    causal : bool, default=False
        Whether the model reads from left to right.

    Returns
    -------
    callable or None
        From the number of a layer to its attention; None for full attention.

    Raises
    ------
    ValueError
        If the attention cannot do what the model needs, or the settings are wrong.

    Examples
    --------
    >>> of_layer = mechanisms_of_layers("performer", head_size=8, max_length=100, causal=True)
    >>> of_layer(0).projection.shape
    torch.Size([128, 8])
    """
    check_choice("attention", name, ATTENTIONS)
    chosen = {} if settings is None else settings
    if not isinstance(chosen, Mapping):
        raise ValueError(f"attention_settings must be a dict, got {shown(settings)}")
    for known in ("head_size", "max_length"):
        if known in chosen:
            raise ValueError(
                f"attention_settings must leave out {known!r}, which follows from the model, got "
                f"{shown(chosen[known])}"
            )
    with own_random():  # a look at the settings draws nothing
        make_mechanism(name, head_size=head_size, max_length=max_length, **chosen)
    if name == "full":
        return None
    if causal and name == "linformer":
        raise ValueError(
            "attention='linformer' cannot be causal: its keys are sums over all positions, later "
            "ones included; a language model needs another attention"
        )
    if positions == "alibi":
        raise ValueError(
            f"positions='alibi' is added to the table of scores, which attention={name!r} does not "
            "make; choose other positions, or attention='full'"
        )

    def of_layer(number: int) -> Mechanism:
        own = dict(chosen)
        if "random_state" in _parameters(name):
            own["random_state"] = own.get("random_state", 0) + number
        return make_mechanism(name, head_size=head_size, max_length=max_length, **own)

    return of_layer


def _parameters(name: str) -> dict[str, inspect.Parameter]:
    """The settings of an attention, by name."""
    if name == "full":
        return {}  # nn.Module's own constructor takes anything
    factory = MECHANISMS[name]
    if factory is LinearAttention:
        return {}
    return dict(inspect.signature(factory).parameters)
