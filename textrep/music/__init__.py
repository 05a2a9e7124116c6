"""Music: notes, MIDI and sound, and what makes them."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ChoraleModel": "chorale",
        "MelodyLSTM": "melody",
        "MuseGAN": "musegan",
        "MusicSet": "datasets",
        "MusicTransformer": "transformer",
        "Score": "score",
        "SpectrogramDiffusion": "spectrogram_diffusion",
        "Track": "score",
        "compare_music": "measures",
        "from_abc": "abc",
        "from_roll": "rolls",
        "from_tokens": "tokens",
        "griffin_lim": "sound",
        "load_music": "datasets",
        "mel_spectrogram": "sound",
        "music_page": "page",
        "read_midi": "midi",
        "read_wave": "sound",
        "save_piano_roll": "plots",
        "score_to_voices": "voices",
        "synthesize": "synthesizer",
        "to_abc": "abc",
        "to_roll": "rolls",
        "to_tokens": "tokens",
        "voices_to_frames": "voices",
        "voices_to_roll": "voices",
        "voices_to_score": "voices",
        "write_midi": "midi",
        "write_wave": "sound",
    },
)
