"""What a paper prints, beside what a sweep measured."""

from pathlib import Path

import pandas as pd

from skinkeras.evaluation import markdown

MISSING = "-"


def read_printed(package, name, percent=()):
    """A table as a paper prints it, which lies beside that paper's modules.

    Args:
        package: path of a module of the paper, its `__file__`.
        name: of the CSV file; its first line is a comment that says where it is from.
        percent: columns that are printed in percent and returned as shares of 1.
    """
    table = pd.read_csv(Path(package).with_name(name), comment="#")
    for column in percent:
        table[column] = table[column] / 100
    return table


def beside(ours, printed):
    """{"paper": the printed value, "less_paper": ours less that}; NaN if there is none (`printed` is None)."""
    printed = float("nan") if printed is None else float(printed)
    return {"paper": printed, "less_paper": ours - printed}


def cells(ours, printed, digits=3):
    """The paper's value and the difference from it as two cells of Markdown; "-" if there is no such value."""
    if pd.isna(printed):
        return [MISSING, MISSING]
    if ours is None or pd.isna(ours):
        return [f"{printed:.{digits}f}", MISSING]
    return [f"{printed:.{digits}f}", f"{ours - printed:+.{digits}f}"]


def side_by_side(names, metrics, rows):
    """A Markdown table in which every metric has three columns: ours, the paper's, and the difference.

    Args:
        names: headers of the first columns.
        metrics: header of each metric.
        rows: (cells of the first columns, [(ours as text or "", ours, printed)] one a metric); values may be None.
    """
    header = [*names, *(head for metric in metrics for head in (metric, "paper", "difference"))]
    body = [
        [
            *first,
            *(cell for text, ours, printed in values for cell in (text or MISSING, *cells(ours, printed))),
        ]
        for first, values in rows
    ]
    return markdown.table(header, body)
