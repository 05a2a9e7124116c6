"""What a decoder is given while it learns: the right words, or now and then its own."""

from __future__ import annotations

import torch
from torch import Tensor


def mix_inputs(inputs: Tensor, predicted: Tensor, teacher_forcing: float) -> Tensor:
    """Replace some of the right words by what the model would have said there.

    Each word is decided on alone. The first one, that begins every text, stays. Words carry no
    gradient, so none flows through what the model said.

    Parameters
    ----------
    inputs : Tensor of int64, shape (B, T)
        The right words, each moved on by one place: ``inputs[:, t]`` comes before what is learnt at
        t.
    predicted : Tensor of int64, shape (B, T)
        What the model says at t, given ``inputs[:, :t + 1]``.
    teacher_forcing : float
        Share of the right words that stay, from 0 to 1.

    Returns
    -------
    Tensor of int64, shape (B, T)
        A new one.

    References
    ----------
    S. Bengio, O. Vinyals, N. Jaitly, N. Shazeer: Scheduled Sampling for Sequence Prediction with
    Recurrent Neural Networks, NIPS 2015; in two passes, so that all words are computed at once, as
    by T. Mihaylova, A. Martins: Scheduled Sampling for Transformers, ACL SRW 2019.

    Examples
    --------
    >>> mix_inputs(torch.tensor([[2, 7, 8]]), torch.tensor([[5, 6, 3]]), 0.0)
    tensor([[2, 5, 6]])
    """
    said = predicted[:, :-1]
    stays = torch.rand(said.shape, device=said.device) < teacher_forcing
    return torch.cat([inputs[:, :1], torch.where(stays, inputs[:, 1:], said)], dim=1)
