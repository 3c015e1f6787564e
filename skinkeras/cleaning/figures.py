"""The figures of a cleaning round."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from skinkeras.evaluation.style import BLUE, DARK, VERMILLION, new_figure, plain_axes, save

_COLUMNS = 6


def loss_histogram(
    losses: Mapping[str, ArrayLike],
    thresholds: Sequence[float],
    path: str | os.PathLike,
    title: str,
    note: str = "",
) -> None:
    """Histograms of the training losses of both classes, on logarithmic axes, with the cut of a round.

    Args:
        losses: {"benign": (n,), "malignant": (m,)}, in nats, at least 0.
        thresholds: the lowest loss that was removed, of each fold that was ranked by itself.
        path: PNG file to write.
        title: of the figure.
        note: printed at the foot.

    Raises:
        OSError: the file could not be written.
    """
    figure = new_figure((7.2, 4.4), note)
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11)
    least = 1e-4  # lower losses are shown here: such an image has been learned
    clipped = {name: np.maximum(values, least) for name, values in losses.items()}
    highest = max(float(np.max(values)) for values in clipped.values())
    bins = np.geomspace(least, max(highest, 10 * least), 50)
    for name, colour in (("benign", BLUE), ("malignant", VERMILLION)):
        values = clipped[name]
        label = f"{name} ({len(values):,})"
        axes.hist(values, bins, histtype="step", linewidth=1.8, color=colour, label=label)
    label = "cut at " + ", ".join(f"{value:.3g}" for value in thresholds[:4])
    for value in thresholds:
        axes.axvline(value, color=DARK, linewidth=1.2, linestyle="--", label=label)
        label = None
    axes.set(xscale="log", yscale="log", xlabel="loss of a training image (nats)", ylabel="images")
    plain_axes(axes)
    axes.legend(frameon=False, fontsize=9)
    save(figure, path)


def contact_sheet(
    images: ArrayLike, captions: Sequence[str], path: str | os.PathLike, title: str, note: str = ""
) -> None:
    """Images side by side, each with its caption below.

    Args:
        images: (n, height, width, 3) uint8, RGB.
        captions: n texts; more than two lines do not fit.
        path: PNG file to write.
        title: of the sheet.
        note: printed at the foot.

    Raises:
        OSError: the file could not be written.
    """
    rows = -(-len(images) // _COLUMNS)
    figure = new_figure((1.75 * _COLUMNS, 2.05 * rows + 0.8), note)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, image, caption in zip(grid, images, captions, strict=False):
        axes.imshow(image)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set(color="#9E9E9E", linewidth=0.8)
        axes.set_xlabel(caption, fontsize=7.5, color=DARK)
    for axes in grid[len(images) :]:
        axes.set_visible(False)
    save(figure, path)
