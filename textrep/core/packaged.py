"""Models that come with textrep."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "models"
"""Where they lie in the package, each as ``<name>.textrep``."""

_SUFFIX = ".textrep"


def packaged_names() -> list[str]:
    """The names of all models that come with textrep, sorted.

    Returns
    -------
    list of str
    """
    return sorted(path.stem for path in FOLDER.glob(f"*{_SUFFIX}"))


def packaged_path(name: str) -> Path:
    """The file of a model that comes with textrep.

    Parameters
    ----------
    name : str
        One of `packaged_names`.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        When there is no model of that name; the message lists those that there are.
    """
    names = packaged_names()
    if name in names:
        return FOLDER / f"{name}{_SUFFIX}"
    known = ", ".join(map(repr, names)) or "none"
    raise FileNotFoundError(
        f"there is no file {name!r}, and no model of that name comes with textrep; those that do: "
        f"{known}"
    )


def is_name(path: object) -> bool:
    """Whether something looks like the name of a model, not like the path of a file: a str without
    a folder or a suffix.
    """
    return isinstance(path, str) and bool(path) and Path(path).name == path and "." not in path
