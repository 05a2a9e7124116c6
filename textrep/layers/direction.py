"""One direction of one recurrent layer: one call of torch's fused kernel.

The kernels are called with explicit weights rather than through ``nn.LSTM``, so that weights can
be dropped out by a function of them, and without packed sequences, which cost the fast CPU path.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
"""Cell -> blocks of ``hidden_size`` rows in its weights, in torch's order."""

FROZEN = 1e4
"""Added to a gate before its sigmoid: 1 or 0 to the last bit, in half precision too."""


class Direction(nn.Module):
    """A recurrent layer that reads from left to right.

    Parameters
    ----------
    input_size, hidden_size : int
        Features in and out.
    cell : {"lstm", "gru", "rnn"}
        The last is Elman's, with tanh.
    weight_dropout : float, default=0.0
        Share of the hidden-to-hidden weights that a forward pass leaves out while training: one
        mask for all steps, drawn anew each time from the raw weights.

    Attributes
    ----------
    weight_ih : Parameter, shape (gates * hidden_size, input_size)
    weight_hh : Parameter, shape (gates * hidden_size, hidden_size)
    bias_ih, bias_hh : Parameter, shape (gates * hidden_size,)
        Laid out as those of ``nn.LSTM`` and its like.
    """

    def __init__(
        self, input_size: int, hidden_size: int, cell: str, weight_dropout: float = 0.0
    ) -> None:
        super().__init__()
        rows = GATES[cell] * hidden_size
        self.cell = cell
        self.hidden_size = hidden_size
        self.weight_dropout = weight_dropout
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        self.reset_uniform()

    @torch.no_grad()
    def reset_uniform(self, bound: float | None = None) -> None:
        """Draw all weights between -bound and bound; ``1 / sqrt(hidden_size)`` where absent."""
        bound = 1 / math.sqrt(self.hidden_size) if bound is None else bound
        for parameter in self.parameters():
            parameter.uniform_(-bound, bound)

    @torch.no_grad()
    def reset_orthogonal(self) -> None:
        """Glorot's input weights, an orthogonal matrix for each gate of the hidden ones, no bias.

        References
        ----------
        Saxe et al. (2014), Exact solutions to the nonlinear dynamics of learning in deep linear
        neural networks.
        """
        for weights in self.weight_ih.split(self.hidden_size):
            nn.init.xavier_uniform_(weights)
        for weights in self.weight_hh.split(self.hidden_size):
            nn.init.orthogonal_(weights)
        nn.init.zeros_(self.bias_ih)
        nn.init.zeros_(self.bias_hh)

    @torch.no_grad()
    def set_forget_bias(self, value: float) -> None:
        """Set the bias of an LSTM's forget gate, both parts of it together."""
        gate = slice(self.hidden_size, 2 * self.hidden_size)
        self.bias_ih[gate] = value
        self.bias_hh[gate] = 0

    def initial_state(self, n_rows: int) -> tuple[Tensor, ...]:
        """Zeros: (h,), or (h, c) of an LSTM, each (n_rows, hidden_size)."""
        zeros = self.weight_hh.new_zeros(n_rows, self.hidden_size)
        return (zeros, zeros) if self.cell == "lstm" else (zeros,)

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, ...],
        keep: Tensor | None = None,
        with_state: bool = True,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read rows that are padded on the right.

        Parameters
        ----------
        x : Tensor, shape (B, T, input_size), T at least 1
        state : tuple of Tensor, each (B, hidden_size)
            (h, c) of an LSTM, (h,) of the others.
        keep : Tensor of bool, shape (B, T), optional
            True at real steps; all where absent.
        with_state : bool, default=True
            Whether the final state is wanted. That of an LSTM costs a little where rows are padded.

        Returns
        -------
        output : Tensor, shape (B, T, hidden_size)
            0 at padding.
        state : tuple of Tensor, each (B, hidden_size)
            After the last real step of each row; the given state for a row without any. Empty where
            not wanted.
        """
        weights = self._weights()
        if keep is not None and with_state and self.cell == "lstm":
            x, weights = _stopping_at_padding(x, keep, weights)
        output, final = self._run(x, state, weights)
        if keep is not None:
            output = output.masked_fill(~keep[..., None], 0.0)
            final = (_last_real(output, state[0], keep), *final[1:])
        dtype = self.weight_hh.dtype
        return output, tuple(part.to(dtype) for part in final) if with_state else ()

    def _weights(self) -> list[Tensor]:
        hidden = F.dropout(self.weight_hh, self.weight_dropout, self.training)
        return [self.weight_ih, hidden, self.bias_ih, self.bias_hh]

    def _run(
        self, x: Tensor, state: tuple[Tensor, ...], weights: list[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        # One type for all that goes in: the kernels disagree on what autocast does with a mixture.
        kind = x.device.type
        low = torch.is_autocast_enabled(kind)
        dtype = torch.get_autocast_dtype(kind) if low else self.weight_hh.dtype
        x = x.to(dtype)
        weights = [weight.to(dtype) for weight in weights]
        hidden = [part.to(dtype)[None].contiguous() for part in state]
        # cuDNN has gradients in training mode only; without dropout of its own that is all it does.
        learning = self.training or torch.is_grad_enabled()
        options = (True, 1, 0.0, learning, False, True)  # bias, layers, ..., batch first
        with torch.autocast(kind, enabled=False):
            if self.cell == "lstm":
                output, h, c = _kernel("lstm")(x, hidden, weights, *options)
                return output, (h[0], c[0])
            name = "gru" if self.cell == "gru" else "rnn_tanh"
            output, h = _kernel(name)(x, hidden[0], weights, *options)
            return output, (h[0],)


def _kernel(name: str) -> Any:
    return getattr(torch._VF, name)


def _stopping_at_padding(
    x: Tensor, keep: Tensor, weights: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Input and weights of an LSTM whose cell stands still at padding.

    The kernel returns the cell only after the last step of the longest row. A further feature, 1 at
    padding, closes the input gate and opens the forget gate there: 0 and 1 exactly, so that the
    cell after the last step is that after the last real one, and so is its gradient.
    """
    padding = (~keep)[..., None].to(x.dtype)
    x = torch.cat([x.masked_fill(~keep[..., None], 0.0), padding], dim=2)
    size = weights[0].shape[0] // 4
    column = weights[0].new_zeros(4 * size, 1)
    column[:size] = -FROZEN
    column[size : 2 * size] = FROZEN
    return x, [torch.cat([weights[0], column], dim=1), *weights[1:]]


def _last_real(output: Tensor, initial: Tensor, keep: Tensor) -> Tensor:
    """Output (B, D) at the last real step of each row; the initial one where there is none."""
    lengths = keep.sum(dim=1)
    rows = torch.arange(len(output), device=output.device)
    last = output[rows, (lengths - 1).clamp(min=0)]
    return torch.where((lengths > 0)[:, None], last, initial.to(last.dtype))
