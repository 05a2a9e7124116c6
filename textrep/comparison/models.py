"""The fitted models of a comparison, on the disk until somebody asks for one."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path

from textrep.comparison.calibration import TemperatureScaledClassifier
from textrep.comparison.errors import ComparisonError
from textrep.comparison.journal import Journal
from textrep.comparison.workers.jobs import MODEL, PICKLED_MODEL
from textrep.core.messages import shown
from textrep.core.persist import load


class Models:
    """Fitted models by the names of their rungs; each is read when it is first asked for.

    Parameters
    ----------
    folders : mapping of str to Path
        Folder of the job that fitted each.
    journal : Journal
        That holds the folders; it is removed with the last reference to the models.

    Examples
    --------
    >>> Models({}, Journal(None)).load("tfidf-svm")
    Traceback (most recent call last):
    ...
    textrep.comparison.errors.ComparisonError: no model of 'tfidf-svm' is kept; there are none
    """

    def __init__(self, folders: Mapping[str, Path], journal: Journal) -> None:
        self._paths = {
            name: path for name, folder in folders.items() if (path := _model_in(folder))
        }
        self._loaded: dict[str, TemperatureScaledClassifier] = {}
        self._release = weakref.finalize(self, journal.close, finished=True)

    def load(self, name: str) -> TemperatureScaledClassifier:
        """The model of a rung.

        Parameters
        ----------
        name : str
            Of the rung.

        Returns
        -------
        TemperatureScaledClassifier
            Fitted; its ``estimator_`` is the pipeline.

        Raises
        ------
        ComparisonError
            When there is none.
        """
        if name not in self._loaded:
            path = self._paths.get(name)
            if path is None:
                have = ", ".join(self._paths) or "none"
                raise ComparisonError(f"no model of {shown(name)} is kept; there are {have}")
            try:
                self._loaded[name] = _read(path)
            except FileNotFoundError:
                # A copy of the models, as pickle makes one, does not keep their files.
                raise ComparisonError(
                    f"the model of {shown(name)} went with the result that it belongs to; save it "
                    "(result.save) while there is that result"
                ) from None
        return self._loaded[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the rungs whose models are kept."""
        return tuple(self._paths)

    def leave(self, names: Iterable[str], journal: Journal) -> None:
        """Leave the folders to a run that goes on from them, and keep some models in memory.

        Parameters
        ----------
        names : iterable of str
            Of the models to keep; one that is not there is passed over.
        journal : Journal
            That holds the folders.
        """
        kept = {name: self.load(name) for name in names if name in self._paths}
        self._release.detach()
        self._paths = {name: self._paths[name] for name in kept}
        journal.close(finished=False)


def _model_in(folder: Path) -> Path | None:
    return next((path for name in (MODEL, PICKLED_MODEL) if (path := folder / name).exists()), None)


def _read(path: Path) -> TemperatureScaledClassifier:
    if path.name == MODEL:
        return load(path)
    # Written by a process of this program, in a folder that only its user can write to.
    import cloudpickle

    with path.open("rb") as file:
        return cloudpickle.load(file)
