"""The figures that show what a run's numbers rest on, each one PNG file, written whole or not at all.

Every function takes `note`: one line on where the data comes from, printed at the foot of the figure. Figures
made from synthetic data must say so there.
"""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score, roc_curve

from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.decision_curve import THRESHOLDS, net_benefit, precision_recall
from skinkeras.evaluation.metrics import calibration_gap
from skinkeras.evaluation.reliability import reliability
from skinkeras.evaluation.style import (
    BLUE,
    COLOURS,
    DARK,
    GREY,
    LINES,
    PALE,
    VERMILLION,
    new_figure,
    plain_axes,
    save,
)

_MARKERS = ("o", "s", "^", "D", "v", "P")


def reliability_diagram(
    answers: Mapping[str, tuple[ArrayLike, ArrayLike]],
    path: str | os.PathLike,
    outcome: str = "malignant",
    note: str = "",
) -> None:
    """How often images with a given probability are malignant, and how many there are of each.

    Args:
        answers: name, such as "before" and "after" calibration -> (whether an image is malignant, 0 or 1, (n,); the
            probability (n,)), as `skinkeras.evaluation.reliability` takes them. Two of them are easy to read.
        path: PNG file to write.
        outcome: what the probability is of: "malignant", or "right" for that of the most probable of several classes.
        note: where the data comes from.

    Raises:
        ValueError: as `skinkeras.evaluation.reliability`.
        OSError: the file could not be written.
    """
    figure = new_figure((6.4, 7.4), note)
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, zorder=1)
    for i, (name, (true, probabilities)) in enumerate(answers.items()):
        true, probabilities = np.asarray(true), np.asarray(probabilities)
        bins, colour = reliability(true, probabilities), COLOURS[i % len(COLOURS)]
        mean, share = [row.mean_probability for row in bins], np.array([row.share for row in bins])
        limits = np.array([row.share_interval for row in bins])
        axes.errorbar(
            mean,
            share,
            yerr=np.abs(limits.T - share),
            marker=_MARKERS[i % len(_MARKERS)],
            linestyle=LINES[i % len(LINES)],
            color=colour,
            markersize=6,
            linewidth=1.6,
            elinewidth=1,
            label=f"{name}  (calibration error {calibration_gap(true, probabilities):.3f})",
        )
        counts.stairs(*np.histogram(probabilities, 20, (0, 1)), color=colour, linestyle=LINES[i % len(LINES)])
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.02))
    axes.set_ylabel(f"Share of images that are {outcome}")
    axes.set_title("Calibrated probabilities lie on the line", loc="left", fontsize=10)
    axes.legend(loc="upper left", frameon=False, fontsize=10)
    counts.set(yscale="log", ylabel="Images")
    counts.set_xlabel("Probability (bars above: 95% Wilson intervals of the share)")
    for part in (axes, counts):
        part.xaxis.set_major_formatter(PercentFormatter(1))
        plain_axes(part)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    save(figure, path)


def decision_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    path: str | os.PathLike,
    thresholds: Sequence[float] = THRESHOLDS,
    note: str = "",
) -> None:
    """Net benefit of acting on models, on everybody and on nobody (`skinkeras.evaluation.net_benefit`).

    Args:
        curves: name of the model -> (labels 0 or 1 (n,), calibrated probability of malignant (n,)), all of the same
            images.
        path: PNG file to write.
        thresholds: probabilities from which somebody would act.
        note: where the data comes from.

    Raises:
        ValueError: as `skinkeras.evaluation.net_benefit`.
        OSError: the file could not be written.
    """
    figure = new_figure((7.2, 5), note)
    axes = figure.subplots()
    for i, (name, (labels, probabilities)) in enumerate(curves.items()):
        curve = net_benefit(labels, probabilities, thresholds)
        style = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[i % len(LINES)], "linewidth": 1.8}
        axes.plot(curve["threshold"], curve["model"], label=name, zorder=3, **style)
    axes.plot(curve["threshold"], curve["all"], color=GREY, linewidth=1.2, label="all lesions removed")
    axes.plot(curve["threshold"], curve["none"], color=DARK, linewidth=1.2, label="no lesion removed")
    prevalence = float(np.mean(labels))
    axes.set(xlim=(0, max(thresholds)), ylim=(-0.25 * prevalence, 1.08 * prevalence))
    axes.set_xlabel("Probability of malignant from which a lesion is removed")
    axes.set_ylabel("Net benefit (true positives per image)")
    axes.set_title(
        f"{len(labels):,} images, {prevalence:.1%} malignant; of use where it is above both",
        loc="left",
        fontsize=10,
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="upper right", frameon=False, fontsize=10)
    plain_axes(axes)
    save(figure, path)


def precision_recall_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], path: str | os.PathLike, note: str = ""
) -> None:
    """Precision against recall, with the prevalence, which is the precision of guessing.

    Args:
        curves: name of the model -> (labels 0 or 1 (n,), probability of malignant (n,)), all of the same images.
        path: PNG file to write.
        note: where the data comes from.

    Raises:
        ValueError: as `skinkeras.evaluation.precision_recall`.
        OSError: the file could not be written.
    """
    figure = new_figure((6.8, 5.6), note)
    axes = figure.subplots()
    for i, (name, (labels, probabilities)) in enumerate(curves.items()):
        curve = precision_recall(labels, probabilities)
        label = f"{name}  average precision {curve['average_precision']:.3f}"
        style = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[i % len(LINES)], "linewidth": 1.8}
        axes.step(curve["recall"], curve["precision"], where="post", label=label, **style)
    axes.axhline(
        curve["prevalence"], color=GREY, linewidth=1.2, label=f"guessing: {curve['prevalence']:.1%} malignant"
    )
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.03))
    axes.set_xlabel("Recall: share of malignant images that are flagged")
    axes.set_ylabel("Precision: share of flagged images that are malignant")
    axes.set_title(f"{len(labels):,} images, {int(np.sum(labels)):,} malignant", loc="left", fontsize=10)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="upper right", frameon=False, fontsize=10)
    plain_axes(axes)
    save(figure, path)


def operating_points_roc(
    labels: ArrayLike,
    scores: ArrayLike,
    points: Mapping[str, float],
    path: str | os.PathLike,
    band: tuple[float, float] | None = None,
    note: str = "",
) -> None:
    """A ROC curve with its operating points, and the part of it on which the model is not sure.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,), of test images.
        scores: probability of malignant in 0..1, shape (n,).
        points: {name of the operating point: threshold}, from validation images.
        path: PNG file to write.
        band: from `skinkeras.evaluation.abstention_band`.
        note: where the data comes from.

    Raises:
        ValueError: bad shapes or values, or a class is absent.
        OSError: the file could not be written.
    """
    labels, scores = binary_inputs(labels, scores)
    figure = new_figure((7.2, 6.6), note)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, zorder=1)
    x, y, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    axes.plot(x, y, color=BLUE, linewidth=1.8, label=f"AUC {roc_auc_score(labels, scores):.3f}")
    if band is not None:
        inside = (thresholds >= band[0]) & (thresholds <= band[1])
        unsure = np.mean((scores >= band[0]) & (scores < band[1]))
        label = f"not sure: {band[0]:.3f} to {band[1]:.3f}, {unsure:.0%} of images"
        axes.plot(
            x[inside], y[inside], color=BLUE, linewidth=9, alpha=0.25, solid_capstyle="butt", label=label
        )
    for i, (name, threshold) in enumerate(points.items()):
        called = scores >= threshold
        false_alarms, recall = called[labels == 0].mean(), called[labels == 1].mean()
        label = (
            f"{name.replace('_', ' ')}: from {threshold:.3f}; {recall:.0%} found, {false_alarms:.0%} flagged"
        )
        axes.plot(
            false_alarms,
            recall,
            _MARKERS[i % len(_MARKERS)],
            color=COLOURS[(i + 1) % len(COLOURS)],
            markersize=9,
            markeredgecolor="white",
            linestyle="none",
            zorder=4,
            label=label,
        )
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("False alarm rate (benign images flagged)")
    axes.set_ylabel("Malignant recall (malignant images found)")
    axes.set_title(
        f"{len(labels):,} images, {labels.sum():,} malignant; thresholds chosen on validation images",
        loc="left",
        fontsize=10,
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    plain_axes(axes)
    save(figure, path)


def forest(
    rows: Sequence[Mapping],
    path: str | os.PathLike,
    title: str = "",
    overall: float | None = None,
    note: str = "",
) -> None:
    """Values with their intervals, one row each, such as an AUC by slice.

    Args:
        rows: {"label", "value", "low", "high", "n"} each, from top to bottom. In place of a value of None stands "too
            few images of a class"; a row with "label" alone is a heading.
        path: PNG file to write.
        title: what the values are.
        overall: a value to compare with, drawn as a line.
        note: where the data comes from.

    Raises:
        ValueError: no row has a value.
        OSError: the file could not be written.
    """
    shown = [row for row in rows if row.get("value") is not None]
    if not shown:
        raise ValueError("The forest plot has nothing to draw: no row has a value.")
    figure = new_figure((7.2, 1.3 + 0.27 * len(rows)), note)
    axes = figure.subplots()
    if overall is not None:
        axes.axvline(overall, color=VERMILLION, linewidth=1.2, linestyle="--", zorder=1)
        axes.text(
            overall,
            -0.9,
            f"all images {overall:.3f}",
            color=VERMILLION,
            fontsize=8.5,
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    for position, row in enumerate(rows):
        _forest_row(axes, position, row)
    limits = [row[side] for row in shown for side in ("low", "high") if row.get(side) is not None]
    limits += [row["value"] for row in shown]
    margin = 0.04 * (max(limits) - min(limits) or 1)
    axes.set(xlim=(min(limits) - margin, max(limits) + margin), ylim=(len(rows) - 0.4, -1.4))
    axes.set_yticks(range(len(rows)), [row["label"] for row in rows])
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set(fontsize=9, fontweight="normal" if "value" in row else "bold")
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("95% intervals; right: images")
    plain_axes(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    save(figure, path)


def _forest_row(axes: Axes, position: int, row: Mapping) -> None:
    if "value" not in row:
        return
    grey = {"va": "center", "fontsize": 8.5, "color": GREY}
    if row["value"] is None:
        axes.text(0.01, position, "too few images of a class", transform=axes.get_yaxis_transform(), **grey)
    else:
        if row.get("low") is not None:
            axes.plot([row["low"], row["high"]], [position] * 2, color=BLUE, linewidth=1.6)
        axes.plot(row["value"], position, "o", color=BLUE, markersize=5.5)
    # Behind the right edge, so that it meets no interval.
    place = {"xycoords": ("axes fraction", "data"), "ha": "right", "annotation_clip": False}
    axes.annotate(f"{row['n']:,}", (1.09, position), **place, **grey)
