"""Recall of each class under several strategies, after Figures 1 and 2 of Barata & Santiago 2021."""

import os
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import PercentFormatter

from skinkeras.evaluation.bootstrap import Estimate
from skinkeras.evaluation.style import COLOURS, DARK, new_figure, plain_axes, save


def recall_bars(
    recalls: Mapping[str, Mapping[str, Estimate]],
    path: str | os.PathLike,
    title: str,
    note: str = "",
) -> None:
    """One group of bars a class, one bar a strategy, each with its 95 % interval.

    Args:
        recalls: strategy -> class -> (recall, low, high), all in 0..1; the same classes for each strategy.
        path: PNG file to write.
        title: of the figure.
        note: where the data comes from.

    Raises:
        ValueError: nothing to draw, or strategies of different classes.
        OSError: the file could not be written.
    """
    strategies = list(recalls)
    classes = list(recalls[strategies[0]]) if strategies else []
    if not classes or any(list(recalls[name]) != classes for name in strategies):
        raise ValueError(
            "Recall bars need at least one strategy, and of each the same classes. "
            f"Received: { {name: list(values) for name, values in recalls.items()} }"
        )
    figure = new_figure((2.4 + 0.9 * len(classes) + 0.16 * len(classes) * len(strategies), 4.6), note)
    axes = figure.subplots()
    width = 0.84 / len(strategies)
    for i, name in enumerate(strategies):
        values, low, high = np.transpose([recalls[name][label] for label in classes])
        axes.bar(
            np.arange(len(classes)) + (i - (len(strategies) - 1) / 2) * width,
            values,
            0.92 * width,
            # A percentile interval need not hold its estimate; a bar has no negative length.
            yerr=np.maximum([values - low, high - values], 0),
            color=COLOURS[i % len(COLOURS)],
            hatch="///" if i >= len(COLOURS) else None,
            error_kw={"ecolor": DARK, "elinewidth": 0.9},
            label=name,
        )
    plain_axes(axes)
    axes.grid(False, axis="x")
    axes.set_xticks(range(len(classes)), [textwrap.fill(label, 14) for label in classes])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylabel("Recall")
    axes.set_title(f"{title}; bars: 95% bootstrap", loc="left", fontsize=10)
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    save(figure, path)
