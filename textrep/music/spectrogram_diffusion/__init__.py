"""Spectrogram diffusion: sounds of a class, or of what a text says, out of noise."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "SpectrogramDiffusion": "estimator",
        "riffusion_sounds": "riffusion",
        "riffusion_spectrogram": "riffusion",
        "sound_clips": "clips",
    },
)
