"""The report on a sweep of binary runs: Tables I and II, Figures 5 and 6, and five claims of Gilal et al. 2023."""

from functools import partial

from pipelines.sweeps.engine.claims_table import claim_title, comparisons_markdown, conditions_markdown
from pipelines.sweeps.engine.run_facts import steps_text
from pipelines.sweeps.engine.shared_text import (
    CORRECTION,
    SYNTHETIC,
    figure_note,
    finished_text,
    intervals_text,
    sources_text,
)
from pipelines.sweeps.engine.sweep_report import SweepReport
from pipelines.sweeps.gilal2023 import figures, tables
from pipelines.sweeps.gilal2023.claims import all_claims, deciding_metrics, metrics_of, rates_of
from pipelines.sweeps.gilal2023.results import read_sweep

__all__ = ["make_report", "read_sweep"]

_RULE = """A claim is *supported* if malignant and benign images are measurably better separated, by two
metrics: the AUC, and the malignant recall at the threshold where 90 % of the benign images are called benign.
It is *contradicted* if one of them is measurably worse, and *not decided* otherwise; "measurably" means that
the 95 % interval excludes 0. The paper measures the miss rate at threshold 0.5, which falls, too, where merely
more images are called malignant: it is shown and decides nothing. Recipes are compared that differ in one
factor and agree in all others; the value is the mean over these matched pairs or sets, each with its seeds
averaged, and the test images' part of its interval comes from {resamples:,} paired resamples of whole groups
(lesions, patients). All metrics are those of the float models."""

_ARCHITECTURE_RULE = """The spread of a factor is the largest minus the smallest of its levels' mean AUCs, over
those sets of otherwise equal runs that have every level. The claim is supported if the spread over
architectures is smaller than that of the factor with the widest spread, and contradicted if it is larger, by an
interval of the difference that excludes 0. A spread is never negative and grows with noise and with the number
of levels, so the spreads by themselves decide nothing."""

_CONFIGURATIONS = """Columns as in the paper, at threshold 0.5, float model. In brackets: 95 % interval; sd: between
seeds. *paper*: the printed value of the same model, loss and training set, in whole percent there; *difference*: ours
less that."""

_ABLATION = """BL: cross-entropy, no blur, no cleaning. RL: recall loss with its gamma. BLUR: oversampling
by radial blur. UNDER: the paper's rounds of cleaning, 4 and with blur 3, or the most that the sweep has. The values
of the paper are those of EfficientNet-B2; the first two rows are results of others that it quotes. The last table has
each difference from BL with its 95 % paired interval."""

_FIGURES = """Both figures: left, miss rate against false alarm rate, each point with its balance ratio; right, error
rates against the balance ratio. Figure 5 (data management): cross-entropy, two architectures, with and without blur.
Figure 6 (losses): one architecture on the blurred images at every balance ratio."""

_CAPTIONS = {"figure_5.png": "data management", "figure_6.png": "losses"}
_NO_FIGURE = {
    "figure_5.png": "There is no Figure 5: the sweep has no finished run with cross-entropy.",
    "figure_6.png": "There is no Figure 6: the sweep has no finished run on blurred images (oversample: g23) with "
    "cross-entropy, focal or recall loss.",
}


def make_report(sweep, resamples):
    """The `SweepReport` of a sweep.

    Args:
        sweep: `SweepResults`.
        resamples: of the bootstrap.
    """
    rates = rates_of(sweep, resamples)
    claims, metrics = all_claims(sweep.runs, rates), metrics_of(rates)
    configurations = tables.configurations(sweep, rates)
    ablation = tables.ablation(sweep.runs, rates)
    drawn = make_figures(sweep, rates)
    return SweepReport(
        title=f"Finished runs: {len(sweep.runs)}. Differences with 95 % intervals",
        claims=claims,
        metrics=metrics,
        printed=(*deciding_metrics(rates), "miss_rate"),
        texts={
            "report.md": _report_text(sweep, rates, claims, configurations, ablation, list(drawn)),
            "table_1.md": tables.configurations_markdown(configurations, sweep.stands_for) + "\n",
            "table_2.md": tables.ablation_markdown(ablation, metrics, sweep.stands_for) + "\n",
        },
        csv_files={"table_1.csv": configurations, "table_2.csv": ablation},
        figures=drawn,
    )


def make_figures(sweep, rates):
    """Figures 5 and 6 as far as the sweep has what they show: file name -> what draws it."""
    note = figure_note(sweep.path, sweep.synthetic, len(sweep.images))
    drawn = {}
    for name, draw, runs in (
        ("figure_5.png", figures.data_management, data_management_runs(sweep.runs, sweep.stands_for)),
        ("figure_6.png", figures.losses, loss_runs(sweep.runs, sweep.stands_for)),
    ):
        if len(runs):
            drawn[name] = partial(draw, runs, rates.draws, note=note)
    return drawn


def data_management_runs(runs, stands_for):
    """The runs of Figure 5: cross-entropy, of B0 and B2 or what stands for them, else of the first two models."""
    runs = runs[runs["loss"] == "crossentropy"]
    known = [
        name for name in _models(runs) if stands_for.get(name, name) in ("efficientnet_b0", "efficientnet_b2")
    ]
    return runs[runs["model"].isin(known or _models(runs)[:2])]


def loss_runs(runs, stands_for):
    """The runs of Figure 6: blurred, of B2 or what stands for it, else of the first model."""
    runs = runs[runs["blurred"] & runs["loss"].isin(["crossentropy", "focal", "recall"])]
    known = [name for name in _models(runs) if stands_for.get(name, name) == "efficientnet_b2"]
    return runs[runs["model"].isin((known or _models(runs))[:1])]


def _models(runs):
    return list(dict.fromkeys(runs["model"]))


def _report_text(sweep, rates, claims, configurations, ablation, drawn):
    """The whole of `report.md`."""
    mark, metrics = "SYNTHETIC: " if sweep.synthetic else "", metrics_of(rates)
    resamples = rates.draws["roc_auc"].shape[1] - 1
    parts = [
        f"# {mark}sweep {sweep.path.resolve().name}",
        _scope(sweep),
        "## Claims of Gilal et al. 2023",
        _RULE.format(resamples=resamples),
        CORRECTION,
        *(_claim(claim, claims, sweep.runs, metrics) for claim in claims),
        "## Table I: configurations by balanced accuracy",
        _CONFIGURATIONS,
        tables.configurations_markdown(configurations, sweep.stands_for),
        "## Table II: ablation",
        _ABLATION,
        tables.ablation_markdown(ablation, metrics, sweep.stands_for),
        "## Figures",
        _FIGURES,
        *(
            f"![{mark}{_CAPTIONS[name]}]({name})" if name in drawn else _NO_FIGURE[name]
            for name in ("figure_5.png", "figure_6.png")
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _scope(sweep):
    """What was measured, on what, and what the intervals leave out."""
    images, runs = sweep.images, sweep.runs
    measured = (
        f"{finished_text(runs, sweep.unfinished)} All were measured on the same {len(images):,} test images, of "
        f"which {images['malignant'].sum():,} are malignant."
    )
    intervals = intervals_text(runs["seed"].nunique(), assumed=bool(sweep.assumed_luck))
    return "\n\n".join([SYNTHETIC] * sweep.synthetic + [measured, intervals, sources_text(sweep.sources)])


def _claim(claim, claims, runs, metrics):
    parts = [f"### {claim_title(claim, claims)}"]
    if claim.tested:
        parts += [_ARCHITECTURE_RULE] * (claim.name == "architecture")
        parts.append(conditions_markdown(claim, metrics))
        if claim.name not in ("architecture", "losses by balance"):
            parts += [_reading(claim.comparisons[0].effect), steps_text(runs, claim.comparisons[0].weights)]
    if claim.comparisons:
        parts.append(comparisons_markdown(claim, metrics))
    return "\n\n".join(parts)


def _reading(effect):
    """The comparison that decides, in the paper's measures and in words."""
    changes = {m: _change(effect[m]) for m in ("miss_rate", "false_alarm_rate", "roc_auc")}
    text = (
        f"At threshold 0.5, the miss rate {changes['miss_rate']} and the false alarm rate "
        f"{changes['false_alarm_rate']}; the pooled ROC AUC {changes['roc_auc']}."
    )
    if changes["miss_rate"] == "falls" and changes["roc_auc"] != "rises":
        text += (
            " The models do not separate malignant from benign images measurably better: a lower threshold might "
            "have done as much."
        )
    return text


def _change(effect):
    return "rises" if effect.low > 0 else "falls" if effect.high < 0 else "does not change measurably"
