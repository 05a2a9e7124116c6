"""Names of a package that are imported on first use (PEP 562)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def attach(
    module_name: str, names: Mapping[str, str], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make the module-level hooks that resolve a package's names lazily.

    Parameters
    ----------
    module_name : str
        The package, usually ``__name__``.
    names : mapping of str to str
        Public name -> submodule that defines it, relative to the package.
        A name must differ from its package's submodules: importing a submodule
        of that name would hide it.
    submodules : iterable of str, default=()
        Submodules reachable as attributes without being imported first.

    Returns
    -------
    getattr_hook : callable
        To be bound to ``__getattr__``.
    dir_hook : callable
        To be bound to ``__dir__``.
    all_names : list of str
        The sorted names, to be bound to ``__all__``.

    Examples
    --------
    >>> hook, _, names = attach("collections", {"Mapping": "abc"})
    >>> names
    ['Mapping']
    >>> hook("Mapping").__name__
    'Mapping'
    >>> hook("Maping")
    Traceback (most recent call last):
    ...
    AttributeError: module 'collections' has no attribute 'Maping'
    """
    modules = frozenset(submodules)

    def resolve(name: str) -> Any:
        if name in names:
            value = getattr(importlib.import_module(f"{module_name}.{names[name]}"), name)
            # Bound once, so that later uses do not come here again.
            setattr(sys.modules[module_name], name, value)
            return value
        if name in modules:
            return importlib.import_module(f"{module_name}.{name}")
        raise AttributeError(f"module {module_name!r} has no attribute {name!r}")

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[module_name]), *names, *modules})

    return resolve, list_names, sorted(names)
