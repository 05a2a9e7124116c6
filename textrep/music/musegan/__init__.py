"""MuseGAN: phrases of several tracks, of four inputs that can be fixed one by one."""

from textrep.music.musegan.inputs import INPUTS
from textrep.music.musegan.musegan import MuseGAN
from textrep.music.musegan.networks import PhraseCritic, PhraseGenerator
from textrep.music.musegan.phrase_rolls import phrases, phrases_to_voices
from textrep.music.musegan.varying import Variation, variation

__all__ = [
    "INPUTS",
    "MuseGAN",
    "PhraseCritic",
    "PhraseGenerator",
    "Variation",
    "phrases",
    "phrases_to_voices",
    "variation",
]
