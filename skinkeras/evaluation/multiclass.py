"""Metrics of tasks with several classes, over all classes and for each level of their taxonomy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from skinkeras.datasets.taxonomy import Taxonomy
from skinkeras.evaluation.bootstrap import estimate, group_codes
from skinkeras.evaluation.checks import multiclass_inputs
from skinkeras.evaluation.intervals import class_recalls, clustered_wilson, mean_interval
from skinkeras.evaluation.metrics import Interval
from skinkeras.evaluation.multiclass_bootstrap import confusion_draws, decisions
from skinkeras.evaluation.reliability import ReliabilityBin, reliability
from skinkeras.evaluation.within_source import macro_auc


@dataclass(frozen=True)
class MulticlassMetrics:
    """Metrics on one set of images, where each image is assigned to its most probable class.

    All values are plain ints, floats, tuples and dicts, so `dataclasses.asdict` is JSON-ready.

    Every `..._interval` is a 95 % interval by group, as in `BinaryMetrics`: of accuracy and recalls Wilson's
    (`clustered_wilson`), of balanced accuracy from those of the recalls (`mean_interval`), of the mean AUC from its
    standard error (`auc_interval`; (0, 1) where a class has a single group). Mean precision and mean F1 are no
    shares of a fixed number of images: they have percentile bootstrap intervals (Efron & Tibshirani 1993, *An
    Introduction to the Bootstrap*, ch. 13), of which one of zero width at 1.0 means that there was no error to
    resample, not that there is no uncertainty.

    An image whose highest probability is shared by two or more classes is undecided and counts as wrong, as in
    the official scorer of the ISIC challenges (`isic-challenge-scoring`), whose balanced accuracy and AUC are
    the same. The scorer's sensitivity, "ppv" (precision) and "dice" (F1) of a class measure something else:
    whether the probability exceeds 0.5. Applied to decisions (1 for the most probable class, 0 for the others)
    they equal the recall, precision and F1 here, except that the precision of a class that is never predicted
    is 1 there and 0 here.
    """

    n: int
    n_groups: int
    """Number of lesions (or of what `groups` names); equal to `n` without groups."""
    n_undecided: int
    """Images with no single most probable class; they are in no column of the confusion matrix."""
    classes: tuple[str, ...]
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    """Mean of the classes' recalls; BAcc in Barata & Santiago 2021."""
    balanced_accuracy_interval: Interval
    mean_precision: float
    """Mean of the classes' precisions (mPR); that of a class that is never predicted is 0."""
    mean_precision_interval: Interval
    mean_f1: float
    """Mean of the classes' F1 (mF1), not the F1 of the means."""
    mean_f1_interval: Interval
    macro_auc: float
    """Mean of the classes' one-vs-rest ROC AUCs."""
    macro_auc_interval: Interval
    per_class: dict[str, dict[str, float | int | Interval]]
    """Class -> recall, recall_interval, precision, f1, auc (all 0..1) and support (number of images)."""
    confusion_matrix: tuple[tuple[int, ...], ...]
    """Counts: true classes in rows, predicted ones in columns."""
    reliability: tuple[ReliabilityBin, ...]
    """By probability of the most probable class: the share of images for which it is the true one."""


def multiclass_metrics(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> MulticlassMetrics:
    """Computes every metric that a run reports, with 95 % intervals (`MulticlassMetrics` says which).

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: in 0..1, shape (n, c).
        classes: the c class names, in the order of the columns.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group. Lesions count,
            not images, because images of one lesion are not independent.
        bootstrap: number of resamples for the intervals of AUC, precision and F1.
        seed: seed of the resampling.

    Raises:
        ValueError: bad shapes or values, or a class is absent from the labels, which leaves its recall
            and AUC undefined.
    """
    labels, probabilities = multiclass_inputs(labels, probabilities, classes)
    if bootstrap < 1:
        raise ValueError(f"bootstrap must be at least 1. Received: bootstrap={bootstrap}")
    codes = group_codes(groups, len(labels))
    together = np.zeros(len(labels), np.int64)  # one source, one split
    predicted, indices = decisions(probabilities), range(len(classes))
    right = predicted == labels
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=indices, zero_division=0
    )
    _, intervals = class_recalls(labels, right, None, codes, indices)
    draws = confusion_draws(labels, probabilities[None], together, codes, bootstrap, seed)
    auc = [roc_auc_score(labels == value, probabilities[:, value]) for value in indices]
    return MulticlassMetrics(
        n=len(labels),
        n_groups=int(codes.max()) + 1,
        n_undecided=int(np.sum(predicted == len(classes))),
        classes=tuple(classes),
        accuracy=float(right.mean()),
        accuracy_interval=clustered_wilson(right, codes),
        balanced_accuracy=float(recall.mean()),
        balanced_accuracy_interval=mean_interval(recall, intervals),
        mean_precision=float(precision.mean()),
        mean_precision_interval=estimate(draws["mean_precision"][0])[1:],
        mean_f1=float(f1.mean()),
        mean_f1_interval=estimate(draws["mean_f1"][0])[1:],
        **macro_auc(labels, probabilities, indices, together, codes, bootstrap, seed),
        per_class={
            name: {
                "recall": float(recall[value]),
                "recall_interval": intervals[value],
                "precision": float(precision[value]),
                "f1": float(f1[value]),
                "auc": float(auc[value]),
                "support": int(support[value]),
            }
            for value, name in enumerate(classes)
        },
        confusion_matrix=tuple(map(tuple, confusion_matrix(labels, predicted, labels=indices).tolist())),
        reliability=reliability(right, probabilities.max(axis=1)),
    )


def level_metrics(
    labels: ArrayLike,
    probabilities: ArrayLike,
    taxonomy: Taxonomy,
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, MulticlassMetrics]:
    """The metrics at each level of a taxonomy, defined alike for flat and hierarchical models.

    At each level, an image is assigned to one of the level's nodes, whatever was decided at the levels above;
    images that belong to no node of the level are left out. The probability of a node is the sum over the
    classes below it. Classes whose branch ends above the level are ignored, and the remaining probabilities
    are not rescaled to sum to 1. The level's own softmax in a hierarchical model is not used, because a flat
    model has none.

    Args:
        labels, groups, bootstrap, seed: as in `multiclass_metrics`.
        probabilities: of `taxonomy.classes`, in 0..1, shape (n, c).
        taxonomy: the tree.

    Returns:
        {"level1": metrics over `taxonomy.levels[0]`, "level2": ...}. A level with a single node is left out.

    Raises:
        ValueError: as `multiclass_metrics`.
    """
    labels, probabilities = multiclass_inputs(labels, probabilities, taxonomy.classes)
    codes = group_codes(groups, len(labels))
    results = {}
    for number, (nodes, columns) in enumerate(zip(taxonomy.levels, taxonomy.columns, strict=True), 1):
        if len(nodes) == 1:
            continue
        belongs = np.array([[column == node for node in range(len(nodes))] for column in columns])
        rows = belongs.any(axis=1)[labels]
        # Sums of rounded numbers can slightly exceed 1.
        of_nodes = np.minimum(probabilities[rows] @ belongs, 1.0)
        node_labels = belongs.argmax(axis=1)[labels[rows]]
        results[f"level{number}"] = multiclass_metrics(
            node_labels, of_nodes, nodes, codes[rows], bootstrap, seed
        )
    return results
