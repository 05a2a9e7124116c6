"""Parameters of diffusion models: out of range, each gets an error that names it."""

from __future__ import annotations

from typing import Any

from textrep.core.messages import shown
from textrep.embeddings.parameters import check_count


def check_channels(channels: Any, num_heads: Any) -> None:
    """Refuse what is neither "auto" nor a list of channels whose last number the heads divide.

    >>> check_channels([16, 24], 5)
    Traceback (most recent call last):
    ...
    ValueError: the last of channels must be a multiple of num_heads=5, got 24
    """
    check_count("num_heads", num_heads, 1)
    if isinstance(channels, str) and channels == "auto":
        last = 64
    elif isinstance(channels, list | tuple) and channels:
        for number in channels:
            check_count("channels", number, 1)
        last = channels[-1]
    else:
        raise ValueError(f"channels must be 'auto' or a list of integers, got {shown(channels)}")
    if last % num_heads:
        raise ValueError(
            f"the last of channels must be a multiple of num_heads={num_heads}, got {last}"
        )


def check_sides(name: str, divisor: int, sides: tuple[int, ...]) -> None:
    """Refuse sides that cannot be halved as often as a parameter asks for.

    >>> check_sides("latent_factor", 4, (28, 30))
    Traceback (most recent call last):
    ...
    ValueError: sides of 28 x 30 are no multiples of 4, which latent_factor asks for; resize the \
pictures or choose another latent_factor
    """
    if any(side % divisor for side in sides):
        height, width = sides
        raise ValueError(
            f"sides of {height} x {width} are no multiples of {divisor}, which {name} asks for; "
            f"resize the pictures or choose another {name}"
        )
