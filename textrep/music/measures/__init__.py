"""Measures of music, and how far one set of pieces is from another."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "MusicReport": "report",
        "compare_music": "report",
        "drum_pattern_rate": "rhythm",
        "empty_bar_rate": "texture",
        "groove_similarity": "rhythm",
        "note_lengths": "rhythm",
        "pitch_class_entropy": "harmony",
        "pitch_class_histogram": "harmony",
        "pitch_classes_per_bar": "texture",
        "polyphony": "texture",
        "qualified_note_rate": "rhythm",
        "scale_consistency": "harmony",
        "tonal_centroids": "harmony",
        "tonal_distance": "harmony",
    },
)
