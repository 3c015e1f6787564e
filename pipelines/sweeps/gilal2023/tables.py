"""Tables I and II of Gilal et al. 2023 for a sweep, each as data and as Markdown."""

import pandas as pd

from pipelines.sweeps.engine.claims_table import (
    ENDS,
    difference_columns,
    differences,
    signed,
    unfinished_markdown,
    with_deviation,
)
from pipelines.sweeps.engine.comparisons import difference, matched
from pipelines.sweeps.gilal2023.claims import metrics_of
from skinkeras.evaluation import markdown

_INTERVALS = {
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "benign_recall": "benign recall",
    "malignant_recall": "malignant recall",
}
_SETTINGS = [
    "balance_ratio",
    "model",
    "loss",
    "gamma",
    "focal_delta",
    "blurred",
    "rounds",
    "cleaning",
]
# A metric of the runs -> the one of `Rates` that changes as much, from which it takes its interval.
_SAME_LUCK = {"benign_recall": "false_alarm_rate", "malignant_recall": "miss_rate"}


def configurations(sweep, rates):
    """Table I: one row a configuration, by balanced accuracy; those that have not finished come last.

    Runs that differ only in the seed are one row: their mean, the standard deviation between them (`_sd`), and an
    interval that covers test images and seeds.

    Args:
        sweep: `SweepResults`.
        rates: those of `rates_of` for it.
    """
    rows = [
        _configuration(sweep, rates, rates.recipes == recipe) for recipe in range(rates.recipes.max() + 1)
    ]
    finished = pd.DataFrame(rows).sort_values("balanced_accuracy", ascending=False, kind="stable")
    rest = sweep.unfinished[["run", *_SETTINGS, "status", "error"]]
    rest = rest.assign(seeds=sweep.unfinished["seed"].map("{:g}".format))
    return pd.concat([finished.assign(status="done", error=""), rest], ignore_index=True)


def _configuration(sweep, rates, mask):
    """The row of Table I of the runs in `mask`, which differ only in the seed."""
    runs, numbers = sweep.runs[mask], mask.nonzero()[0]
    at_half = pd.DataFrame([sweep.at_half[number] for number in numbers])
    row = {"run": runs["run"].iloc[0], "accuracy": at_half["accuracy"].mean()}
    for name in _INTERVALS:
        row[name] = at_half[name].mean()
        ends = at_half[f"{name}_interval"].iloc[0]
        if len(runs) > 1:
            _, *ends = rates.level(_SAME_LUCK.get(name, name), mask)
            ends = [1 - end for end in reversed(ends)] if name in _SAME_LUCK else ends
        row[f"{name}_low"], row[f"{name}_high"] = ends
        row[f"{name}_sd"] = at_half[name].std()
    seeds = ", ".join(f"{seed:g}" for seed in sorted(runs["seed"]))
    return row | {name: runs[name].iloc[0] for name in _SETTINGS} | {"runs": len(runs), "seeds": seeds}


def configurations_markdown(table):
    """`configurations` as Markdown."""
    header = [
        "accuracy",
        *_INTERVALS.values(),
        "balance ratio",
        "model",
        "loss",
        "gamma",
        "blur",
        "rounds",
        "seeds",
    ]
    done = table[table["status"] == "done"]
    rows = [
        [
            f"{row['accuracy']:.3f}",
            *(with_deviation(row, name) for name in _INTERVALS),
            f"{row['balance_ratio']:.3f}",
            row["model"],
            # As in the paper, gamma has a column of its own and delta has not.
            row["loss"] + (f", delta {row['focal_delta']:g}" if row["loss"] == "focal" else ""),
            f"{row['gamma']:g}" if row["loss"] == "recall" else "",
            "yes" if row["blurred"] else "no",
            f"{row['rounds']:g}" + (f" ({row['cleaning']})" if row["cleaning"] else ""),
            row["seeds"],
        ]
        for _, row in done.iterrows()
    ]
    text = markdown.table(header, rows)
    rest = unfinished_markdown(table[table["status"] != "done"], len(table))
    return f"{text}\n\n{rest}" if rest else text


def ablation(runs, rates):
    """Table II: for each architecture the baseline and what recall loss, blur and cleaning add to it.

    BL is cross-entropy, no blur, no cleaning; +RL the recall loss; +UNDER the most rounds of cleaning that
    the sweep has, with blur or without. Several seeds are averaged.

    Args:
        runs: those of `SweepResults`.
        rates: those of `rates_of` for the same runs.
    """
    metrics = metrics_of(rates)
    losses = [("", runs["loss"] == "crossentropy")]
    for value in sorted(runs.loc[runs["loss"] == "recall", "gamma"].unique()):
        losses.append((f"+RL({value:g})", (runs["loss"] == "recall") & (runs["gamma"] == value)))
    rows = []
    for model in dict.fromkeys(runs["model"]):
        base = _cell(runs, model, losses[0][1], False, False)
        for blurred in (False, True):
            for cleaned in (False, True):
                for name, loss in losses:
                    cell = _cell(runs, model, loss, blurred, cleaned)
                    if cell.any():
                        data = ("+BLUR" if blurred else "") + ("+UNDER" if cleaned else "")
                        row = {"model": model, "configuration": data + name or "BL", "runs": int(cell.sum())}
                        rows.append(row | _effects(runs, rates, cell, base))
    return pd.DataFrame(
        rows, columns=["model", "configuration", "runs", *metrics, *difference_columns(metrics)]
    )


def _cell(runs, model, loss, blurred, cleaned):
    """The rows of the runs that one row of Table II is the mean of, as a mask."""
    most = runs.loc[runs["blurred"] == blurred, "rounds"].max()
    rounds = runs["rounds"] == (max(most, 1) if cleaned else 0)
    return (runs["model"] == model) & loss & (runs["blurred"] == blurred) & rounds


def _effects(runs, rates, cell, base):
    metrics, mean = metrics_of(rates), rates.mean_of(cell.to_numpy())
    row = {metric: rates.effect(metric, mean).value for metric in metrics}
    compared = difference(rates, matched(runs, cell, base, []), "difference from BL", metrics)
    is_base = (cell & base).any()
    return row if is_base or not compared else row | differences(compared.effect, metrics)


def ablation_markdown(table, metrics):
    """`ablation` as Markdown: each value, followed by its difference from BL."""
    rows = []
    for _, row in table.iterrows():
        cells = []
        for metric in metrics:
            shift = [row[f"{metric}_difference{end}"] for end in ENDS]
            cells.append(f"{row[metric]:.3f}" + ("" if pd.isna(shift[0]) else f" ({signed(shift)})"))
        rows.append([row["model"], row["configuration"], str(row["runs"]), *cells])
    header = [f"{title} (difference from BL)" for title in metrics.values()]
    return markdown.table(["model", "configuration", "runs", *header], rows)
