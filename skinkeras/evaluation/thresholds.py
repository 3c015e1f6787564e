"""Choosing the probability above which an image is called malignant, and what a threshold is worth."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import roc_curve

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.intervals import clustered_wilson, wilson
from skinkeras.operating_points import OperatingPoint, parse_operating_point

# The softmax of an int8 model has this many levels (scale 1/256).
LEVELS = 256


def choose_threshold(labels: ArrayLike, scores: ArrayLike, criterion: str = "balanced_accuracy") -> float:
    """Chooses the threshold t at which `score >= t` is called malignant.

    Pass validation images, never test images. The scores are first rounded to the 256 levels k/256 that an
    int8 model can output. The candidates are the midpoints between neighbouring levels that occur, moved down
    to the nearest half step (k + 1/2)/256, and one at or below the lowest score (everything malignant). A half
    step is as far as possible from the levels on both sides, so a score and its int8 rounding always fall on
    the same side.

    - `"balanced_accuracy"` takes the candidate with the highest balanced accuracy.
    - `"sensitivity_95"`, `"sensitivity_N"`: the highest benign recall among the candidates with a malignant
      recall of at least N %.
    - `"specificity_N"`: the highest malignant recall among the candidates with a benign recall of at least N %, or
      the strictest candidate if none reaches it.
    - `"cost_R"`: the lowest R * misses + false alarms, with the share of malignant images that is passed. For
      calibrated probabilities and many images it approaches 1 / (1 + R) (Elkan 2001, *The foundations of
      cost-sensitive learning*, eq. 2).
    - `"fixed_0.5"`: 0.5, whatever the images; the only one that is not a half step.

    Ties go to the lower threshold, which misses fewer melanomas.

    What a sensitivity on validation images is worth: of m malignant images of which k are missed at the threshold,
    that of new images is distributed as Beta(m - k, k + 1) around (m - k) / (m + 1). `sensitivity_95` chosen on
    100 images is a sensitivity of 0.94 on average, and in 95 of 100 cases between 0.89 and 0.98; on 20 images, 0.90
    on average, and between 0.75 and 0.99. It is a goal; the test images show what was reached.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, shape (n,).
        criterion: the name of an operating point, see `skinkeras.operating_points.parse_operating_point`.

    Returns:
        A threshold in 0..1. 0.0 means that no threshold was better than calling everything malignant.

    Raises:
        ValueError: unknown criterion, bad shapes or values, or a class is absent.

    Example:
        >>> choose_threshold([0, 0, 1, 1], [0.1, 0.3, 0.5, 0.9]) * 256
        102.5
    """
    rule = parse_operating_point(criterion)
    labels, scores = binary_inputs(labels, scores)
    if rule.kind == "fixed":
        return rule.value
    levels = int8_levels(scores)
    thresholds = _candidates(np.unique(levels))
    # Counts, so that ties are exact.
    missed = np.searchsorted(np.sort(levels[labels == 1]), thresholds * LEVELS)
    passed = np.searchsorted(np.sort(levels[labels == 0]), thresholds * LEVELS)
    merit = _merit(rule, missed, passed, np.sum(labels == 1), np.sum(labels == 0))
    return float(thresholds[np.argmax(merit)])  # argmax takes the first, which is the lowest


def _merit(
    rule: OperatingPoint, missed: np.ndarray, passed: np.ndarray, malignant: int, benign: int
) -> np.ndarray:
    """What is maximised, for candidates that miss and pass so many of so many images."""
    if rule.kind == "balanced_accuracy":
        return (malignant - missed) * benign + passed * malignant
    if rule.kind == "sensitivity":
        # In floating point 0.95 * 20 may exceed 19, but 19 of 20 must count as 95 %.
        return np.where(malignant - missed >= rule.value * malignant - 1e-9, passed, -1)
    if rule.kind == "specificity":
        allowed = passed >= rule.value * benign - 1e-9
        return np.where(allowed, malignant - missed, -1) if allowed.any() else passed
    return passed - rule.value * missed


def operating_points(labels: ArrayLike, scores: ArrayLike, names: Iterable[str]) -> dict[str, float]:
    """The thresholds of several operating points, all chosen on the same validation images.

    Args:
        labels, scores: as `choose_threshold`.
        names: names of operating points.

    Returns:
        {name: threshold}, in the order of `names`.

    Raises:
        ValueError: as `choose_threshold`.

    Example:
        >>> operating_points([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], ["sensitivity_95", "fixed_0.5"])
        {'sensitivity_95': 0.298828125, 'fixed_0.5': 0.5}
    """
    return {name: choose_threshold(labels, scores, name) for name in names}


def measured_point(
    labels: ArrayLike, scores: ArrayLike, threshold: float, groups: ArrayLike | None = None
) -> dict:
    """What becomes of images at a threshold that was chosen on others.

    Predictive values, and with them the false alarms per detection, depend on the share of malignant images: they
    hold for images like these, not for a clinic with fewer melanomas.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, shape (n,).
        threshold: an image with `score >= threshold` is called malignant.
        groups: lesion of each image, shape (n,), for the intervals; None, NaN or "" makes an image its own group.

    Returns:
        A dict of plain numbers: threshold, n, prevalence, called_malignant (how many images); malignant_recall,
        benign_recall, positive_predictive_value, negative_predictive_value, false_alarms_per_detection, each with
        its 95 % Wilson interval of lesions as `..._interval`, or None where no image counts. The upper limit of
        false_alarms_per_detection is None if there may be no detection at all.

    Raises:
        ValueError: bad shapes or values, or a class is absent.

    Example:
        >>> measured_point([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], 0.55)["positive_predictive_value"]
        0.5
    """
    labels, scores = binary_inputs(labels, scores)
    codes = None if groups is None else group_codes(groups, len(labels))
    called = scores >= threshold
    point = {
        "threshold": float(threshold),
        "n": len(labels),
        "prevalence": float(labels.mean()),
        "called_malignant": int(called.sum()),
        **share("malignant_recall", called[labels == 1], None if codes is None else codes[labels == 1]),
        **share("benign_recall", ~called[labels == 0], None if codes is None else codes[labels == 0]),
        **share("positive_predictive_value", labels[called] == 1, None if codes is None else codes[called]),
        **share("negative_predictive_value", labels[~called] == 0, None if codes is None else codes[~called]),
    }
    precision, interval = point["positive_predictive_value"], point["positive_predictive_value_interval"]
    point["false_alarms_per_detection"] = 1 / precision - 1 if precision else None
    point["false_alarms_per_detection_interval"] = interval and (
        1 / interval[1] - 1,
        1 / interval[0] - 1 if interval[0] > 0 else None,
    )
    return point


def share(name: str, true: ArrayLike, codes: np.ndarray | None = None) -> dict:
    """The share of images that count, with its 95 % Wilson interval, as a part of a record.

    Args:
        name: the key.
        true: whether each image counts, bool, shape (n,).
        codes: the group of each image from `group_codes`, shape (n,); None: the images are independent.

    Returns:
        {name: share, name + "_interval": (low, high)}; both None without an image.
    """
    if not len(true):
        return {name: None, f"{name}_interval": None}
    return {name: float(np.mean(true)), f"{name}_interval": clustered_wilson(true, codes)}


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


def sensitivity_at(
    labels: ArrayLike, scores: ArrayLike, specificities: Sequence[float] = (0.8, 0.9, 0.95)
) -> list[dict]:
    """`sensitivity_at_specificity` for several specificities, with intervals.

    The thresholds are read off the same images, so these figures describe the ROC curve and not a decision rule.
    The intervals are Wilson's over malignant images; they leave out that benign images place the threshold.

    Args:
        labels, scores: as `sensitivity_at_specificity`.
        specificities: each in 0..1.

    Returns:
        A {"specificity", "sensitivity", "interval"} for each.

    Raises:
        ValueError: as `sensitivity_at_specificity`.

    Example:
        >>> sensitivity_at([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9], (0.9,))[0]["sensitivity"]
        0.5
    """
    malignant = int(np.sum(np.asarray(labels) == 1))
    rows = []
    for specificity in specificities:
        sensitivity = sensitivity_at_specificity(labels, scores, specificity)
        interval = wilson(round(sensitivity * malignant), malignant)
        rows.append({"specificity": specificity, "sensitivity": sensitivity, "interval": interval})
    return rows


def int8_levels(scores: np.ndarray) -> np.ndarray:
    """The level 0..255 that an int8 model outputs for each score in 0..1. (n,) int64."""
    return np.minimum(np.floor(scores * LEVELS + 0.5), LEVELS - 1).astype(np.int64)


def _candidates(levels: np.ndarray) -> np.ndarray:
    """Half-step thresholds around the sorted distinct levels (m,), ascending, shape (m,)."""
    between = (levels[:-1] + levels[1:] - 1) // 2 + 0.5
    lowest = max(levels[0] - 0.5, 0.0)
    return np.concatenate([[lowest], between]) / LEVELS
