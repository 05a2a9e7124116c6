"""Sound: waves in files, spectrograms, and the way back from them."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Spectrogram": "spectrogram",
        "check_wave": "waves",
        "griffin_lim": "phases",
        "hz_to_mel": "mel",
        "istft": "fourier",
        "mel_filters": "mel",
        "mel_spectrogram": "mel",
        "mel_to_hz": "mel",
        "mel_to_linear": "mel",
        "read_wave": "waves",
        "resample": "waves",
        "spectral_convergence": "phases",
        "stft": "fourier",
        "write_wave": "waves",
    },
)
