"""What every room shares: checked text input, save and load, progress, random streams."""

from typing import TYPE_CHECKING

from textrep.core.lazy import attach

if TYPE_CHECKING:
    from textrep.core.labels import LabelError, check_labels
    from textrep.core.persist import Persistent, PersistError, load, save
    from textrep.core.random import stream, streams
    from textrep.core.text import TextInputError, check_texts

# The function `progress` is not here: its module of the same name would hide it once imported.
__getattr__, __dir__, _names = attach(
    __name__,
    {
        "LabelError": "labels",
        "PersistError": "persist",
        "Persistent": "persist",
        "TextInputError": "text",
        "check_labels": "labels",
        "check_texts": "text",
        "load": "persist",
        "save": "persist",
        "stream": "random",
        "streams": "random",
    },
)

__all__ = [
    "LabelError",
    "PersistError",
    "Persistent",
    "TextInputError",
    "check_labels",
    "check_texts",
    "load",
    "save",
    "stream",
    "streams",
]
