"""The bootstrap of models that were tested on several splits: averages, and lesions that two splits share."""

import numpy as np
import pytest
from sklearn import metrics as sk

from skinkeras.evaluation import estimate, multiclass_metrics, paired_multiclass_bootstrap

CLASSES = ("a", "b", "c")


def predictions(counts, seed):
    """Labels with `counts` images of each class, and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    odds = np.exp(rng.normal(0, 1, (labels.size, len(counts))) + 1.5 * np.eye(len(counts))[labels])
    return labels, odds / odds.sum(axis=1, keepdims=True)


def width(values):
    _, low, high = estimate(values)
    return high - low


@pytest.fixture(scope="module")
def two():
    """Two splits of different sizes: (labels, probabilities) of each, and both behind each other."""
    first, second = predictions([90, 40, 12], seed=0), predictions([60, 50, 20], seed=1)
    labels, probabilities = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return first, second, labels, probabilities, np.repeat(["one", "two"], [142, 130])


def test_every_metric_is_the_mean_of_the_splits(two):
    first, second, labels, probabilities, splits = two
    draws = paired_multiclass_bootstrap(labels, probabilities[None], CLASSES, resamples=5, splits=splits)
    each = [multiclass_metrics(*split, CLASSES, bootstrap=5) for split in (first, second)]
    for name in ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1", "macro_auc"):
        assert draws[name].shape == (1, 6)
        assert draws[name][0, 0] == pytest.approx(np.mean([getattr(m, name) for m in each]))
    reports = [sk.precision_recall_fscore_support(y, p.argmax(axis=1)) for y, p in (first, second)]
    for name, values in zip(("precision", "recall", "f1"), np.mean(reports, axis=0), strict=False):
        np.testing.assert_allclose(draws[name][0, :, 0], values)


def test_a_single_split_needs_no_name(two):
    labels, probabilities = two[0]
    plain = paired_multiclass_bootstrap(labels, probabilities[None], CLASSES, resamples=20)
    named = paired_multiclass_bootstrap(
        labels, probabilities[None], CLASSES, resamples=20, splits=["x"] * len(labels)
    )
    for name, values in plain.items():
        np.testing.assert_array_equal(values, named[name])


@pytest.mark.parametrize(("shared", "ratio"), [(False, 2**-0.5), (True, 1)])
def test_a_second_split_narrows_the_interval_by_its_own_lesions_only(shared, ratio):
    labels, probabilities = predictions([300, 200, 100], seed=2)
    lesions = np.arange(600)
    other = lesions if shared else lesions + 600
    alone = paired_multiclass_bootstrap(labels, probabilities[None], CLASSES, groups=lesions)
    both = paired_multiclass_bootstrap(
        np.tile(labels, 2),
        np.tile(probabilities, (1, 2, 1)),
        CLASSES,
        groups=np.r_[lesions, other],
        splits=np.repeat([1, 2], 600),
    )
    for name in ("accuracy", "balanced_accuracy", "mean_f1", "macro_auc"):
        assert both[name][0, 0] == pytest.approx(alone[name][0, 0])
        assert width(both[name][0]) == pytest.approx(ratio * width(alone[name][0]), rel=0.1)


def test_a_split_without_a_class_is_refused(two):
    _, _, labels, probabilities, splits = two
    rare = (splits == "two") & (labels == 2)
    with pytest.raises(ValueError, match="none of the 110 images is 'c'"):
        paired_multiclass_bootstrap(
            labels[~rare], probabilities[None, ~rare], CLASSES, splits=splits[~rare], resamples=5
        )
