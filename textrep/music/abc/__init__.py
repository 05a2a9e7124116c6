"""ABC, the notation in which folk tunes are typed: read into scores and written from melodies."""

from textrep.music.abc.reading import from_abc
from textrep.music.abc.writing import to_abc

__all__ = ["from_abc", "to_abc"]
