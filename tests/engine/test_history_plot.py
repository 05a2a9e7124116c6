"""Curves of a training."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

figure = pytest.importorskip("matplotlib.figure")

from textrep.engine import plot_history, save_history_plot  # noqa: E402
from textrep.engine.history_plot import check_picture_name  # noqa: E402

HISTORY = [
    {"epoch": 1, "step": 40, "loss": 3.0, "validation_loss": 2.5, "learning_rate": 1e-3},
    {"epoch": 2, "step": 80, "loss": 2.0, "validation_loss": 1.5, "learning_rate": 5e-4},
    {"epoch": 3, "step": 120, "loss": 1.0, "validation_loss": 2.0, "learning_rate": 1e-4},
]


@pytest.fixture
def axes():
    return figure.Figure().subplots(2, 1, sharex=True)


def curves(ax):
    """Label -> (x, y) of the lines that the legend names, or of all where it names none."""
    return {line.get_label(): line.get_xydata().tolist() for line in ax.get_lines()}


def test_each_number_of_the_history_is_where_it_belongs(axes):
    drawn = plot_history(HISTORY, axes)
    assert (drawn.loss, drawn.rate) == tuple(axes)
    assert curves(drawn.loss)["training"] == [[1, 3.0], [2, 2.0], [3, 1.0]]
    assert curves(drawn.loss)["validation"] == [[1, 2.5], [2, 1.5], [3, 2.0]]
    assert drawn.rate.get_lines()[0].get_xydata().tolist() == [[1, 1e-3], [2, 5e-4], [3, 1e-4]]
    assert drawn.rate.get_xlabel() == "epoch"


def test_the_lowest_validation_loss_is_marked(axes):
    drawn = plot_history(HISTORY, axes)
    assert [text.get_text() for text in drawn.loss.texts] == ["1.5"]
    assert drawn.loss.texts[0].xy == (2, 1.5)


def test_epochs_that_were_evaluated_more_than_once_are_drawn_by_steps(axes):
    history = [{**entry, "epoch": 1} for entry in HISTORY]
    drawn = plot_history(history, axes)
    assert drawn.rate.get_xlabel() == "step"
    assert [x for x, _ in curves(drawn.loss)["training"]] == [40, 80, 120]


def test_stages_stand_side_by_side(axes):
    first, second = (
        [{**entry, "stage": name} for entry in HISTORY] for name in ("before", "after")
    )
    drawn = plot_history([*first, *second], axes)
    training = [line for line in drawn.loss.get_lines() if line.get_color() == "tab:blue"]
    assert [line.get_xdata().tolist() for line in training] == [[1, 2, 3], [4, 5, 6]]
    rates = [line.get_xdata().tolist() for line in drawn.rate.get_lines()[:2]]
    assert rates == [[1, 2, 3], [4, 5, 6]]
    places = {text.get_text(): text.xy[0] for text in drawn.loss.texts}
    assert (places["before"], places["after"]) == (0, 3)
    assert [text.get_text() for text in drawn.loss.get_legend().texts] == ["training", "validation"]
    assert drawn.loss.get_yscale() == "log"


@pytest.mark.parametrize("gone", ["absent", None])
def test_without_validation_there_is_one_curve_and_no_mark(axes, gone):
    history = [{k: v for k, v in entry.items() if k != "validation_loss"} for entry in HISTORY]
    if gone is None:
        history = [{**entry, "validation_loss": None} for entry in history]
    drawn = plot_history(history, axes)
    assert list(curves(drawn.loss)) == ["training"]
    assert not drawn.loss.texts


def test_validation_that_diverged_leaves_the_mark_where_it_was_lowest(axes):
    history = [*HISTORY, {**HISTORY[-1], "epoch": 4, "validation_loss": math.nan}]
    drawn = plot_history(history, axes)
    assert drawn.loss.texts[0].xy == (2, 1.5)


def test_ticks_are_whole_epochs(axes):
    drawn = plot_history(HISTORY[:2], axes)
    ticks = drawn.rate.get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


def test_a_figure_is_made_where_none_is_given(monkeypatch):
    import matplotlib

    matplotlib.use("agg")
    drawn = plot_history(HISTORY)
    assert drawn.loss.figure is drawn.rate.figure
    import matplotlib.pyplot as plt

    plt.close(drawn.loss.figure)


@pytest.mark.parametrize(
    ("name", "magic"), [("curve.png", b"\x89PNG"), ("curve.svg", b"<?xml"), ("curve.PDF", b"%PDF")]
)
def test_the_suffix_of_the_file_is_the_format(tmp_path, name, magic):
    path = save_history_plot(HISTORY, tmp_path / name, title="costs $5 and $6")
    assert path.read_bytes().startswith(magic)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["curve", "curve.doc", ".png"])
def test_a_name_without_a_picture_format_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"does not end in a format of pictures; end it in \.png"):
        save_history_plot(HISTORY, tmp_path / name)
    with pytest.raises(ValueError, match="end it in"):
        check_picture_name(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "history is empty"),
        ("loss", "must be a sequence of mappings, .* got str"),
        (None, "must be a sequence of mappings, .* got NoneType"),
        ([1.0], "entry 1 of history has no loss: 1.0"),
        ([HISTORY[0], {"epoch": 2}], "entry 2 of history has no loss"),
    ],
)
def test_what_is_no_history_is_refused(axes, history, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, axes)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match="pip install matplotlib"):
        check_picture_name("curve.png")
