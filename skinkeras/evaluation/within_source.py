"""AUC and recalls within a source: only pairs of images of one clinic or device count.

Where a clinic sends mostly melanomas and another mostly nevi, a model that recognizes the clinic reaches a high
pooled AUC without recognizing anything on the skin. Within a source that knowledge is useless.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit

from skinkeras.evaluation.bootstrap import group_draws, pairs_won, ranking
from skinkeras.evaluation.intervals import Z, wilson


def pair_weights(labels: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """In how many pairs each image is: how many images of its source have another label. (n,) float64.

    Weighted with them, a share is that of the image of a random pair: each source counts by its share of the pairs.

    Args:
        labels: whole numbers from 0, shape (n,).
        sources: whole numbers from 0, or -1 for an image of unknown source, which is in no pair, shape (n,).
    """
    counts = np.zeros((sources.max() + 2, labels.max() + 1))
    np.add.at(counts, (sources, labels), 1)  # -1: the last row
    others = counts.sum(axis=1)[sources] - counts[sources, labels]
    return np.where(sources < 0, 0.0, others)


def pair_auc_draws(
    labels: np.ndarray,
    scores: np.ndarray,
    positive: np.ndarray,
    sources: np.ndarray,
    codes: np.ndarray,
    resamples: int,
    seed: int,
) -> np.ndarray:
    """AUCs over pairs of images of one source, on the same resamples of groups.

    An AUC is the share of the pairs of a positive and a negative image of one source in which the positive image has
    the higher score, a tie counting half: the AUCs of the sources, weighted by their numbers of pairs. A source with
    images of one class adds nothing. Groups are resampled separately among those with the same classes, as in
    `paired_bootstrap`; not also by source, because a source with four melanomas would then hardly vary (in
    simulations, intervals covered the truth in 88 to 93 % instead of 93 to 98 %).

    Args:
        labels: whole numbers from 0, shape (n,).
        scores: shape (rows, n): of several models, or of the classes of one.
        positive: which images should have the higher score, bool, shape (rows, n).
        sources: whole numbers from 0, or -1 for an image of unknown source, which is in no pair, shape (n,).
        codes: group of each image from `group_codes`, shape (n,).
        resamples: number of bootstrap resamples.
        seed: of NumPy's default generator.

    Returns:
        float64 of shape (rows, 1 + resamples), NaN where a resample has no pair. Column 0 is that of the
        original images.
    """
    used = pair_weights(labels, sources) > 0
    labels, scores, positive, sources = labels[used], scores[:, used], positive[:, used], sources[used]
    _, codes = np.unique(codes[used], return_inverse=True)
    rankings = [_source_rankings(row, sources) for row in scores]
    result = np.empty((len(scores), 1 + resamples))
    for columns, counts in group_draws(labels, codes, resamples, seed):
        for number, parts in enumerate(rankings):
            wins = pairs = np.zeros(len(counts))
            for rows, starts in parts:
                drawn = counts[:, codes[rows]]
                higher = drawn * positive[number, rows]
                lower = drawn - higher
                wins = wins + pairs_won(lower, higher, starts)
                pairs = pairs + lower.sum(axis=1) * higher.sum(axis=1)
            undefined = np.full(len(counts), np.nan)
            result[number, columns] = np.divide(wins, pairs, out=undefined, where=pairs > 0)
    return result


def _source_rankings(scores: np.ndarray, sources: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each source, its rows in ascending order of score, and where each run of equal scores starts."""
    parts = []
    for source in np.unique(sources):
        rows = np.flatnonzero(sources == source)
        order, starts = ranking(scores[rows])
        parts.append((rows[order], starts))
    return parts


def auc_interval(draws: np.ndarray, labels: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of an AUC, from the standard error that it has over resamples, on the logit scale.

    log(AUC / (1 - AUC)) plus and minus 1.96 standard errors (Pepe 2003, *The Statistical Evaluation of Medical
    Tests*, ch. 5). It stays within 0 and 1, and where a class has few images it covers the truth more reliably than
    percentiles do. With m groups in the rarest class, the standard error is that of the resamples times
    sqrt(m / (m - 1)) (Hesterberg 2015, *What Teachers Should Know About the Bootstrap*, narrowness bias); a single
    one says nothing: (0, 1). An AUC of 0 or 1 has no standard error: its interval is Wilson's for m groups.

    Args:
        draws: the AUC, then that of each resample, NaN where it has none, shape (1 + resamples,).
        labels: the class of each image, shape (n,).
        codes: group of each image, shape (n,).
    """
    # Means over classes or sources can miss 0.5 or 1 by a rounding error.
    draws = np.round(draws, 12)
    value, resampled = draws[0], draws[1:][np.isfinite(draws[1:])]
    fewest = min(len(np.unique(codes[labels == label])) for label in np.unique(labels))
    if value in (0.0, 1.0):
        return wilson(value * fewest, fewest)
    if fewest == 1:
        return 0.0, 1.0
    error = resampled.std() * np.sqrt(fewest / (fewest - 1)) / (value * (1 - value))
    return float(expit(logit(value) - Z * error)), float(expit(logit(value) + Z * error))


def pair_auc(
    labels: np.ndarray, scores: np.ndarray, sources: np.ndarray, codes: np.ndarray, resamples: int, seed: int
) -> tuple[float, tuple[float, float]]:
    """The AUC over pairs of images of one source (`pair_auc_draws`) and its 95 % interval (`auc_interval`).

    Args:
        labels: 0, or 1 for the images that should have the higher score, shape (n,).
        scores: shape (n,).
        sources, codes, resamples, seed: as in `pair_auc_draws`. At least one pair is within a source.
    """
    paired = pair_weights(labels, sources) > 0
    draws = pair_auc_draws(labels, scores[None], (labels == 1)[None], sources, codes, resamples, seed)[0]
    return float(draws[0]), auc_interval(draws, labels[paired], codes[paired])


def macro_auc(
    labels: np.ndarray,
    probabilities: np.ndarray,
    present: Sequence[int],
    sources: np.ndarray,
    codes: np.ndarray,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """macro_auc, the mean of the one-vs-rest AUCs of the classes of `present`, and its interval.

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: shape (n, c).
        present: the classes to average. Images of the others are negatives only.
        sources, codes, resamples, seed: as in `pair_auc_draws`. Every class of `present` has a pair within a source.
    """
    positive = np.array([labels == value for value in present])
    draws = pair_auc_draws(labels, probabilities.T[present], positive, sources, codes, resamples, seed)
    # A resample can miss every pair of a class; it then has the mean of the others.
    defined = np.isfinite(draws)
    count = defined.sum(axis=0)
    undefined = np.full(len(count), np.nan)
    mean = np.divide(np.where(defined, draws, 0.0).sum(axis=0), count, out=undefined, where=count > 0)
    # A class of one image that is only among the negatives does not make the mean uncertain.
    known = np.isin(labels, present)
    if len(present) == 1:
        labels, known = known, np.full(len(labels), True)
    interval = auc_interval(mean, labels[known], codes[known])
    return {"macro_auc": float(mean[0]), "macro_auc_interval": interval}
