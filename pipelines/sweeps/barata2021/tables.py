"""Tables 2 to 5 of Barata & Santiago 2021 for a sweep, each as data and as Markdown."""

import pandas as pd

from pipelines.sweeps.barata2021.claims import weighting_title
from pipelines.sweeps.engine.claims_table import ENDS, with_deviation
from skinkeras.evaluation import markdown
from skinkeras.losses import LOSSES, WEIGHTINGS

# (kind of model, optimizer) -> the number of the table, and what it is called.
TABLES = {
    ("flat", "adam"): (2, "flat model, Adam"),
    ("flat", "sgd"): (3, "flat model, SGD"),
    ("hierarchical", "adam"): (4, "hierarchical model, Adam"),
    ("hierarchical", "sgd"): (5, "hierarchical model, SGD"),
    ("flat", "one_cycle"): ("2b", "flat model, one-cycle, which the paper does not have"),
    ("hierarchical", "one_cycle"): ("4b", "hierarchical model, one-cycle, which the paper does not have"),
}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD", "one_cycle": "one-cycle"}
_LOSSES = [name for name, row in LOSSES.items() if "diagnosis" in row.jobs]

_MEANS = {"accuracy": "Acc", "balanced_accuracy": "BAcc", "mean_precision": "mPR", "mean_f1": "mF1"}
_OF_A_CLASS = ("recall", "precision", "f1")


def weighting_tables(sweep, rates):
    """Those of TABLES that the sweep has runs for: number -> table.

    One row a model, loss and weighting, in the paper's order; several seeds are averaged. Columns:
    the means over classes, and of each class c `recall_c`, `precision_c` and `f1_c`, each with `_low` and
    `_high`, the ends of its interval, and `_sd`, the standard deviation between seeds.

    Args:
        sweep: `SweepResults`.
        rates: those of `rates_of`.
    """
    runs, tables = sweep.runs, {}
    for (kind, optimizer), (number, _) in TABLES.items():
        chosen = select(runs, kind=kind, optimizer=optimizer)
        rows = [
            _row(cell, sweep.classes, rates)
            for model in dict.fromkeys(chosen["model"])
            for loss in _LOSSES
            for weighting in WEIGHTINGS
            if len(cell := select(chosen, model=model, loss=loss, weighting=weighting))
        ]
        if rows:
            tables[number] = pd.DataFrame(rows)
    return tables


def loss_title(loss):
    """The name of a loss in words, without its source."""
    return LOSSES[loss].title.partition(" (")[0]


def select(runs, **values):
    """The rows of `runs` with these values in the columns of these names."""
    for column, value in values.items():
        runs = runs[runs[column] == value]
    return runs


def _row(cell, classes, rates):
    row = {name: cell[name].iloc[0] for name in ("model", "loss", "weighting")} | {"runs": len(cell)}
    for metric in _MEANS:
        row |= _ends(rates, metric, metric, cell.index)
    for number, name in enumerate(classes):
        for metric in _OF_A_CLASS:
            row |= _ends(rates, f"{metric}_{name}", metric, cell.index, number)
    return row


def _ends(rates, name, metric, rows, *part):
    ends = rates.level(metric, rows, part)
    deviation = rates.between_seeds(metric, rows, part)
    return {**{f"{name}{end}": value for end, value in zip(ENDS, ends, strict=True)}, f"{name}_sd": deviation}


def weighting_markdown(table, classes):
    """A table of `weighting_tables` as Markdown."""
    header = ["model", "loss", "weighting", "seeds", *_MEANS.values(), *classes]
    rows = [
        [
            row["model"],
            loss_title(row["loss"]),
            weighting_title(row["weighting"]),
            str(row["runs"]),
            *(with_deviation(row, name) for name in _MEANS),
            *(" / ".join(f"{row[f'{metric}_{name}']:.2f}" for metric in _OF_A_CLASS) for name in classes),
        ]
        for _, row in table.iterrows()
    ]
    return markdown.table(header, rows)
