"""Metrics of the binary task: malignant is the positive class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    recall_score,
    roc_auc_score,
)

from skinkeras.evaluation.bootstrap import bootstrap_intervals, group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.operating_point import sensitivity_at_specificity
from skinkeras.evaluation.reliability import ReliabilityBin, reliability

Interval = tuple[float, float]


@dataclass(frozen=True)
class BinaryMetrics:
    """Metrics on one set of images at one threshold.

    All values are plain ints, floats and tuples, so `dataclasses.asdict` is JSON-ready.

    Every `..._interval` is a 95 % bootstrap interval. An interval of zero width at 1.0 means that there was no
    error to resample, not that there is no uncertainty.
    """

    n: int
    n_malignant: int
    n_groups: int
    """Number of lesions (or of what `groups` names); equal to `n` without groups."""
    threshold: float
    """An image is called malignant if its probability is at least this."""
    accuracy: float
    balanced_accuracy: float
    balanced_accuracy_interval: Interval
    roc_auc: float
    roc_auc_interval: Interval
    average_precision: float
    sensitivity_at_90_specificity: float
    benign_recall: float
    benign_recall_interval: Interval
    malignant_recall: float
    malignant_recall_interval: Interval
    miss_rate: float
    """1 - malignant recall."""
    false_alarm_rate: float
    """1 - benign recall."""
    brier_score: float
    expected_calibration_error: float
    confusion_matrix: tuple[tuple[int, int], tuple[int, int]]
    """((TN, FP), (FN, TP)): true classes in rows, predicted ones in columns, benign first."""
    reliability: tuple[ReliabilityBin, ...]
    """By probability of malignant: the share of images that are malignant."""


def binary_metrics(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float = 0.5,
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> BinaryMetrics:
    """Computes every metric that a run reports, with 95 % stratified percentile bootstrap intervals.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        threshold: in 0..1; an image with `probability >= threshold` is called malignant.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group. Whole lesions
            are resampled, because images of one lesion are not independent; without groups, images are.
        bootstrap: number of resamples.
        seed: seed of the resampling.

    Raises:
        ValueError: bad shapes or values, or a class is absent, which leaves recall and AUC undefined.

    Example:
        >>> binary_metrics([0, 0, 1], [0.1, 0.6, 0.7]).balanced_accuracy
        0.75
    """
    labels, probabilities = binary_inputs(labels, probabilities)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be in 0..1. Received: threshold={threshold}")
    if bootstrap < 1:
        raise ValueError(f"bootstrap must be at least 1. Received: bootstrap={bootstrap}")
    codes = group_codes(groups, len(labels))
    intervals = bootstrap_intervals(labels, probabilities, threshold, codes, bootstrap, seed)
    predicted = (probabilities >= threshold).astype(np.int64)
    benign_recall = float(recall_score(labels, predicted, pos_label=0))
    malignant_recall = float(recall_score(labels, predicted, pos_label=1))
    (tn, fp), (fn, tp) = confusion_matrix(labels, predicted, labels=[0, 1]).tolist()
    return BinaryMetrics(
        n=len(labels),
        n_malignant=int(labels.sum()),
        n_groups=int(codes.max()) + 1,
        threshold=float(threshold),
        accuracy=float(accuracy_score(labels, predicted)),
        balanced_accuracy=float(balanced_accuracy_score(labels, predicted)),
        balanced_accuracy_interval=intervals["balanced_accuracy"],
        roc_auc=float(roc_auc_score(labels, probabilities)),
        roc_auc_interval=intervals["roc_auc"],
        average_precision=float(average_precision_score(labels, probabilities)),
        sensitivity_at_90_specificity=sensitivity_at_specificity(labels, probabilities, 0.9),
        benign_recall=benign_recall,
        benign_recall_interval=intervals["benign_recall"],
        malignant_recall=malignant_recall,
        malignant_recall_interval=intervals["malignant_recall"],
        miss_rate=1 - malignant_recall,
        false_alarm_rate=1 - benign_recall,
        brier_score=float(brier_score_loss(labels, probabilities)),
        expected_calibration_error=expected_calibration_error(labels, probabilities),
        confusion_matrix=((tn, fp), (fn, tp)),
        reliability=reliability(labels, probabilities),
    )


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """sum_b n_b/n |share of malignant in bin b - mean probability in bin b|, over bins of equal width.

    Guo et al. 2017, *On Calibration of Modern Neural Networks*, eq. 3, for the probability of malignant, not
    for that of the most probable class, which says nothing about the rare class.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        bins: number of bins; each includes its lower edge, and the last one also 1.0.

    Returns:
        A value in 0..1.

    Raises:
        ValueError: bad shapes or values, or a class is absent.
    """
    labels, probabilities = binary_inputs(labels, probabilities)
    index = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(index, weights=labels - probabilities, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))
