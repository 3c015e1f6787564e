"""The report of a sweep as Markdown: claims, tables, figures, and what the intervals leave out."""

from pipelines.sweeps.g23 import tables
from pipelines.sweeps.g23.claims import METRICS
from pipelines.sweeps.tables import comparisons_markdown
from pipelines.sweeps.text import SYNTHETIC, intervals_text

_RULE = """A claim is *supported* if the 95 % interval of the first comparison below it excludes 0 in the
claimed direction, *contradicted* if it excludes 0 in the other, and *not decided* otherwise. Compared are
runs that differ in the one factor and agree in all others; the value is the mean over these matched pairs or
sets, its interval from {resamples:,} paired resamples of whole groups (lesions, patients) of test images.
Every claim has its own 95 %: nothing is corrected for there being four. Rates are those of the float models
at threshold 0.5, where a miss rate can fall merely because more images are called malignant: the false alarm
rate and the ROC AUC beside it tell."""

_ARCHITECTURE_RULE = """The spread of a factor is the largest minus the smallest of its levels' mean balanced
accuracies, over those sets of otherwise equal runs that hold every level. The claim is supported if the
spread over architectures is smaller than that of the factor with the widest spread, contradicted if it is
larger, by an interval of the difference that excludes 0. A spread is never negative and grows with noise and
with the number of levels, so that the spreads themselves decide nothing."""

_ABLATION = """BL: cross-entropy, no blur, no cleaning. RL: recall loss with its gamma. BLUR: oversampling by
radial blur. UNDER: the most rounds of cleaning in the sweep, with blur or without. In brackets: difference
from BL and its 95 % paired interval."""


def report_text(sweep, claims, configurations, ablation, resamples):
    """The whole of `report.md`."""
    mark = "SYNTHETIC: " if sweep.synthetic else ""
    parts = [
        f"# {mark}sweep {sweep.path.resolve().name}",
        _scope(sweep),
        "## Claims of Gilal et al. 2023",
        _RULE.format(resamples=resamples),
        *(_claim(claim) for claim in claims),
        "## Table I: configurations by balanced accuracy",
        "At threshold 0.5, float model. In brackets: 95 % bootstrap interval over groups.",
        tables.configurations_markdown(configurations),
        "## Table II: ablation",
        _ABLATION,
        tables.ablation_markdown(ablation),
        "## Figures",
        f"![{mark}miss rate against false alarm rate](figure_5.png)",
        f"![{mark}error rates against the balance ratio](figure_6.png)",
    ]
    return "\n\n".join(parts) + "\n"


def _scope(sweep):
    """What was measured, on what, and what the intervals leave out."""
    images, runs = sweep.images, sweep.runs
    failed = int((sweep.unfinished["status"] == "failed").sum())
    counted = (
        f"{len(runs)} of {len(runs) + len(sweep.unfinished)} configurations have finished, {failed} failed. "
        f"All were measured on the same {len(images):,} test images, {images['malignant'].sum():,} of them "
        f"malignant."
    )
    return "\n\n".join([SYNTHETIC] * sweep.synthetic + [counted, intervals_text(runs["seed"].nunique())])


def _claim(claim):
    parts = [f"### {claim.text}: {claim.verdict}"]
    if claim.name == "architecture":
        parts.append(_ARCHITECTURE_RULE)
    elif claim.tested:
        parts.append(_reading(claim.comparisons[0].effect))
    if claim.comparisons:
        parts.append(comparisons_markdown(claim, METRICS))
    return "\n\n".join(parts)


def _reading(effect):
    """The decisive comparison in words."""
    moves = {metric: _move(effect[metric]) for metric in METRICS}
    text = (
        f"The miss rate {moves['miss_rate']}, the false alarm rate {moves['false_alarm_rate']}, the ROC AUC "
        f"{moves['roc_auc']}."
    )
    if moves["miss_rate"] == "falls" and moves["roc_auc"] != "rises":
        text += (
            " Malignant and benign images are not measurably better told apart: a lower threshold might have "
            "done as much."
        )
    return text


def _move(effect):
    return "rises" if effect.low > 0 else "falls" if effect.high < 0 else "does not change measurably"
