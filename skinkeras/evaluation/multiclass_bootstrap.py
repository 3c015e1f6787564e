"""Bootstrap of multi-class metrics, by image or by lesion, with the same resamples for all models."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from skinkeras.evaluation.bootstrap import group_codes, group_draws, pairs_won, ranking
from skinkeras.evaluation.checks import multiclass_inputs
from skinkeras.evaluation.paired import source_codes


def paired_multiclass_bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    groups: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
    splits: ArrayLike | None = None,
    sources: ArrayLike | None = None,
) -> dict[str, np.ndarray]:
    """The metrics of several models on the same resamples of the same images.

    The counterpart of `paired_bootstrap` for several classes: comparisons are computed column by column, and
    `estimate` gives their intervals. Whole groups are resampled with replacement, separately among those that
    contain the same set of classes, so that every resample contains every class.

    For models that were trained and tested on several splits of the same data, the metrics are averaged over
    the splits. Groups are then resampled separately among those with the same classes in the same splits, and
    a group that occurs in the test images of several splits is drawn equally often in each: it is one lesion.

    With `sources`, three metrics also come without what the source alone says: only pairs of images of two classes
    and one source count. Accuracy and recalls are those of the images of a random such pair, so that the classes are
    spread alike over the sources; the AUC of a class against the rest is the share of its pairs that are won. A class
    without a pair in a split, or in a resample of it, is left out of that split's means.

    Args:
        labels: index of each image's class, shape (n,).
        probabilities: in 0..1, shape (models, n, c).
        classes: the c class names.
        groups: lesion of each image, shape (n,); None, NaN or "" makes an image its own group.
        resamples: number of bootstrap resamples.
        seed: of NumPy's default generator.
        splits: the split that each row is a test image of, any values, shape (n,). An image that several
            splits test has one row for each and needs a group. None: a single split.

    Returns:
        accuracy, balanced_accuracy, mean_precision, mean_f1 and macro_auc, as `multiclass_metrics` defines
        them, each float64 of shape (models, 1 + resamples), and recall, precision and f1 of shape
        (models, c, 1 + resamples). Column 0 is that of the original images.

    Raises:
        ValueError: bad shapes or values, a class is absent from a split, or `resamples` is less than 1.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 3 or not len(probabilities):
        raise ValueError(
            f"probabilities must hold an array (n, classes) per model. Received shape: {probabilities.shape}"
        )
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1. Received: resamples={resamples}")
    for model in probabilities:
        labels, _ = multiclass_inputs(labels, model, classes)
    splits = np.zeros(len(labels), np.int64) if splits is None else group_codes(splits, len(labels))
    for number in range(splits.max() + 1):
        multiclass_inputs(labels[splits == number], probabilities[0, splits == number], classes)
    codes = group_codes(groups, len(labels))
    rates = confusion_draws(labels, probabilities, splits, codes, resamples, seed)
    rates["macro_auc"] = _macro_auc(labels, probabilities, splits, codes, resamples, seed)
    if sources is not None:
        place = _source_of_each_split(sources, labels, splits)
        rates |= _within_sources(labels, probabilities, splits, place, codes, resamples, seed)
    return rates


def decisions(probabilities: np.ndarray) -> np.ndarray:
    """The index of the most probable of the c classes, or c if two or more classes are equally probable."""
    highest = probabilities.max(axis=-1, keepdims=True)
    tied = np.sum(probabilities == highest, axis=-1) > 1
    return np.where(tied, probabilities.shape[-1], probabilities.argmax(axis=-1))


def confusion_draws(
    labels: np.ndarray,
    probabilities: np.ndarray,
    splits: np.ndarray,
    codes: np.ndarray,
    resamples: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """The metrics of `paired_multiclass_bootstrap` that follow from confusion matrices: all but the AUC.

    Args:
        labels, probabilities, resamples, seed: as there, checked.
        splits: the split of each row, whole numbers from 0, shape (n,).
        codes: the group of each row from `group_codes`, shape (n,).
    """
    models, _, c = probabilities.shape
    parts = splits.max() + 1
    # For each group, how many of its images are in each cell of the splits' confusion matrices: a resample
    # sums over its groups. The column after the last class is that of the undecided images.
    kinds = splits * c + labels
    cell = kinds * (c + 1) + decisions(probabilities)
    by_group = np.zeros((models, codes.max() + 1, parts * c * (c + 1)))
    np.add.at(by_group, (np.arange(models)[:, None], codes, cell), 1.0)
    matrices = np.empty((models, 1 + resamples, parts, c, c + 1))
    for columns, counts in group_draws(kinds, codes, resamples, seed):
        matrices[:, columns] = (counts @ by_group).reshape(models, len(counts), parts, c, c + 1)

    hits = np.diagonal(matrices, axis1=3, axis2=4)
    actual, predicted = matrices.sum(axis=4), matrices[..., :c].sum(axis=3)
    accuracy = (hits.sum(axis=3) / actual.sum(axis=3)).mean(axis=2)
    recall = (hits / actual).mean(axis=2)
    precision = np.divide(hits, predicted, np.zeros_like(hits), where=predicted > 0).mean(axis=2)
    f1 = (2 * hits / (actual + predicted)).mean(axis=2)
    return {
        "accuracy": accuracy,
        "balanced_accuracy": recall.mean(axis=2),
        "mean_precision": precision.mean(axis=2),
        "mean_f1": f1.mean(axis=2),
        "recall": recall.swapaxes(1, 2),
        "precision": precision.swapaxes(1, 2),
        "f1": f1.swapaxes(1, 2),
    }


def _macro_auc(
    labels: np.ndarray,
    probabilities: np.ndarray,
    splits: np.ndarray,
    codes: np.ndarray,
    resamples: int,
    seed: int,
) -> np.ndarray:
    models, _, c = probabilities.shape
    parts = [np.flatnonzero(splits == number) for number in range(splits.max() + 1)]
    rankings = [[[ranking(column) for column in model[rows].T] for rows in parts] for model in probabilities]
    result = np.zeros((models, 1 + resamples))
    for columns, counts in group_draws(splits * c + labels, codes, resamples, seed):
        for part, rows in enumerate(parts):
            weights, truth = counts[:, codes[rows]], labels[rows]
            total = weights.sum(axis=1)
            positive = [weights[:, truth == value].sum(axis=1) for value in range(c)]
            for model in range(models):
                for value, (order, starts) in enumerate(rankings[model][part]):
                    drawn, is_class = weights[:, order], truth[order] == value
                    wins = pairs_won(drawn * ~is_class, drawn * is_class, starts)
                    share = wins / (positive[value] * (total - positive[value]))
                    result[model, columns] += share / (c * len(parts))
    return result


def _source_of_each_split(sources: ArrayLike, labels: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Numbers the sources of all splits in one go, (n,) int64; -1 is an image that is in no pair."""
    sources, place, count = np.asarray(sources, dtype=object), np.empty(len(labels), np.int64), 0
    if len(sources) != len(labels):
        source_codes(sources, labels)
    for number in range(splits.max() + 1):
        rows = splits == number
        own = source_codes(sources[rows], labels[rows])
        place[rows] = np.where(own < 0, -1, own + count)
        count += own.max() + 1
    return place


def _within_sources(
    labels: np.ndarray,
    probabilities: np.ndarray,
    splits: np.ndarray,
    place: np.ndarray,
    codes: np.ndarray,
    resamples: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """The metrics within sources; `place` numbers the sources of all splits, -1 is in none."""
    models, _, c = probabilities.shape
    known = place >= 0
    split_of = np.zeros(place.max() + 1, np.int64)
    split_of[place[known]] = splits[known]
    hits = (decisions(probabilities) == labels).astype(np.float64)
    pairs_of = _PairsOfClasses(labels, probabilities, place)
    names = ("within_source_accuracy", "within_source_balanced_accuracy", "within_source_macro_auc")
    result = np.zeros((len(names), models, 1 + resamples))
    for columns, counts in group_draws(splits * c + labels, codes, resamples, seed):
        weights = counts[:, codes]
        kinds = np.where(known, place * c + labels, -1)
        drawn = np.stack([weights[:, kinds == k].sum(axis=1) for k in range(len(split_of) * c)], axis=1)
        drawn = drawn.reshape(len(counts), -1, c)  # images of each source and class
        partners = drawn.sum(axis=2, keepdims=True) - drawn
        paired = weights * partners[:, place, labels] * known
        for number in range(split_of.max() + 1):
            mine, rows = split_of == number, known & (splits == number)
            pairs = (drawn * partners)[:, mine].sum(axis=1)  # (draws, c)
            total = pairs.sum(axis=1)
            pairs, total = (np.where(count > 0, count, np.nan) for count in (pairs, total))
            of_class = (labels[rows][:, None] == np.arange(c)).astype(np.float64)
            for model in range(models):
                won = paired[:, rows] * hits[model, rows]
                wins = pairs_of.won(model, np.flatnonzero(mine), weights)
                shares = (
                    won.sum(axis=1) / total,
                    _mean_of_known(won @ of_class / pairs),
                    _mean_of_known(wins / pairs),
                )
                result[:, model, columns] += np.stack(shares) / (split_of.max() + 1)
    return dict(zip(names, result, strict=True))


def _mean_of_known(shares: np.ndarray) -> np.ndarray:
    """The mean over the classes that are not NaN, (draws,) from (draws, c)."""
    known = np.isfinite(shares)
    count = known.sum(axis=1)
    return np.where(known, shares, 0).sum(axis=1) / np.where(count > 0, count, np.nan)


class _PairsOfClasses:
    """Counts, for each class, the pairs of one of its images and another image of the same source that it wins."""

    def __init__(self, labels: np.ndarray, probabilities: np.ndarray, place: np.ndarray) -> None:
        self.labels, self.c = labels, probabilities.shape[2]
        self.rows = [np.flatnonzero(place == number) for number in range(place.max() + 1)]
        self.rankings = [
            [[ranking(column) for column in model[rows].T] for rows in self.rows] for model in probabilities
        ]

    def won(self, model: int, sources: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The pairs won by each class (draws, c), in these sources, from how often each image was drawn."""
        wins = np.zeros((len(weights), self.c))
        for source in sources:
            rows = self.rows[source]
            for value in np.unique(self.labels[rows]):
                order, starts = self.rankings[model][source][value]
                drawn, is_class = weights[:, rows[order]], self.labels[rows[order]] == value
                wins[:, value] += pairs_won(drawn * ~is_class, drawn * is_class, starts)
        return wins
