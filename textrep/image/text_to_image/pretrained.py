"""Published Stable Diffusion, from a folder in the layout of diffusers."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from textrep.core.files import checked_folder
from textrep.core.messages import printable
from textrep.core.random import RandomState
from textrep.data.errors import DataError
from textrep.engine.device import choose_device, choose_precision
from textrep.engine.seeding import seed_of, torch_seed
from textrep.image.latent import normal_noise
from textrep.image.pixels import Pixels

_INDEX = "model_index.json"
_PIPELINE = "StableDiffusionPipeline"
_PROMPTS = 4  # at once


def check_folder(folder: str | os.PathLike[str]) -> str:
    """The absolute path of a folder that holds a Stable Diffusion.

    Raises
    ------
    DataError
        If there is none, or another model.
    """
    path = checked_folder(folder)
    name = printable(str(path))
    if not (path / _INDEX).is_file():
        raise DataError(
            f"there is no {_INDEX} in {name}; expected the folder of a Stable Diffusion as "
            "diffusers saves it"
        )
    try:
        index = json.loads((path / _INDEX).read_text(encoding="utf-8"))
        kind = index["_class_name"]
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise DataError(f"{_INDEX} in {name} is damaged: {error}") from None
    if kind != _PIPELINE:
        raise DataError(f"{name} holds a {kind!s:.60}, expected a {_PIPELINE}")
    return str(path.resolve())


def open_pipeline(folder: str) -> Any:
    """The pipeline of a folder, with weights from safetensors alone and nothing fetched.

    Raises
    ------
    ModuleNotFoundError
        If diffusers or transformers is not installed.
    DataError
        If a part is missing or damaged.
    """
    try:
        from diffusers import StableDiffusionPipeline
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Stable Diffusion needs diffusers: pip install 'textrep[image,neural]'"
        ) from None
    check_folder(folder)
    try:
        pipeline = StableDiffusionPipeline.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            safety_checker=None,
            requires_safety_checker=False,
        )
    except Exception as error:
        # diffusers, transformers and safetensors raise errors of many kinds for a broken folder.
        raise DataError(f"{printable(folder)} cannot be read: {error!s:.300}") from None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: Any,
    prompts: Sequence[str],
    *,
    method: str,
    steps: int,
    guidance: float,
    device: str,
    precision: str,
    random_state: RandomState,
) -> Pixels:
    """A picture of each prompt.

    Parameters
    ----------
    pipeline : diffusers.StableDiffusionPipeline
        Lent to the device; on the CPU again afterwards.
    prompts : sequence of str
    method : {"ddim", "ddpm"}
        In place of the scheduler of the folder, with its noise.
    steps : int
    guidance : float
    device, precision : str
    random_state : int, Generator, RandomState or None

    Returns
    -------
    float32 ndarray (n, 3, height, width)
    """
    import diffusers

    scheduler = {"ddim": diffusers.DDIMScheduler, "ddpm": diffusers.DDPMScheduler}[method]
    pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
    here = choose_device(device)
    fast = choose_precision(precision, here) == "bf16"
    side = pipeline.unet.config.sample_size
    shape = (pipeline.unet.config.in_channels, side, side)
    noise = torch.from_numpy(normal_noise(len(prompts), shape, random_state))
    found = []
    pipeline.to(here)
    try:
        with (
            torch.inference_mode(),
            torch_seed(seed_of(random_state, "steps"), here),
            torch.autocast(here.type, dtype=torch.bfloat16, enabled=fast),
        ):
            for start in range(0, len(prompts), _PROMPTS):
                part = slice(start, start + _PROMPTS)
                made = pipeline(
                    list(prompts[part]),
                    num_inference_steps=steps,
                    guidance_scale=guidance,
                    latents=noise[part].to(here),
                    output_type="np",
                )
                found.append(made.images)
    finally:
        pipeline.to("cpu")
    pictures = np.concatenate(found).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(np.clip(pictures, 0, 1), dtype=np.float32)
