"""The section "External validation" of a model card: what `pipelines.evaluate` measured on somebody's images."""

from skinkeras.evaluation.markdown import table
from skinkeras.reports import evidence_tables
from skinkeras.reports.words import escaped, interval, number

_TRAINING_IMAGES = {
    "left out": "Images used to train the model or to choose its threshold were left out, as far as ids and "
    "identical files show them.",
    "included": "**Images that the model was trained on are among them: these figures are too optimistic.**",
    "unknown": "Whether images that the model was trained on are among them is not known.",
}
_TITLES = {
    "roc_auc": "ROC AUC",
    "balanced_accuracy": "balanced accuracy",
    "malignant_recall": "malignant recall",
    "benign_recall": "benign recall",
    "accuracy": "accuracy",
}


def external_section(evaluation, level=2):
    """A Markdown section: on which images, how many, when, and what came out; the weakest figures first.

    Args:
        evaluation: the dict of an `evaluation.json`.
        level: of its heading.
    """
    forms = {
        escaped(name): {**form, "metrics": _plain(form["metrics"])}
        for name, form in evaluation["forms"].items()
    }
    name, form = list(forms.items())[-1]
    binary, details = "operating_point" in form, evaluation["details"]
    parts = [
        f"{'#' * level} {_heading(evaluation)}",
        _images(evaluation),
        evidence_tables.ranking_table(forms, binary=binary),
        _decisions(name, form, binary=binary),
        evidence_tables.operating_points_table(form),
        _calibration(forms),
        _recalibrated(evaluation.get("recalibrated")),
        _by_class(form["metrics"]),
        evidence_tables.diagnoses_table(details.get("diagnoses", ())),
        evidence_tables.slices_section(details["slices"], binary=binary),
        _against(evaluation),
        evidence_tables.robustness_table(evaluation.get("robustness")),
        f"```\n{evaluation['command']}\n```",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _heading(evaluation):
    data = escaped(evaluation["data"])
    if evaluation.get("trained_on") == evaluation["data"]:
        return f"Evaluation on {data}, the data set that it was trained on"
    return f"External validation: {data}"


def _plain(metrics):
    """Metrics as a dict, whether they come from JSON or are still a dataclass."""
    return metrics if isinstance(metrics, dict) else vars(metrics)


def _images(evaluation):
    images = evaluation["images"]
    counts = ", ".join(f"{count:,} {escaped(name)}" for name, count in images.items())
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in evaluation["left_out"].items())
    diagnoses = evaluation["diagnoses"]
    called = ", ".join(f"{count:,} {escaped(name)}" for name, count in diagnoses.items())
    return (
        f"{escaped(evaluation['model'])} on {sum(images.values()):,} images ({counts}), measured on "
        f"{evaluation['date']}. "
        + (f"Their labels: {called}. " if set(diagnoses) != set(images) else "")
        + (f"Left out: {left_out}. " if left_out else "")
        + _TRAINING_IMAGES[evaluation["training_images"]]
    )


def _decisions(name, form, *, binary):
    rows = evidence_tables.decisions_table(form, binary=binary)
    if not binary:
        return f"Decisions of {name}, its most probable class:\n\n{rows}"
    point = form["operating_point"]
    chosen = "chosen on the validation images of its training" if point["chosen_on"] else "fixed in advance"
    return f"Decisions of {name} at threshold {point['threshold']:.4f}, {chosen}:\n\n{rows}"


def _calibration(forms):
    header = ["model", "ECE", "Brier score", "log score"]
    keys = ("expected_calibration_error", "brier_score", "log_score")
    rows = [[name, *(number(form["calibration"][key], 3) for key in keys)] for name, form in forms.items()]
    return f"Calibration on these images (ECE: expected calibration error; lower is better):\n\n{table(header, rows)}"


def _recalibrated(fitted):
    if not fitted:
        return ""
    before, after = (fitted["test"][when]["expected_calibration_error"] for when in ("before", "after"))
    what = f"a temperature of {fitted['temperature']:.3f}{' and biases' if any(fitted['bias']) else ''}"
    return (
        f"Fitted to images like these, {what} would change the ECE from {before:.3f} to {after:.3f} "
        "(fitted on one half of the lesions, measured on the other). The model itself was not changed."
    )


def _by_class(metrics):
    if "per_class" not in metrics:
        return ""
    rows = [
        [escaped(name), f"{row['support']:,}", interval(row, "recall"), number(row["precision"], 3)]
        for name, row in metrics["per_class"].items()
    ]
    return table(["class", "images", "recall", "precision"], rows)


def _against(evaluation):
    found = evaluation.get("against")
    if not found:
        return ""
    rows = [
        [_TITLES[key], f"{row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"]
        for key, row in found["differences"].items()
        if key in _TITLES
    ]
    own = ", each at its own threshold" if "roc_auc" in found["differences"] else ""
    return (
        f"Compared with {escaped(found['model'])} on the same images{own} (the difference, this model minus the "
        f"other, with its 95 % interval by lesion):\n\n{table(['metric', 'difference'], rows)}"
    )
