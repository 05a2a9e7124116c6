"""The history of a training as curves: losses above, the learning rate below."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textrep.core.messages import shown, type_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Key of the history -> name in the legend and colour; training loss is taken with regularisation.
_LOSSES = {"loss": ("training", "tab:blue"), "validation_loss": ("validation", "tab:orange")}
_RATE = "learning_rate"
_FIGURE_SIZE = (8.0, 5.5)  # inches
_HEIGHTS = (3, 1)
_DOTS_PER_INCH = 150
# More points than this are a line to the eye, and dots on it a smear.
_MAX_MARKED = 40


_Entry = Mapping[str, Any]


class HistoryAxes(NamedTuple):
    """Where a history was drawn.

    Attributes
    ----------
    loss : matplotlib.axes.Axes
        Losses of training and, where there is one, of validation.
    rate : matplotlib.axes.Axes
        Learning rate.
    """

    loss: Axes
    rate: Axes


class _Curve(NamedTuple):
    """Numbers of one key where it has any, and where on the x-axis they are."""

    x: list[float]
    y: list[float]


def plot_history(
    history: Sequence[Mapping[str, Any]], axes: tuple[Axes, Axes] | None = None
) -> HistoryAxes:
    """Draw the losses and the learning rate of a training with matplotlib.

    The lowest validation loss, whose weights the model keeps, is marked. Stages of a training,
    such as those of `UlmfitClassifier`, stand side by side; their losses are of different kinds
    and sizes, so that the scale is then logarithmic.

    Parameters
    ----------
    history : sequence of mappings
        As ``history_`` of a fitted estimator has it, with an entry for each evaluation: ``epoch``,
        ``step``, ``loss`` and, where they are known, ``validation_loss``, ``learning_rate`` and
        ``stage``.
    axes : pair of matplotlib.axes.Axes, default=None
        Where to draw the losses and the learning rate; None makes a figure of two panels.

    Returns
    -------
    HistoryAxes

    Raises
    ------
    ValueError
        When the history is empty or is none.
    ModuleNotFoundError
        When matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> history = [
    ...     {"epoch": 1, "step": 40, "loss": 2.1, "validation_loss": 2.2, "learning_rate": 1e-3},
    ...     {"epoch": 2, "step": 80, "loss": 1.4, "validation_loss": 1.9, "learning_rate": 5e-4},
    ... ]
    >>> loss, rate = plot_history(history, Figure().subplots(2, 1))
    >>> loss.get_xlabel(), rate.get_xlabel(), rate.get_ylabel()
    ('', 'epoch', 'learning rate')
    """
    _check(history)
    loss, rate = HistoryAxes(*(_new_axes() if axes is None else axes))
    stages = _stages(history)
    position = _position(stages)
    start = 0.0
    for number, stage in enumerate(stages):
        for key, (name, colour) in _LOSSES.items():
            curve = _curve(stage, key, position, start)
            if curve.x:
                known = loss.get_legend_handles_labels()[1]
                label = None if name in known else name
                loss.plot(*curve, color=colour, label=label, marker=_marker(curve))
        _mark_best(loss, _curve(stage, "validation_loss", position, start))
        curve = _curve(stage, _RATE, position, start)
        rate.plot(*curve, color="tab:gray", marker=_marker(curve))
        if len(stages) > 1:
            _name_stage(loss, str(stage[0].get("stage")), start)
        if number:
            for each in (loss, rate):
                each.axvline(start, color="black", linewidth=0.8, linestyle=":")
        start += max(_places(stage, position))
    if len(stages) > 1:
        loss.set_yscale("log")
        for each in (loss, rate):
            each.set_xlim(left=0)  # where the name of the first stage is
    loss.set(ylabel="loss")
    loss.grid(alpha=0.3)
    if loss.get_legend_handles_labels()[0]:
        loss.legend(frameon=False)
    rate.set(xlabel=position, ylabel="learning rate")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    rate.locator_params(axis="x", integer=True)
    rate.grid(alpha=0.3)
    return HistoryAxes(loss, rate)


def save_history_plot(
    history: Sequence[Mapping[str, Any]], path: str | os.PathLike[str], *, title: str | None = None
) -> Path:
    """Draw the losses and the learning rate of a training to a file; no display is needed.

    Parameters
    ----------
    history : sequence of mappings
        As for `plot_history`.
    path : str or path-like
        The file to make or replace, whole or not at all; its suffix is the format, such as .png,
        .svg or .pdf.
    title : str, default=None
        Above the curves.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError
        When the history is none, or the suffix is not that of a picture.
    OSError
        When the file cannot be written.
    ModuleNotFoundError
        When matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> history = [{"epoch": 1, "step": 40, "loss": 2.1, "learning_rate": 1e-3}]
    >>> save_history_plot(history, tempfile.mkdtemp() + "/curve.png").name
    'curve.png'
    """
    from textrep.core.files import atomic_write

    _check(history)
    form = check_picture_name(path)
    figure = _figure()
    axes = figure.subplots(2, 1, sharex=True, height_ratios=_HEIGHTS)
    drawn = plot_history(history, (axes[0], axes[1]))
    if title is not None:
        drawn.loss.set_title(title, parse_math=False)
    with atomic_write(path) as file:
        figure.savefig(file, format=form, dpi=_DOTS_PER_INCH)
    return Path(path)


def check_picture_name(path: str | os.PathLike[str]) -> str:
    """The format of a picture by the name of its file, before the work whose result it shows.

    Parameters
    ----------
    path : str or path-like
        Need not exist.

    Returns
    -------
    str
        Such as ``"png"``.

    Raises
    ------
    ValueError
        When matplotlib knows no such format; the message names those it does.
    ModuleNotFoundError
        When matplotlib is not installed.

    Examples
    --------
    >>> check_picture_name("curves/lm.SVG")
    'svg'
    """
    form = Path(path).suffix.lower().removeprefix(".")
    known = _figure().canvas.get_supported_filetypes()
    if form not in known:
        raise ValueError(
            f"{os.fspath(path)!r} does not end in a format of pictures; end it in .png, or in "
            f"another one of {', '.join(sorted(known))}"
        )
    return form


def _check(history: Any) -> None:
    if isinstance(history, str) or not isinstance(history, Sequence):
        raise ValueError(
            "history must be a sequence of mappings, such as history_ of a fitted estimator, got "
            f"{type_name(history)}"
        )
    if not history:
        raise ValueError("history is empty: nothing was trained that could be drawn")
    for number, entry in enumerate(history, start=1):
        if not isinstance(entry, Mapping) or "loss" not in entry:
            raise ValueError(f"entry {number} of history has no loss: {shown(entry)}")


def _stages(history: Sequence[_Entry]) -> list[list[_Entry]]:
    """Entries of each stage; of all together where there are no stages."""
    parts = itertools.groupby(history, key=lambda entry: entry.get("stage"))
    return [list(entries) for _, entries in parts]


def _position(stages: Sequence[Sequence[_Entry]]) -> str:
    """What the x-axis counts: epochs, or steps where an epoch was evaluated more than once."""
    epochs = [[entry.get("epoch") for entry in stage] for stage in stages]
    single = all(None not in each and len(set(each)) == len(each) for each in epochs)
    return "epoch" if single else "step"


def _places(stage: Sequence[_Entry], position: str) -> list[float]:
    """Where on the x-axis the entries are, counted from the beginning of the stage."""
    return [float(entry.get(position, number)) for number, entry in enumerate(stage, start=1)]


def _curve(stage: Sequence[_Entry], key: str, position: str, start: float) -> _Curve:
    known = [
        (start + place, float(entry[key]))
        for place, entry in zip(_places(stage, position), stage, strict=True)
        if entry.get(key) is not None
    ]
    return _Curve([x for x, _ in known], [y for _, y in known])


def _name_stage(axes: Axes, name: str, start: float) -> None:
    axes.annotate(
        name,
        (start, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -4),
        textcoords="offset points",
        va="top",
        fontsize="small",
        parse_math=False,
    )


def _marker(curve: _Curve) -> str:
    return "." if len(curve.x) <= _MAX_MARKED else ""


def _mark_best(axes: Axes, curve: _Curve) -> None:
    finite = [(y, x) for x, y in zip(*curve, strict=True) if y == y]
    if not finite:
        return
    best, where = min(finite)
    axes.plot([where], [best], "o", color=_LOSSES["validation_loss"][1], markerfacecolor="none")
    axes.annotate(
        f"{best:.4g}", (where, best), xytext=(0, 8), textcoords="offset points", ha="center"
    )


def _new_axes() -> Sequence[Axes]:
    _figure()  # says what is missing
    import matplotlib.pyplot as plt

    axes: Sequence[Axes] = plt.subplots(
        2, 1, sharex=True, height_ratios=_HEIGHTS, figsize=_FIGURE_SIZE, layout="constrained"
    )[1]
    return axes


def _figure() -> Any:
    """A figure that no window shows."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "curves need matplotlib: pip install matplotlib", name=error.name
        ) from error
    return Figure(figsize=_FIGURE_SIZE, layout="constrained")
