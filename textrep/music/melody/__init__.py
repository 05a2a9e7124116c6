"""Melodies, note after note."""

from textrep.music.melody.melodies import melody_of
from textrep.music.melody.melody_lstm import MelodyLSTM

__all__ = ["MelodyLSTM", "melody_of"]
