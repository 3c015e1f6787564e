"""Figures of several multi-class models side by side, after Figures 1 to 4 of Barata & Santiago 2021."""

import textwrap

import cv2
import numpy as np
from matplotlib.ticker import PercentFormatter

from skinkeras.evaluation.style import COLOURS, DARK, GREY, new_figure, plain_axes, save

_WIDTH = 1.5  # of the image itself, in tiles


def recall_bars(recalls, path, support=None, title="", note="", *, styles=None):
    """Recall of each class, one bar a strategy, with the interval of each.

    Args:
        recalls: name of the strategy -> class -> (recall, low, high), such as an `Estimate`; every strategy
            has the same classes.
        path: PNG file to write.
        support: class -> number of test images, printed below its name; or None.
        title: for example the model.
        note: for the foot, where the data comes from.
        styles: name of the strategy -> {"color": ..., "hatch": ...} of its bars; None: a colour each.

    Raises:
        ValueError: nothing to draw, or strategies of different classes.
        OSError: the file could not be written.
    """
    if not recalls:
        raise ValueError("Bars of recall need at least one strategy. Received: none")
    first = next(iter(recalls))
    classes = list(recalls[first])
    for name, of_class in recalls.items():
        if set(of_class) != set(classes):
            raise ValueError(
                f"Every strategy needs the recall of the same classes; {first!r} has {classes}, {name!r} has "
                f"{list(of_class)}."
            )
    figure = new_figure((max(3.2 + len(classes) * (0.35 + 0.19 * len(recalls)), 7), 4.2), note)
    axes = figure.subplots()
    wide = 0.84 / len(recalls)
    for i, (name, of_class) in enumerate(recalls.items()):
        value, low, high = np.transpose([of_class[each] for each in classes])
        places = np.arange(len(classes)) + (i - (len(recalls) - 1) / 2) * wide
        style = {"color": COLOURS[i % len(COLOURS)]} if styles is None else styles[name]
        axes.bar(places, value, 0.88 * wide, **style, edgecolor="white", linewidth=0, label=name, zorder=2)
        # A percentile interval need not hold its estimate; a bar has no negative length.
        length = np.maximum([value - low, high - value], 0)
        axes.errorbar(places, value, length, fmt="none", ecolor=DARK, elinewidth=0.9, capsize=1.5, zorder=3)
    names = [f"{each}\n{support[each]:,}" if support else each for each in classes]
    axes.set_xticks(range(len(classes)), names)
    axes.set(ylim=(0, 1.0), xlim=(-0.6, len(classes) - 0.4))
    axes.set_ylabel("Recall")
    axes.set_xlabel("True class" + (" (test images)" if support else ""))
    axes.set_title(textwrap.fill(title, 60, break_on_hyphens=False), loc="left", fontsize=10)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    plain_axes(axes)
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", length=0)
    figure.legend(
        loc="outside right upper", frameon=False, fontsize=9, title="lines: 95% bootstrap", alignment="left"
    )
    save(figure, path)


def attention_panels(images, captions, columns, path, verdicts=None, title="", note=""):
    """Where models look: over each image the spatial map, and below that the best channel, a column a model.

    A hierarchical model takes a column for each of its levels. Each tile is coloured from the lowest to the highest
    value of its own map, which are printed below it: attention that hardly differs between places looks like any
    other, and only the numbers tell.

    Args:
        images: (n, height, width, 3) uint8 RGB, as the models were given them: the maps cover all of it.
        captions: n texts, such as the true class.
        columns: name of the column, such as the strategy -> `AttentionMaps` of the same n images.
        path: PNG file to write.
        verdicts: name of the column -> n texts, such as the class that the model gives each image.
        title: of the figure.
        note: for the foot, where the data comes from.

    Raises:
        ValueError: no column, or the number of captions, verdicts or maps is not that of the images.
        OSError: the file could not be written.
    """
    images = np.asarray(images)
    counts = [len(captions), *(len(maps.spatial) for maps in columns.values())]
    counts += [len(texts) for texts in (verdicts or {}).values()]
    if not columns or set(counts) != {len(images)}:
        raise ValueError(
            f"{len(images)} images need as many captions, verdicts, and maps in each of one or more "
            f"columns. Received: {counts}"
        )
    figure = new_figure((0.5 + 1.5 * (_WIDTH + len(columns)), 3.9 * len(images) + 0.7), note)
    title = textwrap.fill(title, int(10 * figure.get_figwidth()), break_on_hyphens=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    parts = np.atleast_1d(figure.subfigures(len(images), 1))
    for row, (part, image, caption) in enumerate(zip(parts, images, captions, strict=True)):
        heads = [name if row == 0 else "" for name in columns]
        if verdicts:
            heads = [
                f"{head}\n{verdicts[name][row]}".strip() for head, name in zip(heads, columns, strict=True)
            ]
        _panel(part, image, caption, heads, [(maps, row) for maps in columns.values()])
    save(figure, path)


def _panel(part, image, caption, heads, maps):
    """One image with its maps: a list of (`AttentionMaps`, row)."""
    grid = part.add_gridspec(2, 1 + len(maps), width_ratios=[_WIDTH] + [1] * len(maps))
    whole = _bare(part.add_subplot(grid[:, 0]))
    whole.imshow(image)
    whole.set_xlabel(caption, fontsize=9, color=DARK)
    for column, (head, (each, row)) in enumerate(zip(heads, maps, strict=True), 1):
        upper, lower = (_bare(part.add_subplot(grid[kind, column])) for kind in range(2))
        if column == 1:
            upper.set_ylabel("places", fontsize=9, color=GREY)
            lower.set_ylabel("best channel", fontsize=9, color=GREY)
        upper.set_title(head, fontsize=9, color=DARK)
        spatial, best = each.spatial[row], each.best_channel[row]
        _overlay(upper, image, spatial)
        upper.set_xlabel(f"{spatial.min():.2f} to {spatial.max():.2f}", fontsize=8, color=GREY)
        _overlay(lower, image, each.best_feature[row])
        weight, highest = each.channel[row, best], each.best_feature[row].max()
        lower.set_xlabel(f"no. {best}, weight {weight:.2f}\nup to {highest:.2f}", fontsize=8, color=GREY)


def _bare(axes):
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


def _overlay(axes, image, values):
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    smooth = cv2.resize(values.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    axes.imshow(smooth, cmap="viridis", vmin=values.min(), vmax=values.max(), alpha=0.5)
