"""What is measured of a model beyond its pooled metrics, gathered for records and reports.

`..._evidence` is measured of every form of a model, `..._details` of the one that ships.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix

from skinkeras.evaluation.abstention import abstention_metrics
from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import multiclass_inputs
from skinkeras.evaluation.decision_curve import confusion_by_diagnosis, net_benefit, precision_recall
from skinkeras.evaluation.intervals import class_recalls, clustered_wilson, mean_interval
from skinkeras.evaluation.metrics import calibration_gap
from skinkeras.evaluation.multiclass_bootstrap import decisions
from skinkeras.evaluation.slices import binary_slices
from skinkeras.evaluation.strata import binary_strata
from skinkeras.evaluation.thresholds import measured_point, sensitivity_at
from skinkeras.evaluation.within_source import macro_auc

# The points of a precision-recall curve that a record keeps: one image more or less is no news.
_CURVE_POINTS = 101


def binary_evidence(
    labels: ArrayLike,
    probabilities: ArrayLike,
    operating_point: dict[str, Any],
    table: pd.DataFrame,
    groups: ArrayLike | None = None,
) -> dict[str, Any]:
    """The strata of a binary model, what its operating points reach, and its band of "not sure".

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        operating_point: as a record has it: `threshold`, and where they were chosen, `others` ({name: threshold}) and
            `not_sure` ((low, high)).
        table: one row an image, with (some of) the columns of a `Manifest`.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.

    Returns:
        `strata` (`binary_strata`), `sensitivity_at` (of three specificities), `operating_points` ({name:
        `measured_point`}) and `abstention` (`abstention_metrics`, or None without a band).

    Raises:
        ValueError: bad shapes or values, or a class is absent.
    """
    points = operating_point.get("others") or {}
    band = operating_point.get("not_sure")
    return {
        "strata": binary_strata(labels, probabilities, operating_point["threshold"], table, groups),
        "sensitivity_at": sensitivity_at(labels, probabilities),
        "operating_points": {
            name: measured_point(labels, probabilities, threshold, groups)
            for name, threshold in points.items()
        },
        "abstention": abstention_metrics(labels, probabilities, tuple(band), groups) if band else None,
    }


def binary_details(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    table: pd.DataFrame,
    groups: ArrayLike | None = None,
    diagnosis: ArrayLike | None = None,
) -> dict[str, Any]:
    """Slices, the fate of every diagnosis, decision curve and precision-recall curve of a binary model.

    Args:
        labels, probabilities, table, groups: as in `binary_evidence`.
        threshold: an image with `probability >= threshold` is called malignant.
        diagnosis: the diagnosis of each image, shape (n,); None if only benign and malignant are known.

    Returns:
        `slices` (`binary_slices`), `diagnoses` (`confusion_by_diagnosis`; empty without diagnoses),
        `decision_curve` (`net_benefit`) and `precision_recall`, thinned to 101 values of recall.

    Raises:
        ValueError: bad shapes or values, or a class is absent.
    """
    called = np.asarray(probabilities) >= threshold
    return {
        "slices": binary_slices(labels, probabilities, threshold, table, groups, diagnosis),
        "diagnoses": [] if diagnosis is None else confusion_by_diagnosis(diagnosis, called, groups),
        "decision_curve": net_benefit(labels, probabilities),
        "precision_recall": _thinned(precision_recall(labels, probabilities)),
    }


def multiclass_summary(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """The metrics of a model on images that lack some of its classes, which `multiclass_metrics` refuses.

    Each image is given the most probable of all classes: to name a class that is not there is an error. Means are
    taken over the classes that are there.

    Args:
        labels: index of each image's class, 0..c-1, at least two of them, shape (n,).
        probabilities: in 0..1, shape (n, c).
        classes: the c class names, in the order of the columns.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.
        bootstrap, seed: of the interval of the AUC.

    Returns:
        n, n_groups, n_undecided, classes, left_out (names of the classes without images); accuracy,
        balanced_accuracy and macro_auc, each with its `..._interval`; per_class ({name: recall, recall_interval,
        precision (None where it is never named), support}); confusion_matrix over all classes;
        expected_calibration_error of the most probable class.

    Raises:
        ValueError: bad shapes or values, or the images are of one class.
    """
    labels, probabilities = multiclass_inputs(labels, probabilities, classes, absent=True)
    codes, present = group_codes(groups, len(labels)), np.unique(labels).tolist()
    if len(present) < 2:
        raise ValueError(
            f"All {len(labels):,} images are {classes[present[0]]}: nothing can be distinguished."
        )
    predicted = decisions(probabilities)
    right = predicted == labels
    recalls, intervals = class_recalls(labels, right, None, codes, present)
    matrix = confusion_matrix(labels, predicted, labels=range(len(classes)))
    named = matrix.sum(axis=0)
    one_source = np.zeros(len(labels), np.int64)
    return {
        "n": len(labels),
        "n_groups": int(codes.max()) + 1,
        "n_undecided": int(np.sum(predicted == len(classes))),
        "classes": tuple(classes),
        "left_out": [name for value, name in enumerate(classes) if value not in present],
        "accuracy": float(right.mean()),
        "accuracy_interval": clustered_wilson(right, codes),
        "balanced_accuracy": float(np.mean(recalls)),
        "balanced_accuracy_interval": mean_interval(recalls, intervals),
        **macro_auc(labels, probabilities, present, one_source, codes, bootstrap, seed),
        "per_class": {
            classes[value]: {
                "recall": recall,
                "recall_interval": interval,
                "precision": float(matrix[value, value] / named[value]) if named[value] else None,
                "support": int(matrix[value].sum()),
            }
            for value, recall, interval in zip(present, recalls, intervals, strict=True)
        },
        "confusion_matrix": tuple(map(tuple, matrix.tolist())),
        "expected_calibration_error": calibration_gap(right, probabilities.max(axis=1)),
    }


def _thinned(curve: dict[str, Any]) -> dict[str, Any]:
    """The curve at evenly spaced values of recall: the best precision at that recall or above."""
    recall, precision = np.asarray(curve["recall"]), np.asarray(curve["precision"])
    wanted = np.linspace(0, 1, _CURVE_POINTS)
    best = [float(precision[recall >= value - 1e-12].max()) for value in wanted]
    return {**curve, "recall": wanted.round(2).tolist(), "precision": best}
