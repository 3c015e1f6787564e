"""The bootstrap by image or by lesion: resamples of groups, and binary metrics on them."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

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


class Estimate(NamedTuple):
    """A value with its 95 % percentile bootstrap interval."""

    value: float
    low: float
    high: float


def estimate(values: ArrayLike) -> Estimate:
    """The estimate and interval of a quantity computed column by column from `paired_bootstrap`.

    Args:
        values: shape (1 + resamples,): the value on the original images, then those on the resamples.
    """
    # The difference of equal rates can miss 0 by a rounding error, which must not exclude 0 from the interval.
    values = np.round(values, 12) + 0.0
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Estimate(float(values[0]), float(low), float(high))


def resampled(
    labels: np.ndarray, scores: np.ndarray, threshold: float, codes: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    """ROC AUC, benign recall, malignant recall and balanced accuracy on resamples of groups (`group_draws`).

    Args:
        labels: 0 or 1, shape (n,).
        scores: one row per model, shape (models, n).
        threshold: `score >= threshold` is called malignant.
        codes: group of each image from `group_codes`, shape (n,).
        resamples: number of bootstrap resamples.
        seed: of NumPy's default generator.

    Returns:
        float64 of shape (4, models, 1 + resamples). Column 0 is that of the original images.
    """
    result = np.empty((4, len(scores), 1 + resamples))
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
    """Yields (columns, how often each group was drawn in each), block by block; column 0 has each group once.

    Whole groups are resampled with replacement, separately among those that contain the same classes (only benign
    images, only malignant ones, or both), so that every resample contains every class. (Efron & Tibshirani 1993, *An
    Introduction to the Bootstrap*, ch. 13; Field & Welsh 2007, *Bootstrapping clustered data*, for whole groups.)

    Args:
        labels: whole numbers from 0, shape (n,).
        codes: group of each image from `group_codes`, shape (n,).
        resamples: number of resamples.
        seed: of NumPy's default generator.
    """
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
