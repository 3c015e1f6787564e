"""Bootstrap intervals of binary metrics, by image or by lesion, of one model or of differences of models."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skinkeras.evaluation.checks import binary_inputs

# Resamples computed at once: 100 x 10,000 images are 8 MB an array.
_BLOCK = 100


def group_codes(groups: ArrayLike | None, n: int) -> np.ndarray:
    """Numbers the groups 0, 1, ...; an image without a group (None, NaN or "") is its own group. (n,) int64.

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

    Whole groups are resampled with replacement, separately among the groups that contain benign images,
    malignant images, or both, so that every resample contains both classes. (Efron & Tibshirani 1993,
    *An Introduction to the Bootstrap*, ch. 13; Field & Welsh 2007 for the resampling of clusters.)

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
    draws = _resampled(labels, scores[None], threshold, codes, resamples, seed)
    low, high = np.quantile(draws[:, 0, 1:], [0.025, 0.975], axis=1)
    return {name: (float(a), float(b)) for name, a, b in zip(_RESAMPLED, low, high, strict=True)}


class Estimate(NamedTuple):
    """A value with its 95 % percentile bootstrap interval."""

    value: float
    low: float
    high: float


def paired_bootstrap(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float = 0.5,
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Error rates and ROC AUC of several models on the same resamples of the same images.

    Column b of every array belongs to the same resample of groups for all models. Comparisons of models, such as
    the difference of two rows, are therefore computed column by column, and `estimate` gives their intervals:
    whether a resample is easy or hard affects both models alike and cancels out. Groups are resampled as in
    `bootstrap_intervals`.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, one row per model, shape (models, n).
        threshold: `score >= threshold` is called malignant.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.
        resamples: number of bootstrap resamples.
        seed: of NumPy's default generator.

    Returns:
        miss_rate, false_alarm_rate, balanced_accuracy and roc_auc, each float64 of shape
        (models, 1 + resamples). Column 0 is that of the original images.

    Raises:
        ValueError: bad shapes or values, a class is absent, or `resamples` is less than 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or not len(scores):
        raise ValueError(f"scores must hold one row per model. Received shape: {scores.shape}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1. Received: resamples={resamples}")
    for row in scores:
        labels, _ = binary_inputs(labels, row)
    codes = group_codes(groups, len(labels))
    auc, benign_recall, malignant_recall, balanced = _resampled(
        labels, scores, threshold, codes, resamples, seed
    )
    return {
        "miss_rate": 1 - malignant_recall,
        "false_alarm_rate": 1 - benign_recall,
        "balanced_accuracy": balanced,
        "roc_auc": auc,
    }


def estimate(values: ArrayLike) -> Estimate:
    """The estimate and interval of a quantity computed column by column from `paired_bootstrap`.

    Args:
        values: shape (1 + resamples,): the value on the original images, then those on the resamples.
    """
    # The difference of equal rates can miss 0 by a rounding error, which must not exclude 0 from the interval.
    values = np.round(values, 12) + 0.0
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Estimate(float(values[0]), float(low), float(high))


_RESAMPLED = ("roc_auc", "benign_recall", "malignant_recall", "balanced_accuracy")


def _resampled(
    labels: np.ndarray, scores: np.ndarray, threshold: float, codes: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    """The metrics named in _RESAMPLED, shape (4, models, 1 + resamples), column 0 without resampling."""
    result = np.empty((len(_RESAMPLED), len(scores), 1 + resamples))
    rankings = [ranking(row) for row in scores]
    called_benign = (scores < threshold).astype(np.float64)
    for columns, counts in group_draws(labels, codes, resamples, seed):
        weights = counts[:, codes]
        benign, malignant = weights * (labels == 0), weights * (labels == 1)
        benign_total, malignant_total = benign.sum(axis=1), malignant.sum(axis=1)
        # Sums of whole numbers are exact: models with the same errors get the same rates.
        benign_recall = called_benign @ benign.T / benign_total
        malignant_recall = (malignant_total - called_benign @ malignant.T) / malignant_total
        result[1, :, columns] = benign_recall
        result[2, :, columns] = malignant_recall
        result[3, :, columns] = (benign_recall + malignant_recall) / 2
        for model, (order, starts) in enumerate(rankings):
            wins = pairs_won(benign[:, order], malignant[:, order], starts)
            result[0, model, columns] = wins / (benign_total * malignant_total)
    return result


def ranking(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of ascending scores (n,), and where in it each run of equal scores starts."""
    order = np.argsort(scores, kind="stable")
    scores = scores[order]
    return order, np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])


def pairs_won(negative: np.ndarray, positive: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Mann-Whitney's count (draws,) from how often each image was drawn (draws, n), in ascending order.

    A positive image wins against negative ones of lower score, and half against those of the same score.
    """
    if len(starts) < negative.shape[1]:
        negative, positive = (np.add.reduceat(drawn, starts, axis=1) for drawn in (negative, positive))
    return np.einsum("ij,ij->i", positive, np.cumsum(negative, axis=1) - negative / 2)


def group_draws(
    labels: np.ndarray, codes: np.ndarray, resamples: int, seed: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields (columns, how often each group was drawn in each), block by block; column 0 has each group once."""
    done = 0
    for counts in itertools.chain(
        [np.ones((1, codes.max() + 1))], _group_counts(labels, codes, resamples, seed)
    ):
        yield slice(done, done + len(counts)), counts
        done += len(counts)


def _group_counts(labels: np.ndarray, codes: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each group was drawn, as blocks of shape (up to _BLOCK, number of groups), float64.

    The strata are the sets of classes that a group contains, so that every resample contains every class.
    """
    rng = np.random.default_rng(seed)
    holds = np.zeros((codes.max() + 1, labels.max() + 1), bool)
    holds[codes, labels] = True
    # Sorted with the last class as the most significant.
    _, kind = np.unique(holds[:, ::-1], axis=0, return_inverse=True)
    strata = [np.flatnonzero(kind == value) for value in range(kind.max() + 1)]
    for start in range(0, resamples, _BLOCK):
        rows = min(_BLOCK, resamples - start)
        counts = np.empty((rows, len(kind)))
        for members in strata:
            size = len(members)
            drawn = rng.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
            counts[:, members] = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts
