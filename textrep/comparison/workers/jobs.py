"""What a worker is asked and answers: the files in the folder of a job.

``request.pickle``
    The request; it never outlives the comparison that wrote it.
``figures.json``, ``arrays.npz``, ``model.textrep``
    The answer. The figures come last, so that where they are, the rest is whole.
``failure.json``
    Instead of them: why there is none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textrep.comparison.rungs import Rung
from textrep.core.files import atomic_write

if TYPE_CHECKING:
    from textrep.comparison.task import Task

Kind: TypeAlias = Literal["measure", "refit", "label errors"]

_REQUEST = "request.pickle"
_FIGURES = "figures.json"
_ARRAYS = "arrays.npz"
_FAILURE = "failure.json"
MODEL = "model.textrep"
PICKLED_MODEL = "model.pickle"


@dataclass(frozen=True)
class Request:
    """What a worker is asked to do.

    Attributes
    ----------
    kind : {"measure", "refit", "label errors"}
        Fit and test a rung on the splits of the task; fit it on all that may be learnt from; or
        predict every document from the others.
    rung : Rung
        Which one.
    seed : int
        Of what is random in it.
    tune : bool
        Whether to search for settings first.
    learning_curve : bool
        Whether to fit on growing parts of the training texts too.
    seconds : float or None
        Its share of the time budget.
    """

    kind: Kind
    rung: Rung
    seed: int
    tune: bool = False
    learning_curve: bool = False
    seconds: float | None = None


@dataclass
class Figures:
    """What was measured of one rung.

    Attributes
    ----------
    fit_seconds, predict_seconds : float
        Mean over the splits of fitting, and sum over the splits of predicting the test texts.
    latencies : list of float
        Seconds of predictions of one document alone.
    model_bytes, peak_memory_bytes : int or None
        See `Outcome`.
    tune_seconds : float or None
        See `Outcome`.
    settings : dict
        Parameters that the search chose.
    temperature : float or None
        By which scores are divided to make probabilities.
    learning_curve : list of (int, float)
        Numbers of training texts and accuracies.
    cost : float or None
        Money spent on the predictions.
    stopped_early : bool
        Whether training ended at its share of the time.
    notes : list of str
        What else there is to say.
    missing : list of str
        What there was no time, or no room on the disk, for.
    """

    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    model_bytes: int | None = None
    peak_memory_bytes: int | None = None
    tune_seconds: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    temperature: float | None = None
    learning_curve: list[tuple[int, float]] = field(default_factory=list)
    cost: float | None = None
    stopped_early: bool = False
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Answer(NamedTuple):
    """Figures, the predicted classes by number, and probabilities (n_tested, n_classes) or None."""

    figures: Figures
    codes: NDArray[np.int32]
    probabilities: NDArray[np.float32] | None


def write_request(folder: Path, request: Request) -> None:
    """Write what a worker is to do.

    Parameters
    ----------
    folder : Path
        Of the job.
    request : Request
        Rungs of a user's own, functions without a name among them, travel by value.
    """
    import cloudpickle

    with (folder / _REQUEST).open("wb") as file:
        cloudpickle.dump(request, file)


def write_answer(folder: Path, answer: Answer) -> None:
    """Write what was measured; what was written before is replaced.

    Parameters
    ----------
    folder : Path
        Of the job.
    answer : Answer
        It may grow from call to call.
    """
    arrays: dict[str, NDArray[Any]] = {"codes": answer.codes}
    if answer.probabilities is not None:
        arrays["probabilities"] = answer.probabilities
    with atomic_write(folder / _ARRAYS) as file:
        np.savez(file, allow_pickle=False, **arrays)
    with atomic_write(folder / _FIGURES) as file:
        file.write(json.dumps(asdict(answer.figures), default=_plain).encode())


def read_answer(folder: Path) -> Answer | None:
    """Read what a worker measured.

    Parameters
    ----------
    folder : Path
        Of the job.

    Returns
    -------
    Answer or None
        None where there is no answer, or none that can be read.
    """
    try:
        figures = Figures(**json.loads((folder / _FIGURES).read_bytes()))
        figures.learning_curve = [(int(n), float(share)) for n, share in figures.learning_curve]
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            answer = Answer(figures, arrays["codes"], arrays.get("probabilities"))
        return answer if _is_sound(answer) else None
    except Exception:  # numpy's for damaged files are of many kinds, tokenize's among them
        return None


def _is_sound(answer: Answer) -> bool:
    """Whether an answer is of the kinds that one is written in."""
    figures, codes, probabilities = answer
    seconds = [figures.fit_seconds, figures.predict_seconds, *figures.latencies]
    if not all(type(each) in (int, float) for each in seconds):
        return False
    numbered = codes.ndim == 1 and codes.dtype.kind == "i"
    return numbered and (
        probabilities is None or (probabilities.ndim == 2 and probabilities.dtype.kind == "f")
    )


def write_failure(folder: Path, message: str) -> None:
    """Write why there is no answer."""
    with atomic_write(folder / _FAILURE) as file:
        file.write(json.dumps(message).encode())


def read_failure(folder: Path) -> str | None:
    """Read why there is no answer; None where nothing is said about it."""
    try:
        return str(json.loads((folder / _FAILURE).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def run_job(folder: Path, task: Task) -> None:
    """Do what the request in a folder asks for; whatever goes wrong is written to it.

    Parameters
    ----------
    folder : Path
        Of the job.
    task : Task
        What all jobs are about.
    """
    import pickle

    from textrep.comparison.workers import measuring

    verbs = {
        "measure": measuring.measure,
        "refit": measuring.refit,
        "label errors": measuring.cross_predict,
    }
    try:
        with (folder / _REQUEST).open("rb") as file:
            request = pickle.load(file)
        verbs[request.kind](request, task, folder)
    # A library that ends the program must not end the comparison.
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        write_failure(folder, first_line(error))


def first_line(error: BaseException) -> str:
    """An error in one line: its type and the first line of what it says.

    Parameters
    ----------
    error : BaseException
        Of any type.

    Returns
    -------
    str

    Examples
    --------
    >>> first_line(ValueError("no\\nluck"))
    'ValueError: no'
    """
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception:
        return kind
    return f"{kind}: {next(iter(text.splitlines()), '')}".rstrip(": ")


def _plain(value: Any) -> Any:
    """A parameter as JSON has it: numpy's numbers as numbers, anything else as its repr."""
    return value.item() if isinstance(value, np.generic) else repr(value)
