"""Metrics of groups of images: by source, age, sex, site, confirmation, skin tone and diagnosis.

A slice shows where a model is worse than its overall figures say. Many slices are few images: read a value with its
interval, and expect the worst of twenty slices to be bad by chance.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs, multiclass_inputs
from skinkeras.evaluation.intervals import class_recalls, clustered_wilson, mean_interval
from skinkeras.evaluation.metrics import calibration_gap
from skinkeras.evaluation.multiclass_bootstrap import decisions
from skinkeras.evaluation.strata import known_sources
from skinkeras.evaluation.within_source import macro_auc, pair_auc, pair_weights

Slice = dict[str, Any]

LEAST_IMAGES = 10
"""A slice of fewer images is only counted."""
LEAST_OF_A_CLASS = 10
"""An AUC needs so many images of each class; the worst slice is chosen among those with so many malignant images."""
UNKNOWN = "unknown"
"""The value of the images of which the data set does not know it."""

_COLUMNS = ("age", "sex", "site", "confirmed_by", "skin_tone")
_AGES = {"below 30": 0, "30 to 49": 30, "50 to 69": 50, "70 and older": 70}

_BINARY = (
    "roc_auc",
    "roc_auc_interval",
    "within_source_auc",
    "within_source_auc_interval",
    "malignant_recall",
    "malignant_recall_interval",
    "benign_recall",
    "benign_recall_interval",
    "mean_probability",
    "expected_calibration_error",
    "brier_score",
)
_MULTICLASS = (
    "accuracy",
    "accuracy_interval",
    "balanced_accuracy",
    "balanced_accuracy_interval",
    "macro_auc",
    "macro_auc_interval",
    "mean_probability",
    "expected_calibration_error",
    "brier_score",
)


def binary_slices(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    table: pd.DataFrame,
    groups: ArrayLike | None = None,
    diagnosis: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> list[Slice]:
    """The metrics of every value of every known column.

    The columns are acquisition (or, where it is not known, source), age, sex, site, confirmed_by, skin_tone and
    diagnosis. Ages are in bands: below 30, 30 to 49, 50 to 69, 70 and older. Images of which a column is not known
    are its slice "unknown"; a column that is known of no image has no slices.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        threshold: an image with `probability >= threshold` is called malignant.
        table: one row an image, with (some of) the columns of a `Manifest`.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.
        diagnosis: the diagnosis of each image, shape (n,), or None. Most diagnoses have one recall and no AUC.
        bootstrap: number of resamples of the AUC.
        seed: seed of the resampling.

    Returns:
        One dict a slice, in the order of the columns; ages ascend, other values descend by number of images:

        - column, value, n, n_malignant, n_groups, share_malignant;
        - roc_auc, and within_source_auc of the pairs of one source (as in `binary_strata`), each with its
          `..._interval`, a bootstrap by group; None with fewer than 10 images of a class in pairs;
        - malignant_recall and benign_recall, each with its `..._interval` (`clustered_wilson`), None without
          images of the class;
        - mean_probability, to compare with share_malignant; expected_calibration_error (of few images, it is high
          even if the model is calibrated); brier_score.

        With fewer than 10 images, everything after share_malignant is None.

    Raises:
        ValueError: bad shapes or values, or a class is absent from all images.

    Example:
        >>> table = pd.DataFrame({"sex": ["male"] * 12 + ["female"] * 12})
        >>> slices = binary_slices([0, 1] * 12, [0.2, 0.7] * 12, 0.5, table)
        >>> [(row["value"], row["n_malignant"], row["malignant_recall"]) for row in slices]
        [('female', 6, 1.0), ('male', 6, 1.0)]
    """
    labels, probabilities = binary_inputs(labels, probabilities)
    codes = group_codes(groups, len(labels))
    sources = pd.factorize(known_sources(table))[0]

    def metrics(rows: np.ndarray) -> Slice:
        return _binary_slice(
            labels[rows], probabilities[rows], threshold, sources[rows], codes[rows], bootstrap, seed
        )

    return [
        {"column": column, "value": value, **metrics(rows)}
        for column, value, rows in _parts(table, diagnosis, len(labels))
    ]


def multiclass_slices(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    table: pd.DataFrame,
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> list[Slice]:
    """The metrics of every value of every known column, of a model of several classes.

    Slices and arguments are those of `binary_slices`; a diagnosis is no slice, because its recall is in
    `MulticlassMetrics.per_class`.

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: in 0..1, shape (n, c).
        classes: the c class names, in the order of the columns.
        table, groups, bootstrap, seed: as in `binary_slices`.

    Returns:
        One dict a slice:

        - column, value, n, n_groups, and left_out: the names of the classes without images in the slice;
        - accuracy and balanced_accuracy (over the classes in the slice), each with its `..._interval`;
        - macro_auc with its interval: over the classes with 10 or more images in the slice and 10 or more others;
          None without any;
        - mean_probability and expected_calibration_error, of the most probable class; brier_score, the squared
          distance to the true class over all c classes, 0 to 2.

        With fewer than 10 images, everything after left_out is None.

    Raises:
        ValueError: bad shapes or values, or a class is absent from all images.

    Example:
        >>> table = pd.DataFrame({"sex": ["male"] * 12 + ["female"] * 3})
        >>> slices = multiclass_slices([0, 1, 2] * 5, [[0.6, 0.3, 0.1]] * 15, ("bcc", "mel", "nv"), table)
        >>> [(row["value"], row["n"], row["accuracy"] and round(row["accuracy"], 2)) for row in slices]
        [('male', 12, 0.33), ('female', 3, None)]
    """
    labels, probabilities = multiclass_inputs(labels, probabilities, classes, absent=True)
    codes = group_codes(groups, len(labels))

    def metrics(rows: np.ndarray) -> Slice:
        return _multiclass_slice(labels[rows], probabilities[rows], classes, codes[rows], bootstrap, seed)

    return [
        {"column": column, "value": value, **metrics(rows)}
        for column, value, rows in _parts(table, None, len(labels))
    ]


def worst_slice(slices: Sequence[Slice], metric: str | None = None) -> Slice | None:
    """The slice that is worst even on the most favourable reading: the one with the lowest *upper* limit.

    The lowest value would be that of the smallest slice: one missed melanoma of one. The upper limit of the 95 %
    interval is the best that the images allow for, so that a slice of few images is chosen only if it is clearly bad.

    Args:
        slices: from `binary_slices` or `multiclass_slices`.
        metric: what to compare. None: the malignant recall (a missed melanoma costs most), among the slices with at
            least 10 malignant images; for several classes, the accuracy.

    Returns:
        One of the slices (of equal ones, that of more images), or None if there is none to compare.

    Example:
        >>> few = {"n": 20, "n_malignant": 10, "malignant_recall": 0.6, "malignant_recall_interval": (0.3, 0.8)}
        >>> many = {"n": 99, "n_malignant": 50, "malignant_recall": 0.6, "malignant_recall_interval": (0.5, 0.7)}
        >>> worst_slice([few, many]) is many
        True
    """
    if metric is None:
        metric = "malignant_recall" if any("malignant_recall" in row for row in slices) else "accuracy"
    known = [row for row in slices if row[metric] is not None]
    if metric == "malignant_recall":
        known = [row for row in known if row["n_malignant"] >= LEAST_OF_A_CLASS]
    return min(known, key=lambda row: (row[f"{metric}_interval"][1], -row["n"]), default=None)


def age_bands(ages: ArrayLike) -> np.ndarray:
    """below 30, 30 to 49, 50 to 69, or 70 and older; None where the age is not known. (n,) object.

    Example:
        >>> age_bands([29, 30.0, None]).tolist()
        ['below 30', '30 to 49', None]
    """
    ages = pd.to_numeric(pd.Series(np.asarray(ages, object)), errors="coerce")
    bands = pd.cut(ages, [*_AGES.values(), np.inf], right=False, labels=list(_AGES)).astype(object)
    return bands.where(bands.notna(), None).to_numpy(object)


def _parts(table: pd.DataFrame, diagnosis: ArrayLike | None, n: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yields (column, value, the numbers of its rows) of every slice."""
    if len(table) != n:
        raise ValueError(f"table must have one row per image. Received: {len(table)} rows for {n} images.")
    for column, values in _columns(table, diagnosis).items():
        values = pd.Series(values, dtype=object)
        if values.isna().all():
            continue
        values = values.where(values.notna(), UNKNOWN).astype(str)
        if column == "age":
            order = [band for band in (*_AGES, UNKNOWN) if (values == band).any()]
        else:
            order = sorted(values.unique(), key=lambda value: (-(values == value).sum(), value))
        for value in order:
            yield column, value, np.flatnonzero(values == value)


def _columns(table: pd.DataFrame, diagnosis: ArrayLike | None) -> dict[str, ArrayLike]:
    """The values of each column to slice by, sources first."""
    known = "acquisition" in table and table["acquisition"].notna().any()
    columns = {"acquisition" if known else "source": known_sources(table)}
    columns |= {name: table[name].to_numpy(object) for name in _COLUMNS if name in table}
    if "age" in columns:
        columns["age"] = age_bands(columns["age"])
    return columns if diagnosis is None else {**columns, "diagnosis": diagnosis}


def _binary_slice(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    sources: np.ndarray,
    codes: np.ndarray,
    bootstrap: int,
    seed: int,
) -> Slice:
    result = {
        "n": len(labels),
        "n_malignant": int(labels.sum()),
        "n_groups": len(np.unique(codes)),
        "share_malignant": float(labels.mean()),
        **dict.fromkeys(_BINARY),
    }
    if len(labels) < LEAST_IMAGES:
        return result
    right = (probabilities >= threshold) == labels
    for value in np.unique(labels).tolist():
        name = ("benign_recall", "malignant_recall")[value]
        (result[name],), (result[f"{name}_interval"],) = class_recalls(labels, right, None, codes, (value,))
    for name, places in (("roc_auc", np.zeros_like(sources)), ("within_source_auc", sources)):
        rows = pair_weights(labels, places) > 0
        if min(np.bincount(labels[rows], minlength=2)) >= LEAST_OF_A_CLASS:
            auc = pair_auc(labels, probabilities, places, codes, bootstrap, seed)
            result[name], result[f"{name}_interval"] = auc
    return result | {
        "mean_probability": float(probabilities.mean()),
        "expected_calibration_error": calibration_gap(labels, probabilities),
        "brier_score": float(np.mean((probabilities - labels) ** 2)),
    }


def _multiclass_slice(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    codes: np.ndarray,
    bootstrap: int,
    seed: int,
) -> Slice:
    images = np.bincount(labels, minlength=len(classes))
    result = {
        "n": len(labels),
        "n_groups": len(np.unique(codes)),
        "left_out": [name for name, count in zip(classes, images, strict=True) if not count],
        **dict.fromkeys(_MULTICLASS),
    }
    if len(labels) < LEAST_IMAGES:
        return result
    right = decisions(probabilities) == labels
    recalls, intervals = class_recalls(labels, right, None, codes, np.flatnonzero(images))
    enough = np.flatnonzero((images >= LEAST_OF_A_CLASS) & (len(labels) - images >= LEAST_OF_A_CLASS))
    if len(enough):
        one_source = np.zeros(len(labels), np.int64)
        result |= macro_auc(labels, probabilities, enough, one_source, codes, bootstrap, seed)
    confidence = probabilities.max(axis=1)
    return result | {
        "accuracy": float(right.mean()),
        "accuracy_interval": clustered_wilson(right, codes),
        "balanced_accuracy": float(np.mean(recalls)),
        "balanced_accuracy_interval": mean_interval(recalls, intervals),
        "mean_probability": float(confidence.mean()),
        "expected_calibration_error": calibration_gap(right, confidence),
        "brier_score": float(np.mean(np.sum((probabilities - np.eye(len(classes))[labels]) ** 2, axis=1))),
    }
