"""What a model's answers are worth to those who act on them: net benefit, predictive values, and by diagnosis."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, precision_recall_curve

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.intervals import clustered_wilson

THRESHOLDS = tuple(round(percent / 100, 2) for percent in range(1, 51))


def net_benefit(
    labels: ArrayLike,
    probabilities: ArrayLike,
    thresholds: Sequence[float] = THRESHOLDS,
    prevalence: float | None = None,
) -> dict[str, list[float]]:
    """A decision curve: the net benefit of acting on a model, on everybody and on nobody.

    NB(t) = sensitivity * prevalence - (1 - specificity) * (1 - prevalence) * t / (1 - t), in true positives an
    image (Vickers & Elkin 2006, *Decision curve analysis*). Whoever removes a lesion from a probability t on accepts
    (1 - t) / t unnecessary removals for each melanoma; t / (1 - t) is what a false alarm then costs. The model is of
    use to them where its curve is above both others. The probabilities must be calibrated for this: t is taken
    at its word.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        thresholds: t, each above 0 and below 1.
        prevalence: the share of malignant images where the model is to be used, above 0 and below 1; None is that of
            these images. It only weights the classes: probabilities for it come from `prevalence_shift`.

    Returns:
        {"threshold", "model", "all", "none"}, lists of the length of `thresholds`.

    Raises:
        ValueError: a threshold or the prevalence out of range, bad shapes or values, or a class is absent.

    Example:
        >>> net_benefit([0, 0, 0, 1], [0.1, 0.1, 0.6, 0.7], [0.5])["model"]
        [0.0]
    """
    labels, probabilities = binary_inputs(labels, probabilities)
    thresholds = np.asarray(thresholds, np.float64)
    if not ((thresholds > 0) & (thresholds < 1)).all():
        raise ValueError(f"thresholds must be above 0 and below 1. Received: {thresholds.tolist()}")
    prevalence = labels.mean() if prevalence is None else prevalence
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence must be above 0 and below 1. Received: prevalence={prevalence}")
    flagged = probabilities >= thresholds[:, None]
    sensitivity, false_alarms = flagged[:, labels == 1].mean(axis=1), flagged[:, labels == 0].mean(axis=1)
    cost = (1 - prevalence) * thresholds / (1 - thresholds)
    return {
        "threshold": thresholds.tolist(),
        "model": (sensitivity * prevalence - false_alarms * cost).tolist(),
        "all": (prevalence - cost).tolist(),
        "none": [0.0] * len(thresholds),
    }


def precision_recall(labels: ArrayLike, probabilities: ArrayLike) -> dict:
    """The precision-recall curve with the line that it has to be read against: the prevalence.

    A model that guesses has a precision of the prevalence at every recall.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).

    Returns:
        {"precision", "recall": lists from the lowest threshold to the highest and on to recall 0, "prevalence",
        "average_precision"}.

    Raises:
        ValueError: bad shapes or values, or a class is absent.

    Example:
        >>> precision_recall([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])["prevalence"]
        0.5
    """
    labels, probabilities = binary_inputs(labels, probabilities)
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    return {
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "prevalence": float(labels.mean()),
        "average_precision": float(average_precision_score(labels, probabilities)),
    }


def confusion_by_diagnosis(
    diagnoses: Sequence[str], called_malignant: ArrayLike, groups: ArrayLike | None = None
) -> list[dict]:
    """What became of the images of each diagnosis: how many are called malignant.

    For a model that tells melanoma from the rest, it shows what happens to basal cell carcinomas, which a
    benign recall counts as errors if they are flagged.

    Args:
        diagnoses: the diagnosis of each image, shape (n,).
        called_malignant: whether the image is called malignant, bool, shape (n,).
        groups: lesion of each image, shape (n,), for the intervals; None, NaN or "" makes an image its own group.

    Returns:
        For each diagnosis, the commonest first, {"diagnosis", "n", "called_malignant" (how many), "share",
        "interval" (95 %, Wilson, of lesions)}.

    Raises:
        ValueError: the lengths differ.

    Example:
        >>> confusion_by_diagnosis(["nevus", "nevus", "melanoma"], [False, True, True])[0]["share"]
        0.5
    """
    diagnoses, called = np.asarray(diagnoses, dtype=str), np.asarray(called_malignant, bool)
    if diagnoses.ndim != 1 or diagnoses.shape != called.shape:
        raise ValueError(
            "diagnoses and called_malignant must be vectors of the same length. "
            f"Received shapes: {diagnoses.shape} and {called.shape}"
        )
    codes = None if groups is None else group_codes(groups, len(called))
    names, counts = np.unique(diagnoses, return_counts=True)
    rows = []
    for name, n in sorted(
        zip(names.tolist(), counts.tolist(), strict=True), key=lambda row: (-row[1], row[0])
    ):
        images = diagnoses == name
        interval = clustered_wilson(called[images], None if codes is None else codes[images])
        flagged = int(called[images].sum())
        rows.append(
            {
                "diagnosis": name,
                "n": n,
                "called_malignant": flagged,
                "share": flagged / n,
                "interval": interval,
            }
        )
    return rows
