"""Figures 5 and 6 of Gilal et al. 2023: each has the error rates against each other, and against the balance ratio.

Both take `runs`, one row a model, index 0, 1, ..., with the columns model, loss_name, gamma (NaN where the loss has
none), blurred, rounds, cleaning (name of the preset) and balance_ratio; and `rates` of the same models from
`skinkeras.evaluation.paired_bootstrap`. Models that differ in the seed alone are averaged, and the average has
its own bootstrap interval.
"""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from skinkeras.evaluation import estimate
from skinkeras.evaluation.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    plain_axes,
    save,
)

_TITLES = {
    "miss_rate": "Miss rate (malignant missed)",
    "false_alarm_rate": "False alarm rate (benign flagged)",
}
_RATIO = "Balance ratio (malignant / benign training images)"
_WIDE = 5  # a range of balance ratios over this factor gets a logarithmic axis


@dataclass(frozen=True)
class _Series:
    """One line of both panels.

    Attributes:
        name: for the legend.
        style: keywords of its line and markers.
        points: [(balance ratio, {rate: `Estimate`})], by balance ratio.
    """

    name: str
    style: dict
    points: list


def data_management(runs, rates, path, note=""):
    """Figure 5: what blurred oversampling and cleaning do, with cross-entropy; a line a model, with and without blur.

    Args:
        runs, rates: see the module; `runs` holds those of the figure alone, with the index that they have in `rates`.
        path: PNG file to write.
        note: for the foot, where the data comes from.

    Raises:
        OSError: the file could not be written.
    """
    colours = {False: (DARK, VERMILLION, PURPLE), True: (SKY, ORANGE, GREEN)}
    models = list(dict.fromkeys(runs["model"]))
    series = []
    for place, model in enumerate(models):
        for blurred in (False, True):
            chosen = runs[(runs["model"] == model) & (runs["blurred"] == blurred)]
            style = {"color": colours[blurred][place % 3], "marker": "^" if blurred else "o"}
            name = f"{model}, {'radial blur' if blurred else 'no blur'}"
            series.append(_Series(name, style, _points(chosen, rates)))
    title = "Data management: cross-entropy, threshold 0.5"
    _two_panels(series, ("miss_rate", "false_alarm_rate"), path, title, note)


def losses(runs, rates, path, note=""):
    """Figure 6: what the losses do on the blurred images at every balance ratio; a line a loss.

    Args:
        runs, rates, path, note: as in `data_management`.

    Raises:
        OSError: the file could not be written.
    """
    series = [
        _Series(name, {"color": colour, "marker": "^"}, _points(runs[runs["loss_name"] == name], rates))
        for name, colour in _colours(runs).items()
    ]
    title = f"Losses: {' and '.join(dict.fromkeys(runs['model']))}, radial blur, threshold 0.5"
    _two_panels(series, ("miss_rate",), path, title, note)


def _points(runs, rates):
    points = []
    for _, alike in runs.groupby(["rounds", "cleaning"]):
        of_rates = {name: estimate(rates[name][alike.index].mean(axis=0)) for name in _TITLES}
        points.append((alike["balance_ratio"].mean(), of_rates))
    return sorted(points, key=lambda point: point[0])


def _two_panels(series, right_rates, path, title, note):
    """Left the miss rate against the false alarm rate, right the rates named against the balance ratio."""
    series = [each for each in series if each.points]
    figure = new_figure((13, 5), note)
    figure.suptitle(f"{title}; bars: 95% bootstrap", x=0.01, ha="left", fontsize=11)
    left, right = figure.subplots(1, 2)
    for each in series:
        _error_rates(left, each)
        for number, rate in enumerate(right_rates):
            _against_ratio(right, each, rate, "--" if number else "-")
    left.set_xlabel(_TITLES["false_alarm_rate"])
    left.set_ylabel(_TITLES["miss_rate"])
    left.xaxis.set_major_formatter(PercentFormatter(1, 0))
    right.set_ylabel(_TITLES["miss_rate"] if len(right_rates) == 1 else "Error rate")
    right.set_xlabel(_RATIO)
    _ratio_axis(right, [ratio for each in series for ratio, _ in each.points])
    for axes in (left, right):
        axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
        plain_axes(axes)
    handles = [Line2D([], [], **each.style, linestyle="-", markersize=5, label=each.name) for each in series]
    if len(right_rates) > 1:
        handles += [
            Line2D(
                [], [], color=GREY, linestyle=line, label=f"right: {_TITLES[rate].partition(' (')[0].lower()}"
            )
            for rate, line in zip(right_rates, ("-", "--"), strict=True)
        ]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9)
    save(figure, path)


def _error_rates(axes, series):
    """The line of a series in the left panel; each point is named by its balance ratio."""
    x, y = (
        np.array([of_rates[rate] for _, of_rates in series.points])
        for rate in ("false_alarm_rate", "miss_rate")
    )
    axes.errorbar(
        x[:, 0], y[:, 0], _bar(y), _bar(x), **series.style, markersize=5, linewidth=1.2, elinewidth=0.6, alpha=0.9
    )  # fmt: skip
    for (ratio, _), a, b in zip(series.points, x[:, 0], y[:, 0], strict=True):
        axes.annotate(f"{ratio:.2g}", (a, b), (4, 4), textcoords="offset points", fontsize=7, color=GREY)


def _against_ratio(axes, series, rate, line):
    y = np.array([of_rates[rate] for _, of_rates in series.points])
    axes.errorbar(
        [ratio for ratio, _ in series.points], y[:, 0], _bar(y), **series.style, linestyle=line, markersize=5,
        linewidth=1.4, elinewidth=0.6,
    )  # fmt: skip


def _ratio_axis(axes, ratios):
    if min(ratios) > 0 and max(ratios) / min(ratios) > _WIDE:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def _bar(rates):
    """(2, points), the lengths of the bars of (points, 3) values and ends."""
    # A percentile interval need not hold its estimate; a bar has no negative length.
    return np.maximum([rates[:, 0] - rates[:, 1], rates[:, 2] - rates[:, 0]], 0)


def _colours(runs):
    """Loss -> colour: pale to dark blue by gamma, and other colours for losses without one."""
    losses = runs[["loss_name", "gamma"]].drop_duplicates("loss_name").sort_values(["gamma", "loss_name"])
    recall, others = losses[losses["gamma"].notna()], losses[losses["gamma"].isna()]
    blues = matplotlib.colormaps["Blues"](np.linspace(0.45, 1, len(recall)))
    own = [(DARK, ORANGE, VERMILLION, GREEN, PURPLE, PALE, BLUE)[i % 7] for i in range(len(others))]
    return {
        **dict(zip(others["loss_name"], own, strict=True)),
        **dict(zip(recall["loss_name"], map(tuple, blues), strict=True)),
    }
