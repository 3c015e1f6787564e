"""What is measured of a model on other images, and the folder that it is written into."""

import dataclasses
import itertools

import numpy as np
import pandas as pd

from pipelines.common import external_images
from pipelines.common.console import progress_bar, say
from skinkeras import datasets, evaluation, reports
from skinkeras.evaluation import evidence_plots, plots
from skinkeras.files.writing import replacing, write_json, write_text

_RESAMPLES = 2000
_SEED = 0


def measured(model, images, *, recalibrate):
    """The forms' results, and the details of the last one.

    Args:
        model: `MeasuredModel`.
        images: `ExternalImages`.
        recalibrate: whether to say how well it would be calibrated if it were fitted to such images.

    Returns:
        A dict with `probabilities` ({form: (n, classes)}), `forms`, `details` and, if asked for, `recalibrated`.
    """
    subset, forms, probabilities = images.subset, {}, {}
    for name, (form, point) in model.forms.items():
        say(f"  {name}")
        probabilities[name] = evaluation.probabilities(form, subset)
        forms[name] = form_results(model, subset, probabilities[name], point)
    scores, point = probabilities[name], model.forms[name][1]
    if model.positive_class:
        found = images.diagnoses if len(set(images.diagnoses)) > 2 else None
        details = evaluation.binary_details(
            subset.malignant, scores[:, 1], point["threshold"], subset.table, subset.groups, found
        )
    else:
        details = {
            "slices": evaluation.multiclass_slices(
                subset.labels, scores, model.classes, subset.table, subset.groups
            )
        }
    results = {"probabilities": probabilities, "forms": forms, "details": {"of": name, **details}}
    recalibrated = _recalibrated(model, subset, scores) if recalibrate else None
    return results | ({"recalibrated": recalibrated} if recalibrated else {})


def form_results(model, subset, scores, point):
    """The results of one form, as a record has those of its test images."""
    if model.positive_class is None:
        of_calibration = evaluation.calibration_metrics(subset.labels, scores)
        return {
            "metrics": evaluation.multiclass_summary(subset.labels, scores, model.classes, subset.groups),
            "calibration": of_calibration,
            "strata": evaluation.multiclass_strata(
                subset.labels, scores, model.classes, subset.table, subset.groups
            ),
        }
    labels, malignant = subset.malignant, scores[:, 1]
    at = {
        key: evaluation.binary_metrics(labels, malignant, threshold, subset.groups)
        for key, threshold in (("metrics", point["threshold"]), ("metrics_at_half", 0.5))
    }
    return {
        **at,
        "operating_point": {"class": model.positive_class, **point},
        "calibration": evaluation.calibration_metrics(labels, malignant),
        **evaluation.binary_evidence(labels, malignant, point, subset.table, subset.groups),
    }


def _recalibrated(model, subset, scores):
    """Calibration before and after a calibration that was fitted on one half of the lesions and measured on the
    other, both ways; None where all images are of one lesion or patient."""
    if len(set(subset.groups)) < 2:
        say(
            "  All images are of one lesion or patient: there are no halves to fit and to measure a calibration on."
        )
        return None
    positives, labels = (1,) if model.positive_class else None, subset.labels
    half, after = _halves(labels, subset.groups), np.empty(scores.shape)
    for side in (0, 1):
        fitted = evaluation.fit_calibration(labels[half != side], scores[half != side], positives)
        after[half == side] = fitted.apply(scores[half == side])
    whole = evaluation.fit_calibration(labels, scores, positives)

    def metrics(values):
        return evaluation.calibration_metrics(labels, values[:, 1] if model.positive_class else values)

    return {
        "temperature": whole.temperature,
        "bias": whole.bias,
        "test": {"before": metrics(scores), "after": metrics(after)},
    }


def _halves(labels, groups):
    """(n,) 0 or 1: two halves of the groups at random, each with about half of the groups of each class."""
    first = np.unique(groups, return_index=True)[1]
    shuffled = np.random.default_rng(_SEED).permutation(first)
    side = dict(zip(groups[shuffled[np.argsort(labels[shuffled], kind="stable")]], itertools.cycle((0, 1))))
    return np.array([side[group] for group in groups])


def compared(model, other, images, cache_dir):
    """Differences of the last forms of two models on the same images, with intervals by lesion.

    Args:
        model, other: `MeasuredModel`s of the same classes.
        images: `ExternalImages`, as `model` sees them.
        cache_dir: where decoded images are kept.

    Returns:
        {"model": name of the other, "differences": {metric: {"value", "low", "high"}}}, `model` minus `other`.
    """
    subset = images.subset
    theirs = subset
    if (other.image_size, other.geometry) != (model.image_size, model.geometry):
        manifest = datasets.Manifest(subset.table, tuple(dict.fromkeys(subset.table["label"])))
        decoded, bad = external_images.decode(manifest, other, cache_dir, skip_bad=True)
        readable = np.setdiff1d(np.arange(len(manifest)), bad)  # by both: a file may have gone meanwhile
        theirs = _rows(dataclasses.replace(subset, images=decoded, rows=np.arange(len(manifest))), readable)
        subset = _rows(subset, readable)
    (mine, point), (others, other_point) = (list(one.forms.values())[-1] for one in (model, other))
    scores = np.stack([evaluation.probabilities(mine, subset), evaluation.probabilities(others, theirs)])
    if model.positive_class:
        draws = _binary_draws(subset, scores[:, :, 1], (point["threshold"], other_point["threshold"]))
    else:
        draws = {"accuracy": _accuracy_draws(subset, scores)}
    differences = {key: evaluation.estimate(rows[0] - rows[1])._asdict() for key, rows in draws.items()}
    return {"model": other.name, "differences": differences}


def _rows(subset, rows):
    """Some of the images of a `Subset`."""
    names = ("rows", "one_hot", "malignant", "groups")
    chosen = {name: getattr(subset, name)[rows] for name in names}
    return dataclasses.replace(subset, **chosen, table=subset.table.iloc[rows])


def _binary_draws(subset, scores, thresholds):
    """{metric: (2, 1 + resamples)} of AUC and, each model at its own threshold, the recalls."""
    labels, groups = subset.malignant, subset.groups
    draws = {
        "roc_auc": evaluation.paired_bootstrap(labels, scores, 0.5, groups, _RESAMPLES, _SEED)["roc_auc"]
    }
    # Whatever their thresholds are, decisions can be compared at 0.5.
    decisions = (scores >= np.asarray(thresholds)[:, None]).astype(float)
    at = evaluation.paired_bootstrap(labels, decisions, 0.5, groups, _RESAMPLES, _SEED)
    draws["balanced_accuracy"] = at["balanced_accuracy"]
    draws["malignant_recall"], draws["benign_recall"] = 1 - at["miss_rate"], 1 - at["false_alarm_rate"]
    return draws


def _accuracy_draws(subset, scores):
    """(2, 1 + resamples) of the accuracy, which exists whichever classes the images lack."""
    right = np.array([evaluation.decisions(one) == subset.labels for one in scores], float)
    codes = evaluation.group_codes(subset.groups, len(subset.labels))
    draws = np.empty((len(scores), 1 + _RESAMPLES))
    for columns, counts in evaluation.group_draws(subset.labels, codes, _RESAMPLES, _SEED):
        weights = counts[:, codes]
        draws[:, columns] = right @ weights.T / weights.sum(axis=1)
    return draws


def robustness(model, images):
    """What becomes of the last form's answers when the images are disturbed."""
    form, point = list(model.forms.values())[-1]
    with progress_bar("Disturbing images") as progress:
        return evaluation.measured_robustness(
            form,
            images.subset,
            positive=model.positive_class is not None,
            threshold=point and point["threshold"],
            progress=progress,
        )


def write(folder, model, images, results):
    """Writes `evaluation.json`, `evaluation.md`, `predictions.csv` and the figures.

    `evaluation.json` comes last: with it, the folder is complete.
    """
    (folder / "evaluation.json").unlink(missing_ok=True)
    probabilities = results.pop("probabilities")
    table = _predictions(model, images, probabilities, results)
    with replacing(folder / "predictions.csv") as temporary:
        table.to_csv(temporary, index=False)
    note = f"{results['data']}, {len(images.subset.rows):,} images"
    _figures(folder / "figures", model, images, probabilities, results, note)
    write_text(folder / "evaluation.md", reports.external_section(results))
    write_json(folder / "evaluation.json", results)


def _predictions(model, images, probabilities, results):
    subset = images.subset
    table = pd.DataFrame(
        {
            "image_id": subset.table["image_id"].to_numpy(),
            "image": subset.table["image"].to_numpy(),
            "group": subset.groups,
            "label": np.asarray(model.classes)[subset.labels],
            "diagnosis": images.diagnoses,
            **{name: subset.table[name].to_numpy() for name in datasets.METADATA if name in subset.table},
        }
    )
    decisions = {}
    for form, scores in probabilities.items():
        point = results["forms"][form].get("operating_point")
        decisions[form] = (scores[:, 1] >= point["threshold"]).astype(int) if point else scores.argmax(axis=1)
    return reports.predictions_table(table.dropna(axis=1, how="all"), model.classes, probabilities, decisions)


def _figures(folder, model, images, probabilities, results, note):
    subset, (name, scores) = images.subset, list(probabilities.items())[-1]
    folder.mkdir(exist_ok=True)
    if "robustness" in results:
        evaluation.robustness_plot(results["robustness"], folder / "robustness.png", note)
    if model.positive_class is None:
        metrics = results["forms"][name]["metrics"]
        title = f"{name}, balanced accuracy {metrics['balanced_accuracy']:.3f}"
        plots.confusion_matrix(
            metrics["confusion_matrix"], model.classes, folder / "confusion_matrix.png", title, note
        )
        right, confidence = scores.argmax(axis=1) == subset.labels, scores.max(axis=1)
        evidence_plots.reliability_diagram({name: (right, confidence)}, folder / "reliability.png", note=note)
        return
    labels, malignant, form = subset.malignant, scores[:, 1], results["forms"][name]
    point = form["operating_point"]
    points = point.get("others") or {}
    if point["threshold"] not in points.values():
        points = {point["criterion"]: point["threshold"], **points}
    evidence_plots.operating_points_roc(
        labels, malignant, points, folder / "roc.png", point.get("not_sure"), note
    )
    evidence_plots.reliability_diagram({name: (labels, malignant)}, folder / "reliability.png", note=note)
    evidence_plots.decision_curves({name: (labels, malignant)}, folder / "decision_curve.png", note=note)
    evidence_plots.precision_recall_curves({name: (labels, malignant)}, folder / "precision_recall.png", note)
    slices = results["details"]["slices"]
    if any(row["roc_auc"] is not None for row in slices):
        evidence_plots.forest(
            _forest_rows(slices),
            folder / "slices.png",
            "ROC AUC by group",
            form["metrics"].roc_auc,
            note,
        )


def _forest_rows(slices):
    """The AUCs of the slices that have one for `evidence_plots.forest`, with a heading for each column."""
    rows, column = [], None
    for one in (row for row in slices if row["roc_auc"] is not None):
        if one["column"] != column:
            column = one["column"]
            rows.append({"label": column.replace("_", " ")})
        low, high = one["roc_auc_interval"]
        rows.append({"label": one["value"], "value": one["roc_auc"], "low": low, "high": high, "n": one["n"]})
    return rows
