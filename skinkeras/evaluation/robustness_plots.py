"""The figure of what disturbances of the images do to a model."""

import os
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from skinkeras.evaluation.style import BLUE, GREY, VERMILLION, new_figure, plain_axes, save

# Metric -> what its axis says.
_METRICS = {"roc_auc": "ROC AUC", "macro_auc": "mean AUC"}


def robustness_plot(rows: Sequence[Mapping], path: str | os.PathLike, note: str = "") -> None:
    """The AUC and the share of decisions that change, with their intervals, of each disturbance.

    Args:
        rows: from `skinkeras.evaluation.measured_robustness`, the undisturbed images first.
        path: PNG file to write.
        note: where the data comes from.

    Raises:
        ValueError: there is no disturbance.
        OSError: the file could not be written.
    """
    if len(rows) < 2:
        raise ValueError("The robustness plot needs the undisturbed images and at least one disturbance.")
    key = next(name for name in _METRICS if name in rows[0])
    figure = new_figure((9.6, 1.5 + 0.24 * len(rows)), note)
    left, right = figure.subplots(1, 2, sharey=True)
    left.axvline(rows[0][key], color=VERMILLION, linewidth=1.2, linestyle="--", zorder=1)
    for position, row in enumerate(rows):
        _interval(left, position, row, key, BLUE)
        if row["changed"] is not None:
            _interval(right, position, row, "changed", GREY)
    left.set_yticks(range(len(rows)), [row["title"] for row in rows], fontsize=8.5)
    left.get_yticklabels()[0].set_fontweight("bold")
    left.set_ylim(len(rows) - 0.4, -0.6)
    left.set_title(f"{_METRICS[key]} (line: undisturbed)", loc="left", fontsize=10)
    right.set_title("Decisions that change", loc="left", fontsize=10)
    right.set_xlim(left=0)
    right.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.set_xlabel(f"{rows[0]['n']:,} images, 95% intervals", fontsize=9)
    for axes in (left, right):
        plain_axes(axes)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    save(figure, path)


def _interval(axes: Axes, position: int, row: Mapping, key: str, colour: str) -> None:
    axes.plot(row[f"{key}_interval"], [position] * 2, color=colour, linewidth=1.6)
    axes.plot(row[key], position, "o", color=colour, markersize=5)
