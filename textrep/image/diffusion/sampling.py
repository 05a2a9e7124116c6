"""One step between noise and picture: DDIM, and DDPM as the case where all noise is drawn anew."""

from __future__ import annotations

import math

from torch import Tensor

PREDICTIONS = ("v", "epsilon")
METHODS = ("ddim", "ddpm")


def target_of(prediction: str, codes: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    r"""What a network is to say of :math:`\sqrt{\bar\alpha} x + \sqrt{1 - \bar\alpha} \epsilon`.

    Parameters
    ----------
    prediction : {"v", "epsilon"}
        The noise, or :math:`v = \sqrt{\bar\alpha} \epsilon - \sqrt{1 - \bar\alpha} x`, which tells
        of the picture where hardly anything is left of it.
    codes, noise : Tensor (B, ...)
    kept : Tensor
        :math:`\bar\alpha`, to be broadcast.

    References
    ----------
    T. Salimans, J. Ho: Progressive distillation for fast sampling of diffusion models, ICLR 2022,
    appendix D.
    """
    if prediction == "epsilon":
        return noise
    return kept.sqrt() * noise - (1 - kept).sqrt() * codes


def picture_of(prediction: str, x: Tensor, output: Tensor, kept: float | Tensor) -> Tensor:
    """What a network that said `output` of `x` takes for the code without noise."""
    signal = kept**0.5
    noise = (1 - kept) ** 0.5
    if prediction == "epsilon":
        return (x - noise * output) / signal
    return signal * x - noise * output


def step_between(
    x: Tensor,
    output: Tensor,
    kept: float,
    kept_next: float,
    *,
    prediction: str,
    clip: float,
    eta: float = 0.0,
    fresh: Tensor | None = None,
) -> Tensor:
    r"""One step of DDIM, towards the picture or away from it.

    Parameters
    ----------
    x : Tensor
        Where the network has looked, or from where the walk goes on.
    output : Tensor
        What it has said.
    kept, kept_next : float
        :math:`\bar\alpha` here and behind the step.
    prediction : {"v", "epsilon"}
    clip : float
        The code without noise is kept from `-clip` to `clip`, and the noise told anew by it.
    eta : float, default=0.0
        Share of the variance of DDPM's step that is drawn anew: 0 always goes the same way, 1 is
        DDPM with its smaller variance.
    fresh : Tensor, optional
        Standard normal numbers, needed where `eta` is not 0.

    References
    ----------
    J. Song, C. Meng, S. Ermon: Denoising diffusion implicit models, ICLR 2021, equations 12, 16.
    """
    code = picture_of(prediction, x, output, kept).clamp(-clip, clip)
    noise = (x - math.sqrt(kept) * code) / math.sqrt(1 - kept)
    deviation = eta * math.sqrt((1 - kept_next) / (1 - kept) * max(0.0, 1 - kept / kept_next))
    found = math.sqrt(kept_next) * code + math.sqrt(1 - kept_next - deviation**2) * noise
    return found if fresh is None or not deviation else found + deviation * fresh


def step_outward(
    x: Tensor, output: Tensor, kept: float, kept_next: float, *, prediction: str
) -> Tensor:
    """One step of DDIM from a picture towards its noise.

    Parameters
    ----------
    x : Tensor
        At `kept`.
    output : Tensor
        What the network has said of `x`, taken for one at `kept_next`: no noise can be told of a
        picture that has none.
    kept, kept_next : float
    prediction : {"v", "epsilon"}
    """
    noise = output
    if prediction == "v":
        noise = math.sqrt(kept_next) * output + math.sqrt(1 - kept_next) * x
    code = (x - math.sqrt(1 - kept) * noise) / math.sqrt(kept)
    return math.sqrt(kept_next) * code + math.sqrt(1 - kept_next) * noise


def guided(with_condition: Tensor, without: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: so many times the way from the second to the first.

    References
    ----------
    J. Ho, T. Salimans: Classifier-free diffusion guidance, 2022. Their w is `guidance` - 1.

    Examples
    --------
    >>> guided(3.0, 1.0, 2.0)  # numbers for tensors
    5.0
    """
    return without + guidance * (with_condition - without)
