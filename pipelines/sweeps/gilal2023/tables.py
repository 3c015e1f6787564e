"""Tables I and II of Gilal et al. 2023 for a sweep, each as data and as Markdown, beside the printed values."""

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
from pipelines.sweeps.engine.printed import beside, side_by_side
from pipelines.sweeps.gilal2023 import printed
from pipelines.sweeps.gilal2023.claims import metrics_of
from skinkeras.evaluation import markdown

_INTERVALS = {
    "balanced_accuracy": "BalAcc",
    "roc_auc": "AUC",
    "benign_recall": "benign recall",
    "malignant_recall": "malignant recall",
}
_METRICS = {"accuracy": "Acc", **_INTERVALS}
_ABLATED = ("accuracy", "benign_recall", "malignant_recall")
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
LISTED = 0.94  # the paper's Table I has the configurations above this balanced accuracy


def configurations(sweep, rates):
    """Table I: one row a configuration, by balanced accuracy; those that have not finished come last.

    Runs that differ only in the seed are one row: their mean, the standard deviation between them (`_sd`), and an
    interval that covers test images and seeds. `METRIC_paper` is the printed value of the same model (or the one that
    it stands for), loss and training set, and `METRIC_less_paper` the difference from it; NaN without one.

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
    row |= {name: runs[name].iloc[0] for name in _SETTINGS} | {"runs": len(runs), "seeds": seeds}
    row |= {
        name: runs[name].iloc[0] for name in ("train_benign", "train_malignant", "loss_name", "same_batch")
    }
    of_paper = printed.table_1().get(printed.key_of(runs.iloc[0], sweep.stands_for), {})
    for name in _METRICS:
        row |= {f"{name}_{kind}": value for kind, value in beside(row[name], of_paper.get(name)).items()}
    return row


def configurations_markdown(table, stands_for):
    """`configurations` as Markdown in the paper's columns, its values beside ours; then its rows without a run."""
    done = table[table["status"] == "done"]
    listed = int((done["balanced_accuracy"] > LISTED).sum())
    rows, known = [], set()
    for row in done.to_dict("records"):
        model, size = row["model"], [f"{row[f'train_{side}']:,.0f}" for side in ("benign", "malignant")]
        first = [
            f"{model} (for {stands_for[model]})" if model in stands_for else model,
            row["loss_name"],
            *size,
        ]
        rows.append(([*first, row["seeds"]], [_value(row, name) for name in _METRICS]))
        known.add(printed.key_of(row, stands_for))
    names = ["model", "loss", "benign", "malignant", "seeds"]
    parts = [
        f"Of {len(done)} configurations {listed} reach more than {LISTED:.0%} balanced accuracy, which is what the "
        "paper lists.",
        side_by_side(names, _METRICS.values(), rows),
        _rows_without_run(known),
        unfinished_markdown(table[table["status"] != "done"], len(table)),
    ]
    return "\n\n".join(filter(None, parts))


def _value(row, name):
    text = f"{row[name]:.3f}" if name == "accuracy" else with_deviation(row, name)
    return text, row[name], row[f"{name}_paper"]


def _rows_without_run(known):
    """The rows of the paper's Table I that no run here is of, as Markdown."""
    missing = [row for key, row in printed.table_1().items() if key not in known]
    if not missing:
        return ""
    header = ["model", "loss", "benign", "malignant", *_METRICS.values()]
    rows = [
        [
            *row["titles"],
            f"{row['benign']:,}",
            f"{row['malignant']:,}",
            *(f"{row[name]:.2f}" for name in _METRICS),
        ]
        for row in missing
    ]
    return f"Printed, and without a run here:\n\n{markdown.table(header, rows)}"


def ablation(runs, rates):
    """Table II: for each architecture the baseline and what recall loss, blur and cleaning add to it.

    BL is cross-entropy, no blur, no cleaning; RL the recall loss: with gamma 1 that of the batch itself where the
    sweep has it, as in the paper (`printed.py`); UNDER the paper's number of cleaning rounds, 4 and with blur 3, or
    the most that the sweep has. Several seeds are averaged.

    Args:
        runs: those of `SweepResults`.
        rates: those of `rates_of` for the same runs.
    """
    metrics = metrics_of(rates)
    rows = []
    for model in dict.fromkeys(runs["model"]):
        base = _cell(runs, model, runs["loss"] == "crossentropy", False, False)
        for name, loss, blurred, cleaned in _cells(runs):
            cell = _cell(runs, model, loss, blurred, cleaned)
            if cell.any():
                row = {"model": model, "configuration": name, "runs": int(cell.sum())}
                rows.append(row | _effects(runs, rates, name, cell, base))
    columns = [*_ABLATED, *(f"{name}_{kind}" for name in _ABLATED for kind in ("paper", "less_paper"))]
    more = [name for name in metrics if name not in columns]
    return pd.DataFrame(
        rows, columns=["model", "configuration", "runs", *columns, *more, *difference_columns(metrics)]
    )


def _cells(runs):
    """(configuration, mask of its loss, blurred, cleaned) of every row that Table II can have, in its order."""
    recall = runs["loss"] == "recall"
    losses = [("", runs["loss"] == "crossentropy")]
    for value in sorted(runs.loc[recall, "gamma"].unique()):
        mine = recall & (runs["gamma"] == value)
        same_batch = mine & runs["same_batch"]
        chosen = same_batch if value == 1 and same_batch.any() else mine & ~runs["same_batch"]
        losses.append((f" + RL (gamma={value:g})", chosen))
    for data, blurred, cleaned in (
        ("BL", False, False),
        ("BL + BLUR", True, False),
        ("BL + UNDER", False, True),
        ("BL + BLUR + UNDER", True, True),
    ):
        for name, loss in losses:
            yield data + name, loss, blurred, cleaned


def _cell(runs, model, loss, blurred, cleaned):
    """The rows of the runs that one row of Table II is the mean of, as a mask."""
    numbers = set(runs.loc[runs["blurred"] == blurred, "rounds"])
    under = printed.UNDER_ROUNDS[blurred]
    rounds = runs["rounds"] == ((under if under in numbers else max([*numbers, 1])) if cleaned else 0)
    return (runs["model"] == model) & loss & (runs["blurred"] == blurred) & rounds


def _effects(runs, rates, name, cell, base):
    metrics, mean = metrics_of(rates), rates.mean_of(cell.to_numpy())
    row = {metric: rates.effect(metric, mean).value for metric in metrics}
    row |= {recall: 1 - row[rate] for recall, rate in _SAME_LUCK.items()}
    of_paper = printed.table_2().get(name, {})
    for metric in _ABLATED:
        row |= {
            f"{metric}_{kind}": value for kind, value in beside(row[metric], of_paper.get(metric)).items()
        }
    compared = difference(rates, matched(runs, cell, base, []), "difference from BL", metrics)
    is_base = (cell & base).any()
    return row if is_base or not compared else row | differences(compared.effect, metrics)


def ablation_markdown(table, metrics, stands_for):
    """`ablation` as Markdown: the paper's rows and columns with its values beside ours, then differences from BL.

    The paper's are of B2: they stand beside those of B2, of what stands for it, or of the first model.
    """
    parts, names = [], list(dict.fromkeys(table["model"]))
    compared = [name for name in names if stands_for.get(name, name) == "efficientnet_b2"] or names[:1]
    for model in compared:
        mine = table[table["model"] == model]
        ours = {row["configuration"]: row for row in mine.to_dict("records")}
        names = [*printed.table_2(), *(name for name in ours if name not in printed.table_2())]
        rows = [([name], [_ablated(ours.get(name), name, metric) for metric in _ABLATED]) for name in names]
        heads = [_METRICS[metric] for metric in _ABLATED]
        parts.append(f"{model} (paper: EfficientNet-B2)")
        parts.append(side_by_side(["method"], heads, rows))
    shifts = []
    for row in table.to_dict("records"):
        cells = []
        for metric in metrics:
            shift = [row[f"{metric}_difference{end}"] for end in ENDS]
            cells.append(f"{row[metric]:.3f}" + ("" if pd.isna(shift[0]) else f" ({signed(shift)})"))
        shifts.append([row["model"], row["configuration"], str(row["runs"]), *cells])
    header = [
        "model",
        "configuration",
        "runs",
        *(f"{title} (difference from BL)" for title in metrics.values()),
    ]
    return "\n\n".join([*parts, markdown.table(header, shifts)])


def _ablated(row, name, metric):
    value = None if row is None else row[metric]
    of_paper = printed.table_2().get(name, {}).get(metric)
    return "" if value is None else f"{value:.3f}", value, of_paper
