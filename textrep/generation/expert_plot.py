"""A picture of which experts texts go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from textrep.core.messages import printable, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT = 0.55, 0.35  # inches of a field
_MARGIN = 1.0  # for the title and what stands below
_CHARACTER = 0.085  # of the labels
_LONGEST = 24  # characters of a group that are shown


def plot_expert_use(use: Any, ax: Any = None) -> Axes:
    """Draw the share of tokens of each expert as a table of fields: experts across, layers down.

    Parameters
    ----------
    use : array-like (n_layers, n_experts), or mapping of group to such
        As `SwitchTransformer.expert_use` gives it. Of several groups, those of a layer stand one
        below the other, so that they can be compared.
    ax : matplotlib.axes.Axes, optional
        Where to draw; else a new figure of fitting size.

    Returns
    -------
    matplotlib.axes.Axes
        Its ``figure.savefig("experts.png")`` writes a file.

    Raises
    ------
    ValueError
        If there is no group, or a table is not two-dimensional or unlike the others.

    Examples
    --------
    >>> use = {"german": [[0.75, 0.25]], "english": [[0.25, 0.75]]}
    >>> axes = plot_expert_use(use)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['layer 1, german', 'layer 1, english']
    """
    groups = dict(use) if isinstance(use, Mapping) else {"": use}
    tables = _check_tables(groups)
    n_layers, n_experts = tables[0].shape
    rows = np.stack(tables, axis=1).reshape(-1, n_experts)  # by layer, then by group
    labels = [_label(layer, group) for layer in range(n_layers) for group in groups]
    if ax is None:
        # Without pyplot, which would keep the figure open and may want a screen.
        from matplotlib.figure import Figure

        widest = max(map(len, labels)) * _CHARACTER
        size = (_MARGIN + widest + _WIDTH * n_experts, _MARGIN + _HEIGHT * len(rows))
        ax = Figure(figsize=size, layout="constrained").subplots()
    ax.imshow(rows, cmap="Blues", vmin=0.0, aspect="auto")
    middle = rows.max() / 2
    for (row, expert), share in np.ndenumerate(rows):
        ax.text(
            expert, row, f"{100 * share:.0f}", ha="center", va="center", fontsize="small",
            color="white" if share > middle else "black",
        )  # fmt: skip
    for layer in range(1, n_layers if len(groups) > 1 else 1):
        ax.axhline(layer * len(groups) - 0.5, color="white", linewidth=3)
    ax.set_xticks(range(n_experts), [str(expert + 1) for expert in range(n_experts)])
    ax.set_yticks(range(len(rows)), labels)
    ax.tick_params(length=0)
    ax.set_xlabel("expert")
    ax.set_title("per cent of the tokens", fontsize="medium")
    return ax


def _check_tables(groups: Mapping[Any, ArrayLike]) -> list[np.ndarray]:
    if not groups:
        raise ValueError("use must have at least one group, got none")
    tables = [np.asarray(table, dtype=np.float64) for table in groups.values()]
    for group, table in zip(groups, tables, strict=True):
        if table.ndim != 2 or not table.size or table.shape != tables[0].shape:
            raise ValueError(
                "use must be a table of layers and experts, or several of one shape, got one of "
                f"shape {table.shape}" + (f" for {shown(group)}" if group != "" else "")
            )
    return tables


def _label(layer: int, group: Any) -> str:
    name = printable(str(group), limit=_LONGEST).replace("$", r"\$")  # "$" would begin a formula
    return f"layer {layer + 1}" + (f", {name}" if name else "")
