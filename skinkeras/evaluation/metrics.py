"""Metrics of the binary task: malignant is the positive class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
)

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.intervals import class_recalls, mean_interval
from skinkeras.evaluation.reliability import ReliabilityBin, reliability
from skinkeras.evaluation.thresholds import sensitivity_at_specificity
from skinkeras.evaluation.within_source import pair_auc

Interval = tuple[float, float]


@dataclass(frozen=True)
class BinaryMetrics:
    """Metrics on one set of images at one threshold.

    All values are plain ints, floats and tuples, so `dataclasses.asdict` is JSON-ready.

    Every `..._interval` is a 95 % interval by group, computed as in `binary_strata` and `binary_slices`:

    - recalls: Wilson's (Wilson 1927) for an effective number of independent images (Korn & Graubard 1998;
      `clustered_wilson`), so that 19 of 19 images are [0.832, 1.000];
    - balanced accuracy: from the intervals of the two recalls (MOVER; Zou, Huang & Zhang 2009; `mean_interval`);
    - ROC AUC: 1.96 standard errors on the logit scale (Pepe 2003, ch. 5) from a bootstrap over groups (Efron &
      Tibshirani 1993, ch. 13; `auc_interval`). An AUC of 0 or 1 has Wilson's interval for as many images as the
      rarer class has groups; with a single group of a class, the interval is (0, 1).
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
    """Computes every metric that a run reports, with 95 % intervals (`BinaryMetrics` says which).

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        threshold: in 0..1; an image with `probability >= threshold` is called malignant.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group. Lesions count,
            not images, because images of one lesion are not independent.
        bootstrap: number of resamples for the interval of the AUC.
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
    predicted = (probabilities >= threshold).astype(np.int64)
    recalls, intervals = class_recalls(labels, predicted == labels, None, codes, (0, 1))
    one_source = np.zeros(len(labels), np.int64)
    roc_auc, roc_auc_interval = pair_auc(labels, probabilities, one_source, codes, bootstrap, seed)
    (tn, fp), (fn, tp) = confusion_matrix(labels, predicted, labels=[0, 1]).tolist()
    return BinaryMetrics(
        n=len(labels),
        n_malignant=int(labels.sum()),
        n_groups=int(codes.max()) + 1,
        threshold=float(threshold),
        accuracy=float(accuracy_score(labels, predicted)),
        balanced_accuracy=float(np.mean(recalls)),
        balanced_accuracy_interval=mean_interval(recalls, intervals),
        roc_auc=roc_auc,
        roc_auc_interval=roc_auc_interval,
        average_precision=float(average_precision_score(labels, probabilities)),
        sensitivity_at_90_specificity=sensitivity_at_specificity(labels, probabilities, 0.9),
        benign_recall=recalls[0],
        benign_recall_interval=intervals[0],
        malignant_recall=recalls[1],
        malignant_recall_interval=intervals[1],
        miss_rate=1 - recalls[1],
        false_alarm_rate=1 - recalls[0],
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
    return calibration_gap(labels, probabilities, bins)


def calibration_gap(true: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """`expected_calibration_error` of checked arrays, in which every prediction may be right, or none."""
    index = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(index, weights=true - probabilities, minlength=bins)
    return float(np.abs(gaps).sum() / len(true))
