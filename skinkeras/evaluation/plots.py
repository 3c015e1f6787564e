"""The figures of a run, each one PNG file, written whole or not at all.

Every function takes `note`: one line on where the data comes from, printed at the foot of the figure. Figures
made from synthetic data must say so there.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike
from sklearn.metrics import roc_curve

from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.metrics import BinaryMetrics
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

_COLUMNS = 6  # of the contact sheet
_TILE = 200  # pixels

_PANELS = {
    "Loss": {"loss": "training", "val_loss": "validation"},
    "ROC AUC": {"auc": "training", "val_auc": "validation"},
    "Miss and false alarm rate in training": {
        "miss_rate_malignant": "malignant missed",
        "miss_rate_benign": "benign flagged",
    },
    "Recall on validation": {"val_malignant_recall": "malignant", "val_benign_recall": "benign"},
    "Accuracy on validation": {"val_accuracy": "of images", "val_balanced_accuracy": "mean of classes"},
    "Learning rate": {"learning_rate": "learning rate"},
}


def roc(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    path: str | os.PathLike,
    metrics: Mapping[str, BinaryMetrics],
    note: str = "",
) -> None:
    """ROC curves with AUC, its 95 % interval, and the operating point of each model.

    The figure shows the numbers of `metrics` and computes none of its own, so that it agrees with the report.

    Args:
        curves: name of the model -> (labels 0 or 1 (n,), probability of malignant (n,)). The first model's
            operating point is spelled out; the others' are dots.
        path: PNG file to write.
        metrics: name of the model -> its metrics at the chosen threshold, for the same names.
        note: where the data comes from.

    Raises:
        KeyError: a curve without metrics.
        OSError: the file could not be written.
    """
    figure = new_figure((7.2, 6.4), note)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, zorder=1)
    for i, (name, (labels, scores)) in enumerate(curves.items()):
        m, colour = metrics[name], COLOURS[i % len(COLOURS)]
        x, y, _ = roc_curve(labels, scores)
        low, high = m.roc_auc_interval
        label = f"{name}  AUC {m.roc_auc:.3f} [{low:.3f}, {high:.3f}]"
        axes.plot(x, y, LINES[i % len(LINES)], color=colour, linewidth=1.8, label=label)
        # Points that nearly coincide show as rings in one another.
        axes.plot(
            m.false_alarm_rate,
            m.malignant_recall,
            "o",
            markersize=max(13 - 3 * i, 4),
            color=colour,
            zorder=4 + i,
        )
    first = next(iter(curves))
    m = metrics[first]
    _spell_out(axes, first, m)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("False alarm rate (benign images flagged)")
    axes.set_ylabel("Malignant recall (1 - miss rate)")
    axes.set_title(
        f"{m.n:,} test images, {m.n_malignant:,} malignant; dots: chosen threshold", loc="left", fontsize=10
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right", frameon=False, fontsize=10, title="95% interval", alignment="left")
    plain_axes(axes)
    save(figure, path)


def _spell_out(axes: Axes, name: str, m: BinaryMetrics) -> None:
    axes.annotate(
        f"{name} at threshold {m.threshold:.3f}\n"
        f"misses {m.miss_rate:.1%} of malignant,\nflags {m.false_alarm_rate:.1%} of benign",
        (m.false_alarm_rate, m.malignant_recall),
        xytext=(max(m.false_alarm_rate + 0.1, 0.3), min(max(m.malignant_recall - 0.22, 0.4), 0.72)),
        arrowprops={"arrowstyle": "-", "color": GREY, "shrinkB": 6},
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        color=DARK,
        fontsize=10,
    )


def confusion_matrix(
    matrix: ArrayLike, classes: Sequence[str], path: str | os.PathLike, title: str = "", note: str = ""
) -> None:
    """A confusion matrix with counts and the percentage of each row, which on the diagonal is the recall.

    Args:
        matrix: counts, shape (c, c), rows true and columns predicted.
        classes: the c class names.
        path: PNG file to write.
        title: for example the model and its threshold.
        note: where the data comes from.

    Raises:
        ValueError: the matrix does not fit the classes.
        OSError: the file could not be written.
    """
    matrix, c = np.asarray(matrix), len(classes)
    if matrix.shape != (c, c):
        raise ValueError(f"{c} classes need a matrix of shape {(c, c)}. Received shape: {matrix.shape}")
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = 3.6 + 0.7 * c
    figure = new_figure((side, side - 0.4), note)
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.7)  # the paler part, on which dark text is readable
    for row in range(c):
        for column in range(c):
            text = {"ha": "center", "color": DARK}
            axes.text(
                column, row, f"{share[row, column]:.1%}", va="bottom", fontsize=18 if c < 4 else 10, **text
            )
            axes.text(
                column, row + 0.04, f"{matrix[row, column]:,}", va="top", fontsize=11 if c < 4 else 8, **text
            )
    tilt = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if c > 3 else {}
    axes.set_xticks(range(c), classes, **tilt)
    axes.set_yticks(
        range(c), [f"{name}\n{total:,}" for name, total in zip(classes, matrix.sum(axis=1), strict=True)]
    )
    axes.set_xlabel("Predicted")
    axes.set_ylabel("True (images)")
    axes.set_title(title, loc="left", fontsize=11)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    save(figure, path)


def training_curves(history: pd.DataFrame, path: str | os.PathLike, note: str = "") -> None:
    """Loss, AUC, miss rates, recalls and learning rate over the epochs, with the phases of training marked.

    Args:
        history: one row an epoch, in order. Drawn where present: loss, val_loss, auc, val_auc,
            miss_rate_malignant, miss_rate_benign, val_malignant_recall, val_benign_recall, val_accuracy,
            val_balanced_accuracy, learning_rate. A
            column `phase` names the phase of each row. Other columns are left alone.
        path: PNG file to write.
        note: where the data comes from.

    Raises:
        ValueError: no row, or none of these columns.
        OSError: the file could not be written.
    """
    panels = {
        title: {column: label for column, label in columns.items() if column in history}
        for title, columns in _PANELS.items()
    }
    panels = {title: columns for title, columns in panels.items() if columns}
    if not panels or history.empty:
        known = ", ".join(column for columns in _PANELS.values() for column in columns)
        raise ValueError(f"The history holds nothing to draw: it needs a row and one of the columns {known}.")
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = new_figure((4.6 * columns, 2.7 * rows + 0.3), note)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    epochs = np.arange(1, len(history) + 1)  # counted through, as the phases count from 1 again
    for axes, (title, labels) in zip(grid, panels.items(), strict=False):
        for i, (column, label) in enumerate(labels.items()):
            axes.plot(
                epochs, history[column], LINES[i], color=COLOURS[i], marker="o", markersize=3.5, label=label
            )
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(y=0.15)
        if "rate in" in title or "Recall" in title:
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        if len(labels) > 1:
            axes.legend(frameon=False, fontsize=9)
        _mark_phases(axes, history)
        plain_axes(axes)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    save(figure, path)


def _mark_phases(axes: Axes, history: pd.DataFrame) -> None:
    if "phase" not in history:
        return
    phases = history["phase"].astype(str).to_numpy()
    starts = np.flatnonzero(np.r_[True, phases[1:] != phases[:-1]])
    crowded = np.diff(np.r_[starts, len(phases)]).min() < 0.08 * len(phases)
    for start in starts:
        if start:
            axes.axvline(start + 0.5, color=PALE, linewidth=1, zorder=1)
        axes.text(
            start + 0.6,
            0.99,
            phases[start],
            transform=axes.get_xaxis_transform(),
            rotation=90 if crowded else 0,
            va="top",
            fontsize=8,
            color=GREY,
        )
    axes.set_xlim(0.5, len(phases) + 0.5)


def worst_misses(
    paths: Sequence[str | os.PathLike],
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    path: str | os.PathLike,
    count: int = 12,
    note: str = "",
) -> None:
    """A contact sheet: the malignant pictures with the lowest scores, then the benign ones with the highest.

    A picture on the wrong side of the threshold has a vermillion frame; one on the right side, shown when
    there are fewer errors than `count`, a blue one. Below each stand its file name without suffix and its
    score.

    Args:
        paths: image files, n of them.
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, shape (n,).
        threshold: `score >= threshold` is called malignant.
        path: PNG file to write.
        count: pictures of each class.
        note: where the data comes from.

    Raises:
        ValueError: bad shapes or values, a class is absent, or an image cannot be decoded.
        OSError: the file could not be written.
    """
    labels, scores = binary_inputs(labels, scores)
    if len(paths) != len(labels):
        raise ValueError(
            f"paths must hold one entry per image. Received: {len(paths)} paths for {len(labels)} images"
        )
    wrong = (scores >= threshold) != (labels == 1)
    by_score = np.argsort(scores, kind="stable")
    missed = by_score[labels[by_score] == 1][:count]
    flagged = by_score[::-1][labels[by_score[::-1]] == 0][:count]
    rows = [-(-len(chosen) // _COLUMNS) for chosen in (missed, flagged)]
    figure = new_figure((1.62 * _COLUMNS, 1.9 * sum(rows) + 1.0), note)
    parts = figure.subfigures(2, 1, height_ratios=rows)
    titles = (
        f"Malignant, lowest scores: {wrong[labels == 1].sum():,} of {np.sum(labels == 1):,} missed",
        f"Benign, highest scores: {wrong[labels == 0].sum():,} of {np.sum(labels == 0):,} flagged",
    )
    for part, chosen, title in zip(parts, (missed, flagged), titles, strict=True):
        part.suptitle(f"{title} at threshold {threshold:.3f}", x=0.01, ha="left", fontsize=11)
        _tiles(part, [(Path(paths[i]), scores[i], wrong[i]) for i in chosen])
    save(figure, path)


def _tiles(part: Figure | SubFigure, pictures: list[tuple[Path, float, bool]]) -> None:
    grid = part.subplots(-(-len(pictures) // _COLUMNS), _COLUMNS, squeeze=False).ravel()
    for axes, (file, score, wrong) in zip(grid, pictures, strict=False):
        axes.imshow(_thumbnail(file))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set(color=VERMILLION if wrong else BLUE, linewidth=2)
        axes.set_xlabel(f"{file.stem[:18]}\n{score:.3f}", fontsize=8.5, color=DARK)
    for axes in grid[len(pictures) :]:
        axes.set_visible(False)


def _thumbnail(file: Path) -> np.ndarray:
    """The middle square of the picture, RGB uint8, _TILE pixels a side."""
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"Could not read {file}: it is missing or not an image.")
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    return cv2.cvtColor(cv2.resize(square, (_TILE, _TILE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
