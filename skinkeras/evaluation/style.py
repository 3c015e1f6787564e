"""How every figure looks, and how it reaches its file."""

import os

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from skinkeras.files.writing import replacing

# Okabe & Ito 2008: distinct to people with any common colour blindness. Line styles say it a second time.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
LINES = ("-", "--", "-.", ":", "-", "--")
DARK, GREY, PALE = "#222222", "#6E6E6E", "#BDBDBD"


def new_figure(size: tuple[float, float], note: str) -> Figure:
    """An empty figure of `size` inches with `note` at its foot."""
    # Not pyplot: its registry of open figures is global and grows with every figure of a long run.
    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color=GREY)
    return figure


def plain_axes(axes: Axes) -> None:
    """A light grid and two spines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#9E9E9E")
    axes.grid(color="#EBEBEB", linewidth=0.8)
    axes.set_axisbelow(True)


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Writes the figure as PNG, atomically. Raises OSError as `skinkeras.files.writing.replacing` does."""
    powers = {
        text
        for axes in figure.findobj(Axes)
        for axis in (axes.xaxis, axes.yaxis)
        if axis.get_scale() == "log"
        for text in axis.findobj(Text)
    }
    for text in figure.findobj(Text):
        # The name of a class may have dollar signs, which are no mathematics.
        text.set_parse_math(text in powers)
    with replacing(path) as temporary:
        figure.savefig(temporary)
