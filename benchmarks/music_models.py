"""Settings of the models of `music.py`: chosen on validation parts, whose figures are not shown."""

from __future__ import annotations

from typing import Any

QUICK_SECONDS = 20.0
"""Of the training of each model, with --quick."""

CHORDS: dict[tuple[str, str], dict[str, Any]] = {
    # Set and outputs -> parameters of ChoraleModel.
    ("jsb", "independent"): {
        "outputs": "independent", "dropout": 0.05, "epochs": 24, "max_seconds": 300.0,
    },
    ("jsb", "ordered"): {"outputs": "ordered", "epochs": 20, "max_seconds": 400.0},
    # Small steps in short windows: after 120 s the validation part has 3.32 nats with batches of 2,
    # windows of 32 and a rate of 8e-3; 3.35 with 1, 64, 6e-3; 3.50 with 2, 64, 6e-3; 3.95 with 3,
    # 128, 4e-3.
    ("nottingham_rolls", "independent"): {
        "outputs": "independent", "dropout": 0.05, "batch_size": 2, "window": 32,
        "learning_rate": 8e-3, "epochs": 7, "max_seconds": 300.0,
    },
    ("nottingham_rolls", "ordered"): {
        "outputs": "ordered", "dropout": 0.05, "epochs": 4, "max_seconds": 480.0,
    },
}  # fmt: skip
VOICES: dict[str, Any] = {"frames": "voices", "bar": 16, "epochs": 15, "max_seconds": 600.0}
"""Of four voices in sixteenths, to write chorales: in the keys in which they are, since pieces that
were moved to other keys are written in all keys alike.
"""
VOICES_TEMPERATURE = 1.05
"""Against the validation part, pitch classes, note lengths and tonal distance are 1.17, 1.30 and
2.21 times the floor away at 1.0, and 0.83, 0.82 and 1.18 at this one. No others were tried.
"""

MELODY: dict[str, Any] = {"batch_size": 2, "epochs": 30, "max_seconds": 180.0}
"""Steps are what it lacks, and tunes moved to other keys need more of them: after 90 s with one
thread the validation part has 2.46 nats a note in batches of 2, 3.52 of 4, 3.64 of 16; of 4, moved,
2.93, at twice the rate 3.28, at a third of it 3.14.
"""
TRANSFORMER: dict[str, Any] = {"max_seconds": 420.0}
MUSEGAN: dict[str, Any] = {"epochs": 1000, "max_seconds": 420.0}
SOUNDS: dict[str, Any] = {"seconds": 2.048, "coder_epochs": 25, "max_seconds": 300.0}
"""Of pictures of organs in the validation part that only go through the autoencoder and back into
sound, a classifier hears 67 % as organs after 10 epochs of it, 80 % after 25; eight channels in
place of four make it worse in 10.
"""
JUDGE_EPOCHS = 8
"""Of the classifier that hears: of the validation part it hears 98 % right after 3, all after 8."""


def fitted(made: type, settings: dict[str, Any], *given: Any, quick: bool, **common: Any) -> Any:
    """A model of a class, trained with the time that it has."""
    seconds = min(settings.get("max_seconds", QUICK_SECONDS), QUICK_SECONDS) if quick else None
    chosen = {**settings, **common, "verbose": 1}
    if seconds is not None:
        chosen["max_seconds"] = seconds
    return made(**chosen).fit(*given)
