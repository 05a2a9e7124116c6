"""Music as tokens, one after another."""

from textrep.music.transformer.music_transformer import MusicTransformer

__all__ = ["MusicTransformer"]
