"""The metrics that a clinic cannot earn: within a source, and of histologically confirmed images only.

A pooled AUC counts pairs of images of different clinics, which a model can put in order by recognising the clinic.
Images that were only followed up are mostly nevi that nobody doubted. Both make a model look better than it is.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs, multiclass_inputs
from skinkeras.evaluation.intervals import class_recalls, clustered_wilson, mean_interval
from skinkeras.evaluation.multiclass_bootstrap import decisions
from skinkeras.evaluation.within_source import macro_auc, pair_auc, pair_weights

Stratum = dict[str, Any]

_CONFIRMED = "histopathology"
_NO_SOURCE = "The data set does not say where its images come from."


def binary_strata(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    table: pd.DataFrame,
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, Stratum]:
    """AUC and recalls within a source, and of the histologically confirmed images.

    - `within_source`: the AUC is the share of pairs of a malignant and a benign image *of one source* that are in the
      right order, ties counting half. The recalls are those of the images of a random such pair: each source counts
      by its share of the pairs. Sources without images of both classes add nothing.
    - `confirmed`: the metrics of the images with `confirmed_by` "histopathology", all sources together.

    Balanced accuracy is the mean of the two recalls. Every interval is a 95 % interval by lesion: a
    bootstrap over groups for the AUC, `clustered_wilson` for the recalls, `mean_interval` for their mean.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        probabilities: of malignant, in 0..1, shape (n,).
        threshold: an image with `probability >= threshold` is called malignant.
        table: one row an image, with (some of) the columns of a `Manifest`: a source is a value of `acquisition`, or
            of `source` where the acquisition is not known.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.
        bootstrap: number of resamples.
        seed: seed of the resampling.

    Returns:
        `{"within_source": ..., "confirmed": ...}`, each `{"missing": a sentence that says why}`, or n, n_malignant
        and n_groups, n_pairs (the pairs that the AUC counts), sources (how many; within_source only), and roc_auc,
        balanced_accuracy, malignant_recall and benign_recall, each with its `..._interval`. Plain numbers and tuples.

    Raises:
        ValueError: bad shapes or values, or a class is absent.

    Example:
        >>> table = pd.DataFrame({"acquisition": ["a", "a", "b", "b"]})
        >>> binary_strata([0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9], 0.5, table)["within_source"]["roc_auc"]
        1.0
    """
    labels, probabilities = binary_inputs(labels, probabilities)
    codes = group_codes(groups, len(labels))

    def metrics(rows: np.ndarray, sources: np.ndarray | None) -> Stratum:
        sources = np.zeros(len(labels), np.int64) if sources is None else sources
        return _binary_stratum(
            labels[rows], probabilities[rows], threshold, sources[rows], codes[rows], bootstrap, seed
        )

    return _strata(labels, table, metrics)


def multiclass_strata(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    table: pd.DataFrame,
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, Stratum]:
    """Accuracy, balanced accuracy and AUC within a source, and of the histologically confirmed images.

    - `within_source`: metrics over pairs of images of one source and of different classes. `macro_auc` is the mean of
      the classes' one-vs-rest AUCs, each over pairs of one source. `accuracy` is that of the images of a random pair;
      `balanced_accuracy` is the mean over classes of the recall of the class's images in the pairs.
    - `confirmed`: the metrics of the images with `confirmed_by` "histopathology", all sources together.

    An undecided image counts as wrong, as in `MulticlassMetrics`. The intervals are those of `binary_strata`.

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: in 0..1, shape (n, c).
        classes: the c class names, in the order of the columns.
        table, groups, bootstrap, seed: as in `binary_strata`.

    Returns:
        `{"within_source": ..., "confirmed": ...}`, each `{"missing": a sentence that says why}`, or n, n_groups,
        n_pairs, sources (within_source only), macro_auc, balanced_accuracy and accuracy, each with its
        `..._interval`, and left_out: the names of the classes that are in no pair and therefore in no mean.

    Raises:
        ValueError: bad shapes or values, or a class is absent from all images.

    Example:
        >>> table = pd.DataFrame({"confirmed_by": ["histopathology", "histopathology", "follow-up"]})
        >>> probabilities = [[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.1, 0.1, 0.8]]
        >>> strata = multiclass_strata([0, 1, 2], probabilities, ("bcc", "mel", "nv"), table)
        >>> strata["confirmed"]["accuracy"], strata["confirmed"]["left_out"]
        (0.5, ['nv'])
        >>> strata["within_source"]
        {'missing': 'The data set does not say where its images come from.'}
    """
    labels, probabilities = multiclass_inputs(labels, probabilities, classes, absent=True)
    codes = group_codes(groups, len(labels))

    def metrics(rows: np.ndarray, sources: np.ndarray | None) -> Stratum:
        return _multiclass_stratum(
            labels[rows],
            probabilities[rows],
            classes,
            None if sources is None else sources[rows],
            codes[rows],
            bootstrap,
            seed,
        )

    return _strata(labels, table, metrics)


def known_sources(table: pd.DataFrame) -> np.ndarray:
    """Where each image comes from: its `acquisition`, else its `source`; None where neither is known. (n,) object.

    A `source` that is the same for all images is the name of their data set, not of a clinic or device.

    Example:
        >>> known_sources(pd.DataFrame({"acquisition": ["a", None], "source": ["isic2019", "isic2020"]})).tolist()
        ['a', 'isic2020']
    """
    known = pd.Series(None, index=table.index, dtype=object)
    if "acquisition" in table:
        known = table["acquisition"].astype(object)
    if "source" in table and table["source"].nunique() > 1:
        known = known.where(known.notna(), table["source"])
    return known.where(known.notna() & (known != ""), None).to_numpy(object)


def _strata(labels: np.ndarray, table: pd.DataFrame, metrics: Callable) -> dict[str, Stratum]:
    if len(table) != len(labels):
        raise ValueError(
            f"table must have one row per image. Received: {len(table)} rows, {len(labels)} images."
        )
    sources = pd.factorize(known_sources(table))[0]
    return {
        "within_source": _within_source(labels, sources, metrics),
        "confirmed": _confirmed(labels, table, metrics),
    }


def _within_source(labels: np.ndarray, sources: np.ndarray, metrics: Callable) -> Stratum:
    rows = pair_weights(labels, sources) > 0
    if (sources < 0).all():
        return {"missing": _NO_SOURCE}
    if sources.max() == 0:
        return {"missing": "All images whose source is known come from one source."}
    if not rows.any():
        return {"missing": "No source has images of more than one class."}
    return {"sources": len(np.unique(sources[rows])), **metrics(rows, sources)}


def _confirmed(labels: np.ndarray, table: pd.DataFrame, metrics: Callable) -> Stratum:
    if "confirmed_by" not in table or not table["confirmed_by"].notna().any():
        return {"missing": "The data set does not say how its diagnoses were confirmed."}
    rows = (table["confirmed_by"] == _CONFIRMED).to_numpy(bool)
    if not rows.any():
        return {"missing": "No image is said to be confirmed by histopathology."}
    if len(np.unique(labels[rows])) < 2:
        return {"missing": f"All {rows.sum()} images that histopathology confirmed are of one class."}
    return metrics(rows, None)


def _binary_stratum(
    labels: np.ndarray,
    probabilities: np.ndarray,
    threshold: float,
    sources: np.ndarray,
    codes: np.ndarray,
    bootstrap: int,
    seed: int,
) -> Stratum:
    weights = pair_weights(labels, sources)
    auc, of_auc = pair_auc(labels, probabilities, sources, codes, bootstrap, seed)
    right = (probabilities >= threshold) == labels
    recalls, intervals = class_recalls(labels, right, weights, codes, (0, 1))
    return {
        "n": len(labels),
        "n_malignant": int(labels.sum()),
        "n_groups": len(np.unique(codes)),
        "n_pairs": int(weights[labels == 1].sum()),
        "roc_auc": auc,
        "roc_auc_interval": of_auc,
        "balanced_accuracy": float(np.mean(recalls)),
        "balanced_accuracy_interval": mean_interval(recalls, intervals),
        "malignant_recall": recalls[1],
        "malignant_recall_interval": intervals[1],
        "benign_recall": recalls[0],
        "benign_recall_interval": intervals[0],
    }


def _multiclass_stratum(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    sources: np.ndarray | None,
    codes: np.ndarray,
    bootstrap: int,
    seed: int,
) -> Stratum:
    # Of one pool, the usual accuracy: every image counts once.
    weights = None if sources is None else pair_weights(labels, sources)
    sources = np.zeros(len(labels), np.int64) if sources is None else sources
    right = decisions(probabilities) == labels
    present = np.unique(labels).tolist()
    recalls, intervals = class_recalls(labels, right, weights, codes, present)
    return {
        "n": len(labels),
        "n_groups": len(np.unique(codes)),
        "n_pairs": int(pair_weights(labels, sources).sum()) // 2,
        **macro_auc(labels, probabilities, present, sources, codes, bootstrap, seed),
        "balanced_accuracy": float(np.mean(recalls)),
        "balanced_accuracy_interval": mean_interval(recalls, intervals),
        "accuracy": float(np.average(right, weights=weights)),
        "accuracy_interval": clustered_wilson(right, codes, weights),
        "left_out": [name for value, name in enumerate(classes) if value not in present],
    }
