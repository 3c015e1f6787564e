"""The report on a sweep of multi-class runs: Tables 2 to 5, Figures 1 to 4, and the paper's claims."""

from functools import partial

from pipelines.sweeps.b21 import tables
from pipelines.sweeps.b21.attention import attention_figures
from pipelines.sweeps.b21.claims import WEIGHTINGS, all_claims, metrics_of, rates_of
from pipelines.sweeps.b21.results import read_sweep
from pipelines.sweeps.b21.text import report_text
from pipelines.sweeps.report import Report, note
from skinkeras.evaluation import estimate, multiclass_plots

__all__ = ["make_report", "read_sweep"]

_PRINTED = ("accuracy", "balanced_accuracy", "trade_off", "melanoma_recall")


def make_report(sweep, resamples):
    """The `Report` of a sweep as `read_sweep` returns it."""
    rates = rates_of(sweep, resamples)
    claims = all_claims(sweep.runs, rates)
    weighting = tables.weighting_tables(sweep, rates)
    figures = make_figures(sweep, rates, note(sweep, f"{len(sweep.images):,} test images"))
    shown = {name: title for name, (_, title) in figures.items()}
    return Report(
        title=f"Finished runs: {len(sweep.runs)}. Differences with 95 % intervals",
        claims=claims,
        metrics=metrics_of(rates),
        printed=tuple(metric for metric in _PRINTED if metric in rates),
        texts={
            "report.md": report_text(sweep, claims, rates, weighting, shown, resamples),
            **{
                f"table_{number}.md": tables.weighting_markdown(table, sweep.classes) + "\n"
                for number, table in weighting.items()
            },
        },
        csv_files={f"table_{number}.csv": table for number, table in weighting.items()},
        figures={name: draw for name, (draw, _) in figures.items()},
    )


def make_figures(sweep, rates, foot):
    """Figures 1 and 3 of a flat, 2 and 4 of a hierarchical model: file name -> (what draws it, title)."""
    figures, rows_of = {}, {}
    support = sweep.images["label"].value_counts().to_dict()
    for number, head in enumerate(("flat", "hierarchical"), 1):
        if rows := shown_runs(sweep.runs, head):
            common = describe(sweep.runs, rows)
            title = f"Recall of each class, {common}"
            bars = recall_of(sweep, rates, rows)
            figures[number] = (
                partial(multiclass_plots.recall_bars, bars, support=support, title=title, note=foot),
                title,
            )
            rows_of[number + 2] = rows, common
    figures |= attention_figures(sweep, rows_of, foot)
    return {f"figure_{number}.png": figure for number, figure in figures.items()}


def shown_runs(runs, head):
    """The runs that the figure of flat or of hierarchical models shows: weighting -> row numbers, by seed.

    Of the first such model in the sweep, with Adam and cross-entropy, or what there is.
    """
    runs = runs[runs["head"] == head]
    for column, first in (("model", None), ("optimizer", "adam"), ("base_loss", "ce")):
        if len(runs):
            runs = runs[runs[column] == (first if first in set(runs[column]) else runs[column].iloc[0])]
    by_weighting = {name: list(tables.select(runs, weighting=name).index) for name in WEIGHTINGS}
    return {name: rows for name, rows in by_weighting.items() if rows}


def describe(runs, rows):
    """What the runs of `shown_runs` have in common, in words."""
    run = runs.loc[next(iter(rows.values()))[0]]
    optimizer, base_loss = tables.OPTIMIZERS[run["optimizer"]], tables.BASE_LOSSES[run["base_loss"]]
    return f"{run['model']}, {optimizer}, {base_loss}"


def recall_of(sweep, rates, rows):
    """Weighting in words -> class -> `Estimate` of its recall."""
    return {
        WEIGHTINGS[weighting]: {
            name: estimate(rates["recall"][numbers, i].mean(axis=0)) for i, name in enumerate(sweep.classes)
        }
        for weighting, numbers in rows.items()
    }
