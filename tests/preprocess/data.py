"""What several tests need: the shared data, where it is at hand, and tampered model files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from textrep.core import container


def folder(name: str) -> Path:
    """A folder of the data; skips the test where there is none."""
    root = os.environ.get("TEXTREP_DATA")
    if not root:
        pytest.skip("TEXTREP_DATA is not set")
    path = Path(root, name)
    if not path.is_dir():
        pytest.skip(f"there is no {path}")
    return path


def with_state(path: Path, **changes: Any) -> Path:
    """A model file with other values in its state, as a hostile hand could write it."""
    contents = container.read(path)
    contents.model["state"].update(changes)
    container.write(path, contents)
    return path
