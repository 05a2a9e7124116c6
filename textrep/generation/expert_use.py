"""Which experts the tokens of texts go to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textrep.engine.batches import pad
from textrep.engine.device import choose_device
from textrep.engine.inference import apply_in_batches, lent_to
from textrep.generation.gpt_module import GPTModule
from textrep.layers.experts import SwitchFeedForward


class _Batch(NamedTuple):
    ids: Tensor  # int64 (B, T)
    lengths: Tensor  # int64 (B,)


def expert_layers(module: GPTModule) -> dict[int, SwitchFeedForward]:
    """Numbers of the blocks that have experts, and these."""
    layers = ((number, block.feed_forward) for number, block in enumerate(module.stack.blocks))
    return {number: layer for number, layer in layers if isinstance(layer, SwitchFeedForward)}


def count_choices(
    module: GPTModule, rows: Sequence[NDArray[np.integer]], *, device: str, precision: str
) -> NDArray[np.int64]:
    """Tokens of each row that go to each expert; padding goes to none.

    Parameters
    ----------
    module : GPTModule
    rows : sequence of integer arrays
        Read in windows of the length that the model sees.
    device, precision : str

    Returns
    -------
    int64 ndarray (n_rows, n_expert_layers, n_experts)
    """
    layers = list(expert_layers(module).values())
    n_experts = layers[0].n_experts
    windows = [
        (number, start, min(start + module.max_length, len(row)))
        for number, row in enumerate(rows)
        for start in range(0, len(row), module.max_length)
    ]

    def collate(numbers: NDArray[np.int64]) -> _Batch:
        parts = [rows[row][start:end] for row, start, end in (windows[i] for i in numbers)]
        return _Batch(pad(parts), torch.tensor([len(part) for part in parts]))

    def count(batch: _Batch) -> Tensor:
        with _overheard(layers) as chosen:
            module.hidden(batch.ids, lengths=batch.lengths)
        experts = torch.stack(chosen, dim=1)  # (B, L, T)
        real = torch.arange(batch.ids.shape[1], device=experts.device) < batch.lengths[:, None]
        found = experts.new_zeros(*experts.shape[:2], n_experts)
        return found.scatter_add_(2, experts, real[:, None].expand_as(experts).to(found))

    place = choose_device(device)
    with lent_to(module, place):
        answers = apply_in_batches(
            count,
            np.array([end - start for _, start, end in windows], dtype=np.int64),
            collate,
            device=place,
            precision=precision,
        )
    counts = np.zeros((len(rows), len(layers), n_experts), dtype=np.int64)
    for (row, _, _), answer in zip(windows, answers, strict=True):
        counts[row] += answer.numpy()
    return counts


@contextlib.contextmanager
def _overheard(layers: Sequence[SwitchFeedForward]) -> Iterator[list[Tensor]]:
    """A list that gets the experts (B, T) that each layer chooses while it is read."""
    chosen: list[Tensor] = []

    def listen(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(layer, SwitchFeedForward)
        chosen.append(layer.choose(inputs[0]))

    handles = [layer.register_forward_pre_hook(listen) for layer in layers]
    try:
        yield chosen
    finally:
        for handle in handles:
            handle.remove()
