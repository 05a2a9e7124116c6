"""A picture of which words of a source each word of a target was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from textrep.core.messages import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = 0.42  # a word
_MARGIN = 1.8  # for the words at the sides
_LONGEST = 24  # characters of a word that are shown
_ACROSS = 4  # heads side by side
_HEAD_INCHES = 0.3  # a word, where there are several tables


class Attention(NamedTuple):
    """What an encoder-decoder looked at.

    Attributes
    ----------
    source : list of str, length S
        Units of the source, its end sign last.
    target : list of str, length T
        Units of the target, its end sign last.
    weights : float32 ndarray (T, S)
        Of each unit of the target; rows sum to 1.
    """

    source: list[str]
    target: list[str]
    weights: NDArray[np.float32]


def plot_attention(attention: Attention, ax: Any = None) -> Axes:
    """Draw the weights as a table of grey fields: source from left to right, target downwards.

    Parameters
    ----------
    attention : Attention
    ax : matplotlib.axes.Axes, optional
        Where to draw; else a new figure of fitting size.

    Returns
    -------
    matplotlib.axes.Axes
        Its ``figure.savefig("attention.png")`` writes a file.

    Examples
    --------
    >>> weights = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    >>> axes = plot_attention(Attention(["zwei", "<eos>"], ["two", "<eos>"], weights))
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['zwei', '<eos>']
    """
    if ax is None:
        # Without pyplot, which would keep the figure open and may want a screen.
        from matplotlib.figure import Figure

        width, height = len(attention.source), len(attention.target)
        size = (_MARGIN + _INCHES * width, _MARGIN + _INCHES * height)
        ax = Figure(figsize=size, layout="constrained").subplots()
    image = _draw(ax, attention)
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("source")
    ax.set_ylabel("target")
    ax.figure.colorbar(image, ax=ax, label="weight", shrink=0.8)
    return ax


def plot_heads(attention: Attention) -> Figure:
    """Draw the weights of several heads, a table of grey fields each.

    Parameters
    ----------
    attention : Attention
        With weights (H, T, S).

    Returns
    -------
    matplotlib.figure.Figure
        With H axes, four in a row at most.

    Examples
    --------
    >>> weights = np.full((3, 1, 2), 0.5, dtype=np.float32)
    >>> figure = plot_heads(Attention(["zwei", "<eos>"], ["two"], weights))
    >>> [axes.get_title() for axes in figure.axes]
    ['head 0', 'head 1', 'head 2']
    """
    from matplotlib.figure import Figure

    n_heads = len(attention.weights)
    across = min(n_heads, _ACROSS)
    down = -(-n_heads // across)
    width = _MARGIN + _HEAD_INCHES * len(attention.source)
    height = _MARGIN + _HEAD_INCHES * len(attention.target)
    figure = Figure(figsize=(across * width, down * height), layout="constrained")
    for number, weights in enumerate(attention.weights):
        ax = figure.add_subplot(down, across, number + 1)
        _draw(ax, attention._replace(weights=weights))
        ax.set_title(f"head {number}")
    return figure


def _draw(ax: Any, attention: Attention) -> Any:
    """The table with its words, and the image that a colour bar is made of."""
    image = ax.imshow(attention.weights, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto")
    # A "$" would begin a formula.
    source, target = ([_label(unit) for unit in units] for units in attention[:2])
    ax.set_xticks(range(len(source)), source, rotation=60, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(target)), target)
    ax.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=0)
    return image


def _label(unit: str) -> str:
    return printable(unit, limit=_LONGEST).replace("$", r"\$")
