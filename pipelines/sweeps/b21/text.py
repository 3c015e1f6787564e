"""The report of a sweep of multi-class runs as Markdown: claims, tables, figures, and what is left out."""

from pipelines.sweeps.b21 import tables
from pipelines.sweeps.b21.claims import metrics_of
from pipelines.sweeps.tables import comparisons_markdown, unfinished_markdown
from pipelines.sweeps.text import SYNTHETIC, intervals_text

_RULE = """Compared are runs that differ in one factor and agree in all others; the value is the mean over
these matched pairs, its 95 % interval from {resamples:,} paired resamples of whole groups (lesions) of test
images. What a claim says of a metric is *supported* if the interval excludes 0 in the claimed direction,
*contradicted* if it excludes 0 in the other, and *not decided* otherwise; a claim that says several things
is supported if all of them are, and contradicted if one is. Every interval has its own 95 %: nothing is
corrected for there being many. All is said of the float models, and each image is given to its likeliest
class: a strategy can trade one class for another merely by that. Where the macro AUC (mean over the classes
of one against the rest) does not rise, the classes are not better told apart."""

_SPLITS = """Each metric is computed on each split's test images and averaged over the {splits} splits. A
lesion that is among the test images of several splits is drawn equally often in all of them, as it is one
lesion. The models of different splits share training images: the intervals cover the choice of test lesions
only."""

_DECIDES = {
    "class weights": "Decides: BAcc rises and Acc falls, by CB and by ES against no weighting.",
    "effective number": "Decides: Acc of ES against that of CB.",
    "OHEM": "The trade-off is the mean of Acc and BAcc: a point of one is worth a point of the other, which "
    "is our choice, as the paper gives no measure. Decides: OHEM's exceeds that of every other strategy of "
    "the paper, each compared by itself.",
    "SPL": "Decides: the recall of melanoma against that without weighting.",
    "hierarchy": "Decides: BAcc. Both models have the same backbone and CBAM.",
    "optimizer": "Decides: BAcc. Each optimizer has the learning rate of its own that the sweep gave it.",
    "OHEM per class": "Decides: BAcc against that of OHEM. Acc and the recall of melanoma beside it tell "
    "what it costs.",
}

_TABLES = """Rows: base loss and weighting, in the paper's order. Acc: accuracy; BAcc, mPR, mF1: means over
the classes of recall, precision and F1, in brackets their 95 % intervals. Of each class: recall / precision
/ F1; the CSV files have their intervals, too. Several seeds are averaged."""


_FIGURES = """Figures 1 (flat) and 2 (hierarchical): recall of each class. Figures 3 and 4: where these
models look, those of the first split, on the test images that all of them together find hardest and easiest
(by mean cross-entropy; classes take turns)."""

_NO_ATTENTION = """There are no attention maps: no run of Figures 1 and 2 has `split_1/model.keras` of a
model with attention, or the pictures are not where they were."""


def report_text(sweep, claims, rates, weighting, figures, resamples):
    """The whole of `report.md`.

    Args:
        sweep: `SweepResults`.
        claims: those of `all_claims`.
        rates: those of `rates_of`.
        weighting: those of `weighting_tables`.
        figures: file name -> what it shows.
        resamples: of the bootstrap.
    """
    mark = "SYNTHETIC: " if sweep.synthetic else ""
    titles = dict(tables.TABLES.values())
    parts = [
        f"# {mark}sweep {sweep.path.resolve().name}",
        _scope(sweep),
        "## Claims of Barata & Santiago 2021",
        _RULE.format(resamples=resamples),
        *(_claim(claim, metrics_of(rates)) for claim in claims),
        "## Tables 2 to 5: sample weighting",
        _TABLES,
    ]
    for number, table in weighting.items():
        parts.append(f"### Table {number}: {titles[number]}")
        parts.append(tables.weighting_markdown(table, sweep.classes))
    parts.append(unfinished_markdown(sweep.unfinished, len(sweep.runs) + len(sweep.unfinished)))
    parts += ["## Figures", _FIGURES]
    parts += [f"![{mark}{shown}]({name})" for name, shown in figures.items()]
    if not {"figure_3.png", "figure_4.png"} & set(figures):
        parts.append(_NO_ATTENTION)
    return "\n\n".join(filter(None, parts)) + "\n"


def _scope(sweep):
    """What was measured, on what, and what the intervals leave out."""
    images, total = sweep.images, len(sweep.runs) + len(sweep.unfinished)
    failed = int((sweep.unfinished["status"] == "failed").sum())
    sizes = [f"{size:,}" for size in images.groupby("split").size()]
    of_classes = images["label"].value_counts()
    counts = ", ".join(f"{of_classes[name]:,} {name}" for name in sweep.classes)
    counted = (
        f"{len(sweep.runs)} of {total} configurations have finished, {failed} failed. All were measured on "
        f"the same {' and '.join(sizes)} test images of {len(sizes)} split{'s' * (len(sizes) > 1)}: {counts}."
    )
    splits = [_SPLITS.format(splits=len(sizes))] if len(sizes) > 1 else []
    intervals = intervals_text(sweep.runs["seed"].nunique())
    return "\n\n".join([SYNTHETIC] * sweep.synthetic + [counted, *splits, intervals])


def _claim(claim, metrics):
    parts = [f"### {claim.text}: {claim.verdict}", _DECIDES[claim.name]]
    if claim.comparisons:
        parts.append(comparisons_markdown(claim, metrics))
    return "\n\n".join(parts)
