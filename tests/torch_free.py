"""Import every module of the rooms that work without torch, with the heavy extras out of reach.

Run as a script, also in an environment that has only the core installed.
"""

from __future__ import annotations

import importlib
import importlib.abc
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

ROOMS = ("core", "data", "preprocess", "sparse", "embeddings", "comparison", "cli")
BLOCKED = frozenset(
    "torch transformers accelerate tokenizers diffusers PIL matplotlib symusic miditok soundfile "
    "dask distributed pandas polars pyarrow bm25s".split()
)


class _Blocker(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)
        return None


def import_rooms() -> list[str]:
    """Names of the modules imported, in order."""
    sys.meta_path.insert(0, _Blocker())
    import textrep

    imported = []
    present = {module.name for module in pkgutil.iter_modules(textrep.__path__)}
    for room in ROOMS:
        if room not in present:
            continue
        package = importlib.import_module(f"textrep.{room}")
        imported.append(package.__name__)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
            imported.append(module.name)
    return imported


if __name__ == "__main__":
    print(f"{len(import_rooms())} modules import without {', '.join(sorted(BLOCKED))}")
