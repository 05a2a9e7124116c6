"""What reads files of others: every reader and loader of textrep, with a sound file for each."""

from __future__ import annotations

from tests.hostile.targets.media import MEDIA
from tests.hostile.targets.models import MODELS
from tests.hostile.targets.states import STATES
from tests.hostile.targets.target import Target
from tests.hostile.targets.texts import TEXTS
from tests.hostile.targets.vectors import VECTORS

TARGETS: dict[str, Target] = {
    target.name: target for target in (*TEXTS, *VECTORS, *MEDIA, *MODELS, *STATES)
}

__all__ = ["TARGETS", "Target"]
