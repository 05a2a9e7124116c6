"""Save the model that a comparison recommends, with its card."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textrep.comparison.errors import ComparisonError
from textrep.comparison.model_card import CARD_FILE, FORMAT_NAME, make_card
from textrep.comparison.model_readme import README_FILE, render_readme
from textrep.core.folders import atomic_folder
from textrep.core.messages import printable, shown
from textrep.core.persist import MODEL_FILE, save

if TYPE_CHECKING:
    from textrep.comparison.outcome import Outcome
    from textrep.comparison.result import ComparisonResult

_FILES = frozenset({MODEL_FILE, CARD_FILE, README_FILE})


def save_model(
    result: ComparisonResult, folder: str | os.PathLike[str], *, name: str | None = None
) -> Path:
    """Save the model of one rung to a folder.

    The folder holds ``model.textrep``, which `textrep.load` reads; ``card.json``, what is known
    about the model, for programs; and ``README.md``, the same for people. A model that was there
    is replaced as a whole: whatever goes wrong, the old one or the new one is there.

    Parameters
    ----------
    result : ComparisonResult
        Of a comparison that fitted the rung.
    folder : str or path-like
        The folder to make or replace; the one above must exist.
    name : str, optional
        Of the rung; None takes the recommended one, or the best where none is recommended.

    Returns
    -------
    Path
        Where the folder is.

    Raises
    ------
    ComparisonError
        When there is no such rung, it has no figures, or the folder must not be replaced.
    PersistError
        When the rung holds something that a file cannot hold safely.
    OSError
        When it cannot be written, as on a full disk.

    See Also
    --------
    load_model : Load it again.
    """
    outcome = _chosen(result, name)
    check_model_target(folder)
    card = make_card(result, outcome)
    estimator = result.model(outcome.name)
    path = Path(folder)
    try:
        with atomic_folder(path) as place:
            save(estimator, place / MODEL_FILE)
            # ASCII only, so that half a surrogate pair in a name survives.
            text = json.dumps(card, indent=2, allow_nan=False)
            (place / CARD_FILE).write_text(text + "\n", encoding="ascii")
            readme = render_readme(card)
            (place / README_FILE).write_text(readme, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        # The file that the system names is a temporary one.
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
    return path


def _chosen(result: ComparisonResult, name: str | None) -> Outcome:
    """The outcome of the rung to save."""
    if name is None:
        outcome = result.recommended_ or result.best_
        if outcome is None:
            raise ComparisonError("there is no model to save: no method got through")
        return outcome
    through = {each.name: each for each in result.outcomes if each.status == "ok"}
    if name not in through:
        raise ComparisonError(
            f"name={shown(name)}: no such method got through; "
            f"there are {', '.join(through) or 'none'}"
        )
    return through[name]


def check_model_target(
    folder: str | os.PathLike[str], source: str | os.PathLike[str] | None = None
) -> None:
    """Refuse a folder that a model must not or cannot be saved to.

    Parameters
    ----------
    folder : str or path-like
        Where the model is to go. A folder is replaced only where it is empty or holds a saved
        model and nothing else.
    source : str or path-like, optional
        File or folder with the data, which must not become part of the model, nor the model of it.

    Raises
    ------
    ComparisonError
        Says what is wrong and what to do about it.

    Examples
    --------
    >>> check_model_target(tempfile.mkdtemp())
    """
    path = Path(folder)
    try:
        fault = _fault(path.resolve(), None if source is None else Path(source))
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        fault = f"no folder can be made there: {getattr(error, 'strerror', None) or error}"
    if fault is not None:
        raise ComparisonError(f"{printable(str(folder))}: {fault}")


def _fault(target: Path, source: Path | None) -> str | None:
    """Why a folder cannot take a model, in words."""
    if target.exists() and not target.is_dir():
        return "this is a file; give the name of a folder"
    if not target.parent.is_dir():
        return f"the folder {printable(str(target.parent))} does not exist; make it first"
    if target.is_dir() and (fault := _not_replaceable(target)):
        return fault
    if source is not None and source.is_dir() and target.is_relative_to(source.resolve()):
        return "this is inside the folder of the data; give a place outside"
    try:
        # As when it is written: beside the target, whose place it takes.
        with tempfile.TemporaryDirectory(dir=target.parent):
            pass
    except OSError as error:
        return f"its folder cannot be written to: {error.strerror or error}"
    return None


def _not_replaceable(target: Path) -> str | None:
    if target == Path.cwd() or os.path.ismount(target):
        return "this is the current folder or a mount point; give the name of a folder in it"
    held = {entry.name for entry in target.iterdir()}
    if foreign := sorted(held - _FILES):
        return (
            f"the folder holds {shown(foreign[0])}, which is not part of a saved model and would "
            "be lost; give another name, or empty it"
        )
    if held and not _is_model(target):
        return "the folder is not empty and holds no saved model; give another name, or empty it"
    return None


def _is_model(folder: Path) -> bool:
    """Whether there is a card of ours, of whatever version, even beside a damaged model."""
    try:
        card = json.loads((folder / CARD_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(card, dict) and card.get("format") == FORMAT_NAME
