"""Figures of many models in one, after Figures 5 and 6 of Gilal et al. 2023.

Both take `runs`, one row a model, index 0, 1, ..., with the columns loss_name, gamma (NaN where the loss has
none), blurred, rounds, cleaning (name of the preset) and balance_ratio; and `rates` of the same models from
`skinkeras.evaluation.paired_bootstrap`.
"""

from functools import partial

import matplotlib
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from skinkeras.evaluation import estimate
from skinkeras.evaluation.style import (
    DARK,
    GREEN,
    GREY,
    LINES,
    ORANGE,
    PALE,
    PURPLE,
    VERMILLION,
    new_figure,
    plain_axes,
    save,
)

_RATES = {
    "miss_rate": "Miss rate (malignant missed)",
    "false_alarm_rate": "False alarm rate (benign flagged)",
}
_WIDE = 5  # a range of balance ratios over this factor gets a logarithmic axis


def error_rates(runs, rates, path, note=""):
    """Miss rate against false alarm rate, one point a model, with 95 % bootstrap bars.

    Colour is the loss, a triangle blurred oversampling, and a filled marker cleaning: the larger, the more
    rounds.

    Args:
        runs, rates: see the module.
        path: PNG file to write.
        note: for the foot, where the data comes from.

    Raises:
        OSError: the file could not be written.
    """
    figure = new_figure((9.2, 6.2), note)
    axes = figure.subplots()
    colours = _colours(runs)
    for i, run in enumerate(runs.itertuples()):
        x, y = (estimate(rates[name][i]) for name in ("false_alarm_rate", "miss_rate"))
        colour = colours[run.loss_name]
        axes.errorbar(
            x.value, y.value, yerr=_bar(y), xerr=_bar(x), color=colour, alpha=0.18, linewidth=1, zorder=2
        )  # fmt: skip
        # A white rim keeps filled markers apart where they overlap.
        rim = {"markeredgecolor": "white"} if run.rounds else {}
        axes.plot(x.value, y.value, **_marker(run.blurred, run.rounds), **rim, color=colour, zorder=3)
    axes.set_xlabel(_RATES["false_alarm_rate"])
    axes.set_ylabel(_RATES["miss_rate"])
    axes.set_title(f"{len(runs)} models at threshold 0.5; bars: 95% bootstrap", loc="left", fontsize=10)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    plain_axes(axes)
    figure.legend(handles=_legend(runs, colours), loc="outside right upper", frameon=False, fontsize=9)
    save(figure, path)


def error_rates_by_balance(runs, rates, path, note=""):
    """Miss rate and false alarm rate against malignant / benign training images, one line a loss.

    One column of panels without blurred oversampling and one with it. Models that differ only in what is not
    shown (architecture, seed) are averaged, and the average has its own bootstrap interval.

    Args:
        runs, rates: see the module.
        path: PNG file to write.
        note: for the foot, where the data comes from.

    Raises:
        OSError: the file could not be written.
    """
    sides = sorted(runs["blurred"].unique())
    colours, ratios = _colours(runs), runs["balance_ratio"]
    logarithmic = ratios.min() > 0 and ratios.max() / ratios.min() > _WIDE
    figure = new_figure((2.2 + 4.2 * len(sides), 6.2), note)
    grid = figure.subplots(2, len(sides), sharex=True, sharey="row", squeeze=False)
    for row, (metric, label) in zip(grid, _RATES.items(), strict=True):
        row[0].set_ylabel(label)
        for axes, blurred in zip(row, sides, strict=True):
            for i, (name, colour) in enumerate(colours.items()):
                chosen = runs[(runs["loss_name"] == name) & (runs["blurred"] == blurred)]
                shift = (i - (len(colours) - 1) / 2) * 0.012  # bars of two losses at one ratio stay apart
                place = partial(_place, ratios=ratios, shift=shift, logarithmic=logarithmic)
                _line(axes, chosen, rates[metric], place, color=colour, linestyle=LINES[i % 4])
            _rate_axes(axes, logarithmic)
    for axes, blurred in zip(grid[0], sides, strict=True):
        axes.set_title("radial blur" if blurred else "no blur", loc="left", fontsize=11)
    for axes in grid[1]:
        axes.set_xlabel("Balance ratio (malignant / benign training images)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    handles = [
        Line2D([], [], color=colour, linestyle=LINES[i % 4], marker="o", markersize=4, label=name)
        for i, (name, colour) in enumerate(colours.items())
    ]
    figure.legend(
        handles=handles, loc="outside right upper", frameon=False, fontsize=9, title="bars: 95% bootstrap"
    )
    save(figure, path)


def _legend(runs, colours):
    """The handles that explain colours, shapes and sizes of the markers."""
    handles = [Line2D([], [], color=colour, linewidth=4, label=name) for name, colour in colours.items()]
    for blurred in sorted(runs["blurred"].unique()):
        label = "radial blur" if blurred else "no blur"
        handles.append(Line2D([], [], **_marker(blurred, 0), color=GREY, label=label))
    for rounds in sorted(runs["rounds"].unique()):
        if rounds:
            label = f"cleaned, {rounds:g} round{'s' if rounds > 1 else ''}"
            handles.append(Line2D([], [], **_marker(False, rounds), color=GREY, label=label))
    return handles


def _rate_axes(axes, logarithmic):
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
    plain_axes(axes)


def _place(ratio, ratios, shift, logarithmic):
    """Where a model of this balance ratio is drawn: `shift` of the range of all `ratios` beside it."""
    return ratio * (ratios.max() / ratios.min()) ** shift if logarithmic else ratio + np.ptp(ratios) * shift


def _line(axes, chosen, rates, place, **style):
    """The line of the models `chosen`; `place` takes their balance ratio to where they are drawn."""
    points = []
    for _, alike in chosen.groupby(["rounds", "cleaning"]):
        y = estimate(rates[alike.index].mean(axis=0))
        points.append((place(alike["balance_ratio"].mean()), *y))
    if not points:
        return
    x, y, low, high = np.transpose(sorted(points))
    axes.errorbar(
        x,
        y,
        np.maximum([y - low, high - y], 0),
        **style,
        marker="o",
        markersize=4,
        linewidth=1.6,
        elinewidth=0.7,
    )


def _bar(rate):
    # A percentile interval need not hold its estimate; a bar has no negative length.
    return [[max(rate.value - rate.low, 0)], [max(rate.high - rate.value, 0)]]


def _colours(runs):
    """Loss -> colour: pale to dark blue by gamma, and other colours for losses without one."""
    losses = runs[["loss_name", "gamma"]].drop_duplicates("loss_name").sort_values(["gamma", "loss_name"])
    recall, others = losses[losses["gamma"].notna()], losses[losses["gamma"].isna()]
    blues = matplotlib.colormaps["Blues"](np.linspace(0.45, 1, len(recall)))
    own = [(DARK, ORANGE, VERMILLION, GREEN, PURPLE, PALE)[i % 6] for i in range(len(others))]
    return {
        **dict(zip(others["loss_name"], own, strict=True)),
        **dict(zip(recall["loss_name"], map(tuple, blues), strict=True)),
    }


def _marker(blurred, rounds):
    return {
        "marker": "^" if blurred else "o",
        "markersize": 6.5 + 0.8 * rounds,
        "fillstyle": "full" if rounds else "none",
        "markeredgewidth": 0.7 if rounds else 1.4,
        "linestyle": "none",
    }
