"""The shared data, where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def folder(name: str) -> Path:
    """A folder of the data; skips the test where there is none."""
    root = os.environ.get("TEXTREP_DATA")
    if not root:
        pytest.skip("TEXTREP_DATA is not set")
    path = Path(root, name)
    if not path.is_dir():
        pytest.skip(f"there is no {path}")
    return path
