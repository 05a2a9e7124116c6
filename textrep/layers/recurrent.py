"""Stacks of recurrent layers, in one or both directions, for rows of differing length."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from textrep.embeddings.parameters import check_choice, check_count, check_number
from textrep.layers.direction import GATES, Direction
from textrep.layers.dropout import LockedDropout, check_dropout
from textrep.layers.masks import PaddingMask

State = list[list[tuple[Tensor, ...]]]
"""Layer -> direction -> (h,) or (h, c), each (B, size). Used through the functions below."""

_PARTS = ("h", "c")


class RecurrentStack(nn.Module):
    """Layers of recurrent cells, each reading the output of the one below.

    Parameters
    ----------
    input_size : int
        Features of the input.
    hidden_size : int
        Features of each layer, in each direction.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        "rnn" is Elman's, with tanh.
    num_layers : int, default=1
    bidirectional : bool, default=False
        Whether each layer also reads from right to left. Its output is then the features of the
        forward direction followed by those of the backward one.
    dropout : float, default=0.0
        Between layers, with one mask for all steps of a row. There is none after the last layer.
    weight_dropout : float, default=0.0
        On the hidden-to-hidden weights, with one mask for all steps and rows of a forward pass.
    output_size : int, optional
        Features of the last layer in each direction, where not ``hidden_size``: that of the
        embedding in a language model that ties its weights.
    init : {"uniform", "orthogonal"}, default="uniform"
        Uniform between plus and minus ``init_range``, or orthogonal hidden-to-hidden weights.
    init_range : float, optional
        One over the square root of the features where absent, as in torch.
    forget_bias : float, optional
        Bias of the forget gates of an LSTM; 1 helps it to remember from the start.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory; Cho et al. (2014), Learning phrase
    representations using RNN encoder-decoder; Elman (1990), Finding structure in time; Merity et
    al. (2018), Regularizing and optimizing LSTM language models (`weight_dropout`).

    Examples
    --------
    >>> import torch
    >>> stack = RecurrentStack(4, 8, num_layers=2, bidirectional=True)
    >>> outputs, state = stack(torch.randn(3, 5, 4), lengths=torch.tensor([5, 2, 0]))
    >>> [tuple(output.shape) for output in outputs]
    [(3, 5, 16), (3, 5, 16)]
    >>> int(outputs[-1][1].abs().sum(1).gt(0).sum())  # padding is 0
    2
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        cell: str = "lstm",
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
        output_size: int | None = None,
        init: str = "uniform",
        init_range: float | None = None,
        forget_bias: float | None = None,
    ) -> None:
        super().__init__()
        check_count("input_size", input_size, 1)
        check_count("hidden_size", hidden_size, 1)
        check_choice("cell", cell, tuple(GATES))
        check_count("num_layers", num_layers, 1)
        check_dropout("dropout", dropout)
        check_dropout("weight_dropout", weight_dropout)
        if output_size is not None:
            check_count("output_size", output_size, 1)
        self.cell = cell
        self.bidirectional = bool(bidirectional)
        last = hidden_size if output_size is None else output_size
        self.sizes = [hidden_size] * (num_layers - 1) + [last]
        n_directions = 1 + self.bidirectional
        inputs = [input_size, *(size * n_directions for size in self.sizes[:-1])]
        self.layers = nn.ModuleList(
            nn.ModuleList(Direction(n, size, cell, weight_dropout) for _ in range(n_directions))
            for n, size in zip(inputs, self.sizes, strict=True)
        )
        self.dropout = LockedDropout(dropout)
        self._initialise(init, init_range, forget_bias)

    @property
    def output_size(self) -> int:
        """Features of the output, both directions together."""
        return self.sizes[-1] * (1 + self.bidirectional)

    def initial_state(self, n_rows: int) -> State:
        """The state before anything was read: zeros."""
        return [[direction.initial_state(n_rows) for direction in layer] for layer in self._pairs()]

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        state: State | None = None,
        *,
        with_state: bool = True,
    ) -> tuple[list[Tensor], State]:
        """Read rows that are padded on the right.

        Parameters
        ----------
        x : Tensor, shape (B, T, input_size)
            What stands at padding does not matter, as long as it is finite.
        lengths : Tensor of int64, shape (B,), optional
            Real steps of each row, from 0 to T, on any device; all T where absent. The backward
            direction reads each row from its last real step.
        state : State, optional
            Of an earlier call; zeros where absent.
        with_state : bool, default=True
            Whether the final state is wanted; false saves a little on padded rows of an LSTM.

        Returns
        -------
        outputs : list of Tensor, each (B, T, D)
            Of each layer, from the first to the last, 0 at padding. All but the last are given as
            the layer above read them, without its dropout.
        state : State
            After the last real step of each row, or the first where the direction is backward. A
            row without steps keeps its state. Empty where not wanted.
        """
        keep = _kept_steps(x, lengths)
        state = self._checked(state, len(x))
        order = _reversal(keep) if self.bidirectional and keep is not None else None
        outputs: list[Tensor] = []
        final: State = []
        for number, (directions, before) in enumerate(zip(self._pairs(), state, strict=True)):
            x = self.dropout(x) if number else x
            read = [
                _read(direction, x, part, keep, order, backward, with_state)
                for backward, (direction, part) in enumerate(zip(directions, before, strict=True))
            ]
            x = read[0][0] if len(read) == 1 else torch.cat([output for output, _ in read], dim=2)
            outputs.append(x)
            final.append([after for _, after in read])
        return outputs, final if with_state else []

    def extra_repr(self) -> str:
        """What ``repr`` shows."""
        return f"cell={self.cell!r}, sizes={self.sizes}, bidirectional={self.bidirectional}"

    def _pairs(self) -> list[list[Direction]]:
        return [list(layer) for layer in self.layers]  # type: ignore[call-overload]

    def _initialise(self, init: str, init_range: float | None, forget_bias: float | None) -> None:
        check_choice("init", init, ("uniform", "orthogonal"))
        if init_range is not None:
            check_number("init_range", init_range, above=0)
        if forget_bias is not None:
            check_number("forget_bias", forget_bias)
            if self.cell != "lstm":
                raise ValueError(f"forget_bias is of cell='lstm' only, got cell={self.cell!r}")
        for direction in (direction for layer in self._pairs() for direction in layer):
            if init == "orthogonal":
                direction.reset_orthogonal()
            elif init_range is not None:
                direction.reset_uniform(init_range)
            if forget_bias is not None:
                direction.set_forget_bias(forget_bias)

    def _checked(self, state: State | None, n_rows: int) -> State:
        expected = self.initial_state(n_rows)
        if state is None:
            return expected
        if _shapes(state) != _shapes(expected):
            raise ValueError(
                f"state must have the shapes {_shapes(expected)} (layer, direction, part), "
                f"got {_shapes(state)}"
            )
        return state


def detach_state(state: State) -> State:
    """The state without its history: gradients stop here (truncated back-propagation)."""
    return [[tuple(part.detach() for part in parts) for parts in layer] for layer in state]


def select_state(state: State, rows: Tensor) -> State:
    """The state of some rows, given by their numbers, repeated or reordered (beam search)."""
    return [[tuple(part[rows] for part in parts) for parts in layer] for layer in state]


def state_to_dict(state: State | None) -> dict[str, Tensor]:
    """The state by names such as "0.1.c" (layer, direction, part), as checkpoints store it.

    None, the state before anything was read, gives an empty dictionary.
    """
    return {
        f"{layer}.{direction}.{name}": part
        for layer, directions in enumerate(state or [])
        for direction, parts in enumerate(directions)
        for name, part in zip(_PARTS, parts, strict=False)
    }


def dict_to_state(tensors: Mapping[str, Tensor]) -> State | None:
    """What `state_to_dict` made a dictionary of; None of an empty one.

    Raises
    ------
    ValueError
        If a name is unknown or one is missing.
    """
    if not tensors:
        return None
    n_layers = 1 + max(_number(name, 0) for name in tensors)
    n_directions = 1 + max(_number(name, 1) for name in tensors)
    parts = [part for part in _PARTS if f"0.0.{part}" in tensors]
    try:
        state = [
            [
                tuple(tensors[f"{layer}.{direction}.{part}"] for part in parts)
                for direction in range(n_directions)
            ]
            for layer in range(n_layers)
        ]
    except KeyError as error:
        raise ValueError(f"the state lacks {error.args[0]!r}") from None
    if len(state_to_dict(state)) != len(tensors):
        raise ValueError(f"names of a state are like '0.1.c', got {sorted(tensors)}")
    return state


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Turn each row around within its length; what stands behind stays there.

    Parameters
    ----------
    x : Tensor (B, T, ...)
    lengths : int64 Tensor (B,)

    Returns
    -------
    Tensor (B, T, ...)

    Examples
    --------
    >>> reverse_within(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2])).tolist()
    [[3, 2, 1], [5, 4, 0]]
    """
    return _reverse(x, _reversal(PaddingMask.from_lengths(lengths, x.shape[1]).keep))


def _number(name: str, place: int) -> int:
    fields = name.split(".")
    if len(fields) != 3 or not fields[place].isdecimal() or int(fields[place]) > 10_000:
        raise ValueError(f"names of a state are like '0.1.c', got {name!r}")
    return int(fields[place])


def _shapes(state: State) -> list[list[list[tuple[int, ...]]]]:
    return [[[tuple(part.shape) for part in parts] for parts in layer] for layer in state]


def _kept_steps(x: Tensor, lengths: Tensor | None) -> Tensor | None:
    """Which steps (B, T) are real; None where all are known to be."""
    if lengths is None:
        return None
    if lengths.shape != x.shape[:1]:
        raise ValueError(
            f"lengths must have the shape ({len(x)},) of one number a row, "
            f"got {tuple(lengths.shape)}"
        )
    # On an accelerator looking at the values would make the host wait for it.
    if lengths.device.type == "cpu" and len(lengths):
        shortest, longest = int(lengths.min()), int(lengths.max())
        if shortest < 0 or longest > x.shape[1]:
            wrong = shortest if shortest < 0 else longest
            raise ValueError(f"lengths must be from 0 to T={x.shape[1]}, got {wrong}")
        if shortest == x.shape[1]:
            return None
    return PaddingMask.from_lengths(lengths.to(x.device), x.shape[1]).keep


def _reversal(keep: Tensor) -> Tensor:
    """Where the steps (B * T,) of rows reversed within their lengths come from; self-inverse."""
    lengths = keep.sum(dim=1, keepdim=True)
    steps = torch.arange(keep.shape[1], device=keep.device)
    steps = torch.where(keep, lengths - 1 - steps, steps)
    starts = torch.arange(len(keep), device=keep.device)[:, None] * keep.shape[1]
    return (starts + steps).flatten()


def _reverse(x: Tensor, order: Tensor | None) -> Tensor:
    if order is None:
        return x.flip(1)
    return x.flatten(0, 1).index_select(0, order).view_as(x)


def _read(
    direction: Direction,
    x: Tensor,
    state: tuple[Tensor, ...],
    keep: Tensor | None,
    order: Tensor | None,
    backward: int,
    with_state: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    if x.shape[1] == 0:  # the kernels refuse rows without steps
        return x.new_zeros(len(x), 0, direction.hidden_size), state
    if not backward:
        return direction(x, state, keep, with_state)
    output, final = direction(_reverse(x, order), state, keep, with_state)
    return _reverse(output, order), final
