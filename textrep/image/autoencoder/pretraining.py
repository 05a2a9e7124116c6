"""Layer after layer: how deep networks were trained before rectifiers and good first weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textrep.engine.device import choose_device
from textrep.engine.inference import lent_to
from textrep.engine.loop import train
from textrep.engine.settings import TrainingSettings
from textrep.image.autoencoder.module import AutoencoderModule, LayerTask
from textrep.image.estimator import PictureBatches
from textrep.image.pixels import Pixels

PRETRAINING = "pre-training"
_ROWS = 1024


def pretrain_layers(
    module: AutoencoderModule,
    pixels: Pixels,
    settings: TrainingSettings,
    *,
    loss: str,
    noise: tuple[str, float],
    batch_size: int,
    device: str,
    precision: str,
    seed: int,
    verbose: int,
    least: int = 1,
) -> list[dict[str, Any]]:
    """Train each layer of a dense autoencoder to reconstruct what the layers below it give.

    Parameters
    ----------
    module : AutoencoderModule
        Trained in place.
    pixels : pictures
    settings : TrainingSettings
        Of each layer.
    loss, noise, batch_size, device, precision, seed, verbose
        Of the first layer; of the others the squared error.
    least : int, default=1
        Pictures that a last batch must have.

    Returns
    -------
    list of dict
        The history, with the ``stage`` and the ``layer`` of each entry.

    References
    ----------
    Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle: Greedy layer-wise training of deep networks,
    NeurIPS 2006.
    """
    history: list[dict[str, Any]] = []
    values: NDArray[np.float32] = pixels.reshape(len(pixels), -1)
    blocks = list(module.encoder.blocks)
    mirrors = list(module.decoder.blocks)[::-1]
    for number, (block, mirror) in enumerate(zip(blocks, mirrors, strict=True)):
        task = LayerTask(block, mirror, module if number == 0 else None, loss, *noise)
        outcome = train(
            task,
            PictureBatches((values,), batch_size, seed + number, least=least),
            settings,
            device=device,
            precision=precision,
            seed=seed + number,
            verbose=verbose,
            description=f"Pre-training layer {number + 1}/{len(blocks)}",
            unit="pictures",
        )
        history += [{"stage": PRETRAINING, "layer": number, **e} for e in outcome.history]
        values = _given(block, values, device)
    return history


def _given(block: torch.nn.Module, values: NDArray[np.float32], device: str) -> NDArray[np.float32]:
    """What a layer gives."""
    chosen = choose_device(device)
    with torch.inference_mode(), lent_to(block, chosen) as lent:
        parts = [
            lent(torch.from_numpy(values[i : i + _ROWS]).to(chosen)).cpu()
            for i in range(0, len(values), _ROWS)
        ]
    return torch.cat(parts).numpy()
