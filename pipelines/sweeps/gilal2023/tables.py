"""Tables I and II of Gilal et al. 2023 for a sweep, each as data and as Markdown."""

import pandas as pd

from pipelines.sweeps.engine.claims_table import (
    ENDS,
    difference_columns,
    differences,
    interval,
    signed,
    unfinished_markdown,
)
from pipelines.sweeps.engine.comparisons import difference, matched_pairs
from pipelines.sweeps.gilal2023.claims import METRICS
from skinkeras.evaluation import estimate, markdown

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
    "seed",
]


def configurations(sweep):
    """Table I: one row a configuration, by balanced accuracy; those that have not finished come last."""
    rows = []
    for run, at_half in zip(sweep.runs["run"], sweep.at_half, strict=True):
        row = {"run": run, "accuracy": at_half["accuracy"]}
        for name in _INTERVALS:
            row[name] = at_half[name]
            row[f"{name}_low"], row[f"{name}_high"] = at_half[f"{name}_interval"]
        rows.append(row)
    finished = pd.DataFrame(rows).merge(sweep.runs[["run", *_SETTINGS]], on="run")
    finished = finished.sort_values("balanced_accuracy", ascending=False, kind="stable")
    rest = sweep.unfinished[["run", *_SETTINGS, "status", "error"]]
    return pd.concat([finished.assign(status="done", error=""), rest], ignore_index=True)


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
        "seed",
    ]
    done = table[table["status"] == "done"]
    rows = [
        [
            f"{row['accuracy']:.3f}",
            *(interval(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in _INTERVALS),
            f"{row['balance_ratio']:.3f}",
            row["model"],
            # As in the paper, gamma has a column of its own and delta has not.
            row["loss"] + (f", delta {row['focal_delta']:g}" if row["loss"] == "focal" else ""),
            f"{row['gamma']:g}" if row["loss"] == "recall" else "",
            "yes" if row["blurred"] else "no",
            f"{row['rounds']:g}" + (f" ({row['cleaning']})" if row["cleaning"] else ""),
            f"{row['seed']:g}",
        ]
        for _, row in done.iterrows()
    ]
    text = markdown.table(header, rows)
    rest = unfinished_markdown(table[table["status"] != "done"], len(table))
    return f"{text}\n\n{rest}" if rest else text


def ablation(runs, rates):
    """Table II: for each architecture the baseline and what recall loss, blur and cleaning add to it.

    BL is cross-entropy, no blur, no cleaning; +RL the recall loss; +UNDER the most rounds of cleaning that
    the sweep has, with blur or without. Several seeds are averaged, differences over the seeds that both
    have.

    Args:
        runs: those of `SweepResults`.
        rates: those of `paired_bootstrap` for the same runs.
    """
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
        rows, columns=["model", "configuration", "runs", *METRICS, *difference_columns(METRICS)]
    )


def _cell(runs, model, loss, blurred, cleaned):
    """The rows of the runs that one row of Table II is the mean of, as a mask."""
    most = runs.loc[runs["blurred"] == blurred, "rounds"].max()
    rounds = runs["rounds"] == (max(most, 1) if cleaned else 0)
    return (runs["model"] == model) & loss & (runs["blurred"] == blurred) & rounds


def _effects(runs, rates, cell, base):
    row = {metric: estimate(rates[metric][cell.to_numpy()].mean(axis=0)).value for metric in METRICS}
    compared = difference(rates, matched_pairs(runs, cell, base, ["seed"]), "difference from BL", METRICS)
    is_base = (cell & base).any()
    return row if is_base or not compared else row | differences(compared.effect, METRICS)


def ablation_markdown(table):
    """`ablation` as Markdown: each value, followed by its difference from BL."""
    rows = []
    for _, row in table.iterrows():
        cells = []
        for metric in METRICS:
            shift = [row[f"{metric}_difference{end}"] for end in ENDS]
            cells.append(f"{row[metric]:.3f}" + ("" if pd.isna(shift[0]) else f" ({signed(shift)})"))
        rows.append([row["model"], row["configuration"], str(row["runs"]), *cells])
    header = [f"{title} (difference from BL)" for title in METRICS.values()]
    return markdown.table(["model", "configuration", "runs", *header], rows)
