"""MuseGAN: phrases of several tracks, of four inputs that can be fixed one by one."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "INPUTS": "inputs",
        "MuseGAN": "musegan",
        "PhraseCritic": "networks",
        "PhraseGenerator": "networks",
        "phrases": "phrases",
        "phrases_to_voices": "phrases",
        "variation": "variation",
    },
)
