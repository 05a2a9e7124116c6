"""Chords one after another: choral music, frame by frame."""

from textrep.music.chorale.baselines import pitch_marginal, pitch_markov
from textrep.music.chorale.chorale import ChoraleModel

__all__ = ["ChoraleModel", "pitch_marginal", "pitch_markov"]
