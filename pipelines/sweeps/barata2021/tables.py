"""Tables 2 to 5 of Barata & Santiago 2021 for a sweep, each as data and as Markdown, beside the printed values."""

import functools

import pandas as pd

from pipelines.sweeps.barata2021.claims import weighting_title
from pipelines.sweeps.engine.claims_table import ENDS, with_deviation
from pipelines.sweeps.engine.printed import beside, read_printed, side_by_side
from skinkeras.evaluation import markdown
from skinkeras.losses import LOSSES, WEIGHTINGS

# (kind of model, optimizer) -> the number of the table, and what it is called.
TABLES = {
    ("flat", "adam"): (2, "flat model, Adam"),
    ("hierarchical", "adam"): (3, "hierarchical model, Adam"),
    ("flat", "sgd"): (4, "flat model, SGD"),
    ("hierarchical", "sgd"): (5, "hierarchical model, SGD"),
    ("flat", "one_cycle"): ("2b", "flat model, one-cycle, which the paper does not have"),
    ("hierarchical", "one_cycle"): ("3b", "hierarchical model, one-cycle, which the paper does not have"),
    ("flat", "one_cycle_adamw"): ("2c", "flat model, one-cycle with AdamW, which the paper does not have"),
    ("hierarchical", "one_cycle_adamw"): (
        "3c",
        "hierarchical model, one-cycle with AdamW, which the paper does not have",
    ),
}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD", "one_cycle": "one-cycle", "one_cycle_adamw": "one-cycle, AdamW"}
_LOSSES = [name for name, row in LOSSES.items() if "diagnosis" in row.jobs]

_MEANS = {"accuracy": "Acc", "balanced_accuracy": "BAcc", "mean_precision": "mPR", "mean_f1": "mF1"}
_OF_A_CLASS = ("recall", "precision", "f1")
_PRINTED_LOSSES = {"CEL": "crossentropy", "FL": "focal"}


@functools.cache
def printed_tables():
    """{(number of the table, loss, weighting): {metric: value}} of Tables 2 to 5 as printed, as shares of 1."""
    table = read_printed(__file__, "printed_tables_2_to_5.csv", percent=_MEANS.values())
    return {
        (row["table"], _PRINTED_LOSSES[row["base_loss"]], row["weighting"].lower()): {
            metric: row[title] for metric, title in _MEANS.items()
        }
        for row in table.to_dict("records")
    }


def weighting_tables(sweep, rates):
    """Those of TABLES that the sweep has runs for: number -> table.

    One row a model, loss and weighting, in the paper's order; several seeds are averaged. Columns:
    the means over classes, and of each class c `recall_c`, `precision_c` and `f1_c`, each with `_low` and
    `_high`, the ends of its interval, and `_sd`, the standard deviation between seeds. Each mean also has `_paper`,
    the printed value, and `_less_paper`, the difference from it; NaN where the paper has no such row.

    Args:
        sweep: `SweepResults`.
        rates: those of `rates_of`.
    """
    runs, tables = sweep.runs, {}
    for (kind, optimizer), (number, _) in TABLES.items():
        chosen = select(runs, kind=kind, optimizer=optimizer)
        rows = [
            _row(cell, number, sweep.classes, rates)
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


def _row(cell, number, classes, rates):
    row = {name: cell[name].iloc[0] for name in ("model", "loss", "weighting")} | {"runs": len(cell)}
    printed = printed_tables().get((number, row["loss"], row["weighting"]), {})
    for metric in _MEANS:
        row |= _ends(rates, metric, metric, cell.index)
        paper = beside(row[metric], printed.get(metric))
        row |= {f"{metric}_{name}": value for name, value in paper.items()}
    for place, name in enumerate(classes):
        for metric in _OF_A_CLASS:
            row |= _ends(rates, f"{metric}_{name}", metric, cell.index, place)
    return row


def _ends(rates, name, metric, rows, *part):
    ends = rates.level(metric, rows, part)
    deviation = rates.between_seeds(metric, rows, part)
    return {**{f"{name}{end}": value for end, value in zip(ENDS, ends, strict=True)}, f"{name}_sd": deviation}


def weighting_markdown(number, table, classes):
    """A table of `weighting_tables` as Markdown: the paper's rows in the paper's order, then what each class reached.

    A row of the paper without a run here has its printed values alone.

    Args:
        number: of the table.
        table: its data; None for a table of the paper that the sweep has no run for.
        classes: names.
    """
    done = [] if table is None else table.to_dict("records")
    rows = [(_names(row), [_values(row, metric) for metric in _MEANS]) for row in done]
    there = {(row["loss"], row["weighting"]) for row in done}
    for (of_table, loss, weighting), printed in printed_tables().items():
        if of_table == number and (loss, weighting) not in there:
            names = ["not run", loss_title(loss), weighting_title(weighting), ""]
            rows.append((names, [("", None, printed[metric]) for metric in _MEANS]))
    order = {name: place for place, name in enumerate(map(weighting_title, WEIGHTINGS))}
    losses = {name: place for place, name in enumerate(map(loss_title, _LOSSES))}
    rows.sort(key=lambda row: (losses[row[0][1]], order[row[0][2]]))
    text = side_by_side(["model", "loss", "weighting", "seeds"], _MEANS.values(), rows)
    if not done:
        return text
    header = ["model", "loss", "weighting", *(f"{name}: recall / precision / F1" for name in classes)]
    of_classes = [[*_names(row)[:3], *(_of_class(row, name) for name in classes)] for row in done]
    return f"{text}\n\n{markdown.table(header, of_classes)}"


def _names(row):
    return [row["model"], loss_title(row["loss"]), weighting_title(row["weighting"]), str(row["runs"])]


def _values(row, metric):
    return with_deviation(row, metric), row[metric], row[f"{metric}_paper"]


def _of_class(row, name):
    return " / ".join(f"{row[f'{metric}_{name}']:.2f}" for metric in _OF_A_CLASS)
