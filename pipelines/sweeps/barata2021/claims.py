"""Whether the runs of a sweep support what Barata & Santiago 2021 conclude from theirs.

Every comparison is between recipes that differ in one factor and agree in all others, and is computed on the
same resamples of the test images for all runs (`skinkeras.evaluation.paired_multiclass_bootstrap`).
"""

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
    spread,
)
from pipelines.sweeps.engine.effects import Rates
from skinkeras.evaluation import paired_multiclass_bootstrap
from skinkeras.losses import WEIGHTINGS

METRICS = {
    "within_source_accuracy": "Acc within source",
    "within_source_balanced_accuracy": "BAcc within source",
    "within_source_macro_auc": "macro AUC within source",
    "accuracy": "Acc",
    "balanced_accuracy": "BAcc",
    "mean_f1": "mF1",
    "macro_auc": "macro AUC",
    "trade_off": "(Acc + BAcc) / 2",
    "within_source_trade_off": "(Acc + BAcc) / 2 within source",
    "melanoma_recall": "melanoma recall",
}
_MELANOMA = {"mel", "melanoma"}
_NO_MELANOMA = "no class that is called melanoma"
_OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}
_LOSS_TITLES = {"focal": "focal loss", "crossentropy": "cross-entropy"}
# Everything that two runs can differ in, by factor.
_FACTORS = {
    "weighting": ("weighting",),
    "model": ("model",),
    "optimizer": ("optimizer",),
    "loss": ("loss",),
    "seed": ("seed",),
}


def rates_of(sweep, resamples):
    """The `Rates` of a sweep's float models: what `paired_multiclass_bootstrap` returns, and the rest of METRICS.

    Without the class melanoma there is no `melanoma_recall`, without the sources of the images none within source.

    Args:
        sweep: `SweepResults`; its table of runs gets the column `recipe`.
        resamples: of the bootstrap.
    """
    sweep.runs["recipe"] = number_recipes(sweep.runs, _FACTORS)
    draws = paired_multiclass_bootstrap(
        sweep.labels,
        sweep.probabilities,
        sweep.classes,
        groups=sweep.images["group"],
        resamples=resamples,
        splits=sweep.images["repeat"],
        sources=sweep.sources,
    )
    for where in ("", "within_source_"):
        if f"{where}accuracy" in draws:
            both = draws[f"{where}accuracy"], draws[f"{where}balanced_accuracy"]
            draws[f"{where}trade_off"] = sum(both) / 2
    for number, name in enumerate(sweep.classes):
        if name.lower() in _MELANOMA:
            draws["melanoma_recall"] = draws["recall"][:, number]
    return Rates(draws, sweep.runs["recipe"].to_numpy(), sweep.assumed_luck)


def metrics_of(rates):
    """Those of METRICS that `rates` has."""
    return {metric: title for metric, title in METRICS.items() if metric in rates.draws}


def deciding(rates, metric):
    """The metric within source if the sources of the images are known, else the metric itself."""
    within = f"within_source_{metric}"
    return within if within in rates.draws else metric


def all_claims(runs, rates):
    """The paper's nine claims, and its future work.

    Args:
        runs: those of `SweepResults`.
        rates: those of `rates_of`.
    """
    each = (
        class_weights,
        effective_number,
        hard_examples,
        self_paced,
        hierarchy,
        hierarchy_on_melanoma,
        optimizer,
        weighting_by_optimizer,
        focal,
        hardest_of_each_class,
    )
    return corrected([claim(runs, rates) for claim in each])


def class_weights(runs, rates):
    """CB and ES against no weighting, in both accuracies."""
    conditions = []
    for strategy in ("cb", "es"):
        compared = _weightings(runs, rates, strategy, "none")
        lacking = _no_pair(runs, strategy, "none")
        for metric, rises in (("balanced_accuracy", True), ("accuracy", False)):
            conditions.append(Condition(compared, deciding(rates, metric), rises=rises, lacking=lacking))
    return judge("class weights", "CB and ES raise the balanced accuracy and lower the accuracy", conditions)


def effective_number(runs, rates):
    """ES against CB, in accuracy."""
    condition = Condition(
        _weightings(runs, rates, "es", "cb"),
        deciding(rates, "accuracy"),
        rises=True,
        lacking=_no_pair(runs, "es", "cb"),
    )
    return judge("effective number", "ES loses less accuracy than CB", [condition])


def hard_examples(runs, rates):
    """OHEM against each of the paper's other strategies, in the mean of both accuracies."""
    conditions = [
        Condition(
            _weightings(runs, rates, "ohem", other),
            deciding(rates, "trade_off"),
            rises=True,
            lacking=_no_pair(runs, "ohem", other),
        )
        for other in ("none", "cb", "es", "spl")
    ]
    return judge("OHEM", "OHEM has the best trade-off of accuracy and balanced accuracy", conditions)


def self_paced(runs, rates):
    """SPL against no weighting, in the recall of melanoma."""
    compared, lacking = _weightings(runs, rates, "spl", "none"), _no_pair(runs, "spl", "none")
    if "melanoma_recall" not in rates.draws:
        compared, lacking = None, _NO_MELANOMA
    condition = Condition(compared, "melanoma_recall", rises=False, lacking=lacking)
    return judge("SPL", "SPL lowers the recall of melanoma", [condition])


def hierarchy(runs, rates):
    """The hierarchical model against the flat one with attention, of the same architecture."""
    condition = Condition(
        _hierarchy(runs, rates), deciding(rates, "balanced_accuracy"), rises=True, lacking=_no_hierarchy(runs)
    )
    return judge("hierarchy", "The hierarchical model beats the flat one", [condition])


def hierarchy_on_melanoma(runs, rates):
    """The same pairs, in the recall of melanoma."""
    compared, lacking = _hierarchy(runs, rates), _no_hierarchy(runs)
    if "melanoma_recall" not in rates.draws:
        compared, lacking = None, _NO_MELANOMA
    condition = Condition(compared, "melanoma_recall", rises=True, lacking=lacking)
    return judge("melanoma", "The hierarchical model recalls more melanomas than the flat one", [condition])


def _hierarchy(runs, rates):
    keys = [*agreeing_columns(_FACTORS, "model"), "architecture"]
    pairs = matched(runs, runs["head"] == "hierarchical", runs["head"] == "cbam", keys)
    return difference(rates, pairs, "hierarchical - flat", metrics_of(rates))


def _no_hierarchy(runs):
    titles = {"cbam": "a flat model with attention (NAME_cbam)", "hierarchical": "a hierarchical model"}
    what = "a hierarchical and a flat model (NAME_cbam)"
    return missing(runs, what, "head", ("hierarchical", "cbam"), titles)


def optimizer(runs, rates):
    """Adam against SGD."""
    keys = agreeing_columns(_FACTORS, "optimizer")
    pairs = matched(runs, runs["optimizer"] == "adam", runs["optimizer"] == "sgd", keys)
    compared = difference(rates, pairs, "Adam - SGD", metrics_of(rates))
    lacking = missing(runs, "Adam and SGD", "optimizer", ("adam", "sgd"), _OPTIMIZERS)
    condition = Condition(compared, deciding(rates, "balanced_accuracy"), rises=True, lacking=lacking)
    return judge("optimizer", "Adam beats SGD", [condition])


def weighting_by_optimizer(runs, rates):
    """How far apart the weightings lie with SGD, less how far with Adam: the same weightings of the same models."""
    sets = {"adam": [], "sgd": []}
    for _, alike in runs[runs["optimizer"].isin(sets)].groupby(["model", "loss"]):
        levels = {
            name: {weighting: list(rows.index) for weighting, rows in of_one.groupby("weighting")}
            for name, of_one in alike.groupby("optimizer")
        }
        both = set.intersection(*map(set, levels.values())) if len(levels) == len(sets) else set()
        if len(both) > 1:
            for name, of_one in sets.items():
                of_one.append([levels[name][weighting] for weighting in sorted(both)])
    compared = _spread_difference(rates, sets) if sets["adam"] else None
    lacking = missing(
        runs, "two weightings with Adam and the same with SGD", "optimizer", ("adam", "sgd"), _OPTIMIZERS
    )
    condition = Condition(compared, deciding(rates, "balanced_accuracy"), rises=True, lacking=lacking)
    return judge("weighting by optimizer", "Weighting matters more with SGD than with Adam", [condition])


def _spread_difference(rates, sets):
    """The `Comparison` of the spreads over weightings with SGD and with Adam."""
    effect, weights = {}, {}
    for metric in metrics_of(rates):
        (values, slope), (base, base_slope) = (spread(rates, metric, sets[name]) for name in ("sgd", "adam"))
        weights[metric] = slope - base_slope
        effect[metric] = rates.effect_of(metric, values - base, weights[metric])
    what = "spread over weightings, SGD - Adam"
    return Comparison(what, len(sets["adam"]), effect, weights[deciding(rates, "balanced_accuracy")])


def focal(runs, rates):
    """Focal loss against cross-entropy, in the mean of both accuracies."""
    keys = agreeing_columns(_FACTORS, "loss")
    pairs = matched(runs, runs["loss"] == "focal", runs["loss"] == "crossentropy", keys)
    compared = difference(rates, pairs, "focal - cross-entropy", metrics_of(rates))
    lacking = missing(runs, "focal loss and cross-entropy", "loss", ("focal", "crossentropy"), _LOSS_TITLES)
    condition = Condition(compared, deciding(rates, "trade_off"), rises=False, lacking=lacking)
    return judge("focal", "Focal loss is worse than cross-entropy overall", [condition])


def hardest_of_each_class(runs, rates):
    """What the paper leaves for later: the hardest of each class against the hardest of all."""
    condition = Condition(
        _weightings(runs, rates, "ohem_per_class", "ohem"),
        deciding(rates, "balanced_accuracy"),
        rises=True,
        lacking=_no_pair(runs, "ohem_per_class", "ohem"),
    )
    text = "OHEM that picks the hardest of each class beats OHEM (future work of the paper)"
    return judge("OHEM per class", text, [condition], [_weightings(runs, rates, "ohem_per_class", "none")])


def _weightings(runs, rates, strategy, base):
    """The `Comparison` of two weightings, or None."""
    pairs = matched(
        runs,
        runs["weighting"] == strategy,
        runs["weighting"] == base,
        agreeing_columns(_FACTORS, "weighting"),
    )
    what = f"{weighting_title(strategy)} - {weighting_title(base)}"
    return difference(rates, pairs, what, metrics_of(rates))


def weighting_title(weighting):
    """The name of a weighting in tables and figures."""
    return WEIGHTINGS[weighting].short_title


def _no_pair(runs, strategy, base):
    titles = {name: weighting_title(name) for name in (strategy, base)}
    return missing(runs, " and ".join(titles.values()), "weighting", tuple(titles), titles)
