"""Comparisons of models on the same resamples."""

import numpy as np
import pytest
from sklearn import metrics as sk

from skinkeras.evaluation import binary_metrics, estimate, paired_bootstrap

# Four malignant, six benign. The first model misses one and flags two; the second misses none and flags four.
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
FIRST = np.array([0.9, 0.7, 0.5, 0.2, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1])
SECOND = np.array([0.9, 0.7, 0.6, 0.5, 0.8, 0.6, 0.6, 0.5, 0.2, 0.1])


def two_models(n_benign=300, n_malignant=120, seed=0):
    """Two models of correlated scores, with ties."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n_benign, n_malignant])
    shared = labels + rng.normal(0, 1, labels.size)
    noise = rng.normal(0, 0.3, (2, labels.size))
    return labels, (1 / (1 + np.exp(0.5 - shared - noise))).round(2)


def test_the_first_column_is_the_images_as_they_are():
    rates = paired_bootstrap(LABELS, [FIRST, SECOND], resamples=5)
    assert {name: values.shape for name, values in rates.items()} == dict.fromkeys(
        ("miss_rate", "false_alarm_rate", "balanced_accuracy", "roc_auc"), (2, 6)
    )
    np.testing.assert_allclose(rates["miss_rate"][:, 0], [1 / 4, 0])
    np.testing.assert_allclose(rates["false_alarm_rate"][:, 0], [2 / 6, 4 / 6])
    np.testing.assert_allclose(rates["balanced_accuracy"][:, 0], [(3 / 4 + 4 / 6) / 2, (1 + 2 / 6) / 2])
    expected = [sk.roc_auc_score(LABELS, scores) for scores in (FIRST, SECOND)]
    np.testing.assert_allclose(rates["roc_auc"][:, 0], expected)


def test_a_model_less_itself_is_exactly_zero():
    labels, scores = two_models()
    for values in paired_bootstrap(labels, scores[[0, 0]]).values():
        assert estimate(values[1] - values[0]) == (0, 0, 0)


def test_rounding_errors_of_a_mean_do_not_exclude_zero():
    labels, scores = two_models()
    values = paired_bootstrap(labels, scores[[0, 0, 0]])["roc_auc"]
    assert estimate(values[1] - np.array([0.7, 0.1, 0.2]) @ values) == (0, 0, 0)


def test_differences_equal_those_of_scikit_learn_on_resampled_lesions():
    labels, scores = two_models(150, 60)
    lesions = np.arange(210) // 2 * 2  # pairs of images; the two classes share no lesion
    rng = np.random.default_rng(3)
    rows_of = {lesion: np.flatnonzero(lesions == lesion) for lesion in np.unique(lesions)}
    benign, malignant = (np.unique(lesions[labels == value]) for value in (0, 1))
    draws = []
    for _ in range(200):
        drawn = np.r_[rng.choice(benign, len(benign)), rng.choice(malignant, len(malignant))]
        rows = np.concatenate([rows_of[lesion] for lesion in drawn])
        draws.append([
            [1 - sk.recall_score(labels[rows], s[rows] >= 0.5), sk.roc_auc_score(labels[rows], s[rows])]
            for s in scores
        ])  # fmt: skip
    expected = np.quantile(np.diff(draws, axis=1)[:, 0], [0.025, 0.975], axis=0).T
    rates = paired_bootstrap(labels, scores, groups=lesions, resamples=4000)
    found = [estimate(rates[name][1] - rates[name][0])[1:] for name in ("miss_rate", "roc_auc")]
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_a_paired_interval_is_narrower_than_an_unpaired_one():
    labels, scores = two_models()
    paired = paired_bootstrap(labels, scores)["roc_auc"]
    other = paired_bootstrap(labels, scores, seed=1)["roc_auc"]
    narrow, wide = estimate(paired[1] - paired[0]), estimate(other[1] - paired[0])
    assert narrow.high - narrow.low < 0.6 * (wide.high - wide.low)


def test_each_model_alone_has_the_interval_of_its_metrics():
    labels, scores = two_models()
    rates = paired_bootstrap(labels, scores, resamples=300)
    for i, row in enumerate(scores):
        m = binary_metrics(labels, row, bootstrap=300)
        assert estimate(rates["roc_auc"][i])[1:] == pytest.approx(m.roc_auc_interval)
        assert estimate(rates["balanced_accuracy"][i])[1:] == pytest.approx(m.balanced_accuracy_interval)


def test_copies_of_a_lesion_add_no_certainty_to_a_difference():
    labels, scores = two_models()
    alone = paired_bootstrap(labels, scores)["roc_auc"]
    copied = paired_bootstrap(np.tile(labels, 4), np.tile(scores, 4), groups=np.tile(np.arange(420), 4))
    width = [np.ptp(estimate(values[1] - values[0])[1:]) for values in (alone, copied["roc_auc"])]
    assert width[1] == pytest.approx(width[0], rel=0.1)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [0.1, 0.2], r"one row per model. Received shape: \(2,\)"),
        ([0, 1], [[0.1, 0.2], [0.1, 1.2]], "Received: 1.2 in row 1"),
        ([0, 1, 1], [[0.1, 0.2]], r"Received shapes: \(3,\) and \(2,\)"),
        ([0, 0], [[0.1, 0.2]], "none of the 2 images is malignant"),
    ],
)
def test_bad_input_is_refused_and_named(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(labels, scores)


def test_no_resample_at_all_is_refused():
    with pytest.raises(ValueError, match="resamples=0"):
        paired_bootstrap([0, 1], [[0.1, 0.9]], resamples=0)
