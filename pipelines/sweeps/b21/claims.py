"""Whether the runs of a sweep bear out what Barata & Santiago 2021 conclude from theirs.

Every comparison is between runs that differ in one factor and agree in all others, and is computed on the
same resamples of the test images for all runs (`skinkeras.evaluation.paired_multiclass_bootstrap`).
"""

from pipelines.sweeps.comparisons import Part, agree_but_for, difference, judged, matched_pairs
from skinkeras.evaluation import paired_multiclass_bootstrap

METRICS = {
    "accuracy": "Acc",
    "balanced_accuracy": "BAcc",
    "mean_f1": "mF1",
    "macro_auc": "macro AUC",
    "trade_off": "(Acc + BAcc) / 2",
    "melanoma_recall": "melanoma recall",
}
WEIGHTINGS = {
    "none": "no weighting",
    "cb": "CB",
    "es": "ES",
    "spl": "SPL",
    "ohem": "OHEM",
    "ohem_per_class": "OHEM per class",
    "la": "logit adjustment",
}

_MELANOMA = {"mel", "melanoma"}
# Everything that two runs can differ in, by factor.
_FACTORS = {
    "weighting": ("weighting",),
    "model": ("model",),
    "optimizer": ("optimizer",),
    "base loss": ("base_loss",),
    "seed": ("seed",),
}


def rates_of(sweep, resamples):
    """What `paired_multiclass_bootstrap` says of a sweep's float models, and the rest of METRICS.

    Without the class melanoma there is no `melanoma_recall`.
    """
    rates = paired_multiclass_bootstrap(
        sweep.labels,
        sweep.probabilities,
        sweep.classes,
        groups=sweep.images["group"],
        resamples=resamples,
        splits=sweep.images["split"],
    )
    rates["trade_off"] = (rates["accuracy"] + rates["balanced_accuracy"]) / 2
    for number, name in enumerate(sweep.classes):
        if name.lower() in _MELANOMA:
            rates["melanoma_recall"] = rates["recall"][:, number]
    return rates


def metrics_of(rates):
    """Those of METRICS that `rates_of` has found."""
    return {metric: title for metric, title in METRICS.items() if metric in rates}


def all_claims(runs, rates):
    """The six claims, and the paper's future work.

    Args:
        runs: those of `SweepResults`.
        rates: those of `rates_of`.
    """
    return [
        class_weights(runs, rates),
        effective_number(runs, rates),
        hard_examples(runs, rates),
        self_paced(runs, rates),
        hierarchy(runs, rates),
        optimizer(runs, rates),
        hardest_of_each_class(runs, rates),
    ]


def class_weights(runs, rates):
    """CB and ES against no weighting, in both accuracies."""
    parts = []
    for strategy in ("cb", "es"):
        compared = _weightings(runs, rates, strategy, "none")
        lacking = _no_pair(strategy, "none")
        parts.append(Part(compared, "balanced_accuracy", rises=True, lacking=lacking))
        parts.append(Part(compared, "accuracy", rises=False, lacking=lacking))
    return judged("class weights", "CB and ES raise the balanced accuracy and lower the accuracy", parts)


def effective_number(runs, rates):
    """ES against CB, in accuracy."""
    part = Part(_weightings(runs, rates, "es", "cb"), "accuracy", rises=True, lacking=_no_pair("es", "cb"))
    return judged("effective number", "ES loses less accuracy than CB", [part])


def hard_examples(runs, rates):
    """OHEM against each of the paper's other strategies, in the mean of both accuracies."""
    parts = [
        Part(
            _weightings(runs, rates, "ohem", other), "trade_off", rises=True, lacking=_no_pair("ohem", other)
        )
        for other in ("none", "cb", "es", "spl")
    ]
    return judged("OHEM", "OHEM has the best trade-off of accuracy and balanced accuracy", parts)


def self_paced(runs, rates):
    """SPL against no weighting, in the recall of melanoma."""
    compared, lacking = _weightings(runs, rates, "spl", "none"), _no_pair("spl", "none")
    if "melanoma_recall" not in rates:
        compared, lacking = None, "no class that is called melanoma"
    part = Part(compared, "melanoma_recall", rises=False, lacking=lacking)
    return judged("SPL", "SPL lowers the recall of melanoma", [part])


def hierarchy(runs, rates):
    """The hierarchical model against the flat one with attention, on the same backbone."""
    keys = [*agree_but_for(_FACTORS, "model"), "backbone"]
    flat = runs["model"] == runs["backbone"] + "_cbam"
    pairs = matched_pairs(runs, runs["head"] == "hierarchical", flat, keys)
    compared = difference(rates, pairs, "hierarchical - flat", metrics_of(rates))
    lacking = "no matched runs of a hierarchical and a flat model (BACKBONE_cbam)"
    part = Part(compared, "balanced_accuracy", rises=True, lacking=lacking)
    return judged("hierarchy", "The hierarchical model beats the flat one", [part])


def optimizer(runs, rates):
    """Adam against SGD."""
    keys = agree_but_for(_FACTORS, "optimizer")
    pairs = matched_pairs(runs, runs["optimizer"] == "adam", runs["optimizer"] == "sgd", keys)
    compared = difference(rates, pairs, "Adam - SGD", metrics_of(rates))
    lacking = "no matched runs of Adam and SGD"
    part = Part(compared, "balanced_accuracy", rises=True, lacking=lacking)
    return judged("optimizer", "Adam beats SGD", [part])


def hardest_of_each_class(runs, rates):
    """What the paper leaves for later: the hardest of each class against the hardest of all."""
    part = Part(
        _weightings(runs, rates, "ohem_per_class", "ohem"),
        "balanced_accuracy",
        rises=True,
        lacking=_no_pair("ohem_per_class", "ohem"),
    )
    text = "OHEM that picks the hardest of each class beats OHEM (future work of the paper)"
    return judged("OHEM per class", text, [part], [_weightings(runs, rates, "ohem_per_class", "none")])


def _weightings(runs, rates, strategy, base):
    """The `Comparison` of two weightings, or None."""
    pairs = matched_pairs(
        runs,
        runs["weighting"] == strategy,
        runs["weighting"] == base,
        agree_but_for(_FACTORS, "weighting"),
    )
    what = f"{WEIGHTINGS[strategy]} - {WEIGHTINGS[base]}"
    return difference(rates, pairs, what, metrics_of(rates))


def _no_pair(strategy, base):
    return f"no matched runs of {WEIGHTINGS[strategy]} and {WEIGHTINGS[base]}"
