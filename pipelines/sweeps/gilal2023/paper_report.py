"""The report on a sweep of binary runs: Tables I and II, Figures 5 and 6, and four claims of Gilal et al. 2023."""

from functools import partial

from pipelines.sweeps.engine.claims_table import comparisons_markdown
from pipelines.sweeps.engine.shared_text import SYNTHETIC, figure_note, finished_text, intervals_text
from pipelines.sweeps.engine.sweep_report import SweepReport
from pipelines.sweeps.gilal2023 import figures, tables
from pipelines.sweeps.gilal2023.claims import METRICS, all_claims
from pipelines.sweeps.gilal2023.results import read_sweep
from skinkeras.evaluation import paired_bootstrap

__all__ = ["make_report", "read_sweep"]

_RULE = """A claim is *supported* if the 95 % interval of the first comparison below it excludes 0 in the
claimed direction, *contradicted* if it excludes 0 in the other, and *not decided* otherwise. Runs are
compared that differ in one factor and agree in all others; the value is the mean over these matched pairs
or sets, and its interval comes from {resamples:,} paired resamples of whole groups (lesions, patients) of
test images. Each claim has its own 95 %: nothing is corrected for there being four. The rates are those of
the float models at threshold 0.5, where a miss rate can fall merely because more images are called
malignant: read it beside the false alarm rate and the ROC AUC."""

_ARCHITECTURE_RULE = """The spread of a factor is the largest minus the smallest of its levels' mean
balanced accuracies, over those sets of otherwise equal runs that have every level. The claim is supported
if the spread over architectures is smaller than that of the factor with the widest spread, and contradicted
if it is larger, by an interval of the difference that excludes 0. A spread is never negative and grows with
noise and with the number of levels, so the spreads by themselves decide nothing."""

_ABLATION = """BL: cross-entropy, no blur, no cleaning. RL: recall loss with its gamma. BLUR: oversampling
by radial blur. UNDER: the most rounds of cleaning in the sweep, with blur or without. In brackets:
difference from BL and its 95 % paired interval."""


def make_report(sweep, resamples):
    """The `SweepReport` of a sweep.

    Args:
        sweep: `SweepResults`.
        resamples: of the bootstrap.
    """
    rates = paired_bootstrap(
        sweep.images["malignant"], sweep.scores, groups=sweep.images["group"], resamples=resamples
    )
    claims = all_claims(sweep.runs, rates)
    configurations = tables.configurations(sweep)
    ablation = tables.ablation(sweep.runs, rates)
    note = figure_note(sweep.path, sweep.synthetic, len(sweep.images))
    return SweepReport(
        title=f"Finished runs: {len(sweep.runs)}. Differences at threshold 0.5 with 95 % intervals",
        claims=claims,
        metrics=METRICS,
        printed=tuple(METRICS),
        texts={
            "report.md": _report_text(sweep, claims, configurations, ablation, resamples),
            "table_1.md": tables.configurations_markdown(configurations) + "\n",
            "table_2.md": tables.ablation_markdown(ablation) + "\n",
        },
        csv_files={"table_1.csv": configurations, "table_2.csv": ablation},
        figures={
            "figure_5.png": partial(figures.error_rates, sweep.runs, rates, note=note),
            "figure_6.png": partial(figures.error_rates_by_balance, sweep.runs, rates, note=note),
        },
    )


def _report_text(sweep, claims, configurations, ablation, resamples):
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
    measured = (
        f"{finished_text(runs, sweep.unfinished)} All were measured on the same {len(images):,} test images, of "
        f"which {images['malignant'].sum():,} are malignant."
    )
    return "\n\n".join([SYNTHETIC] * sweep.synthetic + [measured, intervals_text(runs["seed"].nunique())])


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
    changes = {metric: _change(effect[metric]) for metric in METRICS}
    text = (
        f"The miss rate {changes['miss_rate']}, the false alarm rate {changes['false_alarm_rate']}, the ROC AUC "
        f"{changes['roc_auc']}."
    )
    if changes["miss_rate"] == "falls" and changes["roc_auc"] != "rises":
        text += (
            " The models do not separate malignant from benign images measurably better: a lower threshold might "
            "have done as much."
        )
    return text


def _change(effect):
    return "rises" if effect.low > 0 else "falls" if effect.high < 0 else "does not change measurably"
