"""The tables of what is measured beyond pooled metrics, for cards and for evaluations on other images.

They take the parts of a record that `skinkeras.evaluation.evidence` makes. The weakest figures come first: those
within a source and of histologically confirmed images.
"""

from skinkeras.evaluation.markdown import table
from skinkeras.evaluation.slices import worst_slice
from skinkeras.operating_points import parse_operating_point
from skinkeras.reports.words import NOT_MEASURED, escaped, interval, number

#: Stratum -> heading.
STRATA = {"within_source": "within a source", "confirmed": "histology only"}
_POOLED = "pooled"
#: Metric -> heading, of models with and without a positive class.
RANKING = {True: ("roc_auc", "ROC AUC"), False: ("macro_auc", "mean AUC")}
_DECISIONS = {
    True: {
        "balanced_accuracy": "balanced accuracy",
        "malignant_recall": "malignant recall",
        "benign_recall": "benign recall",
    },
    False: {"balanced_accuracy": "balanced accuracy", "accuracy": "accuracy"},
}
_COLUMN_NAMES = {
    "acquisition": "source",
    "confirmed_by": "confirmed by",
    "skin_tone": "skin tone",
    "site": "site on the body",
}


def stratum_cell(form, stratum, key):
    """A metric of a stratum with its interval; "not measured" where the stratum is missing or absent."""
    return interval(form.get("strata", {}).get(stratum), key)


def ranking_table(forms, *, binary, extra=None):
    """The AUC of each form, within a source, of confirmed images, and pooled; below, what these words mean.

    Args:
        forms: {form: its results}.
        binary: whether the model has a positive class.
        extra: {heading: key of the pooled metrics} of further columns.
    """
    key, title = RANKING[binary]
    extra = extra or {}
    rows = [
        [
            name,
            *(stratum_cell(form, stratum, key) for stratum in STRATA),
            interval(form["metrics"], key),
            *(number(form["metrics"].get(one), 3) for one in extra.values()),
        ]
        for name, form in forms.items()
    ]
    header = ["model", *(f"{title}, {name}" for name in (*STRATA.values(), _POOLED)), *extra]
    return f"{table(header, rows)}\n\n{_meaning(next(iter(forms.values())), binary=binary)}"


def _meaning(form, *, binary):
    """What the strata are, how many images they have, and why one is missing."""
    strata = form.get("strata")
    if not strata:
        return "Within a source and of histologically confirmed images alone, it was not measured."
    within, confirmed = (strata[name] for name in STRATA)
    pooled = "A pooled figure also rewards recognising the clinic, and counts images that nobody doubted"
    measured = "missing" not in within or "missing" not in confirmed
    parts = [f"{pooled}: judge the model by the figures to its left." if measured else f"{pooled}."]
    if "missing" in within:
        parts.append(f"Within a source: {NOT_MEASURED}. {escaped(within['missing'])}")
    else:
        pair = "a malignant and a benign image" if binary else "images of different classes"
        parts.append(
            f"Within a source: only pairs of {pair} of one clinic or device count ({within['sources']} sources, "
            f"{within['n']:,} images{_left_out(within)})."
        )
    if "missing" in confirmed:
        parts.append(f"Histology only: {NOT_MEASURED}. {escaped(confirmed['missing'])}")
    else:
        malignant = f", {confirmed['n_malignant']:,} of them malignant" if binary else ""
        parts.append(
            f"Histology only: the {confirmed['n']:,} images whose diagnosis histopathology confirmed{malignant}"
            f"{_left_out(confirmed)}."
        )
    return " ".join(parts)


def _left_out(stratum):
    left_out = stratum.get("left_out")
    return f", without {', '.join(map(escaped, left_out))}" if left_out else ""


def decisions_table(form, *, binary):
    """What the decisions of one form are worth, stratum by stratum."""
    keys = _DECISIONS[binary]
    rows = [
        [name, *(stratum_cell(form, stratum, key) for key in keys)]
        for stratum, name in STRATA.items()
        if "missing" not in form.get("strata", {}).get(stratum, {"missing": ""})
    ]
    rows.append([_POOLED, *(interval(form["metrics"], key) for key in keys)])
    return table(["images", *keys.values()], rows)


def operating_points_table(form):
    """What each operating point of a form reaches on the test images, and its share of "not sure"; "" without any."""
    points = form.get("operating_points")
    if not points:
        return ""
    rows = [
        [
            _point_title(name),
            f"{point['threshold']:.4f}",
            interval(point, "malignant_recall"),
            interval(point, "benign_recall"),
            interval(point, "positive_predictive_value"),
            interval(point, "negative_predictive_value"),
        ]
        for name, point in points.items()
    ]
    prevalence = next(iter(points.values()))["prevalence"]
    header = ["operating point", "threshold", "malignant recall", "benign recall", "PPV", "NPV"]
    return (
        f"{table(header, rows)}\n\nPPV and NPV, the shares of right answers among images called malignant and "
        f"benign, hold where {_percent(prevalence)} of the images are malignant, as here; where fewer are, the "
        f"PPV is lower.{_abstention(form)}"
    )


def _point_title(name):
    """An operating point in words; a contract by somebody else may have one that is not known here."""
    try:
        return parse_operating_point(name).title
    except ValueError:
        return escaped(name)


def _abstention(form):
    band = form.get("abstention")
    if not band:
        return ""
    if band["low"] == band["high"]:
        return "\n\nNot sure: on the validation images the classes were far enough apart to leave no score undecided."
    return (
        f"\n\nNot sure: if scores from {band['low']:.4f} to below {band['high']:.4f} are left undecided, these are "
        f"{_percent(band['not_sure'])} of the images. Of the malignant images, "
        f"{interval(band, 'malignant_not_sure')} are undecided and {interval(band, 'malignant_called_benign')} are "
        f"called benign with certainty; of the benign ones, {interval(band, 'benign_called_malignant')} are called "
        "malignant with certainty."
    )


def calibration_table(forms, prevalence=None):
    """Calibration before and after it was fitted, of the forms that it was fitted to; "" without any.

    Args:
        forms: {form: its results}.
        prevalence: the share of malignant images that the probabilities were shifted to, or None.
    """
    rows = []
    for name, form in forms.items():
        fitted = form.get("calibration")
        if not fitted:
            continue
        for when in ("before", "after"):
            figures = fitted["test"][when]
            rows.append(
                [
                    f"{name}, {when}",
                    f"{fitted['temperature']:.3f}" if when == "after" else "1",
                    *(
                        number(figures[key], 3)
                        for key in ("expected_calibration_error", "brier_score", "log_score")
                    ),
                ]
            )
    if not rows:
        return ""
    return (
        "Calibration, fitted on the validation images and folded into the last layer (ECE: expected "
        f"calibration error; lower is better everywhere), on the test images:\n\n"
        f"{table(['model', 'temperature', 'ECE', 'Brier score', 'log score'], rows)}{_shifted(forms, prevalence)}"
    )


def _shifted(forms, prevalence):
    if prevalence is None:
        return ""
    there = next(form["calibration"] for form in forms.values() if form.get("calibration"))
    return (
        f"\n\nThe probabilities are shifted to a prevalence of {_percent(prevalence)}. Of these test images "
        f"{_percent(there['test']['after']['prevalence'])} are malignant: on them, the figures after calibration "
        "show that shift and not how well it was fitted."
    )


def baselines_table(rows):
    """What the AUC is without looking at the skin; "" if it was not measured."""
    if not rows:
        return ""
    cells = [
        [escaped(row["name"]), interval(row, "within_source_auc"), interval(row, "roc_auc")] for row in rows
    ]
    return (
        "Baselines that do not look at the lesion, fitted on training images; the model has to beat each of "
        f"them:\n\n{table(['baseline', 'ROC AUC, within a source', 'ROC AUC, pooled'], cells)}"
    )


def slices_section(slices, *, binary):
    """The slices by source, age, sex and so on, the worst one first in words; "" without any.

    Diagnoses have a table of their own.
    """
    slices = [row for row in slices or () if row["column"] != "diagnosis"]
    if not slices:
        return ""
    key = RANKING[binary][0]
    keys = {key: RANKING[binary][1], **({} if binary else {"balanced_accuracy": "balanced accuracy"})}
    keys |= {name: title for name, title in _DECISIONS[binary].items() if name != "balanced_accuracy"}
    shown = [row for row in slices if row["expected_calibration_error"] is not None]
    rows = [
        [
            _COLUMN_NAMES.get(row["column"], row["column"]),
            escaped(row["value"]),
            f"{row['n']:,}",
            *([f"{row['n_malignant']:,}"] if binary else []),
            *("" if row[one] is None else interval(row, one) for one in keys),
            number(row["expected_calibration_error"], 3),
        ]
        for row in shown
    ]
    small = len(slices) - len(shown)
    left_out = f" {small} groups of fewer than 10 images are not shown." if small else ""
    if not rows:
        return f"By group: all {small} groups have fewer than 10 images."
    header = ["group", "value", "images", *(["malignant"] if binary else []), *keys.values(), "ECE"]
    return f"{_worst(slices, binary=binary)}{left_out}\n\n{table(header, rows)}"


def _worst(slices, *, binary):
    worst = worst_slice(slices)
    text = f"By group{', at the same threshold' if binary else ''} (empty: too few images for the figure). "
    if worst is None:
        return text + "No group has enough images to be called the worst."
    key, title = ("malignant_recall", "malignant recall") if binary else ("accuracy", "accuracy")
    column = _COLUMN_NAMES.get(worst["column"], worst["column"])
    return (
        f"{text}**Worst: {column} {escaped(worst['value'])}**, whose {title} is {interval(worst, key)} on "
        f"{worst['n']:,} images."
    )


def diagnoses_table(rows):
    """How many images of each diagnosis are called malignant; "" if only benign and malignant are known."""
    if len(rows) < 3:
        return ""
    cells = [
        [
            escaped(row["diagnosis"]),
            f"{row['n']:,}",
            f"{row['called_malignant']:,}",
            f"{row['share']:.3f} [{row['interval'][0]:.3f}, {row['interval'][1]:.3f}]",
        ]
        for row in rows
    ]
    return (
        "What becomes of each diagnosis:\n\n"
        f"{table(['diagnosis', 'test images', 'called malignant', 'share called malignant'], cells)}"
    )


def robustness_table(rows):
    """What disturbances of the images change, the worst in words first; "" if it was not measured.

    Args:
        rows: from `skinkeras.evaluation.measured_robustness`, the undisturbed images first.
    """
    if not rows or len(rows) < 2:
        return ""
    binary = "roc_auc" in rows[0]
    key, title = RANKING[binary]
    decisions = {name: words for name, words in _DECISIONS[binary].items() if name != key and name in rows[0]}
    cells = [
        [
            escaped(row["title"]),
            interval(row, key),
            _signed(row, f"{key}_change"),
            *(interval(row, name) for name in decisions),
            _share(row, "changed"),
        ]
        for row in rows
    ]
    lowest = min(rows[1:], key=lambda row: row[f"{key}_change"])
    least_stable = max(rows[1:], key=lambda row: row["changed"])
    header = ["disturbance", title, f"change of the {title}", *decisions.values(), "decisions that change"]
    return (
        f"{rows[0]['n']:,} of these images, disturbed by computation: a rough guide to the effect of other cameras, "
        f"light and hands. The {title} is lowest with {escaped(lowest['title'])}: {interval(lowest, key)}. Most "
        f"decisions change with {escaped(least_stable['title'])}: {_share(least_stable, 'changed')}."
        f"\n\n{table(header, cells)}"
    )


def _signed(row, key):
    """A difference with its interval; "" where there is none."""
    if row.get(key) is None:
        return ""
    low, high = row[f"{key}_interval"]
    return f"{row[key]:+.3f} [{low:+.3f}, {high:+.3f}]"


def _share(row, key):
    """A share in percent with its interval; "" where there is none."""
    if row.get(key) is None:
        return ""
    low, high = (f"{100 * limit:.1f}" for limit in row[f"{key}_interval"])
    return f"{_percent(row[key])} [{low}, {high}]"


def _percent(share):
    return f"{100 * share:.1f} %"
