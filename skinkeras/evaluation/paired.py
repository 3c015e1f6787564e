"""Metrics of several binary models on the same resamples of the same images, for differences between them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skinkeras.evaluation.bootstrap import group_codes, group_draws, pairs_won, ranking, resampled
from skinkeras.evaluation.checks import binary_inputs


def paired_bootstrap(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float = 0.5,
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
    sources: ArrayLike | None = None,
    specificity: float = 0.9,
) -> dict[str, np.ndarray]:
    """Error rates and ROC AUC of several models on the same resamples of the same images.

    Column b of every array belongs to the same resample of groups for all models. Comparisons of models, such as
    the difference of two rows, are therefore computed column by column, and `estimate` gives their intervals:
    whether a resample is easy or hard affects both models alike and cancels out. Whole groups
    are resampled, separately among those with the same classes (`group_draws`); not also by source, of which one with
    four melanomas would then hardly vary.

    With `sources`, two metrics also come without what the source alone says: only pairs of a malignant and a benign
    image of one source count. The AUC is the share of these pairs that are won; recalls are those of the images of a
    random such pair, so that benign and malignant images are spread alike over the sources.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, one row per model, shape (models, n).
        threshold: `score >= threshold` is called malignant.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.
        resamples: number of bootstrap resamples.
        seed: of NumPy's default generator.
        sources: clinic or camera of each image, shape (n,); None, NaN or "" is in no pair. None: not known.
        specificity: benign recall, above 0 and at most 1, at which `recall_at_specificity` is read off the
            empirical ROC curve of each resample, as `sensitivity_at_specificity` does.

    Returns:
        miss_rate, false_alarm_rate, accuracy, balanced_accuracy, roc_auc and recall_at_specificity, and with
        `sources` within_source_auc and within_source_recall_at_specificity, each float64 of shape
        (models, 1 + resamples). Column 0 is that of the original images. A resample without a pair within a source
        has NaN there.

    Raises:
        ValueError: bad shapes or values, a class is absent, no source has images of both classes, or `resamples`
            is less than 1.

    Example:

        rates = paired_bootstrap([0, 0, 1, 1], [[0.1, 0.6, 0.4, 0.9], [0.1, 0.3, 0.4, 0.9]])
        value, low, high = estimate(rates["roc_auc"][1] - rates["roc_auc"][0])
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 2 or not len(scores):
        raise ValueError(f"scores must hold one row per model. Received shape: {scores.shape}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1. Received: resamples={resamples}")
    if not 0 < specificity <= 1:
        raise ValueError(f"specificity must be above 0 and at most 1. Received: specificity={specificity}")
    for row in scores:
        labels, _ = binary_inputs(labels, row)
    codes = group_codes(groups, len(labels))
    auc, benign_recall, malignant_recall, balanced = resampled(
        labels, scores, threshold, codes, resamples, seed
    )
    place = None if sources is None else source_codes(sources, labels)
    ranked = _resampled_ranks(labels, scores, place, codes, resamples, seed, specificity)
    return {
        "miss_rate": 1 - malignant_recall,
        "false_alarm_rate": 1 - benign_recall,
        "accuracy": _accuracy(labels, scores >= threshold, codes, resamples, seed),
        "balanced_accuracy": balanced,
        "roc_auc": auc,
        **dict(zip(_RANKED, ranked, strict=False)),  # the first alone without sources
    }


def _accuracy(
    labels: np.ndarray, flagged: np.ndarray, codes: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    """The share of images that are called what they are, (models, 1 + resamples); `flagged`: (models, n) bool."""
    correct = (flagged == labels.astype(bool)).astype(np.float64)
    result = np.empty((len(flagged), 1 + resamples))
    for columns, counts in group_draws(labels, codes, resamples, seed):
        weights = counts[:, codes]
        result[:, columns] = correct @ weights.T / weights.sum(axis=1)
    return result


_RANKED = ("recall_at_specificity", "within_source_auc", "within_source_recall_at_specificity")


def _resampled_ranks(
    labels: np.ndarray,
    scores: np.ndarray,
    place: np.ndarray | None,
    codes: np.ndarray,
    resamples: int,
    seed: int,
    specificity: float,
) -> np.ndarray:
    """The metrics named in _RANKED, (1 or 3, models, 1 + resamples); `place` is from `source_codes`, or None."""
    rankings = [ranking(row) for row in scores]
    within = None if place is None else _WithinSources(labels, scores, place)
    result = np.empty((1 if place is None else 3, len(scores), 1 + resamples))
    for columns, counts in group_draws(labels, codes, resamples, seed):
        weights = counts[:, codes]
        benign, malignant = weights * (labels == 0), weights * (labels == 1)
        paired = None if within is None else within.draw(benign, malignant)
        for model, (order, starts) in enumerate(rankings):
            result[0, model, columns] = _recall_at(benign[:, order], malignant[:, order], starts, specificity)
            if within is not None:
                result[1, model, columns] = within.auc(model, benign, malignant)
                sides = (side[:, order] for side in paired)
                result[2, model, columns] = _recall_at(*sides, starts, specificity)
    return result


class _WithinSources:
    """Pairs of a malignant and a benign image of one source, from how often each image was drawn (draws, n)."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray, place: np.ndarray) -> None:
        self.place, self.pairs = place, None
        self.rows = [np.flatnonzero(place == number) for number in range(place.max() + 1)]
        self.rankings = [[ranking(row[rows]) for rows in self.rows] for row in scores]

    def draw(self, benign: np.ndarray, malignant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """In how many pairs of its resample each benign and each malignant image is, (draws, n)."""
        totals = [
            np.stack([side[:, rows].sum(axis=1) for rows in self.rows], axis=1)
            for side in (benign, malignant)
        ]
        pairs = (totals[0] * totals[1]).sum(axis=1)
        self.pairs = np.where(pairs > 0, pairs, np.nan)
        known = self.place >= 0
        return benign * totals[1][:, self.place] * known, malignant * totals[0][:, self.place] * known

    def auc(self, model: int, benign: np.ndarray, malignant: np.ndarray) -> np.ndarray:
        """The share of the pairs of the last draw that the model wins, (draws,)."""
        won = np.zeros(len(benign))
        for rows, (order, starts) in zip(self.rows, self.rankings[model], strict=True):
            won += pairs_won(benign[:, rows[order]], malignant[:, rows[order]], starts)
        return won / self.pairs


def _recall_at(
    benign: np.ndarray, malignant: np.ndarray, starts: np.ndarray, specificity: float
) -> np.ndarray:
    """The highest malignant recall (draws,) where benign recall is at least `specificity`.

    Args:
        benign, malignant: how often each image was drawn, or its weight, in ascending order (draws, n).
        starts: where each run of equal scores starts.
    """
    if len(starts) < benign.shape[1]:
        benign, malignant = (np.add.reduceat(drawn, starts, axis=1) for drawn in (benign, malignant))
    passed, missed = np.cumsum(benign, axis=1), np.cumsum(malignant, axis=1)
    # A share that should be 0.9 may be one rounding error less.
    least = (specificity - 1e-9) * passed[:, -1:]
    first = (passed >= least).argmax(axis=1)
    total = np.where(missed[:, -1] > 0, missed[:, -1], np.nan)
    return 1 - missed[np.arange(len(missed)), first] / total


def source_codes(sources: ArrayLike, labels: np.ndarray) -> np.ndarray:
    """Numbers the sources that hold images of two or more classes 0, 1, ...; -1 is every other image. (n,) int64.

    Args:
        sources: clinic or camera of each image, shape (n,); None, NaN or "" is unknown.
        labels: class of each image, shape (n,).

    Raises:
        ValueError: `sources` is not a vector of length n, or no source holds two classes.
    """
    sources = pd.Series(np.asarray(sources, dtype=object))
    if len(sources) != len(labels):
        raise ValueError(
            f"sources must hold one entry per image. Received: {len(sources)} sources for {len(labels)} images"
        )
    classes = pd.Series(labels).groupby(sources.mask(sources == "")).nunique()
    mixed = {name: number for number, name in enumerate(classes.index[classes > 1])}
    if not mixed:
        raise ValueError("No source holds images of two classes, so that no pair is within a source.")
    return sources.map(mixed).fillna(-1).to_numpy(np.int64)
