"""Whether a published encoder can be used: asked before the work, not after other rungs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from textrep.comparison.errors import ComparisonError
from textrep.core.messages import printable

_CONFIG = "config.json"


def check_checkpoint(checkpoint: str) -> None:
    """Refuse a folder that is none, or holds no model.

    Of a name on the hub only the rungs themselves find out whether it is there.

    Parameters
    ----------
    checkpoint : str
        Folder in the layout of Hugging Face, or name on its hub.

    Raises
    ------
    ComparisonError

    Examples
    --------
    >>> check_checkpoint("bert-base-uncased")
    """
    path = Path(checkpoint)
    named = f"checkpoint {printable(checkpoint)}"
    if path.is_dir():
        if not (path / _CONFIG).is_file():
            raise ComparisonError(
                f"{named}: the folder has no {_CONFIG}; give one in the layout of Hugging Face"
            )
    elif path.is_absolute() or checkpoint.startswith((".", "~")) or checkpoint.count(os.sep) > 1:
        raise ComparisonError(f"{named}: there is no such folder")
    elif importlib.util.find_spec("transformers") is None:
        raise ComparisonError(f"{named}: needs transformers: pip install 'textrep[neural]'")
