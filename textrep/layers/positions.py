"""Where in a text a token stands: four ways to tell a Transformer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_choice, check_count, check_number

POSITIONS = ("learned", "sinusoidal", "rotary", "alibi")


class SinusoidalPositions(nn.Module):
    r"""Add sines and cosines of falling frequency to the vectors of tokens.

    Feature 2i of position p gets :math:`\sin(p / 10000^{2i/D})`, feature 2i + 1 the cosine. Nothing
    is learnt, and any position has a vector.

    Parameters
    ----------
    size : int
        Features D, an even number.

    References
    ----------
    A. Vaswani et al.: Attention is all you need, NeurIPS 2017, section 3.5.

    Examples
    --------
    >>> SinusoidalPositions(4)(torch.zeros(1, 2, 4))[0, 0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    frequencies: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        _check_even("size", size)
        frequencies = torch.exp(torch.arange(0, size, 2) * (-math.log(10_000.0) / size))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x: Tensor, positions: Tensor | None = None) -> Tensor:
        """Vectors with their positions.

        Parameters
        ----------
        x : Tensor, shape (B, T, D)
        positions : int64 Tensor, shape (T,) or (B, T), optional
            0 to T - 1 where absent.

        Returns
        -------
        Tensor, shape (B, T, D)
        """
        if positions is None:
            positions = torch.arange(x.shape[1], device=x.device)
        angles = positions[..., None].float() * self.frequencies  # (..., T, D / 2)
        table = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)  # (..., T, D)
        return x + table.to(x.dtype)


class LearnedPositions(nn.Module):
    """Add a learnt vector of each position to the vectors of tokens.

    Parameters
    ----------
    max_length : int
        Positions that there are.
    size : int
        Features D.
    """

    def __init__(self, max_length: int, size: int) -> None:
        super().__init__()
        check_count("max_length", max_length, 1)
        check_count("size", size, 1)
        self.weight = nn.Parameter(torch.empty(max_length, size))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: Tensor, positions: Tensor | None = None) -> Tensor:
        """Vectors (B, T, D) with their positions, (T,) or (B, T), or 0 to T - 1.

        Raises
        ------
        ValueError
            If there are more positions than were learnt.
        """
        if positions is not None:
            return x + self.weight[positions]
        if x.shape[1] > len(self.weight):
            raise ValueError(
                f"{x.shape[1]} tokens are more than the {len(self.weight)} positions that there are"
            )
        return x + self.weight[: x.shape[1]]


class RotaryPositions(nn.Module):
    """Turn queries and keys by angles that grow with the position.

    The product of a query and a key then depends on the distance between them alone. The first half
    of a head's features is paired with the second half, as in GPT-NeoX and Llama.

    Parameters
    ----------
    head_size : int
        Features d of a head, an even number.
    base : float, default=10_000.0
        Of the frequencies ``base ** (-2i / d)``.

    References
    ----------
    J. Su et al.: RoFormer: enhanced Transformer with rotary position embedding, 2021.

    Examples
    --------
    >>> rotary = RotaryPositions(2)
    >>> x = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    >>> turned = rotary.rotate(x, torch.tensor([0, 1]))[0, 0]
    >>> [round(float(value), 4) for value in turned.flatten()]  # by nothing, and by one radian
    [1.0, 0.0, 0.5403, 0.8415]
    """

    frequencies: Tensor

    def __init__(self, head_size: int, base: float = 10_000.0) -> None:
        super().__init__()
        _check_even("head_size", head_size)
        check_number("base", base, above=0)
        frequencies = base ** -(torch.arange(0, head_size, 2) / head_size)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        """Vectors of heads, turned.

        Parameters
        ----------
        x : Tensor, shape (B, H, T, d)
        positions : int64 Tensor, shape (T,) or (B, T)

        Returns
        -------
        Tensor, shape (B, H, T, d)
        """
        angles = positions[..., None].float() * self.frequencies  # (..., T, d / 2)
        if angles.ndim == 3:
            angles = angles[:, None]  # the same for all heads
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def alibi_slopes(n_heads: int) -> Tensor:
    """How fast the scores of each head fall with the distance, (H,).

    A geometric sequence that ends with 2 ** -8; where H is no power of two, every other slope of
    twice the next lower power fills up, as the authors do.

    Parameters
    ----------
    n_heads : int

    References
    ----------
    O. Press, N. A. Smith, M. Lewis: Train short, test long: attention with linear biases enables
    input length extrapolation, ICLR 2022.

    Examples
    --------
    >>> alibi_slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    check_count("n_heads", n_heads, 1)
    power = 2 ** int(math.log2(n_heads))
    slopes = [2.0 ** (-8.0 * i / power) for i in range(1, power + 1)]
    further = [2.0 ** (-8.0 * i / (2 * power)) for i in range(1, 2 * power + 1, 2)]
    return torch.tensor([*slopes, *further[: n_heads - power]])


def check_positions(positions: str, hidden_size: int, num_heads: int) -> None:
    """Refuse positions that there are not, and sizes without the pairs of features that some need.

    >>> check_positions("rotary", 6, 2)
    Traceback (most recent call last):
    ...
    ValueError: hidden_size must be an even multiple of num_heads=2 for positions='rotary', got 6
    """
    check_choice("positions", positions, POSITIONS)
    if positions == "rotary" and hidden_size // num_heads % 2:
        raise ValueError(
            f"hidden_size must be an even multiple of num_heads={num_heads} for "
            f"positions='rotary', got {hidden_size}"
        )
    if positions == "sinusoidal" and hidden_size % 2:
        raise ValueError(f"hidden_size must be even for positions='sinusoidal', got {hidden_size}")


def _check_even(name: str, value: int) -> None:
    check_count(name, value, 2)
    if value % 2:
        raise ValueError(f"{name} must be even, for pairs of features, got {value}")
