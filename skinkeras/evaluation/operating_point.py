"""Choosing the probability above which an image is called malignant."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import roc_curve

from skinkeras.evaluation.checks import binary_inputs

# The softmax of an int8 model has this many levels (scale 1/256).
LEVELS = 256


def choose_threshold(
    labels: ArrayLike,
    scores: ArrayLike,
    criterion: Literal["balanced_accuracy", "sensitivity_at_90_specificity"] = "balanced_accuracy",
) -> float:
    """Chooses the threshold t at which `score >= t` is called malignant.

    Pass validation images, never test images. The scores are first rounded to the 256 levels k/256 that an
    int8 model can output. The candidates are the midpoints between neighbouring levels that occur, moved down
    to the nearest half step (k + 1/2)/256, and one at or below the lowest score (everything malignant). A half
    step is as far as possible from the levels on both sides, so a score and its int8 rounding always fall on
    the same side.

    - `"balanced_accuracy"` takes the candidate with the highest balanced accuracy.
    - `"sensitivity_at_90_specificity"` takes the candidate with the highest malignant recall among those with
      a benign recall of at least 0.9, or the strictest candidate if none reaches 0.9.

    Ties go to the lower threshold, which misses fewer melanomas.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, shape (n,).
        criterion: what is maximised.

    Returns:
        A threshold in 0..1. 0.0 means that no threshold was better than calling everything malignant.

    Raises:
        ValueError: unknown criterion, bad shapes or values, or a class is absent.
    """
    labels, scores = binary_inputs(labels, scores)
    levels = np.minimum(np.floor(scores * LEVELS + 0.5), LEVELS - 1).astype(np.int64)
    thresholds = _candidates(np.unique(levels))
    # Counts, so that ties are exact.
    missed = np.searchsorted(np.sort(levels[labels == 1]), thresholds * LEVELS)
    passed = np.searchsorted(np.sort(levels[labels == 0]), thresholds * LEVELS)
    malignant, benign = np.sum(labels == 1), np.sum(labels == 0)
    detected = malignant - missed
    if criterion == "balanced_accuracy":
        merit = detected * benign + passed * malignant
    elif criterion == "sensitivity_at_90_specificity":
        allowed = 10 * passed >= 9 * benign
        merit = np.where(allowed, detected, -1) if allowed.any() else passed
    else:
        raise ValueError(
            "criterion must be 'balanced_accuracy' or 'sensitivity_at_90_specificity'. "
            f"Received: criterion={criterion!r}"
        )
    return float(thresholds[np.argmax(merit)])  # argmax takes the first, which is the lowest


def sensitivity_at_specificity(labels: ArrayLike, scores: ArrayLike, specificity: float = 0.9) -> float:
    """The highest malignant recall of any threshold whose benign recall is at least `specificity`.

    It is read off the empirical ROC curve without interpolation, so some threshold does reach it.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, shape (n,).
        specificity: the lowest acceptable benign recall, in 0..1.

    Raises:
        ValueError: `specificity` outside 0..1, bad shapes or values, or a class is absent.
    """
    if not 0 <= specificity <= 1:
        raise ValueError(f"specificity must be in 0..1. Received: specificity={specificity}")
    false_positive_rate, true_positive_rate, _ = roc_curve(
        *binary_inputs(labels, scores), drop_intermediate=False
    )
    # In floating point 1 - 0.9 < 0.1, but one false alarm in ten must count as a specificity of 0.9.
    return float(true_positive_rate[false_positive_rate <= 1 - specificity + 1e-9].max())


def _candidates(levels: np.ndarray) -> np.ndarray:
    """Half-step thresholds around the sorted distinct levels (m,), ascending, shape (m,)."""
    between = (levels[:-1] + levels[1:] - 1) // 2 + 0.5
    lowest = max(levels[0] - 0.5, 0.0)
    return np.concatenate([[lowest], between]) / LEVELS
