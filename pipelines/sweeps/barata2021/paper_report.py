"""The report on a sweep of multi-class runs: Tables 2 to 5, Figures 1 to 4, claims of Barata & Santiago 2021."""

from functools import partial

from pipelines.sweeps.barata2021 import figures, tables
from pipelines.sweeps.barata2021.attention import attention_figures
from pipelines.sweeps.barata2021.claims import (
    WEIGHTINGS,
    all_claims,
    deciding,
    metrics_of,
    rates_of,
    weighting_title,
)
from pipelines.sweeps.barata2021.results import read_sweep
from pipelines.sweeps.engine.claims_table import (
    claim_title,
    comparisons_markdown,
    conditions_markdown,
    unfinished_markdown,
)
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
from skinkeras.evaluation.style import COLOURS

__all__ = ["make_report", "read_sweep"]

# The metrics that the console has room for.
_PRINTED = ("accuracy", "balanced_accuracy", "trade_off")

_RULE = """Recipes are compared that differ in one factor and agree in all others, each with its seeds averaged;
the value is the mean over these matched pairs, and the test images' part of its 95 % interval comes from
{resamples:,} paired resamples of whole groups (lesions). What a claim says of a metric is *supported* if the
interval excludes 0 in the claimed direction, *contradicted* if it excludes 0 in the other, and *not decided*
otherwise; a claim that says several things is supported if all of them are, and contradicted if one is. Where
the sources of the images are known, Acc and BAcc within source decide. The metrics are those of the float
models, and each image is given its likeliest class, so a strategy can gain one class at the expense of another
without a better model. Where the macro AUC (mean over the classes of one against the rest) does not rise, the
classes are not separated better."""

_REPEATS = """Each metric is computed on each split's test images and averaged over the {repeats} splits. A
lesion that is among the test images of several splits is resampled equally often in all of them, as it is
one lesion. The models of different splits share training images: the intervals cover the choice of test
lesions only."""

_DECIDES = {
    "class weights": "Decides: BAcc rises and Acc falls, by CB and by ES against no weighting.",
    "effective number": "Decides: Acc of ES against that of CB.",
    "OHEM": "The trade-off is the mean of Acc and BAcc: a point of one is worth a point of the other, which "
    "is our choice, as the paper gives no measure. Decides: OHEM's exceeds that of every other strategy of "
    "the paper, compared one by one.",
    "SPL": "Decides: the recall of melanoma against that without weighting.",
    "hierarchy": "Decides: BAcc. Both models have the same architecture and CBAM.",
    "melanoma": "Decides: the recall of melanoma, in the pairs of the claim before.",
    "weighting by optimizer": "The spread over weightings is the largest mean less the smallest, in models of one "
    "architecture and loss that were trained with the same weightings by both optimizers. Decides: that of BAcc with "
    "SGD less that with Adam.",
    "focal": "Decides: (Acc + BAcc) / 2 over all pairs that differ in the loss alone, our measure of overall.",
    "optimizer": "Decides: BAcc. Each optimizer has its own learning rate, which the sweep gave it.",
    "OHEM per class": "Decides: BAcc against that of OHEM. Acc and the recall of melanoma show what it costs.",
}

_TABLES = """Rows: loss and weighting, in the paper's order. Acc: accuracy; BAcc, mPR, mF1: means over the
classes of recall, precision and F1, with their 95 % intervals in brackets. *paper*: the printed value (VGG16, 299
pixels, the mean of two splits of ISIC 2018); *difference*: ours less that. A row that was not run has the printed
values alone. For each class: recall / precision / F1, whose intervals are in the CSV files. Several seeds are
averaged; sd: between them."""

_FIGURES = """Figure 1: recall of the classes that are not melanocytic, Figure 2: of those that are; Adam and
cross-entropy, or what the sweep has; a colour a weighting, and the hierarchical model is hatched. Figures 3 and 4:
where the hierarchical model of each weighting looks when it decides for a diagnosis, at the level where that of the
true class ends (models of the first split). Figure 3 has the hardest test image of each class that the paper calls
challenging, Figure 4 the easiest one of the others (by the mean cross-entropy of these models)."""

_NO_ATTENTION = """There are no attention maps (Figures 3 and 4): no hierarchical run has kept the `model.keras` of
its first split, or the images have been moved."""

_MELANOCYTIC = {"mel", "melanoma", "nv", "nevus"}
_KINDS = ("flat", "hierarchical")


def make_report(sweep, resamples):
    """The `SweepReport` of a sweep.

    Args:
        sweep: `SweepResults`.
        resamples: of the bootstrap.
    """
    rates = rates_of(sweep, resamples)
    claims = all_claims(sweep.runs, rates)
    weighting = tables.weighting_tables(sweep, rates)
    drawn = make_figures(sweep, rates)
    titles = {name: title for name, (_, title) in drawn.items()}
    return SweepReport(
        title=f"Finished runs: {len(sweep.runs)}. Differences with 95 % intervals",
        claims=claims,
        metrics=metrics_of(rates),
        printed=tuple(deciding(rates, metric) for metric in _PRINTED),
        texts={
            "report.md": _report_text(sweep, claims, metrics_of(rates), weighting, titles, resamples),
            **{
                f"table_{number}.md": tables.weighting_markdown(number, table, sweep.classes) + "\n"
                for number, table in weighting.items()
            },
        },
        csv_files={f"table_{number}.csv": table for number, table in weighting.items()},
        figures={name: draw for name, (draw, _) in drawn.items()},
    )


def make_figures(sweep, rates):
    """Figures 1 to 4 as far as the sweep has what they show: file name -> (what draws it, title)."""
    support = sweep.images["label"].value_counts().to_dict()
    note = figure_note(sweep.path, sweep.synthetic, len(sweep.images))
    shown = {kind: rows for kind in _KINDS if (rows := shown_runs(sweep.runs, kind))}
    common = {kind: describe(sweep.runs, rows) for kind, rows in shown.items()}
    bars, styles = recall_of(sweep, rates, shown)
    drawn = {}
    melanocytic = [name for name in sweep.classes if name.lower() in _MELANOCYTIC]
    others = [name for name in sweep.classes if name not in melanocytic]
    for number, kind, classes in ((1, "not melanocytic", others), (2, "melanocytic", melanocytic)):
        if classes:
            title = f"Recall, {kind}: {' and '.join(common.values())}"
            chosen = {name: {each: of_class[each] for each in classes} for name, of_class in bars.items()}
            draw = partial(
                figures.recall_bars, chosen, support=support, title=title, note=note, styles=styles
            )
            drawn[number] = draw, title
    if "hierarchical" in shown:
        chosen = shown["hierarchical"]
        drawn |= attention_figures(sweep, rates, chosen, common["hierarchical"], note)
    return {f"figure_{number}.png": figure for number, figure in drawn.items()}


def shown_runs(runs, kind):
    """The runs of flat or of hierarchical models that the figures show: weighting -> row numbers, one a seed.

    Of the first such model in the sweep, with Adam and cross-entropy, or what there is.
    """
    runs = runs[runs["kind"] == kind]
    for column, first in (("model", None), ("optimizer", "adam"), ("loss", "crossentropy")):
        if len(runs):
            runs = runs[runs[column] == (first if first in set(runs[column]) else runs[column].iloc[0])]
    by_weighting = {name: list(tables.select(runs, weighting=name).index) for name in WEIGHTINGS}
    return {name: rows for name, rows in by_weighting.items() if rows}


def describe(runs, rows):
    """What the runs of `shown_runs` have in common, in words."""
    run = runs.loc[next(iter(rows.values()))[0]]
    return f"{run['model']}, {tables.OPTIMIZERS[run['optimizer']]}, {tables.loss_title(run['loss'])}"


def recall_of(sweep, rates, shown):
    """What the bars of Figures 1 and 2 show.

    Args:
        sweep, rates: `SweepResults` and its `Rates`.
        shown: kind of model -> what `shown_runs` returns.

    Returns:
        (name of the bar -> class -> `Estimate` of its recall, name of the bar -> how it is drawn), by weighting.
    """
    bars, styles = {}, {}
    weightings = [name for name in WEIGHTINGS if any(name in rows for rows in shown.values())]
    for place, weighting in enumerate(weightings):
        for kind, rows in shown.items():
            if weighting not in rows:
                continue
            name = f"{weighting_title(weighting)}, {kind}"
            bars[name] = {
                each: rates.level("recall", rows[weighting], number)
                for number, each in enumerate(sweep.classes)
            }
            styles[name] = {
                "color": COLOURS[place % len(COLOURS)], "hatch": "///" if kind == "hierarchical" else None
            }  # fmt: skip
    return bars, styles


def _report_text(sweep, claims, metrics, weighting, titles, resamples):
    """The whole of `report.md`."""
    mark = "SYNTHETIC: " if sweep.synthetic else ""
    table_titles = dict(tables.TABLES.values())
    parts = [
        f"# {mark}sweep {sweep.path.resolve().name}",
        _scope(sweep),
        "## Claims of Barata & Santiago 2021",
        _RULE.format(resamples=resamples),
        CORRECTION,
        *(_claim(claim, claims, sweep.runs, metrics) for claim in claims),
        "## Tables 2 to 5: sample weighting",
        _TABLES,
    ]
    for number, title in table_titles.items():
        if number in weighting or number in (2, 3, 4, 5):
            parts.append(f"### Table {number}: {title}")
            parts.append(tables.weighting_markdown(number, weighting.get(number), sweep.classes))
    parts.append(unfinished_markdown(sweep.unfinished, len(sweep.runs) + len(sweep.unfinished)))
    parts += ["## Figures", _FIGURES]
    parts += [f"![{mark}{title}]({name})" for name, title in titles.items()]
    if "figure_3.png" not in titles:
        parts.append(_NO_ATTENTION)
    return "\n\n".join(filter(None, parts)) + "\n"


def _scope(sweep):
    """What was measured, on what, and what the intervals leave out."""
    images = sweep.images
    sizes = [f"{size:,}" for size in images.groupby("repeat").size()]
    of_classes = images["label"].value_counts()
    counts = ", ".join(f"{of_classes[name]:,} {name}" for name in sweep.classes)
    measured = (
        f"{finished_text(sweep.runs, sweep.unfinished)} All were measured on the same {' and '.join(sizes)} test "
        f"images of {len(sizes)} split{'s' * (len(sizes) > 1)}: {counts}."
    )
    repeats = [_REPEATS.format(repeats=len(sizes))] if len(sizes) > 1 else []
    intervals = intervals_text(sweep.runs["seed"].nunique(), assumed=bool(sweep.assumed_luck))
    parts = [measured, *repeats, intervals, sources_text(sweep.sources)]
    return "\n\n".join([SYNTHETIC] * sweep.synthetic + parts)


def _claim(claim, claims, runs, metrics):
    parts = [f"### {claim_title(claim, claims)}", _DECIDES[claim.name]]
    if claim.tested:
        parts.append(conditions_markdown(claim, metrics))
        for comparison in claim.comparisons[: claim.deciding]:
            parts.append(f"{comparison.what}. {steps_text(runs, comparison.weights)}")
    if claim.comparisons:
        parts.append(comparisons_markdown(claim, metrics))
    return "\n\n".join(parts)
