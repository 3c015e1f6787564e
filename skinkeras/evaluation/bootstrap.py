"""Bootstrap intervals of binary metrics, by image or by lesion."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

# Resamples computed at once: 100 x 10,000 images are 8 MB an array.
_BLOCK = 100


def group_codes(groups: ArrayLike | None, n: int) -> np.ndarray:
    """Numbers the groups 0, 1, ...; an image without a group (None, NaN or "") is its own. Shape (n,), int64.

    Raises:
        ValueError: `groups` is not a vector of length n.
    """
    if groups is None:
        return np.arange(n)
    groups = pd.Series(np.asarray(groups, dtype=object))
    if len(groups) != n:
        raise ValueError(
            f"groups must hold one entry per image. Received: {len(groups)} groups for {n} images"
        )
    codes, names = pd.factorize(groups.mask(groups == ""))
    missing = codes == -1
    codes[missing] = len(names) + np.arange(missing.sum())
    return codes


def bootstrap_intervals(
    labels: np.ndarray, scores: np.ndarray, threshold: float, codes: np.ndarray, resamples: int, seed: int
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of ROC AUC, benign recall, malignant recall and balanced accuracy.

    Whole groups are drawn with replacement, separately among the groups that hold benign images, malignant
    images, or both, so that every resample holds both classes. (Efron & Tibshirani 1993, *An Introduction to
    the Bootstrap*, ch. 13; Field & Welsh 2007 for the resampling of clusters.)

    Args:
        labels: 0 or 1, shape (n,).
        scores: shape (n,).
        threshold: `score >= threshold` is called malignant.
        codes: group of each image from `group_codes`, shape (n,).
        resamples: number of bootstrap resamples.
        seed: of NumPy's default generator.

    Returns:
        (low, high) for each of roc_auc, benign_recall, malignant_recall, balanced_accuracy.
    """
    order = np.argsort(scores, kind="stable")
    labels, scores, codes = labels[order], scores[order], codes[order]
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])  # of runs of equal scores
    called_malignant = scores >= threshold
    draws = []
    for counts in _group_counts(labels, codes, resamples, seed):
        weights = counts[:, codes]
        benign, malignant = weights * (labels == 0), weights * (labels == 1)
        benign_total, malignant_total = benign.sum(axis=1), malignant.sum(axis=1)
        benign_recall = benign[:, ~called_malignant].sum(axis=1) / benign_total
        malignant_recall = malignant[:, called_malignant].sum(axis=1) / malignant_total
        # Mann-Whitney form: a malignant image beats the benign ones of lower score, and half of those with
        # the same.
        benign, malignant = (
            np.add.reduceat(benign, starts, axis=1),
            np.add.reduceat(malignant, starts, axis=1),
        )
        wins = np.sum(malignant * (np.cumsum(benign, axis=1) - benign / 2), axis=1)
        roc_auc = wins / (benign_total * malignant_total)
        draws.append([roc_auc, benign_recall, malignant_recall, (benign_recall + malignant_recall) / 2])
    low, high = np.quantile(np.concatenate(draws, axis=1), [0.025, 0.975], axis=1)
    names = ("roc_auc", "benign_recall", "malignant_recall", "balanced_accuracy")
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


def _group_counts(labels: np.ndarray, codes: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each group was drawn, as blocks of shape (up to _BLOCK, number of groups), float64."""
    rng = np.random.default_rng(seed)
    has_benign = np.bincount(codes, weights=labels == 0) > 0
    has_malignant = np.bincount(codes, weights=labels == 1) > 0
    kind = has_benign + 2 * has_malignant
    strata = [np.flatnonzero(kind == value) for value in np.unique(kind)]
    for start in range(0, resamples, _BLOCK):
        rows = min(_BLOCK, resamples - start)
        counts = np.empty((rows, len(kind)))
        for members in strata:
            size = len(members)
            drawn = rng.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
            counts[:, members] = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts
