"""Whether the runs of a sweep support what Gilal et al. 2023 conclude from theirs.

Every comparison is between recipes that differ in one factor and agree in all others, and is computed on the
same resamples of the test images for all runs (`skinkeras.evaluation.paired_bootstrap`).
"""

import numpy as np

from pipelines.sweeps.engine.comparisons import (
    Comparison,
    Condition,
    agreeing_columns,
    corrected,
    difference,
    judge,
    matched,
    missing,
    number_recipes,
)
from pipelines.sweeps.engine.effects import Rates
from skinkeras.evaluation import paired_bootstrap

METRICS = {
    "within_source_auc": "AUC within source",
    "within_source_recall_at_specificity": "recall at 90 % within source",
    "roc_auc": "ROC AUC",
    "recall_at_specificity": "recall at 90 %",
    "miss_rate": "miss rate",
    "false_alarm_rate": "false alarm rate",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "Acc",
}

# Everything that two runs can differ in, by factor. Cleaning without a round has no preset to agree in.
_FACTORS = {
    "blur": ("oversample",),
    "cleaning": ("rounds", "cleaning"),
    "loss": ("loss_name",),
    "architecture": ("model",),
    "seed": ("seed",),
}


def rates_of(sweep, resamples):
    """The `Rates` of a sweep's float models; those within source only if the sources of the images are known.

    Args:
        sweep: `SweepResults`; its table of runs gets the column `recipe`.
        resamples: of the bootstrap.
    """
    sweep.runs["recipe"] = number_recipes(sweep.runs, _FACTORS)
    draws = paired_bootstrap(
        sweep.images["malignant"],
        sweep.scores,
        groups=sweep.images["group"],
        resamples=resamples,
        sources=sweep.sources,
    )
    return Rates(draws, sweep.runs["recipe"].to_numpy(), sweep.assumed_luck)


def metrics_of(rates):
    """Those of METRICS that `rates` has."""
    return {metric: title for metric, title in METRICS.items() if metric in rates.draws}


def deciding_metrics(rates):
    """The AUC and the recall at a fixed specificity that verdicts rest on: within source if that is known."""
    names = ("within_source_auc", "within_source_recall_at_specificity")
    return names if names[0] in rates.draws else ("roc_auc", "recall_at_specificity")


def all_claims(runs, rates):
    """The paper's five claims.

    Args:
        runs: those of `SweepResults`.
        rates: those of `rates_of`.
    """
    each = (blur, cleaning, gamma, losses_at_every_balance, architecture)
    return corrected([claim(runs, rates) for claim in each])


def blur(runs, rates):
    """Oversampling by radial blur against no oversampling."""
    pairs = matched(runs, runs["blurred"], ~runs["blurred"], agreeing_columns(_FACTORS, "blur"))
    return _claim(
        rates,
        "blur",
        "Oversampling by radial blur lowers the miss rate",
        _lacks(runs, "blurred", {True: "blur (oversample: g23)", False: "no blur (oversample: none)"}),
        difference(rates, pairs, "blur - no blur", metrics_of(rates)),
    )


def cleaning(runs, rates):
    """Any number of rounds of cleaning against none; then each number by itself."""
    none, keys = runs["rounds"] == 0, agreeing_columns(_FACTORS, "cleaning")
    chosen = {"cleaning": ~none}
    numbers = _levels(runs[~none], "rounds")
    if len(numbers) > 1:
        chosen |= {f"{n:g} round{'s' if n > 1 else ''}": runs["rounds"] == n for n in numbers}
    compared = [
        difference(rates, matched(runs, rows, none, keys), f"{name} - no cleaning", metrics_of(rates))
        for name, rows in chosen.items()
    ]
    return _claim(
        rates,
        "cleaning",
        "Removing the benign images of highest loss lowers the miss rate further",
        _lacks(
            runs.assign(cleaned=~none),
            "cleaned",
            {True: "cleaning (rounds above 0)", False: "no cleaning (rounds: 0)"},
        ),
        *compared,
    )


def gamma(runs, rates):
    """The slope of the rates over log10(gamma); then each gamma against cross-entropy."""
    keys, plain = agreeing_columns(_FACTORS, "loss"), runs["loss"] == "crossentropy"
    is_recall = (runs["loss"] == "recall") & ~runs["same_batch"]  # eq. 7
    recall = runs[is_recall]
    against_plain = [
        difference(
            rates,
            matched(runs, is_recall & (runs["gamma"] == value), plain, keys),
            f"gamma {value:g} - cross-entropy",
            metrics_of(rates),
        )
        for value in _levels(recall, "gamma")
    ]
    return _claim(
        rates,
        "gamma",
        "The miss rate falls as gamma, the cost of a miss, grows",
        f"no two runs that differ in gamma alone (missing: {_missing_gammas(recall)})",
        _slope(recall[recall["gamma"] > 0], rates, keys),
        *against_plain,
    )


def _missing_gammas(recall):
    gammas = _levels(recall, "gamma")
    if not gammas:
        return "runs of the recall loss with several gammas, such as {loss: recall, gamma: [1, 10, 100]}"
    example = recall["run"].iloc[0]
    return f"runs of another gamma than {', '.join(f'{g:g}' for g in gammas)}, otherwise as {example}"


def losses_at_every_balance(runs, rates):
    """Focal and recall loss, each against cross-entropy on each training set, that is at each balance ratio."""
    keys, plain = agreeing_columns(_FACTORS, "loss"), runs["loss"] == "crossentropy"
    sets = runs[["blurred", "rounds"]].drop_duplicates().sort_values(["blurred", "rounds"])
    conditions = []
    for loss in ("focal", "recall"):
        for blurred, rounds in sets.itertuples(index=False):
            here = (runs["blurred"] == blurred) & (runs["rounds"] == rounds)
            ratio = runs.loc[here, "balance_ratio"].mean()
            where = f"at balance {ratio:.3g} ({'blur' if blurred else 'no blur'}, {rounds:g} rounds)"
            pairs = matched(runs, here & (runs["loss"] == loss), here & plain, keys)
            compared = difference(rates, pairs, f"{loss} - cross-entropy {where}", metrics_of(rates))
            lacking = missing(
                runs[here], f"{loss} loss and cross-entropy {where}", "loss", (loss, "crossentropy")
            )
            conditions += [
                Condition(compared, metric, rises=True, lacking=lacking) for metric in deciding_metrics(rates)
            ]
    return judge("losses by balance", "Focal and recall loss help at every balance ratio", conditions)


def architecture(runs, rates):
    """How far apart the architectures' means lie, against the factor whose means lie furthest apart.

    Levels of a factor are compared over the sets of runs that have all of them. A spread is never negative
    and grows with the number of levels and with the noise, so that no spread by itself could speak against a
    difference; only the difference of two spreads can have either sign.
    """
    name, text = "architecture", "The architecture matters little beside the loss and the data"
    spreads = {
        name: spread
        for name, factor, column in (
            ("architectures", "architecture", "model"),
            ("losses", "loss", "loss_name"),
            ("cleaning rounds", "cleaning", "rounds"),
            ("blur", "blur", "oversample"),
        )
        if (spread := _spread(runs, rates, factor, column)) is not None
    }
    own = spreads.pop("architectures", None)
    metric = deciding_metrics(rates)[0]
    if own is None or not spreads:
        lacking = "two architectures" if own is None else "second loss, cleaning or blur to compare them with"
        wanted = f"missing: runs of another {'model' if own is None else 'loss'}, otherwise as {runs['run'].iloc[0]}"
        condition = Condition(
            None, metric, rises=False, lacking=f"no {lacking} in otherwise equal runs ({wanted})"
        )
        return judge(name, text, [condition])
    decisive = _own_less_widest(rates, own, list(spreads.values()))
    each = [
        _spread_comparison(rates, f"spread over {name}", spread)
        for name, spread in {"architectures": own, **spreads}.items()
    ]
    return judge(name, text, [Condition(decisive, metric, rises=False, lacking="")], each)


def _own_less_widest(rates, own, others):
    """The `Comparison` of the spread over architectures with the widest other one."""
    effect, weights = {}, {}
    for metric in metrics_of(rates):
        values, slope = own[1][metric]
        # The widest within each resample: choosing it once, on the images as they are, would favour the claim.
        widest = np.max([spread[metric][0] for _, spread in others], axis=0)
        leading = max((spread[metric] for _, spread in others), key=lambda each: each[0][0])
        weights[metric] = slope - leading[1]
        effect[metric] = rates.effect_of(metric, values - widest, weights[metric])
    what = "spread over architectures - widest other spread"
    return Comparison(what, own[0], effect, weights[deciding_metrics(rates)[0]])


def _spread_comparison(rates, what, spread):
    count, of_metric = spread
    effect = {metric: rates.effect_of(metric, *values) for metric, values in of_metric.items()}
    return Comparison(what, count, effect, of_metric[deciding_metrics(rates)[0]][1])


def _slope(recall, rates, keys):
    """The least-squares slope over log10(gamma): the mean over sets of recipes that differ in gamma alone."""
    weights = []
    for _, runs in recall.groupby([key for key in keys if key != "seed"]):
        x = np.log10(runs["gamma"].to_numpy())
        x = x - x.mean()
        if np.ptp(x):
            weights.append(np.zeros(len(rates.recipes)))
            weights[-1][runs.index] = x / (x @ x)
    if not weights:
        return None
    mean = np.mean(weights, axis=0)
    effect = {m: rates.effect(m, mean) for m in metrics_of(rates)}
    return Comparison("per factor of 10 in gamma", len(weights), effect, mean)


def _spread(runs, rates, factor, column):
    """How far apart the means of a factor's levels lie.

    Returns:
        (number of sets, metric -> (max - min of the means, column by column of the rates; its slope in what each run
        reached)), or None.
    """
    keys, levels = agreeing_columns(_FACTORS, factor), _levels(runs, column)
    sets = [rows for _, rows in runs.groupby([key for key in keys if key != "seed"])]
    sets = [rows for rows in sets if rows[column].nunique() == len(levels)]
    if len(levels) < 2 or not sets:
        return None
    of_level = np.stack([
        np.mean([rates.mean_of(rows.index[rows[column] == level]) for rows in sets], axis=0)
        for level in levels
    ])  # fmt: skip
    spreads = {}
    for metric in metrics_of(rates):
        means = of_level @ rates.draws[metric]
        slope = of_level[means[:, 0].argmax()] - of_level[means[:, 0].argmin()]
        spreads[metric] = np.ptp(means, axis=0), slope
    return len(sets), spreads


def _lacks(runs, column, titles):
    return missing(runs, " and ".join(titles.values()), column, tuple(titles), titles)


def _levels(runs, column):
    return sorted(runs[column].unique())


def _claim(rates, name, text, lacking, first, *others):
    """The claim that in the `first` comparison malignant and benign images are better separated.

    A miss rate at threshold 0.5 falls, too, where merely more images are called malignant: it decides nothing.
    """
    conditions = [Condition(first, m, rises=True, lacking=lacking) for m in deciding_metrics(rates)]
    return judge(name, text, conditions, others)
