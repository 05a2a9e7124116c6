"""Diffusion: pictures out of noise, step by step, in pixels or in the codes of an autoencoder."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Denoiser": "module",
        "DenoisingUNet": "unet",
        "Diffusion": "estimator",
        "NoiseSchedule": "schedules",
        "PictureCoder": "coder",
    },
)
