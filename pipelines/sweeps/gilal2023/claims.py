"""Whether the runs of a sweep support what Gilal et al. 2023 conclude from theirs.

Every comparison is between runs that differ in one factor and agree in all others, and is computed on the
same resamples of the test images for all runs (`skinkeras.evaluation.paired_bootstrap`).
"""

import numpy as np

from pipelines.sweeps.engine.comparisons import (
    Comparison,
    Condition,
    agreeing_columns,
    difference,
    judge,
    matched_pairs,
)
from skinkeras.evaluation import estimate

METRICS = {
    "miss_rate": "miss rate",
    "false_alarm_rate": "false alarm rate",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
}

# Everything that two runs can differ in, by factor. Cleaning without a round has no preset to agree in.
_FACTORS = {
    "blur": ("oversample",),
    "cleaning": ("rounds", "cleaning"),
    "loss": ("loss_name",),
    "architecture": ("model",),
    "seed": ("seed",),
}


def all_claims(runs, rates):
    """The four claims.

    Args:
        runs: those of `SweepResults`.
        rates: those of `paired_bootstrap` for the same runs.
    """
    return [blur(runs, rates), cleaning(runs, rates), gamma(runs, rates), architecture(runs, rates)]


def blur(runs, rates):
    """Oversampling by radial blur against no oversampling."""
    pairs = matched_pairs(runs, runs["blurred"], ~runs["blurred"], agreeing_columns(_FACTORS, "blur"))
    return _claim(
        "blur",
        "Oversampling by radial blur lowers the miss rate",
        "no pair of runs with and without blur that differ in nothing else",
        difference(rates, pairs, "blur - no blur", METRICS),
    )


def cleaning(runs, rates):
    """Any number of rounds of cleaning against none; then each number by itself."""
    none, keys = runs["rounds"] == 0, agreeing_columns(_FACTORS, "cleaning")
    chosen = {"cleaning": ~none}
    numbers = _levels(runs[~none], "rounds")
    if len(numbers) > 1:
        chosen |= {f"{n:g} round{'s' if n > 1 else ''}": runs["rounds"] == n for n in numbers}
    compared = [
        difference(rates, matched_pairs(runs, rows, none, keys), f"{name} - no cleaning", METRICS)
        for name, rows in chosen.items()
    ]
    return _claim(
        "cleaning",
        "Removing the benign images of highest loss lowers the miss rate further",
        "no pair of runs with and without cleaning that differ in nothing else",
        *compared,
    )


def gamma(runs, rates):
    """The slope of the rates over log10(gamma); then each gamma against cross-entropy."""
    keys, plain = agreeing_columns(_FACTORS, "loss"), runs["loss"] == "crossentropy"
    recall = runs[runs["loss"] == "recall"]
    against_plain = [
        difference(
            rates,
            matched_pairs(runs, (runs["loss"] == "recall") & (runs["gamma"] == value), plain, keys),
            f"gamma {value:g} - cross-entropy",
            METRICS,
        )
        for value in _levels(recall, "gamma")
    ]
    return _claim(
        "gamma",
        "The miss rate falls as gamma, the cost of a miss, grows",
        "no two runs that differ in gamma alone",
        _slope(recall[recall["gamma"] > 0], rates, keys),
        *against_plain,
    )


def architecture(runs, rates):
    """How far apart the architectures' means lie, against the factor whose means lie furthest apart.

    Levels of a factor are compared over the sets of runs that have all of them. A spread is never negative
    and grows with the number of levels and with the noise, so that no spread by itself could speak against a
    difference; only the difference of two spreads can have either sign.
    """
    text = "The architecture matters little beside the loss and the data"
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
    own, others = spreads.get("architectures"), [name for name in spreads if name != "architectures"]
    lacking = "two architectures" if own is None else "second loss, cleaning or blur to compare them with"
    if own is None or not others:
        return _claim("architecture", text, f"no {lacking} in otherwise equal runs", None)
    count, values = own
    # The widest within each resample: choosing it once, on the images as they are, would favour the claim.
    widest = {metric: np.max([spreads[name][1][metric] for name in others], axis=0) for metric in METRICS}
    decisive = Comparison(
        "spread over architectures - widest other spread",
        count,
        {metric: estimate(values[metric] - widest[metric]) for metric in METRICS},
    )
    each = [
        Comparison(f"spread over {name}", count, {metric: estimate(values[metric]) for metric in METRICS})
        for name, (count, values) in spreads.items()
    ]
    return _claim("architecture", text, "", decisive, *each, metric="balanced_accuracy")


def _slope(recall, rates, keys):
    """The least-squares slope over log10(gamma): the mean over sets of runs that differ in gamma alone."""
    slopes = []
    for _, runs in recall.groupby(keys):
        x = np.log10(runs["gamma"].to_numpy())
        x = x - x.mean()
        if np.ptp(x):
            slopes.append({m: x @ rates[m][runs.index] / (x @ x) for m in METRICS})
    if not slopes:
        return None
    effect = {m: estimate(np.mean([slope[m] for slope in slopes], axis=0)) for m in METRICS}
    return Comparison("per factor of 10 in gamma", len(slopes), effect)


def _spread(runs, rates, factor, column):
    """(number of sets, metric -> max - min of the levels' means, column by column of the rates), or None."""
    keys, levels = agreeing_columns(_FACTORS, factor), _levels(runs, column)
    sets = [rows for _, rows in runs.groupby(keys) if rows[column].nunique() == len(levels)]
    if len(levels) < 2 or not sets:
        return None
    spreads = {}
    for metric in METRICS:
        means = [
            np.mean([rates[metric][rows.index[rows[column] == level]].mean(axis=0) for rows in sets], axis=0)
            for level in levels
        ]
        spreads[metric] = np.ptp(means, axis=0)
    return len(sets), spreads


def _levels(runs, column):
    return sorted(runs[column].unique())


def _claim(name, text, lacking, first, *others, metric="miss_rate"):
    """The claim that `metric` falls in the `first` comparison."""
    return judge(name, text, [Condition(first, metric, rises=False, lacking=lacking)], others)
